//! What is not as declared, and what checks have found.

use super::data::{Difference, Drift, Finding};
use super::interned::shown;
use crate::model::{Diagnostic, Severity};
use crate::plan;
use crate::report::{findings::where_is, plan as plan_text};

/// The difference that a plan would end, and what it would leave.
pub fn drift(difference: &plan::Difference) -> Drift {
    let steps = difference.steps.iter().map(|step| {
        let (sign, _, text, why) = plan_text::words(step);
        Difference {
            role: shown(step.change.role().as_str()),
            sign: if sign == "-" { "−" } else { sign },
            takes: step.change.takes_away(),
            text: shown(&text),
            why: shown(why.trim_start_matches("# ")),
        }
    });
    let left = difference.left.iter().map(|plan::Left { role, what, why }| Difference {
        role: shown(role.as_str()),
        sign: "·",
        takes: false,
        text: shown(&format!("left as it is: {what}")),
        why: shown(why),
    });
    Drift { summary: plan_text::summary(&difference.steps), changes: steps.chain(left).collect() }
}

/// One finding.
pub fn finding(found: &Diagnostic) -> Finding {
    let Diagnostic { place, node, path: _, severity, code, message, help, also: _ } = found;
    Finding {
        severity: match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        code: (*code).to_owned(),
        message: shown(message),
        place: place.as_ref().map(|place| shown(&where_is(place))).unwrap_or_default(),
        node: node.as_deref().map(shown).unwrap_or_default(),
        help: help.as_deref().map(shown).unwrap_or_default(),
    }
}
