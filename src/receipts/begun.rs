//! Receipts that are begun before the first change, where no transaction binds them to the changes:
//! an apply that is cut leaves one behind, and the next one finishes it.

use super::{ChangeReceipt, Entry, Extent, Receipt};
use crate::model::{
    Change, DialectKind, Ident, MarkerReading, MemberKind, ObservedState, PrivilegeSet, Securable,
};

/// A change that was made.
pub const DONE: &str = "done";
/// A change of a receipt that is begun: whether it was made is not known.
pub const PLANNED: &str = "planned";

impl Entry {
    /// Whether an apply that comes to `next` is this one again: the same plan, or without one, the
    /// same declarations.
    pub fn goes_on_as(&self, next: &Receipt) -> bool {
        let Receipt { plan, manifest_sha256, config_sha256, instance, outcome, .. } = &self.receipt;
        let same = match (plan, &next.plan) {
            (Some(was), Some(is)) => was.sha256 == is.sha256,
            (None, None) => {
                *manifest_sha256 == next.manifest_sha256 && *config_sha256 == next.config_sha256
            }
            _ => false,
        };
        *outcome == Extent::Begun && same && *instance == next.instance
    }

    /// When it was begun.
    pub fn begun_at(&self) -> &str {
        self.receipt.begun_at.as_deref().unwrap_or(&self.stamp.at)
    }

    /// What of it was made, as far as the warehouse shows: it was not in effect when it was planned.
    pub fn made(&self, observed: &ObservedState) -> Vec<ChangeReceipt> {
        // What it said itself to be done was done, whatever became of it since.
        let is_made =
            |it: &&ChangeReceipt| it.outcome == DONE || is_in_effect(&it.change, observed);
        let made = self.receipt.changes.iter().filter(is_made);
        let at = |done: &ChangeReceipt| {
            let at = done.at.clone().unwrap_or_else(|| self.begun_at().to_owned());
            ChangeReceipt { outcome: DONE.to_owned(), at: Some(at), ..done.clone() }
        };
        made.map(at).collect()
    }

    /// What was begun and is gone on with by nobody: a part of what it wanted, made when it began.
    pub fn settled(mut self, observed: &ObservedState) -> Self {
        self.receipt.changes = self.made(observed);
        self.receipt.outcome = Extent::Part;
        self
    }
}

/// Whether the warehouse is as a change makes it.
fn is_in_effect(change: &Change, observed: &ObservedState) -> bool {
    let marked = |role: &Ident, wanted| {
        let reading = observed.roles.get(role).map(|role| &role.marker);
        matches!(reading, Some(MarkerReading::Marker(marker)) if marker == wanted)
    };
    let held = |on: &Securable, role: &Ident, of: fn(&crate::model::AclEntry) -> PrivilegeSet| {
        let of_it = observed.acl.iter().filter(|entry| entry.on == *on && entry.grantee == *role);
        of_it.map(of).fold(PrivilegeSet::EMPTY, PrivilegeSet::union)
    };
    let none = |held: PrivilegeSet, of: &PrivilegeSet| held.intersection(*of).is_empty();
    // A group is a role; and on PostgreSQL everybody is.
    let one_namespace = observed.server.dialect == DialectKind::Postgres;
    let is_member = |role: &Ident, member: &Ident, kind: MemberKind| {
        observed.memberships.iter().any(|it| {
            let same = (it.kind == MemberKind::User) == (kind == MemberKind::User);
            it.role == *role && it.member == *member && (same || one_namespace)
        })
    };
    match change {
        Change::CreateRole { role, marker } | Change::AdoptRole { role, marker } => {
            marked(role, marker)
        }
        Change::RenameRole { from, to } => {
            observed.roles.contains_key(to) && !observed.roles.contains_key(from)
        }
        Change::DropRole { role } => !observed.roles.contains_key(role),
        Change::Grant { on, role, privileges } => {
            held(on, role, |entry| entry.privileges).contains_all(*privileges)
        }
        Change::Revoke { on, role, privileges, grantor: _ } => {
            none(held(on, role, |entry| entry.privileges), privileges)
        }
        Change::RevokeGrantOption { on, role, privileges, grantor: _ } => {
            none(held(on, role, |entry| entry.grantable), privileges)
        }
        Change::AddMember { role, member, kind } => is_member(role, member, *kind),
        Change::RemoveMember { role, member, kind, grantor: _ } => !is_member(role, member, *kind),
        Change::RevokeAdminOption { role, member, grantor: _ } => !observed
            .memberships
            .iter()
            .any(|it| it.role == *role && it.member == *member && it.admin),
        Change::SetOwner { on, from: _, to } => observed.owner_of(on) == Some(to),
        Change::SetRoleOwner { role, from: _, to } => {
            observed.roles.get(role).and_then(|role| role.owner.as_ref()) == Some(to)
        }
        Change::GrantDefault { creator, database, schema, class, role, privileges } => {
            observed.defaults.iter().any(|it| {
                it.creator == *creator
                    && it.database == *database
                    && it.schema == *schema
                    && it.class == *class
                    && it.grantee == *role
                    && it.privileges.contains_all(*privileges)
            })
        }
        Change::RevokeDefault { creator, database, schema, class, role, privileges } => {
            let has = observed.defaults.iter().any(|it| {
                it.creator == *creator
                    && it.database == *database
                    && it.schema == *schema
                    && it.class == *class
                    && it.grantee == *role
                    && !none(it.privileges, privileges)
            });
            !has
        }
        Change::ResetAttributes { role, attributes: _ } => observed
            .roles
            .get(role)
            .is_some_and(|role| role.attributes == crate::model::RoleAttributes::MANAGED),
    }
}
