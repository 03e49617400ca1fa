//! A member's entry as YAML.

use crate::config::{Approval, Member, MemberEntry};
use crate::model::MemberKind;

/// An entry that is to be written, or was read: what it says, without its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// `user`, `group` or `rule`.
    pub kind: EntryKind,
    /// The name, or the rule.
    pub who: String,
    /// `until`, as written.
    pub until: Option<String>,
    /// `reason`.
    pub reason: Option<String>,
    /// `environments`, sorted; none for all.
    pub environments: Vec<String>,
    /// Who approved it, where it was asked for.
    pub approval: Option<Approval>,
}

/// Whom an entry lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A user by name.
    User,
    /// A group by name.
    Group,
    /// Everybody who matches.
    Rule,
}

impl EntryKind {
    /// The key in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Rule => "rule",
        }
    }
}

impl From<&MemberEntry> for Entry {
    fn from(entry: &MemberEntry) -> Self {
        let (kind, who) = match &entry.member {
            Member::Named { kind: MemberKind::Group, name } => (EntryKind::Group, name.clone()),
            Member::Named { name, .. } => (EntryKind::User, name.clone()),
            Member::Rule(rule) => (EntryKind::Rule, rule.text().to_owned()),
        };
        let mut environments: Vec<String> =
            entry.environments.iter().map(|environment| environment.value.clone()).collect();
        environments.sort();
        let until = entry.until.as_ref().map(|until| until.value.clone());
        let (reason, approval) = (entry.reason.clone(), entry.approval.clone());
        Self { kind, who, until, reason, environments, approval }
    }
}

impl Entry {
    /// In a line of its own, behind a dash.
    pub(super) fn block(&self) -> String {
        let Self { kind, who, until, reason, environments, approval } = self;
        let limits = until.is_some() || !environments.is_empty();
        if !limits && reason.is_none() && approval.is_none() {
            return format!("{}: {}", kind.as_str(), scalar(who));
        }
        self.flow()
    }

    /// As it stands behind a dash, for files that are written anew.
    pub(crate) fn in_a_line(&self) -> String {
        self.block()
    }

    /// Within brackets.
    pub(super) fn flow(&self) -> String {
        let Self { kind, who, until, reason, environments, approval } = self;
        let mut parts = vec![format!("{}: {}", kind.as_str(), scalar(who))];
        parts.extend(until.as_ref().map(|until| format!("until: {}", day(until))));
        parts.extend(reason.as_ref().map(|reason| format!("reason: {}", quoted(reason))));
        if !environments.is_empty() {
            let names: Vec<String> = environments.iter().map(|name| scalar(name)).collect();
            parts.push(format!("environments: [{}]", names.join(", ")));
        }
        if let Some(Approval { by, at, request }) = approval {
            parts.push(format!("approved_by: {}", scalar(by)));
            parts.extend(at.as_ref().map(|at| format!("approved_at: {}", day(at))));
            parts.extend(request.as_ref().map(|request| format!("request: {}", scalar(request))));
        }
        format!("{{{}}}", parts.join(", "))
    }
}

/// A day needs no quotes; a moment has colons.
pub(crate) fn day(until: &str) -> String {
    let plain = until.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if plain && until.len() == 10 { until.to_owned() } else { quoted(until) }
}

/// Without quotes where no reader of YAML could take it for anything but this text.
pub(crate) fn scalar(text: &str) -> String {
    const WORDS: [&str; 10] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan"];
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.@".contains(c));
    let word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    if begins && plain && !word { text.to_owned() } else { quoted(text) }
}

/// YAML's double quotes know what JSON's know.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
