//! Proposed declarations as a text that dbt could read.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::products::Proposal;
use super::write::{commented, one_line};
use crate::dbt::{Manifest, Node, ResourceType};
use crate::declare::NodeDeclarations;
use crate::edit::scalar;

/// The block as `meta.rolecall` has it.
pub fn block_json(block: &NodeDeclarations) -> Value {
    let grants: Map<String, Value> = block
        .grants
        .iter()
        .map(|declared| (declared.role.to_string(), json!(declared.permissions)))
        .collect();
    let mut map = Map::new();
    if let Some(product) = &block.product {
        map.insert("product".to_owned(), product.as_str().into());
    }
    map.insert("grants".to_owned(), grants.into());
    map.into()
}

/// The nodes' properties: each with its whole block, and where it belongs.
pub fn declarations_file(proposals: &[Proposal], manifest: &Manifest, head: &str) -> String {
    let mut text = commented(head);
    let nodes: Vec<(&Node, &Proposal)> = proposals
        .iter()
        .filter_map(|proposal| Some((manifest.nodes.get(&proposal.unique_id)?, proposal)))
        .collect();
    let kinds = [
        (ResourceType::Model, "models"),
        (ResourceType::Seed, "seeds"),
        (ResourceType::Snapshot, "snapshots"),
        (ResourceType::Source, "sources"),
    ];
    for (kind, key) in kinds {
        let mut of_kind = nodes.iter().filter(|(node, _)| node.resource_type == kind).peekable();
        if of_kind.peek().is_some() {
            let _ = writeln!(text, "{key}:");
        }
        // The versions of a model are one item.
        let mut before = None;
        for (node, proposal) in of_kind {
            let file = node.patch_path.as_ref().unwrap_or(&node.original_file_path);
            let of_versions = node.version.as_ref().map(|_| (&node.package_name, &node.name, file));
            if of_versions.is_none() || before != of_versions {
                let _ = writeln!(text, "  # {}", one_line(file));
            }
            if let Some(version) = &node.version {
                if before != of_versions {
                    let _ = writeln!(text, "  - name: {}\n    versions:", scalar(&node.name));
                }
                let is_number = version.parse::<f64>().is_ok_and(f64::is_finite);
                let version = if is_number { version.clone() } else { scalar(version) };
                let _ = writeln!(text, "      - v: {version}");
                // A version has its own `config`, whatever its model has.
                write_block(&mut text, "        ", &["config", "meta", "rolecall"], proposal);
                before = of_versions;
                continue;
            }
            match &node.source_name {
                Some(source) => {
                    let _ = writeln!(text, "  - name: {}\n    tables:", scalar(source));
                    write_node(&mut text, "      ", node, proposal);
                }
                None => write_node(&mut text, "  ", node, proposal),
            }
        }
    }
    text
}

fn write_node(text: &mut String, indent: &str, node: &Node, proposal: &Proposal) {
    let _ = writeln!(text, "{indent}- name: {}", scalar(&node.name));
    let is_old = node.rolecall_key.is_some_and(|key| !key.starts_with("config"));
    let keys = ["config", "meta", "rolecall"];
    let keys = if is_old { keys.get(1..) } else { None }.unwrap_or(&keys);
    write_block(text, &format!("{indent}  "), keys, proposal);
}

fn write_block(text: &mut String, indent: &str, keys: &[&str], proposal: &Proposal) {
    let Proposal { unique_id: _, product: _, block, new } = proposal;
    let mut indent = indent.to_owned();
    for key in keys {
        let _ = writeln!(text, "{indent}{key}:");
        indent.push_str("  ");
    }
    if let Some(product) = &block.product {
        let _ = writeln!(text, "{indent}product: {}", scalar(product));
    }
    let _ = writeln!(text, "{indent}grants:");
    for declared in &block.grants {
        let words: Vec<String> = declared.permissions.iter().map(|word| scalar(word)).collect();
        let note = if new.contains(&declared.role) { "  # new" } else { "" };
        let role = scalar(&declared.role.to_string());
        let _ = writeln!(text, "{indent}  {role}: [{}]{note}", words.join(", "));
    }
}
