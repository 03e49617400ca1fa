//! Who may change data where nobody should by hand.

use std::collections::BTreeMap;

use super::finding::place_of;
use super::reach::Reach;
use super::{Check, Example, Finding, World};
use crate::config::checks::Level;
use crate::model::{Ident, Place, Privilege};

/// The models of both examples.
const MODELS: (&str, &str) = (
    "models/sales/_models.yml",
    "\
models:
  - name: orders
    config: {materialized: table, meta: {rolecall: {grants: {analyst: [read, write]}}}}
",
);

pub(super) const CHECK: Check = Check {
    code: "write-in-protected",
    title: "Write in a protected environment",
    level: Level::Warning,
    description: "\
A role may insert, update, delete or truncate rows of a model in an environment that is `protected: \
true`. There data comes from dbt alone; whoever writes by hand changes what nobody reviewed, and the next \
build takes it away or keeps it for ever. Told once for each role. Whoever runs dbt (`deploy_role`), the \
relation's owner and superusers are not meant.",
    help: "narrow it: product_roles: {…: {environments: {prod: {may: [read]}}}}",
    bad: Example {
        files: &[
            (
                "rolecall.yml",
                "\
version: 1
environments:
  prod: {role_name: \"{{ product.name }}_{{ role.name }}\", protected: true}
product_roles:
  analyst: {may: [read, write]}
products:
  sales: {owners: [jane], outputs: \"path:models/sales\"}
",
            ),
            MODELS,
        ],
        by_hand: "",
        says: "sales.analyst (sales_analyst) may write to 1 relation in prod, which is protected",
    },
    good: Example {
        files: &[
            (
                "rolecall.yml",
                "\
version: 1
environments:
  prod: {role_name: \"{{ product.name }}_{{ role.name }}\", protected: true}
product_roles:
  analyst: {may: [read, write], environments: {prod: {may: [read]}}}
products:
  sales: {owners: [jane], outputs: \"path:models/sales\"}
",
            ),
            MODELS,
        ],
        by_hand: "",
        says: "",
    },
    run,
};

const ROWS: [Privilege; 4] =
    [Privilege::INSERT, Privilege::UPDATE, Privilege::DELETE, Privilege::TRUNCATE];

fn run<'a>(world: &World<'a>) -> Vec<Finding<'a>> {
    let environment = &world.project.environment;
    if !world.project.environment().is_some_and(|environment| environment.protected) {
        return Vec::new();
    }
    let mut by_role: BTreeMap<&'a Ident, Vec<(Privilege, Reach<'a>)>> = BTreeMap::new();
    for (_, _, on) in world.nodes() {
        for (role, how) in world.holders(on, &ROWS) {
            by_role.entry(role).or_default().push(how);
        }
    }
    let finding = |(role, all): (&'a Ident, Vec<(Privilege, Reach<'a>)>)| {
        let message = format!(
            "{} may write to {} in {environment}, which is protected",
            world.called(role),
            crate::report::count(all.len(), "relation")
        );
        let witnesses = all.iter().map(|(privilege, by)| world.seen(role, by, *privilege));
        let place = all.first().and_then(|(privilege, by)| given(world, role, by, *privilege));
        let witnesses = witnesses.collect();
        Finding::new(CHECK.code, message, world.about(role)).at(place).seen(witnesses)
    };
    by_role.into_iter().map(finding).collect()
}

/// Where a grant is declared, else where its node is.
pub(super) fn given(
    world: &World<'_>,
    role: &Ident,
    by: &Reach<'_>,
    privilege: Privilege,
) -> Option<Place> {
    let on = by.on;
    let grant = world.look.resolved.desired.grants.get(&(on.clone(), role.clone()));
    let because = grant.and_then(|grant| grant.because.get(&privilege)?.first());
    let declared = because.and_then(|reason| {
        let place = place_of(reason)?;
        // The node's own declaration has the text of the line, too.
        let own = reason.node.as_ref().and_then(|node| world.place_of(node));
        Some(own.filter(|own| own.file == place.file && own.line == place.line).unwrap_or(place))
    });
    declared.or_else(|| world.place_of(world.node_of(by.of)?))
}
