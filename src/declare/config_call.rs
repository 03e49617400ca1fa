//! A block in the `config()` call of a model's own file: found by its text, since only dbt can run
//! the template around it.

use std::ops::Range;

/// What a call says about us.
pub(super) struct Block {
    /// Of the key, from 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// From the word to the end of the call, in bytes.
    rest: Range<usize>,
    /// The file with its Jinja comments blanked out, byte for byte.
    clean: String,
}

/// The first `config(…)` that has the key, quoted or as a keyword.
pub(super) fn find(text: &str, key: &str) -> Option<Block> {
    let clean = without_comments(text);
    let mut from = 0;
    while let Some(found) = clean[from..].find("config") {
        let start = from + found + "config".len();
        from = start;
        let Some(end) = call_end(&clean[start..]).map(|length| start + length) else { continue };
        let Some(at) = key_in(&clean[start..end], key).map(|at| start + at) else { continue };
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

/// The key, quoted or as `key=`.
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
    let call = text[opening..].starts_with('(').then(|| &text[opening..])?;
    let mut closing =
        outside_quotes(call).filter(|(_, c, depth)| *depth == 0 && matches!(c, ')' | ']' | '}'));
    closing.next().map(|(at, _, _)| opening + at + 1)
}

/// The signs of a text outside its quotes, each with how many brackets it stands in: an opening and its
/// closing bracket stand in equally many, and one that nothing has opened in fewer than none.
fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char, isize)> {
    let (mut depth, mut quote, mut escaped) = (0_isize, None, false);
    text.char_indices().filter_map(move |(at, c)| {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => {
                depth += 1;
                return Some((at, c, depth - 1));
            }
            (None, ')' | ']' | '}') => {
                depth -= 1;
                return Some((at, c, depth));
            }
            (None, _) => return Some((at, c, depth)),
        }
        None
    })
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

/// A key of a `config(…)` with its value, in bytes from its first sign to the value's last, and the
/// value; `None` where there is none, or it is not written out.
pub(crate) fn value(text: &str, key: &str) -> Option<(Range<usize>, serde_json::Value)> {
    let block = find(text, key)?;
    let rest = block.clean.get(block.rest.clone())?;
    let name = rest.trim_start_matches(['"', '\'']).get(key.len()..)?;
    let name = name.trim_start_matches(['"', '\'']).trim_start();
    let written = name.strip_prefix([':', '='])?.trim_start();
    let start = block.rest.end - written.len();
    let end = start + value_end(written)?;
    let source = text.get(start..end)?;
    if !is_literal(&format!("(x={source})")) {
        return None;
    }
    let engine = minijinja::Environment::new();
    let value = engine.compile_expression(source).ok()?.eval(()).ok()?;
    Some((block.rest.start..end, to_json(&value)?))
}

/// A literal's value as JSON.
fn to_json(value: &minijinja::Value) -> Option<serde_json::Value> {
    use minijinja::value::ValueKind::{Bool, Map, None as Nothing, Number, Seq, String};
    Some(match value.kind() {
        Nothing => serde_json::Value::Null,
        Bool => value.is_true().into(),
        Number => serde_json::from_str(&value.to_string()).ok()?,
        String => value.as_str()?.into(),
        Seq => value.try_iter().ok()?.map(|item| to_json(&item)).collect::<Option<_>>()?,
        Map => {
            let mut object = serde_json::Map::new();
            for key in value.try_iter().ok()? {
                let item = value.get_item(&key).ok()?;
                object.insert(key.as_str()?.to_owned(), to_json(&item)?);
            }
            object.into()
        }
        _ => return None,
    })
}

/// Where a value ends: before the comma behind it, or the bracket that it stands in.
fn value_end(text: &str) -> Option<usize> {
    let mut ends =
        outside_quotes(text).filter(|(_, c, depth)| *depth < 0 || (*depth, *c) == (0, ','));
    let (end, _, _) = ends.next()?;
    Some(text.get(..end)?.trim_end().len())
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

/// What the calls of `config` in a model say, as far as it can be read from the text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing calls it.
    Nothing,
    /// The calls, with nothing but literals in them.
    Literal(String),
    /// Something in it is made while dbt runs.
    Made,
}

/// Reads all calls of `config`.
pub(crate) fn calls(text: &str) -> Said {
    let clean = without_comments(text);
    let mut said = String::new();
    let mut from = 0;
    while let Some(found) = clean[from..].find("config") {
        let at = from + found;
        let start = at + "config".len();
        from = start;
        let in_word = |c: char| c.is_alphanumeric() || c == '_';
        if clean[..at].ends_with(in_word) || clean[start..].starts_with(in_word) {
            continue;
        }
        // Asking what is configured says nothing.
        if [".get(", ".require("].iter().any(|asks| clean[start..].starts_with(asks)) {
            continue;
        }
        match call_end(&clean[start..]).and_then(|length| clean.get(start..start + length)) {
            Some(call) if is_literal(call) => said.push_str(call),
            _ => return Said::Made,
        }
    }
    if said.is_empty() { Said::Nothing } else { Said::Literal(said) }
}

/// Whether a call's arguments are keywords with quoted texts, numbers, truths, lists and maps.
fn is_literal(call: &str) -> bool {
    let inner = call.trim().strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
    let Some(inner) = inner else { return false };
    let mut bare = String::with_capacity(inner.len());
    let (mut quote, mut escaped) = (None, false);
    for c in inner.chars() {
        match quote {
            _ if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if open == c => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None => bare.push(c),
        }
    }
    let is_plain = |c: char| {
        c.is_alphanumeric()
            || c.is_whitespace()
            || matches!(c, '_' | '=' | ',' | ':' | '.' | '-' | '[' | ']' | '{' | '}')
    };
    if !bare.chars().all(is_plain) {
        return false;
    }
    let words = bare.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'));
    let mut rest = bare.as_str();
    for word in words.filter(|word| !word.is_empty()) {
        let Some(at) = rest.find(word) else { return false };
        rest = rest.get(at + word.len()..).unwrap_or_default();
        let is_keyword = rest.trim_start().starts_with('=');
        let is_value = word.starts_with(|c: char| c.is_ascii_digit())
            || ["true", "false", "none"].contains(&word.to_ascii_lowercase().as_str());
        if !is_keyword && !is_value {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod calls_tests {
    use super::*;

    #[test]
    fn what_is_made_while_dbt_runs_is_not_taken_for_what_stands_there() {
        for made in [
            "{% set m={'role'~'call':{}} %}{{ config(meta=m) }}",
            "{{ config(**k) }}",
            "{{ config(meta=mm()) }}",
            "{{ config(meta={'role'~'call': 1}) }}",
            "{% set c = config %}{{ c(meta={}) }}",
            "{{ config(tags=[var('x')]) }}",
        ] {
            assert_eq!(calls(made), Said::Made, "{made}");
        }
        for literal in [
            "{{ config(materialized='table', tags=[\"a\", 'b'], enabled=true, n=1.5) }}",
            "{{ config(meta={'rolecall': {'grants': {'analyst': ['read']}}}) }}",
        ] {
            assert!(matches!(calls(literal), Said::Literal(_)), "{literal}");
        }
        assert_eq!(calls("select 1 -- {# config(x=y) #} my_config(x)"), Said::Nothing);
        assert_eq!(calls("{{ config.get('x') }}"), Said::Nothing);
    }
}
