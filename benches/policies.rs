//! Resolving 1,000 policies over 10,000 nodes and 100,000 people.
//!
//! `cargo bench --bench policies` writes a project and its people into a folder of its own, reads and
//! resolves it as every command does, and prints what each part costs, as a ratio to reading the same
//! manifest, too. `ROLECALL_BENCH_POLICIES`, `_NODES` and `_PEOPLE` make it smaller.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, missing_docs)]

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use rolecall::model::Inventory;
use rolecall::project::{Places, Project};
use serde_json::{Value, json};

const PRODUCTS: usize = 50;
const TAGS: usize = 200;
/// 2026-11-22, in seconds since 1970.
const NOW: i64 = 1_795_305_600;

fn main() {
    let size = |name, or: usize| std::env::var(name).map_or(or, |n| n.parse().unwrap());
    let policies = size("ROLECALL_BENCH_POLICIES", 1000);
    let nodes = size("ROLECALL_BENCH_NODES", 10_000);
    let people = size("ROLECALL_BENCH_PEOPLE", 100_000);
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("target/manifest.json", &manifest(nodes).to_string());
    write("people.csv", &directory(people));
    write("rolecall.yml", &config());
    for product in 0..PRODUCTS {
        let entry = format!("analyst: [{{rule: \"user.team == 't{product}'\"}}]\n");
        write(&format!("rolecall/members/p{product}.yml"), &entry);
    }

    let without = timed(|| read(folder.path()));
    println!("{nodes} nodes, {people} people, no policy: read and resolved in {:.2?}", without.1);
    write("rolecall/platform/policies.yml", &written(policies));
    let (project, reading) = timed(|| read(folder.path()));
    let (resolved, resolving) = timed(|| {
        let (resolved, found) = project.resolve(None, &Inventory::default(), false, None);
        let said: Vec<_> = found.sorted().into_iter().take(3).map(|one| one.message).collect();
        resolved.unwrap_or_else(|| panic!("{said:?}"))
    });
    let desired = &resolved.desired;
    println!("with {policies} policies: read, and rules matched, in {reading:.2?}");
    println!(
        "resolved in {resolving:.2?}: {} roles, {} grants, {} memberships",
        desired.roles.len(),
        desired.grants.len(),
        desired.memberships.len()
    );
    let ratio = (reading + resolving).as_secs_f64() / without.1.as_secs_f64();
    println!("{ratio:.1} times what the project costs without policies");
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

fn read(folder: &Path) -> Project {
    let places = Places {
        project_dir: folder.to_owned(),
        manifest: Some(folder.join("target/manifest.json")),
        target: Some("prod".to_owned()),
        ..Places::default()
    };
    let (project, found) = Project::load(&places, NOW);
    let said: Vec<_> = found.sorted().into_iter().take(3).map(|one| one.message).collect();
    project.unwrap_or_else(|| panic!("{said:?}"))
}

fn manifest(nodes: usize) -> Value {
    let node = |n: usize| {
        let (name, product) = (format!("m{n}"), n % PRODUCTS);
        let meta = json!({"rolecall": {"product": format!("p{product}"), "grants": {"analyst": ["read"]}}});
        let tags = json!([format!("t{}", n % TAGS), format!("area.a{}", n % 17)]);
        let id = format!("model.shop.{name}");
        let node = json!({
            "unique_id": id, "name": name, "resource_type": "model", "package_name": "shop",
            "database": "shop", "schema": format!("s{}", n % 40), "alias": name,
            "path": format!("{name}.sql"), "original_file_path": format!("models/{name}.sql"),
            "fqn": ["shop", name], "tags": tags, "meta": meta, "description": "",
            "config": {"enabled": true, "materialized": if n.is_multiple_of(3) { "view" } else { "table" },
                       "tags": tags, "meta": meta, "grants": {}},
            "depends_on": {"macros": [], "nodes": if n == 0 { vec![] } else { vec![format!("model.shop.m{}", n / 2)] }},
        });
        (id, node)
    };
    let nodes: serde_json::Map<String, Value> = (0..nodes).map(node).collect();
    json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "dbt_version": "1.11.0", "project_name": "shop", "adapter_type": "postgres",
            "generated_at": "2026-11-22T00:00:00Z",
        },
        "nodes": nodes, "sources": {}, "groups": {}, "exposures": {}, "metrics": {}, "macros": {},
        "docs": {}, "disabled": {}, "selectors": {},
    })
}

fn directory(people: usize) -> String {
    let mut csv = "name,department,region,level,team,groups\n".to_owned();
    for n in 0..people {
        let (department, region, level) = (n % 97, n % 7, n % 9);
        writeln!(csv, "u{n},d{department},r{region},{level},t{},g{}", n % 1013, n % 211).unwrap();
    }
    csv
}

fn config() -> String {
    let mut text = "version: 1\ndirectory: {path: people.csv, key: name}\nenvironments:\n  \
                    prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}\n\
                    product_roles:\n  analyst: {may: [read]}\nproducts:\n"
        .to_owned();
    for product in 0..PRODUCTS {
        let domain = format!("area{}.p{product}", product % 5);
        writeln!(text, "  p{product}: {{domain: {domain}, owners: [o{product}@acme.example]}}")
            .unwrap();
    }
    text
}

/// Of every kind, but for the standing one, which is the last.
fn written(policies: usize) -> String {
    let mut text = "policies:\n".to_owned();
    for n in 0..policies.saturating_sub(1) {
        let tag = n % TAGS;
        let of_kind = match n % 20 {
            0 => format!(
                "combine: all, resources: {{select: \"tag:t{tag},m{n}+\"}}, actors: {{rules: [\"user.level == '{}'\"]}}",
                n % 9
            ),
            1..=4 => format!(
                "privileges: [read], resources: {{domains: [area{}], tags: [area.a{}]}}, actors: {{groups: [g{}]}}",
                n % 5,
                n % 17,
                n % 211
            ),
            5..=7 => format!(
                "privileges: [read], resources: {{products: [p{}]}}, actors: {{resource_owners: true}}",
                n % PRODUCTS
            ),
            8..=9 => format!(
                "privileges: [read], resources: {{select: \"m{n}+\"}}, actors: {{product_roles: [p{}.analyst]}}",
                n % PRODUCTS
            ),
            _ => format!(
                "privileges: [read, write], resources: {{select: \"tag:t{tag}\", classes: [table]}}, actors: {{users: [u{n}], rules: [\"user.department == 'd{}' and user.team == 't{}'\"]}}",
                n % 97,
                n % 1013
            ),
        };
        writeln!(text, "  - {{name: p{n}, {of_kind}}}").unwrap();
    }
    text.push_str(
        "  - {name: standing, privileges: [read], match: {user_attribute: rolecall_product, node_tag: rolecall_product}}\n",
    );
    text
}
