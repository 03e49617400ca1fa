//! Where dbt's `grants` of a node are said, and what they come to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::dbt::{Node, ResourceType};
use crate::declare;
use crate::edit::pairs::Step;

/// privilege → grantees.
pub(super) type Grants = BTreeMap<String, Vec<String>>;

/// A place that says `grants`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spot {
    /// A map in a YAML file, with the key `grants` or `+grants`.
    Yaml(String, Vec<Step>),
    /// The `config()` of a model's file.
    Call(String),
}

impl Spot {
    /// The file, from the project's folder.
    pub(super) fn file(&self) -> &str {
        match self {
            Self::Yaml(file, _) | Self::Call(file) => file,
        }
    }
}

/// Each key with its grantees, in no order.
pub(super) fn sorted(grants: &Grants) -> BTreeMap<&str, BTreeSet<&str>> {
    grants
        .iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(key, list)| (key.as_str(), list.iter().map(String::as_str).collect()))
        .collect()
}

/// As dbt merges: a key replaces, one with `+` adds.
pub(super) fn add(sum: &mut Grants, value: &Map<String, Value>) {
    for (key, value) in value {
        let list: Vec<String> = match value {
            Value::String(one) => vec![one.clone()],
            Value::Array(many) => {
                many.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
            }
            _ => Vec::new(),
        };
        match key.strip_prefix('+') {
            Some(key) => sum.entry(key.to_owned()).or_default().extend(list),
            None => {
                sum.insert(key.clone(), list);
            }
        }
    }
}

/// Where a node's grants are said, weak to strong.
pub(super) fn layers(texts: &BTreeMap<&str, &str>, node: &Node) -> Vec<(Spot, Map<String, Value>)> {
    let section = match node.resource_type {
        ResourceType::Model => "models",
        ResourceType::Seed => "seeds",
        ResourceType::Snapshot => "snapshots",
        ResourceType::Source => "sources",
    };
    let mut found = Vec::new();
    let key = |text: &str| Step::Key(text.to_owned());
    let mut look = |file: &str, way: Vec<Step>, name: &str| {
        let Some(text) = texts.get(file) else { return };
        let mut own = way.clone();
        own.push(key(name));
        if let Some(Value::Object(map)) = declare::yaml_value(text, &own) {
            found.push((Spot::Yaml(file.to_owned(), way), map));
        }
    };
    let mut way = vec![key(section)];
    look("dbt_project.yml", way.clone(), "+grants");
    for folder in &node.fqn {
        way.push(key(folder));
        look("dbt_project.yml", way.clone(), "+grants");
    }
    if let Some(file) = node.patch_path.as_deref()
        && let Some(Value::Array(items)) =
            texts.get(file).and_then(|text| declare::yaml_value(text, &[key(section)]))
    {
        for (at, item) in items.iter().enumerate() {
            if item.get("name").and_then(Value::as_str) == Some(node.name.as_str()) {
                look(file, vec![key(section), Step::Item(at), key("config")], "grants");
            }
        }
    }
    let file = node.original_file_path.as_str();
    if let Some(text) = texts.get(file).filter(|_| file.ends_with(".sql"))
        && let Some((_, Value::Object(map))) = declare::value_in_config_call(text, "grants")
    {
        found.push((Spot::Call(file.to_owned()), map));
    }
    found
}
