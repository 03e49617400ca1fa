//! The JSON of commands other than `compile`: version 1, types of their own, apart from the core.

use serde::Serialize;

use super::matrix::Cell;
use crate::model::{Change, Diagnostic, Ident, Securable};
use crate::plan::{Difference, Left, Plan, Refusal};
use crate::project::CountedRule;
use crate::promote::{Closed, Gate, Promotion, Skipped};

/// Of every shape here.
pub const VERSION: u32 = 1;

/// Any command with `--format json` that could not do its work: a connection that fails, a lock that
/// is held, a wrong argument. stderr says the same.
#[derive(Debug, Serialize)]
pub struct Failed {
    /// [`VERSION`].
    pub version: u32,
    /// What failed.
    pub error: String,
    /// What was found, where that is why. Sorted.
    pub findings: Vec<Diagnostic>,
}

/// `validate --format json`.
#[derive(Debug, Serialize)]
pub struct Validated {
    /// [`VERSION`].
    pub version: u32,
    /// There is no error.
    pub valid: bool,
    /// How many people each rule matches, where people are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<CountedRule>,
    /// Errors and warnings, sorted.
    pub findings: Vec<Diagnostic>,
}

/// `plan --format json` and `verify --format json`.
#[derive(Debug, Serialize)]
pub struct Planned {
    /// [`VERSION`].
    pub version: u32,
    /// Nothing has to be changed.
    pub in_sync: bool,
    /// The plan, as `--out` writes it; absent where there are errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// Who gains and who loses by it; absent where nothing changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gains: Option<super::gains::Summary>,
    /// Who gains by the adoption of existing roles.
    pub adopted_members: Vec<AdoptedMember>,
    /// What a guard refuses.
    pub refused: Vec<Refusal>,
    /// How many changes lie outside of a limit; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<usize>,
    /// Errors and warnings.
    pub findings: Vec<Diagnostic>,
}

/// A member that an existing role had before it was brought under management.
#[derive(Debug, Serialize)]
pub struct AdoptedMember {
    /// The role.
    pub role: Ident,
    /// Who was in it.
    pub member: Ident,
}

impl AdoptedMember {
    /// Those of a comparison.
    pub fn of(difference: &Difference) -> Vec<Self> {
        let each = difference.adopted_members.iter();
        each.map(|(role, member)| Self { role: role.clone(), member: member.clone() }).collect()
    }
}

/// `apply --format json`.
#[derive(Debug, Serialize)]
pub struct Applied {
    /// [`VERSION`].
    pub version: u32,
    /// `in_sync`, `applied`, `not_allowed`, `stale`, `rolled_back` or `partly`.
    pub outcome: &'static str,
    /// What was done.
    pub changes: Vec<Change>,
    /// What was found different when reading back, or is not in the plan; why the rest is not done.
    pub because: Vec<String>,
    /// What is not as declared and stays so.
    pub left: Vec<Left>,
    /// Who gained by the adoption of existing roles.
    pub adopted_members: Vec<AdoptedMember>,
    /// What a guard refuses.
    pub refused: Vec<Refusal>,
    /// How many changes lie outside of a limit; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<usize>,
    /// Errors and warnings.
    pub findings: Vec<Diagnostic>,
}

/// `promote --format json`.
#[derive(Debug, Serialize)]
pub struct Promoted {
    /// [`VERSION`].
    pub version: u32,
    /// The source environment.
    pub from: String,
    /// The target environment.
    pub to: String,
    /// Nothing has to be added.
    pub in_sync: bool,
    /// The plan, as `--out` writes it; absent where a gate is closed or there are errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// Who gains by it; absent where nothing is added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gains: Option<super::gains::Summary>,
    /// Every gate.
    pub gates: Vec<AskedGate>,
    /// Declared nodes that are not in the target yet.
    pub skipped: Vec<Skipped>,
    /// What an ordinary plan does in the target beyond it.
    pub beyond: Vec<Change>,
    /// What a guard refuses.
    pub refused: Vec<Refusal>,
    /// How many changes lie outside of a limit; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<usize>,
    /// Errors and warnings.
    pub findings: Vec<Diagnostic>,
}

/// A gate, and why it is closed.
#[derive(Debug, Serialize)]
pub struct AskedGate {
    /// Which.
    pub gate: &'static str,
    /// It is open; null where it could not be asked, since files are wrong.
    pub open: Option<bool>,
    /// Why not.
    pub because: Vec<Closed>,
}

impl AskedGate {
    /// All of them.
    pub fn all(promotion: &Promotion) -> Vec<Self> {
        let asked = |gate: Gate| {
            let of_it = promotion.closed.iter().filter(|closed| closed.gate == gate);
            let because: Vec<Closed> = of_it.cloned().collect();
            let open = promotion.has_asked(gate).then_some(because.is_empty());
            Self { gate: gate.code(), open, because }
        };
        Gate::ALL.into_iter().map(asked).collect()
    }
}

/// `rehearse --format json`.
#[derive(Debug, Serialize)]
pub struct Rehearsed {
    /// [`VERSION`].
    pub version: u32,
    /// Everything held.
    pub proven: bool,
    /// Which engine it ran on.
    pub engine: String,
    /// How many changes were applied.
    pub applied: usize,
    /// Columns of the matrix: warehouse roles.
    pub roles: Vec<String>,
    /// Its rows.
    pub matrix: Vec<MatrixRow>,
    /// How many times the server was asked, and how many queries were run.
    pub asked: usize,
    /// What did not hold.
    pub failures: Vec<String>,
    /// Warnings.
    pub findings: Vec<Diagnostic>,
}

/// One relation of a rehearsal.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct MatrixRow {
    pub on: Securable,
    pub cells: Vec<Cell>,
}

/// Any of them, as the command prints it.
pub fn print<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(value).map(|text| text + "\n")
}
