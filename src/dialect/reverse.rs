//! What undoes a change.

use crate::model::Change;

/// See [`super::Dialect::reverse`]. The same for both dialects.
pub(super) fn reverse(change: &Change) -> Option<Change> {
    match change {
        Change::CreateRole { role, marker: _ } => Some(Change::DropRole { role: role.clone() }),
        Change::RenameRole { from, to } => {
            Some(Change::RenameRole { from: to.clone(), to: from.clone() })
        }
        Change::Grant { on, role, privileges } => Some(Change::Revoke {
            on: on.clone(),
            role: role.clone(),
            privileges: *privileges,
            grantor: None,
        }),
        Change::Revoke { on, role, privileges, grantor: _ } => {
            Some(Change::Grant { on: on.clone(), role: role.clone(), privileges: *privileges })
        }
        Change::AddMember { role, member, kind } => Some(Change::RemoveMember {
            role: role.clone(),
            member: member.clone(),
            kind: *kind,
            grantor: None,
        }),
        Change::RemoveMember { role, member, kind, grantor: _ } => {
            Some(Change::AddMember { role: role.clone(), member: member.clone(), kind: *kind })
        }
        // Whoever it was was not seen.
        Change::SetOwner { from, .. } if from.as_str() == crate::model::UNSEEN => None,
        Change::SetOwner { on, from, to } => {
            Some(Change::SetOwner { on: on.clone(), from: to.clone(), to: from.clone() })
        }
        Change::GrantDefault { creator, database, schema, class, role, privileges } => {
            Some(Change::RevokeDefault {
                creator: creator.clone(),
                database: database.clone(),
                schema: schema.clone(),
                class: *class,
                role: role.clone(),
                privileges: *privileges,
            })
        }
        Change::RevokeDefault { creator, database, schema, class, role, privileges } => {
            Some(Change::GrantDefault {
                creator: creator.clone(),
                database: database.clone(),
                schema: schema.clone(),
                class: *class,
                role: role.clone(),
                privileges: *privileges,
            })
        }
        Change::SetRoleOwner { role, from: Some(from), to } => Some(Change::SetRoleOwner {
            role: role.clone(),
            from: Some(to.clone()),
            to: from.clone(),
        }),
        // What was there before is not known here, or no change gives it back.
        Change::AdoptRole { .. }
        | Change::ResetAttributes { .. }
        | Change::RevokeGrantOption { .. }
        | Change::SetRoleOwner { from: None, .. }
        | Change::RevokeAdminOption { .. }
        | Change::DropRole { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Ident, Marker, MemberKind, ObjectClass, Privilege, PrivilegeSet, RoleAttributes, Securable,
    };

    fn id(name: &str) -> Ident {
        Ident::new(name).unwrap()
    }

    fn table() -> Securable {
        Securable::in_schema(ObjectClass::Table, id("d"), id("s"), id("t"))
    }

    fn select() -> PrivilegeSet {
        PrivilegeSet::of(&[Privilege::SELECT])
    }

    #[test]
    fn undoing_twice_is_the_change_itself() {
        for change in [
            Change::Grant { on: table(), role: id("r"), privileges: select() },
            Change::AddMember { role: id("r"), member: id("m"), kind: MemberKind::Group },
            Change::RenameRole { from: id("a"), to: id("b") },
            Change::SetOwner { on: table(), from: id("a"), to: id("b") },
        ] {
            let undone = reverse(&change).unwrap();
            assert_ne!(undone, change);
            assert_eq!(reverse(&undone), Some(change));
        }
    }

    #[test]
    fn a_grant_is_undone_by_whoever_makes_it() {
        let change = Change::Grant { on: table(), role: id("r"), privileges: select() };
        let undo =
            Change::Revoke { on: table(), role: id("r"), privileges: select(), grantor: None };
        assert_eq!(reverse(&change), Some(undo));
    }

    #[test]
    fn what_cannot_be_given_back_has_no_reverse() {
        let marker = Marker {
            deployment: "shop".into(),
            environment: "prod".into(),
            instance: None,
            product: "sales".into(),
            role: "analyst".into(),
            policy: None,
            immutable: false,
            playbook: None,
            adopted: false,
        };
        for change in [
            Change::AdoptRole { role: id("r"), marker: marker.clone() },
            Change::DropRole { role: id("r") },
            Change::ResetAttributes { role: id("r"), attributes: RoleAttributes::MANAGED },
            Change::RevokeAdminOption { role: id("r"), member: id("m"), grantor: id("g") },
        ] {
            assert_eq!(reverse(&change), None);
        }
        let created = reverse(&Change::CreateRole { role: id("r"), marker });
        assert_eq!(created, Some(Change::DropRole { role: id("r") }));
    }
}
