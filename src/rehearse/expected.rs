//! Who is to have what after an apply, PUBLIC and people included.

use std::collections::BTreeMap;

use crate::dialect;
use crate::model::{
    DesiredState, DialectKind, Ident, ObjectClass, Privilege, PrivilegeSet, Securable,
};

/// Roles by their grants and what they own, members by all roles that they are in.
pub(super) struct Expected<'a> {
    desired: &'a DesiredState,
    /// Person → managed roles.
    held: BTreeMap<&'a Ident, Vec<&'a Ident>>,
}

impl<'a> Expected<'a> {
    pub(super) fn of(desired: &'a DesiredState) -> Self {
        let mut held: BTreeMap<&Ident, Vec<&Ident>> = BTreeMap::new();
        for (role, member) in desired.memberships.keys() {
            held.entry(member).or_default().push(role);
        }
        Self { desired, held }
    }

    pub(super) fn people(&self) -> impl Iterator<Item = &'a Ident> {
        self.held.keys().copied()
    }

    /// Whether it owns the relation, or is in the role that does: both may rebuild it.
    pub(super) fn owns(&self, on: &Securable, who: &Ident) -> bool {
        let owner = self.desired.owners.get(on).map(|owner| &owner.role);
        owner.is_some_and(|owner| owner == who || self.roles_of(who).any(|role| role == owner))
    }

    pub(super) fn privileges(&self, on: &Securable, who: &Ident) -> PrivilegeSet {
        if self.owns(on, who) {
            return dialect::of(DialectKind::Postgres).privileges_of(on.class());
        }
        let granted = |role: &Ident| {
            let grant = self.desired.grants.get(&(on.clone(), role.clone()));
            grant.map(|grant| grant.privileges).unwrap_or_default()
        };
        self.roles_of(who).fold(granted(who), |all, role| all.union(granted(role)))
    }

    fn roles_of(&self, who: &Ident) -> impl Iterator<Item = &'a Ident> {
        self.held.get(who).into_iter().flatten().copied()
    }
}

/// What everyone has on a server that was just made ("Privileges", PostgreSQL); `None` for the
/// schema `public`, where it depends on the version.
pub(super) fn everyone(on: &Securable) -> Option<PrivilegeSet> {
    match on.class() {
        ObjectClass::Database => {
            Some(PrivilegeSet::of(&[Privilege::CONNECT, Privilege::TEMPORARY]))
        }
        ObjectClass::Schema if on.schema_name().is_some_and(|name| name.as_str() == "public") => {
            None
        }
        _ => Some(PrivilegeSet::EMPTY),
    }
}
