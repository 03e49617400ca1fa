//! The keys of one output, each read once and as the type that its adapter wants.

use super::value::{Text, Value};
use crate::model::diagnostic::nearest;
use crate::model::{Diagnostic, Diagnostics, Place};

/// One key of an output.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub key: String,
    pub value: Value,
    pub place: Place,
}

/// Keys whose values are never shown.
pub(super) const HIDDEN: &[&str] =
    &["password", "pass", "private_key", "private_key_passphrase", "token", "oauth_client_secret"];

/// Reads the keys of one output.
pub(super) struct Fields<'f> {
    /// What it is called in messages: `the output dev of profile shop`.
    of: String,
    place: Place,
    fields: &'f [Field],
    asked: Vec<&'static str>,
    /// What was wrong so far.
    pub found: Diagnostics,
}

impl<'f> Fields<'f> {
    pub fn new(of: String, place: Place, fields: &'f [Field]) -> Self {
        Self { of, place, fields, asked: Vec::new(), found: Diagnostics::default() }
    }

    /// The field of a key or of one of its other names; nothing counts as left out.
    fn get(&mut self, names: &[&'static str]) -> Option<&'f Field> {
        self.asked.extend(names);
        let mut there = self.fields.iter().filter(|field| names.contains(&field.key.as_str()));
        let first = there.next()?;
        if let Some(second) = there.next() {
            self.found.push(
                Diagnostic::error(
                    "invalid-profile",
                    format!("`{}` and `{}` are the same key", first.key, second.key),
                )
                .with_help("keep one of the two")
                .with_place(second.place.clone())
                .with_also(first.place.clone(), "first said here"),
            );
        }
        (!matches!(first.value, Value::Null)).then_some(first)
    }

    fn wrong(&mut self, field: &Field, wanted: &str, help: &str) {
        let Field { key, value, place } = field;
        let shown = match value {
            Value::Text(text) if !text.is_secret() && !HIDDEN.contains(&key.as_str()) => {
                let short: String = text.expose().chars().take(40).collect();
                format!("the text {short:?}")
            }
            other => other.kind().to_owned(),
        };
        self.found.push(
            Diagnostic::error(
                "invalid-profile",
                format!("`{key}` of {} must be {wanted}, not {shown}", self.of),
            )
            .with_help(help)
            .with_place(place.clone()),
        );
    }

    /// What is wrong with a value that was read well.
    pub fn refuse(&mut self, key: &str, message: String, help: String) {
        let field = self.fields.iter().find(|field| field.key == key);
        let place = field.map_or(&self.place, |field| &field.place).clone();
        self.found
            .push(Diagnostic::error("invalid-profile", message).with_help(help).with_place(place));
    }

    /// A text.
    pub fn text(&mut self, names: &[&'static str]) -> Option<Text> {
        let field = self.get(names)?;
        match &field.value {
            Value::Text(text) => Some(text.clone()),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => {
                self.wrong(field, "a text", "put it in quotes");
                None
            }
            _ => {
                self.wrong(field, "a text", QUOTE);
                None
            }
        }
    }

    /// A text that must be there.
    pub fn needed(&mut self, names: &[&'static str]) -> Text {
        let before = self.found.len();
        if let Some(text) = self.text(names) {
            return text;
        }
        self.missing(names, before);
        Text::open("")
    }

    fn missing(&mut self, names: &[&'static str], before: usize) {
        if self.found.len() == before {
            self.found.push(
                Diagnostic::error(
                    "invalid-profile",
                    format!("{} has no `{}`", self.of, names.first().copied().unwrap_or_default()),
                )
                .with_help("dbt needs it too: add the key")
                .with_place(self.place.clone()),
            );
        }
    }

    /// A whole number within bounds.
    pub fn number(&mut self, key: &'static str, most: i64) -> Option<i64> {
        const HELP: &str = "write a number, or \"{{ env_var('NAME') | as_number }}\"";
        let field = self.get(&[key])?;
        let wanted = format!("a whole number from 0 to {most}");
        let number = match &field.value {
            Value::Int(number) => *number,
            #[allow(clippy::cast_possible_truncation)]
            Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => *number as i64,
            _ => {
                self.wrong(field, &wanted, HELP);
                return None;
            }
        };
        if (0..=most).contains(&number) {
            return Some(number);
        }
        let message = format!("`{key}` of {} is {number}, and must be {wanted}", self.of);
        self.refuse(key, message, "write a number in those bounds".to_owned());
        None
    }

    /// A whole number that must be there.
    pub fn needed_number(&mut self, key: &'static str, most: i64) -> i64 {
        let before = self.found.len();
        if let Some(number) = self.number(key, most) {
            return number;
        }
        self.missing(&[key], before);
        0
    }

    /// A truth value.
    pub fn truth(&mut self, key: &'static str) -> Option<bool> {
        let field = self.get(&[key])?;
        match &field.value {
            Value::Bool(value) => Some(*value),
            // As YAML 1.1, which dbt's reader speaks, has them.
            Value::Text(text) if matches!(text.expose(), "yes" | "Yes" | "on" | "On") => Some(true),
            Value::Text(text) if matches!(text.expose(), "no" | "No" | "off" | "Off") => {
                Some(false)
            }
            _ => {
                self.wrong(
                    field,
                    "true or false",
                    "write true or false, or \"{{ env_var('NAME') | as_bool }}\" of True or False",
                );
                None
            }
        }
    }

    /// A value of any kind.
    pub fn any(&mut self, key: &'static str) -> Option<&'f Value> {
        self.get(&[key]).map(|field| &field.value)
    }

    /// Keys that a connection has no use for.
    pub fn skip(&mut self, names: &[&'static str]) {
        self.asked.extend(names);
    }

    /// What was wrong, and a warning for each key that nobody asked for.
    pub fn finish(mut self) -> Diagnostics {
        for field in self.fields {
            if self.asked.contains(&field.key.as_str()) {
                continue;
            }
            let near = nearest(&field.key, self.asked.iter().copied());
            let help = near.map_or_else(
                || "nothing is done with it".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("{} has a key that is not known: `{}`", self.of, field.key);
            self.found.push(
                Diagnostic::warning("unknown-profile-key", message)
                    .with_help(help)
                    .with_place(field.place.clone()),
            );
        }
        self.found
    }
}

pub(super) const QUOTE: &str = "put a template in quotes: host: \"{{ env_var('DBT_HOST') }}\"";
