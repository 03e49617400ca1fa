//! From observed to desired: the changes, their order, the guards, and the plan file.
//!
//! Pure. What changes is decided only here, and only within a [`Scope`].

mod circles;
mod defaults;
mod dependents;
mod diff;
mod file;
mod future;
mod gaps;
mod grants;
mod guard;
mod handed;
mod limit;
mod manner;
mod members;
mod order;
mod origin;
mod owners;
mod roles;
mod stale;
mod standing;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{
    Change, Diagnostics, DialectKind, Ended, Ident, ObjectClass, ObservedState, Place, Reason,
    RelationKey, SchemaKey, Scope, Securable,
};
use crate::resolve::Resolved;

pub use diff::{diff, interested_in};
pub use file::{
    Allowed, PLAN_VERSION, Plan, PlanFileError, PlannedChange, PlannedRelation, Signature, Sources,
    TargetIdentity, fingerprint, hex,
};
pub use guard::Refusal;
pub use limit::{Limit, Within};
pub use order::phase;
pub use origin::PromotedFrom;
pub use stale::{Stale, ended, fits, made_for, only_grants_again};

/// What a plan may do beyond the ordinary.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Bring existing roles of the desired names under management.
    pub adopt: bool,
    /// Revoke undeclared grants in schemas that the manifest does not name, too.
    pub prune: bool,
    /// Drop managed roles that are no longer declared, once emptied.
    pub drop_roles: bool,
    /// Members and deploy roles that the server does not know are named and left out.
    pub skip_missing: bool,
    /// Up to this many revokes are wanted, whatever the guards say.
    pub allow_revokes: Option<u64>,
    /// Access that can only be taken and given again may be missing in between.
    pub allow_gap: bool,
    /// Only the access of these nodes is touched; `None` for all.
    pub limit: Option<Limit>,
    /// Nothing is taken away, renamed or handed back: what a promotion does.
    pub only_adds: bool,
}

/// Why a change is made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Something says so.
    Declared(Vec<Reason>),
    /// Nothing declares it.
    Undeclared,
    /// An entry said so, and has ended.
    Ended(Ended),
    /// The role is no longer declared.
    RoleGone,
    /// The configuration has this product role.
    Configured,
}

/// A change and why it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub change: Change,
    /// Why.
    pub why: Why,
}

/// An edge of a managed role that is not as declared and is left so, named in every plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Left {
    /// The managed role.
    pub role: Ident,
    /// What is left, for people.
    pub what: String,
    /// Why, and what would change it.
    pub why: String,
}

/// The outcome of comparing two states.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Difference {
    /// In the order in which they are made: grants before revokes.
    pub steps: Vec<Step>,
    /// What is left as it is. Sorted.
    pub left: Vec<Left>,
    /// Who gains by the adoption of a role: (role, member).
    pub adopted_members: BTreeSet<(Ident, Ident)>,
    /// What was found on the way. With errors, `steps` are not to be made.
    pub found: Diagnostics,
    /// Things refused until a flag says otherwise. With any, `steps` are not to be made.
    pub refused: Vec<Refusal>,
    /// How many changes lie outside of a limit and are not made.
    pub outside: usize,
}

/// Both sides of the comparison, and its limits.
#[derive(Clone)]
pub struct Sides<'a> {
    /// What must be.
    pub desired: &'a crate::model::DesiredState,
    /// What is.
    pub observed: &'a ObservedState,
    /// Whose business it is.
    pub scope: &'a Scope,
    /// The role that runs dbt.
    pub deploy_role: Option<&'a Ident>,
    /// Environments of the configuration: managed roles of others need `--retire`.
    pub environments: &'a BTreeSet<String>,
    /// How many permissions the manifest declares.
    pub declared: usize,
    /// What is allowed.
    pub options: &'a Options,
    /// How far it reaches: [`Options::limit`] in these states.
    pub within: Within,
}

impl<'a> Sides<'a> {
    /// The sides for what was resolved.
    pub fn of(
        resolved: &'a Resolved,
        observed: &'a ObservedState,
        scope: &'a Scope,
        environments: &'a BTreeSet<String>,
        options: &'a Options,
    ) -> Self {
        Self {
            desired: &resolved.desired,
            observed,
            scope,
            deploy_role: resolved.deploy_role.as_ref(),
            environments,
            declared: resolved.declared,
            options,
            within: Within::of(options.limit.as_ref(), resolved, scope)
                .with_members(options.only_adds),
        }
    }
}

use manner::NewNames;

fn new_name<'a>(names: &'a NewNames, role: &'a Ident) -> &'a Ident {
    names.get(role).unwrap_or(role)
}

/// Whether what a role has on an object is within reach of ordinary revokes: not in a schema that
/// the manifest does not name. A playbook speaks of all schemas.
fn in_reach(sides: &Sides, names: &NewNames, role: &Ident, schema: Option<&SchemaKey>) -> bool {
    sides.options.prune
        || names.is_playbook(role)
        || schema.is_none_or(|schema| sides.scope.schemas.contains(schema))
}

/// What tells one owned object from another: a relation and its columns are one, whatever class a
/// grant names it by.
type Owned = (Option<RelationKey>, Option<Securable>);

fn owned(on: &Securable) -> Owned {
    if on.class().is_relation() || on.class() == ObjectClass::Column {
        (on.relation_key(), None)
    } else {
        (None, Some(on.clone()))
    }
}

/// Object → (owner until now, owner by these steps). A column's sequence goes with its table.
fn moves(observed: &ObservedState, steps: &[Step]) -> BTreeMap<Owned, (Ident, Ident)> {
    let mut moves: BTreeMap<Owned, (Ident, Ident)> = steps
        .iter()
        .filter_map(|step| match &step.change {
            Change::SetOwner { on, from, to } => Some((owned(on), (from.clone(), to.clone()))),
            _ => None,
        })
        .collect();
    if !moves.is_empty() {
        for (on, table) in &observed.inventory.follows {
            if let Some(both) = moves.get(&(Some(table.clone()), None)).cloned() {
                moves.insert(owned(on), both);
            }
        }
    }
    moves
}

/// Whether a revoke takes a grant away whoever made it. So it is on Snowflake, for a role that may
/// manage grants; on PostgreSQL each grantor's grant goes by itself.
fn takes_any_grantors(sides: &Sides) -> bool {
    sides.observed.server.dialect == DialectKind::Snowflake
}

/// `file:line` of a reason, as far as it is known.
fn at(because: &Reason) -> String {
    let Reason { file, line, node, permission: _ } = because;
    let file = file.clone().or_else(|| node.clone()).unwrap_or_default();
    line.map_or(file.clone(), |line| format!("{file}:{line}"))
}

/// The place of a reason, without its text: who reads files adds that.
fn reason_place(because: &Reason) -> Option<Place> {
    let mut place = Place::file(because.file.as_ref()?);
    place.line = because.line;
    Some(place)
}

fn describe(on: &Securable) -> String {
    format!("{} {on}", on.class())
}
