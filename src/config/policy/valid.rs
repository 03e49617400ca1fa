//! Policies checked in themselves and against the rest of the platform's files.

use std::collections::BTreeSet;

use super::platform;
use super::raw::{RawActors, RawMatch, RawOwners, RawPolicy, RawResources};
use super::{
    Actors, Combine, Match, OwnedBy, Policy, RESERVED, RawPlatformPolicy, Resources, RoleRef,
};
use crate::config::members::parse_rule;
use crate::config::names::{check_fit, check_name, check_permission};
use crate::config::reader::{printable, said_twice, suggest};
use crate::config::valid::unknown_environment;
use crate::config::{Config, Located};
use crate::directory::Rule;
use crate::model::{Diagnostic, Diagnostics, ObjectClass, Place};

/// Adds the policies of one file, with what is wrong in each.
pub(in crate::config) fn add_all(
    config: &mut Config,
    raw: Vec<RawPolicy>,
    platform: Vec<RawPlatformPolicy>,
    diagnostics: &mut Diagnostics,
) {
    for raw in raw {
        let (name, place) = (raw.name.clone(), raw.place.clone());
        let fresh = named(config, name.as_ref(), &place, diagnostics);
        let name = name.unwrap_or(Located { value: String::new(), place });
        let policy = read(name, raw, diagnostics);
        if fresh {
            config.policies.insert(policy.name.clone(), policy);
        }
    }
    for raw in platform {
        let (name, place) = (raw.name.clone(), raw.place.clone());
        let fresh = named(config, name.as_ref(), &place, diagnostics);
        let name = name.unwrap_or(Located { value: String::new(), place });
        let policy = platform::read(name, raw, diagnostics);
        if fresh {
            config.platform_policies.insert(policy.name.clone(), policy);
        }
    }
}

/// Whether a policy has a name, and no other has it.
fn named(
    config: &Config,
    name: Option<&Located<String>>,
    place: &Place,
    diagnostics: &mut Diagnostics,
) -> bool {
    let Some(name) = name else {
        diagnostics.push(
            Diagnostic::error("missing-key", "the policy has no `name`")
                .with_help("write name: and what it is for")
                .with_place(place.clone()),
        );
        return false;
    };
    diagnostics.extend(check_name("a policy", name));
    let first = config.policies.get(&name.value).map(|policy| &policy.place);
    let first = first.or(config.platform_policies.get(&name.value).map(|policy| &policy.place));
    if let Some(first) = first {
        let what = format!("the policy `{}`", printable(&name.value));
        diagnostics.push(said_twice(&what, name.place.clone(), first));
        return false;
    }
    true
}

fn read(name: Located<String>, raw: RawPolicy, diagnostics: &mut Diagnostics) -> Policy {
    let RawPolicy {
        name: _,
        description,
        active,
        combine,
        privileges,
        resources,
        actors,
        matching,
        environments,
        immutable,
        place: _,
    } = raw;
    let combine = combine.map_or(Combine::Any, |word| read_combine(&word, diagnostics));
    check_privileges(&name, combine, privileges.as_deref(), diagnostics);
    let actors_written = actors.is_some();
    let actors = read_actors(actors.unwrap_or_default(), diagnostics);
    if !actors_written && matching.is_none() {
        diagnostics.push(
            Diagnostic::error(
                "missing-key",
                format!("the policy `{}` has neither `actors` nor `match`", printable(&name.value)),
            )
            .with_help("write actors: {users: [NAME]}, or active: false until somebody is meant")
            .with_place(name.place.clone()),
        );
    }
    if combine == Combine::All && immutable == Some(true) {
        diagnostics.push(
            Diagnostic::error(
                "invalid-policy",
                format!(
                    "the policy `{}` is always required and immutable: it gives nothing that could be kept",
                    printable(&name.value)
                ),
            )
            .with_help("an immutable policy keeps what it gives; who may take this one out is its code owners' to say")
            .with_place(name.place.clone()),
        );
    }
    if let Some(none) = &environments
        && none.is_empty()
    {
        diagnostics.push(no_environment(&name));
    }
    Policy {
        name: name.value,
        place: name.place,
        description: description.map(|text| text.value),
        active: active.unwrap_or(true),
        combine,
        privileges: privileges.unwrap_or_default(),
        resources: read_resources(resources.unwrap_or_default(), diagnostics),
        actors,
        matching: matching.and_then(|raw| read_match(raw, diagnostics)),
        environments: environments.unwrap_or_default(),
        immutable: immutable.unwrap_or(false),
    }
}

pub(super) fn no_environment(name: &Located<String>) -> Diagnostic {
    Diagnostic::error(
        "missing-key",
        format!("`environments` of the policy `{}` names none", printable(&name.value)),
    )
    .with_help("leave `environments` out where it holds in all; active: false where in none")
    .with_place(name.place.clone())
}

