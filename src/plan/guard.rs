//! Refusals: a plan that takes too much at once needs somebody to say how much is wanted.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{NewNames, Sides, Step, new_name, takes_any_grantors};
use crate::model::{Change, Ident, MarkerReading, MemberKind, PrivilegeSet, Securable};

/// Something that is not done until a flag says so, or the cause is mended. Exit status 8.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Refusal {
    /// Stable, in kebab case.
    pub code: &'static str,
    /// What was found.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// From how many revokes on "over half of what there is" is a mass revocation.
const MANY: usize = 10;

/// Guards a plan against taking more than anybody meant to.
pub(super) fn guard(sides: &Sides, names: &NewNames, steps: &[Step]) -> Vec<Refusal> {
    let mut refusals = immutable(sides, names, steps);
    refusals.extend(way_back(sides, steps));
    let lost = steps.iter().map(|step| taken(&step.change)).sum::<usize>();
    if lost == 0 || sides.options.allow_revokes.is_some_and(|n| lost as u64 <= n) {
        return refusals;
    }
    let allow = format!("if that is meant, say so: --allow-revokes {lost}");
    let held = Held::of(sides, names);
    let mut refuse = |code, message: String| {
        refusals.push(Refusal { code, message, help: allow.clone() });
    };
    if let Some(allowed) = sides.options.allow_revokes {
        refuse("too-many-revokes", format!("{lost} revokes are planned, and {allowed} allowed"));
    }
    if sides.declared == 0 && held.all > 0 {
        refuse(
            "declares-nothing",
            format!(
                "the manifest declares nothing, and {lost} of {} grants and memberships would go",
                held.all
            ),
        );
    }
    for (role, count) in held.roles_that_lose_all(steps) {
        refuse("role-loses-all", format!("{role} would lose all {count} privileges that it has"));
    }
    for (role, count) in emptied(sides, names, steps) {
        refuse("role-loses-all", format!("{role} would lose all {count} members that it has"));
    }
    if lost >= MANY && lost * 2 > held.all {
        refuse(
            "mass-revocation",
            format!("{lost} of {} grants and memberships in scope would go: over half", held.all),
        );
    }
    refusals
}

fn taken(change: &Change) -> usize {
    match change {
        Change::Revoke { privileges, .. } | Change::RevokeDefault { privileges, .. } => {
            privileges.len()
        }
        change => usize::from(change.takes_away() && !matches!(change, Change::DropRole { .. })),
    }
}

/// What managed roles hold, in the guard's units: a privilege on an object, a membership.
struct Held {
    all: usize,
    /// Privileges on objects that hold data, or anything but the way there.
    by_role: BTreeMap<Ident, usize>,
}

impl Held {
    fn of(sides: &Sides, names: &NewNames) -> Self {
        let mut held = Self { all: 0, by_role: BTreeMap::new() };
        let mut counted: BTreeMap<(&Securable, &Ident), PrivilegeSet> = BTreeMap::new();
        for entry in &sides.observed.acl {
            let Some(role) = names.get(&entry.grantee) else { continue };
            let mut fresh = entry.privileges;
            if takes_any_grantors(sides) {
                // One revoke takes what several have granted.
                let all = counted.entry((&entry.on, role)).or_default();
                fresh = fresh.minus(*all);
                *all = all.union(fresh);
            }
            held.all += fresh.len();
            if !entry.on.class().is_container() {
                *held.by_role.entry(role.clone()).or_default() += fresh.len();
            }
        }
        for default in &sides.observed.defaults {
            if names.contains_key(&default.grantee) {
                held.all += default.privileges.len();
            }
        }
        held.all += sides
            .observed
            .memberships
            .iter()
            .filter(|m| {
                !m.automatic
                    && !structural(sides, new_name(names, &m.role), new_name(names, &m.member))
                    && (names.contains_key(&m.role) || names.contains_key(&m.member))
            })
            .count();
        held
    }

    fn roles_that_lose_all(&self, steps: &[Step]) -> Vec<(Ident, usize)> {
        let fresh: BTreeMap<(&Securable, &Ident), PrivilegeSet> = steps
            .iter()
            .filter_map(|step| match &step.change {
                Change::Grant { on, role, privileges } => Some(((on, role), *privileges)),
                _ => None,
            })
            .collect();
        let mut lost: BTreeMap<&Ident, usize> = BTreeMap::new();
        let mut regained: BTreeSet<&Ident> = BTreeSet::new();
        for step in steps {
            let Change::Revoke { on, role, privileges, .. } = &step.change else { continue };
            if on.class().is_container() {
                continue;
            }
            *lost.entry(role).or_default() += privileges.len();
            // Granted afresh because only its grantor changes.
            if fresh
                .get(&(on, role))
                .is_some_and(|again| !again.intersection(*privileges).is_empty())
            {
                regained.insert(role);
            }
        }
        self.by_role
            .iter()
            .filter(|(role, held)| lost.get(role) == Some(held) && !regained.contains(role))
            .map(|(role, held)| (role.clone(), *held))
            .collect()
    }
}

