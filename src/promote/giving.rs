//! The nodes that give access: by a declaration, or by a policy.

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::Compared;
use crate::model::{Inventory, Marker, Securable};
use crate::project::Project;
use crate::resolve::ManagedNode;

/// What gives access in one environment, whatever is there yet.
#[derive(Default)]
pub(super) struct Giving {
    /// All nodes that give somebody something.
    pub(super) nodes: BTreeSet<String>,
    /// What policies give: whose role it is, the same in every environment; node; words.
    pub(super) by_policy: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
    /// Where the nodes are that policies give something on.
    relations: BTreeMap<String, Securable>,
}

impl Giving {
    pub(super) fn of(project: &Project) -> Self {
        let declared = project.declarations.iter().filter(|(_, node)| !node.grants.is_empty());
        let mut giving =
            Self { nodes: declared.map(|(id, _)| id.clone()).collect(), ..Self::default() };
        if project.config.policies.is_empty() {
            return giving;
        }
        let (resolved, _) = project.resolve(None, &Inventory::default(), true, None);
        let Some(resolved) = resolved else { return giving };
        for (id, given) in resolved.by_policy {
            for (role, words) in given {
                let marker = resolved.desired.roles.get(&role).map(|role| &role.marker);
                let Some(whose) = marker.map(Marker::whose) else { continue };
                let nodes = giving.by_policy.entry(whose).or_default();
                nodes.entry(id.clone()).or_default().extend(words);
            }
            giving.nodes.insert(id);
        }
        let relations = resolved.nodes.into_iter().filter(|n| giving.nodes.contains(&n.unique_id));
        giving.relations =
            relations.filter_map(|node| Some((node.unique_id, node.relation?))).collect();
        giving
    }

    /// Whether a node that gives access is not in the warehouse. Where only policies are about it,
    /// resolving says no more of it than that there is nothing to grant.
    pub(super) fn misses(&self, node: &ManagedNode, compared: &Compared) -> bool {
        let observed = &compared.observed;
        let is_gone = |on: &Securable| {
            let database = observed.server.database.as_ref();
            let is_here = database.is_none_or(|here| on.database_name() == Some(here));
            is_here && observed.inventory.relation(on).is_none()
        };
        let on = self.relations.get(&node.unique_id);
        self.nodes.contains(&node.unique_id) && (node.missing || on.is_some_and(is_gone))
    }
}
