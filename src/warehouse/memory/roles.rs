//! Changes that touch every list in which a role's name stands.

use super::{Memory, is_of, refused};
use crate::model::{AclEntry, Change, Ident, ObservedState, Securable};
use crate::warehouse::WarehouseError;

impl Memory {
    /// The new owner takes the old one's place in the access list; its own grants become implicit.
    pub(super) fn set_owner(&mut self, on: &Securable, to: &Ident) {
        let from = self.state.owner_of(on).cloned();
        if let Some(key) = on.relation_key()
            && let Some(it) = self.state.inventory.relations.get_mut(&key)
        {
            it.owner = to.clone();
        }
        self.state.owned.insert(on.clone(), to.clone());
        if let Some(key) = on.relation_key() {
            let follows = self.state.inventory.follows.iter().filter(|(_, table)| **table == key);
            let follows: Vec<Securable> = follows.map(|(on, _)| on.clone()).collect();
            for on in follows {
                self.set_owner(&on, to);
            }
        }
        let mut moved: Vec<AclEntry> = Vec::new();
        for mut entry in std::mem::take(&mut self.state.acl) {
            if is_of(&entry.on, on) {
                if Some(&entry.grantor) == from.as_ref() {
                    entry.grantor = to.clone();
                }
                if Some(&entry.grantee) == from.as_ref() {
                    entry.grantee = to.clone();
                }
                if entry.grantee == *to && entry.grantor == *to {
                    continue;
                }
                let same = |other: &&mut AclEntry| {
                    (&other.on, &other.grantee, &other.grantor)
                        == (&entry.on, &entry.grantee, &entry.grantor)
                };
                if let Some(other) = moved.iter_mut().find(same) {
                    other.privileges = other.privileges.union(entry.privileges);
                    other.grantable = other.grantable.union(entry.grantable);
                    continue;
                }
            }
            moved.push(entry);
        }
        self.state.acl = moved;
    }

    pub(super) fn rename(
        &mut self,
        change: &Change,
        from: &Ident,
        to: &Ident,
    ) -> Result<(), WarehouseError> {
        if self.state.roles.contains_key(to) {
            return Err(refused(change, "the new name is taken"));
        }
        let Some(role) = self.state.roles.remove(from) else {
            return Err(refused(change, "there is no such role"));
        };
        self.state.roles.insert(to.clone(), role);
        let ObservedState {
            server,
            roles: _,
            acl,
            memberships,
            defaults,
            owned,
            inventory,
            unsupported,
            around: _,
            users: _,
            found: _,
        } = &mut self.state;
        let rename = |name: &mut Ident| {
            if name == from {
                *name = to.clone();
            }
        };
        rename(&mut server.acting_as);
        for AclEntry { on: _, grantee, grantor, privileges: _, grantable: _ } in acl {
            rename(grantee);
            rename(grantor);
        }
        for held in memberships {
            rename(&mut held.role);
            rename(&mut held.member);
            rename(&mut held.grantor);
        }
        for held in defaults {
            rename(&mut held.grantee);
            held.creator.iter_mut().for_each(rename);
        }
        owned.values_mut().for_each(rename);
        inventory.relations.values_mut().for_each(|it| rename(&mut it.owner));
        *unsupported = std::mem::take(unsupported)
            .into_iter()
            .map(|(mut role, what)| {
                rename(&mut role);
                (role, what)
            })
            .collect();
        Ok(())
    }

    pub(super) fn drop_role(
        &mut self,
        change: &Change,
        role: &Ident,
    ) -> Result<(), WarehouseError> {
        let ObservedState {
            server,
            roles,
            acl,
            memberships,
            defaults,
            owned,
            inventory,
            unsupported,
            around: _,
            users: _,
            found: _,
        } = &self.state;
        let Some(it) = roles.get(role) else {
            return Err(refused(change, "there is no such role"));
        };
        // Memberships go with the role, unless it granted them to others; before 16 who granted one
        // was written down, and nothing hung on it.
        let in_use = it.used_elsewhere > 0
            || acl.iter().any(|entry| entry.grantee == *role || entry.grantor == *role)
            || defaults.iter().any(|it| it.grantee == *role || it.creator.as_ref() == Some(role))
            || owned.values().any(|owner| owner == role)
            || inventory.relations.values().any(|it| it.owner == *role)
            || unsupported.iter().any(|(of, _)| of == role)
            || server.version >= 160_000
                && memberships
                    .iter()
                    .any(|it| it.grantor == *role && it.role != *role && it.member != *role);
        if in_use {
            return Err(refused(change, "some objects depend on it"));
        }
        self.state.roles.remove(role);
        self.state.memberships.retain(|held| held.role != *role && held.member != *role);
        Ok(())
    }
}
