//! Personal data that leaves by the models that are made of it.

use std::collections::BTreeSet;

use super::reach::Reach;
use super::{Check, Example, Finding, Subject, World};
use crate::config::checks::Level;
use crate::dbt::Node;
use crate::model::Privilege;

/// The configuration of both examples.
const PROJECT: (&str, &str) = (
    "rolecall.yml",
    "\
version: 1
environments:
  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}
product_roles:
  analyst: {may: [read]}
  support: {may: [read]}
products:
  sales: {owners: [jane], outputs: \"path:models/sales\"}
pii:
  cleaned: [anonymous]
  reasons:
    - {role: sales.support, reason: \"answers customers\"}
",
);

/// The members of both examples.
const MEMBERS: (&str, &str) = (
    "rolecall/members/sales.yml",
    "\
analyst:
  - user: ada
support:
  - user: bob
",
);

pub(super) const CHECK: Check = Check {
    code: "pii-leak",
    title: "A model readable where the personal data that it is made of is not",
    level: Level::Warning,
    description: "\
Somebody can read a model that is made, by however many steps, of a node tagged as personal data, and may \
not read that node: what was kept from them may reach them downstream, and no access list shows it. The \
lineage is the manifest's. A model that is tagged as personal data itself is asked about by its own tag; \
one that holds none any more says so by a tag of `pii: {cleaned: [...]}`, and what is made of it is not \
asked about for what is above it. People count, and roles that nobody is in yet; superusers, whoever runs \
dbt and the relation's owner do not.",
    help: "tag it as personal data, tag it as cleaned if it holds none, or narrow who reads it",
    bad: Example {
        files: &[
            PROJECT,
            MEMBERS,
            ("models/sales/customers.sql", "select 1 as id, 'ada@acme.example' as email\n"),
            ("models/sales/orders.sql", "select id, email from {{ ref('customers') }}\n"),
            (
                "models/sales/_models.yml",
                "\
models:
  - name: customers
    config:
      materialized: table
      tags: [pii]
      meta: {rolecall: {grants: {support: [read]}}}
  - name: orders
    config: {materialized: table, meta: {rolecall: {grants: {analyst: [read]}}}}
",
            ),
        ],
        by_hand: "",
        says: "1 person can read model.shop.orders, which is made of model.shop.customers (personal data), and may not read that",
    },
    good: Example {
        files: &[
            PROJECT,
            MEMBERS,
            ("models/sales/customers.sql", "select 1 as id, 'ada@acme.example' as email\n"),
            ("models/sales/orders.sql", "select count(*) as n from {{ ref('customers') }}\n"),
            (
                "models/sales/_models.yml",
                "\
models:
  - name: customers
    config:
      materialized: table
      tags: [pii]
      meta: {rolecall: {grants: {support: [read]}}}
  - name: orders
    config:
      materialized: table
      tags: [anonymous]
      meta: {rolecall: {grants: {analyst: [read]}}}
",
            ),
        ],
        by_hand: "",
        says: "",
    },
    run,
};

fn run<'a>(world: &World<'a>) -> Vec<Finding<'a>> {
    let mut found = Vec::new();
    for (node, _, on) in world.nodes() {
        if world.is_pii(node) || world.is_cleaned(node) {
            continue;
        }
        let sources = personal(world, node);
        if sources.is_empty() {
            continue;
        }
        let readers = world.readers(on, false);
        for source in sources {
            // What has no relation, such as an ephemeral model, nobody may read.
            let there =
                world.relation(source).map(|on| world.readers(on, true)).unwrap_or_default();
            let beyond: Vec<_> = readers
                .iter()
                .filter(|who| !there.contains(*who) && !world.is_spared(who, on))
                .collect();
            if beyond.is_empty() {
                continue;
            }
            let people = beyond.iter().filter(|who| world.effect.is_person(who)).count();
            let who = match (people, beyond.len() - people) {
                (0, 1) => "a role that nobody is in".to_owned(),
                (0, n) => format!("{n} roles that nobody is in"),
                (1, _) => "1 person".to_owned(),
                (n, _) => format!("{n} people"),
            };
            let message = format!(
                "{who} can read {}, which is made of {source} (personal data), and may not read that",
                node.unique_id
            );
            let subject = Subject {
                node: Some(node.unique_id.clone()),
                on: Some(source.to_owned()),
                ..Subject::default()
            };
            let witnesses = beyond.iter().map(|who| {
                let reads =
                    |by: &Reach<'_>| world.effect.way(who, by.on, Privilege::SELECT).is_some();
                match world.reaches(on).iter().find(|by| reads(by)) {
                    Some(by) => world.seen(who, by, Privilege::SELECT),
                    None => world.witness(who, on, Privilege::SELECT),
                }
            });
            let witnesses = witnesses.collect();
            let place = world.place_of(&node.unique_id);
            found.push(Finding::new(CHECK.code, message, subject).at(place).seen(witnesses));
        }
    }
    found
}

/// The nearest nodes with personal data that a node is made of.
fn personal<'a>(world: &World<'a>, node: &'a Node) -> BTreeSet<&'a str> {
    let nodes = &world.project.manifest.nodes;
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut next: Vec<&'a str> = node.depends_on.iter().map(String::as_str).collect();
    let mut found = BTreeSet::new();
    while let Some(id) = next.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(parent) = nodes.get(id) else { continue };
        if world.is_cleaned(parent) {
            continue;
        }
        match world.is_pii(parent) {
            // What is above it is its own finding.
            true => {
                found.insert(id);
            }
            false => next.extend(parent.depends_on.iter().map(String::as_str)),
        }
    }
    found
}
