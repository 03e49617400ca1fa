//! Memberships, both ways.

use super::{Difference, Left, NewNames, Sides, Step, Why, new_name};
use crate::model::{
    Change, Diagnostic, Ident, Marker, MarkerReading, MemberKind, ObservedMembership, Reason,
};

pub(super) fn members(sides: &Sides, names: &NewNames, out: &mut Difference) {
    for ((role, member), wanted) in &sides.desired.memberships {
        let because = wanted.because.first();
        let Some(there) = sides.observed.roles.get(member) else {
            missing(sides, role, member, because, wanted.kind.as_str(), out);
            continue;
        };
        if let MarkerReading::Marker(marker) = &there.marker {
            out.found.push(placed(managed_elsewhere(role, member, marker), because));
            continue;
        }
        let in_use = |m: &ObservedMembership| {
            new_name(names, &m.role) == role
                && m.member == *member
                && m.inherit
                && m.set
                && !let_in_by_admin(sides, m)
        };
        if !sides.observed.memberships.iter().any(in_use) {
            out.steps.push(Step {
                change: Change::AddMember {
                    role: role.clone(),
                    member: member.clone(),
                    kind: wanted.kind,
                },
                why: Why::Declared(wanted.because.clone()),
            });
        }
    }
    for membership in &sides.observed.memberships {
        observed(sides, names, membership, out);
    }
}

fn observed(sides: &Sides, names: &NewNames, seen: &ObservedMembership, out: &mut Difference) {
    let role = new_name(names, &seen.role);
    let member = new_name(names, &seen.member);
    let (holds, is_held) = (names.contains_key(&seen.member), names.contains_key(&seen.role));
    if seen.automatic || !(holds || is_held) {
        return;
    }
    let grantor = new_name(names, &seen.grantor).clone();
    let wanted = sides.desired.memberships.contains_key(&(role.clone(), member.clone()));
    if !wanted || let_in_by_admin(sides, seen) {
        let gone = is_held && !sides.desired.roles.contains_key(role);
        out.steps.push(Step {
            change: Change::RemoveMember {
                role: role.clone(),
                member: member.clone(),
                // PostgreSQL does not tell them apart; Snowflake's observation will.
                kind: MemberKind::Role,
                grantor: Some(grantor),
            },
            why: if gone { Why::RoleGone } else { Why::Undeclared },
        });
    } else if seen.admin {
        out.steps.push(Step {
            change: Change::RevokeAdminOption {
                role: role.clone(),
                member: member.clone(),
                grantor,
            },
            why: Why::Undeclared,
        });
    }
}

/// From PostgreSQL 16 on, a membership hangs on its grantor's admin option. No member of a managed
/// role keeps one, so those who were let in by it are let in afresh, and then taken out there.
/// Before 16 a membership has one row, whoever granted it.
fn let_in_by_admin(sides: &Sides, seen: &ObservedMembership) -> bool {
    sides.observed.server.version >= 160_000
        && sides.observed.memberships.iter().any(|other| {
            other.role == seen.role
                && other.member == seen.grantor
                && other.admin
                && !other.automatic
        })
}

fn missing(
    sides: &Sides,
    role: &Ident,
    member: &Ident,
    because: Option<&Reason>,
    kind: &str,
    out: &mut Difference,
) {
    if sides.options.skip_missing {
        out.left.push(Left {
            role: role.clone(),
            what: format!("{kind} {member}, who is to be a member"),
            why: "the server does not know that name: skipped".to_owned(),
        });
        return;
    }
    let error = Diagnostic::error(
        "missing-member",
        format!("the {kind} {member} is to be a member of {role}, but the server does not know that name"),
    )
    .with_help("create it first (rolecall makes no people), mend the entry, or go on without it by --skip-missing");
    out.found.push(placed(error, because));
}

/// Memberships of a managed role are its own deployment's business: its next apply would take this
/// one away.
fn managed_elsewhere(role: &Ident, member: &Ident, marker: &Marker) -> Diagnostic {
    Diagnostic::error(
        "managed-role-as-member",
        format!(
            "{member} is to be a member of {role}, but its marker says that it is {}.{} of the deployment {} in {}",
            marker.product, marker.role, marker.deployment, marker.environment
        ),
    )
    .with_help("members are people and groups: name those who are in that role")
}

fn placed(error: Diagnostic, because: Option<&Reason>) -> Diagnostic {
    let Some((file, line)) = because.and_then(|why| Some((why.file.as_ref()?, why.line))) else {
        return error;
    };
    let mut place = crate::model::Place::file(file);
    place.line = line;
    error.with_place(place)
}
