//! The laws of a limited plan: it is a part of the whole plan and what that part needs, and one
//! after the other they reach what the whole plan reaches.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rolecall::model::*;
use rolecall::plan::{Difference, Within};
use rolecall::warehouse::memory::Memory;

use super::memory::{compare, compare_within, observed, owner_granted_to};
use super::world::*;

/// A limit to these relations of the manifest's schemas.
fn within(world: &World, relations: &[Securable]) -> Within {
    let keys = relations.iter().filter_map(Securable::relation_key).collect();
    Within::relations(keys, relations.iter().map(node).collect(), &world.desired)
}

/// All relations of the manifest, those that are chosen and the others.
fn parts(chosen: &[bool]) -> (Vec<Securable>, Vec<Securable>) {
    let all = SCHEMAS[..2].iter().flat_map(|s| (0..RELATIONS.len()).map(|at| relation(s, at)));
    let (one, other): (Vec<_>, Vec<_>) = all.zip(chosen).partition(|(_, chosen)| **chosen);
    let strip = |part: Vec<(Securable, &bool)>| part.into_iter().map(|(on, _)| on).collect();
    (strip(one), strip(other))
}

/// The object that a change is about, if it is about one.
fn on(change: &Change) -> Option<&Securable> {
    match change {
        Change::Grant { on, .. }
        | Change::Revoke { on, .. }
        | Change::RevokeGrantOption { on, .. }
        | Change::SetOwner { on, .. } => Some(on),
        _ => None,
    }
}

fn made(memory: &mut Memory, plan: &Difference) -> Result<(), TestCaseError> {
    for step in &plan.steps {
        memory
            .change(&step.change)
            .map_err(|error| TestCaseError::fail(format!("{error}\nplan: {:?}", plan.steps)))?;
    }
    Ok(())
}

/// A limited plan is made of steps of the whole one on its relations, and of what they need.
fn is_part(
    world: &World,
    whole: &Difference,
    limited: &Difference,
    relations: &[Securable],
) -> Result<(), TestCaseError> {
    let keys: BTreeSet<_> = relations.iter().filter_map(Securable::relation_key).collect();
    let here = |on: &Securable| {
        (on.class().is_relation() || on.class() == ObjectClass::Column)
            && on.relation_key().is_some_and(|key| keys.contains(&key))
    };
    let there = |plan: &Difference| -> BTreeSet<Change> {
        let steps = plan.steps.iter().map(|step| step.change.clone());
        steps.filter(|change| on(change).is_some_and(here)).collect()
    };
    prop_assert_eq!(there(whole), there(limited));
    let whole_steps: BTreeSet<&Change> = whole.steps.iter().map(|step| &step.change).collect();
    let named: BTreeSet<&Ident> = world
        .desired
        .grants
        .keys()
        .filter(|(on, _)| here(on))
        .map(|(_, role)| role)
        .chain(world.desired.owners.iter().filter(|(on, _)| here(on)).map(|(_, it)| &it.role))
        .collect();
    let mut outside = whole.steps.len();
    for step in &limited.steps {
        let change = &step.change;
        outside -= usize::from(whole_steps.contains(change));
        let allowed = match change {
            change if on(change).is_some_and(here) => true,
            Change::CreateRole { role, .. } | Change::AddMember { role, .. } => {
                named.contains(role) && whole_steps.contains(change)
            }
            // What leads there, and no more than the whole plan gives.
            Change::Grant { on, role, privileges } if on.class().is_container() => {
                let is_in = |it: &&Change| match it {
                    Change::Grant { on: whole_on, role: whole_role, privileges: all } => {
                        whole_on == on && whole_role == role && all.contains_all(*privileges)
                    }
                    _ => false,
                };
                named.contains(role) && whole_steps.iter().any(is_in)
            }
            _ => false,
        };
        prop_assert!(allowed, "{change:?}\nof {relations:?}");
    }
    prop_assert_eq!(limited.outside, outside);
    Ok(())
}

/// Whoever is declared to have something on these relations has it, and the way to it.
fn is_usable(
    world: &World,
    state: &ObservedState,
    relations: &[Securable],
) -> Result<(), TestCaseError> {
    let nodes: BTreeSet<String> = relations.iter().map(node).collect();
    for ((on, role), grant) in &world.desired.grants {
        let held = state.acl.iter().filter(|e| e.on == *on && e.grantee == *role);
        let held = held.fold(PrivilegeSet::EMPTY, |all, e| all.union(e.privileges));
        let owns = state.inventory.relation(on).is_some_and(|it| it.owner == *role);
        let is_theirs = |reason: &Reason| reason.node.as_ref().is_some_and(|it| nodes.contains(it));
        for (privilege, _) in grant.because.iter().filter(|(_, why)| why.iter().any(is_theirs)) {
            prop_assert!(owns || held.contains(*privilege), "{privilege} on {on} for {role}");
        }
    }
    Ok(())
}

/// What everybody has in the end; who granted it, too.
fn end(state: &ObservedState) -> String {
    let ObservedState { roles, acl, memberships, defaults, owned, inventory, .. } = state;
    let (mut acl, mut memberships) = (acl.clone(), memberships.clone());
    acl.sort();
    memberships.sort();
    let owners: Vec<_> = inventory.relations.iter().map(|(key, it)| (key, &it.owner)).collect();
    format!("{roles:#?}\n{acl:#?}\n{memberships:#?}\n{defaults:#?}\n{owned:#?}\n{owners:#?}")
}

fn check(world: &World, version: u32, chosen: &[bool]) -> Result<(), TestCaseError> {
    let before = observed(world, version);
    let whole = compare(world, &before);
    if !whole.refused.is_empty() || owner_granted_to(&before, &whole) {
        return Ok(());
    }
    let mut at_once = Memory::new(before.clone());
    made(&mut at_once, &whole)?;

    let (one, other) = parts(chosen);
    let mut memory = Memory::new(before);
    for part in [&one, &other] {
        let whole = compare(world, memory.state());
        let limited = compare_within(world, memory.state(), within(world, part));
        prop_assert!(!limited.found.has_errors(), "{:?}", limited.found);
        if !limited.refused.is_empty() {
            let waits = |code: &str| code == "role-to-rename";
            prop_assert!(limited.refused.iter().all(|it| waits(it.code)), "{:?}", limited.refused);
            return Ok(());
        }
        is_part(world, &whole, &limited, part)?;
        made(&mut memory, &limited)?;
        is_usable(world, memory.state(), part)?;
        let second = compare_within(world, memory.state(), within(world, part));
        prop_assert!(second.steps.is_empty(), "{:?}\nafter {:?}", second.steps, limited.steps);
    }
    let rest = compare(world, memory.state());
    prop_assert!(rest.refused.is_empty(), "{:?}", rest.refused);
    made(&mut memory, &rest)?;
    prop_assert_eq!(end(memory.state()), end(at_once.state()));
    Ok(())
}

fn chosen() -> impl Strategy<Value = Vec<bool>> {
    proptest::collection::vec(any::<bool>(), 2 * RELATIONS.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn limited_plans_are_parts_of_the_whole_and_reach_its_end(
        world in world(25), chosen in chosen(), late in any::<bool>()
    ) {
        check(&world, if late { 170_000 } else { 150_000 }, &chosen)?;
    }
}
