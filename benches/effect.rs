//! Who can, from a compiled state: many people, roles and relations.
//!
//! `cargo bench --bench effect [RELATIONS] [ROLES] [PEOPLE]` prints times; the question about one
//! relation must be answered within a second.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod company;

use std::time::{Duration, Instant};

use company::{id, relation, state};
use rolecall::effect::Effect;
use rolecall::model::*;

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
