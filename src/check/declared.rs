//! What is asked of declarations before they are looked at without a warehouse: who is meant by a name, and
//! who is in a group.

use std::collections::{BTreeMap, BTreeSet};

use crate::directory::Known;
use crate::effect::{AccessRole, AccessState};
use crate::model::{
    Diagnostic, Diagnostics, Ident, MarkerReading, MemberKind, ObservedMembership, RoleAttributes,
};
use crate::project::Project;
use crate::resolve::Resolved;

/// On Snowflake a user and a role may have one name; who is meant where would be guessed.
pub(super) fn one_kind_each(resolved: &Resolved) -> Result<(), Diagnostics> {
    let mut kinds: BTreeMap<&Ident, bool> = BTreeMap::new();
    for ((_, member), membership) in &resolved.desired.memberships {
        let is_user = membership.kind == MemberKind::User;
        if *kinds.entry(member).or_insert(is_user) != is_user {
            let what =
                format!("{member} is both a user and a role: --declared cannot tell them apart");
            let error = Diagnostic::error("user-and-group", what)
                .with_help("give the group another name than the user");
            return Err(Diagnostics::from_iter([error]));
        }
    }
    Ok(())
}

/// Lets the people into their groups whom the directory lists there; returns the groups of which
/// nothing is known.
pub(super) fn people_of_groups(
    project: &Project,
    known: &Known,
    resolved: &Resolved,
    state: &mut AccessState,
) -> BTreeSet<Ident> {
    let is_group = |kind| kind == MemberKind::Group;
    let memberships = resolved.desired.memberships.iter();
    let mut groups: BTreeSet<Ident> = memberships
        .filter(|(_, membership)| is_group(membership.kind))
        .map(|((_, member), _)| member.clone())
        .collect();
    let listed = project.people_of_groups(known).unwrap_or_default();
    for (group, people) in listed {
        let attributes = RoleAttributes { login: false, ..RoleAttributes::MANAGED };
        let role = |login| AccessRole {
            attributes: RoleAttributes { login, ..attributes },
            marker: MarkerReading::None,
        };
        state.roles.entry(group.clone()).or_insert_with(|| role(false));
        for person in people {
            state.roles.entry(person.clone()).or_insert_with(|| role(true));
            state.memberships.push(ObservedMembership {
                role: group.clone(),
                member: person,
                kind: MemberKind::User,
                grantor: group.clone(),
                admin: false,
                inherit: true,
                set: true,
                automatic: false,
            });
        }
        groups.remove(&group);
    }
    state.memberships.sort_unstable();
    state.memberships.dedup();
    groups
}
