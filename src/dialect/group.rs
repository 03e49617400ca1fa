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

/// The edges of one object, by role.
type OfOneObject<'e, 'a, K, O> = &'e [&'e Edge<'a, K, O>];

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
        let mut by_roles: HashMap<Vec<&'a Ident>, Vec<OfOneObject<'_, 'a, K, O>>> = HashMap::new();
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Edges over small pools, so that equal sets of roles happen, as (kind, object, role).
    fn edges() -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
        prop::collection::vec((0..2_u8, 0..8_u8, 0..4_u8), 0..60)
    }

    proptest! {
        #[test]
        fn the_groups_are_exactly_the_edges(edges in edges()) {
            let roles: Vec<_> = (0..4).map(|n| Ident::new(format!("r{n}")).unwrap()).collect();
            let given: Vec<_> = edges
                .iter()
                .enumerate()
                .map(|(change, (kind, object, role))| Edge {
                    change, kind: *kind, object: *object, role: &roles[usize::from(*role)],
                })
                .collect();
            let groups = group(&given);

            let mut changes: Vec<_> = groups.iter().flat_map(|g| g.changes.clone()).collect();
            changes.sort_unstable();
            prop_assert_eq!(changes, (0..edges.len()).collect::<Vec<_>>());

            let mut pairs = Vec::new();
            for group in &groups {
                for object in &group.objects {
                    for role in &group.roles {
                        pairs.push((group.kind, *object, *role));
                    }
                }
                // A group's changes are about its own pairs.
                for change in &group.changes {
                    let edge = &given[*change];
                    prop_assert!(group.kind == edge.kind);
                    prop_assert!(group.objects.contains(&edge.object));
                    prop_assert!(group.roles.contains(&edge.role));
                }
            }
            let once: BTreeSet<_> = pairs.iter().copied().collect();
            prop_assert_eq!(once.len(), pairs.len(), "a pair in two groups");
            let wanted: BTreeSet<_> = given.iter().map(|e| (e.kind, e.object, e.role)).collect();
            prop_assert_eq!(once, wanted);
        }

        #[test]
        fn the_order_of_edges_decides_only_the_order_of_groups(edges in edges()) {
            let roles: Vec<_> = (0..4).map(|n| Ident::new(format!("r{n}")).unwrap()).collect();
            let grouped = |edges: &[(u8, u8, u8)]| {
                let given: Vec<_> = edges
                    .iter()
                    .map(|(kind, object, role)| Edge {
                        change: 0, kind: *kind, object: *object, role: &roles[usize::from(*role)],
                    })
                    .collect();
                let groups = group(&given).into_iter();
                groups.map(|g| (g.kind, g.objects, g.roles)).collect::<BTreeSet<_>>()
            };
            let backwards: Vec<_> = edges.iter().rev().copied().collect();
            prop_assert_eq!(grouped(&edges), grouped(&backwards));
        }
    }

    #[test]
    fn a_statement_stays_readable() {
        let role = Ident::new("r").unwrap();
        let edges: Vec<_> = (0..1_201_u32)
            .map(|object| Edge { change: object as usize, kind: (), object, role: &role })
            .collect();
        let sizes: Vec<_> = group(&edges).iter().map(|group| group.objects.len()).collect();
        assert_eq!(sizes, [500, 500, 201]);
    }

    #[test]
    fn tables_with_the_same_roles_share_one_statement() {
        let roles: Vec<_> = (0..3).map(|n| Ident::new(format!("r{n}")).unwrap()).collect();
        let pairs = (0..100_u32).flat_map(|object| roles.iter().map(move |role| (object, role)));
        let edges: Vec<_> = pairs
            .enumerate()
            .map(|(change, (object, role))| Edge { change, kind: (), object, role })
            .collect();
        assert_eq!(group(&edges).len(), 1);
    }
}
