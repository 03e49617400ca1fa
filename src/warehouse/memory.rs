//! A warehouse in memory: an [`ObservedState`] that changes are applied to by their meaning. The
//! laws of planning are tested on it, and cut applies are tried at every place.

use std::collections::BTreeSet;

use super::{Execute, Look, Observe, WarehouseError};
use crate::model::{
    AclEntry, Change, Ident, Marker, MarkerReading, ObservedMembership, ObservedRole,
    ObservedState, PrivilegeSet, RoleAttributes, Securable, ServerIdentity,
};

/// A warehouse in memory, with transactions.
#[derive(Debug, Clone)]
pub struct Memory {
    state: ObservedState,
    /// The state to return to.
    before: Option<Box<ObservedState>>,
    /// Dies, losing the transaction, when this many changes have been executed.
    dies_after: Option<usize>,
    /// Every change makes itself last at once, as on Snowflake.
    auto_commit: bool,
}

impl Memory {
    /// A warehouse in this state.
    pub fn new(state: ObservedState) -> Self {
        Self { state, before: None, dies_after: None, auto_commit: false }
    }

    /// Its state, whole.
    pub fn state(&self) -> &ObservedState {
        &self.state
    }

    /// Makes it die after so many changes; each change then lasts by itself.
    pub fn dying_after(mut self, changes: usize) -> Self {
        self.dies_after = Some(changes);
        self.auto_commit = true;
        self
    }

    /// Brings it back after it died.
    pub fn revive(&mut self) {
        self.dies_after = None;
        self.before = None;
    }

    fn owner_of(&self, on: &Securable) -> Ident {
        let owned = self.state.owned.get(on).cloned();
        let relation = on.schema_name().zip(on.name()).and_then(|(schema, name)| {
            self.state.inventory.relations.get(&(schema.clone(), name.clone()))
        });
        owned
            .or(relation.map(|relation| relation.owner.clone()))
            .unwrap_or_else(|| self.state.server.acting_as.clone())
    }

    fn fail<T>(change: &Change, why: &str) -> Result<T, WarehouseError> {
        Err(WarehouseError::Statement {
            statement: change.brief(),
            message: why.to_owned(),
            code: "MEMORY".to_owned(),
        })
    }

    /// Makes one change, as a server would.
    pub fn change(&mut self, change: &Change) -> Result<(), WarehouseError> {
        match change {
            Change::CreateRole { role, marker } => {
                if self.state.roles.contains_key(role) {
                    return Self::fail(change, "role exists");
                }
                let made = ObservedRole {
                    marker: MarkerReading::Marker(marker.clone()),
                    attributes: RoleAttributes::MANAGED,
                    used_elsewhere: 0,
                };
                self.state.roles.insert(role.clone(), made);
            }
            Change::AdoptRole { role, marker } => self.mark(change, role, marker)?,
            Change::RenameRole { from, to } => self.rename(change, from, to)?,
            Change::ResetAttributes { role, attributes: _ } => match self.state.roles.get_mut(role)
            {
                Some(role) => role.attributes = RoleAttributes::MANAGED,
                None => return Self::fail(change, "no such role"),
            },
            Change::Grant { on, role, privileges } => self.grant(change, on, role, *privileges)?,
            Change::Revoke { on, role, privileges, grantor } => {
                let grantor = grantor.clone().unwrap_or_else(|| self.owner_of(on));
                self.take(change, on, role, &grantor, *privileges, false)?;
            }
            Change::RevokeGrantOption { on, role, privileges, grantor } => {
                self.take(change, on, role, grantor, *privileges, true)?;
            }
            Change::RevokeDefault { creator, schema, class, role, privileges } => {
                for default in &mut self.state.defaults {
                    if default.creator == *creator
                        && default.schema == *schema
                        && default.class == *class
                        && default.grantee == *role
                    {
                        default.privileges = default.privileges.minus(*privileges);
                        default.grantable = default.grantable.minus(*privileges);
                    }
                }
                self.state.defaults.retain(|default| !default.privileges.is_empty());
            }
            Change::AddMember { role, member, kind: _ } => self.add_member(change, role, member)?,
            Change::RevokeAdminOption { role, member, grantor } => {
                self.check_no_dependent_members(change, role, member, Some(grantor))?;
                for m in &mut self.state.memberships {
                    if m.role == *role && m.member == *member && m.grantor == *grantor {
                        m.admin = false;
                    }
                }
            }
            Change::RemoveMember { role, member, kind: _, grantor } => {
                self.check_no_dependent_members(change, role, member, grantor.as_ref())?;
                let versioned = self.state.server.version >= 160_000;
                self.state.memberships.retain(|m| {
                    m.role != *role
                        || m.member != *member
                        || (versioned && grantor.as_ref().is_some_and(|g| m.grantor != *g))
                });
            }
            Change::SetOwner { on, from: _, to } => self.set_owner(change, on, to)?,
            Change::DropRole { role } => self.drop_role(change, role)?,
        }
        self.state.acl.sort();
        self.state.memberships.sort();
        Ok(())
    }

