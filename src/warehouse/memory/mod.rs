//! A warehouse in memory, for the laws: what PostgreSQL would do with each change, without one.
//!
//! It keeps what decides about laws: grantors as keys, refusals to drop what is in use, and a
//! transaction that can die in the middle. It does not know who may do what: that is a server's
//! to judge.

mod receipts;
mod roles;

use std::collections::BTreeSet;

use crate::model::{
    AclEntry, Change, DefaultGrant, Ident, MarkerReading, MemberKind, ObjectClass,
    ObservedMembership, ObservedRole, ObservedState, PrivilegeSet, RoleAttributes, SchemaKey,
    Securable, ServerIdentity,
};

use super::{Everybodys, Execute, Look, Observe, ObservePublic, WarehouseError};
use crate::receipts::{Ask, Entry, Stamp, Store};

/// A warehouse that is an [`ObservedState`].
#[derive(Debug, Clone)]
pub struct Memory {
    state: ObservedState,
    /// As it was at `begin`.
    before: Option<ObservedState>,
    /// The role whose grants those made here are; `None` for the object's owner.
    grantor: Option<Ident>,
    /// How many changes are made before the session dies.
    lives: Option<usize>,
    public: Vec<(Securable, PrivilegeSet)>,
    kept: receipts::Kept,
}

impl Memory {
    /// A warehouse that has `state`. What is granted is granted by the object's owner where that
    /// is known, else by the acting role, as a superuser's session does.
    pub fn new(state: ObservedState) -> Self {
        Self {
            state,
            before: None,
            grantor: None,
            lives: None,
            public: Vec::new(),
            kept: receipts::Kept::default(),
        }
    }

    /// Lets `grantor` grant everything from now on.
    pub fn granting_as(mut self, grantor: Ident) -> Self {
        self.grantor = Some(grantor);
        self
    }

    /// Lets everybody have this.
    pub fn open_to_public(mut self, on: Securable, privileges: PrivilegeSet) -> Self {
        self.public.push((on, privileges));
        self
    }

    /// Lets the session die after so many more changes: `execute` fails, what was not committed
    /// is undone, and the warehouse can be used again.
    pub fn dying_after(mut self, changes: usize) -> Self {
        self.lives = Some(changes);
        self
    }

    /// Whatever is in it now, uncommitted changes included.
    pub fn state(&self) -> &ObservedState {
        &self.state
    }

    /// Changes it from outside, as somebody else would.
    pub fn state_mut(&mut self) -> &mut ObservedState {
        &mut self.state
    }

    /// Makes one change, as a server would.
    pub fn change(&mut self, change: &Change) -> Result<(), WarehouseError> {
        match change {
            Change::CreateRole { role, marker } => {
                if self.state.roles.contains_key(role) {
                    return Err(refused(change, "it exists already"));
                }
                let created = ObservedRole {
                    marker: MarkerReading::Marker(marker.clone()),
                    attributes: RoleAttributes::MANAGED,
                    used_elsewhere: 0,
                    // Only Snowflake's roles are owned.
                    owner: None,
                };
                self.state.roles.insert(role.clone(), created);
            }
            Change::RenameRole { from, to } => self.rename(change, from, to)?,
            Change::AdoptRole { role, marker } => {
                self.role(change, role)?.marker = MarkerReading::Marker(marker.clone());
            }
            Change::ResetAttributes { role, attributes: _ } => {
                self.role(change, role)?.attributes = RoleAttributes::MANAGED;
                // Before 16 the member's own INHERIT decided for all that it is in.
                if self.state.server.version < 160_000 {
                    let mine = |held: &&mut ObservedMembership| held.member == *role;
                    self.state.memberships.iter_mut().filter(mine).for_each(|it| it.inherit = true);
                }
            }
            Change::Grant { on, role, privileges } => {
                self.role(change, role)?;
                self.grant(on, role, *privileges);
            }
            Change::Revoke { on, role, privileges, grantor } => {
                let grantor = grantor.clone().unwrap_or_else(|| self.grantor_on(on));
                self.revoke(change, on, role, &grantor, *privileges, false)?;
            }
            Change::RevokeGrantOption { on, role, privileges, grantor } => {
                self.revoke(change, on, role, grantor, *privileges, true)?;
            }
            Change::AddMember { role, member, kind: _ } => self.add_member(change, role, member)?,
            Change::RevokeAdminOption { role, member, grantor } => {
                for held in &mut self.state.memberships {
                    if held.role == *role && held.member == *member && held.grantor == *grantor {
                        held.admin = false;
                        held.automatic = false;
                    }
                }
            }
            Change::RemoveMember { role, member, kind: _, grantor } => {
                self.state.memberships.retain(|held| {
                    held.role != *role
                        || held.member != *member
                        || grantor.as_ref().is_some_and(|grantor| held.grantor != *grantor)
                });
            }
            Change::SetOwner { on, from: _, to } => {
                self.role(change, to)?;
                self.set_owner(on, to);
            }
            Change::SetRoleOwner { role, from: _, to } => {
                self.role(change, to)?;
                self.role(change, role)?.owner = Some(to.clone());
            }
            Change::GrantDefault { creator, database, schema, class, role, privileges } => {
                self.role(change, role)?;
                let same = |held: &&mut DefaultGrant| {
                    (&held.creator, &held.database, &held.schema, held.class, &held.grantee)
                        == (creator, database, schema, *class, role)
                };
                match self.state.defaults.iter_mut().find(same) {
                    Some(held) => held.privileges = held.privileges.union(*privileges),
                    None => self.state.defaults.push(DefaultGrant {
                        creator: creator.clone(),
                        database: database.clone(),
                        schema: schema.clone(),
                        class: *class,
                        grantee: role.clone(),
                        privileges: *privileges,
                        grantable: PrivilegeSet::EMPTY,
                    }),
                }
            }
            Change::RevokeDefault { creator, database, schema, class, role, privileges } => {
                for held in &mut self.state.defaults {
                    if (&held.creator, &held.database, &held.schema, held.class, &held.grantee)
                        == (creator, database, schema, *class, role)
                    {
                        held.privileges = held.privileges.minus(*privileges);
                        held.grantable = held.grantable.minus(*privileges);
                    }
                }
                self.state.defaults.retain(|held| !held.privileges.is_empty());
            }
            Change::DropRole { role } => self.drop_role(change, role)?,
        }
        self.state.acl.sort_unstable();
        self.state.memberships.sort_unstable();
        self.state.defaults.sort_unstable();
        Ok(())
    }

