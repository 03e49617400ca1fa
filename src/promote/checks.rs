//! Access tests and built-in checks, asked of the target as it would be after the promotion.

use super::gates::{Closed, Gate};
use crate::apply::Compared;
use crate::check::{ACCESS_TEST, Finding, Look, World, check, unseen};
use crate::directory::Known;
use crate::effect::AccessState;
use crate::model::{Diagnostic, Diagnostics, Severity};
use crate::project::Project;

const PUBLIC: &str = "granted-to-public";

/// What fails in the target after the plan, and what was not seen: of all that people can do there, or,
/// where that cannot be read, of what the declarations alone would give.
pub(super) fn failing(
    (to, read): (&Project, &Diagnostics),
    known: Known,
    access: Result<Option<AccessState>, String>,
    target: &Compared,
) -> (Vec<Closed>, Option<Diagnostic>) {
    let changes = target.difference.steps.iter().map(|step| &step.change);
    let look = match access {
        Ok(Some(state)) => Look::of(to, known, state.after(changes), read),
        Ok(None) => Look::declared(to, known, read),
        Err(why) => Look::declared(to, known, read).map(|mut look| {
            look.state.unseen.insert(format!("what is declared alone was asked, since {why}"));
            look
        }),
    };
    let look = match look {
        Ok(look) => look,
        Err(found) => return (unjudged(to, &found), None),
    };
    let world = World::of(to, &look);
    let checked = check(&world);
    // What is promoted has a gate of its own; elsewhere PUBLIC counts where somebody says so.
    let said = to.config.checks.settings.contains_key(PUBLIC);
    let failing = checked.failing().filter(|it| said || it.diagnostic.code != PUBLIC);
    let mut closed: Vec<Closed> = failing.map(|finding| fails(to, finding)).collect();
    closed.extend(unjudged(to, &checked.found));
    (closed, unseen(&look.state))
}

fn fails(to: &Project, finding: &Finding<'_>) -> Closed {
    let diagnostic = &finding.diagnostic;
    let gate = if diagnostic.code == ACCESS_TEST { Gate::AccessTest } else { Gate::Check };
    let names: Vec<String> = finding.witnesses.iter().map(|it| it.who.to_string()).collect();
    let whom = match (names.is_empty(), finding.more) {
        (true, _) => String::new(),
        (false, 0) => format!(": {}", names.join(", ")),
        (false, more) => format!(": {} and {more} more", names.join(", ")),
    };
    let code = diagnostic.code;
    let help = diagnostic.help.clone().unwrap_or_default();
    Closed {
        gate,
        message: format!("after it, in {}: {}{whom} ({code})", to.environment, diagnostic.message),
        help: format!(
            "{help}; `rolecall check --target {}` tells what is there now",
            to.environment
        ),
    }
}

/// What cannot be judged proves nothing.
fn unjudged(to: &Project, found: &Diagnostics) -> Vec<Closed> {
    let errors = found.iter().filter(|it| it.severity == Severity::Error);
    let closed = errors.map(|error| Closed {
        gate: Gate::AccessTest,
        message: format!("in {}: {} ({})", to.environment, error.message, error.code),
        help: error.help.clone().unwrap_or_else(|| "mend it first".to_owned()),
    });
    closed.collect()
}
