//! Effective access on states written by hand; `tests/integration/effect` asks real servers.

use super::fixtures::{entry, id, member};
use super::*;
use crate::model::{
    Change, DialectKind, MarkerReading, MemberKind, ObjectClass, Privilege, PrivilegeSet,
    RoleAttributes, Securable,
};

fn table() -> Securable {
    Securable::in_schema(ObjectClass::Table, id("d"), id("s"), id("t"))
}

/// `a` reads `d.s.t`, `b` is in `a`, `c` in `b`.
fn state() -> AccessState {
    let mut state = AccessState::empty(DialectKind::Postgres, 180_000, id("d"));
    for name in ["a", "b", "boss", "c"] {
        let role = AccessRole { attributes: RoleAttributes::MANAGED, marker: MarkerReading::None };
        state.roles.insert(id(name), role);
    }
    state.memberships = vec![member("a", "b"), member("b", "c")];
    let mut put = |on: Securable, acl: Vec<AccessEntry>| {
        let object = AccessObject { owner: Some(id("boss")), acl, ..Default::default() };
        state.objects.insert(on, object);
    };
    put(table(), vec![entry(Some("a"), &[Privilege::SELECT])]);
    put(Securable::schema(id("d"), id("s")), vec![entry(Some("a"), &[Privilege::USAGE])]);
    put(Securable::database(id("d")), vec![entry(None, &[Privilege::CONNECT])]);
    state
}

fn shown(chain: &Chain<'_>) -> String {
    let steps = chain.steps.iter().map(|step| match step {
        Step::Member { member, role, .. } => format!("{member} in {role}"),
        Step::SetRole { member, role, .. } => format!("{member} sets {role}"),
        Step::Grant { role: Some(role), .. } => format!("{role} granted"),
        Step::Grant { role: None, .. } => "PUBLIC".to_owned(),
        Step::Superuser { role } => format!("{role} superuser"),
        Step::Owner { role, .. } => format!("{role} owns"),
        Step::Predefined { role, .. } => role.to_string(),
        Step::Parent { child, parent, on, .. } => format!("{child} of {parent} by {on}"),
        Step::Child { child, parent, on, .. } => format!("{child} up to {parent} by {on}"),
    });
    steps.collect::<Vec<_>>().join("; ")
}

#[test]
fn a_circle_of_roles_ends_and_no_chain_goes_round() {
    let mut state = state();
    state.memberships.extend([member("c", "a"), member("a", "a"), member("a", "c")]);
    let effect = Effect::of(&state);
    let c = effect.role(&id("c")).unwrap();
    let (chains, all) = c.reasons(&table(), Privilege::SELECT);
    let chains: Vec<String> = chains.iter().map(shown).collect();
    assert!(all);
    assert_eq!(chains, ["c in a; a granted", "c in b; b in a; a granted"]);
    let holders = effect.who(&table(), Privilege::SELECT).into_iter();
    assert_eq!(holders.filter(|who| who.answer.privilege).count(), 3);
}

#[test]
fn chains_without_number_are_cut_and_said_to_be() {
    let mut state = state();
    let names: Vec<String> = (0..14).map(|n| format!("r{n}")).collect();
    for name in &names {
        let role = state.roles[&id("a")].clone();
        state.roles.insert(id(name), role);
        state.memberships.push(member("a", name));
    }
    for (a, b) in names.iter().flat_map(|a| names.iter().map(move |b| (a, b))) {
        state.memberships.push(member(a, b));
    }
    let effect = Effect::of(&state);
    let (chains, all) = effect.role(&id("r0")).unwrap().reasons(&table(), Privilege::SELECT);
    assert!(!all && chains.len() == 100);
    assert_eq!(shown(&chains[0]), "r0 in a; a granted");
}

#[test]
fn a_privilege_without_the_way_there_is_held_and_useless() {
    let mut state = state();
    state.objects.remove(&Securable::schema(id("d"), id("s")));
    let effect = Effect::of(&state);
    let answer = effect.role(&id("a")).unwrap().answer(&table(), Privilege::SELECT);
    let on = Securable::schema(id("d"), id("s"));
    assert_eq!(answer, Answer { privilege: true, lacks: vec![Lack::Usage { on }] });
    assert!(!answer.usable());
}

#[test]
fn changes_make_a_state_of_which_the_same_is_asked() {
    let read = PrivilegeSet::of(&[Privilege::SELECT]);
    let revoke =
        Change::Revoke { on: table(), role: id("a"), privileges: read, grantor: Some(id("boss")) };
    let give = Change::Grant { on: table(), role: id("c"), privileges: read };
    let leave = Change::RemoveMember {
        role: id("b"),
        member: id("c"),
        kind: MemberKind::Role,
        grantor: None,
    };
    let holders = |state: &AccessState| -> Vec<String> {
        let effect = Effect::of(state);
        let who = effect.who(&table(), Privilege::SELECT).into_iter();
        // The owner holds nothing of its own.
        who.filter(|it| it.answer.privilege).map(|it| it.role.to_string()).collect()
    };
    assert_eq!(holders(&state()), ["a", "b", "c"]);
    assert_eq!(holders(&state().after([&leave])), ["a", "b"]);
    assert_eq!(holders(&state().after([&revoke])), Vec::<String>::new());
    assert_eq!(holders(&state().after([&give, &revoke])), ["c"]);
    let rename = Change::RenameRole { from: id("a"), to: id("z") };
    assert_eq!(holders(&state().after([&rename])), ["b", "c", "z"]);
}
