//! One walk after another over the same memberships, without clearing what the last one saw: with a
//! hundred thousand people each walk is short, and there are many.

use super::super::reach::{Edge, Graph};

/// The last walk.
#[derive(Debug)]
pub(super) struct Walker {
    /// By role: which walk saw it last, and from where.
    seen: Vec<(u32, Option<(u32, Edge)>)>,
    walk: u32,
    /// In the order in which they were reached, nearest first; the start comes first.
    order: Vec<u32>,
}

impl Walker {
    pub(super) fn new(roles: usize) -> Self {
        Self { seen: vec![(0, None); roles], walk: 0, order: Vec::new() }
    }

    /// All roles that one is in, to any depth, itself first, nearest first.
    pub(super) fn upwards(&mut self, graph: &Graph, start: u32) -> &[u32] {
        self.walk += 1;
        self.order.clear();
        self.see(start, None);
        let mut at = 0;
        while let Some(from) = self.order.get(at).copied() {
            at += 1;
            for edge in graph.roles_of(from) {
                self.see(edge.to, Some((from, *edge)));
            }
        }
        &self.order
    }

    fn see(&mut self, role: u32, by: Option<(u32, Edge)>) {
        if let Some(seen) = self.seen.get_mut(role as usize).filter(|seen| seen.0 != self.walk) {
            *seen = (self.walk, by);
            self.order.push(role);
        }
    }

    /// What the last walk reached.
    pub(super) fn order(&self) -> &[u32] {
        &self.order
    }

    /// The shortest way of the last walk from its start to a role, as (from, edge).
    pub(super) fn way(&self, role: u32) -> Vec<(u32, Edge)> {
        let mut steps = Vec::new();
        let mut at = role;
        while let Some((walk, Some((from, edge)))) = self.seen.get(at as usize).copied() {
            if walk != self.walk {
                break;
            }
            steps.push((from, edge));
            at = from;
        }
        steps.reverse();
        steps
    }
}
