//! Personal data that a role reads, and nobody has said why.

use std::collections::BTreeSet;

use super::write_in_protected::given;
use super::{Check, Example, Finding, Subject, World};
use crate::config::checks::{Level, fits};
use crate::model::{Diagnostics, Ident, Privilege};

/// The models of both examples.
const MODELS: (&str, &str) = (
    "models/sales/_models.yml",
    "\
models:
  - name: orders
    config:
      materialized: table
      tags: [pii]
      meta: {rolecall: {grants: {analyst: [read]}}}
",
);

pub(super) const CHECK: Check = Check {
    code: "pii-without-reason",
    title: "Personal data reachable by a role without a listed reason",
    level: Level::Warning,
    description: "\
A role was given SELECT on a node that is tagged as personal data (`pii: {tags: [pii]}`, where nobody says \
another tag; tags below it, such as `pii.email`, too), and no entry of `pii.reasons` says why. Roles that \
nobody manages are asked as well, by their name in the warehouse. Columns count as the whole; whoever runs \
dbt, the relation's owner and superusers are not meant.",
    help: "list it: pii: {reasons: [{role: product.role, reason: WHY}]}, or take it away",
    bad: Example {
        files: &[MODELS],
        by_hand: "",
        says: "sales.analyst (sales_analyst) reads model.shop.orders, which holds personal data, and no reason is listed",
    },
    good: Example {
        files: &[
            MODELS,
            (
                "rolecall.yml",
                "\
version: 1
environments:
  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}
product_roles:
  analyst: {may: [read]}
products:
  sales: {owners: [jane], outputs: \"path:models/sales\"}
pii:
  reasons:
    - {role: sales.analyst, reason: \"answers customers, DPA 2026-03\"}
",
            ),
        ],
        by_hand: "",
        says: "",
    },
    run,
};

fn run<'a>(world: &World<'a>) -> Vec<Finding<'a>> {
    let reasons: Vec<(&str, Option<BTreeSet<String>>)> = world
        .pii
        .reasons
        .iter()
        .filter_map(|reason| {
            let nodes = match &reason.select {
                None => None,
                // What cannot be read is a reason for nothing; it is told with the tests.
                Some(select) => {
                    let whose = "a reason of `pii`";
                    Some(world.project.selected(select, whose, &mut Diagnostics::default())?)
                }
            };
            Some((reason.role.value.as_str(), nodes))
        })
        .collect();
    let listed = |role: &Ident, node: &str| {
        reasons.iter().any(|(pattern, nodes)| {
            let there = nodes.as_ref().is_none_or(|nodes| nodes.contains(node));
            let whose = world.marker(role);
            let by_role = whose
                .is_some_and(|it| fits(pattern, &it.product, &it.role) || it.whose() == *pattern);
            there && (by_role || role.as_str() == *pattern)
        })
    };
    let mut found = Vec::new();
    for (node, _, on) in world.nodes().filter(|(node, ..)| world.is_pii(node)) {
        for (role, (privilege, by)) in world.holders(on, &[Privilege::SELECT]) {
            if listed(role, &node.unique_id) {
                continue;
            }
            let message = format!(
                "{} reads {}{}, which holds personal data, and no reason is listed",
                world.called(role),
                if by.in_part() { "a part of " } else { "" },
                node.unique_id
            );
            let subject = Subject { node: Some(node.unique_id.clone()), ..world.about(role) };
            let place = given(world, role, &by, privilege);
            let people = world.effect.everybody_in([role]);
            let people = people.into_iter().filter(|who| world.effect.is_person(who));
            let witnesses = people.map(|who| world.seen(who, &by, privilege)).collect();
            found.push(Finding::new(CHECK.code, message, subject).at(place).seen(witnesses));
        }
    }
    found
}
