//! Receipts: what was applied, from what, by whom and when, so that "since when can she read this?"
//! has an answer. Pure: where they are kept is the warehouse's business.

mod begun;
mod gates;
mod history;
mod time;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dialect::{Dialect, StatementError, Target};
use crate::model::{Change, Ident};
use crate::plan::{PromotedFrom, TargetIdentity};

pub use begun::{DONE, PLANNED};
pub use gates::{Gates, gates, gates_changed};
pub use history::{Event, Has, History, Question, Since, history};
pub use time::{iso, span};

/// The version of a receipt's shape that this code writes.
pub const RECEIPT_VERSION: u32 = 1;

/// What was applied, and from what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`RECEIPT_VERSION`].
    pub version: u32,
    /// The version of rolecall that applied it.
    pub made_by: String,
    /// Whether it is all, or a batch of it, or only begun.
    pub outcome: Extent,
    /// When it was begun, where that is kept before the first change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<String>,
    /// The deployment.
    pub deployment: String,
    /// The environment.
    pub environment: String,
    /// As in [`crate::model::Marker::instance`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The server and database.
    pub target: TargetIdentity,
    /// SHA-256 of the manifest.
    pub manifest_sha256: String,
    /// SHA-256 of the configuration files.
    pub config_sha256: String,
    /// The saved plan, where one was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanReceipt>,
    /// Who applied it, as the surroundings say: claimed, not proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_by: Option<String>,
    /// What decided about gates then.
    pub gates: Gates,
    /// What the managed roles in it are.
    pub roles: BTreeMap<Ident, RoleReceipt>,
    /// What was done, in its order.
    pub changes: Vec<ChangeReceipt>,
}

/// How much of an apply a receipt is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// All of it.
    Applied,
    /// A batch, with more to come; or what was made of an apply that was cut.
    Part,
    /// Begun, and not finished: it is under way, or was cut. Only where changes commit one by one.
    Begun,
}

impl Extent {
    /// `applied`, `part` or `begun`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Part => "part",
            Self::Begun => "begun",
        }
    }
}

/// A saved plan, as a receipt remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanReceipt {
    /// SHA-256 of the file's bytes.
    pub sha256: String,
    /// What it is known by however its file is laid out: its id, or its seal. Not in old receipts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who made it, as the plan says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Whose approval counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_by: Vec<String>,
    /// The environment that it promoted, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted_from: Option<PromotedFrom>,
}

/// What a managed role is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RoleReceipt {
    pub product: String,
    pub role: String,
}

/// One change, its statements and how it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeReceipt {
    /// What was done.
    pub change: Change,
    /// The statements.
    pub sql: Vec<String>,
    /// [`DONE`]; or [`PLANNED`], where the receipt is only begun.
    pub outcome: String,
    /// When it was made, where that was before the apply which the receipt is of went on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// When and as whom, as the server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The server's clock, in UTC, such as `2026-11-22T20:34:09.123456Z`.
    pub at: String,
    /// The user of the session.
    pub session_user: String,
    /// The role that it acted as.
    pub current_role: String,
}

/// A receipt that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is known by where it is written more than once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When and as whom.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// What.
    #[serde(flatten)]
    pub receipt: Receipt,
}

/// Which receipts are wanted. Always of one deployment and environment, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The deployment.
    pub deployment: String,
    /// The environment.
    pub environment: String,
    /// Of those, which.
    pub only: Only,
}

/// Which of an environment's receipts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Only {
    /// All.
    All,
    /// The last one.
    Last,
    /// The last one, wherever else on the server this session's role may have kept it.
    LastAnywhere,
    /// Those that are begun and not finished.
    Begun,
    /// Those of a whole plan, by the SHA-256 of its file; batches of it do not count.
    Plan(String),
}

/// Whether a session can keep receipts in a warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// The table is there, belongs to the acting role, and is as it was made.
    Ready,
    /// It is not there, and this session may make it.
    Missing,
    /// This session cannot keep any: why, and what to do.
    Closed(String),
    /// It is there and was changed by somebody: nothing is written to it.
    Strange(String),
}

/// The changes of a receipt, each with its statements.
pub fn done(
    changes: &[Change],
    dialect: &dyn Dialect,
    target: &Target,
) -> Result<Vec<ChangeReceipt>, StatementError> {
    changes
        .iter()
        .map(|change| {
            let statements = dialect.statements(std::slice::from_ref(change), target)?;
            Ok(ChangeReceipt {
                change: change.clone(),
                sql: statements.into_iter().map(|statement| statement.sql).collect(),
                outcome: DONE.to_owned(),
                at: None,
            })
        })
        .collect()
}
