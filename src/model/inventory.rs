//! Which relations and principals a warehouse has, as far as somebody has looked.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Ident, ObjectClass, Securable};

/// Tells one life of a relation from the next: PostgreSQL's OID, Snowflake's `created_on`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation(pub String);

/// A schema: its database and its name.
pub type SchemaKey = (Ident, Ident);

/// A relation: its database, its schema and its name.
pub type RelationKey = (Ident, Ident, Ident);

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

/// Stands for an owner that the warehouse did not name. No role can have this name in a statement.
pub const UNSEEN: &str = "-";

/// An object that is no relation, and is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedObject {
    /// Who owns it; `None` where nobody does, or it was not said.
    pub owner: Option<Ident>,
}

/// Where a stage keeps its files, which decides what can be granted on it (Snowflake).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageKind {
    /// In Snowflake: READ and WRITE.
    Internal,
    /// In a bucket of somebody's: USAGE.
    External,
}

impl StageKind {
    /// Reads the `type` of SHOW STAGES: `INTERNAL`, `EXTERNAL`, with more words behind it.
    pub fn parse(written: &str) -> Option<Self> {
        match written.split_ascii_whitespace().next()? {
            "INTERNAL" => Some(Self::Internal),
            "EXTERNAL" => Some(Self::External),
            _ => None,
        }
    }

    /// `internal` or `external`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::External => "external",
        }
    }
}

/// The relations of the schemas that were looked at.
///
/// `Inventory::default()` has looked at nothing: everything in it is unknown, not missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// Relations by database, schema and name.
    pub relations: BTreeMap<RelationKey, ObservedRelation>,
    /// Tables that are hybrid ones (Snowflake): granted on as tables, with fewer privileges.
    pub hybrid: BTreeSet<RelationKey>,
    /// What is no relation, of the classes that were asked for ([`crate::warehouse::Look::classes`]):
    /// sequences, functions, stages, warehouses, and schemas and databases with their owners.
    pub objects: BTreeMap<Securable, ObservedObject>,
    /// Sequences that belong to a column (`serial`, identity) → its table, whose owner is theirs and
    /// cannot be another (PostgreSQL).
    pub follows: BTreeMap<Securable, RelationKey>,
    /// What kind of stage each of `objects` is, where it was said (Snowflake).
    pub stages: BTreeMap<Securable, StageKind>,
    /// Tasks that the warehouse calls suspended: nothing stops when they are handed over (Snowflake).
    pub suspended: BTreeSet<Securable>,
    /// The schemas that exist.
    pub schemas: BTreeSet<SchemaKey>,
    /// Databases made of a share, in which nothing is granted one by one (Snowflake).
    pub of_shares: BTreeSet<Ident>,
    /// The classes whose objects are in `objects`, if there are any; of others, what is not there
    /// is unknown.
    pub listed: BTreeSet<ObjectClass>,
    /// The server's version, as [`super::ServerIdentity::version`]; 0 where it is unknown.
    pub version: u32,
    /// As [`super::ServerIdentity::acting_as`], where a server was asked.
    pub acting_as: Option<Ident>,
    /// Whether the warehouse was looked at; if not, what is absent is unknown.
    pub looked: bool,
}

impl Inventory {
    /// What is known of the relation that `on` is, or whose column it is.
    pub fn relation(&self, on: &Securable) -> Option<&ObservedRelation> {
        let relation = on.class().is_relation() || on.class() == ObjectClass::Column;
        self.relations.get(&on.relation_key().filter(|_| relation)?)
    }

    /// What the warehouse says a relation's class is; `None` where it is unknown or missing.
    pub fn class_of(&self, relation: &RelationKey) -> Option<ObjectClass> {
        self.relations.get(relation).map(|relation| relation.class)
    }
}
