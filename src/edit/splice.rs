//! One entry into a text or out of it; every other byte stays.

use std::ops::Range;

use super::tree::{self, Kind, Tree};

/// Why a text is not edited.
pub(super) type Unfit = &'static str;

/// The text with an entry at the end of a role's list. `block` is how it is written in lines of its
/// own, `flow` how it is written within brackets.
pub(super) fn add(text: &str, role: &str, block: &str, flow: &str) -> Result<String, Unfit> {
    let eol = line_end(text);
    let Some(root) = tree::parse(text)? else { return Ok(append(text, role, block, eol)) };
    let value = match &root.kind {
        Kind::Map { flow: false, pairs } => match find(pairs, role) {
            Some(value) => value,
            None => return Ok(append(text, role, block, eol)),
        },
        Kind::Map { flow: true, .. } => return Err("its roles stand in braces"),
        _ => return Err("it is no map of roles"),
    };
    match &value.kind {
        Kind::Text(None) => {
            let at = end_of_line(text, value.at.start);
            Ok(insert(text, at, &format!("{eol}  - {block}")))
        }
        Kind::Text(Some(_)) => Ok(replace(text, value.at.clone(), &format!("[{flow}]"))),
        Kind::List { flow: true, items } => Ok(match items.last() {
            Some(last) => insert(text, last.at.end, &format!(", {flow}")),
            None => insert(text, value.at.start + 1, flow),
        }),
        Kind::List { flow: false, items } => {
            let last = items.last().ok_or("a list without an entry")?;
            let dash = dash_of(text, last)?;
            let line = start_of_line(text, dash);
            let indent = text.get(line..dash).unwrap_or_default();
            let at = end_of_line(text, last.at.end);
            Ok(insert(text, at, &format!("{eol}{indent}- {block}")))
        }
        Kind::Map { .. } | Kind::Alias => Err("the role has no list"),
    }
}

/// The text without one entry of a role, by its number from 0.
pub(super) fn remove(text: &str, role: &str, number: usize) -> Result<String, Unfit> {
    let root = tree::parse(text)?.ok_or("it is empty")?;
    let Kind::Map { pairs, .. } = &root.kind else { return Err("it is no map of roles") };
    let value = find(pairs, role).ok_or("the role is not in it")?;
    let Kind::List { flow, items } = &value.kind else { return Err("the role has no list") };
    let item = items.get(number).ok_or("the entry is not in it")?;
    if *flow {
        let from = match number.checked_sub(1).and_then(|before| items.get(before)) {
            Some(before) if items.get(number + 1).is_none() => before.at.end,
            _ => item.at.start,
        };
        let to = match items.get(number + 1) {
            Some(after) => after.at.start,
            None if items.len() == 1 => after_comma(text, item.at.end),
            None => item.at.end,
        };
        return Ok(replace(text, from..to, ""));
    }
    let dash = dash_of(text, item)?;
    let line = start_of_line(text, dash);
    let end = end_of_line(text, item.at.end);
    // With the break before it, as it was written; the first line goes with the break after it.
    let range = match before_break(text, line) {
        Some(before) => before..end,
        None => line..after_break(text, end),
    };
    Ok(replace(text, range, ""))
}

/// The whole lines of a range, with the break after them.
pub(super) fn lines(text: &str, at: std::ops::Range<usize>) -> std::ops::Range<usize> {
    start_of_line(text, at.start)..after_break(text, end_of_line(text, at.end))
}

fn find<'t>(pairs: &'t [(Tree, Tree)], role: &str) -> Option<&'t Tree> {
    let is_it = |key: &Tree| matches!(&key.kind, Kind::Text(Some(text)) if text == role);
    pairs.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value)
}

fn append(text: &str, role: &str, block: &str, eol: &str) -> String {
    let gap = if text.is_empty() || text.ends_with(['\n', '\r']) { "" } else { eol };
    format!("{text}{gap}{role}:{eol}  - {block}{eol}")
}

/// The dash of an entry of a list of lines: alone before it.
fn dash_of(text: &str, item: &Tree) -> Result<usize, Unfit> {
    const LOST: &str = "an entry does not begin behind its dash";
    let before = text.get(..item.at.start).ok_or(LOST)?;
    let dash = before.trim_end_matches(' ').len().checked_sub(1).ok_or(LOST)?;
    let line = start_of_line(text, dash);
    let is_alone = text.get(line..dash).is_some_and(|indent| indent.trim().is_empty());
    if text.as_bytes().get(dash) == Some(&b'-') && is_alone { Ok(dash) } else { Err(LOST) }
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn start_of_line(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before.iter().rposition(|byte| is_break(*byte)).map_or(0, |at| at + 1)
}

fn end_of_line(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| is_break(*byte)).unwrap_or(rest.len())
}

/// Where the break begins that ends the line before; `None` for the first line.
fn before_break(text: &str, line: usize) -> Option<usize> {
    let before = text.get(..line)?;
    let cut = before.strip_suffix("\r\n").or_else(|| before.strip_suffix(['\n', '\r']))?;
    Some(cut.len())
}

fn after_break(text: &str, end: usize) -> usize {
    let rest = text.get(end..).unwrap_or_default();
    let cut = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\n', '\r']));
    cut.map_or(end, |cut| text.len() - cut.len())
}

/// Behind a comma after the only entry.
fn after_comma(text: &str, end: usize) -> usize {
    let rest = text.get(end..).unwrap_or_default();
    rest.trim_start().strip_prefix(',').map_or(end, |cut| text.len() - cut.len())
}

/// How the file ends its lines.
pub(super) fn line_end(text: &str) -> &'static str {
    match text.find(['\n', '\r']) {
        Some(at) if text[at..].starts_with("\r\n") => "\r\n",
        Some(at) if text[at..].starts_with('\r') => "\r",
        _ => "\n",
    }
}

fn insert(text: &str, at: usize, new: &str) -> String {
    replace(text, at..at, new)
}

pub(super) fn replace(text: &str, range: Range<usize>, new: &str) -> String {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    format!("{before}{new}{after}")
}
