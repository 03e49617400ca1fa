//! A plan that is limited to the access of some nodes: for a selection, and for what one run of
//! dbt has built.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Difference, NewNames, Refusal, Sides};
use crate::model::{
    Change, DesiredGrant, DesiredState, Ident, ObjectClass, PrivilegeSet, RelationKey, SchemaKey,
    Scope, Securable,
};
use crate::resolve::Resolved;

/// The nodes whose access a plan may touch. Roles are then neither renamed, emptied nor dropped, and
/// nothing is revoked but on these nodes' relations.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Their `unique_id`s.
    pub nodes: BTreeSet<String>,
    /// Relations in the manifest's schemas that no node of it is, too: what nodes that are gone
    /// have left.
    pub gone: bool,
}

/// How far a plan reaches: a [`Limit`], as the relations, roles and reasons that it comes down to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within(Option<Only>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Only {
    /// The relations of the nodes.
    relations: BTreeSet<RelationKey>,
    /// All nodes that have one of these relations: reasons name them.
    nodes: BTreeSet<String>,
    /// Roles that are declared to have something there.
    roles: BTreeSet<Ident>,
    /// Roles that are declared to own something there.
    owners: BTreeSet<Ident>,
    gone: Option<Gone>,
    /// Members are let into these roles, whether or not the plan makes them.
    members: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Gone {
    schemas: BTreeSet<SchemaKey>,
    /// Relations of any node of the manifest.
    taken: BTreeSet<RelationKey>,
}

impl Within {
    /// No limit at all.
    pub fn everything() -> Self {
        Self(None)
    }

    /// The limit, in what was resolved.
    pub fn of(limit: Option<&Limit>, resolved: &Resolved, scope: &Scope) -> Self {
        let Some(limit) = limit else { return Self::everything() };
        let nodes = || {
            let nodes = resolved.nodes.iter();
            nodes.filter_map(|node| Some((node, node.relation.as_ref()?.relation_key()?)))
        };
        let relations: BTreeSet<RelationKey> = nodes()
            .filter(|(node, _)| limit.nodes.contains(&node.unique_id))
            .map(|(_, relation)| relation)
            .collect();
        let nodes = nodes()
            .filter(|(_, relation)| relations.contains(relation))
            .map(|(node, _)| node.unique_id.clone())
            .collect();
        // What is not there yet may have had another name: until it is built, what looks as if it
        // were left over is what its readers have.
        let replaced = resolved.nodes.iter().any(|node| node.missing);
        let gone = (limit.gone && !replaced)
            .then(|| Gone { schemas: scope.schemas.clone(), taken: resolved.taken.clone() });
        Self::only(relations, nodes, gone, &resolved.desired)
    }

    /// A limit to relations and the nodes that have them, for a desired state of any making.
    pub fn relations(
        relations: BTreeSet<RelationKey>,
        nodes: BTreeSet<String>,
        desired: &DesiredState,
    ) -> Self {
        Self::only(relations, nodes, None, desired)
    }

    fn only(
        relations: BTreeSet<RelationKey>,
        nodes: BTreeSet<String>,
        gone: Option<Gone>,
        desired: &DesiredState,
    ) -> Self {
        let mut within = Self(Some(Only {
            relations,
            nodes,
            roles: BTreeSet::new(),
            owners: BTreeSet::new(),
            gone,
            members: false,
        }));
        let granted = desired.grants.keys().filter(|(on, _)| within.covers(on));
        let roles: BTreeSet<Ident> = granted.map(|(_, role)| role.clone()).collect();
        let owned = desired.owners.iter().filter(|(on, _)| within.covers(on));
        let owners: BTreeSet<Ident> = owned.map(|(_, owner)| owner.role.clone()).collect();
        if let Some(only) = &mut within.0 {
            only.roles = roles.into_iter().chain(owners.iter().cloned()).collect();
            // A database role is of no use without the role that holds it.
            let held_by = |(role, member): &(Ident, Ident)| {
                (only.roles.contains(role) && desired.roles.contains_key(member))
                    .then(|| member.clone())
            };
            let holders: Vec<Ident> = desired.memberships.keys().filter_map(held_by).collect();
            only.roles.extend(holders);
            only.owners = owners;
        }
        within
    }

    /// Whether members come along into all roles that are declared to have something there: a
    /// promotion brings them with the nodes.
    pub fn with_members(mut self, members: bool) -> Self {
        if let Some(only) = &mut self.0 {
            only.members = members;
        }
        self
    }

    /// Whether there is no limit.
    pub fn is_everything(&self) -> bool {
        self.0.is_none()
    }

