//! Matching 100,000 people against 1,000 rules.
//!
//! `cargo bench --bench rules` prints what reading the people and asking all rules costs, and what
//! minijinja's own evaluation of some of the same rules costs, for the ratio. `ROLECALL_BENCH_PEOPLE`
//! and `ROLECALL_BENCH_RULES` make it smaller. It fails above ten seconds.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use rolecall::directory::{Rule, read_text};

fn main() {
    let size = |name, or: usize| std::env::var(name).map_or(or, |n| n.parse().unwrap());
    let (people, rules) =
        (size("ROLECALL_BENCH_PEOPLE", 100_000), size("ROLECALL_BENCH_RULES", 1000));
    let mut csv = "name,email,department,region,level,team\n".to_owned();
    for n in 0..people {
        let (department, region, team) = (n % 97, n % 7, n % 1013);
        let level = if n % 5 == 0 { String::new() } else { (n % 9).to_string() };
        writeln!(csv, "p{n},p{n}@acme.example,d{department},r{region},{level},t{team}").unwrap();
    }
    let start = Instant::now();
    let directory = read_text(csv.as_bytes(), Path::new("people.csv"), "name").unwrap();
    println!("{people} people, {} KB of CSV, read in {:.2?}", csv.len() / 1000, start.elapsed());

    let written: Vec<String> = (0..rules)
        .map(|n| {
            format!(
                "user.department == 'd{}' and user.region in ['r{}', 'r{}'] and (user.team != 't{n}' or not user.email == 'p{n}@acme.example')",
                n % 97,
                n % 7,
                (n + 3) % 7
            )
        })
        .collect();
    let start = Instant::now();
    let parsed: Vec<Rule> = written.iter().map(|rule| Rule::parse(rule).unwrap()).collect();
    println!("{rules} rules parsed in {:.2?}", start.elapsed());
    let start = Instant::now();
    let mut matched = 0;
    for rule in &parsed {
        directory.check(rule).unwrap();
        matched += directory.matching(black_box(rule)).len();
    }
    let ours = start.elapsed();
    println!("{rules} rules × {people} people: {ours:.2?}, {matched} matches");

    // One rule of minijinja's, over all people, compiled once.
    let environment = minijinja::Environment::new();
    let some = written.len().min(3);
    let users: Vec<minijinja::Value> = (0..directory.len())
        .map(|person| {
            let user: BTreeMap<String, String> = directory
                .attributes()
                .filter_map(|name| match directory.attribute(person, name)? {
                    rolecall::directory::Value::Text(text) => {
                        Some((name.to_owned(), text.to_string()))
                    }
                    _ => None,
                })
                .collect();
            minijinja::Value::from(user)
        })
        .collect();
    let start = Instant::now();
    let mut theirs = 0;
    for rule in &written[..some] {
        let rule = environment.compile_expression(rule).unwrap();
        for user in &users {
            let said = rule.eval(minijinja::context!(user)).unwrap();
            theirs += usize::from(black_box(said).is_true());
        }
    }
    let each = start.elapsed() / u32::try_from(some).unwrap();
    let own = ours / u32::try_from(rules).unwrap();
    println!(
        "one rule: {own:.2?} by columns, {each:.2?} by minijinja: {:.0} times ({theirs} matches)",
        each.as_secs_f64() / own.as_secs_f64()
    );
    assert!(ours.as_secs() < 10, "100,000 people × 1,000 rules are to be matched in seconds");
}
