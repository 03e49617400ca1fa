//! Whose outputs the nodes are that belong to no product yet and that proposed product roles hold
//! something on.

use std::collections::{BTreeMap, BTreeSet};

use super::naming::Reading;
use crate::dbt::{World, parse_selector};
use crate::model::{Ident, ObservedState, Securable};
use crate::resolve::{Inputs, Resolved};

/// Where a product's nodes are said.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    /// Product → a selection of its nodes, for new products.
    pub(super) selected: BTreeMap<String, String>,
    /// Node → the product that its own block names.
    pub(super) named: BTreeMap<String, String>,
}

/// A selection by a group or a folder of the product's name, where it has every such node and none of
/// another product; else `product:` in each node's block. Of several products the one whose roles hold
/// most on a node has it: others may be granted something there all the same.
pub(super) fn outputs(
    inputs: &Inputs<'_>,
    now: &Resolved,
    state: &ObservedState,
    candidates: &BTreeMap<Ident, Reading>,
) -> Outputs {
    let holders = holders(inputs, now, state, candidates);
    let products: BTreeSet<&str> = candidates.values().map(|one| one.product.as_str()).collect();
    let is_new = |product: &&&str| !inputs.config.products.contains_key(**product);
    let mut selections: BTreeMap<&str, (String, BTreeSet<String>)> = BTreeMap::new();
    let taken: BTreeSet<&str> = now
        .nodes
        .iter()
        .filter(|node| node.product.is_some())
        .map(|node| node.unique_id.as_str())
        .collect();
    for product in products.iter().filter(is_new) {
        let is_free = |nodes: &BTreeSet<String>| {
            let others = selections.values().flat_map(|(_, nodes)| nodes);
            let others: BTreeSet<&String> = others.collect();
            !nodes.is_empty()
                && nodes.iter().all(|id| !taken.contains(id.as_str()) && !others.contains(id))
        };
        let mut all = selectors(inputs, product).into_iter();
        let found = all.find_map(|selector| {
            let nodes = select(inputs, &selector)?;
            is_free(&nodes).then_some((selector, nodes))
        });
        selections.extend(found.map(|found| (*product, found)));
    }
    loop {
        let mut found = Outputs::default();
        let is_selected = |id: &String| selections.values().any(|(_, nodes)| nodes.contains(id));
        for (node, by_product) in holders.iter().filter(|(node, _)| !is_selected(node)) {
            let most = by_product
                .iter()
                .max_by(|(one, held), (other, most)| held.cmp(most).then_with(|| other.cmp(one)));
            found.named.extend(most.map(|(product, _)| (node.clone(), (*product).to_owned())));
        }
        // Where a product has outputs, no block adds a node to them.
        let beyond: Vec<&str> = selections
            .keys()
            .copied()
            .filter(|product| found.named.values().any(|named| named == product))
            .collect();
        if beyond.is_empty() {
            let named =
                |(product, (selector, _)): (&str, (String, _))| (product.to_owned(), selector);
            found.selected = selections.into_iter().map(named).collect();
            return found;
        }
        for product in beyond {
            selections.remove(product);
        }
    }
}

/// Nodes of no product → product → how much its roles hold there.
fn holders<'a>(
    inputs: &Inputs<'_>,
    now: &Resolved,
    state: &ObservedState,
    candidates: &'a BTreeMap<Ident, Reading>,
) -> BTreeMap<String, BTreeMap<&'a str, usize>> {
    let free: BTreeMap<&Securable, &str> = now
        .nodes
        .iter()
        .filter(|node| node.product.is_none())
        .filter_map(|node| Some((node.relation.as_ref()?, node.unique_id.as_str())))
        .collect();
    let granted = state.acl.iter().map(|entry| (&entry.on, &entry.grantee, entry.privileges.len()));
    // An owner has everything.
    let owned = state.owned.iter().map(|(on, owner)| (on, owner, usize::from(u8::MAX)));
    let mut holders: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
    for (on, role, held) in granted.chain(owned) {
        let (Some(node), Some(reading)) = (free.get(on), candidates.get(role)) else { continue };
        let product = reading.product.as_str();
        let of_config = inputs.config.products.get(product);
        if of_config.is_some_and(|product| product.outputs.is_some()) {
            continue;
        }
        let by_product = holders.entry((*node).to_owned()).or_default();
        *by_product.entry(product).or_default() += held;
    }
    holders
}

/// What could select a product's nodes by its name.
fn selectors(inputs: &Inputs<'_>, product: &str) -> Vec<String> {
    let nodes = || inputs.manifest.nodes.values();
    let group = nodes().filter_map(|node| node.group.as_deref());
    let group = group.filter(|group| *group == product).map(|group| format!("group:{group}"));
    let folders = nodes().flat_map(|node| {
        let path = node.original_file_path.as_str();
        path.match_indices('/').filter_map(move |(at, _)| path.get(..at))
    });
    let is_its = |path: &&str| path.rsplit('/').next().is_some_and(|name| name == product);
    let folders: BTreeSet<String> =
        folders.filter(is_its).map(|path| format!("path:{path}")).collect();
    // Of two folders of one name nobody knows which is meant.
    let folder = folders.iter().next().filter(|_| folders.len() == 1).cloned();
    group.take(1).chain(folder).collect()
}

fn select(inputs: &Inputs<'_>, selector: &str) -> Option<BTreeSet<String>> {
    let parsed = parse_selector(selector).ok()?;
    let selected = World::of(inputs.manifest, inputs.project).select(&parsed).ok()?;
    Some(selected.nodes.into_iter().collect())
}
