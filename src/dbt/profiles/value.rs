//! A value of `profiles.yml` after rendering. What it holds is never shown: any of them may be a
//! password.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A text, and whether a `DBT_ENV_SECRET_…` variable is in it.
#[derive(Clone)]
pub struct Text {
    value: SecretString,
    secret: bool,
}

impl Text {
    /// A text without such a variable in it.
    pub fn open(value: impl Into<String>) -> Self {
        Self { value: SecretString::from(value.into()), secret: false }
    }

    /// A text with such a variable in it.
    pub fn secret(value: impl Into<String>) -> Self {
        Self { value: SecretString::from(value.into()), secret: true }
    }

    /// The text itself: for connecting, not for showing.
    pub fn expose(&self) -> &str {
        self.value.expose_secret()
    }

    /// Whether it may not be shown whatever its key is.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// For keys that are no passwords: the text, or stars as dbt writes them.
    pub fn shown(&self) -> &str {
        if self.secret { "*****" } else { self.expose() }
    }

    /// As a secret that others can hold.
    pub fn into_secret(self) -> SecretString {
        self.value
    }
}

/// As [`Text::shown`]: only put where its key is no password.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[text]")
    }
}

/// A rendered value.
#[derive(Clone)]
pub enum Value {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// A text.
    Text(Text),
    /// A list.
    List(Vec<Value>),
    /// Keys and values.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// What it is, without what it says.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a truth value",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map of keys and values",
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}