    fn mark(
        &mut self,
        change: &Change,
        role: &Ident,
        marker: &Marker,
    ) -> Result<(), WarehouseError> {
        match self.state.roles.get_mut(role) {
            Some(role) => {
                role.marker = MarkerReading::Marker(marker.clone());
                Ok(())
            }
            None => Self::fail(change, "no such role"),
        }
    }

    fn rename(&mut self, change: &Change, from: &Ident, to: &Ident) -> Result<(), WarehouseError> {
        if self.state.roles.contains_key(to) {
            return Self::fail(change, "role exists");
        }
        let Some(role) = self.state.roles.remove(from) else {
            return Self::fail(change, "no such role");
        };
        self.state.roles.insert(to.clone(), role);
        let rename = |name: &mut Ident| {
            if name == from {
                *name = to.clone();
            }
        };
        for entry in &mut self.state.acl {
            rename(&mut entry.grantee);
            rename(&mut entry.grantor);
        }
        for m in &mut self.state.memberships {
            rename(&mut m.role);
            rename(&mut m.member);
            rename(&mut m.grantor);
        }
        for default in &mut self.state.defaults {
            rename(&mut default.grantee);
            if let Some(creator) = &mut default.creator {
                rename(creator);
            }
        }
        self.state.owned.values_mut().for_each(rename);
        for relation in self.state.inventory.relations.values_mut() {
            if relation.owner == *from {
                relation.owner = to.clone();
            }
        }
        Ok(())
    }

    fn grant(
        &mut self,
        change: &Change,
        on: &Securable,
        role: &Ident,
        privileges: PrivilegeSet,
    ) -> Result<(), WarehouseError> {
        if !self.state.roles.contains_key(role) {
            return Self::fail(change, "no such role");
        }
        let grantor = self.owner_of(on);
        if grantor == *role {
            return Ok(());
        }
        let same = |e: &&mut AclEntry| e.on == *on && e.grantee == *role && e.grantor == grantor;
        match self.state.acl.iter_mut().find(same) {
            Some(entry) => entry.privileges = entry.privileges.union(privileges),
            None => self.state.acl.push(AclEntry {
                on: on.clone(),
                grantee: role.clone(),
                grantor,
                privileges,
                grantable: PrivilegeSet::EMPTY,
            }),
        }
        Ok(())
    }

    fn take(
        &mut self,
        change: &Change,
        on: &Securable,
        role: &Ident,
        grantor: &Ident,
        privileges: PrivilegeSet,
        option_only: bool,
    ) -> Result<(), WarehouseError> {
        let entries = || self.state.acl.iter().filter(|e| e.on == *on);
        let still_grantable = entries()
            .filter(|e| e.grantee == *role && e.grantor != *grantor)
            .fold(PrivilegeSet::EMPTY, |all, e| all.union(e.grantable));
        let lost: PrivilegeSet = entries()
            .filter(|e| e.grantee == *role && e.grantor == *grantor)
            .fold(PrivilegeSet::EMPTY, |all, e| all.union(e.grantable))
            .intersection(privileges)
            .minus(still_grantable);
        if entries().any(|e| e.grantor == *role && !e.privileges.intersection(lost).is_empty()) {
            return Self::fail(change, "dependent privileges exist");
        }
        for entry in &mut self.state.acl {
            if entry.on == *on && entry.grantee == *role && entry.grantor == *grantor {
                entry.grantable = entry.grantable.minus(privileges);
                if !option_only {
                    entry.privileges = entry.privileges.minus(privileges);
                }
            }
        }
        self.state.acl.retain(|entry| !entry.privileges.is_empty());
        Ok(())
    }

    fn add_member(
        &mut self,
        change: &Change,
        role: &Ident,
        member: &Ident,
    ) -> Result<(), WarehouseError> {
        if !self.state.roles.contains_key(role) || !self.state.roles.contains_key(member) {
            return Self::fail(change, "no such role");
        }
        let acting = self.state.server.acting_as.clone();
        let versioned = self.state.server.version >= 160_000;
        let same = |m: &&mut ObservedMembership| {
            m.role == *role && m.member == *member && (!versioned || m.grantor == acting)
        };
        match self.state.memberships.iter_mut().find(same) {
            Some(membership) => {
                membership.inherit = true;
                membership.set = true;
                membership.automatic = false;
            }
            None => self.state.memberships.push(ObservedMembership {
                role: role.clone(),
                member: member.clone(),
                grantor: acting,
                admin: false,
                inherit: true,
                set: true,
                automatic: false,
            }),
        }
        Ok(())
    }

