//! The order of changes: what others stand on first, grants before revokes, drops last.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{NewNames, Owned, Step, moves, new_name, owned};
use crate::model::{Change, DialectKind, Ident, ObservedState, Privilege, PrivilegeSet, Securable};

/// Sorts steps by phase, and within a phase by what they change.
///
/// Renames come in the order in which names become free, which the caller has found.
/// `late` are those that must wait for what is taken away: (access is missing in between).
pub(super) fn order(
    steps: &mut [Step],
    observed: &ObservedState,
    names: &NewNames,
    late: &BTreeSet<Change>,
) {
    let owners = next_owners(observed, steps);
    let depths = Depths::of(observed, names, &owners);
    let renames = steps.iter().position(|s| !matches!(s.change, Change::RenameRole { .. }));
    let rest = &mut steps[renames.unwrap_or(0)..];
    if renames.is_some() {
        rest.sort_by_cached_key(|step| {
            let change = &step.change;
            let dialect = observed.server.dialect;
            let phase = if late.contains(change) { LATE } else { phase(change, dialect) };
            (phase, inner_first(change), Reverse(depths.of_change(change)), change.clone())
        });
    }
}

/// In which order kinds of changes are made.
///
/// On PostgreSQL a transferred object comes after the schema grants that its new owner needs, and before the
/// grants on it: PostgreSQL turns what the old owner held into the new owner's (`ALTER … OWNER`).
pub fn phase(change: &Change, dialect: DialectKind) -> u8 {
    match change {
        Change::RenameRole { .. } => 0,
        Change::CreateRole { .. } => 1,
        Change::AdoptRole { .. } => 2,
        Change::Grant { on, .. } if on.class().is_container() => 3,
        // Copied along by COPY CURRENT GRANTS, and then no longer the old owner's to make.
        Change::SetOwner { .. } if dialect == DialectKind::Snowflake => 7,
        Change::SetOwner { .. } => 4,
        Change::Grant { .. } => 5,
        Change::GrantDefault { .. } => 5,
        Change::AddMember { .. } => 6,
        // From here on the acting role may no longer write the role's comment.
        Change::SetRoleOwner { .. } => 7,
        Change::RevokeGrantOption { .. } | Change::Revoke { .. } => 8,
        // One owner of what is to come at a time: Snowflake refuses the next one before the first
        // has gone. Nobody loses access by it.
        Change::RevokeDefault { privileges, .. } if *privileges == OWNERSHIP => 4,
        Change::RevokeDefault { .. } => 9,
        Change::RevokeAdminOption { .. } | Change::RemoveMember { .. } => 10,
        Change::ResetAttributes { .. } => 12,
        Change::DropRole { .. } => 13,
    }
}

/// Said apart from all other privileges.
const OWNERSHIP: PrivilegeSet = PrivilegeSet::of(&[Privilege::OWNERSHIP]);

/// After what is taken away.
const LATE: u8 = 11;

/// Revokes go from the inside out: who revokes in a schema as its grantor must still get in.
fn inner_first(change: &Change) -> u8 {
    match change {
        Change::Revoke { on, .. } | Change::RevokeGrantOption { on, .. } => match on.class() {
            crate::model::ObjectClass::Database => 2,
            crate::model::ObjectClass::Schema => 1,
            _ => 0,
        },
        _ => 0,
    }
}

/// Object → who owns it by this plan.
type Owners = BTreeMap<Owned, Ident>;

fn owner<'a>(
    observed: &'a ObservedState,
    names: &'a NewNames,
    owners: &'a Owners,
    on: &Securable,
) -> Option<&'a Ident> {
    let next = owners.get(&owned(on));
    next.or_else(|| observed.owner_of(on).map(|owner| new_name(names, owner)))
}

fn next_owners(observed: &ObservedState, steps: &[Step]) -> Owners {
    moves(observed, steps).into_iter().map(|(on, (_, to))| (on, to)).collect()
}

/// How far a grantor stands below the first one in a chain of passing on. What was passed on goes
/// before the right to pass it on: the server refuses the other order without CASCADE.
struct Depths<'a> {
    /// (object, who may pass on) → from whom.
    objects: BTreeMap<(&'a Securable, &'a Ident), Vec<&'a Ident>>,
    /// (role, who may let others in) → by whom.
    roles: BTreeMap<(&'a Ident, &'a Ident), Vec<&'a Ident>>,
}

impl<'a> Depths<'a> {
    fn of(observed: &'a ObservedState, names: &'a NewNames, owners: &'a Owners) -> Self {
        let mut depths = Self { objects: BTreeMap::new(), roles: BTreeMap::new() };
        for entry in observed.acl.iter().filter(|entry| !entry.grantable.is_empty()) {
            let key = (&entry.on, new_name(names, &entry.grantee));
            // An owner grants in its own right, whatever others have granted to it.
            if owner(observed, names, owners, &entry.on) == Some(key.1) {
                continue;
            }
            depths.objects.entry(key).or_default().push(new_name(names, &entry.grantor));
        }
        for m in observed.memberships.iter().filter(|m| m.admin) {
            let key = (new_name(names, &m.role), new_name(names, &m.member));
            depths.roles.entry(key).or_default().push(new_name(names, &m.grantor));
        }
        depths
    }

    fn of_change(&self, change: &'a Change) -> usize {
        match change {
            Change::Revoke { on, grantor: Some(grantor), .. }
            | Change::RevokeGrantOption { on, grantor, .. } => {
                climb(&self.objects, on, grantor, &mut Vec::new())
            }
            Change::RevokeAdminOption { role, grantor, .. }
            | Change::RemoveMember { role, grantor: Some(grantor), .. } => {
                climb(&self.roles, role, grantor, &mut Vec::new())
            }
            _ => 0,
        }
    }
}

/// The longest way up. A broken catalog could hold a circle: nobody is passed twice.
fn climb<'a, K: Ord + Copy>(
    grantors: &BTreeMap<(K, &'a Ident), Vec<&'a Ident>>,
    on: K,
    grantor: &'a Ident,
    passed: &mut Vec<&'a Ident>,
) -> usize {
    if passed.contains(&grantor) {
        return 0;
    }
    passed.push(grantor);
    let above = grantors.get(&(on, grantor)).into_iter().flatten();
    let depth = above.map(|above| 1 + climb(grantors, on, above, passed)).max().unwrap_or(0);
    passed.pop();
    depth
}
