//! A made-up company's access: many people, roles and relations.

use rolecall::effect::{AccessEntry, AccessObject, AccessRole, AccessState};
use rolecall::model::*;

pub fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

/// One of the relations.
pub fn relation(n: usize) -> Securable {
    let schema = id(&format!("s{}", n % 50));
    Securable::in_schema(ObjectClass::Table, id("d"), schema, id(&format!("t{n}")))
}

/// Each relation has ten readers, each person is in two groups, each group in two of the roles.
pub fn state(relations: usize, roles: usize, people: usize) -> AccessState {
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