    /// One step nearer to the session's end, which undoes what was not committed.
    async fn live(&mut self) -> Result<(), WarehouseError> {
        match &mut self.lives {
            Some(0) => {
                self.lives = None;
                self.roll_back().await?;
                let target = "memory".to_owned();
                let cause = "the session died, as it was told to".to_owned();
                Err(WarehouseError::Connect { target, cause })
            }
            Some(lives) => {
                *lives -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn role(&mut self, change: &Change, role: &Ident) -> Result<&mut ObservedRole, WarehouseError> {
        self.state.roles.get_mut(role).ok_or_else(|| refused(change, "there is no such role"))
    }

    fn grantor_on(&self, on: &Securable) -> Ident {
        self.grantor
            .clone()
            .or_else(|| self.state.owner_of(on).cloned())
            .unwrap_or_else(|| self.state.server.acting_as.clone())
    }

    fn grant(&mut self, on: &Securable, role: &Ident, privileges: PrivilegeSet) {
        let grantor = self.grantor_on(on);
        // An owner's own rights are implicit: never seen as a grant.
        if *role == grantor {
            return;
        }
        let same = |entry: &&mut AclEntry| {
            entry.on == *on && entry.grantee == *role && entry.grantor == grantor
        };
        if let Some(entry) = self.state.acl.iter_mut().find(same) {
            entry.privileges = entry.privileges.union(privileges);
            return;
        }
        self.state.acl.push(AclEntry {
            on: on.clone(),
            grantee: role.clone(),
            grantor,
            privileges,
            grantable: PrivilegeSet::EMPTY,
        });
    }

    fn revoke(
        &mut self,
        change: &Change,
        on: &Securable,
        role: &Ident,
        grantor: &Ident,
        privileges: PrivilegeSet,
        only_option: bool,
    ) -> Result<(), WarehouseError> {
        let entries = || self.state.acl.iter().filter(|entry| entry.on == *on);
        let options = entries()
            .filter(|entry| entry.grantee == *role && entry.grantor != *grantor)
            .fold(PrivilegeSet::EMPTY, |all, entry| all.union(entry.grantable));
        let here = entries().find(|entry| entry.grantee == *role && entry.grantor == *grantor);
        let lost = here.map_or(PrivilegeSet::EMPTY, |it| it.grantable.intersection(privileges));
        let lost = lost.minus(options);
        if self.state.owner_of(on) != Some(role)
            && entries()
                .any(|it| it.grantor == *role && !it.privileges.intersection(lost).is_empty())
        {
            return Err(refused(change, "dependent privileges exist"));
        }
        for entry in &mut self.state.acl {
            // What goes on a relation goes on its columns too (PostgreSQL, REVOKE).
            if is_of(&entry.on, on) && entry.grantee == *role && entry.grantor == *grantor {
                entry.grantable = entry.grantable.minus(privileges);
                if !only_option {
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
        self.role(change, role)?;
        let inherit = self.role(change, member)?.attributes.inherit;
        if role == member || self.reaches(role, member) {
            return Err(refused(change, "the role is a member of it already"));
        }
        let options = self.state.server.version >= 160_000;
        let grantor = self.grantor.clone().unwrap_or(self.state.server.acting_as.clone());
        // Before 16 there is one membership, whoever granted it.
        let same = |held: &&mut ObservedMembership| {
            held.role == *role && held.member == *member && (!options || held.grantor == grantor)
        };
        if let Some(held) = self.state.memberships.iter_mut().find(same) {
            if options {
                (held.inherit, held.set, held.automatic) = (true, true, false);
            }
            return Ok(());
        }
        self.state.memberships.push(ObservedMembership {
            role: role.clone(),
            kind: MemberKind::Role,
            member: member.clone(),
            grantor,
            admin: false,
            inherit: options || inherit,
            set: true,
            automatic: false,
        });
        Ok(())
    }

    /// Whether `from` is, through whomever, a member of `to`.
    fn reaches(&self, from: &Ident, to: &Ident) -> bool {
        let mut seen = std::collections::BTreeSet::from([from]);
        let mut next = vec![from];
        while let Some(at) = next.pop() {
            if at == to {
                return true;
            }
            let held = self.state.memberships.iter().filter(|held| held.member == *at);
            next.extend(held.map(|held| &held.role).filter(|role| seen.insert(role)));
        }
        false
    }
}

/// Whether `part` is `whole`, or a column of it.
fn is_of(part: &Securable, whole: &Securable) -> bool {
    part == whole
        || part.class() == ObjectClass::Column
            && whole.class().is_relation()
            && (part.schema_name(), part.name()) == (whole.schema_name(), whole.name())
}

fn refused(change: &Change, why: &str) -> WarehouseError {
    WarehouseError::Statement {
        statement: format!("{change:?}"),
        message: why.to_owned(),
        code: "memory".to_owned(),
    }
}

impl Observe for Memory {
    async fn identity(&mut self) -> Result<ServerIdentity, WarehouseError> {
        Ok(self.state.server.clone())
    }

    /// All of it: what a real warehouse leaves out for the look must have been left out of the
    /// state that it was made from.
    async fn observe(&mut self, _look: &Look) -> Result<ObservedState, WarehouseError> {
        Ok(self.state.clone())
    }

    async fn store(&mut self) -> Result<Store, WarehouseError> {
        Ok(self.kept.store())
    }

    async fn receipts(&mut self, ask: &Ask) -> Result<Vec<Entry>, WarehouseError> {
        Ok(self.kept.asked(ask))
    }

    async fn stamp(&mut self) -> Result<Option<Stamp>, WarehouseError> {
        Ok(Some(self.kept.stamp(&self.state.server)))
    }
}

impl ObservePublic for Memory {
    async fn public(
        &mut self,
        schemas: &BTreeSet<SchemaKey>,
    ) -> Result<Everybodys, WarehouseError> {
        let mut public = self.public.clone();
        public.retain(|(on, _)| on.schema_key().is_some_and(|schema| schemas.contains(&schema)));
        public.sort();
        Ok(Everybodys { held: public, inside: Vec::new() })
    }
}

impl Execute for Memory {
    async fn begin(&mut self) -> Result<(), WarehouseError> {
        if self.before.is_some() {
            return Err(WarehouseError::Locked("a transaction is open already".to_owned()));
        }
        self.before = Some(self.state.clone());
        self.kept.begin();
        Ok(())
    }

    async fn execute(&mut self, changes: &[Change]) -> Result<(), WarehouseError> {
        for change in changes {
            self.live().await?;
            self.change(change)?;
        }
        Ok(())
    }

    async fn keep(&mut self, entry: &Entry) -> Result<(), WarehouseError> {
        self.live().await?;
        self.kept.keep(entry.clone())
    }

    async fn commit(&mut self) -> Result<(), WarehouseError> {
        match self.before.take() {
            Some(_) => Ok(()),
            None => Err(WarehouseError::Retry("no transaction is open".to_owned())),
        }
    }

    async fn roll_back(&mut self) -> Result<(), WarehouseError> {
        if let Some(before) = self.before.take() {
            self.state = before;
            self.kept.roll_back();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
