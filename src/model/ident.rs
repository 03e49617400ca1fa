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

    /// The name of a role that lives in a database: two names in one. No name can hold the NUL
    /// between them, so nothing else is ever taken for it.
    pub fn in_database(database: &Ident, name: &Ident) -> Self {
        Self(Arc::from(format!("{database}\0{name}")))
    }

    /// Database and name of a role that lives in a database; `None` for a plain name.
    pub fn in_parts(&self) -> Option<(Ident, Ident)> {
        let (database, name) = self.0.split_once('\0')?;
        Some((Self(Arc::from(database)), Self(Arc::from(name))))
    }

    /// The exact text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_once('\0') {
            Some((database, name)) => write!(f, "{database}.{name}"),
            None => f.write_str(&self.0),
        }
    }
}

impl fmt::Debug for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from(self.clone()))
    }
}

impl TryFrom<String> for Ident {
    type Error = IdentError;
    /// As it was written: a plain name as it is, one of two parts as `"database"."name"`. A plain name
    /// that begins with a quote is quoted itself.
    fn try_from(value: String) -> Result<Self, Self::Error> {
        if !value.starts_with('"') {
            return Self::new(value);
        }
        let wrong = || IdentError::Quotes(value.clone());
        let (first, rest) = unquoted(&value[1..]).ok_or_else(wrong)?;
        match rest.strip_prefix(".\"") {
            None if rest.is_empty() => Self::new(first),
            None => Err(wrong()),
            Some(rest) => match unquoted(rest).ok_or_else(wrong)? {
                (second, "") => Ok(Self::in_database(&Self::new(first)?, &Self::new(second)?)),
                _ => Err(wrong()),
            },
        }
    }
}

/// A quoted part, without its first quote, and what follows it.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut rest = quoted;
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                part.push('"');
                rest = more;
            }
            None => return Some((part, after)),
        }
    }
}

impl From<Ident> for String {
    fn from(value: Ident) -> Self {
        let quoted = |part: &str| format!("\"{}\"", part.replace('"', "\"\""));
        match value.0.split_once('\0') {
            Some((database, name)) => format!("{}.{}", quoted(database), quoted(name)),
            None if value.0.starts_with('"') => quoted(&value.0),
            None => value.0.as_ref().to_owned(),
        }
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
    fn a_role_of_a_database_has_two_names_and_is_no_other() {
        let id = |name| Ident::new(name).unwrap();
        let role = Ident::in_database(&id("D.x"), &id("R"));
        assert_eq!(role.in_parts(), Some((id("D.x"), id("R"))));
        assert_eq!(role.to_string(), "D.x.R");
        assert_ne!(role, id("D.x.R"));
        assert_eq!(id("D.x.R").in_parts(), None);
        assert_eq!(String::from(role), r#""D.x"."R""#);
        for broken in
            ["a\0b", "\"", "\"a", "\"a\"b", "\"a\".", "\"a\".b", r#""a"."b"."c""#, r#"""."b""#]
        {
            assert!(Ident::try_from(broken.to_owned()).is_err(), "{broken}");
        }
    }

    #[test]
    fn every_name_is_read_back_from_what_is_written_of_it() {
        let names = ["R", "a.b", "\"", "\"a\"", r#""a"."b""#, r#"a"."b"#, "x\"y", "\".\""];
        let names = names.map(|name| Ident::new(name).unwrap());
        let mut written = std::collections::BTreeSet::new();
        for first in &names {
            let in_databases = names.iter().map(|name| Ident::in_database(first, name));
            for name in in_databases.chain([first.clone()]) {
                let json = serde_json::to_string(&name).unwrap();
                assert_eq!(serde_json::from_str::<Ident>(&json).unwrap(), name, "{json}");
                assert!(written.insert(json.clone()), "{json} is two names");
            }
        }
    }

    #[test]
    fn a_name_is_kept_to_the_letter() {
        for name in ["a", "A b", "x\"y", "ünï", "🦀", "a.b", "'"] {
            assert_eq!(Ident::new(name).unwrap().as_str(), name);
        }
    }
}
