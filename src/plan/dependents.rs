//! What others hold from our roles: taking away what it hangs on would need CASCADE, so it is named
//! and refused.

use std::collections::{BTreeMap, BTreeSet};

use super::{NewNames, Refusal, Sides, Step, new_name};
use crate::model::{AclEntry, Change, Ident, PrivilegeSet, Securable};

/// One refusal for each thing that a stranger holds from a managed role that would lose it.
pub(super) fn dependents(sides: &Sides, names: &NewNames, steps: &[Step]) -> Vec<Refusal> {
    let mut found = BTreeSet::new();
    objects(sides, names, steps, &mut found);
    if sides.observed.server.version >= 160_000 {
        memberships(sides, names, steps, &mut found);
    }
    found.into_iter().collect()
}

fn objects(sides: &Sides, names: &NewNames, steps: &[Step], found: &mut BTreeSet<Refusal>) {
    let mut lost: BTreeMap<(&Securable, &Ident), PrivilegeSet> = BTreeMap::new();
    for step in steps {
        if let Change::Revoke { on, role, privileges, .. }
        | Change::RevokeGrantOption { on, role, privileges, .. } = &step.change
        {
            let all = lost.entry((on, role)).or_default();
            *all = all.union(*privileges);
        }
    }
    let taken: BTreeSet<(&Securable, &Ident)> = steps
        .iter()
        .filter_map(|step| match &step.change {
            Change::Revoke { on, role, .. } => Some((on, role)),
            _ => None,
        })
        .collect();
    // A stranger's stays, and so does what one of ours keeps: nothing is taken from it, or not there.
    let stays = |entry: &&AclEntry| {
        names.get(&entry.grantee).is_none_or(|name| !taken.contains(&(&entry.on, name)))
    };
    for entry in sides.observed.acl.iter().filter(stays) {
        // What an owner granted hangs on nothing: the next owner has granted it then.
        if sides.observed.owner_of(&entry.on) == Some(&entry.grantor) {
            continue;
        }
        let from = new_name(names, &entry.grantor);
        let Some(lost) = lost.get(&(&entry.on, from)) else { continue };
        let hangs = entry.privileges.intersection(*lost);
        if !hangs.is_empty() {
            found.insert(Refusal {
                code: "dependents",
                message: format!(
                    "{} holds {hangs} on {} {} from {from}, who is to lose it",
                    entry.grantee,
                    entry.on.class(),
                    entry.on
                ),
                help: format!(
                    "only CASCADE could take it, and with it the access of {}: have {from} revoke it, or grant it by somebody else",
                    entry.grantee
                ),
            });
        }
    }
}

fn memberships(sides: &Sides, names: &NewNames, steps: &[Step], found: &mut BTreeSet<Refusal>) {
    let mut removed: BTreeSet<(&Ident, &Ident)> = BTreeSet::new();
    let mut losers: BTreeSet<(&Ident, &Ident)> = BTreeSet::new();
    for step in steps {
        match &step.change {
            Change::RemoveMember { role, member, .. } => {
                removed.insert((role, member));
                losers.insert((role, member));
            }
            Change::RevokeAdminOption { role, member, .. } => {
                losers.insert((role, member));
            }
            _ => {}
        }
    }
    for hangs in &sides.observed.memberships {
        let role = new_name(names, &hangs.role);
        let loser = new_name(names, &hangs.grantor);
        let member = new_name(names, &hangs.member);
        if losers.contains(&(role, loser)) && !removed.contains(&(role, member)) {
            found.insert(Refusal {
                code: "dependents",
                message: format!(
                    "{member} is in {role} because {loser} let it in, who may no longer do so"
                ),
                help: format!("have somebody else let {member} in, or take it out first"),
            });
        }
    }
}
