//! Rows in common, on states written by hand; `tests/integration/effect` asks real servers.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::fixtures::{entry, id};
use super::*;
use crate::model::{
    DialectKind, MarkerReading, ObjectClass, Privilege, PrivilegeSet, RoleAttributes, Securable,
};
use crate::resolve::Gates;

fn table(name: &str) -> Securable {
    Securable::in_schema(ObjectClass::Table, id("d"), id("s"), id(name))
}

/// Tables of `boss` in an open schema, each with what it is a partition of (`p`) or inherits from.
fn state(tables: &[(&str, &[&str])]) -> AccessState {
    let mut state = AccessState::empty(DialectKind::Postgres, 180_000, id("d"));
    for name in ["ann", "bob", "boss"] {
        let attributes = RoleAttributes { login: true, ..RoleAttributes::MANAGED };
        state.roles.insert(id(name), AccessRole { attributes, marker: MarkerReading::None });
    }
    let mut put = |on: Securable, acl: Vec<AccessEntry>, parents: &[&str]| {
        let parent = |name: &&str| Parent { on: table(name), partition: name.starts_with('p') };
        let parents = parents.iter().map(parent).collect();
        let owner = Some(id("boss"));
        state.objects.insert(on, AccessObject { owner, acl, parents, ..Default::default() });
    };
    put(Securable::schema(id("d"), id("s")), vec![entry(None, &[Privilege::USAGE])], &[]);
    put(Securable::database(id("d")), vec![entry(None, &[Privilege::CONNECT])], &[]);
    for (name, parents) in tables {
        put(table(name), vec![entry(Some("boss"), &super::kin::ROWS)], parents);
    }
    state
}

fn give(state: &mut AccessState, on: &str, to: &str, what: &[Privilege]) {
    state.objects.get_mut(&table(on)).unwrap().acl.push(entry(Some(to), what));
}

fn give_column(state: &mut AccessState, on: &str, to: &str) {
    let column = Securable::column(id("d"), id("s"), id(on), id("x"));
    let acl = vec![entry(Some(to), &[Privilege::SELECT])];
    let owner = Some(id("boss"));
    state.objects.insert(column, AccessObject { owner, acl, ..Default::default() });
}

fn kin_of(state: &AccessState, name: &str) -> Vec<String> {
    let effect = Effect::of(state);
    let kin = effect.kin(&table(name)).into_iter();
    kin.map(|kin| {
        let insert = if kin.privileges.contains(Privilege::INSERT) { " +" } else { "" };
        format!("{} {:?}{insert}", kin.on.name().unwrap(), kin.kinship)
    })
    .collect()
}

#[test]
fn rows_are_reached_from_above_from_below_and_from_beside() {
    let state = state(&[
        ("p", &[]),
        ("p1", &["p"]),
        ("p1a", &["p1"]),
        ("p2", &["p"]),
        ("t", &[]),
        ("other", &[]),
        ("kid", &["other", "t"]),
        ("grandkid", &["kid"]),
        ("alone", &[]),
    ]);
    assert_eq!(kin_of(&state, "p"), ["p1 Partition +", "p2 Partition +", "p1a Partition +"]);
    // A sibling's rows are not one's own.
    assert_eq!(kin_of(&state, "p1"), ["p Parent +", "p1a Partition +"]);
    assert_eq!(kin_of(&state, "p1a"), ["p1 Parent +", "p Parent +"]);
    // What is added to a parent is no row of what inherits from it; what is added to a child is.
    assert_eq!(kin_of(&state, "t"), ["kid Child +", "grandkid Child +", "other Beside"]);
    assert_eq!(kin_of(&state, "kid"), ["other Parent", "t Parent", "grandkid Child +"]);
    assert_eq!(kin_of(&state, "alone"), Vec::<String>::new());
}

