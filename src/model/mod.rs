//! The words of the product as types: no I/O, known to every other module.

pub mod change;
pub mod class;
pub mod desired;
pub mod diagnostic;
pub mod ident;
pub mod inventory;
pub mod observed;
pub mod person;
pub mod privilege;
mod privilege_names;
pub mod role;
pub mod securable;

pub use change::Change;
pub use class::ObjectClass;
pub use desired::{
    DesiredGrant, DesiredMembership, DesiredOwner, DesiredRole, DesiredState, Ended, Future,
    Manner, Reason,
};
pub use diagnostic::{Diagnostic, Diagnostics, Place, Severity};
pub use ident::{Ident, IdentError};
pub use inventory::{
    Incarnation, Inventory, ObservedObject, ObservedRelation, RelationKey, SchemaKey, StageKind,
    UNSEEN,
};
pub use observed::{
    AclEntry, DefaultGrant, ObservedMembership, ObservedRole, ObservedState, RoleAttributes,
    ServerIdentity,
};
pub use person::{is_name_of, is_same_person};
pub use privilege::{Privilege, PrivilegeSet};
pub use role::{Marker, MarkerReading, MemberKind, Scope};
pub use securable::Securable;

/// The SQL dialect that names are folded and statements are written for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum DialectKind {
    /// PostgreSQL 13 and later.
    Postgres,
    /// Snowflake.
    Snowflake,
}

impl DialectKind {
    /// `postgres` or `snowflake`, as in JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Snowflake => "snowflake",
        }
    }
}

impl std::fmt::Display for DialectKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
