//! The plan file: what will be done, to which server, made from what. It carries no connection,
//! no variable and no attribute of a person.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Difference, Left, Limit, Options, PromotedFrom, Sides, Step, Why};
use crate::dialect::{Dialect, StatementError, Target};
use crate::model::{
    Change, DialectKind, Ident, Incarnation, MarkerReading, ObjectClass, ObservedState,
    PrivilegeSet, Scope, Securable, ServerIdentity,
};

/// The version of the file's shape that this code writes and reads.
pub const PLAN_VERSION: u32 = 1;

/// A plan as a file: reviewed, kept, and applied later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`PLAN_VERSION`].
    pub version: u32,
    /// The version of rolecall that made it.
    pub made_by: String,
    /// When it was made, by the clock: seconds since 1970, UTC. `--as-of` does not move it.
    #[serde(default)]
    pub made_at: i64,
    /// Another for every plan: two that say the same, made within a second, are two plans.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Who made it: claimed by the surroundings, not proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What decides about gates and has changed since the last receipt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates_changed: Vec<String>,
    /// The environment that it promotes; absent where it is no promotion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted_from: Option<PromotedFrom>,
    /// The server it is for, and no other.
    pub target: TargetIdentity,
    /// Whose roles it is about.
    pub scope: Scope,
    /// The time it was resolved for, seconds since 1970, UTC.
    pub resolved_for: i64,
    /// What it was resolved from: SHA-256 of the manifest.
    pub manifest_sha256: String,
    /// SHA-256 of the configuration files.
    pub config_sha256: String,
    /// [`fingerprint`] of what was observed.
    pub observed_sha256: String,
    /// The flags it was made with: they hold when it is applied.
    pub allowed: Allowed,
    /// In the order in which they are made.
    pub changes: Vec<PlannedChange>,
    /// What is not as declared and stays so.
    pub left: Vec<Left>,
    /// The relations that are declared on: which life of each this plan is about.
    pub relations: Vec<PlannedRelation>,
    /// Who gains by the adoption of existing roles: (role, member).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub adopted_members: BTreeSet<(Ident, Ident)>,
    /// SHA-256 of all the rest, so that an edit by hand is seen. No proof against malice: whoever
    /// edits can seal again.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seal: String,
}

/// The flags of a plan, as in [`Options`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Allowed {
    pub adopt: bool,
    pub prune: bool,
    pub drop_roles: bool,
    pub skip_missing: bool,
    pub allow_revokes: Option<u64>,
    #[serde(default)]
    pub allow_gap: bool,
    /// The plan empties this environment's roles (`--retire`).
    pub retire: bool,
    /// The nodes that it is limited to (`--select` and its like, `--run-results`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// The plan takes nothing away: it promotes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_adds: bool,
}

impl Allowed {
    /// The options that the plan was made with.
    pub fn options(&self) -> Options {
        let Self {
            adopt,
            prune,
            drop_roles,
            skip_missing,
            allow_revokes,
            allow_gap,
            retire: _,
            limit,
            only_adds,
        } = self;
        Options {
            adopt: *adopt,
            prune: *prune,
            drop_roles: *drop_roles,
            skip_missing: *skip_missing,
            allow_revokes: *allow_revokes,
            allow_gap: *allow_gap,
            limit: limit.clone(),
            only_adds: *only_adds,
        }
    }

    /// What a plan file says of the options it was made with.
    pub fn of(options: &Options, retire: bool) -> Self {
        let Options {
            adopt,
            prune,
            drop_roles,
            skip_missing,
            allow_revokes,
            allow_gap,
            limit,
            only_adds,
        } = options;
        Self {
            adopt: *adopt,
            prune: *prune,
            drop_roles: *drop_roles,
            skip_missing: *skip_missing,
            allow_revokes: *allow_revokes,
            allow_gap: *allow_gap,
            retire,
            limit: limit.clone(),
            only_adds: *only_adds,
        }
    }
}

/// Which server and database a plan is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetIdentity {
    /// Its dialect.
    pub dialect: DialectKind,
    /// PostgreSQL's system identifier; Snowflake's account.
    pub system: String,
    /// The database; `None` for a whole account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Ident>,
}

