//! A block in the `config()` call of a model's own file: found by its text, since only dbt can run
//! the template around it.

use std::ops::Range;

use crate::dbt::KEY;

/// What a call says about us.
pub(super) struct Block {
    /// Of the word `rolecall`, from 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// From the word to the end of the call, in bytes.
    rest: Range<usize>,
    /// The file with its Jinja comments blanked out, byte for byte.
    clean: String,
}

/// The first `config(…)` that has `rolecall` as a quoted key or as a keyword.
pub(super) fn find(text: &str) -> Option<Block> {
    let clean = without_comments(text);
    let mut from = 0;
    while let Some(found) = clean[from..].find("config") {
        let start = from + found + "config".len();
        from = start;
        let Some(end) = call_end(&clean[start..]).map(|length| start + length) else { continue };
        let Some(at) = key_in(&clean[start..end], KEY).map(|at| start + at) else { continue };
        let (line, column) = place(text, at);
        return Some(Block { line, column, rest: at..end, clean });
    }
    None
}

impl Block {
    /// Where a quoted text stands behind the word, if it stands there once.
    pub fn find(&self, text: &str, name: &str) -> Option<(u32, u32)> {
        let rest = self.clean.get(self.rest.clone())?;
        let at = quoted(rest, name)?;
        // Twice is a doubt.
        if quoted(&rest[at + 1..], name).is_some() {
            return None;
        }
        Some(place(text, self.rest.start + at))
    }
}

/// `"name"` or `'name'`, at the quote.
fn quoted(text: &str, name: &str) -> Option<usize> {
    ['"', '\''].into_iter().filter_map(|quote| text.find(&format!("{quote}{name}{quote}"))).min()
}

/// The key, quoted or as `rolecall=`.
fn key_in(call: &str, key: &str) -> Option<usize> {
    let keyword = call.match_indices(key).find(|(at, _)| {
        call[at + key.len()..].trim_start().starts_with('=')
            && !call[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
    });
    quoted(call, key).into_iter().chain(keyword.map(|(at, _)| at)).min()
}

/// How long `(…)` is, brackets of all kinds and quotes minded.
fn call_end(text: &str) -> Option<usize> {
    let opening = text.find(|c: char| !c.is_whitespace())?;
    if !text[opening..].starts_with('(') {
        return None;
    }
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < opening) {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            (None, _) => {}
        }
    }
    None
}

/// Jinja comments as spaces; every byte stays at its place.
fn without_comments(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{#") {
        let end = rest[start..].find("#}").map_or(rest.len(), |end| start + end + 2);
        clean.push_str(&rest[..start]);
        clean.extend(std::iter::repeat_n(' ', end - start));
        rest = &rest[end..];
    }
    clean.push_str(rest);
    clean
}

/// Line and column, from 1, of a byte of `text`.
fn place(text: &str, at: usize) -> (u32, u32) {
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// What the first `config(…)` says from a key on; `None` where none has it.
pub(crate) fn said(text: &str, key: &str) -> Option<String> {
    let clean = without_comments(text);
    let mut from = 0;
    while let Some(found) = clean[from..].find("config") {
        let start = from + found + "config".len();
        from = start;
        let Some(end) = call_end(&clean[start..]).map(|length| start + length) else { continue };
        if let Some(at) = key_in(&clean[start..end], key) {
            return Some(clean[start + at..end].to_owned());
        }
    }
    None
}
