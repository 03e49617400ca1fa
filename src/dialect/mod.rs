//! What differs between warehouses: folding, quoting, privileges per object class, and statements.

use crate::model::{Change, DialectKind, Ident, IdentError, ObjectClass, PrivilegeSet};

/// One statement and the changes that it makes, as indexes into the list that was rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Without a trailing semicolon. Exactly one statement.
    pub sql: String,
    /// Which changes it makes: more than one where objects or roles share a GRANT.
    pub changes: Vec<usize>,
}

/// The knowledge of one SQL dialect.
pub trait Dialect: Sync {
    /// Which one it is.
    fn kind(&self) -> DialectKind;
    /// How the warehouse stores a name that was written without quotes. ASCII letters only.
    /// A text in double quotes (inner ones doubled) is exact; so is one that could not stand
    /// unquoted in SQL.
    fn fold(&self, written: &str) -> Result<Ident, IdentError>;
    /// The one quoting function: a name as it goes into a statement.
    fn quote(&self, name: &Ident) -> String;
    /// The longest name that the warehouse keeps whole, and how it is counted.
    fn longest_name(&self, name: &Ident) -> Result<(), String>;
    /// Whether a name may never be a managed role or a member, and why.
    fn reserved(&self, name: &Ident) -> Option<&'static str>;
    /// Every privilege that can be granted on objects of a class.
    fn privileges_of(&self, class: ObjectClass) -> PrivilegeSet;
    /// Those that are about data, which `admin` means.
    fn data_privileges_of(&self, class: ObjectClass) -> PrivilegeSet;
    /// What `read` means on a class.
    fn read_on(&self, class: ObjectClass) -> PrivilegeSet;
    /// What `write` means on a class; empty where nothing can be written.
    fn write_on(&self, class: ObjectClass) -> PrivilegeSet;
    /// What a grant on an object needs on its database and on its schema to be of use.
    fn needs(&self) -> (PrivilegeSet, PrivilegeSet);
    /// The class of a dbt materialisation, before a warehouse says otherwise.
    fn class_of(&self, materialized: &str) -> ObjectClass;
    /// Renders changes, in their order, into statements; neighbours that differ only in object or
    /// role share one.
    fn statements(&self, changes: &[Change]) -> Vec<Statement>;
    /// What undoes a change, where one statement can.
    fn reverse(&self, change: &Change) -> Option<Change>;
}
