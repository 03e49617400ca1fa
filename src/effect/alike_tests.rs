//! Everybody at once is everybody one by one.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::fixtures::id;
use super::*;
use crate::model::{
    DialectKind, Ident, MarkerReading, MemberKind, ObjectClass, ObservedMembership, Privilege,
    PrivilegeSet, RoleAttributes, Securable,
};

const ROLES: usize = 7;

fn role(n: usize) -> Ident {
    id(["a", "b", "c", "d", "e", "pg_read_all_data", "pg_write_all_data"][n % ROLES])
}

fn relation(n: usize) -> Securable {
    use ObjectClass::{MaterializedView, Table, View};
    let class = [Table, View, View, MaterializedView][n % 4];
    Securable::in_schema(class, id("d"), id(["s", "t"][n % 2]), id(&format!("r{n}")))
}

fn entries() -> impl Strategy<Value = Vec<AccessEntry>> {
    let all = [
        Privilege::SELECT,
        Privilege::INSERT,
        Privilege::DELETE,
        Privilege::USAGE,
        Privilege::CONNECT,
    ];
    let entry = (
        proptest::option::weighted(0.9, 0..ROLES),
        proptest::sample::subsequence(all.to_vec(), 1..4),
    );
    let entry = entry.prop_map(|(grantee, privileges)| AccessEntry {
        grantee: grantee.map(role),
        grantor: Some(id("a")),
        privileges: PrivilegeSet::of(&privileges),
        grantable: PrivilegeSet::EMPTY,
    });
    proptest::collection::vec(entry, 0..4)
}

fn memberships() -> impl Strategy<Value = Vec<ObservedMembership>> {
    let one = (0..ROLES, 0..ROLES, any::<bool>(), any::<bool>());
    let one = one.prop_map(|(of, member, inherit, set)| ObservedMembership {
        role: role(of),
        member: role(member),
        kind: MemberKind::Role,
        grantor: id("a"),
        admin: false,
        inherit,
        set,
        automatic: false,
    });
    proptest::collection::vec(one, 0..9)
}

fn states() -> impl Strategy<Value = AccessState> {
    let object = (proptest::option::of(0..ROLES), entries(), any::<bool>(), 0..4usize, any::<u8>());
    let objects = proptest::collection::vec(object, 4..14);
    let containers = proptest::collection::vec(entries(), 3);
    (objects, containers, memberships(), 0..ROLES * 3, any::<bool>()).prop_map(
        |(objects, containers, memberships, superuser, newest)| {
            let version = if newest { 180_000 } else { 150_000 };
            let mut state = AccessState::empty(DialectKind::Postgres, version, id("d"));
            for n in 0..ROLES {
                let attributes =
                    RoleAttributes { superuser: n == superuser, ..RoleAttributes::MANAGED };
                let marker = MarkerReading::None;
                state.roles.insert(role(n), AccessRole { attributes, marker });
            }
            state.memberships = memberships;
            let places = [
                Securable::database(id("d")),
                Securable::schema(id("d"), id("s")),
                Securable::schema(id("d"), id("t")),
            ];
            for (on, acl) in places.into_iter().zip(containers) {
                let owner = Some(id("b"));
                state.objects.insert(on, AccessObject { owner, acl, ..AccessObject::default() });
            }
            for (n, (owner, acl, as_invoker, reads, how)) in objects.into_iter().enumerate() {
                let reading =
                    (relation(n).class() == ObjectClass::View && n > 0).then(|| Reading {
                        as_invoker,
                        relations: vec![(relation(reads.min(n - 1)), Vec::new())],
                        updatable: how & 1 > 0,
                        writes_through: how & 2 > 0,
                        by_rules: Vec::new(),
                    });
                let owner = owner.map(role);
                // Tables above it, each a partition's or not.
                let above =
                    (0..n).filter(|m| relation(n).class() == ObjectClass::Table && m % 4 == 0);
                let above = above.filter(|m| how >> (2 + m / 4) & 1 > 0);
                let parents = above.map(|m| Parent { on: relation(m), partition: how & 1 > 0 });
                let parents = parents.collect();
                let object =
                    AccessObject { owner, acl, reading, parents, ..AccessObject::default() };
                state.objects.insert(relation(n), object);
            }
            // No server keeps a privilege that the class has not.
            let classes: Vec<(Securable, PrivilegeSet)> = state
                .objects
                .keys()
                .map(|on| (on.clone(), state.privileges_of(on.class())))
                .collect();
            for (on, all) in classes {
                for entry in &mut state.objects.get_mut(&on).unwrap().acl {
                    entry.privileges = entry.privileges.intersection(all);
                }
            }
            state
        },
    )
}

