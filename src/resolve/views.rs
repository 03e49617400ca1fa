//! Ownership of views: a view reads as its owner, so an owner that may not read what the view
//! reads would take it from every reader.

use std::collections::{BTreeMap, BTreeSet};

use super::Inputs;
use super::nodes::relation_of;
use crate::model::{
    DesiredOwner, DesiredState, Diagnostic, Diagnostics, Ident, ObjectClass, Privilege, Securable,
};

/// Refuses ownership of a view whose new owner is not declared to read all that the view reads.
/// `owners` are those that are looked at, in `desired` or beside it.
pub(super) fn check_views(
    inputs: &Inputs,
    owners: &BTreeMap<Securable, DesiredOwner>,
    desired: &DesiredState,
    found: &mut Diagnostics,
) {
    if owners.is_empty() {
        return;
    }
    let nodes = || inputs.manifest.nodes.values();
    let relations: BTreeMap<&str, Securable> = nodes()
        .filter_map(|node| Some((node.unique_id.as_str(), relation_of(inputs, node)?)))
        .collect();
    let reads = |on: &Securable, role: &Ident| {
        owners.get(on).is_some_and(|owner| owner.role == *role) || reads(desired, on, role)
    };
    for (on, owner) in owners {
        if !matches!(on.class(), ObjectClass::View | ObjectClass::MaterializedView) {
            continue;
        }
        for (id, _) in relations.iter().filter(|(_, relation)| *relation == on) {
            let unread: Vec<&str> = parents(inputs, id)
                .into_iter()
                .filter(|id| !relations.get(id).is_some_and(|on| reads(on, &owner.role)))
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
                .with_node(*id)
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
