//! Warehouses: the traits that reading and changing go through, and what implements them.

mod any;
pub mod engine;
pub mod memory;
pub mod postgres;
pub mod snowflake;

pub use any::Warehouse;

use crate::directory::People;
use crate::model::{
    Change, Ident, ObjectClass, ObservedState, PrivilegeSet, SchemaKey, Scope, Securable,
    ServerIdentity,
};
use crate::receipts::{Ask, Entry, Stamp, Store};

/// What a warehouse says that cannot keep receipts.
pub const NO_RECEIPTS: &str = "this warehouse keeps no receipts";

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Look {
    /// Markers of this deployment are ours, in any environment: the role's edges are read.
    pub deployment: String,
    /// Only in these environments; empty for all. A warehouse may read more.
    pub environments: std::collections::BTreeSet<String>,
    /// Roles whose edges are read even without a marker: the desired names.
    pub roles: std::collections::BTreeSet<Ident>,
    /// Schemas whose relations are listed.
    pub schemas: std::collections::BTreeSet<crate::model::SchemaKey>,
    /// Relations that must not be missed, whatever a first list shows.
    pub relations: std::collections::BTreeSet<crate::model::RelationKey>,
    /// Schemas of which no relation may be missed, whatever a first list shows.
    pub whole: std::collections::BTreeSet<crate::model::SchemaKey>,
    /// Databases of which every schema is listed, with its relations.
    pub databases: std::collections::BTreeSet<Ident>,
    /// What else is listed, with owners: in the schemas looked at, and in the account or the server
    /// where a class stands in no schema.
    pub classes: std::collections::BTreeSet<ObjectClass>,
    /// Users who are to be members: whether they exist is asked, where they are no roles.
    pub users: std::collections::BTreeSet<Ident>,
}

/// Whose access is asked for, and to what. A connection to PostgreSQL tells all of its database anyway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessLook {
    /// These relations, their schemas and databases, and what views among them read.
    pub relations: std::collections::BTreeSet<crate::model::RelationKey>,
    /// Users whose roles are to be known even if none of them leads there.
    pub users: std::collections::BTreeSet<Ident>,
    /// All roles and who is in them, and every view that reads one of the relations: not only what
    /// leads to them.
    pub everybody: bool,
}

/// Why a warehouse could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum WarehouseError {
    /// No connection could be made, or it broke.
    #[error("cannot connect to {target}: {cause}")]
    Connect {
        /// The server, without credentials.
        target: String,
        /// What the client library said.
        cause: String,
    },
    /// The server refused or failed a statement.
    #[error("{statement}\n  failed: {message} (SQLSTATE {code})")]
    Statement {
        /// The statement.
        statement: String,
        /// What the server said.
        message: String,
        /// The server's code for it.
        code: String,
    },
    /// Somebody else holds the lock. Exit status 8.
    #[error("{0}")]
    Locked(String),
    /// The server's limits do not allow it in one transaction. Exit status 8.
    #[error("{0}")]
    Limit(String),
    /// The connected role lacks a right that is needed.
    #[error("{0}")]
    Forbidden(String),
    /// A change cannot be said in this dialect. Nothing was sent.
    #[error("{0}")]
    Render(#[from] crate::dialect::StatementError),
    /// Somebody else changed the same thing at the same moment. Nothing has been changed: the whole
    /// transaction may be tried again.
    #[error("{0}")]
    Retry(String),
    /// Some changes are made and stay so, others are not: where there are no transactions. Exit 5.
    #[error("{message}")]
    Partly {
        /// Those that are made.
        done: Vec<Change>,
        /// What failed, and what was not tried.
        message: String,
    },
    /// What is done could not be written down. Nothing was changed.
    #[error("{0}")]
    Journal(String),
    /// The answer to COMMIT was lost, and reading back could not tell what happened. Exit 5.
    #[error("{0}")]
    Unknown(String),
}

