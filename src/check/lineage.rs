//! What stands behind the views that dbt makes, by the manifest.

use std::collections::{BTreeMap, BTreeSet};

use crate::effect::AccessState;
use crate::model::{DialectKind, ObjectClass, Securable};
use crate::project::Project;
use crate::resolve::ManagedNode;

/// What the views read that dbt makes, by the manifest: an account tells it hours later, or not at all.
pub fn read_by_dbt_s_views(project: &Project, nodes: &[ManagedNode], state: &mut AccessState) {
    if state.dialect != DialectKind::Snowflake {
        return;
    }
    let relations = relations(nodes);
    for (id, view) in &relations {
        if view.class() != ObjectClass::View || !state.objects.contains_key(*view) {
            continue;
        }
        let parents = parents(project, &relations, id).into_values();
        let reads = parents.filter_map(|on| state.find(on).map(|(on, _)| on.clone()));
        let mut reads: BTreeSet<Securable> = reads.collect();
        let Some(object) = state.objects.get_mut(*view) else { continue };
        let reading = object.reading.get_or_insert_default();
        reads.retain(|on| *on != **view && reading.relations.iter().all(|(of, _)| of != on));
        reading.relations.extend(reads.into_iter().map(|on| (on, Vec::new())));
        reading.relations.sort_unstable();
    }
}

/// The relations that stand behind a node that is a view, behind views that it reads too.
pub fn behind_dbt_s_view<'n>(
    project: &'n Project,
    nodes: &'n [ManagedNode],
    unique_id: &'n str,
) -> BTreeSet<&'n Securable> {
    let relations = relations(nodes);
    let mut behind = BTreeSet::new();
    let mut next = vec![unique_id];
    while let Some(id) = next.pop() {
        if relations.get(id).is_none_or(|on| on.class() != ObjectClass::View) {
            continue;
        }
        for (parent, on) in parents(project, &relations, id) {
            if behind.insert(on) {
                next.push(parent);
            }
        }
    }
    behind
}

fn relations(nodes: &[ManagedNode]) -> BTreeMap<&str, &Securable> {
    nodes
        .iter()
        .filter_map(|node| Some((node.unique_id.as_str(), node.relation.as_ref()?)))
        .collect()
}

/// The relations that a node reads, by their nodes.
fn parents<'n>(
    project: &'n Project,
    relations: &BTreeMap<&'n str, &'n Securable>,
    unique_id: &str,
) -> BTreeMap<&'n str, &'n Securable> {
    let mut reads = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut next = vec![unique_id];
    while let Some(at) = next.pop() {
        let parents = project.manifest.nodes.get(at).map(|node| &node.depends_on);
        for parent in parents.into_iter().flatten().filter(|it| seen.insert(it.as_str())) {
            match relations.get_key_value(parent.as_str()) {
                Some((id, on)) => {
                    reads.insert(*id, *on);
                }
                // An ephemeral model is a part of what reads it.
                None => next.push(parent.as_str()),
            }
        }
    }
    reads
}
