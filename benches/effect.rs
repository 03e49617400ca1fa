//! Who can, from a compiled state: many people, roles and relations.
//!
//! `cargo bench --bench effect [RELATIONS] [ROLES] [PEOPLE]` prints times; the question about one
//! relation must be answered within a second.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::{Duration, Instant};

use rolecall::effect::{AccessEntry, AccessObject, AccessRole, AccessState, Effect};
use rolecall::model::*;

fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<usize>().ok());
    let mut next = |otherwise| numbers.next().unwrap_or(otherwise);
    let (relations, roles, people) = (next(10_000), next(1_000), next(100_000));
    println!("{relations} relations x {roles} roles x {people} people");
    let (state, _) = timed("the state is made", || state(relations, roles, people));
    let (effect, _) = timed("it is compiled", || Effect::of(&state));
    let on = relation(relations / 2);
    let (who, took) = timed("who can read one relation", || effect.who(&on, Privilege::SELECT));
    println!("{} can", who.len());
    assert!(!who.is_empty() && took < Duration::from_secs(1), "{took:?}");
    let (held, _) = timed("what one person can read", || {
        let role = effect.role(&id("person 7")).unwrap();
        let reads = |on: &&Securable| role.held(on).privileges.contains(Privilege::SELECT);
        state.objects.keys().filter(reads).count()
    });
    println!("{held} relations");
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    let took = start.elapsed();
    println!("{what:<28} {took:>10.1?}");
    (done, took)
}

fn relation(n: usize) -> Securable {
    let schema = id(&format!("s{}", n % 50));
    Securable::in_schema(ObjectClass::Table, id("d"), schema, id(&format!("t{n}")))
}

/// Each relation has ten readers, each person is in two groups, each group in two of the roles.
fn state(relations: usize, roles: usize, people: usize) -> AccessState {
    let mut state = AccessState::empty(DialectKind::Postgres, 180_000, id("d"));
    let role = |login| AccessRole {
        attributes: RoleAttributes { login, ..RoleAttributes::MANAGED },
        marker: MarkerReading::None,
    };
    let groups = roles / 2;
    state.roles.insert(id("dbt"), role(true));
    state.roles.extend((0..roles).map(|n| (id(&format!("role {n}")), role(false))));
    state.roles.extend((0..groups).map(|n| (id(&format!("group {n}")), role(false))));
    state.roles.extend((0..people).map(|n| (id(&format!("person {n}")), role(true))));
    let member = |role: String, member: String| ObservedMembership {
        role: id(&role),
        member: id(&member),
        kind: MemberKind::Role,
        grantor: id("dbt"),
        admin: false,
        inherit: true,
        set: true,
        automatic: false,
    };
    for n in 0..people {
        for group in [n % groups, (n * 7 + 1) % groups] {
            state.memberships.push(member(format!("group {group}"), format!("person {n}")));
        }
    }
    for n in 0..groups {
        for of in [n, (n * 3 + 1) % roles] {
            state.memberships.push(member(format!("role {of}"), format!("group {n}")));
        }
    }
    let entry = |role: usize, privilege| AccessEntry {
        grantee: Some(id(&format!("role {role}"))),
        grantor: Some(id("dbt")),
        privileges: PrivilegeSet::of(&[privilege]),
        grantable: PrivilegeSet::EMPTY,
    };
    let mut put = |on, acl| {
        let object = AccessObject { owner: Some(id("dbt")), acl, ..AccessObject::default() };
        state.objects.insert(on, object);
    };
    for n in 0..relations {
        let readers = (0..10).map(|at| entry((n * 13 + at * 31) % roles, Privilege::SELECT));
        put(relation(n), readers.collect());
    }
    let all = |privilege| (0..roles).map(|role| entry(role, privilege)).collect();
    for n in 0..50 {
        put(Securable::schema(id("d"), id(&format!("s{n}"))), all(Privilege::USAGE));
    }
    put(Securable::database(id("d")), all(Privilege::CONNECT));
    state
}
