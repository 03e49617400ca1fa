//! Object grants and default grants.

use std::collections::{BTreeMap, BTreeSet};

use super::manner::Keeps;
use super::{
    Difference, Left, NewNames, Owned, Sides, Step, Why, describe, in_reach, moves, new_name,
    owned, takes_any_grantors,
};
use crate::model::{
    AclEntry, Change, DesiredGrant, Ident, ObjectClass, Privilege, PrivilegeSet, Reason, Securable,
};

pub(super) const MANIFEST_DOES_NOT_NAME: &str =
    "the manifest does not name that schema; --prune takes it";

type Key = (Securable, Ident);

pub(super) fn grants(sides: &Sides, names: &NewNames, out: &mut Difference) {
    let by_role = by_role(sides, names);
    let seen = Seen {
        sides,
        names,
        moves: moves(sides.observed, &out.steps),
        managed: names.values().collect(),
        keeps_database: still_needed(sides, names, &by_role),
        by_role,
    };
    missing(&seen, out);
    if sides.options.only_adds {
        return;
    }
    let mut kept: BTreeMap<&Ident, Kept> = BTreeMap::new();
    for (key, entries) in &seen.by_role {
        if let Some(keeps) = names.keeps(&key.1) {
            kept_all(&seen, key, keeps, &mut kept, out);
        }
        extra(&seen, key, entries, out);
    }
    for (role, Kept { privileges, options }) in kept {
        let many = |count: usize| if count == 1 { "" } else { "s" };
        let mut what = Vec::new();
        if privileges > 0 {
            what.push(format!("{privileges} privilege{} that nobody declares", many(privileges)));
        }
        if options > 0 {
            what.push(format!("{options} grant option{}", many(options)));
        }
        let why = Keeps::Everything.why().to_owned();
        out.left.push(Left { role: role.clone(), what: what.join(" and "), why });
    }
}

/// How much a role keeps that nothing is taken from.
#[derive(Default)]
struct Kept {
    privileges: usize,
    options: usize,
}

/// What nobody declares of a role that nothing is taken from.
fn kept_all<'k>(
    seen: &Seen,
    key: &'k Key,
    keeps: Keeps,
    kept: &mut BTreeMap<&'k Ident, Kept>,
    out: &mut Difference,
) {
    let (on, role) = key;
    if !seen.sides.within.covers(on) || seen.owner(on).as_ref() == Some(role) {
        return;
    }
    let declared = seen.sides.desired.grants.get(key).map(|grant| grant.privileges);
    let known = seen.sides.desired.known.get(key).copied().unwrap_or_default();
    let extra = seen.held(key, true).minus(declared.unwrap_or_default().union(known));
    // No declaration gives the right to pass something on.
    let options = seen.by_role.get(key).into_iter().flatten();
    let options = options.fold(PrivilegeSet::EMPTY, |all, entry| all.union(entry.grantable));
    if extra.is_empty() && options.is_empty() {
        return;
    }
    if keeps == Keeps::Everything {
        let kept = kept.entry(role).or_default();
        kept.privileges += extra.len();
        kept.options += options.len();
        return;
    }
    let mut left = |what: String, why: &str| {
        out.left.push(Left { role: role.clone(), what, why: why.to_owned() });
    };
    if !extra.is_empty() {
        left(format!("{extra} on {}", describe(on)), keeps.why());
    }
    if !options.is_empty() {
        let why = match keeps {
            Keeps::Login => keeps.why(),
            _ => {
                "whoever is in the role can pass it on, and that stays since the role was adopted: --prune takes it"
            }
        };
        left(format!("the grant option for {options} on {}", describe(on)), why);
    }
}

/// What was observed, as it will be once roles are renamed and owners are changed.
struct Seen<'a> {
    sides: &'a Sides<'a>,
    names: &'a NewNames,
    /// Object → (owner until now, owner by this plan).
    moves: BTreeMap<Owned, (Ident, Ident)>,
    /// Managed roles, under the names they will have.
    managed: BTreeSet<&'a Ident>,
    /// Those that have something left in schemas out of reach.
    keeps_database: BTreeSet<Ident>,
    by_role: BTreeMap<Key, Vec<&'a AclEntry>>,
}

