//! What is read and written through another relation: one that a table inherits from, or is a
//! partition of.
//!
//! PostgreSQL, "Inheritance": a statement over the parent checks privileges on the parent alone, the
//! relation that it names, and reaches the rows of every child; the child's own list, the way to its
//! schema and its row security are not asked. INSERT reaches partitions only. `has_*_privilege` of the
//! child knows nothing of it, so it is an answer of its own beside what is held and what is usable.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{AsRole, Lack};
use super::compiled::Effect;
use super::reasons::{Chain, Step};
use super::who::Holder;
use crate::model::{DialectKind, Ident, Privilege, PrivilegeSet, Securable};

/// What reaches the rows of children; the others are asked of each child itself (seen on servers: a
/// trigger on a partitioned table, VACUUM).
const ROWS: PrivilegeSet = PrivilegeSet::of(&[
    Privilege::SELECT,
    Privilege::INSERT,
    Privilege::UPDATE,
    Privilege::DELETE,
    Privilege::TRUNCATE,
]);

/// A relation by which the rows of another are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Above<'a> {
    /// Which.
    pub on: &'a Securable,
    /// What of it reaches them.
    pub privileges: PrivilegeSet,
    /// From it down: a relation, its child, and whether that is a partition.
    links: Vec<(&'a Securable, &'a Securable, bool)>,
}

/// How somebody reaches the rows of a relation by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Through<'a> {
    /// The relation that a statement names.
    pub on: &'a Securable,
    /// Why they hold the privilege there, and how it leads on.
    pub chain: Chain<'a>,
    /// It takes a SET ROLE first.
    pub by_set_role: bool,
    /// What is missing to use it there; of no meaning after SET ROLE.
    pub lacks: Vec<Lack>,
}

impl Through<'_> {
    /// Whether a query could use it: at once, or after SET ROLE.
    pub fn usable(&self) -> bool {
        self.by_set_role || self.lacks.is_empty()
    }

    /// The best first: at once, after SET ROLE, of no use.
    fn rank(&self) -> u8 {
        match (self.by_set_role, self.lacks.is_empty()) {
            (false, true) => 0,
            (true, _) => 1,
            (false, false) => 2,
        }
    }
}

impl<'a> Above<'a> {
    /// A chain to a privilege there, and on to the relation that it is about.
    pub fn through(&self, mut chain: Chain<'a>, privilege: Privilege) -> Chain<'a> {
        chain.steps.extend(self.links.iter().map(|(parent, child, partition)| Step::Parent {
            child,
            parent,
            partition: *partition,
            on: self.on,
            privilege,
        }));
        chain
    }
}

impl<'a> Effect<'a> {
    /// The relations by which the rows of one are reached, nearest first, each once. On Snowflake no
    /// relation is a part of another.
    pub fn above(&self, on: &Securable) -> Vec<Above<'a>> {
        let mut found: Vec<Above<'a>> = Vec::new();
        if self.state.dialect == DialectKind::Snowflake {
            return found;
        }
        let Some((on, _)) = self.state.find(on) else { return found };
        let insert = PrivilegeSet::of(&[Privilege::INSERT]);
        for (privileges, partitions_only) in [(ROWS.minus(insert), false), (insert, true)] {
            let mut seen = BTreeSet::from([on]);
            let mut next = vec![(on, Vec::new())];
            while !next.is_empty() {
                let mut further = Vec::new();
                for (child, links) in next {
                    let parents = self.state.objects.get(child).map(|object| &object.parents);
                    for parent in parents.into_iter().flatten() {
                        let Some((above, _)) = self.state.objects.get_key_value(&parent.on) else {
                            continue;
                        };
                        if partitions_only && !parent.partition || !seen.insert(above) {
                            continue;
                        }
                        let mut links = links.clone();
                        links.insert(0, (above, child, parent.partition));
                        match found.iter_mut().find(|known| known.on == above) {
                            Some(known) => known.privileges = known.privileges.union(privileges),
                            None => {
                                found.push(Above { on: above, privileges, links: links.clone() });
                            }
                        }
                        further.push((above, links));
                    }
                }
                next = further;
            }
        }
        found
    }

    /// The same, of what one privilege reaches.
    fn above_by(&self, on: &Securable, privilege: Privilege) -> Vec<Above<'a>> {
        let mut above = self.above(on);
        above.retain(|above| above.privileges.contains(privilege));
        above
    }

    /// Everybody who reaches the rows of a relation by another, by role: the best way of each.
    pub(super) fn through(
        &self,
        on: &Securable,
        privilege: Privilege,
    ) -> BTreeMap<&'a Ident, Through<'a>> {
        let mut best: BTreeMap<&'a Ident, Through<'a>> = BTreeMap::new();
        for above in self.above_by(on, privilege) {
            for holder in self.holders(above.on, privilege) {
                let Some(through) = by_holder(&above, &holder, privilege) else { continue };
                let known = best.get(holder.role);
                if known.is_none_or(|known| through.rank() < known.rank()) {
                    best.insert(holder.role, through);
                }
            }
        }
        best
    }
}

fn by_holder<'a>(
    above: &Above<'a>,
    holder: &Holder<'a>,
    privilege: Privilege,
) -> Option<Through<'a>> {
    let Holder { answer, chain, by_set_role, .. } = holder;
    let later = by_set_role.as_ref().filter(|_| !answer.usable());
    let chain = later.or(chain.as_ref())?.clone();
    Some(Through {
        on: above.on,
        chain: above.through(chain, privilege),
        by_set_role: later.is_some(),
        lacks: if later.is_some() { Vec::new() } else { answer.lacks.clone() },
    })
}

impl<'a> AsRole<'_, 'a> {
    /// The best way by which it reaches the rows of a relation by another; `None` where it holds the
    /// privilege on none of those.
    pub fn through(&self, on: &Securable, privilege: Privilege) -> Option<Through<'a>> {
        let ways = self.effect.above_by(on, privilege).into_iter().filter_map(|above| {
            let answer = self.answer(above.on, privilege);
            let other =
                (!answer.usable()).then(|| self.usable_by_set_role(above.on, privilege)).flatten();
            let by_set_role =
                other.and_then(|other| self.reason_by_set_role(other, above.on, privilege));
            let chain = self.reason(above.on, privilege);
            let holder = Holder { role: self.name(), answer, chain, by_set_role, through: None };
            by_holder(&above, &holder, privilege)
        });
        ways.min_by_key(Through::rank)
    }
}
