//! `meta.rolecall` of every node, read into declarations with the place each was written.

mod block;
mod config_call;
mod layers;
mod raito;
mod shadow;
mod sources;
mod yaml;

use std::collections::BTreeMap;

use crate::dbt::{Manifest, Node};
use crate::edit::pairs::Step;
use crate::model::{Diagnostics, Place};

pub(crate) use config_call::{
    Said, calls as config_calls, said as in_config_call, value as value_in_config_call,
};
pub use raito::{Raito, read_raito, unread as unread_raito};
pub(crate) use raito::{spots as raito_spots, translated as raito_translated};
pub use sources::ProjectSources;

#[cfg(test)]
mod block_tests;
#[cfg(test)]
pub(super) mod tests;

/// What one node's `meta.rolecall` says.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeDeclarations {
    /// `product:`, where the block names one.
    pub product: Option<String>,
    /// Where `product` stands.
    pub product_place: Option<Place>,
    /// Where the block stands in the project's sources, or as near as is known.
    pub place: Option<Place>,
    /// `grants:`, sorted by role.
    pub grants: Vec<Declaration>,
    /// The product of a node that nothing else gives one: where Raito's blocks are read.
    pub fallback: Option<String>,
}

impl NodeDeclarations {
    /// A block that says nothing.
    pub(crate) fn empty() -> Self {
        Self { product: None, product_place: None, place: None, grants: Vec::new(), fallback: None }
    }
}

/// One product role's permissions on one node.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// The product role: `analyst`, or another product's as `finance.analyst`.
    pub role: RoleRef,
    /// As written: `read`, `write`, `admin`, `own`, or a raw privilege. Not empty, no doubles.
    pub permissions: Vec<String>,
    /// Where it stands, or as near as is known; never guessed.
    pub place: Option<Place>,
}

/// A product role as an engineer writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleRef {
    /// `None` for the node's own product.
    pub product: Option<String>,
    /// The product role.
    pub role: String,
}

impl RoleRef {
    /// Where its declaration stands in a node: `meta.rolecall.grants.finance.analyst`.
    pub fn path(&self) -> String {
        match &self.product {
            Some(product) => format!("meta.rolecall.grants.{product}.{}", self.role),
            None => format!("meta.rolecall.grants.{}", self.role),
        }
    }
}

impl std::fmt::Display for RoleRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.product {
            Some(product) => write!(f, "{product}.{}", self.role),
            None => f.write_str(&self.role),
        }
    }
}

/// All declarations of a project, by the node's `unique_id`.
pub type Declarations = BTreeMap<String, NodeDeclarations>;

/// Reads the block of every node that has one.
///
/// The manifest says what is declared; `sources` only says where it was written, and is believed
/// where the same block (or at least the same role) stands there. Findings: wrong types and
/// unknown keys (`meta-type`, `unknown-key`), `role-name`, `unknown-permission`; warnings for
/// empty and doubled permissions, and `meta-shadowed` where a folder's block is replaced by a
/// block that gives less.
pub fn read_declarations(
    manifest: &Manifest,
    sources: &ProjectSources,
) -> (Declarations, Diagnostics) {
    let (mut declarations, mut diagnostics) = (Declarations::new(), Diagnostics::default());
    for node in manifest.nodes.values() {
        let Some(value) = &node.rolecall else { continue };
        let layers = layers::of_node(manifest, sources, node, crate::dbt::KEY);
        let winner = layers::winner(&layers, value);
        let places = FoundPlaces {
            layer: winner.and_then(|at| layers.get(at)),
            described_in: described_in(manifest, sources, node, &layers),
        };
        shadow::check(node, value, &layers, winner, &places, &mut diagnostics);
        if let Some(read) = block::read(&node.unique_id, value, &places, &mut diagnostics) {
            declarations.insert(node.unique_id.clone(), read);
        }
    }
    (declarations, diagnostics)
}

/// Places in the layer that a block came from; without one, the file that describes the node.
struct FoundPlaces<'p> {
    layer: Option<&'p layers::Layer<'p>>,
    described_in: Option<Place>,
}

/// What stands at the end of a way in a YAML text, as dbt's reader sees it.
pub(crate) fn yaml_value(text: &str, way: &[Step]) -> Option<serde_json::Value> {
    let mut at = yaml::parse(text)?;
    for step in way {
        at = match step {
            Step::Key(key) => at.get(key)?.1.clone(),
            Step::Item(item) => at.items().get(*item)?.clone(),
        };
    }
    at.to_json()
}

/// What the project's files give a node under a key of `meta`: the strongest place of it.
pub(crate) fn given_by_files(
    manifest: &Manifest,
    sources: &ProjectSources,
    node: &Node,
    key: &str,
) -> Option<serde_json::Value> {
    let layers = layers::of_node(manifest, sources, node, key);
    let first = layers.first()?;
    match &first.content {
        layers::Content::Yaml(_) => first.json(),
        layers::Content::Call(_) => config_call::value(first.text, key).map(|(_, value)| value),
    }
}

/// The file that describes the node, unless it is at hand and says nothing about it.
fn described_in(
    manifest: &Manifest,
    sources: &ProjectSources,
    node: &Node,
    layers: &[layers::Layer<'_>],
) -> Option<Place> {
    let file = layers::describing_file(manifest, node)?;
    let is_here = sources.file(&file).is_some();
    (!is_here || layers.iter().any(|layer| layer.file == file)).then(|| Place::file(file))
}

impl FoundPlaces<'_> {
    fn or_file(&self, place: Option<Place>) -> Option<Place> {
        place.or_else(|| match self.layer {
            Some(layer) => layer.block(),
            None => self.described_in.clone(),
        })
    }
}

impl block::Places for FoundPlaces<'_> {
    fn block(&self) -> Option<Place> {
        self.or_file(self.layer.and_then(layers::Layer::block))
    }

    fn key(&self, key: &str) -> Option<Place> {
        self.or_file(self.layer.and_then(|layer| layer.find(&[key])))
    }

    fn role(&self, role: &str) -> Option<Place> {
        self.or_file(self.layer.and_then(|layer| layer.find(&["grants", role])))
    }
}
