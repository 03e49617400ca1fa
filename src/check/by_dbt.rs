//! What dbt grants that no declaration tells.

use crate::model::{DesiredState, Diagnostic};
use crate::project::Project;

/// What dbt itself grants by its hooks, or by `grants` that could be any SQL.
pub(super) fn not_judged(project: &Project, desired: &DesiredState) -> Option<Diagnostic> {
    let hooks = project.manifest.granting_hooks.keys();
    let hooks = some(hooks).map(|hooks| format!("what the hooks of {hooks} grant"));
    let unread = some(desired.unread_of_dbt.iter());
    let unread = unread.map(|unread| format!("dbt's own `grants` of {unread}"));
    let all: Vec<String> = hooks.into_iter().chain(unread).collect();
    if all.is_empty() {
        return None;
    }
    let message = format!("not judged by the declarations alone: {}", all.join("; and "));
    let help = "ask the warehouse, once dbt has run: `rolecall check` without --declared";
    Some(Diagnostic::warning("dbt-not-judged", message).with_help(help))
}

/// The first few of them.
pub fn some<'n>(names: impl Iterator<Item = &'n String>) -> Option<String> {
    let names: Vec<&str> = names.map(String::as_str).collect();
    let more = names.len().saturating_sub(5);
    let shown = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    match more {
        _ if names.is_empty() => None,
        0 => Some(shown),
        more => Some(format!("{shown} and {more} more")),
    }
}
