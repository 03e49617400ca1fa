//! Which roles are imported.

use std::collections::BTreeSet;

use crate::dialect::Dialect;
use crate::model::{DialectKind, Ident, MarkerReading, ObservedState};

/// The roles that are imported, and why others are not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// Those that are.
    pub chosen: BTreeSet<Ident>,
    /// Those that were asked for by a pattern, or are no users and no system's, and are not; with
    /// why.
    pub passed_over: Vec<(Ident, String)>,
    /// Patterns that fit no role at all.
    pub unfit: Vec<String>,
}

/// Chooses among all roles of a server. Without patterns, those that nobody logs in with and nobody
/// manages yet; with patterns, those whose names fit one, whoever logs in with them.
///
/// `members` are users and groups that the configuration names as such: they stay what they are.
///
/// `*` in a pattern stands for any run of characters; case counts where the server's names have it.
pub fn choose(
    state: &ObservedState,
    dialect: &dyn Dialect,
    patterns: &[String],
    deploy_role: Option<&Ident>,
    members: &BTreeSet<Ident>,
) -> Choice {
    let mut choice = Choice::default();
    let folds = dialect.kind() == DialectKind::Snowflake;
    let is_meant = |name: &Ident, pattern: &String| fits(name.as_str(), pattern, folds);
    for pattern in patterns {
        if !state.roles.keys().any(|name| is_meant(name, pattern)) {
            choice.unfit.push(pattern.clone());
        }
    }
    for (name, role) in &state.roles {
        let is_asked_for = patterns.iter().any(|pattern| is_meant(name, pattern));
        if !is_asked_for && !patterns.is_empty() {
            continue;
        }
        let mut pass = |why: String| choice.passed_over.push((name.clone(), why));
        match &role.marker {
            _ if dialect.reserved(name).is_some() => {
                // Nobody asks for all of the server's own.
                if patterns.iter().any(|pattern| !pattern.contains('*') && is_meant(name, pattern))
                {
                    pass(dialect.reserved(name).unwrap_or_default().to_owned());
                }
            }
            MarkerReading::Marker(marker) => pass(format!(
                "it is managed already: {} of the deployment {}",
                marker.whose(),
                marker.deployment
            )),
            MarkerReading::Unreadable(_) => {
                pass("its comment is a marker that cannot be read".to_owned());
            }
            MarkerReading::None if *name == state.server.acting_as => {
                pass("it is the role that this session runs as".to_owned());
            }
            MarkerReading::None if deploy_role == Some(name) => {
                pass("it is the environment's deploy_role".to_owned());
            }
            MarkerReading::None if role.attributes.superuser => {
                if is_asked_for {
                    pass("it is a superuser, who may do everything anyway".to_owned());
                }
            }
            MarkerReading::None if members.contains(name) => {
                if !role.attributes.login || is_asked_for {
                    pass(
                        "the configuration names it as a user or a group, and it stays one"
                            .to_owned(),
                    );
                }
            }
            MarkerReading::None if !super::sayable(name) => {
                pass("a playbook cannot write its name".to_owned());
            }
            MarkerReading::None if name.in_parts().is_some() => {
                pass("it is a database role".to_owned());
            }
            // A user, to whom nothing should be granted by itself.
            MarkerReading::None if role.attributes.login && !is_asked_for => {}
            MarkerReading::None => {
                choice.chosen.insert(name.clone());
            }
        }
    }
    choice
}

/// Whether a role is asked for: by a pattern, or by none, which asks for all.
pub fn is_asked_for(name: &Ident, dialect: &dyn Dialect, patterns: &[String]) -> bool {
    let folds = dialect.kind() == DialectKind::Snowflake;
    patterns.is_empty() || patterns.iter().any(|pattern| fits(name.as_str(), pattern, folds))
}

/// Whether a name fits a pattern in which `*` is any run.
fn fits(name: &str, pattern: &str, folds: bool) -> bool {
    let same = |one: &str, other: &str| match folds {
        true => one.eq_ignore_ascii_case(other),
        false => one == other,
    };
    let parts: Vec<&str> = pattern.split('*').collect();
    let [first, between @ .., last] = parts.as_slice() else { return same(name, pattern) };
    if name.len() < first.len() + last.len() {
        return false;
    }
    let (Some(start), Some(end)) = (name.get(..first.len()), name.get(name.len() - last.len()..))
    else {
        return false;
    };
    if !same(start, first) || !same(end, last) {
        return false;
    }
    let mut rest = name.get(first.len()..name.len() - last.len()).unwrap_or_default();
    for part in between {
        let found = rest
            .char_indices()
            .map(|(at, _)| at)
            .chain([rest.len()])
            .find(|at| rest.get(*at..at + part.len()).is_some_and(|here| same(here, part)));
        let Some(at) = found else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_is_any_run_and_case_counts_where_it_does() {
        for (name, pattern) in [
            ("a", "a"),
            ("analyst_eu", "analyst*"),
            ("analyst_eu", "*_eu"),
            ("a.b.c", "a*b*c"),
            ("", "*"),
            ("ab", "*a*b*"),
        ] {
            assert!(fits(name, pattern, false), "{name} {pattern}");
        }
        for (name, pattern) in
            [("a", "b"), ("a", "aa"), ("A", "a"), ("ab", "a*b*c"), ("aba", "ab*ba")]
        {
            assert!(!fits(name, pattern, false), "{name} {pattern}");
        }
        assert!(fits("ANALYST", "analyst", true));
        assert!(fits("ü", "*ü*", false) && !fits("ü", "*x*", false));
    }
}