/// The same as an account: `a` and `b` are users, whom nobody is in, and whose roles may count at once.
fn accounts() -> impl Strategy<Value = AccessState> {
    states().prop_map(|mut state| {
        state.dialect = DialectKind::Snowflake;
        state.version = 0;
        let is_user = |name: &Ident| [role(0), role(1)].contains(name);
        for (name, it) in &mut state.roles {
            it.attributes.superuser = false;
            it.attributes.login = is_user(name);
        }
        let attributes = RoleAttributes::MANAGED;
        let public = AccessRole { attributes, marker: MarkerReading::None };
        state.roles.insert(id("PUBLIC"), public);
        state.memberships.retain(|it| !is_user(&it.role));
        for it in &mut state.memberships {
            it.set = true;
            it.inherit |= !is_user(&it.member);
        }
        let classes: Vec<(Securable, PrivilegeSet)> =
            state.objects.keys().map(|on| (on.clone(), state.privileges_of(on.class()))).collect();
        for (on, all) in classes {
            let object = state.objects.get_mut(&on).unwrap();
            for entry in &mut object.acl {
                if entry.privileges.contains(Privilege::CONNECT) {
                    entry.privileges.insert(Privilege::USAGE);
                }
                entry.privileges = entry.privileges.intersection(all);
            }
            if let Some(reading) = &mut object.reading {
                reading.as_invoker = false;
            }
        }
        state
    })
}

proptest! {
    #[test]
    fn roles_asked_together_may_do_what_each_may_alone(
        state in prop_oneof![2 => states(), 1 => accounts()]
    ) {
        let effect = Effect::of(&state);
        let objects: Vec<Securable> =
            state.objects.keys().filter(|on| on.class().is_relation()).cloned().collect();
        let mut told = 0;
        for alike in effect.alike(&objects) {
            for name in &alike.roles {
                told += 1;
                let role = effect.role(name).unwrap();
                for (at, on) in objects.iter().enumerate() {
                    let may = alike.may.get(&at).cloned().unwrap_or_default();
                    prop_assert_eq!(may.held, role.held(on).privileges, "{} on {}", name, on);
                    let mut asked = state.privileges_of(on.class());
                    asked = asked.union(PrivilegeSet::of(&[Privilege::OWNERSHIP]));
                    let mut lacks = Vec::new();
                    let mut through: BTreeMap<Securable, Reaches> = BTreeMap::new();
                    let kin = effect.unlike_kin(on);
                    for privilege in asked.iter() {
                        let answer = role.answer(on, privilege);
                        let what = format!("{privilege} of {name} on {on}: {answer:?} {may:?}");
                        prop_assert_eq!(may.usable.contains(privilege), answer.usable(), "{}", what);
                        let by_set = !answer.usable()
                            && role.usable_by_set_role(on, privilege).is_some();
                        prop_assert_eq!(may.by_set_role.contains(privilege), by_set, "{}", what);
                        for kin in &kin {
                            let there = role.answer(kin.on, privilege).usable()
                                || role.usable_by_set_role(kin.on, privilege).is_some();
                            if there && !answer.usable() && kin.privileges.contains(privilege) {
                                let (kinship, privileges) = (kin.kinship, PrivilegeSet::EMPTY);
                                let none = Reaches { kinship, privileges };
                                let reaches = through.entry(kin.on.clone()).or_insert(none);
                                reaches.privileges.insert(privilege);
                            }
                        }
                        let best = role.through(on, privilege).is_some_and(|it| it.usable());
                        let any = through.values().any(|it| it.privileges.contains(privilege));
                        prop_assert_eq!(best && !answer.usable(), any, "{}", what);
                        let nothing = answer.privilege && answer.lacks.contains(&Lack::NoSuchStatement);
                        prop_assert_eq!(may.without_statement.contains(privilege), nothing, "{}", what);
                        if answer.privilege && !nothing {
                            lacks.extend(answer.lacks);
                        }
                    }
                    lacks.sort();
                    lacks.dedup();
                    prop_assert_eq!(may.lacks, lacks);
                    prop_assert_eq!(may.through, through);
                }
            }
        }
        prop_assert_eq!(told, state.roles.len());
    }
}
