//! Putting many edges into few statements, without a pair that was not asked for.

use std::collections::HashMap;
use std::hash::Hash;

use crate::model::Ident;

/// How many objects, and how many roles, one statement names at most.
const WIDEST: usize = 500;

/// One (object, role) pair that a change is about. Pairs of one `kind` can share a statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge<'a, K, O> {
    pub(super) change: usize,
    pub(super) kind: K,
    pub(super) object: O,
    pub(super) role: &'a Ident,
}

/// A full cross product: every object with every role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group<'a, K, O> {
    pub(super) kind: K,
    pub(super) objects: Vec<O>,
    pub(super) roles: Vec<&'a Ident>,
    /// Sorted, each once.
    pub(super) changes: Vec<usize>,
}

/// Groups edges: objects whose sets of roles are equal share a statement. The cross products of
/// the groups together are exactly the edges. Ordered by each group's first change.
pub(super) fn group<'a, K, O>(edges: &[Edge<'a, K, O>]) -> Vec<Group<'a, K, O>>
where
    K: Copy + Eq + Hash,
    O: Copy + Ord,
{
    let mut by_kind: HashMap<K, Vec<&Edge<'a, K, O>>> = HashMap::new();
    for edge in edges {
        by_kind.entry(edge.kind).or_default().push(edge);
    }
    let mut groups = Vec::new();
    for (kind, mut edges) in by_kind {
        edges.sort_by(|a, b| (a.object, a.role).cmp(&(b.object, b.role)));
        let mut by_roles: HashMap<Vec<&'a Ident>, Vec<&[&Edge<'a, K, O>]>> = HashMap::new();
        for of_object in edges.chunk_by(|a, b| a.object == b.object) {
            let mut roles: Vec<_> = of_object.iter().map(|edge| edge.role).collect();
            roles.dedup();
            by_roles.entry(roles).or_default().push(of_object);
        }
        for (roles, objects) in by_roles {
            for objects in objects.chunks(WIDEST) {
                for roles in roles.chunks(WIDEST) {
                    let wanted = |edge: &&&Edge<'a, K, O>| roles.binary_search(&edge.role).is_ok();
                    let mut changes: Vec<_> = objects
                        .iter()
                        .flat_map(|edges| edges.iter().filter(wanted).map(|edge| edge.change))
                        .collect();
                    changes.sort_unstable();
                    changes.dedup();
                    groups.push(Group {
                        kind,
                        objects: objects
                            .iter()
                            .filter_map(|o| o.first())
                            .map(|e| e.object)
                            .collect(),
                        roles: roles.to_vec(),
                        changes,
                    });
                }
            }
        }
    }
    // Hash maps have no order of their own: the output must not depend on theirs.
    groups.sort_by(|a, b| a.changes.cmp(&b.changes));
    groups
}
