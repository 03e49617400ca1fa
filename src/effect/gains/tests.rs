//! Gains and losses on states written by hand, and against asking `who` of everything.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::words::Meaning;
use super::*;
use crate::effect::fixtures::{entry, id, member};
use crate::effect::{AccessEntry, AccessObject, AccessRole, AccessState, Lack, Reading};
use crate::model::{
    DialectKind, Marker, MarkerReading, ObjectClass, ObservedMembership, Privilege, RoleAttributes,
    Scope, Securable,
};

fn relation(class: ObjectClass, name: &str) -> Securable {
    Securable::in_schema(class, id("d"), id("s"), id(name))
}

fn table() -> Securable {
    relation(ObjectClass::Table, "t")
}

fn state(roles: &[(&str, bool)]) -> AccessState {
    let mut state = AccessState::empty(DialectKind::Postgres, 180_000, id("d"));
    for (name, login) in roles {
        let attributes = RoleAttributes { login: *login, ..RoleAttributes::MANAGED };
        state.roles.insert(id(name), AccessRole { attributes, marker: MarkerReading::None });
    }
    let boss = AccessRole { attributes: RoleAttributes::MANAGED, marker: MarkerReading::None };
    state.roles.insert(id("boss"), boss);
    put(&mut state, Securable::database(id("d")), vec![entry(None, &[Privilege::CONNECT])]);
    put(&mut state, Securable::schema(id("d"), id("s")), vec![entry(None, &[Privilege::USAGE])]);
    state
}

fn put(state: &mut AccessState, on: Securable, acl: Vec<AccessEntry>) {
    let object = AccessObject { owner: Some(id("boss")), acl, ..Default::default() };
    state.objects.insert(on, object);
}

/// One line for each change of each subject.
fn told(before: &AccessState, after: &AccessState, names: [&Names; 2]) -> Vec<String> {
    let (old, new) = (Effect::of(before), Effect::of(after));
    let gains = Gains::between((&old, names[0]), (&new, names[1]), false);
    let mut reasons = gains.reasons();
    let mut lines = Vec::new();
    for changed in &gains.changed {
        for (subject, thing) in
            changed.subjects.iter().flat_map(|s| changed.things.iter().map(move |t| (*s, *t)))
        {
            let why = reasons.why(changed, subject, thing).unwrap();
            let steps: Vec<String> = why
                .chain
                .steps
                .iter()
                .zip(&why.changed)
                .map(|(step, new)| {
                    let step = match step {
                        super::super::Step::Member { role, .. } => format!("in {role}"),
                        super::super::Step::SetRole { role, .. } => format!("sets {role}"),
                        super::super::Step::Grant { role: None, .. } => "PUBLIC".to_owned(),
                        super::super::Step::Grant { .. } => "granted".to_owned(),
                        super::super::Step::Owner { .. } => "owns".to_owned(),
                        other => format!("{other:?}"),
                    };
                    if *new { format!("*{step}") } else { step }
                })
                .collect();
            let thing = &gains.things[thing as usize];
            lines.push(format!(
                "{} {:?} {}{} on {}: {}{}",
                gains.subjects[subject as usize].name,
                changed.what,
                changed.words,
                if changed.still_held { " (held still)" } else { "" },
                thing.node.clone().unwrap_or_else(|| thing.on().unwrap().to_string()),
                steps.join(", "),
                if why.lacks.is_empty() { "" } else { "; lacks" },
            ));
        }
    }
    lines.sort();
    lines
}

const READ: [Privilege; 1] = [Privilege::SELECT];

