//! What is said of policies that give or protect nothing, or close nodes to everybody.

use std::collections::BTreeMap;

use super::super::Inputs;
use super::super::nodes::ManagedNode;
use super::gates::Gates;
use super::nodes::Selected;
use crate::config::policy::{Combine, Policy, RESERVED};
use crate::model::{Diagnostic, Diagnostics};

/// That many nodes, for people.
pub(super) fn count(nodes: usize) -> String {
    format!("{nodes} node{}", if nodes == 1 { "" } else { "s" })
}

/// The first of them by name, and how many more.
fn named<'n>(nodes: impl ExactSizeIterator<Item = &'n str>) -> String {
    const NAMED: usize = 3;
    let more = nodes.len().saturating_sub(NAMED);
    let first: Vec<&str> = nodes.take(NAMED).collect();
    match more {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// A policy that is about no node. An always-required one would protect nothing, and look as if it
/// did.
pub(super) fn about_nothing(policy: &Policy, selected: &Selected) -> Option<Diagnostic> {
    let untagged = policy.matching.as_ref().filter(|_| !selected.tagged);
    if selected.any && untagged.is_none() {
        return None;
    }
    let name = &policy.name;
    let (message, help) = match untagged {
        Some(matching) => {
            let root = &matching.node_tag.value;
            let what = format!(
                "no node that the policy {name} is about carries a tag below {root:?}, which its `match` asks for"
            );
            (what, format!("tag nodes {root}.<value>, or mend `node_tag` or `resources`"))
        }
        None => (
            format!("the policy {name} selects no node"),
            "widen its `resources`; tags that rolecall gives itself are for `tags`, not for `select`".to_owned(),
        ),
    };
    const CODE: &str = "policy-selects-nothing";
    let found = match policy.combine {
        Combine::All => Diagnostic::error(
            CODE,
            format!("{message}: it is always required, and protects nothing"),
        )
        .with_help(format!("{help}; active: false where it is not wanted yet")),
        Combine::Any => Diagnostic::warning(CODE, message).with_help(help),
    };
    Some(found.with_place(policy.place.clone()))
}

/// An always-required policy that is switched off: what it closes is open.
pub(super) fn off(
    policy: &Policy,
    nodes: &[ManagedNode],
    selected: &Selected,
) -> Option<Diagnostic> {
    if policy.combine != Combine::All || selected.nodes.is_empty() {
        return None;
    }
    let names = selected.nodes.iter().map(|at| nodes[*at].unique_id.as_str());
    let are = if selected.nodes.len() == 1 { "is" } else { "are" };
    let what = format!(
        "the policy {} is switched off: {} {are} open without it: {}",
        policy.name,
        count(selected.nodes.len()),
        named(names)
    );
    Some(
        Diagnostic::warning("policy-off", what).with_place(policy.place.clone()).with_help(
            "active: true closes them again to whoever it does not admit; take the policy out of the file where that is meant",
        ),
    )
}

/// A policy that admits nobody.
pub(super) fn nobody(policy: &Policy, message: String) -> Diagnostic {
    let found =
        Diagnostic::warning("policy-admits-nobody", message).with_place(policy.place.clone());
    let help = match (&policy.matching, policy.actors.is_empty()) {
        (Some(matching), true) if matching.user_attribute.value == RESERVED => {
            "nobody is in a role of these nodes' products: let people in by the products' members files".to_owned()
        }
        (Some(matching), true) => format!(
            "nobody's {:?} in the directory has a value that these nodes carry below {:?}: mend the directory or the tags",
            matching.user_attribute.value, matching.node_tag.value
        ),
        _ if policy.combine == Combine::All => {
            "name somebody among its `actors`; active: false would open the nodes".to_owned()
        }
        _ => "name somebody among its `actors`, or say active: false".to_owned(),
    };
    found.with_help(help)
}

/// Always-required policies that meet on nodes, and of which each admits people that another does
/// not, so that nobody is left.
pub(in crate::resolve) fn exclude_each_other(
    inputs: &Inputs,
    nodes: &[ManagedNode],
    gates: &Gates,
    found: &mut Diagnostics,
) {
    let mut closed: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    for node in nodes {
        let Some(key) = node.relation.as_ref().and_then(|on| on.relation_key()) else { continue };
        if gates.exclude_each_other(&key) {
            closed
                .entry(gates.on(&key).into_iter().collect())
                .or_default()
                .push(node.unique_id.as_str());
        }
    }
    for (policies, on) in closed {
        let what = format!(
            "the policies {} are all always required on {}, and nobody is admitted by all of them: nobody gets access there: {}",
            policies.join(", "),
            count(on.len()),
            named(on.iter().copied())
        );
        let mut warning = Diagnostic::warning("policy-admits-nobody", what)
            .with_help("admit somebody by each of them, or narrow the `resources` of one");
        let mut places = policies.iter().filter_map(|name| inputs.config.policies.get(*name));
        warning.place = places.next().map(|policy| policy.place.clone());
        for other in places {
            warning = warning.with_also(other.place.clone(), "and this one");
        }
        found.push(warning);
    }
}
