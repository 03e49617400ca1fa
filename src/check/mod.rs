//! Proof that access is as it was meant: access tests, and built-in checks, one in each file.
//!
//! Pure: an [`AccessState`](crate::effect::AccessState) is passed in, of a server, of the declarations
//! alone, or after a plan.

mod access;
mod by_dbt;
mod declared;
mod empty_role;
mod ends_soon;
mod example;
mod finding;
mod future_grant_shadowed;
mod granted_to_public;
mod lineage;
mod look;
mod meta_shadowed;
mod page;
mod permission;
mod pii_leak;
mod pii_without_reason;
mod reach;
mod self_admitted;
mod suppress;
mod unfinished_product;
mod unjudged;
mod view_opens_more;
mod write_in_protected;

use crate::config::checks::Level;
use crate::model::{Diagnostic, Diagnostics, Severity};

pub use access::{Judged, Verdict};
pub use by_dbt::some;
pub use example::{BASE, Example};
pub use finding::{Finding, Subject, Suppressed, Witness};
pub use lineage::{behind_dbt_s_view, read_by_dbt_s_views};
pub use look::{Look, World, unseen};
pub use page::page;

/// The code of an access test that fails.
pub const ACCESS_TEST: &str = "access-test";

/// A built-in check.
pub struct Check {
    /// Stable, in kebab case.
    pub code: &'static str,
    /// In a few words.
    pub title: &'static str,
    /// How loud it is, where nobody says anything.
    pub level: Level,
    /// What it looks for, and why.
    pub description: &'static str,
    /// What to do.
    pub help: &'static str,
    /// What it finds, and nothing else does.
    pub bad: Example,
    /// What it does not find.
    pub good: Example,
    run: for<'a> fn(&World<'a>) -> Vec<Finding<'a>>,
}

/// All of them, by code.
pub const ALL: [&Check; 11] = [
    &empty_role::CHECK,
    &ends_soon::CHECK,
    &future_grant_shadowed::CHECK,
    &granted_to_public::CHECK,
    &meta_shadowed::CHECK,
    &pii_leak::CHECK,
    &pii_without_reason::CHECK,
    &self_admitted::CHECK,
    &unfinished_product::CHECK,
    &view_opens_more::CHECK,
    &write_in_protected::CHECK,
];

/// What all tests and checks came to.
#[derive(Debug)]
pub struct Checked<'a> {
    /// The tests of this environment, by name.
    pub tests: Vec<Judged<'a>>,
    /// Tests that fail and what checks found, sorted; suppressed ones too.
    pub findings: Vec<Finding<'a>>,
    /// What could not be judged (errors), and what was noticed (warnings).
    pub found: Diagnostics,
}

impl Checked<'_> {
    /// Whether a test or an error-level check fails.
    pub fn fails(&self) -> bool {
        self.failing().next().is_some()
    }

    /// The findings that fail it.
    pub fn failing(&self) -> impl Iterator<Item = &Finding<'_>> {
        let counts = |it: &&Finding<'_>| {
            it.suppressed.is_none() && it.diagnostic.severity == Severity::Error
        };
        self.findings.iter().filter(counts)
    }
}

/// Asks all tests and all checks that are not off.
pub fn check<'a>(world: &World<'a>) -> Checked<'a> {
    let (tests, mut found) = access::judge(world);
    let environment = world.project.environment.as_str();
    let checks = &world.project.config.checks;
    let mut findings: Vec<Finding<'a>> = tests.iter().filter_map(Judged::finding).collect();
    for check in ALL {
        let severity = match checks.level(check.code, environment, check.level) {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
            Level::Off => continue,
        };
        for mut finding in (check.run)(world) {
            let help = finding.diagnostic.help.take().unwrap_or_else(|| check.help.to_owned());
            let diagnostic = Diagnostic { severity, help: Some(help), ..finding.diagnostic };
            findings.push(Finding { diagnostic, ..finding });
        }
    }
    found.extend(suppress::apply(world, &mut findings));
    findings.sort_by(|a, b| a.order().cmp(&b.order()));
    findings.dedup_by(|a, b| a.order() == b.order() && a.subject == b.subject);
    Checked { tests, findings, found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_that_files_may_name_are_those_of_the_checks() {
        let codes = ALL.map(|check| check.code);
        assert_eq!(codes, crate::config::checks::CODES);
        assert!(codes.is_sorted());
    }
}
