//! What differs between warehouses: folding, quoting, privileges per object class, and statements.
//!
//! Pure: no connection is opened here. The tables of privileges are data
//! ([`privileges_markdown`] writes the documentation from them), and every statement comes from
//! the Jinja macros in `macros/`, which the binary carries inside.

mod group;
mod names;
mod postgres;
mod privileges;
mod refusal;
mod reverse;
mod snowflake;
mod templates;

pub use snowflake::{
    RECEIPT_COLUMNS, ReceiptRow, ReceiptTable, SnowflakeStatements, snowflake_statements,
    snowflake_statements_markdown,
};

use reverse::reverse;
pub(crate) use snowflake::snowflake_object;

use crate::model::{
    Change, DialectKind, Ident, IdentError, ObjectClass, PrivilegeSet, ServerIdentity,
};

pub use privileges::privileges_markdown;

/// One statement and the changes that it makes, as indexes into the list that was rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Without a trailing semicolon. Exactly one statement.
    pub sql: String,
    /// Which changes it makes: more than one where objects or roles share a GRANT. Sorted, each
    /// once. A change can need two statements; then both name it.
    pub changes: Vec<usize>,
    /// Who must execute it: on PostgreSQL only the grantor's own REVOKE takes an object grant
    /// away. Whether that needs a SET ROLE is the executor's decision. `None` for the acting role.
    pub as_role: Option<Ident>,
}

/// What statements are written for, beyond the dialect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// PostgreSQL's `server_version_num`, such as 160004. 0 where it is unknown: then only what
    /// every supported version understands is written, so options of memberships and their
    /// grantors (16 and later) are left out.
    pub version: u32,
    /// The connected database. Where it is known, an object of another one is refused: PostgreSQL
    /// would take the object of that name in this database.
    pub database: Option<Ident>,
}

impl From<&ServerIdentity> for Target {
    fn from(server: &ServerIdentity) -> Self {
        Self { version: server.version, database: server.database.clone() }
    }
}

/// Why a change has no statement. Nothing is rendered then: a plan that misses a part is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StatementError {
    /// Stable, in kebab case: `unsupported-change`, `unsupported-object`, `incomplete-object`,
    /// `other-database`, `name-too-long`, `reserved-name`, `no-privilege`, `bad-signature`,
    /// `statement-template`.
    pub code: &'static str,
    /// The place of the change in the list.
    pub change: usize,
    /// What was found and what to do.
    pub message: String,
}

/// The knowledge of one SQL dialect.
pub trait Dialect: Sync {
    /// Which one it is.
    fn kind(&self) -> DialectKind;
    /// How the warehouse stores a name that was written without quotes. ASCII letters only.
    /// A text in double quotes (inner ones doubled) is exact; so is one whose characters could not
    /// stand unquoted in SQL. Reserved words fold like other names: which words are reserved
    /// changes between versions, which characters need quotes does not. A text that begins with a
    /// double quote but is not one whole quoted name is an error.
    fn fold(&self, written: &str) -> Result<Ident, IdentError>;
    /// The one quoting function: a name as it goes into a statement. Always quotes.
    fn quote(&self, name: &Ident) -> String;
    /// The longest name that the warehouse keeps whole, and how it is counted.
    fn longest_name(&self, name: &Ident) -> Result<(), String>;
    /// Whether a name may never be a managed role or a member, and why.
    fn reserved(&self, name: &Ident) -> Option<&'static str>;
    /// Every privilege that can be granted on objects of a class.
    fn privileges_of(&self, class: ObjectClass) -> PrivilegeSet;
    /// What `ALL PRIVILEGES` means on objects of a class.
    fn all_on(&self, class: ObjectClass) -> PrivilegeSet {
        self.privileges_of(class)
    }
    /// What a hybrid table does not have, which is granted on as a table (Snowflake).
    fn not_on_hybrid(&self) -> PrivilegeSet {
        PrivilegeSet::EMPTY
    }
    /// Those that are about data, which `admin` means. Empty for classes that are not relations.
    fn data_privileges_of(&self, class: ObjectClass) -> PrivilegeSet;
    /// What `read` means on a class. Empty for classes that are not relations.
    fn read_on(&self, class: ObjectClass) -> PrivilegeSet;
    /// What `write` means on a class; empty where nothing can be written.
    fn write_on(&self, class: ObjectClass) -> PrivilegeSet;
    /// What stands before an object whose owner is changed; `None` where nobody owns such objects.
    fn owner_word(&self, class: ObjectClass) -> Option<&'static str>;
    /// What GRANT calls an object of a class; `None` where the dialect has no such objects.
    fn word_of(&self, class: ObjectClass) -> Option<&'static str>;
    /// Whether privileges can be given on objects of a class that are not there yet.
    fn has_futures(&self, class: ObjectClass) -> bool;
    /// Whether what is yet to come of a class can be given an owner.
    fn has_future_owner(&self, _class: ObjectClass) -> bool {
        false
    }
    /// What a grant on an object needs on its database and on its schema to be of use.
    fn needs(&self) -> (PrivilegeSet, PrivilegeSet);
    /// The class of a dbt materialisation, before a warehouse says otherwise.
    fn class_of(&self, materialized: &str) -> ObjectClass;
    /// Renders changes into statements. Runs of one kind of change keep their place; inside a run,
    /// what differs only in object or role shares a statement where the dialect has such
    /// statements, but never so that a pair is granted that was not listed, and revokes along a
    /// chain of grant options keep their order.
    ///
    /// Every change is in at least one statement, or nothing is rendered.
    fn statements(
        &self,
        changes: &[Change],
        target: &Target,
    ) -> Result<Vec<Statement>, StatementError>;
    /// What undoes a change, where one change can. Undoing a revoke grants again as the acting
    /// role, without grant or admin option.
    fn reverse(&self, change: &Change) -> Option<Change>;
}

/// The dialect of a kind.
pub fn of(kind: DialectKind) -> &'static dyn Dialect {
    match kind {
        DialectKind::Postgres => &postgres::Postgres,
        DialectKind::Snowflake => &snowflake::Snowflake,
    }
}