/// Reads a warehouse. Never changes it.
#[allow(async_fn_in_trait)]
pub trait Observe {
    /// Which server and database this is, and as whom it is looked at.
    async fn identity(&mut self) -> Result<ServerIdentity, WarehouseError>;
    /// Reads everything within the look, in a number of queries that does not depend on the number
    /// of objects.
    async fn observe(&mut self, look: &Look) -> Result<ObservedState, WarehouseError>;
    /// The answer to the configuration's query of people: one statement, which only reads.
    async fn people(&mut self, _query: &str) -> Result<People, WarehouseError> {
        Err(WarehouseError::Forbidden(
            "this warehouse is not asked for people yet: export them, and name the file by --directory"
                .to_owned(),
        ))
    }
    /// Whether this session can keep receipts here.
    async fn store(&mut self) -> Result<Store, WarehouseError> {
        Ok(Store::Closed(NO_RECEIPTS.to_owned()))
    }
    /// The receipts that are asked for, oldest first; none where there is no table of them.
    async fn receipts(&mut self, _ask: &Ask) -> Result<Vec<Entry>, WarehouseError> {
        Ok(Vec::new())
    }
    /// The server's clock, and as whom this session is on it.
    async fn stamp(&mut self) -> Result<Option<Stamp>, WarehouseError> {
        Ok(None)
    }

    /// All that decides about access to what is looked at, whoever manages it; `None` where that cannot
    /// be asked.
    async fn everybody_s_access(
        &mut self,
        _look: &AccessLook,
    ) -> Result<Option<crate::effect::AccessState>, WarehouseError> {
        Ok(None)
    }
}

/// What everybody has, whoever they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Everybodys {
    /// On relations, and on columns of them. Sorted.
    pub held: Vec<(Securable, PrivilegeSet)>,
    /// On all relations of a class that are, or will be, in a container. Sorted.
    pub inside: Vec<Inside>,
}

/// What somebody has on all relations of a class in a container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Inside {
    /// In which database; `None` for all of them.
    pub database: Option<Ident>,
    /// In which schema; `None` for the whole database.
    pub schema: Option<Ident>,
    /// Of which class.
    pub class: ObjectClass,
    /// On those that are yet to be made (a future grant), not on those that are there.
    pub to_come: bool,
    /// What.
    pub privileges: PrivilegeSet,
}

/// Reads what everybody may do, which is nobody's product role.
#[allow(async_fn_in_trait)]
pub trait ObservePublic: Observe {
    /// What PUBLIC holds on relations of these schemas and on columns of them.
    async fn public(
        &mut self,
        schemas: &std::collections::BTreeSet<SchemaKey>,
    ) -> Result<Everybodys, WarehouseError>;
}

/// Changes a warehouse inside one unit of work that holds the deployment's lock.
///
/// Where the server has transactions, `begin` to `commit` is one, and `roll_back` undoes it all.
#[allow(async_fn_in_trait)]
pub trait Execute: Observe {
    /// Whether `roll_back` undoes what was executed.
    fn is_transactional(&self) -> bool {
        true
    }
    /// Whose work begins next: what the lock is for, where a lock is not for the whole server.
    fn prepare(&mut self, _scope: &Scope) -> Result<(), WarehouseError> {
        Ok(())
    }
    /// Takes the lock, and starts the transaction where there are transactions.
    async fn begin(&mut self) -> Result<(), WarehouseError>;
    /// Executes changes in the order given.
    async fn execute(&mut self, changes: &[Change]) -> Result<(), WarehouseError>;
    /// Makes the place for receipts before the first change, where that cannot wait for
    /// [`Execute::keep`]; says what there is then. Only where [`Observe::store`] is missing.
    async fn make_store(&mut self) -> Result<Store, WarehouseError> {
        Ok(Store::Missing)
    }
    /// Keeps a receipt. With transactions, within the unit of work: it lasts if and only if the
    /// changes do, and the table is made where it is missing. Without, it lasts at once: it is
    /// written before the first change, as begun, and again under the same id when they are made.
    /// Only where [`Observe::store`] is ready or missing.
    async fn keep(&mut self, _entry: &Entry) -> Result<(), WarehouseError> {
        Err(WarehouseError::Forbidden(NO_RECEIPTS.to_owned()))
    }
    /// Makes it last, and gives the lock back.
    async fn commit(&mut self) -> Result<(), WarehouseError>;
    /// Undoes it, and gives the lock back.
    async fn roll_back(&mut self) -> Result<(), WarehouseError>;
}
