//! `compile --format json`: the desired state, version 1 of its shape.

use serde::Serialize;

use crate::model::{
    DesiredState, Diagnostic, DialectKind, Ident, ObjectClass, Privilege, Reason, Securable,
};

/// The desired state of one environment. Names are as the warehouse stores them.
#[derive(Debug, Serialize)]
pub struct Compiled<'a> {
    /// Of this shape: 1.
    pub version: u32,
    /// The environment.
    pub environment: &'a str,
    /// The dialect that names were folded for.
    pub dialect: DialectKind,
    /// The dbt project's name, or `deployment:`.
    pub deployment: &'a str,
    /// By name.
    pub roles: Vec<Role<'a>>,
    /// One for each role, privilege and object.
    pub grants: Vec<Grant<'a>>,
    /// By role and member.
    pub memberships: Vec<Membership<'a>>,
    /// Declared owners.
    pub owners: Vec<Owner<'a>>,
    /// Grants on objects not there yet.
    pub future_grants: Vec<FutureGrant<'a>>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
}

/// A managed role.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Role<'a> {
    pub name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub product: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub product_role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playbook: Option<&'a str>,
    /// Who is to own the role itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<&'a str>,
}

/// One privilege of one role on what is not there yet.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct FutureGrant<'a> {
    pub role: &'a str,
    pub privilege: Privilege,
    pub class: ObjectClass,
    pub database: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<&'a str>,
    /// Whose new objects (PostgreSQL).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator: Option<&'a str>,
    pub because: &'a [Reason],
}

/// One privilege of one role on one object.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Grant<'a> {
    pub role: &'a str,
    pub privilege: Privilege,
    pub on: &'a Securable,
    pub because: &'a [Reason],
}

/// A member of a role.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Membership<'a> {
    pub role: &'a str,
    pub member: &'a str,
    pub kind: &'a str,
    pub because: &'a [Reason],
}

/// The owner of a relation.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Owner<'a> {
    pub role: &'a str,
    pub on: &'a Securable,
    pub because: &'a [Reason],
}

impl<'a> Compiled<'a> {
    /// The shape of a desired state.
    pub fn of(desired: &'a DesiredState, deployment: &'a str, warnings: Vec<Diagnostic>) -> Self {
        let DesiredState {
            environment, dialect, roles, grants, known: _, memberships, owners, ..
        } = desired;
        Self {
            version: 1,
            environment,
            dialect: *dialect,
            deployment,
            roles: roles
                .iter()
                .map(|(name, role)| Role {
                    name: name.as_str(),
                    product: &role.marker.product,
                    product_role: &role.marker.role,
                    policy: role.marker.policy.as_deref(),
                    playbook: role.marker.playbook.as_deref(),
                    owner: role.manner.owner.as_ref().map(Ident::as_str),
                })
                .collect(),
            grants: grants
                .iter()
                .flat_map(|((on, role), grant)| {
                    grant.privileges.iter().map(move |privilege| Grant {
                        role: role.as_str(),
                        privilege,
                        on,
                        because: grant.because.get(&privilege).map_or(&[], Vec::as_slice),
                    })
                })
                .collect(),
            memberships: memberships
                .iter()
                .map(|((role, member), membership)| Membership {
                    role: role.as_str(),
                    member: member.as_str(),
                    kind: membership.kind.as_str(),
                    because: &membership.because,
                })
                .collect(),
            owners: owners
                .iter()
                .map(|(on, owner)| Owner { role: owner.role.as_str(), on, because: &owner.because })
                .collect(),
            future_grants: desired
                .futures
                .iter()
                .flat_map(|(future, grant)| {
                    grant.privileges.iter().map(move |privilege| FutureGrant {
                        role: future.role.as_str(),
                        privilege,
                        class: future.class,
                        database: future.database.as_str(),
                        schema: future.schema.as_ref().map(Ident::as_str),
                        creator: future.creator.as_ref().map(Ident::as_str),
                        because: grant.because.get(&privilege).map_or(&[], Vec::as_slice),
                    })
                })
                .collect(),
            warnings,
        }
    }
}
