//! The places that can give a node its block, in dbt's order, and which of them did.
//!
//! From weak to strong (dbt's `context_config.py`): folders in `dbt_project.yml` from the outside
//! in, the YAML that describes the node, the `config()` call in its file; for a package's node then
//! the folders of the root project's `dbt_project.yml`. Each replaces a block of the one before
//! whole; only a version's block is merged into its model's.

use serde_json::Value;

use crate::dbt::{Manifest, Node, ResourceType};
use crate::model::Place;

use super::config_call;
use super::sources::{ProjectSources, SourceFile, package_folder};
use super::yaml::Yaml;

/// One place that gives the node a block.
pub(super) struct Layer<'s> {
    pub file: &'s str,
    pub text: &'s str,
    /// A folder of `dbt_project.yml`, or a whole source: said for many nodes.
    pub is_shared: bool,
    pub content: Content,
}

pub(super) enum Content {
    /// The key `rolecall` and its value; a version's before its model's.
    Yaml(Vec<(Yaml, Yaml)>),
    /// In a `config()` call.
    Call(config_call::Block),
}

/// How far what stands there is what the manifest has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    Same,
    /// It has every role of the block, but other content: a template, or edited since.
    Roles,
    No,
}

impl Layer<'_> {
    /// Where the block, one of its keys or one of its roles stands.
    pub fn block(&self) -> Option<Place> {
        match &self.content {
            Content::Yaml(blocks) => {
                blocks.first().map(|(key, _)| self.place(key.line, key.column))
            }
            Content::Call(block) => Some(self.place(block.line, block.column)),
        }
    }

    pub fn find(&self, path: &[&str]) -> Option<Place> {
        let (last, parents) = path.split_last()?;
        match &self.content {
            Content::Yaml(blocks) => {
                let found = |(_, value): &(Yaml, Yaml)| {
                    let (key, _) = value.at(parents)?.get(last)?;
                    Some(self.place(key.line, key.column))
                };
                blocks.iter().find_map(found)
            }
            Content::Call(block) => {
                block.find(self.text, last).map(|(line, column)| self.place(line, column))
            }
        }
    }

    fn place(&self, line: u32, column: u32) -> Place {
        Place::at(self.file, self.text, line, column)
    }

    /// The block as JSON, where it can be read.
    pub fn json(&self) -> Option<Value> {
        let Content::Yaml(blocks) = &self.content else { return None };
        let mut values = blocks.iter().rev().map(|(_, value)| value.to_json());
        let mut merged = values.next()??;
        for value in values {
            merge(&mut merged, value?);
        }
        Some(merged)
    }

    fn matches(&self, block: &Value) -> Match {
        if self.json().as_ref() == Some(block) {
            return Match::Same;
        }
        let roles = block.get("grants").and_then(Value::as_object);
        match roles {
            Some(roles) if !roles.is_empty() => {
                let found = roles.keys().all(|role| self.find(&["grants", role]).is_some());
                if found { Match::Roles } else { Match::No }
            }
            _ => Match::No,
        }
    }
}

/// Deep, as dbt merges a version's config into its model's: a version's list goes before the
/// model's, and does not replace it (`deep_merge` in `dbt_common`).
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                match into.get_mut(&key) {
                    Some(slot) => merge(slot, value),
                    None => {
                        into.insert(key, value);
                    }
                }
            }
        }
        (Value::Array(into), Value::Array(from)) => {
            into.splice(..0, from);
        }
        (into, from) => *into = from,
    }
}

/// The layers that give `node` a block, strong to weak.
pub(super) fn of_node<'s>(
    manifest: &Manifest,
    sources: &'s ProjectSources,
    node: &Node,
    key: &str,
) -> Vec<Layer<'s>> {
    let folder = package_folder(manifest, node);
    let mut layers = Vec::new();
    if !folder.is_empty() {
        folders(sources.file("dbt_project.yml"), node, key, &mut layers);
    }
    call(sources.file(&format!("{folder}{}", node.original_file_path)), key, &mut layers);
    if let Some(described) = describing_file(manifest, node) {
        properties(sources.file(&described), node, key, &mut layers);
    }
    folders(sources.file(&format!("{folder}dbt_project.yml")), node, key, &mut layers);
    layers
}

/// The key of a block that stands at a column.
pub(super) fn column_block(
    manifest: &Manifest,
    sources: &ProjectSources,
    node: &Node,
    column: &str,
    key: &str,
) -> Option<Place> {
    let described = describing_file(manifest, node)?;
    let (path, SourceFile { text, yaml: Some(yaml) }) = sources.file(&described)? else {
        return None;
    };
    let items = yaml.at(&[section(node.resource_type)]).map_or(&[][..], Yaml::items);
    let mut columns = named(items, "name", Some(&node.name))
        .filter_map(|item| item.at(&["columns"]))
        .flat_map(|columns| named(columns.items(), "name", Some(column)));
    let (key, _) = columns.find_map(|column| blocks(column, key).into_iter().next())?;
    Some(Place::at(path, text, key.line, key.column))
}

