//! Where Raito's blocks and what is in them stand, as far as that is known.

use serde_json::Value;

use super::super::layers::{self, Content, Layer};
use super::super::sources::ProjectSources;
use super::super::yaml::Yaml;
use crate::dbt::{Manifest, Node, RAITO};
use crate::model::Place;

pub(super) struct Places<'s> {
    manifest: &'s Manifest,
    sources: &'s ProjectSources,
    node: &'s Node,
    layer: Option<Layer<'s>>,
    file: Option<Place>,
}

impl<'s> Places<'s> {
    pub fn of(manifest: &'s Manifest, sources: &'s ProjectSources, node: &'s Node) -> Self {
        let block = node.raito.as_ref().and_then(|meta| meta.block.as_ref());
        let mut layers = layers::of_node(manifest, sources, node, RAITO);
        let file = super::super::described_in(manifest, sources, node, &layers);
        let winner = block.and_then(|block| winner(&layers, block));
        let layer = winner.map(|at| layers.swap_remove(at));
        Self { manifest, sources, node, layer, file }
    }

    /// The file of the block, and where its key stands there: more than once where dbt merges a
    /// version's into its model's.
    pub fn spots(&self) -> Option<(String, Vec<(u32, u32)>)> {
        let layer = self.layer.as_ref()?;
        let keys = match &layer.content {
            Content::Call(block) => vec![(block.line, block.column)],
            Content::Yaml(blocks) => blocks.iter().map(|(key, _)| (key.line, key.column)).collect(),
        };
        Some((layer.file.to_owned(), keys))
    }

    pub fn block(&self) -> Option<Place> {
        self.layer.as_ref().and_then(Layer::block).or_else(|| self.file.clone())
    }

    /// A key of the block.
    pub fn key(&self, key: &str) -> Option<Place> {
        self.layer.as_ref().and_then(|layer| layer.find(&[key])).or_else(|| self.block())
    }

    /// What has this name under a key of the block.
    pub fn named(&self, key: &str, name: &str) -> Option<Place> {
        named(self.layer.as_ref()?, key, name)
    }

    /// The block of a column.
    pub fn column(&self, column: &str) -> Option<Place> {
        let Self { manifest, sources, node, .. } = self;
        layers::column_block(manifest, sources, node, column, RAITO).or_else(|| self.block())
    }
}

fn named(layer: &Layer<'_>, key: &str, name: &str) -> Option<Place> {
    let blocks = match &layer.content {
        Content::Call(_) => return layer.find(&[name]),
        Content::Yaml(blocks) => blocks,
    };
    let has_name = |item: &&Yaml| item.at(&["name"]).and_then(Yaml::text) == Some(name);
    blocks.iter().find_map(|(_, block)| {
        let list = block.at(&[key]).map(Yaml::items).filter(|items| !items.is_empty());
        let item = list.unwrap_or_else(|| block.items()).iter().find(has_name)?;
        Some(Place::at(layer.file, layer.text, item.line, item.column))
    })
}

/// The strongest layer that says the same; else the strongest that names every grant of it.
fn winner(layers: &[Layer<'_>], block: &Value) -> Option<usize> {
    let same = |layer: &Layer<'_>| layer.json().as_ref() == Some(block);
    let items = block.get("grant").or(Some(block)).and_then(Value::as_array);
    let names: Vec<&str> =
        items.into_iter().flatten().filter_map(|item| item.get("name")?.as_str()).collect();
    let has_all = |layer: &Layer<'_>| {
        !names.is_empty() && names.iter().all(|name| named(layer, "grant", name).is_some())
    };
    let call = |layer: &Layer<'_>| matches!(layer.content, Content::Call(_)) && has_all(layer);
    layers
        .iter()
        .position(|layer| same(layer) || call(layer))
        .or_else(|| layers.iter().position(has_all))
}
