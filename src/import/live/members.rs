//! Who is in a role, and which roles it holds.

use super::grants::Left;
use super::{Asked, ImportedGrant, Name, What};
use crate::dialect::Dialect;
use crate::edit::Entry;
use crate::model::{
    DialectKind, Ident, MarkerReading, MemberKind, ObservedMembership, ObservedState, Privilege,
    PrivilegeSet,
};

/// The roles whose privileges a role gets, as grants on them.
pub(super) fn held(asked: &Asked<'_>, role: &Ident, left: &mut Left) -> Vec<ImportedGrant> {
    let mut grants: Vec<ImportedGrant> = Vec::new();
    let is_its =
        |m: &&ObservedMembership| m.member == *role && m.kind != MemberKind::User && !m.automatic;
    for membership in asked.state.memberships.iter().filter(is_its) {
        let held = &membership.role;
        let what = format!("being in the role {held}");
        if let Some(why) = odd(asked.dialect, asked.state, membership) {
            left.push((what, why));
        } else if asked.named.contains(held) {
            left.push((
                what,
                "who is in that role stands in the files of its product or policy".to_owned(),
            ));
        } else if let Some(why) = asked.dialect.reserved(held) {
            left.push((what, why.to_owned()));
        } else if !super::sayable(held) {
            left.push((what, "a playbook cannot write its name".to_owned()));
        } else if is_managed(asked, held) {
            left.push((what, "that role is managed by somebody else".to_owned()));
        } else {
            grants.push(ImportedGrant {
                kind: "role",
                database: None,
                schema: None,
                object: Some(Name::One(held.clone())),
                what: What::Privileges(PrivilegeSet::of(&[Privilege::USAGE])),
                all: true,
                future: true,
            });
        }
    }
    grants.sort();
    grants.dedup();
    grants
}

/// Who is in the role, as entries; `None` where one cannot be written, so that all stay undeclared, and
/// where nobody is.
pub(super) fn of(asked: &Asked<'_>, role: &Ident, left: &mut Left) -> Option<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut whole = true;
    for membership in asked.state.memberships.iter().filter(|m| m.role == *role) {
        let ObservedMembership { member, kind, .. } = membership;
        if membership.automatic {
            continue;
        }
        // On Snowflake a user and a role may have one name.
        let of_that_name = |other: &ObservedMembership| {
            other.role == *role && other.member == *member && other.kind != *kind
        };
        let entry = match odd(asked.dialect, asked.state, membership) {
            Some(why) => Err(why),
            None if *kind == MemberKind::User
                && asked.state.memberships.iter().any(of_that_name) =>
            {
                Err("a role of that name is in it as well".to_owned())
            }
            // It says so itself, by a grant on this role.
            None if *kind != MemberKind::User && asked.chosen.contains(member) => continue,
            None if *kind != MemberKind::User && asked.named.contains(member) => {
                Err("it is a role of this configuration, and members are people and groups"
                    .to_owned())
            }
            None if *kind != MemberKind::User && is_managed(asked, member) => {
                Err("it is a managed role, and members are people and groups".to_owned())
            }
            None => match asked.dialect.reserved(member) {
                Some(why) => Err(why.to_owned()),
                None => (asked.entry)(member, *kind == MemberKind::User),
            },
        };
        match entry {
            Ok(entry) => entries.push(entry),
            Err(why) => {
                whole = false;
                left.push((
                    format!("{member} as a member"),
                    format!("{why}; who is in the role stays undeclared"),
                ));
            }
        }
    }
    entries.sort();
    entries.dedup();
    (whole && !entries.is_empty()).then_some(entries)
}

/// What a members file cannot say of a membership.
pub(super) fn odd(
    dialect: &dyn Dialect,
    state: &ObservedState,
    membership: &ObservedMembership,
) -> Option<String> {
    let options = dialect.kind() == DialectKind::Postgres && state.server.version >= 160_000;
    if membership.admin {
        Some("it comes with the admin option".to_owned())
    } else if options && !(membership.inherit && membership.set) {
        Some("it comes without INHERIT or SET".to_owned())
    } else {
        None
    }
}

fn is_managed(asked: &Asked<'_>, role: &Ident) -> bool {
    let role = asked.state.roles.get(role);
    role.is_some_and(|role| !matches!(role.marker, MarkerReading::None))
}
