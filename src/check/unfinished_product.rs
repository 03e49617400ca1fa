//! A data product that nobody owns, or that has no nodes.

use super::{Check, Example, Finding, Subject, World};
use crate::config::checks::Level;

pub(super) const CHECK: Check = Check {
    code: "unfinished-product",
    title: "A product without owners or without outputs",
    level: Level::Warning,
    description: "\
A data product without `owners` has nobody who decides about its members, and nobody can ask for one of \
its roles. A product without outputs has roles that are made in the warehouse and mean nothing: no \
`outputs` of it select a node, and no node names it in `meta`.",
    help: "write `owners:` and `outputs:` of the product, or take it out",
    bad: Example {
        files: &[(
            "rolecall.yml",
            "\
version: 1
environments:
  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}
product_roles:
  analyst: {may: [read]}
products:
  sales: {outputs: \"path:models/sales\"}
",
        )],
        by_hand: "",
        says: "the product sales has no owners",
    },
    good: Example { files: &[], by_hand: "", says: "" },
    run,
};

fn run<'a>(world: &World<'a>) -> Vec<Finding<'a>> {
    let mut found = Vec::new();
    for (name, product) in &world.project.config.products {
        let of_it = |node: &&crate::resolve::ManagedNode| node.product.as_ref() == Some(name);
        let has_nodes = world.look.nodes.iter().any(|node| of_it(&node));
        let lacks = match (product.owners.is_empty(), has_nodes) {
            (false, true) => continue,
            (true, true) => "owners",
            (false, false) => "outputs",
            (true, false) => "owners and no outputs",
        };
        let subject = Subject { product: Some(name.clone()), ..Subject::default() };
        let message = format!("the product {name} has no {lacks}");
        found.push(Finding::new(CHECK.code, message, subject).at(Some(product.place.clone())));
    }
    found
}