    /// From 16 on, who was let in by an admin option hangs on it.
    fn check_no_dependent_members(
        &self,
        change: &Change,
        role: &Ident,
        member: &Ident,
        grantor: Option<&Ident>,
    ) -> Result<(), WarehouseError> {
        let mine = |m: &&ObservedMembership| m.role == *role && m.member == *member && m.admin;
        let is_this = |m: &ObservedMembership| grantor.is_none_or(|g| m.grantor == *g);
        let rows = || self.state.memberships.iter().filter(mine);
        if !rows().any(is_this) || rows().any(|m| !is_this(m)) {
            return Ok(());
        }
        let hang = |m: &ObservedMembership| m.role == *role && m.grantor == *member;
        if self.state.server.version >= 160_000
            && *member != self.state.server.acting_as
            && self.state.memberships.iter().any(hang)
        {
            return Self::fail(change, "dependent privileges exist");
        }
        Ok(())
    }

    /// What the old owner held or granted becomes the new owner's, as PostgreSQL does.
    fn set_owner(
        &mut self,
        change: &Change,
        on: &Securable,
        to: &Ident,
    ) -> Result<(), WarehouseError> {
        let from = self.owner_of(on);
        if !self.state.roles.contains_key(to) {
            return Self::fail(change, "no such role");
        }
        if let Some((schema, name)) = on.schema_name().zip(on.name())
            && let Some(relation) =
                self.state.inventory.relations.get_mut(&(schema.clone(), name.clone()))
        {
            relation.owner = to.clone();
        }
        self.state.owned.insert(on.clone(), to.clone());
        // The columns of a relation change hands with it.
        let is_of = |entry: &AclEntry| {
            entry.on == *on
                || (entry.on.column_name().is_some()
                    && entry.on.schema_name() == on.schema_name()
                    && entry.on.name() == on.name())
        };
        for entry in self.state.acl.iter_mut().filter(|entry| is_of(entry)) {
            if entry.grantor == from {
                entry.grantor = to.clone();
            }
        }
        self.state.acl.retain(|entry| !is_of(entry) || entry.grantee != *to);
        let mut merged: Vec<AclEntry> = Vec::new();
        for entry in std::mem::take(&mut self.state.acl) {
            let same = |e: &&mut AclEntry| {
                e.on == entry.on && e.grantee == entry.grantee && e.grantor == entry.grantor
            };
            match merged.iter_mut().find(same) {
                Some(there) => {
                    there.privileges = there.privileges.union(entry.privileges);
                    there.grantable = there.grantable.union(entry.grantable);
                }
                None => merged.push(entry),
            }
        }
        self.state.acl = merged;
        Ok(())
    }

    fn drop_role(&mut self, change: &Change, role: &Ident) -> Result<(), WarehouseError> {
        let acl = self.state.acl.iter().any(|e| e.grantee == *role || e.grantor == *role);
        let owns = self.state.owned.values().any(|owner| owner == role);
        let elsewhere = self.state.roles.get(role).is_some_and(|r| r.used_elsewhere > 0);
        if acl || owns || elsewhere {
            return Self::fail(change, "some objects depend on it");
        }
        self.state.memberships.retain(|m| m.role != *role && m.member != *role);
        match self.state.roles.remove(role) {
            Some(_) => Ok(()),
            None => Self::fail(change, "no such role"),
        }
    }
}

impl Observe for Memory {
    async fn identity(&mut self) -> Result<ServerIdentity, WarehouseError> {
        Ok(self.state.server.clone())
    }

    /// Everything about roles that are marked for the deployment or asked for by name.
    async fn observe(&mut self, look: &Look) -> Result<ObservedState, WarehouseError> {
        let Look { deployment, roles, schemas: _ } = look;
        let mut seen = self.state.clone();
        let ours: BTreeSet<Ident> = seen
            .roles
            .iter()
            .filter(|(name, role)| {
                roles.contains(*name)
                    || matches!(&role.marker, MarkerReading::Marker(m) if m.deployment == *deployment)
            })
            .map(|(name, _)| name.clone())
            .collect();
        seen.acl.retain(|e| ours.contains(&e.grantee) || ours.contains(&e.grantor));
        seen.memberships
            .retain(|m| [&m.role, &m.member, &m.grantor].iter().any(|r| ours.contains(*r)));
        seen.defaults.retain(|default| ours.contains(&default.grantee));
        seen.owned.retain(|_, owner| ours.contains(owner));
        seen.unsupported.retain(|(role, _)| ours.contains(role));
        Ok(seen)
    }
}

impl Execute for Memory {
    async fn begin(&mut self) -> Result<(), WarehouseError> {
        self.before = Some(Box::new(self.state.clone()));
        Ok(())
    }

    async fn execute(&mut self, changes: &[Change]) -> Result<(), WarehouseError> {
        for change in changes {
            if let Some(left) = &mut self.dies_after {
                if *left == 0 {
                    return Err(WarehouseError::Connect {
                        target: "memory".to_owned(),
                        cause: "the connection broke".to_owned(),
                    });
                }
                *left -= 1;
            }
            self.change(change)?;
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), WarehouseError> {
        self.before = None;
        Ok(())
    }

    async fn roll_back(&mut self) -> Result<(), WarehouseError> {
        if let (Some(before), false) = (self.before.take(), self.auto_commit) {
            self.state = *before;
        }
        Ok(())
    }
}