impl Seen<'_> {
    /// Who will have granted an entry: what an owner granted becomes the next owner's.
    fn grantor(&self, entry: &AclEntry) -> Ident {
        let grantor = new_name(self.names, &entry.grantor);
        match self.moves.get(&owned(&entry.on)) {
            Some((from, to)) if from == grantor => to.clone(),
            _ => grantor.clone(),
        }
    }

    fn owner(&self, on: &Securable) -> Option<Ident> {
        if let Some((_, to)) = self.moves.get(&owned(on)) {
            return Some(to.clone());
        }
        let owner = self.sides.observed.owner_of(on);
        owner.map(|owner| new_name(self.names, owner).clone())
    }

    /// What a role holds on an object, from anyone or only from those whose grants stay.
    fn held(&self, key: &Key, from_anyone: bool) -> PrivilegeSet {
        let entries = self.by_role.get(key).into_iter().flatten();
        entries
            .filter(|entry| from_anyone || !self.passed_on(entry))
            .fold(PrivilegeSet::EMPTY, |held, entry| held.union(entry.privileges))
    }

    /// Privileges of a role that hang on the right to pass them on of a managed role, which keeps
    /// none.
    fn hanging(&self, key: &Key) -> PrivilegeSet {
        let entries = self.by_role.get(key).into_iter().flatten();
        entries
            .filter(|entry| self.passed_on(entry))
            .fold(PrivilegeSet::EMPTY, |all, entry| all.union(entry.privileges))
    }

    /// What a role holds for good: where a revoke takes any grantor's grant, a privilege that hangs
    /// on somebody goes with all that others have granted of it.
    fn stays(&self, key: &Key) -> PrivilegeSet {
        if takes_any_grantors(self.sides) {
            self.held(key, true).minus(self.hanging(key))
        } else {
            self.held(key, false)
        }
    }

    /// What is taken from a role, grant by grant: who granted it, what, the right to pass on, and
    /// whether it goes because of who granted it.
    fn takings(&self, key: &Key, entries: &[&AclEntry]) -> Vec<Taking> {
        let one = |entry: &&AclEntry| Taking {
            grantor: self.grantor(entry),
            privileges: entry.privileges,
            grantable: entry.grantable,
            hanging: if self.passed_on(entry) { entry.privileges } else { PrivilegeSet::EMPTY },
        };
        if !takes_any_grantors(self.sides) {
            return entries.iter().map(one).collect();
        }
        let mut takings = entries.iter().map(one);
        let Some(mut whole) = takings.next() else { return Vec::new() };
        for taking in takings {
            // The one that the order of revokes must heed: it comes from one of ours.
            if whole.hanging.is_empty() && !taking.hanging.is_empty() {
                whole.grantor = taking.grantor;
            }
            whole.privileges = whole.privileges.union(taking.privileges);
            whole.grantable = whole.grantable.union(taking.grantable);
            whole.hanging = whole.hanging.union(taking.hanging);
        }
        whole.hanging = self.hanging(key);
        vec![whole]
    }

    /// What a role keeps although nobody declares it: what dbt's own `grants` gave it, and the way
    /// into the database for what it has in schemas out of reach. All of it, where nothing is taken.
    fn retained(&self, key: &Key) -> PrivilegeSet {
        let (on, role) = key;
        if self.names.keeps(role).is_some() {
            return self.held(key, true);
        }
        let known = self.sides.desired.known.get(key).copied().unwrap_or_default();
        let way = if on.class() == ObjectClass::Database && self.keeps_database.contains(role) {
            PrivilegeSet::of(&[Privilege::CONNECT, Privilege::USAGE])
        } else {
            PrivilegeSet::EMPTY
        };
        self.held(key, true).intersection(known.union(way))
    }

    /// No managed role keeps the right to pass privileges on, so what one has passed on cannot stay
    /// either: it is granted afresh by the owner, and then taken. Owners grant in their own right.
    fn passed_on(&self, entry: &AclEntry) -> bool {
        let grantor = self.grantor(entry);
        self.managed.contains(&grantor)
            && self.owner(&entry.on).as_ref() != Some(&grantor)
            && self.names.keeps(&grantor).is_none()
            && in_reach(self.sides, self.names, &grantor, entry.on.schema_key().as_ref())
    }
}

/// What one revoke reaches.
struct Taking {
    grantor: Ident,
    privileges: PrivilegeSet,
    grantable: PrivilegeSet,
    hanging: PrivilegeSet,
}

/// The entries of managed roles, under the names the roles will have.
fn by_role<'a>(sides: &Sides<'a>, names: &NewNames) -> BTreeMap<Key, Vec<&'a AclEntry>> {
    let mut by_role: BTreeMap<Key, Vec<&AclEntry>> = BTreeMap::new();
    for entry in &sides.observed.acl {
        if let Some(name) = names.get(&entry.grantee) {
            by_role.entry((entry.on.clone(), name.clone())).or_default().push(entry);
        }
    }
    by_role
}

fn missing(seen: &Seen, out: &mut Difference) {
    let Seen { sides, by_role: observed, .. } = seen;
    // What is declared, and what stays although nobody declares it but hangs on somebody who goes.
    let retained =
        observed.keys().filter(|key| sides.within.covers(&key.0) && !seen.retained(key).is_empty());
    let keys: BTreeSet<&Key> = sides.desired.grants.keys().chain(retained).collect();
    for key in keys {
        let (on, role) = key;
        if seen.names.absent.contains(role) {
            continue;
        }
        let declared = sides.desired.grants.get(key);
        let part = |grant| sides.within.part_of(on, role, grant);
        let wanted = declared.map_or(PrivilegeSet::EMPTY, part);
        let retained = match sides.within.covers(on) {
            true => seen.retained(key),
            false => PrivilegeSet::EMPTY,
        };
        let missing = wanted.union(retained).minus(seen.stays(key));
        if missing.is_empty() || will_own(seen, on, role) {
            continue;
        }
        let because = declared.map(|grant| reasons(grant, missing)).unwrap_or_default();
        out.steps.push(Step {
            change: Change::Grant { on: on.clone(), role: role.clone(), privileges: missing },
            why: Why::Declared(because),
        });
    }
}

