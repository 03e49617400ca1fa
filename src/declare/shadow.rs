//! What a folder's block gave a node and the node's own block drops: dbt replaces it whole.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::dbt::Node;
use crate::model::{Diagnostic, Diagnostics};

use super::block::Places;
use super::layers::Layer;

/// Warns about each weaker layer of which something is lost. `winner` is the layer that the block
/// came from, where that is known, and `places` says where that is.
pub(super) fn check(
    node: &Node,
    block: &Value,
    layers: &[Layer<'_>],
    winner: Option<usize>,
    places: &dyn Places,
    diagnostics: &mut Diagnostics,
) {
    let weaker = winner.map_or(0, |winner| winner + 1);
    for layer in layers.iter().skip(weaker).filter(|layer| layer.is_shared) {
        let Some(shared) = layer.json() else { continue };
        let lost = lost(&shared, block);
        if lost.is_empty() {
            continue;
        }
        let by = winner.and_then(|at| layers.get(at));
        let mut warning = Diagnostic::warning(
            "meta-shadowed",
            format!("this block replaces that of the folder or source above it, which also gives {}", lost.join(", ")),
        )
        .with_help("dbt merges `meta` key by key and not deeper: repeat here what should stay, or take it out above");
        // One folder inside another is one finding, not one per node.
        if !by.is_some_and(|by| by.is_shared) {
            warning = warning.with_node(&node.unique_id).with_path("meta.rolecall");
        }
        if let Some(place) = places.block() {
            warning = warning.with_place(place);
        }
        if let Some(place) = layer.block() {
            warning = warning.with_also(place, "this block is replaced whole");
        }
        diagnostics.push(warning);
    }
}

/// What `shared` says and `own` does not, as people write it.
fn lost(shared: &Value, own: &Value) -> Vec<String> {
    let mut lost = Vec::new();
    if let (Some(Value::String(product)), None) = (shared.get("product"), own.get("product")) {
        lost.push(format!("`product: {product}`"));
    }
    let Some(roles) = shared.get("grants").and_then(Value::as_object) else { return lost };
    for (role, given) in roles {
        let kept = own.get("grants").and_then(|grants| grants.get(role));
        let kept = kept.map(words).unwrap_or_default();
        let missing: Vec<&str> = words(given).difference(&kept).copied().collect();
        if !missing.is_empty() {
            lost.push(format!("`{role}: [{}]`", missing.join(", ")));
        }
    }
    lost
}

fn words(value: &Value) -> BTreeSet<&str> {
    match value {
        Value::String(word) => [word.as_str()].into(),
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        _ => BTreeSet::new(),
    }
}