/// A membership that is no person's: the parent role's, or of a role that holds another's grants.
fn structural(sides: &Sides, role: &Ident, member: &Ident) -> bool {
    let wanted = sides.desired.memberships.get(&(role.clone(), member.clone()));
    wanted.is_some_and(|wanted| wanted.kind == MemberKind::Role)
}

/// Roles that had at least two members and would have none: a members file that went away looks so.
fn emptied(sides: &Sides, names: &NewNames, steps: &[Step]) -> Vec<(Ident, usize)> {
    let mut had: BTreeMap<&Ident, BTreeSet<&Ident>> = BTreeMap::new();
    for m in sides.observed.memberships.iter().filter(|m| !m.automatic) {
        if let Some(role) = names.get(&m.role)
            && !structural(sides, role, new_name(names, &m.member))
        {
            had.entry(role).or_default().insert(&m.member);
        }
    }
    let stays: BTreeSet<&Ident> = sides
        .desired
        .memberships
        .iter()
        .filter(|((_, member), wanted)| {
            // Somebody who is not there keeps no role from being empty.
            wanted.kind != MemberKind::Role
                && (sides.observed.roles.contains_key(member)
                    || sides.observed.users.contains(member))
        })
        .map(|((role, _), _)| role)
        .collect();
    let loses: BTreeSet<&Ident> = steps
        .iter()
        .filter_map(|step| match &step.change {
            Change::RemoveMember { role, .. } => Some(role),
            _ => None,
        })
        .collect();
    had.into_iter()
        .filter(|(role, members)| {
            members.len() >= 2 && loses.contains(role) && !stays.contains(role)
        })
        .map(|(role, members)| (role.clone(), members.len()))
        .collect()
}

/// A role whose marker says `immutable` loses nothing, from whatever input.
fn immutable(sides: &Sides, names: &NewNames, steps: &[Step]) -> Vec<Refusal> {
    let protected: BTreeSet<&Ident> = sides
        .observed
        .roles
        .iter()
        .filter(|(_, role)| matches!(&role.marker, MarkerReading::Marker(m) if m.immutable))
        .map(|(name, _)| new_name(names, name))
        .collect();
    let whose = |role: &Ident| {
        let observed = sides.observed.roles.iter().find(|(name, _)| new_name(names, name) == role);
        match observed.map(|(_, observed)| &observed.marker) {
            Some(MarkerReading::Marker(marker)) => marker.whose(),
            _ => String::new(),
        }
    };
    let mut hit: BTreeSet<&Ident> = BTreeSet::new();
    for step in steps.iter().filter(|step| step.change.takes_away()) {
        if let Some(role) = role_of(&step.change)
            && protected.contains(role)
        {
            hit.insert(role);
        }
    }
    hit.into_iter()
        .map(|role| Refusal {
            code: "immutable-role",
            message: format!(
                "{role} ({}) is marked immutable, and this plan would take something from it",
                whose(role)
            ),
            help: "declare again what it has; no flag takes from an immutable role, only an administrator who writes its comment anew without `\"immutable\":true`".to_owned(),
        })
        .collect()
}

/// The way back in loses nothing: the break-glass role, and the role that the session runs as.
fn way_back(sides: &Sides, steps: &[Step]) -> Vec<Refusal> {
    let acting_as = &sides.observed.server.acting_as;
    let glass = sides.desired.break_glass.as_ref();
    let mut refusals = BTreeSet::new();
    for step in steps.iter().filter(|step| step.change.takes_away()) {
        let member = match &step.change {
            Change::RemoveMember { member, .. } | Change::RevokeAdminOption { member, .. } => {
                Some(member)
            }
            _ => None,
        };
        for name in [role_of(&step.change), member].into_iter().flatten() {
            let (what, help) = if Some(name) == glass {
                ("the break-glass role", "declare it again, or name another one as `break_glass`")
            } else if name == acting_as && member == Some(name) {
                ("the role that this session runs as", "declare it, or plan as another role")
            } else {
                continue;
            };
            refusals.insert(Refusal {
                code: "way-back-in",
                message: format!("{name} is {what}, and this plan would take something from it"),
                help: help.to_owned(),
            });
        }
    }
    refusals.into_iter().collect()
}

fn role_of(change: &Change) -> Option<&Ident> {
    match change {
        Change::RevokeGrantOption { role, .. }
        | Change::Revoke { role, .. }
        | Change::RevokeDefault { role, .. }
        | Change::RevokeAdminOption { role, .. }
        | Change::RemoveMember { role, .. }
        | Change::ResetAttributes { role, .. }
        | Change::DropRole { role } => Some(role),
        _ => None,
    }
}
