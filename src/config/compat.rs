//! `compat`: the tools whose declarations in dbt's files are read like our own.

use super::reader::{printable, suggest};
use super::{Config, Located};
use crate::model::{Diagnostic, Diagnostics};

/// The tools whose declarations are read.
const TOOLS: [&str; 1] = ["raito"];

/// Adds one entry of `compat`.
pub(super) fn add(config: &mut Config, tool: Located<String>, diagnostics: &mut Diagnostics) {
    if TOOLS.contains(&tool.value.as_str()) {
        config.raito.get_or_insert(tool.place);
        return;
    }
    let what = format!("no declarations of `{}` are read", printable(&tool.value));
    diagnostics.push(
        Diagnostic::error("unknown-compat", what)
            .with_help(suggest(&tool.value, TOOLS, ""))
            .with_place(tool.place),
    );
}
