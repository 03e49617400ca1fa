//! The laws of a plan that only adds: it takes nothing from anybody, it is done when it is done,
//! wherever it was cut, and an ordinary plan after it ends where one without it ends.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rolecall::model::*;
use rolecall::plan::{Difference, Options, Within};
use rolecall::warehouse::memory::Memory;

use super::memory::{compare, observed, owner_granted_to};
use super::world::*;

fn adding(world: &World) -> World {
    World { options: Options { only_adds: true, ..world.options.clone() }, ..world.clone() }
}

fn made(memory: &mut Memory, steps: &[rolecall::plan::Step]) -> Result<(), TestCaseError> {
    for step in steps {
        memory.change(&step.change).map_err(|error| TestCaseError::fail(error.to_string()))?;
    }
    Ok(())
}

/// Who holds what, by whomever; owners hold by owning.
fn holds(state: &ObservedState) -> BTreeSet<String> {
    let acl = state
        .acl
        .iter()
        .flat_map(|e| e.privileges.iter().map(move |p| format!("{} {p} {:?}", e.grantee, e.on)));
    let members = state.memberships.iter().map(|m| format!("{} in {}", m.member, m.role));
    let defaults = state.defaults.iter().flat_map(|d| {
        let place = format!("{:?} {:?} {} {}", d.creator, d.schema, d.class, d.grantee);
        d.privileges.iter().map(move |privilege| format!("{place} {privilege}"))
    });
    let roles = state.roles.iter().map(|(name, role)| format!("{name} {role:?}"));
    acl.chain(members).chain(defaults).chain(roles).collect()
}

fn takes_nothing(plan: &Difference) -> Result<(), TestCaseError> {
    for step in &plan.steps {
        let adds = matches!(
            step.change,
            Change::CreateRole { .. }
                | Change::Grant { .. }
                | Change::GrantDefault { .. }
                | Change::AddMember { .. }
                | Change::SetOwner { .. }
        );
        prop_assert!(adds, "{:?}", step.change);
    }
    Ok(())
}

fn check(world: &World, version: u32) -> Result<(), TestCaseError> {
    let before = observed(world, version);
    let promoting = adding(world);
    let plan = compare(&promoting, &before);
    let whole = compare(world, &before);
    if !whole.refused.is_empty() || owner_granted_to(&before, &whole) {
        return Ok(());
    }
    if !plan.refused.is_empty() {
        let waits = |code: &str| code == "role-to-rename";
        prop_assert!(plan.refused.iter().all(|it| waits(it.code)), "{:?}", plan.refused);
        return Ok(());
    }
    takes_nothing(&plan)?;
    let mut end = Memory::new(before.clone());
    made(&mut end, &plan.steps)?;
    let second = compare(&promoting, end.state());
    prop_assert!(second.steps.is_empty(), "{:?}\nafter {:?}", second.steps, plan.steps);
    // Whoever had something has it still, but for what an owner's change brings with it.
    let moved = plan.steps.iter().any(|step| matches!(step.change, Change::SetOwner { .. }));
    if !moved {
        let (had, has) = (holds(&before), holds(end.state()));
        let lost: Vec<_> = had.difference(&has).collect();
        prop_assert!(lost.is_empty(), "{lost:?}");
    }
    // Cut anywhere and planned again, it ends there too.
    for cut in 0..plan.steps.len() {
        let mut memory = Memory::new(before.clone());
        made(&mut memory, &plan.steps[..cut])?;
        let rest = compare(&promoting, memory.state());
        takes_nothing(&rest)?;
        made(&mut memory, &rest.steps)?;
        prop_assert_eq!(holds(memory.state()), holds(end.state()), "cut at {}", cut);
    }
    // What it leaves is an ordinary plan's.
    let rest = compare(world, end.state());
    if rest.refused.is_empty() && !owner_granted_to(end.state(), &rest) {
        made(&mut end, &rest.steps)?;
        let mut at_once = Memory::new(before);
        made(&mut at_once, &whole.steps)?;
        prop_assert_eq!(holds(end.state()), holds(at_once.state()));
    }
    Ok(())
}

#[test]
fn a_limit_lets_members_into_roles_that_are_there_only_where_it_is_told_to() {
    let within = Within::everything();
    assert_eq!(within.clone().with_members(true), within, "no limit is no limit");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_that_only_adds_takes_nothing_and_ends_wherever_it_is_cut(
        world in world(25), late in any::<bool>()
    ) {
        check(&world, if late { 170_000 } else { 150_000 })?;
    }
}