/// One change of a plan, with its reason, its SQL and what undoes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedChange {
    /// What is done.
    pub change: Change,
    /// Why.
    pub why: Why,
    /// The statements, for people: what is executed is rendered again.
    pub sql: Vec<String>,
    /// The statements that undo it; empty where none can.
    pub reverse_sql: Vec<String>,
}

/// A relation that is declared on, as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedRelation {
    /// The relation, under the warehouse's class.
    pub on: Securable,
    /// Which life of it.
    pub incarnation: Incarnation,
    /// Who owned it.
    pub owner: Ident,
    /// What is declared on it: role → privileges.
    pub declared: BTreeMap<Ident, PrivilegeSet>,
}

/// Why a plan file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// Not JSON, cut, or not a plan.
    #[error("this is not a plan that rolecall can read: {0}")]
    NotAPlan(String),
    /// Another version of the shape.
    #[error(
        "the plan has version {found}, and this rolecall reads version {PLAN_VERSION}: make it again"
    )]
    Version {
        /// What the file says.
        found: u64,
    },
}

impl Plan {
    /// Whether anything is different after it: another grant, or a role that is taken over.
    pub fn changes_something(&self) -> bool {
        !self.changes.is_empty() || !self.adopted_members.is_empty()
    }

    /// Whether its statements are those of its changes: they are what people read, and another's are
    /// executed.
    pub fn tells_its_changes(&self, dialect: &dyn Dialect, server: &ServerIdentity) -> bool {
        let target = Target::from(server);
        self.changes.iter().all(|told| {
            let PlannedChange { change, why, sql: _, reverse_sql: _ } = told;
            let step = Step { change: change.clone(), why: why.clone() };
            planned(&step, dialect, &target).is_ok_and(|meant| meant == *told)
        })
    }

    /// The file for a difference without errors and refusals.
    pub fn of(
        sides: &Sides,
        difference: &Difference,
        dialect: &dyn Dialect,
        sources: Sources,
        retire: bool,
    ) -> Result<Self, StatementError> {
        let server = &sides.observed.server;
        Ok(Self {
            version: PLAN_VERSION,
            made_by: concat!("rolecall ", env!("CARGO_PKG_VERSION")).to_owned(),
            made_at: 0,
            id: String::new(),
            author: None,
            gates_changed: Vec::new(),
            promoted_from: None,
            target: server.into(),
            scope: sides.scope.clone(),
            resolved_for: sources.resolved_for,
            manifest_sha256: sources.manifest_sha256,
            config_sha256: sources.config_sha256,
            observed_sha256: fingerprint(sides.observed, sides.scope),
            allowed: Allowed::of(sides.options, retire),
            changes: difference
                .steps
                .iter()
                .map(|step| planned(step, dialect, &Target::from(server)))
                .collect::<Result<_, _>>()?,
            left: difference.left.clone(),
            relations: relations(sides),
            adopted_members: difference.adopted_members.clone(),
            seal: String::new(),
        })
    }

    /// The plan as it is saved: with when, by whom and past which gates it was made, and sealed.
    pub fn signed(mut self, by: Signature) -> Self {
        let Signature { made_at, id, author, gates_changed, promoted_from } = by;
        self.made_at = made_at;
        self.promoted_from = promoted_from;
        self.id = id;
        self.author = author;
        self.gates_changed = gates_changed;
        self.seal = self.seal_of();
        self
    }

    /// Whether it is as it was sealed.
    pub fn is_sealed(&self) -> bool {
        !self.seal.is_empty() && self.seal == self.seal_of()
    }

    /// Of what it says, however its file is laid out.
    fn seal_of(&self) -> String {
        let bare = Self { seal: String::new(), ..self.clone() };
        // A plan is maps with texts as keys: it can always be written.
        hex(&Sha256::digest(serde_json::to_vec(&bare).unwrap_or_default()))
    }

