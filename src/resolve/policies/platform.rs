//! Platform policies: a role for each, with privileges on databases, warehouses and the account.

use super::super::Inputs;
use super::super::grants::{bounds, expand};
use super::super::nodes::target_database;
use super::super::roles::RolesHere;
use super::actors::{self, Actor, Who};
use super::names::{Namer, Wanted};
use super::people::People;
use super::{is_here, reason};
use crate::config::Located;
use crate::config::policy::PlatformPolicy;
use crate::model::{
    DesiredState, Diagnostic, Diagnostics, Ident, MemberKind, ObjectClass, Place, PrivilegeSet,
    Securable,
};

/// Makes the roles of platform policies, with what they give and whom they admit. Says how many
/// privileges they give.
pub(in crate::resolve) fn grant_platform(
    namer: &Namer,
    here: &RolesHere,
    people: &mut People,
    desired: &mut DesiredState,
    found: &mut Diagnostics,
) -> usize {
    let inputs = namer.inputs;
    let mut given = 0;
    for policy in inputs.config.platform_policies.values() {
        if !policy.active || !is_here(inputs, &policy.environments) {
            continue;
        }
        let wanted = Wanted {
            label: policy.name.clone(),
            policy: policy.name.clone(),
            product: "",
            role: String::new(),
            immutable: policy.immutable,
            place: &policy.place,
        };
        let Some(role) = namer.make(wanted, desired, found) else { continue };
        for on in objects(inputs, policy, found) {
            for word in &policy.privileges {
                let Some(power) = expand(inputs.dialect, &word.value, on.class()) else {
                    found.push(no_such(inputs, word, on.class()));
                    continue;
                };
                let what = format!("{} by the policy {}", word.value, policy.name);
                let because = reason(&policy.place, None, what);
                desired.grant(on.clone(), role.clone(), power.privileges, &because);
                given += power.privileges.len();
                for actor in &policy.product_roles {
                    bound(inputs, policy, actor, (&on, power.privileges), here, found);
                }
            }
        }
        let mut anybody = false;
        for actor in everybody(policy) {
            let members = actors::members(inputs, &actor, here, people, desired, found);
            anybody |= !members.is_empty();
            actors::let_in(&role, members, desired, found);
        }
        if !anybody {
            found.push(
                Diagnostic::warning(
                    "policy-admits-nobody",
                    format!("the policy {} admits nobody", policy.name),
                )
                .with_place(policy.place.clone())
                .with_help("name somebody among its `actors`, or say active: false"),
            );
        }
    }
    given
}

fn everybody(policy: &PlatformPolicy) -> Vec<Actor> {
    let what = || format!("the policy {}", policy.name);
    let actor = |who, place: &Place| Actor { who, place: place.clone(), what: what() };
    let named = |kind: MemberKind| {
        let names = if kind == MemberKind::User { &policy.users } else { &policy.groups };
        names.iter().map(move |name| actor(Who::Named(kind, name.value.clone()), &name.place))
    };
    let roles = policy.roles.iter().map(|role| actor(Who::Role(role.value.clone()), &role.place));
    let ours = policy.product_roles.iter();
    let ours = ours.map(|role| actor(Who::ProductRole(role.value.clone()), &role.place));
    let rules = policy.rules.iter();
    let rules = rules.map(|rule| actor(Who::Rule(rule.value.text().to_owned()), &rule.place));
    let people = named(MemberKind::User).chain(named(MemberKind::Group)).chain(rules);
    people.chain(roles).chain(ours).collect()
}

/// What it is on, as far as this connection reaches it.
fn objects(inputs: &Inputs, policy: &PlatformPolicy, found: &mut Diagnostics) -> Vec<Securable> {
    let mut objects = Vec::new();
    let own = inputs.database.cloned().or_else(|| target_database(inputs));
    if policy.on.database {
        match &own {
            Some(own) => objects.push(Securable::database(own.clone())),
            // `validate` asks no warehouse, and is not given a database: that is no mistake.
            None if !inputs.inventory.looked => found.push(
                Diagnostic::warning(
                    "database-not-known",
                    format!("the policy {} is on the environment's database, which only a connection names: not looked at here", policy.name),
                )
                .with_place(policy.place.clone())
                .with_help("give it with --target-database, or name it: on: {databases: [NAME]}"),
            ),
            None => found.push(
                Diagnostic::error(
                    "no-database",
                    format!("the policy {} is on the environment's database, which nothing names", policy.name),
                )
                .with_place(policy.place.clone())
                .with_help("give it with --target-database, or name it: on: {databases: [NAME]}"),
            ),
        }
    }
    for name in folded(inputs, &policy.on.databases, found) {
        // A connection reaches one database, where it says which.
        if inputs.database.is_some_and(|here| *here != name) {
            found.push(
                Diagnostic::warning(
                    "other-database",
                    format!(
                        "the policy {} is also on {name}, which this connection does not reach",
                        policy.name
                    ),
                )
                .with_place(policy.place.clone())
                .with_help("a connection reaches one database: run again for each of the others"),
            );
            continue;
        }
        objects.push(Securable::database(name));
    }
    for name in folded(inputs, &policy.on.warehouses, found) {
        objects.push(Securable::global(ObjectClass::Warehouse, name));
    }
    if policy.on.account {
        objects.push(Securable::account());
    }
    objects.sort();
    objects.dedup();
    objects
}

fn folded(inputs: &Inputs, names: &[Located<String>], found: &mut Diagnostics) -> Vec<Ident> {
    let mut all = Vec::new();
    for name in names {
        let folded = inputs.dialect.fold(&name.value).map_err(|error| error.to_string());
        match folded.and_then(|folded| inputs.dialect.longest_name(&folded).map(|()| folded)) {
            Ok(folded) => all.push(folded),
            Err(why) => found.push(
                Diagnostic::error("invalid-name", format!("{:?}: {why}", name.value))
                    .with_place(name.place.clone())
                    .with_help("write the name as the warehouse has it"),
            ),
        }
    }
    all
}

fn no_such(inputs: &Inputs, word: &Located<String>, class: ObjectClass) -> Diagnostic {
    let dialect = inputs.dialect;
    let known = dialect.privileges_of(class);
    let help = match known.is_empty() {
        true => format!("{} has nothing that can be granted on the class {class}", dialect.kind()),
        false => format!("one of {known}"),
    };
    Diagnostic::error(
        "no-such-privilege",
        format!("{:?} is no privilege of the class {class} on {}", word.value, dialect.kind()),
    )
    .with_help(help)
    .with_place(word.place.clone())
}

fn bound(
    inputs: &Inputs,
    policy: &PlatformPolicy,
    actor: &Located<crate::config::policy::RoleRef>,
    (on, privileges): (&Securable, PrivilegeSet),
    here: &RolesHere,
    found: &mut Diagnostics,
) {
    let roles = here.get(actor.value.product.as_str());
    let Some(role) = roles.and_then(|roles| roles.get(actor.value.role.as_str())) else { return };
    let (_, may) = bounds(inputs, role.declared, on.class());
    let over = privileges.minus(may.privileges);
    if over.is_empty() {
        return;
    }
    found.push(
        Diagnostic::error(
            "beyond-may",
            format!(
                "the policy {} gives {}.{} more than its `may` in {} on the {} {on}: {over}",
                policy.name,
                role.product,
                role.declared.name,
                inputs.environment.name,
                on.class()
            ),
        )
        .with_place(actor.place.clone())
        .with_also(role.declared.place.clone(), "the role's `may` stands here")
        .with_help("give less, or let `may` name the privilege"),
    );
}
