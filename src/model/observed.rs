//! What a warehouse has within the scope that is ours.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Diagnostic, DialectKind, Ident, Inventory, MarkerReading, MemberKind, ObjectClass,
    PrivilegeSet, SchemaKey, Securable,
};

/// Which server and database was observed, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerIdentity {
    /// Its dialect.
    pub dialect: DialectKind,
    /// PostgreSQL's system identifier; Snowflake's account locator.
    pub system: String,
    /// The connected database; `None` where a connection reaches all of them (Snowflake).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Ident>,
    /// PostgreSQL's `server_version_num`; 0 elsewhere.
    pub version: u32,
    /// The role that the session acts as.
    pub acting_as: Ident,
    /// It is a superuser.
    pub superuser: bool,
    /// It may create roles.
    pub may_create_roles: bool,
}

/// PostgreSQL's role attributes. A managed role has none but `inherit`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RoleAttributes {
    pub superuser: bool,
    pub create_role: bool,
    pub create_db: bool,
    pub login: bool,
    pub replication: bool,
    pub bypass_rls: bool,
    pub inherit: bool,
}

impl RoleAttributes {
    /// What every managed role has: no power of its own, and it passes on what it holds.
    pub const MANAGED: Self = Self {
        superuser: false,
        create_role: false,
        create_db: false,
        login: false,
        replication: false,
        bypass_rls: false,
        inherit: true,
    };
}

/// A role of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedRole {
    /// What its comment says.
    pub marker: MarkerReading,
    /// Its attributes.
    pub attributes: RoleAttributes,
    /// How many objects in other databases, and how many other databases, grant to it or belong to
    /// it. Counted for the roles whose edges are read; 0 for the rest.
    pub used_elsewhere: u64,
    /// Which role owns it (Snowflake); `None` where roles have no owners, or it was not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Ident>,
}

/// One entry of an object's access list: who got what from whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AclEntry {
    /// The object.
    pub on: Securable,
    /// A managed role.
    pub grantee: Ident,
    /// Who granted. A key on PostgreSQL: only the grantor's own REVOKE takes it away.
    pub grantor: Ident,
    /// All that was granted.
    pub privileges: PrivilegeSet,
    /// Those of `privileges` that may be passed on.
    pub grantable: PrivilegeSet,
}

/// One membership, in or of a managed role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObservedMembership {
    /// The role that is held.
    pub role: Ident,
    /// Who holds it.
    pub member: Ident,
    /// `User` or `Role`: two namespaces on Snowflake. PostgreSQL has only roles.
    pub kind: MemberKind,
    /// Who granted it. Part of the key from PostgreSQL 16 on.
    pub grantor: Ident,
    /// The member may let others in.
    pub admin: bool,
    /// The member uses the role's privileges without SET ROLE. Before PostgreSQL 16 no membership
    /// has this option: it is the member's own INHERIT attribute, and no grant changes it.
    pub inherit: bool,
    /// The member may SET ROLE to it (PostgreSQL 16+; before, always).
    pub set: bool,
    /// Made by the server itself for whoever created the role (PostgreSQL 16+): admin option only,
    /// granted by the bootstrap superuser, which its holder cannot take away.
    pub automatic: bool,
}

/// A grant on objects that are not there yet: default privileges, or a future grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DefaultGrant {
    /// Whose new objects (PostgreSQL); `None` for anyone's (Snowflake).
    pub creator: Option<Ident>,
    /// In which database.
    pub database: Ident,
    /// In which schema; `None` for the whole database.
    pub schema: Option<Ident>,
    /// Of which class: `Table` stands for all relations on PostgreSQL.
    pub class: ObjectClass,
    /// The managed role.
    pub grantee: Ident,
    /// What it will get.
    pub privileges: PrivilegeSet,
    /// Those it may pass on.
    pub grantable: PrivilegeSet,
}

impl DefaultGrant {
    /// The schema that it is for, with its database.
    pub fn schema_key(&self) -> Option<SchemaKey> {
        self.schema.clone().map(|schema| (self.database.clone(), schema))
    }
}

/// Everything that was seen: all roles by name, and of the managed ones every edge.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedState {
    /// The server, and as whom it was observed.
    pub server: ServerIdentity,
    /// Every role of the server.
    pub roles: BTreeMap<Ident, ObservedRole>,
    /// Grants to managed roles, and to the roles that were asked for by name; and what others hold
    /// from them, which hangs on theirs. Sorted.
    pub acl: Vec<AclEntry>,
    /// Memberships of them, both ways, and those that they let others have. Sorted.
    pub memberships: Vec<ObservedMembership>,
    /// Memberships between roles that are none of them, (role, member), as far as they were read
    /// (PostgreSQL): what a membership of ours could close a circle with.
    pub around: BTreeSet<(Ident, Ident)>,
    /// Default grants to them. Sorted.
    pub defaults: Vec<DefaultGrant>,
    /// What they own within reach.
    pub owned: BTreeMap<Securable, Ident>,
    /// Relations and schemas that are there.
    pub inventory: Inventory,
    /// Edges that are seen but not understood, as the server describes them: (role, description).
    /// They are named and left alone.
    pub unsupported: BTreeSet<(Ident, String)>,
    /// Those of the users who were asked for that exist: Snowflake's are no roles.
    pub users: BTreeSet<Ident>,
    /// What was noticed on the way: warnings.
    pub found: Vec<Diagnostic>,
}

impl ObservedState {
    /// Who owns an object; for a column, its relation's owner. `None` where that was not seen.
    pub fn owner_of(&self, on: &Securable) -> Option<&Ident> {
        let relation = || self.inventory.relation(on).map(|relation| &relation.owner);
        let object = || self.inventory.objects.get(on)?.owner.as_ref();
        self.owned.get(on).or_else(relation).or_else(object)
    }
}