#[test]
fn each_step_of_a_chain_says_which_way_it_goes() {
    let mut state = state(&[("t", &[]), ("other", &[]), ("kid", &["other", "t"])]);
    give(&mut state, "other", "bob", &[Privilege::SELECT]);
    let effect = Effect::of(&state);
    let bob = effect.role(&id("bob")).unwrap();
    let through = bob.through(&table("t"), Privilege::SELECT).unwrap();
    assert!(through.usable() && through.to_part_of_rows() && !through.as_owner);
    let (t, other, kid) = (table("t"), table("other"), table("kid"));
    let [grant, down, up] = through.chain.steps.as_slice() else { panic!("{through:?}") };
    assert!(matches!(grant, Step::Grant { .. }));
    let (on, partition, privilege) = (&other, false, Privilege::SELECT);
    assert_eq!(*down, Step::Parent { child: &kid, parent: &other, partition, on, privilege });
    assert_eq!(*up, Step::Child { child: &kid, parent: &t, partition, on, privilege });
    assert_eq!(through.chain.holder(), Some(&id("bob")));
}

#[test]
fn of_thousands_of_partitions_that_are_alike_one_is_asked() {
    let names: Vec<String> = (0..2000).map(|n| format!("p{n}")).collect();
    let mut tables: Vec<(&str, &[&str])> = vec![("p", &[])];
    tables.extend(names.iter().map(|name| (name.as_str(), &["p"][..])));
    let mut state = state(&tables);
    give(&mut state, "p7", "ann", &[Privilege::SELECT]);
    give_column(&mut state, "p9", "bob");
    let effect = Effect::of(&state);
    let unlike = effect.unlike_kin(&table("p"));
    let counts: Vec<(String, usize)> =
        unlike.iter().map(|kin| (kin.on.to_string(), kin.alike.len())).collect();
    let name = |name: &str| format!("d.s.{name}");
    assert_eq!(counts, [(name("p0"), 1997), (name("p7"), 0), (name("p9"), 0)]);
    let told: Vec<(&str, String, bool)> = effect
        .who(&table("p"), Privilege::SELECT)
        .iter()
        .filter_map(|who| {
            let through = who.through.as_ref()?;
            Some((who.role.as_str(), through.on.to_string(), through.to_part_of_columns()))
        })
        .collect();
    assert_eq!(told, [("ann", name("p7"), false), ("bob", name("p9.x"), true)]);
}

#[test]
fn an_owner_without_privileges_and_the_holder_of_a_column_are_told_as_what_they_are() {
    let mut state = state(&[("t", &[]), ("kid", &["t"])]);
    give_column(&mut state, "t", "ann");
    let kid = state.objects.get_mut(&table("kid")).unwrap();
    (kid.owner, kid.acl) = (Some(id("bob")), Vec::new());
    let effect = Effect::of(&state);
    let who = effect.who(&table("t"), Privilege::SELECT);
    let of = |name: &str| who.iter().find(|who| who.role.as_str() == name).unwrap();
    let (ann, bob) = (of("ann"), of("bob"));
    assert!(!ann.answer.privilege && !ann.usable() && ann.reaches());
    assert!(ann.through.as_ref().unwrap().kinship.is_none());
    let taken = bob.through.as_ref().unwrap();
    assert!(taken.as_owner && !taken.usable() && !bob.reaches());
    assert_eq!(taken.kinship, Some(Kinship::Child));
    assert!(matches!(taken.chain.steps.as_slice(), [Step::Owner { .. }, Step::Child { .. }]));
    // DELETE is nothing that a column has.
    let who = effect.who(&table("t"), Privilege::DELETE);
    assert!(who.iter().all(|who| who.role.as_str() != "ann"));
    // What an owner holds needs no taking.
    give(&mut state, "kid", "bob", &[Privilege::SELECT]);
    let effect = Effect::of(&state);
    let bob = effect.role(&id("bob")).unwrap();
    assert!(bob.through(&table("t"), Privilege::SELECT).unwrap().usable());
}

