//! The laws for roles that are managed in other manners than a product's: adopted, never taken from,
//! of a playbook, switched off, and without declared members.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rolecall::model::*;
use rolecall::warehouse::memory::Memory;

use super::memory::{compare, observed, owner_granted_to};
use super::world::*;

#[derive(Debug, Clone, Copy)]
struct How {
    playbook: bool,
    adopted: bool,
    revokes: bool,
    members: bool,
    enabled: bool,
}

fn how() -> impl Strategy<Value = How> {
    (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.9))
        .prop_map(|(playbook, adopted, revokes, members, enabled)| {
            // A product role is taken from, and says who is in it.
            let (revokes, members) = (revokes || !playbook, members || !playbook);
            How { playbook, adopted, revokes, members, enabled: enabled || !playbook }
        })
}

fn marked(marker: &Marker, how: How) -> Marker {
    match how.playbook {
        true => Marker {
            product: String::new(),
            role: String::new(),
            playbook: Some(marker.role.clone()),
            ..marker.clone()
        },
        false => marker.clone(),
    }
}

/// What each role holds, by role, object and privilege.
fn held(state: &ObservedState) -> BTreeSet<(Ident, Securable, Privilege)> {
    let each = |entry: &AclEntry| {
        let (role, on) = (entry.grantee.clone(), entry.on.clone());
        entry.privileges.iter().map(move |p| (role.clone(), on.clone(), p)).collect::<Vec<_>>()
    };
    state.acl.iter().flat_map(each).collect()
}

fn check(world: &mut World, hows: &[How], version: u32) -> Result<(), TestCaseError> {
    let mut before = observed(world, version);
    let mut by_product: BTreeMap<String, How> = BTreeMap::new();
    for ((product_role, name, _), how) in ROLES.iter().zip(hows) {
        by_product.insert((*product_role).to_owned(), *how);
        let Some(role) = world.desired.roles.get_mut(&id(name)) else { continue };
        role.marker = marked(&role.marker, *how);
        role.manner.revoke_other_grants = how.revokes;
        role.manner.declares_members = how.members;
        if !how.enabled {
            let Some(role) = world.desired.roles.remove(&id(name)) else { continue };
            let desired = &mut world.desired;
            desired.grants.retain(|(_, role), _| *role != id(name));
            desired.known.retain(|(_, role), _| *role != id(name));
            desired.futures.retain(|future, _| future.role != id(name));
            desired.owners.retain(|_, owner| owner.role != id(name));
            desired.memberships.retain(|(role, _), _| *role != id(name));
            desired.disabled.insert(id(name), role.marker);
        }
    }
    let mut kept: BTreeSet<Ident> = BTreeSet::new();
    let mut silent: BTreeSet<Ident> = BTreeSet::new();
    for (name, role) in &mut before.roles {
        let MarkerReading::Marker(marker) = &mut role.marker else { continue };
        let Some(how) = by_product.get(&marker.role).filter(|_| scope().holds(marker)) else {
            continue;
        };
        *marker = Marker { adopted: how.adopted, ..marked(marker, *how) };
        if how.adopted && !world.options.prune || !how.revokes {
            kept.insert(name.clone());
        }
        if !how.enabled {
            silent.insert(name.clone());
        }
    }
    let first = compare(world, &before);
    prop_assert!(!first.found.has_errors(), "{:?}", first.found);
    if !first.refused.is_empty() || owner_granted_to(&before, &first) {
        return Ok(());
    }
    let mut memory = Memory::new(before.clone());
    let mut states = vec![before.clone()];
    for step in &first.steps {
        prop_assert!(!silent.contains(step.change.role()), "switched off: {:?}", step.change);
        if let Err(error) = memory.change(&step.change) {
            return Err(TestCaseError::fail(format!("{error}\nplan: {:?}", first.steps)));
        }
        states.push(memory.state().clone());
    }
    let after = memory.state().clone();
    let second = compare(world, &after);
    prop_assert!(second.steps.is_empty(), "{:?}\nfirst: {:?}", second.steps, first.steps);

    // What is declared is there, whatever the manner.
    let has = held(&after);
    for ((on, role), grant) in &world.desired.grants {
        let owns = after.owner_of(on) == Some(role);
        for privilege in grant.privileges.iter().filter(|_| !owns) {
            prop_assert!(has.contains(&(role.clone(), on.clone(), privilege)), "{role} {on}");
        }
    }
    // Nothing is taken from those who keep what they have, but by an owner's change.
    let moved = first.steps.iter().any(|step| matches!(step.change, Change::SetOwner { .. }));
    let new_names: BTreeMap<&Ident, &Ident> = first
        .steps
        .iter()
        .filter_map(|step| match &step.change {
            Change::RenameRole { from, to } => Some((from, to)),
            _ => None,
        })
        .collect();
    for (role, on, privilege) in held(&before).into_iter().filter(|_| !moved) {
        let now = new_names.get(&role).map_or(role.clone(), |now| (*now).clone());
        if kept.contains(&role) || silent.contains(&role) {
            let still = has.contains(&(now.clone(), on.clone(), privilege));
            prop_assert!(still, "{now} lost {privilege} on {on}: {:?}", first.steps);
        }
    }
    // Cut anywhere and run again, it reaches the same end.
    for state in &states {
        let mut memory = Memory::new(state.clone());
        for step in compare(world, state).steps {
            if let Err(error) = memory.change(&step.change) {
                return Err(TestCaseError::fail(format!("after a cut: {error}")));
            }
        }
        prop_assert_eq!(held(memory.state()), has.clone());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_for_roles_of_every_manner(
        world in world(25),
        hows in prop::collection::vec(how(), ROLES.len()),
        new in any::<bool>(),
    ) {
        check(&mut world.clone(), &hows, if new { 170_000 } else { 150_000 })?;
    }
}