#[test]
fn a_member_let_in_gains_by_the_new_membership_and_one_put_out_loses_by_it() {
    let mut before = state(&[("kim", true), ("sam", true), ("r", false)]);
    put(&mut before, table(), vec![entry(Some("r"), &READ)]);
    let mut after = before.clone();
    before.memberships = vec![member("r", "sam")];
    after.memberships = vec![member("r", "kim")];
    let none = Names::default();
    insta::assert_snapshot!(told(&before, &after, [&none, &none]).join("\n"), @r"
    kim Gains read on d.s.t: *in r, granted
    sam Loses read on d.s.t: *in r, granted
    ");
}

#[test]
fn a_grant_given_and_the_way_taken_are_told_apart() {
    let mut before = state(&[("kim", true), ("r", false)]);
    put(&mut before, table(), vec![]);
    before.memberships = vec![member("r", "kim")];
    let mut after = before.clone();
    put(&mut after, table(), vec![entry(Some("r"), &READ)]);
    let none = Names::default();
    insta::assert_snapshot!(told(&before, &after, [&none, &none]).join("\n"), @r"
    kim Gains read on d.s.t: in r, *granted
    r Gains read on d.s.t: *granted
    ");
    let mut closed = after.clone();
    put(&mut closed, Securable::schema(id("d"), id("s")), vec![]);
    insta::assert_snapshot!(told(&after, &closed, [&none, &none]).join("\n"), @r"
    boss Loses own (held still) on d.s.t: owns; lacks
    kim Loses read (held still) on d.s.t: in r, granted; lacks
    r Loses read (held still) on d.s.t: granted; lacks
    ");
    insta::assert_snapshot!(told(&before, &closed, [&none, &none]).join("\n"), @r"
    boss Loses own (held still) on d.s.t: owns; lacks
    kim HoldsInVain SELECT on d.s.t: in r, *granted; lacks
    r HoldsInVain SELECT on d.s.t: *granted; lacks
    ");
}

#[test]
fn roles_are_compared_by_whose_they_are_and_nodes_by_their_ids() {
    let side = |environment: &str, role: &str, relation: &str, read: bool| {
        let mut state = state(&[("kim", true), (role, false)]);
        let comment = format!(
            r#"rolecall:1 {{"deployment":"shop","environment":"{environment}","product":"sales","role":"analyst"}}"#
        );
        state.roles.get_mut(&id(role)).unwrap().marker = Marker::read(Some(&comment));
        let on = super::tests::relation(ObjectClass::Table, relation);
        let acl = if read { vec![entry(Some(role), &READ)] } else { vec![] };
        let key = on.relation_key().unwrap();
        put(&mut state, on, acl);
        state.memberships = vec![member(role, "kim")];
        let scope = Scope {
            deployment: "shop".into(),
            environment: environment.into(),
            instance: None,
            every_instance: false,
            database: None,
            schemas: BTreeSet::new(),
        };
        let nodes = BTreeMap::from([(key, "model.shop.t".to_owned())]);
        (state, Names { scope: Some(scope), nodes, ..Names::default() })
    };
    let (dev, of_dev) = side("dev", "dev_analyst", "dev_t", true);
    let (prod, of_prod) = side("prod", "analyst", "t", true);
    assert!(told(&dev, &prod, [&of_dev, &of_prod]).is_empty());
    let (prod, of_prod) = side("prod", "analyst", "t", false);
    insta::assert_snapshot!(told(&dev, &prod, [&of_dev, &of_prod]).join("\n"), @r"
    kim Loses read on model.shop.t: in dev_analyst, *granted
    sales.analyst Loses read on model.shop.t: *granted
    ");
}

#[test]
fn privileges_are_told_as_the_words_that_they_make() {
    use Privilege as P;
    let dialect = dialect_of();
    let meaning = Meaning::of(dialect, ObjectClass::Table, PrivilegeSet::EMPTY);
    let words = |new: &[P], old: &[P]| {
        let side = |set: &[P]| (PrivilegeSet::of(set), meaning);
        Words::gained(side(new), side(old)).to_string()
    };
    let write = [P::INSERT, P::UPDATE, P::DELETE, P::TRUNCATE];
    let all: Vec<P> = dialect.data_privileges_of(ObjectClass::Table).iter().collect();
    let read_write: Vec<P> = write.iter().copied().chain([P::SELECT]).collect();
    assert_eq!(words(&[P::SELECT], &[]), "read");
    assert_eq!(words(&read_write, &[P::SELECT]), "write");
    assert_eq!(words(&all, &[]), "admin");
    assert_eq!(words(&all, &[P::SELECT]), "admin");
    assert_eq!(words(&[P::SELECT, P::INSERT], &[]), "read, INSERT");
    assert_eq!(words(&write, &[P::INSERT]), "write");
    assert_eq!(words(&[P::SELECT, P::OWNERSHIP], &[P::SELECT]), "own");
    let view = PrivilegeSet::of(&[P::TRUNCATE, P::REFERENCES]);
    let meaning = Meaning::of(dialect, ObjectClass::View, view);
    let usable = dialect.data_privileges_of(ObjectClass::View).minus(view);
    let none = (PrivilegeSet::EMPTY, Meaning::default());
    assert_eq!(Words::gained((usable, meaning), none).to_string(), "admin");
}

fn dialect_of() -> &'static dyn crate::dialect::Dialect {
    crate::dialect::of(DialectKind::Postgres)
}

/// Roles of random states; the last is in none of them and never named.
const ROLES: [&str; 7] = ["p0", "p1", "r0", "r1", "r2", "r3", "phantom"];

fn privileges() -> impl Strategy<Value = PrivilegeSet> {
    let all = [
        Privilege::SELECT,
        Privilege::INSERT,
        Privilege::UPDATE,
        Privilege::DELETE,
        Privilege::TRUNCATE,
        Privilege::REFERENCES,
        Privilege::TRIGGER,
    ];
    prop_oneof![
        3 => Just(PrivilegeSet::of(&READ)),
        1 => Just(PrivilegeSet::of(&all)),
        2 => proptest::sample::subsequence(all.to_vec(), 1..4).prop_map(|some| PrivilegeSet::of(&some)),
    ]
}

#[derive(Debug, Clone)]
enum Op {
    Grant(usize, Option<usize>, PrivilegeSet),
    Open(bool, Option<usize>),
    Member(usize, usize, bool, bool),
    Own(usize, usize),
    Invoker,
    NotUpdatable,
    Superuser(usize),
    Gone(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let role = || 0..6_usize;
    let grantee = || prop_oneof![6 => (0..6_usize).prop_map(Some), 1 => Just(None)];
    prop_oneof![
        8 => (0..6_usize, grantee(), privileges()).prop_map(|(on, to, what)| Op::Grant(on, to, what)),
        5 => (any::<bool>(), grantee()).prop_map(|(schema, to)| Op::Open(schema, to)),
        8 => (role(), role(), prop::bool::weighted(0.7), prop::bool::weighted(0.7))
            .prop_map(|(of, who, inherit, set)| Op::Member(of, who, inherit, set)),
        3 => (0..6_usize, role()).prop_map(|(on, to)| Op::Own(on, to)),
        1 => Just(Op::Invoker),
        1 => Just(Op::NotUpdatable),
        1 => role().prop_map(Op::Superuser),
        1 => (0..6_usize).prop_map(Op::Gone),
    ]
}

fn objects() -> [Securable; 6] {
    [
        relation(ObjectClass::Table, "t"),
        relation(ObjectClass::View, "v"),
        relation(ObjectClass::View, "w"),
        relation(ObjectClass::MaterializedView, "m"),
        Securable::column(id("d"), id("s"), id("t"), id("a")),
        Securable::column(id("d"), id("s"), id("v"), id("a")),
    ]
}

/// `v` reads `t.a`, and `w` reads `v`.
fn made(ops: &[Op]) -> AccessState {
    let mut state = AccessState::empty(DialectKind::Postgres, 180_000, id("d"));
    for name in ROLES {
        let login = name.starts_with('p');
        let attributes = RoleAttributes { login, ..RoleAttributes::MANAGED };
        state.roles.insert(id(name), AccessRole { attributes, marker: MarkerReading::None });
    }
    put(&mut state, Securable::database(id("d")), vec![]);
    put(&mut state, Securable::schema(id("d"), id("s")), vec![]);
    for on in objects() {
        put(&mut state, on.clone(), vec![]);
        let reads = match on.name().unwrap().as_str() {
            _ if on.class() == ObjectClass::Column => continue,
            "v" => (relation(ObjectClass::Table, "t"), vec![id("a")]),
            "w" => (relation(ObjectClass::View, "v"), vec![]),
            _ => continue,
        };
        state.objects.get_mut(&on).unwrap().reading = Some(Reading {
            as_invoker: false,
            relations: vec![reads],
            updatable: true,
            writes_through: true,
            by_rules: Vec::new(),
        });
    }
    for op in ops {
        match op {
            Op::Grant(on, to, privileges) => {
                let on = &objects()[*on];
                let privileges = privileges.intersection(state.privileges_of(on.class()));
                if let Some(object) = state.objects.get_mut(on) {
                    let entry = entry(to.map(|to| ROLES[to]), &[]);
                    object.acl.push(AccessEntry { privileges, ..entry });
                }
            }
            Op::Open(schema, to) => {
                let (on, what) = match schema {
                    true => (Securable::schema(id("d"), id("s")), Privilege::USAGE),
                    false => (Securable::database(id("d")), Privilege::CONNECT),
                };
                let object = state.objects.get_mut(&on).unwrap();
                object.acl.push(entry(to.map(|to| ROLES[to]), &[what]));
            }
            Op::Member(of, who, inherit, set) => {
                let edge = member(ROLES[*of], ROLES[*who]);
                let (inherit, set) = (*inherit, *set);
                state.memberships.push(ObservedMembership { inherit, set, ..edge });
            }
            Op::Own(on, to) => {
                let on = &objects()[*on];
                let owned = on.class() != ObjectClass::Column;
                if let Some(object) = state.objects.get_mut(on).filter(|_| owned) {
                    object.owner = Some(id(ROLES[*to]));
                }
            }
            Op::Invoker | Op::NotUpdatable => {
                for object in state.objects.values_mut() {
                    if let Some(reading) = &mut object.reading {
                        reading.as_invoker |= matches!(op, Op::Invoker);
                        reading.updatable &= !matches!(op, Op::NotUpdatable);
                    }
                }
            }
            Op::Superuser(role) => {
                if let Some(role) = state.roles.get_mut(&id(ROLES[*role])) {
                    role.attributes.superuser = true;
                }
            }
            Op::Gone(what) if *what < 3 => {
                state.roles.remove(&id(ROLES[*what]));
            }
            Op::Gone(what) => {
                state.objects.remove(&objects()[*what]);
            }
        }
    }
    state
}

type Told = BTreeSet<(String, String, What, bool, Words)>;

fn by_gains(before: &AccessState, after: &AccessState) -> Told {
    let (old, new) = (Effect::of(before), Effect::of(after));
    let none = Names::default();
    let gains = Gains::between((&old, &none), (&new, &none), false);
    let mut reasons = gains.reasons();
    let mut told = Told::new();
    for changed in &gains.changed {
        assert_eq!(changed.more, 0);
        for subject in &changed.subjects {
            for thing in &changed.things {
                // Everything has a reason, and it is of this side.
                let why = reasons.why(changed, *subject, *thing);
                assert!(why.is_some_and(|why| !why.chain.steps.is_empty()));
                let on = gains.things[*thing as usize].on().unwrap().to_string();
                let who = gains.subjects[*subject as usize].name.clone();
                told.insert((who, on, changed.what, changed.still_held, changed.words));
            }
        }
    }
    told
}

/// What each role holds and can use of an object, by asking `who`.
type Asked = BTreeMap<String, (PrivilegeSet, PrivilegeSet)>;

fn ask(state: &AccessState, on: &Securable) -> (Asked, PrivilegeSet) {
    let effect = Effect::of(state);
    let mut asked = Asked::new();
    let mut useless = PrivilegeSet::EMPTY;
    let Some((on, _)) = state.find(on).filter(|(found, _)| *found == on) else {
        return (asked, useless);
    };
    let mut all = state.privileges_of(on.class());
    if on.class() != ObjectClass::Column {
        all.insert(Privilege::OWNERSHIP);
    }
    for privilege in all.iter() {
        let phantom = effect.role(&id("phantom")).unwrap();
        if phantom.answer(on, privilege).lacks.contains(&Lack::NoSuchStatement) {
            useless.insert(privilege);
        }
        for holder in effect.who(on, privilege) {
            let (held, usable) = asked.entry(holder.role.to_string()).or_default();
            if holder.answer.privilege {
                held.insert(privilege);
            }
            if holder.usable() {
                usable.insert(privilege);
            }
        }
    }
    (asked, useless)
}

fn by_asking(before: &AccessState, after: &AccessState) -> Told {
    let mut told = Told::new();
    let opens = PrivilegeSet::of(&[Privilege::USAGE, Privilege::CONNECT]);
    let containers = [Securable::database(id("d")), Securable::schema(id("d"), id("s"))];
    for on in objects().into_iter().chain(containers) {
        let ((old, old_useless), (new, useless)) = (ask(before, &on), ask(after, &on));
        let relation = objects()
            .into_iter()
            .take(4)
            .find(|it| on.class() == ObjectClass::Column && it.relation_key() == on.relation_key());
        let meaning = |state: &AccessState, useless| match state.objects.contains_key(&on) {
            true => Meaning::of(dialect_of(), on.class(), useless),
            false => Meaning::default(),
        };
        let (old_means, means) = (meaning(before, old_useless), meaning(after, useless));
        for who in ROLES {
            if ![before, after].iter().any(|state| state.roles.contains_key(&id(who))) {
                continue;
            }
            let has = |state: &AccessState, asked: &Asked| {
                // Whoever is not there has what everyone has.
                let who = if state.roles.contains_key(&id(who)) { who } else { "phantom" };
                let (held, usable) = asked.get(who).copied().unwrap_or_default();
                (held.minus(opens), usable.minus(opens))
            };
            let ((mut then_held, mut then), (mut now_held, mut now)) =
                (has(before, &old), has(after, &new));
            if let Some(relation) = &relation {
                // What is said of the relation is not said of its column again.
                let (of_old, of_new) = (ask(before, relation).0, ask(after, relation).0);
                let (old_rel, new_rel) = (has(before, &of_old), has(after, &of_new));
                let all = (then_held, then, now_held, now);
                then_held = then_held.minus(old_rel.0.minus(all.2));
                then = then.minus(old_rel.1.minus(all.3));
                now_held = now_held.minus(new_rel.0.minus(all.0));
                now = now.minus(new_rel.1.minus(all.1));
            }
            let mut say = |what, still, words| {
                told.insert((who.to_owned(), on.to_string(), what, still, words));
            };
            if !now.minus(then).is_empty() {
                let words = Words::gained((now, means), (then, old_means));
                say(What::Gains, false, words);
            }
            let lost = then.minus(now);
            if !lost.is_empty() {
                let words = Words::gained((then, old_means), (now, means));
                say(What::Loses, now_held.contains_all(lost), words);
            }
            let vain = now_held.minus(now).minus(then_held).minus(useless).minus(then);
            if !vain.is_empty() {
                say(What::HoldsInVain, false, Words::raw(vain));
            }
        }
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn gains_and_losses_are_what_asking_who_of_everything_says(
        common in vec(op(), 0..20),
        before in vec(op(), 0..6),
        after in vec(op(), 0..6),
    ) {
        let made = |more: &[Op]| made(&[common.as_slice(), more].concat());
        let (before, after) = (made(&before), made(&after));
        // PUBLIC itself is asked by nobody: what it gains, the phantom does.
        let mut gained = by_gains(&before, &after);
        gained.retain(|(who, ..)| who != "everyone");
        let asked = by_asking(&before, &after);
        prop_assert_eq!(&gained, &asked);
        prop_assert!(by_gains(&after, &after).is_empty());
        let mirrored = |told: &Told, what: What| -> BTreeSet<(String, String, Words)> {
            let of = told.iter().filter(|(_, _, it, ..)| *it == what);
            of.map(|(who, on, _, _, words)| (who.clone(), on.clone(), *words)).collect()
        };
        let mut back = by_gains(&after, &before);
        back.retain(|(who, ..)| who != "everyone");
        prop_assert_eq!(mirrored(&gained, What::Gains), mirrored(&back, What::Loses));
        prop_assert_eq!(mirrored(&gained, What::Loses), mirrored(&back, What::Gains));
    }
}

/// `cargo test --lib effect::gains -- --ignored --nocapture` prints how long it takes.
#[test]
#[ignore = "a figure, not a check"]
#[allow(clippy::print_stderr)]
fn ten_thousand_nodes_a_thousand_roles_and_a_hundred_thousand_people() {
    let (nodes, roles, people) = (10_000, 1_000, 100_000);
    let name = |kind: char, n: usize| format!("{kind}{n:06}");
    let mut before = state(&[]);
    for (kind, count) in [('r', roles), ('p', people)] {
        for n in 0..count {
            let attributes = RoleAttributes { login: kind == 'p', ..RoleAttributes::MANAGED };
            let role = AccessRole { attributes, marker: MarkerReading::None };
            before.roles.insert(id(&name(kind, n)), role);
        }
    }
    for n in 0..nodes {
        let acl = (0..10).map(|k| entry(Some(&name('r', (n * 7 + k * 131) % roles)), &READ));
        put(&mut before, relation(ObjectClass::Table, &name('t', n)), acl.collect());
    }
    for n in 0..people {
        for k in 0..3 {
            let role = name('r', (n * 13 + k * 397 + n / 1000) % roles);
            before.memberships.push(member(&role, &name('p', n)));
        }
    }
    let mut after = before.clone();
    // One role gains half of the nodes, and a thousand people a role.
    for n in 0..nodes / 2 {
        let on = relation(ObjectClass::Table, &name('t', n));
        let object = after.objects.get_mut(&on).unwrap();
        object.acl.push(entry(Some(&name('r', 0)), &READ));
    }
    for n in 0..1000 {
        after.memberships.push(member(&name('r', 1), &name('p', n * 100)));
    }
    let none = Names::default();
    let started = std::time::Instant::now();
    let (old, new) = (Effect::of(&before), Effect::of(&after));
    let compiled = started.elapsed();
    let gains = Gains::between((&old, &none), (&new, &none), false);
    let compared = started.elapsed() - compiled;
    let (changes, gaining) = (gains.changed.len(), gains.gaining);
    eprintln!("compiled in {compiled:?}, compared in {compared:?}: {changes} changes, {gaining:?}");
    // Everyone in the role before gains; those beyond are by the membership.
    assert!(gaining.people > 300 && gains.losing == Heads::default());
}
