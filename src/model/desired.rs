//! What an environment must have.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{DialectKind, Ident, Marker, MemberKind, Privilege, PrivilegeSet, Securable};

/// Why something is desired: the chain back to a line in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// The dbt node's `unique_id`, where a node's declaration is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The file, relative to the project, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it, from 1, where it is known; never guessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The permission as it was written, such as `read`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
}

/// A role that must exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredRole {
    /// The marker its comment must be.
    pub marker: Marker,
}

/// The privileges of one role on one object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DesiredGrant {
    /// What must be granted, without grant option.
    pub privileges: PrivilegeSet,
    /// Each privilege's reasons, sorted.
    pub because: BTreeMap<Privilege, Vec<Reason>>,
}

/// Every role, grant, membership, ownership and future grant that an environment must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredState {
    /// The environment's name.
    pub environment: String,
    /// The dialect that names were folded for.
    pub dialect: DialectKind,
    /// Roles by their name in the warehouse.
    pub roles: BTreeMap<Ident, DesiredRole>,
    /// Grants by object and role.
    pub grants: BTreeMap<(Securable, Ident), DesiredGrant>,
    /// What dbt's own `grants` config gives: known, never revoked as a stranger's, never granted.
    pub known: BTreeMap<(Securable, Ident), PrivilegeSet>,
    /// Members by (role, member).
    pub memberships: BTreeMap<(Ident, Ident), DesiredMembership>,
    /// Those of `memberships` that no entry names and only rules give.
    pub matched: BTreeSet<(Ident, Ident)>,
    /// Who was a member until an entry ended, by (role, member): why nobody declares it any more.
    pub ended: BTreeMap<(Ident, Ident), Ended>,
    /// Owners that were declared, by relation.
    pub owners: BTreeMap<Securable, DesiredOwner>,
    /// The role that no plan takes anything from: the way back in.
    pub break_glass: Option<Ident>,
}

/// An entry that has ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ended {
    /// The entry.
    pub entry: Reason,
    /// Its `until`, as written.
    pub until: String,
}

impl Ended {
    /// `file:line`, as far as it is known.
    pub fn place(&self) -> String {
        let Reason { file, line, .. } = &self.entry;
        let file = file.clone().unwrap_or_default();
        line.map_or(file.clone(), |line| format!("{file}:{line}"))
    }
}

/// Somebody who must be in a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredMembership {
    /// What the owner's file calls the member.
    pub kind: MemberKind,
    /// The entries that say so.
    pub because: Vec<Reason>,
}

/// A role that must own a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredOwner {
    /// The managed role.
    pub role: Ident,
    /// The declarations that say so.
    pub because: Vec<Reason>,
}

impl DesiredState {
    /// A state that wants nothing.
    pub fn empty(environment: impl Into<String>, dialect: DialectKind) -> Self {
        Self {
            environment: environment.into(),
            dialect,
            roles: BTreeMap::new(),
            grants: BTreeMap::new(),
            known: BTreeMap::new(),
            memberships: BTreeMap::new(),
            matched: BTreeSet::new(),
            ended: BTreeMap::new(),
            owners: BTreeMap::new(),
            break_glass: None,
        }
    }

    /// Adds privileges on an object, with the reason for each.
    pub fn grant(&mut self, on: Securable, role: Ident, privileges: PrivilegeSet, reason: &Reason) {
        if privileges.is_empty() {
            return;
        }
        let grant = self.grants.entry((on, role)).or_default();
        grant.privileges = grant.privileges.union(privileges);
        for privilege in privileges.iter() {
            let reasons = grant.because.entry(privilege).or_default();
            if let Err(at) = reasons.binary_search(reason) {
                reasons.insert(at, reason.clone());
            }
        }
    }
}