    /// Reads a file.
    pub fn read(bytes: &[u8]) -> Result<Self, PlanFileError> {
        let not_a_plan = |error: serde_json::Error| PlanFileError::NotAPlan(error.to_string());
        #[derive(Deserialize)]
        struct Head {
            version: Option<u64>,
            changes: Option<serde::de::IgnoredAny>,
        }
        let head: Head = serde_json::from_slice(bytes).map_err(not_a_plan)?;
        match (head.version, head.changes) {
            (Some(found), Some(_)) if found == u64::from(PLAN_VERSION) => {
                serde_json::from_slice(bytes).map_err(not_a_plan)
            }
            (Some(found), Some(_)) => Err(PlanFileError::Version { found }),
            _ => Err(PlanFileError::NotAPlan("it has no `version` and `changes`".to_owned())),
        }
    }
}

/// When and by whom a plan was made, and what it shows at its top.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signature {
    /// The clock's time: seconds since 1970, UTC.
    pub made_at: i64,
    /// See [`Plan::id`].
    pub id: String,
    /// Who made it, as the surroundings claim.
    pub author: Option<String>,
    /// See [`Plan::gates_changed`].
    pub gates_changed: Vec<String>,
    /// See [`Plan::promoted_from`].
    pub promoted_from: Option<PromotedFrom>,
}

/// What a plan was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// Seconds since 1970, UTC.
    pub resolved_for: i64,
    /// Of the manifest's bytes.
    pub manifest_sha256: String,
    /// Of the configuration files, with their names.
    pub config_sha256: String,
}

fn planned(
    step: &Step,
    dialect: &dyn Dialect,
    target: &Target,
) -> Result<PlannedChange, StatementError> {
    let sql = |change: &Change| -> Result<Vec<String>, StatementError> {
        let statements = dialect.statements(std::slice::from_ref(change), target)?;
        Ok(statements.into_iter().map(|statement| statement.sql).collect())
    };
    Ok(PlannedChange {
        change: step.change.clone(),
        why: step.why.clone(),
        sql: sql(&step.change)?,
        // What cannot be undone by a statement has none: that is no reason to refuse the plan.
        reverse_sql: dialect
            .reverse(&step.change)
            .and_then(|reverse| sql(&reverse).ok())
            .unwrap_or_default(),
    })
}

fn relations(sides: &Sides) -> Vec<PlannedRelation> {
    let mut relations: BTreeMap<&Securable, PlannedRelation> = BTreeMap::new();
    for ((on, role), grant) in &sides.desired.grants {
        let there = sides.observed.inventory.relation(on).filter(|_| on.class().is_relation());
        let Some(there) = there else { continue };
        relations
            .entry(on)
            .or_insert_with(|| PlannedRelation {
                on: on.clone(),
                incarnation: there.incarnation.clone(),
                owner: there.owner.clone(),
                declared: BTreeMap::new(),
            })
            .declared
            .insert(role.clone(), grant.privileges);
    }
    relations.into_values().collect()
}

/// SHA-256 of everything that was observed of the roles in scope.
///
/// A relation's class stands in it, its incarnation does not: rebuilding is not a change of access
/// by itself.
pub fn fingerprint(observed: &ObservedState, scope: &Scope) -> String {
    let ours = |name: &Ident| {
        observed.roles.get(name).is_some_and(
            |role| matches!(&role.marker, MarkerReading::Marker(marker) if scope.holds(marker)),
        )
    };
    let mut hash = Sha256::new();
    let mut line = |kind: &str, value: serde_json::Value| {
        hash.update(format!("{kind} {value}\n"));
    };
    for (name, role) in observed.roles.iter().filter(|(name, _)| ours(name)) {
        line("role", serde_json::json!([name, role.marker, role.attributes]));
    }
    for entry in observed.acl.iter().filter(|entry| ours(&entry.grantee)) {
        line("acl", serde_json::json!(entry));
    }
    for m in observed.memberships.iter().filter(|m| ours(&m.role) || ours(&m.member)) {
        line("member", serde_json::json!(m));
    }
    for default in observed.defaults.iter().filter(|default| ours(&default.grantee)) {
        line("default", serde_json::json!(default));
    }
    for (on, owner) in observed.owned.iter().filter(|(_, owner)| ours(owner)) {
        line("owner", serde_json::json!([on, owner]));
    }
    for (relation_key, relation) in &observed.inventory.relations {
        let class: ObjectClass = relation.class;
        line("relation", serde_json::json!([relation_key, class]));
    }
    hex(&hash.finalize())
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
