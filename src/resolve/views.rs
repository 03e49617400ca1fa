//! Ownership of views: a view reads as its owner, so an owner that may not read what the view
//! reads would take it from every reader.

use std::collections::{BTreeMap, BTreeSet};

use super::Inputs;
use super::nodes::ManagedNode;
use crate::model::{
    DesiredState, Diagnostic, Diagnostics, Ident, ObjectClass, Privilege, Securable,
};

/// Refuses `own` on a view whose new owner is not declared to read all that the view reads.
pub(super) fn check_views(
    inputs: &Inputs,
    nodes: &[ManagedNode],
    desired: &DesiredState,
    found: &mut Diagnostics,
) {
    if desired.owners.is_empty() {
        return;
    }
    let relations: BTreeMap<&str, &Securable> = nodes
        .iter()
        .filter_map(|node| Some((node.unique_id.as_str(), node.relation.as_ref()?)))
        .collect();
    for (on, owner) in &desired.owners {
        if !matches!(on.class(), ObjectClass::View | ObjectClass::MaterializedView) {
            continue;
        }
        for node in nodes.iter().filter(|node| node.relation.as_ref() == Some(on)) {
            let unread: Vec<&str> = parents(inputs, &node.unique_id)
                .into_iter()
                .filter(|id| !relations.get(id).is_some_and(|on| reads(desired, on, &owner.role)))
                .collect();
            if unread.is_empty() {
                continue;
            }
            found.push(
                Diagnostic::error(
                    "own-blinds-view",
                    format!(
                        "{} is declared to own the view {on}, which reads as its owner, but not to read {}",
                        owner.role,
                        unread.join(", ")
                    ),
                )
                .with_node(&node.unique_id)
                .with_help("every reader of the view would lose it: give the owner `read` there, or `admin` on the view instead of `own`"),
            );
        }
    }
}

fn reads(desired: &DesiredState, on: &Securable, role: &Ident) -> bool {
    let owns = desired.owners.get(on).is_some_and(|owner| owner.role == *role);
    let key = (on.clone(), role.clone());
    owns || desired.grants.get(&key).is_some_and(|g| g.privileges.contains(Privilege::SELECT))
}

/// What a node reads: its parents, and through ephemeral ones theirs.
fn parents<'a>(inputs: &Inputs<'a>, id: &str) -> BTreeSet<&'a str> {
    let mut parents = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut todo: Vec<&str> = vec![id];
    while let Some(id) = todo.pop() {
        let Some(node) = inputs.manifest.nodes.get(id) else { continue };
        for parent in &node.depends_on {
            match inputs.manifest.nodes.get(parent) {
                // Ephemeral: its own parents are read instead.
                Some(node) if node.relation.is_none() => {
                    if seen.insert(parent.as_str()) {
                        todo.push(parent);
                    }
                }
                // What the manifest does not describe is not known to be read, either.
                Some(_) | None => {
                    parents.insert(parent.as_str());
                }
            }
        }
    }
    parents
}
