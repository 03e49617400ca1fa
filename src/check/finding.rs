//! What a test or a check found.

use crate::effect::{Chain, Lack};
use crate::model::{Diagnostic, Ident, Place, Privilege, Securable, Severity};

/// Somebody who can do something, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness<'a> {
    /// The role's name in the warehouse.
    pub who: &'a Ident,
    /// They can log in.
    pub person: bool,
    /// On what.
    pub on: Securable,
    /// Whose relation that is.
    pub node: Option<String>,
    /// What.
    pub privilege: Privilege,
    /// A query could use it: at once, or after SET ROLE.
    pub usable: bool,
    /// By which chain; none where it is missing.
    pub chain: Option<Chain<'a>>,
    /// What is missing to use it, of an `always` that fails.
    pub lacks: Vec<Lack>,
    /// What else is to be said.
    pub note: Option<String>,
}

/// What a finding is about: what suppressions name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize)]
pub struct Subject {
    /// The node's `unique_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The role, by all its names: `product.role` and the warehouse's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub role: Vec<String>,
    /// The product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The access test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// What else tells it from others of its kind: a relation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
}

/// Why a finding is not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    /// Where that is said.
    pub place: Place,
    /// Why.
    pub reason: String,
    /// Until when, as written.
    pub until: String,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding<'a> {
    /// Its code, where it stands, what was found, what to do.
    pub diagnostic: Diagnostic,
    /// What it is about.
    pub subject: Subject,
    /// Who can what they should not, some of them.
    pub witnesses: Vec<Witness<'a>>,
    /// How many more there are.
    pub more: usize,
    /// What else is to be said.
    pub notes: Vec<String>,
    /// It is not counted.
    pub suppressed: Option<Suppressed>,
}

/// How many witnesses are told.
pub(super) const TOLD: usize = 3;

impl<'a> Finding<'a> {
    /// A finding; [`super::check`] says how loud it is.
    pub(super) fn new(code: &'static str, message: String, subject: Subject) -> Self {
        Self {
            diagnostic: Diagnostic::warning(code, message),
            subject,
            witnesses: Vec::new(),
            more: 0,
            notes: Vec::new(),
            suppressed: None,
        }
    }

    pub(super) fn at(mut self, place: Option<Place>) -> Self {
        self.diagnostic.place = place;
        self.diagnostic.node.clone_from(&self.subject.node);
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.diagnostic.help = Some(help.into());
        self
    }

    /// The first few of those who can.
    pub(super) fn seen(mut self, mut witnesses: Vec<Witness<'a>>) -> Self {
        witnesses.sort_by(|a, b| {
            let key = |it: &Witness<'_>| (!it.person, !it.usable);
            (key(a), a.who, &a.on, a.privilege).cmp(&(key(b), b.who, &b.on, b.privilege))
        });
        self.more = witnesses.len().saturating_sub(TOLD);
        witnesses.truncate(TOLD);
        self.witnesses = witnesses;
        self
    }

    /// In the order in which findings are told.
    pub(super) fn order(&self) -> (Severity, &Diagnostic, &Subject) {
        (self.diagnostic.severity, &self.diagnostic, &self.subject)
    }

    /// The same for the same finding whatever else changes in the files: what it is about, and not
    /// where that stands.
    pub fn key(&self, environment: &str) -> String {
        let Subject { node, role, product, user, test, on } = &self.subject;
        let mut parts = vec![self.diagnostic.code, environment];
        let texts = [node, product, user, test, on];
        parts.extend(texts.into_iter().map(|text| text.as_deref().unwrap_or_default()));
        parts.extend(role.iter().map(String::as_str));
        parts.join("\0")
    }
}

/// A place without the line's text, as reasons have it.
pub(super) fn place_of(reason: &crate::model::Reason) -> Option<Place> {
    let file = reason.file.as_ref()?;
    Some(Place { line: reason.line, ..Place::file(file) })
}