fn read_combine(word: &Located<String>, diagnostics: &mut Diagnostics) -> Combine {
    match word.value.as_str() {
        "any" => Combine::Any,
        "all" => Combine::All,
        other => {
            diagnostics.push(
                Diagnostic::error("invalid-policy", format!("`combine` is `{}`", printable(other)))
                    .with_help(
                        "write any (it shares responsibility) or all (it is always required)",
                    )
                    .with_place(word.place.clone()),
            );
            Combine::Any
        }
    }
}

fn check_privileges(
    name: &Located<String>,
    combine: Combine,
    privileges: Option<&[Located<String>]>,
    diagnostics: &mut Diagnostics,
) {
    match (combine, privileges) {
        (Combine::All, Some(some)) => {
            let place = some.first().map_or(&name.place, |word| &word.place);
            diagnostics.push(
                Diagnostic::error(
                    "invalid-policy",
                    format!(
                        "the policy `{}` is always required, and names privileges",
                        printable(&name.value)
                    ),
                )
                .with_help(
                    "take `privileges` out: `combine: all` gates every privilege, and gives none",
                )
                .with_place(place.clone()),
            );
        }
        (Combine::Any, None | Some([])) => diagnostics.push(
            Diagnostic::error(
                "missing-key",
                format!("the policy `{}` gives no `privileges`", printable(&name.value)),
            )
            .with_help("write privileges: [read]")
            .with_place(name.place.clone()),
        ),
        _ => {}
    }
    for word in privileges.unwrap_or_default() {
        diagnostics.extend(check_permission(word));
        if word.value == "own" {
            diagnostics.push(
                Diagnostic::error("invalid-policy", "a policy gives no ownership")
                    .with_help("one role owns a relation: say `own` in the node's `meta.rolecall`, or `admin` here")
                    .with_place(word.place.clone()),
            );
        }
    }
}

pub(in crate::config) fn read_resources(
    raw: RawResources,
    diagnostics: &mut Diagnostics,
) -> Resources {
    let RawResources { select, classes, domains, products, tags } = raw;
    let known: Vec<&str> = ObjectClass::ALL
        .into_iter()
        .filter(|class| class.is_relation())
        .map(ObjectClass::as_str)
        .collect();
    let mut found = BTreeSet::new();
    for word in classes.unwrap_or_default() {
        let class = ObjectClass::ALL
            .into_iter()
            .find(|class| class.is_relation() && class.as_str() == word.value);
        match class {
            Some(class) => {
                found.insert(class);
            }
            None => diagnostics.push(
                Diagnostic::error(
                    "invalid-policy",
                    format!("`{}` is no class of a node's relation", printable(&word.value)),
                )
                .with_help(suggest(&word.value, known.iter().copied(), ""))
                .with_place(word.place),
            ),
        }
    }
    Resources {
        select,
        classes: found,
        domains: domains.unwrap_or_default(),
        products: products.unwrap_or_default(),
        tags: tags.unwrap_or_default(),
    }
}

pub(in crate::config) fn read_actors(raw: RawActors, diagnostics: &mut Diagnostics) -> Actors {
    let RawActors { users, groups, rules, product_roles, resource_owners } = raw;
    let rules = rules.unwrap_or_default();
    let (users, groups) = (users.unwrap_or_default(), groups.unwrap_or_default());
    for (what, names) in [("the user", &users), ("the group", &groups)] {
        for name in names {
            diagnostics.extend(check_fit(what, name));
        }
    }
    Actors {
        users,
        groups,
        rules: read_rules(&rules, diagnostics),
        product_roles: role_refs(product_roles.unwrap_or_default(), diagnostics),
        resource_owners: resource_owners.map_or_else(Vec::new, |raw| owners(raw, diagnostics)),
    }
}

pub(super) fn read_rules(
    written: &[Located<String>],
    diagnostics: &mut Diagnostics,
) -> Vec<Located<Rule>> {
    let mut rules = Vec::with_capacity(written.len());
    for rule in written {
        let place = rule.place.clone();
        rules.extend(parse_rule(rule, diagnostics).map(|value| Located { value, place }));
    }
    rules
}

pub(super) fn role_refs(
    words: Vec<Located<String>>,
    diagnostics: &mut Diagnostics,
) -> Vec<Located<RoleRef>> {
    let mut refs = Vec::with_capacity(words.len());
    for Located { value, place } in words {
        match value.split_once('.') {
            Some((product, role)) => {
                let (product, role) = (product.to_owned(), role.to_owned());
                refs.push(Located { value: RoleRef { product, role }, place });
            }
            None => diagnostics.push(
                Diagnostic::error(
                    "unknown-product-role",
                    format!("`{}` does not say of which product", printable(&value)),
                )
                .with_help("write product.role, as in finance.analyst")
                .with_place(place),
            ),
        }
    }
    refs
}

