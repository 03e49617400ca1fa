//! Reading a name as a person writes it.

use crate::model::{Ident, IdentError};

/// Folds `written`: a quoted text is exact with inner quotes undone; a text for which
/// `stands_unquoted` holds is folded by `fold_letter`; any other is exact.
pub(super) fn fold(
    written: &str,
    stands_unquoted: impl Fn(&str) -> bool,
    fold_letter: impl Fn(char) -> char,
) -> Result<Ident, IdentError> {
    if written.starts_with('"') {
        return unquote(written);
    }
    if stands_unquoted(written) {
        Ident::new(written.chars().map(fold_letter).collect::<String>())
    } else {
        Ident::new(written)
    }
}

fn unquote(written: &str) -> Result<Ident, IdentError> {
    let wrong = || IdentError::Quotes(written.to_owned());
    let inner =
        written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(wrong)?;
    let mut exact = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        if character == '"' && characters.next() != Some('"') {
            return Err(wrong());
        }
        exact.push(character);
    }
    Ident::new(exact)
}
