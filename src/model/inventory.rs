//! Which relations and principals a warehouse has, as far as somebody has looked.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Ident, ObjectClass};

/// Tells one life of a relation from the next: PostgreSQL's OID, Snowflake's `created_on`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation(pub String);

/// A relation that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedRelation {
    /// What the warehouse says it is, whatever the manifest expected.
    pub class: ObjectClass,
    /// Who owns it.
    pub owner: Ident,
    /// Which life of it this is.
    pub incarnation: Incarnation,
}

/// The relations of the schemas that were looked at, in one database.
///
/// `Inventory::default()` has looked at nothing: everything in it is unknown, not missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// Relations by schema and name.
    pub relations: BTreeMap<(Ident, Ident), ObservedRelation>,
    /// The schemas that exist.
    pub schemas: BTreeSet<Ident>,
    /// Whether the warehouse was looked at; if not, what is absent is unknown.
    pub looked: bool,
}

impl Inventory {
    /// What the warehouse says a relation's class is; `None` where it is unknown or missing.
    pub fn class_of(&self, schema: &Ident, name: &Ident) -> Option<ObjectClass> {
        self.relations.get(&(schema.clone(), name.clone())).map(|relation| relation.class)
    }
}
