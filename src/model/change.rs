//! One step from the observed to the desired state, apart from its SQL.

use serde::{Deserialize, Serialize};

use super::{Ident, Marker, MemberKind, ObjectClass, PrivilegeSet, RoleAttributes, Securable};

/// One change of access. What a statement is rendered from, what a plan file keeps, and what is
/// compared when a plan is applied later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Change {
    /// Creates a managed role, without any attribute, and writes its marker.
    CreateRole {
        /// Its name.
        role: Ident,
        /// Its marker.
        marker: Marker,
    },
    /// Gives a managed role the name that the template says now.
    RenameRole {
        /// The name it has.
        from: Ident,
        /// The name it gets.
        to: Ident,
    },
    /// Writes the marker on a role that exists already (`--adopt`).
    AdoptRole {
        /// Its name.
        role: Ident,
        /// Its marker.
        marker: Marker,
    },
    /// Takes away LOGIN, SUPERUSER and every other attribute; INHERIT is set.
    ResetAttributes {
        /// The managed role.
        role: Ident,
        /// What it has now: only attributes that differ are written, since some may be named by
        /// superusers alone.
        attributes: RoleAttributes,
    },
    /// Grants privileges on an object.
    Grant {
        /// The object.
        on: Securable,
        /// To whom.
        role: Ident,
        /// What.
        privileges: PrivilegeSet,
    },
    /// Grants privileges on objects that are not there yet: default privileges, a future grant.
    GrantDefault {
        /// Whose new objects; `None` for anyone's.
        creator: Option<Ident>,
        /// In which database.
        database: Ident,
        /// In which schema; `None` for the whole database.
        schema: Option<Ident>,
        /// Of which class.
        class: ObjectClass,
        /// To whom.
        role: Ident,
        /// What.
        privileges: PrivilegeSet,
    },
    /// Lets a member into a role, with INHERIT and SET, without ADMIN.
    AddMember {
        /// The managed role.
        role: Ident,
        /// Who gets in.
        member: Ident,
        /// What the member is.
        kind: MemberKind,
    },
    /// Gives an object to another owner, grants kept.
    SetOwner {
        /// The object.
        on: Securable,
        /// Who owns it now.
        from: Ident,
        /// Who will.
        to: Ident,
    },
    /// Gives a role itself to another owner, grants kept (Snowflake).
    SetRoleOwner {
        /// The role that is owned.
        role: Ident,
        /// Who owns it now, where that was seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Ident>,
        /// Who will.
        to: Ident,
    },
    /// Takes only the right to pass privileges on.
    RevokeGrantOption {
        /// The object.
        on: Securable,
        /// From whom.
        role: Ident,
        /// What.
        privileges: PrivilegeSet,
        /// Who granted it.
        grantor: Ident,
    },
    /// Takes privileges on an object away.
    Revoke {
        /// The object.
        on: Securable,
        /// From whom.
        role: Ident,
        /// What.
        privileges: PrivilegeSet,
        /// Who granted it. `None` for whoever the server picks for the acting role: what undoes
        /// a grant that the acting role makes itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grantor: Option<Ident>,
    },
    /// Takes default (future) grants away.
    RevokeDefault {
        /// Whose new objects; `None` for anyone's.
        creator: Option<Ident>,
        /// In which database.
        database: Ident,
        /// In which schema; `None` for the whole database.
        schema: Option<Ident>,
        /// Of which class.
        class: ObjectClass,
        /// From whom.
        role: Ident,
        /// What.
        privileges: PrivilegeSet,
    },
    /// Takes only the right to let others in.
    RevokeAdminOption {
        /// The role.
        role: Ident,
        /// The member, who stays one.
        member: Ident,
        /// Who granted it.
        grantor: Ident,
    },
    /// Takes a member out of a role.
    RemoveMember {
        /// The role.
        role: Ident,
        /// Who goes.
        member: Ident,
        /// What the member is: Snowflake's statement needs to know.
        kind: MemberKind,
        /// Who granted it. `None` as in `Revoke`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grantor: Option<Ident>,
    },
    /// Drops an emptied role (`--drop-roles`).
    DropRole {
        /// Its name.
        role: Ident,
    },
}

/// Objects that are not there yet, in words: whose, and where.
pub(crate) fn future(
    creator: Option<&Ident>,
    database: &Ident,
    schema: Option<&Ident>,
    class: ObjectClass,
) -> String {
    let whose = creator.map(|creator| format!(" of {creator}")).unwrap_or_default();
    let place = match (schema, creator) {
        (Some(schema), _) => format!(" in schema {schema}"),
        // Without a schema, PostgreSQL's hold in the connected database.
        (None, Some(_)) => String::new(),
        (None, None) => format!(" in database {database}"),
    };
    format!("future objects ({class}){whose}{place}")
}

