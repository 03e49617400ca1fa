//! `${var.name}`: what it stands for, in which environment.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::config::Located;
use crate::config::reader::Reader;
use crate::config::tree::{Node, Value};

const OPEN: &str = "${var.";
/// What stands for `${` and `}` while YAML is read: neither means anything to YAML, and both are as
/// long as what they stand for, so that places stay true.
const MASKED: &str = "\u{e000}\u{e000}var.";
const MASKED_END: char = '\u{e001}';
/// Where the shell says a variable; the first that does decides, and the shell before any file.
const PREFIXES: [&str; 2] = ["ROLECALL_VAR_", "DFENCE_"];
/// What ends the name of a variable that nobody may put into a name: plans and output show names.
const SECRETS: [&str; 6] = ["password", "passphrase", "token", "secret", "private-key", "api-key"];

/// The variables of all environments. What they are is never shown by it.
#[derive(Clone, PartialEq, Default)]
pub struct Variables {
    everywhere: BTreeMap<String, String>,
    /// By environment: they go before those of everywhere.
    within: BTreeMap<String, BTreeMap<String, String>>,
    shell: BTreeMap<String, String>,
}

/// Names only.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { everywhere, within, shell } = self;
        let inner = within.values().flat_map(BTreeMap::keys);
        let names: BTreeSet<&String> = everywhere.keys().chain(inner).chain(shell.keys()).collect();
        f.debug_tuple("Variables").field(&names).finish()
    }
}

/// Why a text cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undefined {
    /// Nobody says what it is.
    Unknown(String),
    /// It is a secret by its name.
    Secret(String),
    /// `${` begins something that is no variable.
    Malformed,
}

impl Variables {
    /// Those of a file: of one environment, or of all.
    pub(in crate::config) fn add(
        &mut self,
        environment: Option<&str>,
        variables: BTreeMap<String, String>,
    ) {
        match environment {
            None => self.everywhere.extend(variables),
            Some(name) => self.within.entry(name.to_owned()).or_default().extend(variables),
        }
    }

    /// Those that the shell says: `DFENCE_ENV_SUFFIX` and `ROLECALL_VAR_ENV_SUFFIX` are
    /// `env-suffix`.
    pub fn of_shell(&mut self, all: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in all {
            for (at, prefix) in PREFIXES.into_iter().enumerate() {
                let Some(rest) = name.strip_prefix(prefix).filter(|rest| !rest.is_empty()) else {
                    continue;
                };
                let variable = rest.to_ascii_lowercase().replace('_', "-");
                if at == 0 || !self.shell.contains_key(&variable) {
                    self.shell.insert(variable, value.clone());
                }
            }
        }
    }

    fn get(&self, environment: &str, name: &str) -> Option<&str> {
        let within = || self.within.get(environment).and_then(|within| within.get(name));
        let found = self.shell.get(name).or_else(within).or_else(|| self.everywhere.get(name));
        found.map(String::as_str)
    }

    /// A text with every variable in its place.
    ///
    /// # Errors
    /// The first one that has no place there.
    pub fn expand(&self, environment: &str, written: &str) -> Result<String, Undefined> {
        let mut out = String::with_capacity(written.len());
        let mut rest = written;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let inner = from.strip_prefix(OPEN).ok_or(Undefined::Malformed)?;
            let (name, after) = inner.split_once('}').ok_or(Undefined::Malformed)?;
            if !is_variable(name) {
                return Err(Undefined::Malformed);
            }
            if is_secret(name) {
                return Err(Undefined::Secret(name.to_owned()));
            }
            let value = self.get(environment, name);
            out.push_str(value.ok_or_else(|| Undefined::Unknown(name.to_owned()))?);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// How the shell would say a variable.
    pub fn in_shell(name: &str) -> String {
        format!("{}{}", PREFIXES[1], name.to_ascii_uppercase().replace('-', "_"))
    }
}

fn is_variable(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !name.is_empty() && name.bytes().all(plain)
}

fn is_secret(name: &str) -> bool {
    SECRETS
        .iter()
        .any(|word| name.strip_suffix(word).is_some_and(|r| r.is_empty() || r.ends_with('-')))
}

/// Whether a variable decides about a text.
pub fn refers(written: &str) -> bool {
    written.contains("${")
}

/// A file's text, in which no variable means anything to YAML. Lines and columns stay.
pub(in crate::config) fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let inner = &from[OPEN.len()..];
        match inner.split_once('}') {
            Some((name, after)) if is_variable(name) => {
                out.push_str(MASKED);
                out.push_str(name);
                out.push(MASKED_END);
                rest = after;
            }
            _ => {
                out.push_str(OPEN);
                rest = inner;
            }
        }
    }
    out.push_str(rest);
    out
}

