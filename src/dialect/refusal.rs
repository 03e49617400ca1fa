//! Why something cannot be written, before the change it belongs to is known.

use super::StatementError;
use crate::model::PrivilegeSet;

/// A [`StatementError`] that does not yet know its change.
#[derive(Debug)]
pub(super) struct Refusal {
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Blames the change at this place of the list.
    pub(super) fn at(self, change: usize) -> StatementError {
        StatementError { code: self.code, change, message: self.message }
    }
}

/// Privileges as words. A statement without any would not parse, or mean something else.
pub(super) fn privileges(set: PrivilegeSet) -> Result<Vec<String>, Refusal> {
    if set.is_empty() {
        return Err(Refusal::new("no-privilege", "a change without any privilege"));
    }
    Ok(set.iter().map(|privilege| privilege.as_str().to_owned()).collect())
}

/// The argument types of a routine, as the server prints them. They are the one text that goes
/// into a statement unquoted, so nothing is let through but names (quoted ones whole), commas,
/// dots, brackets, and parentheses that close within it where the dialect prints any.
pub(super) fn signature(text: &str, parentheses: bool) -> Result<&str, Refusal> {
    let mut inside_quotes = false;
    let mut fine = !text.contains('\0');
    let mut depth = 0_usize;
    for character in text.chars() {
        match character {
            '"' => inside_quotes = !inside_quotes,
            _ if inside_quotes => {}
            '(' if parentheses => depth += 1,
            ')' if parentheses && depth > 0 => depth -= 1,
            _ => fine &= character.is_ascii_alphanumeric() || " _,.[]".contains(character),
        }
    }
    if fine && depth == 0 && !inside_quotes {
        return Ok(text);
    }
    let message = format!("{text:?} is not a list of types as the server prints one");
    Err(Refusal::new("bad-signature", message))
}