impl Change {
    /// Whether somebody loses something by it: what the guards count.
    pub fn takes_away(&self) -> bool {
        match self {
            Self::RevokeGrantOption { .. }
            | Self::Revoke { .. }
            | Self::RevokeDefault { .. }
            | Self::RevokeAdminOption { .. }
            | Self::RemoveMember { .. }
            | Self::ResetAttributes { .. }
            | Self::DropRole { .. } => true,
            Self::CreateRole { .. }
            | Self::RenameRole { .. }
            | Self::AdoptRole { .. }
            | Self::Grant { .. }
            | Self::GrantDefault { .. }
            | Self::AddMember { .. }
            | Self::SetRoleOwner { .. }
            | Self::SetOwner { .. } => false,
        }
    }

    /// The managed role that it is about; of a change of owner, the new one.
    pub fn role(&self) -> &Ident {
        match self {
            Self::CreateRole { role, .. }
            | Self::AdoptRole { role, .. }
            | Self::ResetAttributes { role, .. }
            | Self::Grant { role, .. }
            | Self::GrantDefault { role, .. }
            | Self::SetRoleOwner { role, .. }
            | Self::AddMember { role, .. }
            | Self::RevokeGrantOption { role, .. }
            | Self::Revoke { role, .. }
            | Self::RevokeDefault { role, .. }
            | Self::RevokeAdminOption { role, .. }
            | Self::RemoveMember { role, .. }
            | Self::DropRole { role } => role,
            Self::RenameRole { to, .. } | Self::SetOwner { to, .. } => to,
        }
    }

    /// The object that a grant, a revoke or an owner is on.
    pub fn object(&self) -> Option<&Securable> {
        match self {
            Self::Grant { on, .. }
            | Self::SetOwner { on, .. }
            | Self::RevokeGrantOption { on, .. }
            | Self::Revoke { on, .. } => Some(on),
            Self::CreateRole { .. }
            | Self::RenameRole { .. }
            | Self::AdoptRole { .. }
            | Self::ResetAttributes { .. }
            | Self::GrantDefault { .. }
            | Self::SetRoleOwner { .. }
            | Self::AddMember { .. }
            | Self::RevokeDefault { .. }
            | Self::RevokeAdminOption { .. }
            | Self::RemoveMember { .. }
            | Self::DropRole { .. } => None,
        }
    }

    /// The change in a few words, for people. Never SQL.
    pub fn brief(&self) -> String {
        let on = |on: &Securable| match on.class() {
            ObjectClass::Account => on.to_string(),
            class => format!("{class} {on}"),
        };
        match self {
            Change::CreateRole { role, .. } => format!("create the role {role}"),
            Change::RenameRole { from, to } => format!("rename the role {from} to {to}"),
            Change::AdoptRole { role, .. } => format!("adopt the role {role}"),
            Change::ResetAttributes { role, .. } => format!("reset the attributes of {role}"),
            Change::Grant { on: o, role, privileges } => {
                format!("grant {privileges} on {} to {role}", on(o))
            }
            Change::AddMember { role, member, kind: MemberKind::Role } => {
                format!("grant the role {role} to {member}")
            }
            Change::AddMember { role, member, .. } => format!("let {member} into {role}"),
            Change::SetOwner { on: o, to, .. } => format!("make {to} the owner of {}", on(o)),
            Change::RevokeGrantOption { on: o, role, privileges, .. } => {
                format!("revoke the grant option for {privileges} on {} from {role}", on(o))
            }
            Change::Revoke { on: o, role, privileges, .. } => {
                format!("revoke {privileges} on {} from {role}", on(o))
            }
            Change::RevokeDefault { creator, database, schema, class, role, privileges } => {
                let what = future(creator.as_ref(), database, schema.as_ref(), *class);
                format!("revoke {privileges} on {what} from {role}")
            }
            Change::GrantDefault { creator, database, schema, class, role, privileges } => {
                let what = future(creator.as_ref(), database, schema.as_ref(), *class);
                format!("grant {privileges} on {what} to {role}")
            }
            Change::SetRoleOwner { role, to, .. } => {
                format!("make {to} the owner of the role {role}")
            }
            Change::RevokeAdminOption { role, member, .. } => {
                format!("revoke the admin option for {role} from {member}")
            }
            Change::RemoveMember { role, member, .. } => format!("take {member} out of {role}"),
            Change::DropRole { role } => format!("drop the role {role}"),
        }
    }
}