/// Why these privileges of a grant are declared: each reason once.
pub(super) fn reasons(grant: &DesiredGrant, privileges: PrivilegeSet) -> Vec<Reason> {
    let mut because: Vec<Reason> = privileges
        .iter()
        .filter_map(|privilege| grant.because.get(&privilege))
        .flatten()
        .cloned()
        .collect();
    because.sort();
    because.dedup();
    because
}

/// An owner has every privilege by itself, and no grants of its own to add or take.
fn will_own(seen: &Seen, on: &Securable, role: &Ident) -> bool {
    let Seen { sides, names, .. } = seen;
    // Where nothing is handed back, who owns it now goes on owning it.
    if sides.options.only_adds && seen.owner(on).as_ref() == Some(role) {
        return true;
    }
    // Its owner is its table's.
    if sides.observed.inventory.follows.contains_key(on) {
        return seen.owner(on).as_ref() == Some(role);
    }
    if let Some(owner) = sides.desired.owners.get(on) {
        let now = sides.observed.owner_of(on);
        let stays = now.is_some_and(|now| names.untouched.contains(now));
        return owner.role == *role && !stays;
    }
    // Undeclared ownership that cannot be moved stays; relations in reach go to the deploy role.
    let owns = sides.observed.owned.get(on).is_some_and(|owner| new_name(names, owner) == role);
    let to_deploy_role = on.class().is_relation()
        && !names.is_playbook(role)
        && names.keeps(role).is_none()
        && sides.deploy_role.is_some_and(|r| sides.observed.roles.contains_key(r));
    owns && !to_deploy_role && !seen.moves.contains_key(&owned(on))
}

/// What leads to grants that stay although nobody declares them: schemas out of reach share their
/// database with the rest. Without it they would be left, and useless.
fn still_needed(
    sides: &Sides,
    names: &NewNames,
    observed: &BTreeMap<Key, Vec<&AclEntry>>,
) -> BTreeSet<Ident> {
    observed
        .keys()
        .filter(|(on, role)| {
            on.schema_name().is_some() && !in_reach(sides, names, role, on.schema_key().as_ref())
        })
        .map(|(_, role)| role.clone())
        .collect()
}

fn extra(seen: &Seen, key: &Key, entries: &[&AclEntry], out: &mut Difference) {
    let Seen { sides, .. } = seen;
    let (on, role) = key;
    if !sides.within.covers(on) {
        return;
    }
    let declared = sides.desired.grants.get(key);
    let wanted = declared.map_or(PrivilegeSet::EMPTY, |grant| grant.privileges);
    let retained = seen.retained(key);
    let undeclared = retained.minus(wanted);
    let keeps_all = seen.names.keeps(role).is_some();
    if on.class() == ObjectClass::Database && !undeclared.is_empty() && !keeps_all {
        out.left.push(Left {
            role: role.clone(),
            what: format!("{undeclared} on {}", describe(on)),
            why: "needed by grants in schemas that the manifest does not name".to_owned(),
        });
    }
    let wanted = wanted.union(retained);
    let owns = seen.owner(on).as_ref() == Some(role);
    let why = if sides.desired.roles.contains_key(role) { Why::Undeclared } else { Why::RoleGone };
    for taking in seen.takings(key, entries) {
        // An owner's own rights are no grants; what one of ours passed on to it goes with theirs.
        if owns && taking.hanging.is_empty() {
            continue;
        }
        let stays = wanted.minus(taking.hanging);
        let extra = taking.privileges.minus(stays);
        let passing_on = match keeps_all {
            true => PrivilegeSet::EMPTY,
            false => taking.grantable.intersection(stays),
        };
        if extra.is_empty() && passing_on.is_empty() {
            continue;
        }
        if !in_reach(sides, seen.names, role, on.schema_key().as_ref()) {
            if !extra.is_empty() {
                out.left.push(Left {
                    role: role.clone(),
                    what: format!("{extra} on {}", describe(on)),
                    why: MANIFEST_DOES_NOT_NAME.to_owned(),
                });
            }
            continue;
        }
        if !extra.is_empty() {
            out.steps.push(Step {
                change: Change::Revoke {
                    on: on.clone(),
                    role: role.clone(),
                    privileges: extra,
                    grantor: Some(taking.grantor.clone()),
                },
                why: why.clone(),
            });
        }
        if !passing_on.is_empty() {
            out.steps.push(Step {
                change: Change::RevokeGrantOption {
                    on: on.clone(),
                    role: role.clone(),
                    privileges: passing_on,
                    grantor: taking.grantor,
                },
                why: Why::Undeclared,
            });
        }
    }
}
