//! States that are not read from a server: what is declared, and a state after changes.

use std::collections::BTreeSet;

use super::state::{AccessEntry, AccessRole, AccessState};
use crate::model::{
    Change, DesiredState, DialectKind, Ident, MarkerReading, MemberKind, ObservedMembership,
    ObservedState, Privilege, PrivilegeSet, RoleAttributes, Securable,
};

/// A role, who leaves it, and whose letting in is taken back; `None` for whoever's.
type Leaving<'c> = (&'c Ident, Ident, Option<&'c Ident>);

/// The newest rules: a declared state is of no server.
const NEWEST: u32 = 180_000;

impl AccessState {
    /// What a desired state alone would give: nothing that others hold, and nobody's defaults.
    pub fn of_desired(desired: &DesiredState, database: &Ident) -> Self {
        let mut state = Self::empty(desired.dialect, NEWEST, database.clone());
        state.declared = true;
        for (name, role) in &desired.roles {
            let marker = MarkerReading::Marker(role.marker.clone());
            let attributes = RoleAttributes::MANAGED;
            state.roles.insert(name.clone(), AccessRole { attributes, marker });
        }
        for ((role, member), membership) in &desired.memberships {
            let login = membership.kind == MemberKind::User;
            state.known_as(member, login);
            state.let_in(role, member, membership.kind);
        }
        for ((on, role), grant) in &desired.grants {
            state.give(on, role, grant.privileges);
        }
        for (on, owner) in &desired.owners {
            state.own(on, &owner.role);
        }
        if desired.dialect == DialectKind::Postgres {
            // Playbooks say what the seed of them says, which knows no CONNECT: PUBLIC has it.
            let connect = PrivilegeSet::of(&[Privilege::CONNECT]);
            let books = desired.roles.iter().filter(|(_, role)| role.marker.playbook.is_some());
            for (role, _) in books {
                state.give(&Securable::database(database.clone()), role, connect);
            }
        }
        state
    }

    /// What a plan sees of a server: the roles that are its business, and what they have.
    pub fn of_observed(observed: &ObservedState, database: &Ident) -> Self {
        let server = &observed.server;
        let mut state = Self::empty(server.dialect, server.version, database.clone());
        for (name, role) in &observed.roles {
            let (attributes, marker) = (role.attributes.clone(), role.marker.clone());
            state.roles.insert(name.clone(), AccessRole { attributes, marker });
        }
        for membership in &observed.memberships {
            let login = membership.kind == MemberKind::User;
            state.known_as(&membership.member, login);
            state.memberships.push(membership.clone());
        }
        for entry in &observed.acl {
            let object = state.objects.entry(entry.on.clone()).or_default();
            object.acl.push(AccessEntry {
                grantee: Some(entry.grantee.clone()),
                grantor: Some(entry.grantor.clone()),
                privileges: entry.privileges,
                grantable: entry.grantable,
            });
        }
        for (on, owner) in &observed.owned {
            state.own(on, owner);
        }
        state
    }

