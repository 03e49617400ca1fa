//! A policy in parts: it admits different people to different nodes where owners or matching tags
//! decide.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Inputs;
use super::super::nodes::ManagedNode;
use super::actors::{Actor, Who};
use super::nodes::tags;
use super::owners::owners_of;
use crate::config::Located;
use crate::config::policy::{Combine, Match, Policy, RESERVED, is_under};
use crate::model::MemberKind;

/// The nodes where a policy admits the same people.
pub(super) struct Part {
    /// `None` for those whom it admits wherever it holds.
    pub(super) label: Option<String>,
    /// Places in the list of nodes.
    pub(super) nodes: Vec<usize>,
    /// Any of them is admitted.
    pub(super) actors: BTreeSet<Actor>,
}

/// Splits a policy over its nodes.
pub(super) fn split(
    inputs: &Inputs,
    policy: &Policy,
    nodes: &[ManagedNode],
    selected: &[usize],
) -> Vec<Part> {
    let everywhere = everywhere(policy);
    let mut by_label: BTreeMap<String, (BTreeSet<Actor>, Vec<usize>)> = BTreeMap::new();
    let mut add = |label: String, actors: BTreeSet<Actor>, at: usize| {
        let (all, nodes) = by_label.entry(label).or_default();
        all.extend(actors);
        nodes.push(at);
    };
    let mut others = Vec::new();
    for at in selected {
        let node = &nodes[*at];
        let owners = owners_of(inputs, policy, node);
        let matching = matching(inputs, policy, node);
        match policy.combine {
            // Each gives what it gives: a role for each.
            Combine::Any => {
                others.push(*at);
                if !owners.is_empty() {
                    add(label_of("owners", &owners), owners, *at);
                }
                for (value, actor) in matching {
                    add(value, BTreeSet::from([actor]), *at);
                }
            }
            // Being any of them is enough: one question for each node.
            Combine::All => {
                let mut here: BTreeSet<Actor> = owners;
                here.extend(matching.into_iter().map(|(_, actor)| actor));
                if here.is_empty() {
                    others.push(*at);
                } else {
                    let label = label_of("those", &here);
                    here.extend(everywhere.iter().cloned());
                    add(label, here, *at);
                }
            }
        }
    }
    let mut parts = Vec::new();
    let has_others = policy.combine == Combine::All && !others.is_empty();
    if !everywhere.is_empty() || has_others {
        parts.push(Part { label: None, nodes: others, actors: everywhere });
    }
    let split = by_label.into_iter();
    parts.extend(split.map(|(label, (actors, nodes))| Part { label: Some(label), nodes, actors }));
    parts
}

/// Those whom it admits wherever it holds.
fn everywhere(policy: &Policy) -> BTreeSet<Actor> {
    let actors = &policy.actors;
    let what = || format!("the policy {}", policy.name);
    let named = |kind, names: &[Located<String>]| -> Vec<Actor> {
        let actor = |name: &Located<String>| Actor {
            who: Who::Named(kind, name.value.clone()),
            place: name.place.clone(),
            what: what(),
        };
        names.iter().map(actor).collect()
    };
    let roles = actors.product_roles.iter().map(|role| Actor {
        who: Who::ProductRole(role.value.clone()),
        place: role.place.clone(),
        what: what(),
    });
    named(MemberKind::User, &actors.users)
        .into_iter()
        .chain(named(MemberKind::Group, &actors.groups))
        .chain(actors.rules.iter().map(|rule| Actor {
            who: Who::Rule(rule.value.text().to_owned()),
            place: rule.place.clone(),
            what: what(),
        }))
        .chain(roles)
        .collect()
}

/// The values that a node's tags have below the root, and who carries each.
fn matching(inputs: &Inputs, policy: &Policy, node: &ManagedNode) -> Vec<(String, Actor)> {
    let Some(Match { user_attribute, node_tag }) = &policy.matching else { return Vec::new() };
    let mut found = Vec::new();
    for tag in tags(inputs, node) {
        if !is_under(&tag, &node_tag.value) || tag == node_tag.value {
            continue;
        }
        let value = tag[node_tag.value.len()..].trim_start_matches('.');
        let who = match user_attribute.value == RESERVED {
            // Nobody carries it but whoever has been let into the product.
            true => match tag.strip_prefix(RESERVED).and_then(|rest| rest.strip_prefix('.')) {
                Some(product) => Who::Approved(product.to_owned()),
                None => continue,
            },
            false => Who::Carrying {
                attribute: user_attribute.value.clone(),
                values: [value.to_owned(), tag.clone()],
            },
        };
        let actor = Actor {
            who,
            place: user_attribute.place.clone(),
            what: format!("the policy {}", policy.name),
        };
        found.push((value.to_owned(), actor));
    }
    found
}

/// The same people, the same words, whatever the order.
fn label_of(kind: &str, actors: &BTreeSet<Actor>) -> String {
    let who = actors.iter().map(|actor| match &actor.who {
        Who::Named(MemberKind::User, name) => format!("{name:?}"),
        Who::Named(kind, name) => format!("{} {name:?}", kind.as_str()),
        Who::Role(name) => format!("role {name:?}"),
        Who::ProductRole(role) => format!("{}.{}", role.product, role.role),
        Who::Approved(product) => format!("{RESERVED}.{product}"),
        Who::Rule(rule) => format!("rule {rule:?}"),
        Who::Carrying { attribute, values: [value, _] } => format!("{attribute:?} {value:?}"),
    });
    let names: BTreeSet<String> = who.collect();
    let names: Vec<String> = names.into_iter().collect();
    format!("{kind} {}", names.join(", "))
}