#[test]
fn a_way_round_by_one_partition_excuses_no_other_and_none_to_the_whole() {
    let mut before = state(&[("p", &[]), ("p1", &["p"]), ("p2", &["p"]), ("p3", &["p"])]);
    give(&mut before, "p1", "bob", &[Privilege::SELECT]);
    let mut gates = Gates::default();
    gates.require(table("p").relation_key().unwrap(), "cleared", None);
    let none = BTreeSet::from([id("boss")]);
    let told = |state: &AccessState| -> Vec<String> {
        let (old, new) = (Effect::of(&before), Effect::of(state));
        let known = old.ways_round(&gates, &none);
        let ways = new.ways_round(&gates, &none);
        let beyond = ways.iter().filter_map(|way| way.beyond(&known));
        beyond.map(|way| format!("{} {}", way.who, way.what())).collect()
    };
    assert_eq!(told(&before), Vec::<String>::new());
    let with = |on: &str, to: &str| {
        let mut after = before.clone();
        give(&mut after, on, to, &[Privilege::SELECT]);
        told(&after)
    };
    assert_eq!(with("p2", "bob"), ["bob SELECT on a part of the rows of d.s.p"]);
    assert_eq!(with("p", "bob"), ["bob SELECT on d.s.p"]);
    // Others that were alike are so no more, and nobody's access is another.
    assert_eq!(with("p3", "boss"), Vec::<String>::new());
    let mut column = before.clone();
    give_column(&mut column, "p1", "ann");
    assert_eq!(told(&column), ["ann SELECT on a part of the rows of d.s.p"]);
    let mut owned = before.clone();
    owned.objects.get_mut(&table("p3")).unwrap().owner = Some(id("ann"));
    assert_eq!(told(&owned), ["ann OWNERSHIP on a part of the rows of d.s.p"]);
}

proptest! {
    #[test]
    fn who_shares_rows_with_another_shares_them_back_and_every_chain_leads_there(
        parents in proptest::collection::vec(proptest::collection::vec(0..8usize, 0..3), 9),
    ) {
        let name = |n: usize| format!("{}{n}", if n.is_multiple_of(2) { "p" } else { "t" });
        let names: Vec<String> = (0..9).map(name).collect();
        let above: Vec<Vec<&str>> = parents
            .iter()
            .enumerate()
            .map(|(n, all)| {
                let before = all.iter().filter(|m| **m < n);
                before.map(|m| names[*m].as_str()).collect::<BTreeSet<_>>().into_iter().collect()
            })
            .collect();
        let tables: Vec<(&str, &[&str])> =
            names.iter().zip(&above).map(|(name, all)| (name.as_str(), all.as_slice())).collect();
        let state = state(&tables);
        let effect = Effect::of(&state);
        let select = PrivilegeSet::of(&[Privilege::SELECT]);
        for name in &names {
            let of = table(name);
            let all = effect.kin(&of);
            for kin in &all {
                prop_assert!(kin.privileges.contains_all(select));
                let back = effect.kin(kin.on);
                let back = back.iter().find(|back| *back.on == of).unwrap();
                let fits = match kin.kinship {
                    Kinship::Parent => back.in_part() && back.kinship != Kinship::Beside,
                    Kinship::Partition | Kinship::Child => back.kinship == Kinship::Parent,
                    Kinship::Beside => back.kinship == Kinship::Beside,
                };
                prop_assert!(fits, "{:?} {:?}", kin, back);
                let mut at = kin.on;
                for step in kin.lead_on(Chain { steps: Vec::new() }, Privilege::SELECT).steps {
                    let (from, to) = match step {
                        Step::Parent { child, parent, .. } => (parent, child),
                        Step::Child { child, parent, .. } => (child, parent),
                        other => panic!("{other:?}"),
                    };
                    prop_assert_eq!(from, at);
                    at = to;
                }
                prop_assert_eq!(at, &of);
            }
            let unlike = effect.unlike_kin(&of);
            let mut told: Vec<_> =
                unlike.iter().flat_map(|kin| kin.alike.iter().copied().chain([kin.on])).collect();
            told.sort();
            let mut every: Vec<_> = all.iter().map(|kin| kin.on).collect();
            every.sort();
            prop_assert_eq!(told, every);
        }
    }
}
