//! Who gains and who loses between two states: many people, roles and relations.
//!
//! `cargo bench --bench diff [RELATIONS] [ROLES] [PEOPLE]` prints times, and each as so many times what
//! compiling the two states takes.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod company;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use company::{id, relation, state};
use rolecall::config::Config;
use rolecall::effect::gains::{Gains, Names};
use rolecall::effect::{AccessState, Effect};
use rolecall::model::*;
use rolecall::report::access::Teller;
use rolecall::report::gains::{Most, Telling, markdown};

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<usize>().ok());
    let mut next = |otherwise| numbers.next().unwrap_or(otherwise);
    let (relations, roles, people) = (next(10_000), next(1_000), next(100_000));
    println!("{relations} relations x {roles} roles x {people} people");
    let before = state(relations, roles, people);
    let grant = |n: usize, role: usize| Change::Grant {
        on: relation(n),
        role: id(&format!("role {role}")),
        privileges: PrivilegeSet::of(&[Privilege::SELECT]),
    };
    let let_in =
        Change::AddMember { role: id("role 0"), member: id("person 7"), kind: MemberKind::User };
    // Half of a group's roles more for everybody in it.
    let groups = (0..roles.min(50)).map(|n| Change::AddMember {
        role: id(&format!("role {}", n * 5 % roles)),
        member: id(&format!("group {}", n % (roles / 2).max(1))),
        kind: MemberKind::Group,
    });
    for (what, changes) in [
        ("nothing", Vec::new()),
        ("one person is let in", vec![let_in]),
        ("one relation, one role", vec![grant(0, 5)]),
        ("each tenth relation", (0..relations).step_by(10).map(|n| grant(n, n % roles)).collect()),
        ("fifty groups", groups.collect()),
    ] {
        compared(what, &before, &before.after(&changes));
    }
}

fn compared(what: &str, before: &AccessState, after: &AccessState) {
    let ((old, new), compiling) = timed(|| (Effect::of(before), Effect::of(after)));
    let names = Names::default();
    let (gains, comparing) = timed(|| Gains::between((&old, &names), (&new, &names), false));
    assert_eq!(gains.is_empty(), before == after, "{what}");
    let desired = DesiredState::empty("prod", DialectKind::Postgres);
    let config = Config::default();
    let teller = || Teller { desired: &desired, config: &config };
    let tags: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let telling =
        Telling { gains: &gains, before: teller(), after: teller(), tags: &tags, first: &[] };
    let (text, telling) = timed(|| {
        let summary = telling.tell(Most::SHOWN);
        markdown::text(&summary, "prod", ("before", "after"), &[])
    });
    let times = |took: Duration| took.as_secs_f64() / compiling.as_secs_f64().max(1e-9);
    println!(
        "{what:<24} compiled {compiling:>9.1?}, compared {comparing:>9.1?} ({:.1}x), told {telling:>9.1?} \
         ({:.1}x), {} people gain, {} characters",
        times(comparing),
        times(telling),
        gains.gaining.people,
        text.len()
    );
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}
