//! A declaration that dbt's shallow merge of `meta` drops.

use super::{Check, Example, Finding, Subject, World};
use crate::config::checks::Level;

pub(super) const CHECK: Check = Check {
    code: "meta-shadowed",
    title: "A declaration shadowed by dbt's merge of meta",
    level: Level::Warning,
    description: "\
dbt merges `meta` key by key and not deeper: a model's own `meta.rolecall` replaces the folder's whole. \
Whoever reads the folder's block believes that it gives something, and it does not. Found where the \
project's sources are at hand; `validate` warns of it, too.",
    help: "repeat in the model's block what should stay, or take it out of the folder's",
    bad: Example {
        files: &[
            (
                "dbt_project.yml",
                "\
name: shop
models:
  shop:
    sales:
      +meta: {rolecall: {grants: {analyst: [read], auditor: [read]}}}
",
            ),
            (
                "rolecall.yml",
                "\
version: 1
environments:
  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}
product_roles:
  analyst: {may: [read]}
  auditor: {may: [read]}
products:
  sales: {owners: [jane], outputs: \"path:models/sales\"}
",
            ),
        ],
        by_hand: "",
        says: "this block replaces that of the folder or source above it, which also gives `auditor: [read]`",
    },
    good: Example {
        files: &[(
            "dbt_project.yml",
            "\
name: shop
models:
  shop:
    sales:
      +meta: {rolecall: {grants: {analyst: [read]}}}
",
        )],
        by_hand: "",
        says: "",
    },
    run,
};

fn run<'a>(world: &World<'a>) -> Vec<Finding<'a>> {
    // Reading has found them.
    let shadowed = world.look.found.iter().filter(|it| it.code == CHECK.code);
    let finding = |it: &crate::model::Diagnostic| {
        let subject = Subject { node: it.node.clone(), ..Subject::default() };
        let mut finding = Finding::new(CHECK.code, it.message.clone(), subject);
        let help = it.help.clone().unwrap_or_default();
        finding.diagnostic = crate::model::Diagnostic { help: Some(help), ..it.clone() };
        finding
    };
    shadowed.map(finding).collect()
}
