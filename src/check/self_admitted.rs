//! An owner who let themselves into a role that changes data.

use std::collections::BTreeSet;

use super::{Check, Example, Finding, Subject, World};
use crate::config::checks::Level;
use crate::config::{Member, has_expired};
use crate::model::person::is_same_person;
use crate::model::{Ident, MemberKind, Privilege, PrivilegeSet};

/// The configuration of both examples.
const PROJECT: (&str, &str) = (
    "rolecall.yml",
    "\
version: 1
environments:
  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}
product_roles:
  engineer: {may: [read, write]}
products:
  sales: {owners: [jane, bob], outputs: \"path:models/sales\"}
",
);

/// The models of both examples.
const MODELS: (&str, &str) = (
    "models/sales/_models.yml",
    "\
models:
  - name: orders
    config: {materialized: table, meta: {rolecall: {grants: {engineer: [read, write]}}}}
",
);

pub(super) const CHECK: Check = Check {
    code: "self-admitted",
    title: "Separation of duties: an owner who let themselves in",
    level: Level::Warning,
    description: "\
Whoever decides who is in a product role should not be the one who changes data by it, unless somebody \
else has approved that. Found are entries of a product's owner, in the members' file of that product, for \
a role that may write, change or own, without the approval of another owner. Names are compared as people \
write them: case and what follows an `@` do not matter. `check --base` looks at a change for the rest: \
permissions and members in one, and authors who let themselves in.",
    help: "let another owner approve it: rolecall request and rolecall approve write who did",
    bad: Example {
        files: &[
            PROJECT,
            MODELS,
            (
                "rolecall/members/sales.yml",
                "\
engineer:
  - user: jane
",
            ),
        ],
        by_hand: "",
        says: "jane owns sales and is in sales.engineer, which changes data: nobody else approved it",
    },
    good: Example {
        files: &[
            PROJECT,
            MODELS,
            (
                "rolecall/members/sales.yml",
                "\
engineer:
  - {user: jane, approved_by: bob}
",
            ),
        ],
        by_hand: "",
        says: "",
    },
    run,
};

/// What changes data, or gives the power to.
pub(super) const CHANGES: [Privilege; 5] = [
    Privilege::INSERT,
    Privilege::UPDATE,
    Privilege::DELETE,
    Privilege::TRUNCATE,
    Privilege::OWNERSHIP,
];

fn run<'a>(world: &World<'a>) -> Vec<Finding<'a>> {
    let desired = &world.look.resolved.desired;
    let changes = PrivilegeSet::of(&CHANGES);
    let given = desired.grants.iter().filter(|((on, _), grant)| {
        on.class().is_relation() && !grant.privileges.intersection(changes).is_empty()
    });
    let mut powerful: BTreeSet<&Ident> = given.map(|((_, role), _)| role).collect();
    powerful.extend(desired.owners.values().map(|owner| &owner.role));
    let project = world.project;
    let mut found = Vec::new();
    for (name, product) in &project.config.products {
        let Some(roles) = project.config.members.get(name) else { continue };
        for (role, entries) in roles {
            let is_it = |(ident, declared): &(&Ident, &crate::model::DesiredRole)| {
                (&declared.marker.product, &declared.marker.role) == (name, role)
                    && powerful.contains(ident)
            };
            if !desired.roles.iter().any(|both| is_it(&both)) {
                continue;
            }
            for entry in entries {
                let Member::Named { kind: MemberKind::User, name: user } = &entry.member else {
                    continue;
                };
                let here = &project.environment;
                let elsewhere = !entry.environments.is_empty()
                    && !entry.environments.iter().any(|named| named.value == *here);
                let owns =
                    |owner: &crate::config::Located<String>| is_same_person(&owner.value, user);
                let by_another = entry
                    .approval
                    .as_ref()
                    .is_some_and(|approval| !is_same_person(&approval.by, user));
                let over = has_expired(entry, project.as_of);
                if elsewhere || over || by_another || !product.owners.iter().any(owns) {
                    continue;
                }
                let message = format!(
                    "{user} owns {name} and is in {name}.{role}, which changes data: nobody else approved it"
                );
                let subject = Subject {
                    product: Some(name.clone()),
                    role: vec![format!("{name}.{role}")],
                    user: Some(user.clone()),
                    ..Subject::default()
                };
                let place = Some(entry.place.clone());
                found.push(Finding::new(CHECK.code, message, subject).at(place));
            }
        }
    }
    found
}
