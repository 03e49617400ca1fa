//! Which nodes a policy is about.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use super::super::Inputs;
use super::super::nodes::{ManagedNode, is_the_servers};
use crate::config::Located;
use crate::config::policy::{Combine, Policy, RESERVED, Resources, is_reserved, is_under};
use crate::dbt::{World, parse_selector};
use crate::model::{Diagnostic, Diagnostics, Securable};

/// All tags of a node: dbt's, and the one of its product.
pub(super) fn tags(inputs: &Inputs, node: &ManagedNode) -> BTreeSet<String> {
    let written = inputs.manifest.nodes.get(&node.unique_id).map(|node| &node.tags);
    let mut tags: BTreeSet<String> = written.into_iter().flatten().cloned().collect();
    tags.extend(node.product.as_ref().map(|product| format!("{RESERVED}.{product}")));
    tags
}

/// Tags that only rolecall gives may not be written by hand.
pub(super) fn check_tags(inputs: &Inputs, nodes: &[ManagedNode], found: &mut Diagnostics) {
    for node in nodes {
        let Some(of) = inputs.manifest.nodes.get(&node.unique_id) else { continue };
        for tag in of.tags.iter().filter(|tag| is_reserved(tag)) {
            found.push(
                Diagnostic::error(
                    "reserved-tag",
                    format!("{} carries the tag {tag:?} by hand", node.unique_id),
                )
                .with_node(&node.unique_id)
                .with_path(of.json_path("tags"))
                .with_help(format!(
                    "take it out: each output of a product carries {RESERVED}.<product> by itself"
                )),
            );
        }
    }
}

/// What a policy is about.
#[derive(Default)]
pub(super) struct Selected {
    /// The places in the list of nodes, in order.
    pub(super) nodes: Vec<usize>,
    /// Something is, be it in the warehouse or not.
    pub(super) any: bool,
    /// Something that it could be about carries a tag to match by.
    pub(super) tagged: bool,
}

type MakeWorld<'a> = Box<dyn FnOnce() -> World<'a> + 'a>;

/// What policies can be about: nodes whose relation is within reach.
pub(super) struct Selection<'x, 'a> {
    inputs: &'x Inputs<'a>,
    nodes: &'x [ManagedNode],
    world: LazyCell<World<'a>, MakeWorld<'a>>,
    missing: BTreeSet<&'x str>,
}

impl<'x, 'a> Selection<'x, 'a> {
    pub(super) fn new(inputs: &'x Inputs<'a>, nodes: &'x [ManagedNode]) -> Self {
        let (manifest, project) = (inputs.manifest, inputs.project);
        let world: MakeWorld<'a> = Box::new(move || World::of(manifest, project));
        Self { inputs, nodes, world: LazyCell::new(world), missing: BTreeSet::new() }
    }

    /// What a `select` of something names, all where there is none; `None` where it cannot be read.
    pub(super) fn named(
        &self,
        select: Option<&Located<String>>,
        whose: &str,
        found: &mut Diagnostics,
    ) -> Option<Option<BTreeSet<String>>> {
        let Some(selector) = select else { return Some(None) };
        let parsed = parse_selector(&selector.value);
        match parsed.and_then(|parsed| self.world.select(&parsed)) {
            Ok(selected) => Some(Some(selected.nodes)),
            Err(error) => {
                found.push(
                    Diagnostic::error("bad-selector", format!("`select` of {whose}: {error}"))
                        .with_help(error.help)
                        .with_place(selector.place.clone()),
                );
                None
            }
        }
    }

    /// What a policy is about; `None` where the selection cannot be read.
    pub(super) fn of(&mut self, policy: &Policy, found: &mut Diagnostics) -> Option<Selected> {
        let whose = format!("the policy {}", policy.name);
        let selected = self.named(policy.resources.select.as_ref(), &whose, found)?;
        let Self { inputs, nodes, .. } = *self;
        let mut chosen = Selected::default();
        for (at, node) in nodes.iter().enumerate() {
            let by_name = selected.as_ref().is_none_or(|ids| ids.contains(&node.unique_id));
            if !by_name || !fits(inputs, &policy.resources, node) {
                continue;
            }
            let Some(on) = &node.relation else {
                let tagged = node.absent && carries(inputs, policy, node);
                chosen.tagged |= tagged;
                chosen.any |= node.absent && (tagged || policy.combine == Combine::Any);
                continue;
            };
            if on.schema_name().is_some_and(|schema| is_the_servers(inputs, schema)) {
                continue;
            }
            let is_tagged = carries(inputs, policy, node);
            chosen.tagged |= is_tagged;
            // What people are matched by is what it is about: of other nodes it says nothing.
            if policy.combine == Combine::All && !is_tagged {
                continue;
            }
            chosen.any = true;
            if inputs.inventory.looked && inputs.inventory.relation(on).is_none() {
                if inputs.only.is_none_or(|only| only.contains(&node.unique_id)) {
                    self.missing.insert(&node.unique_id);
                }
                continue;
            }
            chosen.nodes.push(at);
        }
        Some(chosen)
    }

    /// What policies are about and is not there: no mistake of theirs.
    pub(super) fn report_missing(self, found: &mut Diagnostics) {
        let Self { nodes, missing, .. } = self;
        // A declaration of its own says it already.
        let silent: Vec<&str> = nodes
            .iter()
            .filter(|node| missing.contains(node.unique_id.as_str()) && !node.missing)
            .map(|node| node.unique_id.as_str())
            .collect();
        let Some(first) = silent.first() else { return };
        let message = match silent.len() {
            1 => format!("{first}, which a policy is about, is not in the warehouse: skipped"),
            many => format!(
                "{first} and {} more nodes that policies are about are not in the warehouse: skipped",
                many - 1
            ),
        };
        found.push(Diagnostic::warning("missing-relation", message).with_node(*first).with_help(
            "run `dbt build`, then plan again: they get their access when they are there",
        ));
    }
}

/// Whether a node carries the tag that people are matched by, or one below it; without a `match`,
/// each does.
fn carries(inputs: &Inputs, policy: &Policy, node: &ManagedNode) -> bool {
    policy.matching.as_ref().is_none_or(|matching| {
        tags(inputs, node).iter().any(|tag| is_under(tag, &matching.node_tag.value))
    })
}

/// Whether a node is what the classes, products, domains and tags ask for.
pub(super) fn fits(inputs: &Inputs, resources: &Resources, node: &ManagedNode) -> bool {
    // Of what is not there yet, the class is not known either.
    let of_class =
        |on: &Securable| resources.classes.is_empty() || resources.classes.contains(&on.class());
    if !node.relation.as_ref().map_or(node.absent, of_class) {
        return false;
    }
    let product = node.product.as_deref();
    if !resources.products.is_empty()
        && !resources.products.iter().any(|wanted| Some(wanted.value.as_str()) == product)
    {
        return false;
    }
    if !resources.domains.is_empty() {
        let of = product.and_then(|product| inputs.config.products.get(product));
        let domain = of.and_then(|product| product.domain.as_ref());
        let is_in =
            |domain: &str| resources.domains.iter().any(|root| is_under(domain, &root.value));
        if !domain.is_some_and(|domain| is_in(&domain.value)) {
            return false;
        }
    }
    resources.tags.is_empty() || {
        let tags = tags(inputs, node);
        tags.iter().any(|tag| resources.tags.iter().any(|root| is_under(tag, &root.value)))
    }
}
