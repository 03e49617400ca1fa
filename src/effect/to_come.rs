//! Objects that are not there yet: what default privileges will give on them.

use std::collections::BTreeMap;

use super::state::{AccessEntry, AccessObject, AccessState, DefaultList};
use crate::model::{DialectKind, Ident, ObjectClass, Privilege, PrivilegeSet, SchemaKey};

impl AccessState {
    /// The object as it will be when the creator makes one of a class in a schema.
    ///
    /// A list for all schemas stands instead of the built-in defaults; one for the schema is added
    /// to it (`get_user_default_acl`).
    ///
    /// On Snowflake nothing is built in but ownership, and future grants in the schema, to whomever,
    /// take the place of those in its database, class by class.
    pub fn to_come(&self, creator: &Ident, within: &SchemaKey, class: ObjectClass) -> AccessObject {
        let schema = &within.1;
        if self.dialect == DialectKind::Snowflake {
            return self.future(creator, within, class);
        }
        let kind = match class {
            _ if class.is_relation() => ObjectClass::Table,
            ObjectClass::Procedure => ObjectClass::Function,
            other => other,
        };
        let find = |schema: Option<&Ident>| {
            self.defaults.iter().find(|list: &&DefaultList| {
                list.creator.as_ref() == Some(creator)
                    && list.class == kind
                    && list.schema.as_ref() == schema
            })
        };
        let everywhere = find(None);
        let mut acl = match everywhere {
            Some(list) => list.acl.clone(),
            None => self.built_in(class, creator),
        };
        if let Some(list) = find(Some(schema)) {
            acl.extend(list.acl.iter().cloned());
        }
        // Where nothing is left to give, the server falls back to what is built in (`aclmerge`).
        if acl.is_empty() {
            acl = self.built_in(class, creator);
        }
        let possible = self.privileges_of(class);
        let mut merged: BTreeMap<(Option<Ident>, Option<Ident>), AccessEntry> = BTreeMap::new();
        for entry in acl {
            let key = (entry.grantee.clone(), entry.grantor.clone());
            let into = merged.entry(key).or_insert_with(|| AccessEntry {
                privileges: Default::default(),
                grantable: Default::default(),
                ..entry.clone()
            });
            into.privileges = into.privileges.union(entry.privileges.intersection(possible));
            into.grantable = into.grantable.union(entry.grantable.intersection(possible));
        }
        let acl = merged.into_values().filter(|entry| !entry.privileges.is_empty()).collect();
        AccessObject { owner: Some(creator.clone()), acl, ..AccessObject::default() }
    }

    fn future(
        &self,
        creator: &Ident,
        (database, schema): &SchemaKey,
        class: ObjectClass,
    ) -> AccessObject {
        let of = |schema: Option<&Ident>| -> Vec<AccessEntry> {
            let here = self.defaults.iter().filter(|list| {
                let place = list.database.as_ref().is_none_or(|it| it == database);
                place && list.class == class && list.schema.as_ref() == schema
            });
            here.flat_map(|list| list.acl.clone()).collect()
        };
        let mut acl = of(Some(schema));
        if acl.is_empty() {
            acl = of(None);
        }
        let owns = |entry: &AccessEntry| entry.privileges.contains(Privilege::OWNERSHIP);
        let named = acl.iter().find(|entry| owns(entry)).and_then(|entry| entry.grantee.clone());
        let owner = named.unwrap_or_else(|| creator.clone());
        for entry in &mut acl {
            entry.grantor = Some(owner.clone());
            entry.privileges = entry.privileges.minus(PrivilegeSet::of(&[Privilege::OWNERSHIP]));
        }
        acl.retain(|entry| !entry.privileges.is_empty());
        acl.push(AccessEntry::of_owner(&owner, self.privileges_of(class)));
        AccessObject { owner: Some(owner), acl, ..AccessObject::default() }
    }
}
