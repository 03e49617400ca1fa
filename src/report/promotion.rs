//! A promotion as text: what the plan for the target leaves out, and what only an ordinary one does.

use std::fmt::Write as _;

use super::findings::one_line;
use crate::plan::Step;
use crate::promote::Skipped;

/// Where access comes from and where it goes.
pub fn head(from: &str, to: &str) -> String {
    format!("Promotion from {} to {}\n\n", one_line(from), one_line(to))
}

/// Where the target has everything.
pub fn nothing(to: &str) -> String {
    format!("Nothing to add: {} has all of it.\n", one_line(to))
}

/// Declared nodes that are not in the target yet.
pub fn skipped(skipped: &[Skipped]) -> String {
    let mut out = String::new();
    if !skipped.is_empty() {
        let _ = writeln!(out, "\nNot in both yet, so they get their access later:");
        for Skipped { node, why } in skipped {
            let _ = writeln!(out, "  {} ({})", one_line(node), one_line(why));
        }
    }
    out
}

/// What an ordinary plan does in the target beyond the promotion.
pub fn beyond(beyond: &[Step], to: &str) -> String {
    let mut out = String::new();
    if !beyond.is_empty() {
        let to = one_line(to);
        let _ =
            writeln!(out, "\nA promotion only adds; an ordinary plan and apply in {to} also does:");
        for step in beyond {
            let _ = writeln!(out, "  {}", one_line(&step.change.brief()));
        }
    }
    out
}
