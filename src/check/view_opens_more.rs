//! A view that shows its readers what they may not read.

use std::collections::BTreeSet;

use super::{Check, Example, Finding, Subject, World};
use crate::config::checks::Level;
use crate::model::{Ident, Privilege, Securable};

/// The configuration of both examples.
const PROJECT: (&str, &str) = (
    "rolecall.yml",
    "\
version: 1
environments:
  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}
product_roles:
  analyst: {may: [read]}
  finance: {may: [read]}
products:
  sales: {owners: [jane], outputs: \"path:models/sales\"}
",
);

pub(super) const CHECK: Check = Check {
    code: "view-opens-more",
    title: "A view whose owner opens what its readers may not read",
    level: Level::Warning,
    description: "\
A view reads as its owner (on PostgreSQL, unless it is a `security_invoker`), so whoever reads the view \
sees what its owner may read. Told are views, of dbt or made by hand, whose readers may not read a \
relation behind it on which somebody has decided who may: it gives access by a declaration, a policy is \
always required there, or it is tagged as personal data. Relations on which nobody decided anything, as \
under most marts, are no news. Without a warehouse views are not known.",
    help: "give the readers what is behind it, make it a security_invoker view, or narrow who reads it",
    bad: Example {
        files: &[
            PROJECT,
            (
                "rolecall/members/sales.yml",
                "\
analyst:
  - user: ada
finance:
  - user: bob
",
            ),
            ("models/sales/margins.sql", "select 1 as id, 2 as margin\n"),
            ("models/sales/orders.sql", "select id, margin from {{ ref('margins') }}\n"),
            (
                "models/sales/_models.yml",
                "\
models:
  - name: margins
    config: {materialized: table, meta: {rolecall: {grants: {finance: [read]}}}}
  - name: orders
    config: {materialized: view, meta: {rolecall: {grants: {analyst: [read]}}}}
",
            ),
        ],
        by_hand: "",
        says: "the view shop.sales.orders shows 1 of its readers shop.sales.margins, which they may not read",
    },
    good: Example {
        files: &[
            PROJECT,
            ("models/sales/margins.sql", "select 1 as id, 2 as margin\n"),
            ("models/sales/orders.sql", "select id, margin from {{ ref('margins') }}\n"),
            (
                "models/sales/_models.yml",
                "\
models:
  - name: margins
    config: {materialized: table, meta: {rolecall: {grants: {finance: [read]}}}}
  - name: orders
    config: {materialized: view, meta: {rolecall: {grants: {finance: [read]}}}}
",
            ),
            (
                "rolecall/members/sales.yml",
                "\
finance:
  - user: bob
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
    for (view, object) in &world.look.state.objects {
        let Some(reading) = object.reading.as_ref().filter(|reading| !reading.as_invoker) else {
            continue;
        };
        let bases = reading.relations.iter().map(|(on, _)| on);
        let bases: BTreeSet<&Securable> = bases.filter(|on| is_decided(world, on)).collect();
        if bases.is_empty() {
            continue;
        }
        // What the view's owner may not read itself, nobody sees by it.
        let readers = world.effect.who(view, Privilege::SELECT).into_iter();
        let readers: Vec<&'a Ident> = readers
            .filter(|holder| holder.usable() && world.matters(holder.role))
            .map(|holder| holder.role)
            .collect();
        for base in bases {
            let there: BTreeSet<&Ident> = world.readers(base, true);
            let beyond = |who: &&&Ident| !there.contains(**who) && !world.is_spared(who, view);
            let beyond: Vec<&'a Ident> = readers.iter().filter(beyond).copied().collect();
            if beyond.is_empty() {
                continue;
            }
            let message = format!(
                "the view {view} shows {} of its readers {base}, which they may not read",
                beyond.len()
            );
            let node = world.node_of(view);
            let subject = Subject {
                node: node.map(str::to_owned),
                on: Some(format!("{view} {base}")),
                ..Subject::default()
            };
            let place = node.or_else(|| world.node_of(base)).and_then(|node| world.place_of(node));
            let witnesses =
                beyond.into_iter().map(|who| world.witness(who, view, Privilege::SELECT));
            let witnesses = witnesses.collect();
            found.push(Finding::new(CHECK.code, message, subject).at(place).seen(witnesses));
        }
    }
    found
}

/// Whether somebody has decided who may read a relation.
fn is_decided(world: &World<'_>, on: &Securable) -> bool {
    let resolved = &world.look.resolved;
    let key = on.relation_key();
    let mut grants = resolved.desired.grants.keys();
    let declared = grants.any(|(of, _)| of.class().is_relation() && of.relation_key() == key);
    let required = key.is_some_and(|key| !resolved.gates.on(&key).is_empty());
    let node = world.node_of(on).and_then(|id| world.project.manifest.nodes.get(id));
    declared || required || node.is_some_and(|node| world.is_pii(node))
}
