//! Blocks of `meta.rolecall` that take another block's place.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Todo, Work};
use crate::declare::{RoleRef, value_in_config_call};
use crate::edit::pairs::{self, Step};
use crate::project::Project;
use crate::resolve::Resolved;

/// What product roles are given.
pub(super) type Given = BTreeMap<RoleRef, Vec<String>>;

/// Nodes that only the fallback gives a product.
pub(super) fn without_product(project: &Project, resolved: &Resolved) -> BTreeSet<String> {
    let is_fallen_back = |id: &str, product: Option<&str>| {
        let declared = project.declarations.get(id);
        let fallback = declared.and_then(|declared| declared.fallback.as_deref());
        let outputs = product.and_then(|p| project.config.products.get(p)?.outputs.as_ref());
        declared.is_none_or(|declared| declared.product.is_none())
            && (product.is_none() || product == fallback && outputs.is_none())
    };
    let nodes = resolved.nodes.iter();
    nodes
        .filter(|node| is_fallen_back(&node.unique_id, node.product.as_deref()))
        .map(|node| node.unique_id.clone())
        .collect()
}

/// The block as it is written.
pub(super) fn block(product: Option<&str>, given: &Given) -> Value {
    let grants: Map<String, Value> = given
        .iter()
        .map(|(role, words)| {
            let short = role.product.as_deref() == product && product.is_some();
            let name = if short { role.role.clone() } else { role.to_string() };
            (name, json!(words))
        })
        .collect();
    let mut block = Map::new();
    if let Some(product) = product {
        block.insert("product".to_owned(), product.into());
    }
    block.insert("grants".to_owned(), grants.into());
    block.into()
}

/// Whether a place that gives these nodes a block must name their product. `Err` where some have one
/// of their own: dbt gives the block to all of them.
pub(super) fn product_of_place<'p>(
    nodes: &[&str],
    without: &BTreeSet<String>,
    product: &'p str,
) -> Result<Option<&'p str>, ()> {
    let lacking = nodes.iter().filter(|node| without.contains(**node)).count();
    match lacking {
        0 => Ok(None),
        all if all == nodes.len() => Ok(Some(product)),
        _ => Err(()),
    }
}

/// Puts a block into a `config()` call in place of a quoted key of its `meta`.
pub(super) fn in_call(work: &mut Work, path: &str, key: &str, pairs: &[(&str, Value)]) {
    work.edit(path, |text| {
        let (range, _) =
            value_in_config_call(text, key).ok_or("its config() is not written out")?;
        let is_quoted = text.get(range.start..).is_some_and(|rest| rest.starts_with(['"', '\'']));
        if !is_quoted {
            return Err("its config() is not written out");
        }
        let new: Vec<String> =
            pairs.iter().map(|(key, value)| format!("'{key}': {}", literal(value))).collect();
        let mut edited = text.to_owned();
        edited.replace_range(range, &new.join(", "));
        Ok(edited)
    });
}

/// As Jinja reads it.
pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
            format!("'{escaped}'")
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) => {
            let each: Vec<String> = pairs::ordered(map)
                .iter()
                .map(|(key, value)| format!("{}: {}", literal(&Value::from(*key)), literal(value)))
                .collect();
            format!("{{{}}}", each.join(", "))
        }
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}

/// Whether the map at the way has a block of ours already.
pub(super) fn has_ours(text: &str, way: &[Step]) -> bool {
    let found = pairs::find(text, crate::dbt::KEY).unwrap_or_default();
    found.iter().any(|(other, ..)| other == way)
}

/// Said of a place that some nodes of a product and some of none get a block from.
pub(super) fn mixed(path: &str, product: &str) -> Todo {
    Todo::at(
        path,
        format!(
            "a block here is for nodes of products and for nodes of none: let the `outputs` of a product select them all, or move those of `{product}` into blocks of their own"
        ),
    )
}
