//! The order of changes: what others stand on first, grants before revokes, drops last.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Step;
use crate::model::{Change, Ident, Securable};

/// Sorts steps by phase, and within a phase by what they change.
///
/// Renames come in the order in which names become free, which the caller has found.
pub(super) fn order(steps: &mut Vec<Step>) {
    let depths = Depths::of(steps);
    let renames = steps.iter().position(|s| !matches!(s.change, Change::RenameRole { .. }));
    let rest = &mut steps[renames.unwrap_or(0)..];
    if renames.is_some() {
        rest.sort_by_cached_key(|step| {
            let change = &step.change;
            (phase(change), inner_first(change), Reverse(depths.of_change(change)), change.clone())
        });
    }
}

/// A transferred object comes after the schema grants that its new owner needs, and before the
/// grants on it: PostgreSQL turns what the old owner held into the new owner's (`ALTER … OWNER`).
fn phase(change: &Change) -> u8 {
    match change {
        Change::RenameRole { .. } => 0,
        Change::CreateRole { .. } => 1,
        Change::AdoptRole { .. } => 2,
        Change::Grant { on, .. } if on.class().is_container() => 3,
        Change::SetOwner { .. } => 4,
        Change::Grant { .. } => 5,
        Change::AddMember { .. } => 6,
        Change::RevokeGrantOption { .. } | Change::Revoke { .. } => 7,
        Change::RevokeDefault { .. } => 8,
        Change::RevokeAdminOption { .. } | Change::RemoveMember { .. } => 9,
        Change::ResetAttributes { .. } => 10,
        Change::DropRole { .. } => 11,
    }
}

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

/// How far a grantor stands below the first one in a chain of passing on. What was passed on goes
/// before the right to pass it on: the server refuses the other order without CASCADE.
struct Depths {
    objects: BTreeMap<(Securable, Ident), Ident>,
    roles: BTreeMap<(Ident, Ident), Ident>,
}

impl Depths {
    fn of(steps: &[Step]) -> Self {
        let mut depths = Self { objects: BTreeMap::new(), roles: BTreeMap::new() };
        for step in steps {
            match &step.change {
                Change::Revoke { on, role, grantor: Some(grantor), .. }
                | Change::RevokeGrantOption { on, role, grantor, .. } => {
                    depths.objects.insert((on.clone(), role.clone()), grantor.clone());
                }
                Change::RevokeAdminOption { role, member, grantor }
                | Change::RemoveMember { role, member, grantor: Some(grantor), .. } => {
                    depths.roles.insert((role.clone(), member.clone()), grantor.clone());
                }
                _ => {}
            }
        }
        depths
    }

    fn of_change(&self, change: &Change) -> usize {
        match change {
            Change::Revoke { on, grantor: Some(grantor), .. }
            | Change::RevokeGrantOption { on, grantor, .. } => climb(&self.objects, on, grantor),
            Change::RevokeAdminOption { role, grantor, .. }
            | Change::RemoveMember { role, grantor: Some(grantor), .. } => climb(&self.roles, role, grantor),
            _ => 0,
        }
    }
}

fn climb<K: Ord + Clone>(grantors: &BTreeMap<(K, Ident), Ident>, on: &K, grantor: &Ident) -> usize {
    let mut depth = 0;
    let mut at = grantor;
    // A broken catalog could hold a circle; no chain is longer than the edges there are.
    while depth <= grantors.len()
        && let Some(above) = grantors.get(&(on.clone(), at.clone()))
    {
        depth += 1;
        at = above;
    }
    depth
}
