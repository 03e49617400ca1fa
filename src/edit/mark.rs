//! What became of a request, written into its file; every other byte stays.

use super::splice::{self, Unfit};
use super::tree::{self, Kind};
use super::{quoted, scalar};
use crate::config::Decision;

/// The text with another state, and who decided.
///
/// # Errors
/// It is no file with keys in lines of their own.
pub fn mark(text: &str, state: &str, decision: &Decision) -> Result<String, &'static str> {
    let (mark, rest) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    marked(rest, state, decision).map(|edited| format!("{mark}{edited}"))
}

fn marked(text: &str, state: &str, decision: &Decision) -> Result<String, Unfit> {
    let root = tree::parse(text)?.ok_or("it is empty")?;
    let Kind::Map { flow: false, pairs } = &root.kind else {
        return Err("its keys stand in braces");
    };
    let is_state =
        |key: &tree::Tree| matches!(&key.kind, Kind::Text(Some(text)) if text == "state");
    let (_, value) = pairs.iter().find(|(key, _)| is_state(key)).ok_or("it has no `state`")?;
    if !matches!(value.kind, Kind::Text(Some(_))) {
        return Err("its `state` is no word");
    }
    let eol = splice::line_end(text);
    // What was decided before is said anew; from the last on, so that places stay.
    let mut edits = vec![(value.at.clone(), state)];
    for (key, value) in pairs {
        let Kind::Text(Some(name)) = &key.kind else { continue };
        if ["decided_by", "decided_at", "because"].contains(&name.as_str()) {
            edits.push((splice::lines(text, key.at.start..value.at.end), ""));
        }
    }
    edits.sort_by_key(|(at, _)| std::cmp::Reverse(at.start));
    let mut out = text.to_owned();
    for (at, new) in edits {
        out = splice::replace(&out, at, new);
    }
    if !out.ends_with(['\n', '\r']) {
        out.push_str(eol);
    }
    let Decision { by, at, because } = decision;
    out.push_str(&format!("decided_by: {}{eol}", scalar(by)));
    if let Some(at) = at {
        out.push_str(&format!("decided_at: {}{eol}", super::day(at)));
    }
    if let Some(because) = because {
        out.push_str(&format!("because: {}{eol}", quoted(because)));
    }
    Ok(out)
}
