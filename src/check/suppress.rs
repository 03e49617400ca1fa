//! Findings that somebody has looked at.

use super::finding::{Finding, Subject, Suppressed};
use super::look::World;
use crate::config::checks::Suppression;
use crate::model::{Diagnostic, Diagnostics};

/// Marks what is suppressed. One that has ended is said at what counts again; one that fits nothing is
/// said itself, while it holds.
pub(super) fn apply(world: &World<'_>, findings: &mut [Finding<'_>]) -> Diagnostics {
    let project = world.project;
    let mut found = Diagnostics::default();
    for suppression in &project.config.checks.suppressions {
        let environments = &suppression.environments;
        let here = environments.is_empty()
            || environments.iter().any(|named| named.value == project.environment);
        if !here {
            continue;
        }
        let has_ended = suppression.ends <= project.as_of;
        let mut fits_any = false;
        for finding in findings.iter_mut().filter(|finding| fits(suppression, finding)) {
            fits_any = true;
            let until = suppression.until.value.clone();
            if has_ended {
                let note = format!(
                    "it was suppressed until {until} ({}), and counts again",
                    crate::report::findings::where_is(&suppression.place)
                );
                finding.notes.push(note);
            } else {
                let place = suppression.place.clone();
                let reason = suppression.reason.clone();
                finding.suppressed.get_or_insert(Suppressed { place, reason, until });
            }
        }
        if !fits_any {
            let what = format!("it suppresses nothing that {} finds", suppression.check.value);
            found.push(
                Diagnostic::warning("unused-suppression", what)
                    .with_place(suppression.place.clone())
                    .with_help(
                        "take it out: what it was for is mended, or it names something else",
                    ),
            );
        }
    }
    found
}

fn fits(suppression: &Suppression, finding: &Finding<'_>) -> bool {
    let Suppression { check, node, role, product, user, .. } = suppression;
    let Subject { node: of_node, role: roles, product: of_product, user: of_user, .. } =
        &finding.subject;
    let is_node = |wanted: &str| {
        of_node.as_ref().is_some_and(|id| id == wanted || id.splitn(3, '.').nth(2) == Some(wanted))
    };
    check.value == finding.diagnostic.code
        && node.as_ref().is_none_or(|it| is_node(&it.value))
        && role.as_ref().is_none_or(|it| roles.contains(&it.value))
        && product.as_ref().is_none_or(|it| of_product.as_ref() == Some(&it.value))
        && user.as_ref().is_none_or(|it| of_user.as_ref() == Some(&it.value))
}
