//! Access tests, and how built-in checks are told: `tests`, `checks`, `suppress` and `pii`.

mod raw;
mod valid;

use std::collections::BTreeMap;

use super::Located;
use super::policy::{Actors, Resources};
use crate::model::Place;

pub(super) use raw::read_checks;
#[cfg(test)]
pub(super) use raw::{CHECK, PII, REASON, SUPPRESSION, TEST, TEST_BODY};
pub(super) use raw::{RawChecks, RawPii, RawSuppression, RawTest};
pub(super) use valid::{Said, add_all, check_all};

/// The codes of the built-in checks, sorted. `check::ALL` holds the checks themselves.
pub const CODES: [&str; 11] = [
    "empty-role",
    "ends-soon",
    "future-grant-shadowed",
    "granted-to-public",
    "meta-shadowed",
    "pii-leak",
    "pii-without-reason",
    "self-admitted",
    "unfinished-product",
    "view-opens-more",
    "write-in-protected",
];

/// All that is said of tests and checks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Checks {
    /// Access tests, by name.
    pub tests: BTreeMap<String, AccessTest>,
    /// How loud built-in checks are, by code.
    pub settings: BTreeMap<String, CheckSetting>,
    /// What is not counted, in the order of files and lines.
    pub suppressions: Vec<Suppression>,
    /// `pii:`, where it is said.
    pub pii: Option<Pii>,
}

impl Checks {
    /// What is personal data here: as it is said, or by the tag alone.
    pub fn pii(&self) -> Pii {
        self.pii.clone().unwrap_or_default()
    }

    /// How loud a check is in an environment.
    pub fn level(&self, code: &str, environment: &str, own: Level) -> Level {
        let Some(setting) = self.settings.get(code) else { return own };
        let here = setting.environments.get(environment).map(|level| level.value);
        here.or(setting.severity).unwrap_or(own)
    }
}

/// The tag of personal data, where nobody says another.
pub const PII_TAG: &str = "pii";

/// How loud a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It fails the command, and closes the gate of a promotion.
    Error,
    /// It is told.
    Warning,
    /// It is not looked for.
    Off,
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Off];

    /// The word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Off => "off",
        }
    }
}

/// What is demanded of whoever a test is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// None of them may.
    Never,
    /// All of them may, and a query could use it.
    Always,
    /// This many people at most.
    AtMost(u64),
}

impl Demand {
    /// The key in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Always => "always",
            Self::AtMost(_) => "at_most",
        }
    }
}

/// Who may what, demanded of effective access.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessTest {
    /// Its name, among all tests.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// For people.
    pub description: Option<String>,
    /// What is demanded.
    pub demand: Demand,
    /// Of whom; `None` for everybody. Product roles may have `*` in place of either part.
    pub actors: Option<Actors>,
    /// But not of these.
    pub except: Actors,
    /// The permission: a word or a raw privilege.
    pub may: Located<String>,
    /// On which nodes.
    pub resources: Resources,
    /// Only in these environments; empty for all.
    pub environments: Vec<Located<String>>,
    /// It is no mistake that it is about nobody, or about no node.
    pub may_match_nothing: bool,
}

impl AccessTest {
    /// Whether it is asked in an environment.
    pub fn is_of(&self, environment: &str) -> bool {
        self.environments.is_empty() || self.environments.iter().any(|it| it.value == environment)
    }
}

/// How loud one check is.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckSetting {
    /// Where it stands.
    pub place: Place,
    /// Wherever nothing else is said; `None` for the check's own.
    pub severity: Option<Level>,
    /// By environment.
    pub environments: BTreeMap<String, Located<Level>>,
}

/// A finding that somebody has looked at: not counted until a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Suppression {
    /// Where it stands.
    pub place: Place,
    /// The check's code.
    pub check: Located<String>,
    /// Only on this node: its `unique_id`, or what follows the package in it.
    pub node: Option<Located<String>>,
    /// Only of this role: `product.role`, or its name in the warehouse.
    pub role: Option<Located<String>>,
    /// Only of this product.
    pub product: Option<Located<String>>,
    /// Only of this person.
    pub user: Option<Located<String>>,
    /// Only in these environments; empty for all.
    pub environments: Vec<Located<String>>,
    /// Why.
    pub reason: String,
    /// The last day, or the moment: checked to be one.
    pub until: Located<String>,
    /// The second from which on the finding counts again.
    pub ends: i64,
}

/// What is personal data here, and who may read it why.
#[derive(Debug, Clone, PartialEq)]
pub struct Pii {
    /// Where it stands.
    pub place: Option<Place>,
    /// Tags of nodes that hold it; dots are a hierarchy.
    pub tags: Vec<String>,
    /// Tags of nodes that are made of it and hold none any more.
    pub cleaned: Vec<Located<String>>,
    /// Roles that may read it.
    pub reasons: Vec<PiiReason>,
}

impl Default for Pii {
    fn default() -> Self {
        Self {
            place: None,
            tags: vec![PII_TAG.to_owned()],
            cleaned: Vec::new(),
            reasons: Vec::new(),
        }
    }
}

/// Why a role may read personal data.
#[derive(Debug, Clone, PartialEq)]
pub struct PiiReason {
    /// Where it stands.
    pub place: Place,
    /// `product.role`, with `*` in place of either part, or a role's name in the warehouse.
    pub role: Located<String>,
    /// Only these nodes: dbt's selection.
    pub select: Option<Located<String>>,
    /// Why.
    pub reason: String,
}

/// Whether `product.role` fits a pattern of it, in which either part may be `*`.
pub fn fits(pattern: &str, product: &str, role: &str) -> bool {
    let part = |pattern: &str, text: &str| pattern == "*" || pattern == text;
    pattern.split_once('.').is_some_and(|(p, r)| part(p, product) && part(r, role))
}