fn owners(raw: RawOwners, diagnostics: &mut Diagnostics) -> Vec<Located<OwnedBy>> {
    let words = match raw {
        RawOwners::Truth(false, _) => return Vec::new(),
        RawOwners::Truth(true, place) => {
            let all = OwnedBy::ALL.into_iter();
            return all.map(|value| Located { value, place: place.clone() }).collect();
        }
        RawOwners::Words(words) => words,
    };
    let mut owners = Vec::new();
    for word in words {
        match OwnedBy::ALL.into_iter().find(|kind| kind.as_str() == word.value) {
            Some(value) => owners.push(Located { value, place: word.place }),
            None => diagnostics.push(
                Diagnostic::error(
                    "invalid-policy",
                    format!("`{}` says nothing of who owns a node", printable(&word.value)),
                )
                .with_help(suggest(&word.value, OwnedBy::ALL.map(OwnedBy::as_str), ""))
                .with_place(word.place),
            ),
        }
    }
    owners
}

fn read_match(raw: RawMatch, diagnostics: &mut Diagnostics) -> Option<Match> {
    let RawMatch { user_attribute, node_tag, place } = raw;
    let (Some(user_attribute), Some(node_tag)) = (user_attribute, node_tag) else {
        diagnostics.push(
            Diagnostic::error("missing-key", "`match` needs a `user_attribute` and a `node_tag`")
                .with_help(format!(
                    "write match: {{user_attribute: {RESERVED}, node_tag: {RESERVED}}}"
                ))
                .with_place(place),
        );
        return None;
    };
    let reserved = |name: &str| super::is_reserved(name) && name != RESERVED;
    // Nobody carries anything else of that name.
    let odd = reserved(&user_attribute.value)
        || user_attribute.value == RESERVED && !super::is_under(&node_tag.value, RESERVED);
    if odd {
        diagnostics.push(
            Diagnostic::error(
                "invalid-policy",
                format!("the attribute `{}` matches no such tag", printable(&user_attribute.value)),
            )
            .with_help(format!("people carry {RESERVED} for the products that they are let into: write node_tag: {RESERVED}"))
            .with_place(user_attribute.place),
        );
        return None;
    }
    Some(Match { user_attribute, node_tag })
}

/// Everything that policies name of the rest of the platform's files is there.
pub(in crate::config) fn check_all(config: &Config, diagnostics: &mut Diagnostics) {
    for policy in config.policies.values() {
        check_environments(config, &policy.environments, diagnostics);
        check_references(config, &policy.actors, &policy.resources, diagnostics);
    }
    for policy in config.platform_policies.values() {
        check_environments(config, &policy.environments, diagnostics);
        for role in &policy.product_roles {
            check_role(config, role, diagnostics);
        }
    }
}

/// The product roles, products and domains that actors and resources name are there.
pub(in crate::config) fn check_references(
    config: &Config,
    actors: &Actors,
    resources: &Resources,
    diagnostics: &mut Diagnostics,
) {
    for role in &actors.product_roles {
        check_role(config, role, diagnostics);
    }
    for product in &resources.products {
        if !config.products.contains_key(&product.value) {
            diagnostics.push(unknown_product(config, &product.value, &product.place));
        }
    }
    let domains = config.products.values().filter_map(|product| product.domain.as_ref());
    let domains: BTreeSet<&str> = domains.map(|domain| domain.value.as_str()).collect();
    for domain in &resources.domains {
        if !domains.iter().any(|known| super::is_under(known, &domain.value)) {
            diagnostics.push(
                Diagnostic::error(
                    "unknown-domain",
                    format!("no product is in the domain `{}`", printable(&domain.value)),
                )
                .with_help(suggest(
                    &domain.value,
                    domains.iter().copied(),
                    "write domain: on the products that are in it",
                ))
                .with_place(domain.place.clone()),
            );
        }
    }
}

fn check_environments(
    config: &Config,
    environments: &[Located<String>],
    diagnostics: &mut Diagnostics,
) {
    for environment in environments {
        if !config.environments.contains_key(&environment.value) {
            diagnostics.push(unknown_environment(environment, &config.environments));
        }
    }
}

fn unknown_product(config: &Config, name: &str, place: &Place) -> Diagnostic {
    Diagnostic::error("unknown-product", format!("there is no product `{}`", printable(name)))
        .with_help(suggest(
            name,
            config.products.keys().map(String::as_str),
            "declare it under `products` in rolecall.yml",
        ))
        .with_place(place.clone())
}

fn check_role(config: &Config, wanted: &Located<RoleRef>, diagnostics: &mut Diagnostics) {
    let Located { value: RoleRef { product, role }, place } = wanted;
    let Some(known) = config.products.get(product) else {
        diagnostics.push(unknown_product(config, product, place));
        return;
    };
    let roles = || config.product_roles.keys().chain(known.product_roles.keys());
    if !roles().any(|name| name == role) {
        let names: Vec<&str> = roles().map(String::as_str).collect();
        diagnostics.push(
            Diagnostic::error(
                "unknown-product-role",
                format!(
                    "the product `{}` has no product role `{}`",
                    printable(product),
                    printable(role)
                ),
            )
            .with_help(suggest(role, names, "declare it under `product_roles` in rolecall.yml"))
            .with_place(place.clone()),
        );
    }
}