/// The YAML file that describes the node, relative to the project.
pub(super) fn describing_file(manifest: &Manifest, node: &Node) -> Option<String> {
    let file = match node.resource_type {
        ResourceType::Source => Some(&node.original_file_path),
        ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot => {
            node.patch_path.as_ref()
        }
    };
    let file = file.filter(|file| !file.is_empty())?;
    Some(format!("{}{file}", package_folder(manifest, node)))
}

/// Which of `layers` gave the block: the strongest that says the same; otherwise the strongest that
/// names all its roles (a template, or edited since the manifest was written).
pub(super) fn winner(layers: &[Layer<'_>], block: &Value) -> Option<usize> {
    let matches: Vec<Match> = layers.iter().map(|layer| layer.matches(block)).collect();
    // A call cannot be compared: with every role in it, it goes before an equal text below it.
    let same = matches.iter().position(|m| *m == Match::Same);
    let call = layers
        .iter()
        .zip(&matches)
        .position(|(layer, m)| *m == Match::Roles && matches!(layer.content, Content::Call(_)));
    match (same, call) {
        (Some(same), Some(call)) => Some(same.min(call)),
        (Some(same), None) => Some(same),
        (None, _) => matches.iter().position(|m| *m == Match::Roles),
    }
}

type File<'s> = Option<(&'s str, &'s SourceFile)>;

fn section(kind: ResourceType) -> &'static str {
    match kind {
        ResourceType::Model => "models",
        ResourceType::Seed => "seeds",
        ResourceType::Snapshot => "snapshots",
        ResourceType::Source => "sources",
    }
}

/// `+meta` of the folders on the node's way. dbt takes a key without the plus for a folder here.
fn folders<'s>(file: File<'s>, node: &Node, key: &str, layers: &mut Vec<Layer<'s>>) {
    let Some((path, SourceFile { text, yaml: Some(yaml) })) = file else { return };
    let mut level = yaml.at(&[section(node.resource_type)]);
    let mut found = Vec::new();
    let mut names = node.fqn.iter();
    while let Some(folder) = level {
        if let Some((key, value)) = folder.at(&["+meta"]).and_then(|meta| meta.get(key)) {
            let content = Content::Yaml(vec![(key.clone(), value.clone())]);
            found.push(Layer { file: path, text, is_shared: true, content });
        }
        level = names.next().and_then(|name| folder.at(&[name]));
    }
    layers.extend(found.into_iter().rev());
}

/// The YAML that describes the node: `meta`, or `config: meta:`.
fn properties<'s>(file: File<'s>, node: &Node, key: &str, layers: &mut Vec<Layer<'s>>) {
    let Some((path, SourceFile { text, yaml: Some(yaml) })) = file else { return };
    let layer = |blocks: Vec<(Yaml, Yaml)>, is_shared| Layer {
        file: path,
        text,
        is_shared,
        content: Content::Yaml(blocks),
    };
    let items = yaml.at(&[section(node.resource_type)]).map_or(&[][..], Yaml::items);
    if node.resource_type == ResourceType::Source {
        for source in named(items, "name", node.source_name.as_deref()) {
            let tables = source.at(&["tables"]).map_or(&[][..], Yaml::items);
            for table in named(tables, "name", Some(&node.name)) {
                let own = blocks(table, key).into_iter().map(|block| layer(vec![block], false));
                layers.extend(own);
            }
            layers.extend(blocks(source, key).into_iter().map(|block| layer(vec![block], true)));
        }
        return;
    }
    for item in named(items, "name", Some(&node.name)) {
        let versions = item.at(&["versions"]).map_or(&[][..], Yaml::items);
        let mut all: Vec<_> = named(versions, "v", node.version.as_deref())
            .flat_map(|item| blocks(item, key))
            .collect();
        all.extend(blocks(item, key));
        if !all.is_empty() {
            layers.push(layer(all, false));
        }
    }
}

fn named<'y>(
    items: &'y [Yaml],
    key: &'static str,
    name: Option<&str>,
) -> impl Iterator<Item = &'y Yaml> {
    items.iter().filter(move |item| name.is_some() && item.at(&[key]).and_then(Yaml::text) == name)
}

fn blocks(item: &Yaml, key: &str) -> Vec<(Yaml, Yaml)> {
    [&["config", "meta"][..], &["meta"]]
        .into_iter()
        .filter_map(|path| item.at(path)?.get(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn call<'s>(file: File<'s>, key: &str, layers: &mut Vec<Layer<'s>>) {
    let Some((path, SourceFile { text, yaml: None })) = file else { return };
    if let Some(block) = config_call::find(text, key) {
        layers.push(Layer { file: path, text, is_shared: false, content: Content::Call(block) });
    }
}