    /// Whether what is on this object may be changed: a relation of the nodes, or a column of one.
    pub(super) fn covers(&self, on: &Securable) -> bool {
        let Some(only) = &self.0 else { return true };
        if !on.class().is_relation() && on.class() != ObjectClass::Column {
            return false;
        }
        let Some(key) = on.relation_key() else { return false };
        let is_gone = |gone: &Gone| {
            !gone.taken.contains(&key)
                && on.schema_key().is_some_and(|schema| gone.schemas.contains(&schema))
        };
        only.relations.contains(&key) || only.gone.as_ref().is_some_and(is_gone)
    }

    /// What of a declared grant is to be there: all of it on what is covered, and of what leads
    /// there what is declared for the nodes.
    pub(super) fn part_of(
        &self,
        on: &Securable,
        role: &Ident,
        grant: &DesiredGrant,
    ) -> PrivilegeSet {
        let Some(only) = &self.0 else { return grant.privileges };
        if self.covers(on) {
            return grant.privileges;
        }
        // A virtual warehouse is named by no node, and queries need one.
        if on.class() == ObjectClass::Warehouse && only.roles.contains(role) {
            return grant.privileges;
        }
        if !on.class().is_container() {
            return PrivilegeSet::EMPTY;
        }
        let is_for_them = |reasons: &Vec<crate::model::Reason>| {
            let mut nodes = reasons.iter().filter_map(|reason| reason.node.as_ref());
            nodes.any(|node| only.nodes.contains(node))
        };
        let needed = grant.because.iter().filter(|(_, reasons)| is_for_them(reasons));
        let needed: Vec<_> = needed.map(|(privilege, _)| *privilege).collect();
        PrivilegeSet::of(&needed)
    }

    /// Whether a role that is not there is made.
    pub(super) fn makes(&self, role: &Ident) -> bool {
        self.0.as_ref().is_none_or(|only| only.roles.contains(role))
    }

    /// Whether a declared member is let in: into a role that this plan makes (a promotion: into any
    /// that has something there), and the role that runs dbt into an owner, since it could not
    /// rebuild what it hands over.
    pub(super) fn admits(
        &self,
        role: &Ident,
        member: &Ident,
        new: bool,
        deploys: Option<&Ident>,
    ) -> bool {
        match &self.0 {
            None => true,
            Some(only) => {
                new || only.members && only.roles.contains(role)
                    || only.owners.contains(role) && deploys == Some(member)
            }
        }
    }
}

/// The roles that a plan makes or brings under management.
pub(super) fn new_roles(out: &Difference) -> BTreeSet<Ident> {
    let roles = out.steps.iter().filter_map(|step| match &step.change {
        Change::CreateRole { role, .. } | Change::AdoptRole { role, .. } => Some(role.clone()),
        _ => None,
    });
    roles.collect()
}

/// A plan that renames nothing cannot speak of a role that is to get another name.
pub(super) fn refuse_renamed(sides: &Sides, names: &NewNames, out: &mut Difference) {
    let (what, help) = match sides.options.only_adds {
        true => ("a promotion", "an ordinary plan and apply there renames it first"),
        false => ("a selection", "apply once without a selection"),
    };
    let renamed: BTreeMap<&Ident, &Ident> =
        names.iter().filter(|(from, to)| from != to).map(|(from, to)| (to, from)).collect();
    let mut hit: BTreeSet<(&Ident, &Ident)> = BTreeSet::new();
    for step in &out.steps {
        for role in mentioned(&step.change) {
            if let Some(from) = renamed.get(role) {
                hit.insert((from, role));
            }
        }
    }
    let refusals: Vec<Refusal> = hit
        .into_iter()
        .map(|(from, to)| Refusal {
            code: "role-to-rename",
            message: format!("{from} is to be renamed to {to}, which {what} does not do"),
            help: help.to_owned(),
        })
        .collect();
    out.refused.extend(refusals);
}

/// The roles that a limited change speaks of.
fn mentioned(change: &Change) -> Vec<&Ident> {
    match change {
        Change::Grant { role, .. } => vec![role],
        Change::Revoke { role, grantor, .. } => [role].into_iter().chain(grantor).collect(),
        Change::RevokeGrantOption { role, grantor, .. } => vec![role, grantor],
        Change::SetOwner { from, to, .. } => vec![from, to],
        Change::AddMember { role, member, .. } | Change::RemoveMember { role, member, .. } => {
            vec![role, member]
        }
        Change::RevokeAdminOption { role, member, grantor } => vec![role, member, grantor],
        // A new name is nobody's yet; the others do not come up.
        Change::CreateRole { .. } | Change::RenameRole { .. } => Vec::new(),
        Change::AdoptRole { role, .. }
        | Change::ResetAttributes { role, .. }
        | Change::GrantDefault { role, .. }
        | Change::RevokeDefault { role, .. }
        | Change::DropRole { role } => vec![role],
        Change::SetRoleOwner { role, to, .. } => vec![role, to],
    }
}
