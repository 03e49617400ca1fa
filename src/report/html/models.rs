//! The nodes and products of all environments, in the order of the page: by product, then by name.

use std::collections::{BTreeMap, BTreeSet};

use super::data::{Models, Product};
use super::environment::Seen;
use super::interned::shown;
use crate::dbt::{Node, ResourceType};
use crate::report::findings::where_is;

/// What the environments have in common.
pub struct Listed {
    pub tags: Vec<String>,
    pub products: Vec<Product>,
    pub models: Models,
    /// The place of a product in the list.
    pub product: BTreeMap<String, i32>,
    /// The `unique_id` of each model.
    pub ids: Vec<String>,
}

impl Listed {
    /// Where environments differ about a node, the first that knows it is heard; tags are of all.
    pub fn of(seen: &[Seen<'_>]) -> Self {
        let mut nodes: BTreeMap<&str, (&Node, Option<&str>, BTreeSet<&str>)> = BTreeMap::new();
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for seen in seen {
            names.extend(seen.config.products.keys().map(String::as_str));
            for managed in &seen.resolved.nodes {
                let Some(node) = seen.manifest.nodes.get(&managed.unique_id) else { continue };
                // What has no relation anywhere can be read by nobody.
                if node.relation.is_none() {
                    continue;
                }
                let (_, product, tags) =
                    nodes.entry(&node.unique_id).or_insert((node, None, BTreeSet::new()));
                *product = product.or(managed.product.as_deref());
                tags.extend(node.tags.iter().map(String::as_str));
                names.extend(managed.product.as_deref());
            }
            names.extend(
                seen.resolved.desired.roles.values().map(|role| role.marker.product.as_str()),
            );
        }
        names.remove("");
        let product: BTreeMap<String, i32> =
            (0..).zip(&names).map(|(at, name)| ((*name).to_owned(), at)).collect();
        let tags: BTreeSet<&str> =
            nodes.values().flat_map(|(_, _, tags)| tags.iter().copied()).collect();
        let tags: Vec<&str> = tags.into_iter().collect();
        let mut ordered: Vec<_> = nodes.into_values().collect();
        ordered.sort_by_key(|(node, product, _)| {
            (product.is_none(), *product, called(node), node.unique_id.as_str())
        });
        let mut models = Models::default();
        let mut ids = Vec::with_capacity(ordered.len());
        for (node, of, own) in ordered {
            models.id.push(shown(&node.unique_id));
            models.name.push(shown(&called(node)));
            models.kind.push(node.resource_type.as_str());
            models.product.push(of.and_then(|of| product.get(of)).copied().unwrap_or(-1));
            models.tags.push(own.iter().filter_map(|tag| tags.binary_search(tag).ok()).collect());
            ids.push(node.unique_id.clone());
        }
        let products = names.iter().map(|name| described(name, seen)).collect();
        let tags = tags.into_iter().map(shown).collect();
        Self { tags, products, models, product, ids }
    }
}

fn described(name: &str, seen: &[Seen<'_>]) -> Product {
    let known = seen.iter().find_map(|seen| seen.config.products.get(name));
    Product {
        name: shown(name),
        title: known.and_then(|product| product.title.as_deref()).map(shown),
        owners: known
            .map(|product| product.owners.iter().map(|owner| shown(&owner.value)).collect())
            .unwrap_or_default(),
        place: known.map(|product| shown(&where_is(&product.place))).unwrap_or_default(),
    }
}

/// What a person calls a node.
pub fn called(node: &Node) -> String {
    let version = node.version.as_ref().map(|version| format!(".v{version}"));
    match (node.resource_type, &node.source_name) {
        (ResourceType::Source, Some(source)) => format!("{source}.{}", node.name),
        _ => format!("{}{}", node.name, version.unwrap_or_default()),
    }
}
