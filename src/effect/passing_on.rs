//! Who may grant on Snowflake, apart from owners and holders of the grant option.
//!
//! "Overview of access control": whoever holds MANAGE GRANTS grants on everything; in a schema with managed
//! access nobody else does but the schema's owner, whoever owns the object or may pass something on.

use super::answer::{AsRole, Held};
use crate::model::{DialectKind, ObjectClass, Privilege, PrivilegeSet, Securable};

impl AsRole<'_, '_> {
    /// What it holds, with what it may pass on there.
    pub(super) fn passing_on(&self, on: &Securable, held: Held) -> Held {
        let state = self.effect.state;
        if state.dialect != DialectKind::Snowflake || state.declared {
            return held;
        }
        let all = state.privileges_of(on.class());
        let manages = |on: &Securable| {
            let list = state.objects.get(on);
            let held = list.map(|list| self.held_on(on.class(), list).privileges);
            held.is_some_and(|held| held.contains(Privilege::MANAGE_GRANTS))
        };
        let database = on.database_name().cloned().map(Securable::database);
        let schema = on.schema_key().filter(|_| on.class() != ObjectClass::Schema);
        let place = schema.clone().map(|(database, schema)| Securable::schema(database, schema));
        let within = [Some(Securable::account()), database, place.clone()];
        if within.iter().flatten().any(manages) {
            return Held { grantable: all, ..held };
        }
        if schema.is_none_or(|schema| !state.managed.contains(&schema)) {
            return held;
        }
        let owner = place.and_then(|place| state.objects.get(&place)?.owner.as_ref());
        let owns = owner.is_some_and(|owner| self.acts_as(owner));
        Held { grantable: if owns { all } else { PrivilegeSet::EMPTY }, ..held }
    }
}
