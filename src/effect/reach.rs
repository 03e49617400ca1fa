//! Walks over memberships. Each role is seen once, so that a circle ends too.

/// One step along a membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    /// Where it leads.
    pub(super) to: u32,
    /// The membership's place in the state; `None` for one that the server implies.
    pub(super) by: Option<u32>,
}

/// Edges from member to role, and back.
#[derive(Debug, Default)]
pub(super) struct Graph {
    up: Rows,
    down: Rows,
}

/// Edges by where they start, all in one list.
#[derive(Debug, Default)]
struct Rows {
    starts: Vec<u32>,
    edges: Vec<Edge>,
}

impl Rows {
    fn of(size: usize, mut edges: Vec<(u32, Edge)>) -> Self {
        edges.sort_unstable();
        let mut starts = Vec::with_capacity(size + 1);
        let mut at = 0;
        for from in 0..=size as u32 {
            while edges.get(at).is_some_and(|(start, _)| *start < from) {
                at += 1;
            }
            starts.push(at as u32);
        }
        Self { starts, edges: edges.into_iter().map(|(_, edge)| edge).collect() }
    }

    fn from(&self, from: u32) -> &[Edge] {
        let start = |at: u32| self.starts.get(at as usize).map_or(0, |start| *start as usize);
        self.edges.get(start(from)..start(from + 1)).unwrap_or_default()
    }
}

/// How many steps it takes to a role, and the last of them: from where, along which edge.
type Seen = (u32, Option<(u32, Edge)>);

/// How each role was reached.
#[derive(Debug)]
pub(super) struct Reached {
    /// By role.
    seen: Vec<Option<Seen>>,
    /// In the order in which they were reached, nearest first.
    pub(super) order: Vec<u32>,
}

impl Reached {
    pub(super) fn holds(&self, role: u32) -> bool {
        self.distance(role).is_some()
    }

    /// Steps to it; `None` where it is not reached.
    pub(super) fn distance(&self, role: u32) -> Option<u32> {
        self.seen.get(role as usize).copied().flatten().map(|(distance, _)| distance)
    }

    /// The shortest way from a start to it, as (from, edge).
    pub(super) fn way(&self, role: u32) -> Vec<(u32, Edge)> {
        let mut steps = Vec::new();
        let mut at = role;
        while let Some((_, Some((from, edge)))) = self.seen.get(at as usize).copied().flatten() {
            steps.push((from, edge));
            at = from;
        }
        steps.reverse();
        steps
    }
}

impl Graph {
    /// `edges` lead from member to role; `size` is how many roles there are.
    pub(super) fn of(size: usize, edges: Vec<(u32, Edge)>) -> Self {
        let down = edges.iter().map(|(from, edge)| (edge.to, Edge { to: *from, by: edge.by }));
        let down = Rows::of(size, down.collect());
        Self { up: Rows::of(size, edges), down }
    }

    /// The roles that one is in.
    pub(super) fn roles_of(&self, member: u32) -> &[Edge] {
        self.up.from(member)
    }

    /// Whether nobody is in a role.
    pub(super) fn is_empty(&self, role: u32) -> bool {
        self.down.from(role).iter().all(|edge| edge.to == role)
    }

    /// All roles that one of the starts is in, to any depth, and the starts themselves.
    pub(super) fn upwards(&self, starts: &[u32]) -> Reached {
        walk(&self.up, starts)
    }

    /// All members of one of the starts, to any depth, and the starts themselves.
    pub(super) fn downwards(&self, starts: &[u32]) -> Reached {
        walk(&self.down, starts)
    }
}

fn walk(rows: &Rows, starts: &[u32]) -> Reached {
    let size = rows.starts.len().saturating_sub(1);
    let mut reached = Reached { seen: vec![None; size], order: Vec::new() };
    for start in starts {
        if let Some(seen @ None) = reached.seen.get_mut(*start as usize) {
            *seen = Some((0, None));
            reached.order.push(*start);
        }
    }
    let mut at = 0;
    while let Some(from) = reached.order.get(at).copied() {
        at += 1;
        let distance = reached.distance(from).unwrap_or(0);
        for edge in rows.from(from) {
            if let Some(seen @ None) = reached.seen.get_mut(edge.to as usize) {
                *seen = Some((distance + 1, Some((from, *edge))));
                reached.order.push(edge.to);
            }
        }
    }
    reached
}
