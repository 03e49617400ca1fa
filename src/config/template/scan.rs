//! What a template holds beyond text, variables, our filters and `if`.

use super::FILTERS;

/// Something in a template that is Jinja, but not the part that names are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign<'t> {
    /// Such as `for` or `set`.
    Statement(&'t str),
    /// `*`.
    Operator(&'t str),
    /// Not one of ours.
    Filter(&'t str),
}

/// Looks through the tags of a template that has been parsed, so that they are known to close.
pub(super) fn foreign_syntax(template: &str) -> Vec<Foreign<'_>> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let tag = &rest[open..];
        let (closing, statement) = match tag.as_bytes().get(1) {
            Some(b'{') => ("}}", false),
            Some(b'%') => ("%}", true),
            Some(b'#') => ("#}", false),
            _ => {
                rest = &rest[open + 1..];
                continue;
            }
        };
        let inner = &tag[2..];
        if closing == "#}" {
            rest = inner.find(closing).map_or("", |end| &inner[end + 2..]);
            continue;
        }
        rest = scan_tag(inner, closing, statement, &mut found);
    }
    found
}

/// Goes through one tag up to its end, over the texts in it, and returns what follows it.
fn scan_tag<'t>(
    inner: &'t str,
    closing: &str,
    statement: bool,
    found: &mut Vec<Foreign<'t>>,
) -> &'t str {
    let bytes = inner.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let mut first_word = statement;
    let mut after_pipe = false;
    while at < bytes.len() {
        if inner[at..].starts_with(closing) {
            return &inner[at + closing.len()..];
        }
        let byte = bytes[at];
        if byte == b'"' || byte == b'\'' {
            at += 1;
            while at < bytes.len() && bytes[at] != byte {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            at += 1;
        } else if byte.is_ascii_alphabetic() || byte == b'_' {
            let end = inner[at..]
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .map_or(inner.len(), |length| at + length);
            let word = &inner[at..end];
            if std::mem::take(&mut first_word) && !["if", "elif", "else", "endif"].contains(&word) {
                found.push(Foreign::Statement(word));
            } else if after_pipe && !FILTERS.contains(&word) {
                found.push(Foreign::Filter(word));
            }
            at = end;
        } else {
            // Repeating a text is the one operator that makes much out of little.
            if byte == b'*' {
                found.push(Foreign::Operator(&inner[at..=at]));
            }
            at += inner[at..].chars().next().map_or(1, char::len_utf8);
        }
        // `a | b`: only white space may stand between.
        let space = byte.is_ascii_whitespace();
        after_pipe = byte == b'|' || (after_pipe && space);
        // A text could end beyond a character that was skipped as two bytes.
        while at < bytes.len() && !inner.is_char_boundary(at) {
            at += 1;
        }
    }
    ""
}
