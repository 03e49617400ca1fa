//! A name exactly as the warehouse stores it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of one object, role or person, exactly as the warehouse stores it: already folded,
/// without quotes. Never put into a statement except through a dialect's quoting function.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ident(Arc<str>);

/// Why a text cannot be a name in any warehouse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentError {
    /// The empty text.
    #[error("a name may not be empty")]
    Empty,
    /// Holds U+0000, which no warehouse can store.
    #[error("the name {0:?} holds a NUL character, which no warehouse can store")]
    Nul(String),
    /// Begins with a double quote without being a whole quoted name.
    #[error(
        "the name {0:?} begins with a double quote but is not one whole quoted name; close it, and write quotes inside it twice"
    )]
    Quotes(String),
}

impl Ident {
    /// Takes an exact name. Folding is the dialect's work and has been done by now.
    pub fn new(exact: impl AsRef<str>) -> Result<Self, IdentError> {
        let exact = exact.as_ref();
        if exact.is_empty() {
            Err(IdentError::Empty)
        } else if exact.contains('\0') {
            Err(IdentError::Nul(exact.to_owned()))
        } else {
            Ok(Self(Arc::from(exact)))
        }
    }

    /// The exact text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl TryFrom<String> for Ident {
    type Error = IdentError;
    fn try_from(value: String) -> Result<Self, Self::Error> {
        Self::new(value)
    }
}

impl From<Ident> for String {
    fn from(value: Ident) -> Self {
        value.0.as_ref().to_owned()
    }
}

impl std::borrow::Borrow<str> for Ident {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_name_and_a_nul_are_refused() {
        assert_eq!(Ident::new(""), Err(IdentError::Empty));
        assert!(matches!(Ident::new("a\0b"), Err(IdentError::Nul(_))));
    }

    #[test]
    fn a_name_is_kept_to_the_letter() {
        for name in ["a", "A b", "x\"y", "ünï", "🦀", "a.b", "'"] {
            assert_eq!(Ident::new(name).unwrap().as_str(), name);
        }
    }
}