/// A text of such a file, as it was written.
pub(super) fn unmasked(text: &str) -> String {
    text.replace(MASKED, OPEN).replace(MASKED_END, "}")
}

/// The variables of a file: names and texts, numbers or truth values.
pub(in crate::config) fn read_file(
    reader: &mut Reader<'_>,
    root: &Node,
) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (Located { value: name, place }, node) in reader.entries(root, "a file of variables") {
        if !is_variable(&name) {
            reader.diagnostics.push(
                crate::model::Diagnostic::error(
                    "invalid-variable",
                    format!("`{}` is no variable's name", super::super::reader::printable(&name)),
                )
                .with_help("use letters a to z, digits and `-`: `env-suffix`")
                .with_place(Place { source: None, ..place }),
            );
            continue;
        }
        let value = match &node.value {
            Value::Text(text) | Value::Number(text) => text.clone(),
            Value::Bool(truth) => truth.to_string(),
            Value::Null => String::new(),
            Value::List(_) | Value::Map(_) => {
                let place = Place { source: None, ..reader.source.place(node) };
                reader.diagnostics.push(
                    crate::model::Diagnostic::error(
                        "wrong-type",
                        format!("the variable `{name}` must be text, not a list or a map"),
                    )
                    .with_help("write one text for each variable")
                    .with_place(place),
                );
                continue;
            }
        };
        all.insert(name, value);
    }
    all
}

use crate::model::Place;

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn variables() -> Variables {
        let mut all = Variables::default();
        all.add(None, pairs(&[("env-suffix", "_x"), ("db", "raw"), ("api-token", "geheim")]));
        all.add(Some("dev"), pairs(&[("env-suffix", "_dev")]));
        all
    }

    #[test]
    fn a_variable_is_the_shell_s_then_the_environment_s_then_everybody_s() {
        let mut all = variables();
        assert_eq!(all.expand("dev", "a${var.env-suffix}.${var.db}").as_deref(), Ok("a_dev.raw"));
        assert_eq!(all.expand("prod", "a${var.env-suffix}").as_deref(), Ok("a_x"));
        let shell = [("DFENCE_ENV_SUFFIX", "_shell"), ("DFENCE_", "x"), ("PATH", "y")];
        all.of_shell(shell.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(all.expand("dev", "a${var.env-suffix}").as_deref(), Ok("a_shell"));
        for names in [["ROLECALL_VAR_DB", "DFENCE_DB"], ["DFENCE_DB", "ROLECALL_VAR_DB"]] {
            let mut all = variables();
            all.of_shell(names.map(|name| (name.to_owned(), name.to_owned())));
            assert_eq!(all.expand("dev", "${var.db}").as_deref(), Ok("ROLECALL_VAR_DB"));
        }
    }

    #[test]
    fn what_is_no_variable_is_said_and_a_secret_never_becomes_a_name() {
        let all = variables();
        let expand = |text| all.expand("dev", text);
        assert_eq!(expand("${var.nope}"), Err(Undefined::Unknown("nope".into())));
        assert_eq!(expand("${var.api-token}"), Err(Undefined::Secret("api-token".into())));
        for text in ["${db}", "${var.Db}", "${var.", "${var.db", "${var.}"] {
            assert_eq!(expand(text), Err(Undefined::Malformed), "{text}");
        }
        let shown = format!("{all:?}");
        assert!(!shown.contains("geheim") && shown.contains("api-token"), "{shown}");
    }

    #[test]
    fn a_masked_text_is_as_long_and_is_read_back() {
        for text in ["[${var.a}, x]", "${var.a-1}", "${var.B} ${ ${var.", "none", "é${var.x}é"] {
            let masked = masked(text);
            assert_eq!(masked.chars().count(), text.chars().count(), "{text}");
            assert_eq!(unmasked(&masked), text);
        }
    }
}