    /// The state after changes, as the server would make them.
    #[must_use]
    pub fn after<'c>(&self, changes: impl IntoIterator<Item = &'c Change>) -> Self {
        let mut state = self.clone();
        let mut leaving = BTreeSet::new();
        for change in changes {
            // Many leave one after another: together, all memberships are looked through once.
            if let Change::RemoveMember { role, member, kind, grantor } = change {
                leaving.insert((role, state.member(member, *kind), grantor.as_ref()));
                continue;
            }
            state.let_out(&mut leaving);
            state.make(change);
        }
        state.let_out(&mut leaving);
        state.memberships.sort_unstable();
        state.memberships.dedup();
        state
    }

    /// The state before changes that led to this one.
    #[must_use]
    pub fn before(&self, changes: &[&Change]) -> Self {
        let mut state = self.clone();
        let mut leaving = BTreeSet::new();
        for change in changes.iter().rev() {
            if let Change::AddMember { role, member, kind } = change {
                leaving.insert((role, state.member(member, *kind), None));
                continue;
            }
            state.let_out(&mut leaving);
            match change {
                Change::Grant { on, role, privileges } => state.take(on, role, None, |entry| {
                    entry.privileges = entry.privileges.minus(*privileges);
                }),
                Change::Revoke { on, role, privileges, .. } => {
                    state.known_as(role, false);
                    state.give(on, role, *privileges);
                }
                Change::RemoveMember { role, member, kind, .. } => {
                    let member = state.member(member, *kind);
                    state.known_as(role, false);
                    state.known_as(&member, *kind == MemberKind::User);
                    state.let_in(role, &member, *kind);
                }
                Change::SetOwner { on, from, .. } => state.own(on, from),
                Change::DropRole { role } => state.known_as(role, false),
                // The rest gives nobody anything, or names what has a marker.
                _ => {}
            }
        }
        state.let_out(&mut leaving);
        state
    }

    /// A member as it is called here.
    fn member(&self, member: &Ident, kind: MemberKind) -> Ident {
        match kind {
            MemberKind::User => self.user(member),
            MemberKind::Group | MemberKind::Role => member.clone(),
        }
    }

    pub(super) fn known_as(&mut self, name: &Ident, login: bool) {
        self.roles.entry(name.clone()).or_insert_with(|| AccessRole {
            attributes: RoleAttributes { login, ..RoleAttributes::MANAGED },
            marker: MarkerReading::None,
        });
    }

    fn let_out(&mut self, leaving: &mut BTreeSet<Leaving<'_>>) {
        if leaving.is_empty() {
            return;
        }
        self.memberships.retain(|it| {
            let by = |grantor| leaving.contains(&(&it.role, it.member.clone(), grantor));
            !by(None) && !by(Some(&it.grantor))
        });
        leaving.clear();
    }

    fn make(&mut self, change: &Change) {
        match change {
            Change::CreateRole { role, marker } => {
                let marker = MarkerReading::Marker(marker.clone());
                let attributes = RoleAttributes::MANAGED;
                self.roles.insert(role.clone(), AccessRole { attributes, marker });
            }
            Change::RenameRole { from, to } => self.rename(from, to),
            Change::AdoptRole { role, marker } => {
                if let Some(role) = self.roles.get_mut(role) {
                    role.marker = MarkerReading::Marker(marker.clone());
                }
            }
            Change::ResetAttributes { role, attributes: _ } => {
                if let Some(role) = self.roles.get_mut(role) {
                    role.attributes = RoleAttributes::MANAGED;
                }
                // Before 16 the attribute decides for all memberships of the role.
                if self.version < 160_000 {
                    let own = self.memberships.iter_mut().filter(|m| m.member == *role);
                    own.for_each(|membership| membership.inherit = true);
                }
            }
            Change::Grant { on, role, privileges } => self.give(on, role, *privileges),
            Change::AddMember { role, member, kind } => {
                let member = self.member(member, *kind);
                self.known_as(&member, *kind == MemberKind::User);
                self.let_in(role, &member, *kind);
            }
            Change::SetOwner { on, from, to } => {
                self.own(on, to);
                // The server writes the new owner's name into the list wherever the old one stood.
                for entry in self.objects.get_mut(on).into_iter().flat_map(|it| &mut it.acl) {
                    for name in [&mut entry.grantee, &mut entry.grantor] {
                        if name.as_ref() == Some(from) {
                            *name = Some(to.clone());
                        }
                    }
                }
            }
            Change::RevokeGrantOption { on, role, privileges, grantor } => {
                self.take(on, role, Some(grantor), |entry| {
                    entry.grantable = entry.grantable.minus(*privileges);
                });
            }
            Change::Revoke { on, role, privileges, grantor } => {
                self.take(on, role, grantor.as_ref(), |entry| {
                    entry.privileges = entry.privileges.minus(*privileges);
                    entry.grantable = entry.grantable.minus(*privileges);
                });
            }
            // What is not there yet decides about nothing that is.
            Change::GrantDefault { .. } | Change::SetRoleOwner { .. } => {}
            Change::RevokeDefault {
                creator, database, schema, class, role, privileges, ..
            } => {
                for list in self.defaults.iter_mut().filter(|list| {
                    let place = list.database.as_ref().is_none_or(|it| it == database);
                    let of = list.schema == *schema && list.class == *class;
                    place && list.creator == *creator && of
                }) {
                    for entry in &mut list.acl {
                        if entry.grantee.as_ref() == Some(role) {
                            entry.privileges = entry.privileges.minus(*privileges);
                        }
                    }
                }
            }
            Change::RevokeAdminOption { role, member, grantor } => {
                for membership in &mut self.memberships {
                    if (&membership.role, &membership.member, &membership.grantor)
                        == (role, member, grantor)
                    {
                        membership.admin = false;
                    }
                }
            }
            Change::RemoveMember { role, member, kind, grantor } => {
                let member = self.member(member, *kind);
                self.let_out(&mut BTreeSet::from([(role, member, grantor.as_ref())]));
            }
            Change::DropRole { role } => {
                self.roles.remove(role);
                self.memberships.retain(|m| m.role != *role && m.member != *role);
            }
        }
    }

    pub(super) fn give(&mut self, on: &Securable, role: &Ident, privileges: PrivilegeSet) {
        self.give_to(on, Some(role), privileges);
    }

    /// `None` for everybody.
    pub(super) fn give_to(
        &mut self,
        on: &Securable,
        role: Option<&Ident>,
        privileges: PrivilegeSet,
    ) {
        let object = self.objects.entry(on.clone()).or_default();
        let grantor = object.owner.clone();
        let entry =
            |entry: &&mut AccessEntry| entry.grantee.as_ref() == role && entry.grantor == grantor;
        match object.acl.iter_mut().find(entry) {
            Some(entry) => entry.privileges = entry.privileges.union(privileges),
            None => object.acl.push(AccessEntry {
                grantee: role.cloned(),
                grantor,
                privileges,
                grantable: PrivilegeSet::EMPTY,
            }),
        }
    }

    fn take(
        &mut self,
        on: &Securable,
        role: &Ident,
        grantor: Option<&Ident>,
        what: impl Fn(&mut AccessEntry),
    ) {
        let Some(object) = self.objects.get_mut(on) else { return };
        for entry in &mut object.acl {
            let by = grantor.is_none() || entry.grantor.as_ref() == grantor;
            if by && entry.grantee.as_ref() == Some(role) {
                what(entry);
            }
        }
        object.acl.retain(|entry| !entry.privileges.is_empty());
    }

    fn own(&mut self, on: &Securable, to: &Ident) {
        let object = self.objects.entry(on.clone()).or_default();
        object.owner = Some(to.clone());
    }

    fn let_in(&mut self, role: &Ident, member: &Ident, kind: MemberKind) {
        let inherit = self.version >= 160_000
            || self.roles.get(member).is_none_or(|member| member.attributes.inherit);
        self.memberships.push(ObservedMembership {
            role: role.clone(),
            member: member.clone(),
            kind,
            grantor: role.clone(),
            admin: false,
            inherit,
            set: true,
            automatic: false,
        });
    }

    fn rename(&mut self, from: &Ident, to: &Ident) {
        if let Some(role) = self.roles.remove(from) {
            self.roles.insert(to.clone(), role);
        }
        let turn = |name: &mut Ident| {
            if name == from {
                *name = to.clone();
            }
        };
        for membership in &mut self.memberships {
            turn(&mut membership.role);
            turn(&mut membership.member);
            turn(&mut membership.grantor);
        }
        let lists = self.objects.values_mut().map(|object| {
            object.owner.iter_mut().for_each(turn);
            &mut object.acl
        });
        let defaults = self.defaults.iter_mut().map(|list| {
            list.creator.iter_mut().for_each(turn);
            &mut list.acl
        });
        for entry in lists.chain(defaults).flatten() {
            entry.grantee.iter_mut().for_each(turn);
            entry.grantor.iter_mut().for_each(turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Effect;
    use super::super::fixtures::id;
    use super::*;
    use crate::model::{DesiredRole, Marker, ObjectClass, Reason};

    #[test]
    fn what_a_playbook_gives_is_of_use_where_public_may_connect() {
        let table = Securable::in_schema(ObjectClass::Table, id("d"), id("s"), id("t"));
        let schema = Securable::schema(id("d"), id("s"));
        let of = |playbook: Option<&str>| {
            let mut desired = DesiredState::empty("prod".to_owned(), DialectKind::Postgres);
            let marker = Marker {
                deployment: "shop".to_owned(),
                environment: "prod".to_owned(),
                instance: None,
                product: "p".to_owned(),
                role: "r".to_owned(),
                policy: None,
                playbook: playbook.map(str::to_owned),
                adopted: false,
                immutable: false,
            };
            desired.roles.insert(id("r"), DesiredRole::from(marker));
            for (on, privilege) in [(&table, Privilege::SELECT), (&schema, Privilege::USAGE)] {
                let grant = desired.grants.entry((on.clone(), id("r"))).or_default();
                let reason = Reason { node: None, file: None, line: None, permission: None };
                grant.add(PrivilegeSet::of(&[privilege]), &reason);
            }
            let state = AccessState::of_desired(&desired, &id("d"));
            let effect = Effect::of(&state);
            let role = effect.role(&id("r")).unwrap();
            role.answer(&table, Privilege::SELECT).usable()
        };
        // A product's role is always given CONNECT with what it is declared.
        assert!(of(Some("book")) && !of(None));
    }
}
