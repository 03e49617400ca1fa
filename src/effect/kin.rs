//! Relations that have rows in common: what inherits from another, or is a partition of it.
//!
//! PostgreSQL, "Inheritance": a statement over a relation checks privileges on that relation alone, the
//! one that it names, and reaches its own rows and those of every descendant; the descendant's own list,
//! the way to its schema and its row security are not asked. So one relation reaches rows of another where
//! the two or their descendants meet: all of them from above, a part of them from below, and from beside
//! (a table may inherit from several). INSERT adds to the named table or to a partition of it, never to
//! what inherits from it; what it adds below are rows of whatever is above.
//! `has_*_privilege` knows nothing of all this, so it is an answer of its own beside what is held and what
//! is usable ([`super::Through`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::compiled::Effect;
use super::reasons::{Chain, Step};
use super::state::AccessEntry;
use crate::model::{
    DialectKind, Ident, ObjectClass, Privilege, PrivilegeSet, SchemaKey, Securable,
};

/// What reads or changes rows. The rest is asked of each relation itself (seen on servers: a trigger on a
/// partitioned table, VACUUM).
pub(super) const ROWS: [Privilege; 5] = [
    Privilege::SELECT,
    Privilege::INSERT,
    Privilege::UPDATE,
    Privilege::DELETE,
    Privilege::TRUNCATE,
];

/// What a relation is to another, of whose rows it has some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kinship {
    /// The other inherits from it or is a partition of it, at any depth: it has all of the other's rows.
    Parent,
    /// It is a partition of the other, at any depth.
    Partition,
    /// It inherits from the other, at any depth.
    Child,
    /// It has a descendant in common with the other.
    Beside,
}

/// A relation that has rows in common with another, and what of it reaches those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kin<'a> {
    /// Which.
    pub on: &'a Securable,
    /// What it is to the other.
    pub kinship: Kinship,
    /// What of it reaches the other's rows.
    pub privileges: PrivilegeSet,
    /// Others of the same kinship with the same owner and lists in the same schema: whoever can something by
    /// one can it by each.
    pub alike: Vec<&'a Securable>,
    /// From it to the other: down to where they meet, then up.
    links: Vec<Link<'a>>,
}

/// One step between a child and what it inherits from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Link<'a> {
    child: &'a Securable,
    parent: &'a Securable,
    partition: bool,
    up: bool,
}

/// Relations with the links between them and another, by distance.
type Walk<'a> = Vec<(&'a Securable, Vec<Link<'a>>)>;

/// What decides about everybody's access by a kin.
type Lists<'a> = (
    (Kinship, PrivilegeSet, ObjectClass),
    (Option<SchemaKey>, Option<&'a Ident>),
    Vec<(Option<&'a Ident>, &'a [AccessEntry])>,
);

impl Kin<'_> {
    /// Whether it has only a part of the other's rows.
    pub fn in_part(&self) -> bool {
        self.kinship != Kinship::Parent
    }

    /// Whether it has all of the other's rows with all of their columns: what inherits may have more.
    pub fn has_all(&self) -> bool {
        !self.in_part() && self.links.iter().all(|link| link.partition)
    }
}

impl<'a> Kin<'a> {
    /// A chain to a privilege there, and on to the relation that it is about.
    pub fn lead_on(&self, mut chain: Chain<'a>, privilege: Privilege) -> Chain<'a> {
        let on = self.on;
        chain.steps.extend(self.links.iter().map(|link| {
            let Link { child, parent, partition, up } = *link;
            match up {
                false => Step::Parent { child, parent, partition, on, privilege },
                true => Step::Child { child, parent, partition, on, privilege },
            }
        }));
        chain
    }
}

impl<'a> Effect<'a> {
    /// The relations that have rows in common with one: those above it first, then those below, then those
    /// beside it, nearest first, each once. On Snowflake no relation is a part of another.
    pub fn kin(&self, on: &Securable) -> Vec<Kin<'a>> {
        let mut found = Found::default();
        if self.state.dialect == DialectKind::Snowflake {
            return found.kin;
        }
        let Some((on, object)) = self.state.find(on) else { return found.kin };
        if object.parents.is_empty() && !self.children.contains_key(on) {
            return found.kin;
        }
        let below = self.below(on);
        let insert = PrivilegeSet::of(&[Privilege::INSERT]);
        for (privileges, partitions_only) in
            [(PrivilegeSet::of(&ROWS).minus(insert), false), (insert, true)]
        {
            let mut seen = BTreeSet::from([on]);
            for (above, links) in self.above(on, partitions_only, &mut seen) {
                found.add(above, Kinship::Parent, privileges, links);
            }
            let own: Vec<_> = below.iter().filter(|(child, _)| seen.insert(child)).collect();
            for (child, links) in &own {
                let partition = links.iter().all(|link| link.partition);
                let kinship = if partition { Kinship::Partition } else { Kinship::Child };
                found.add(child, kinship, privileges, links.clone());
            }
            for (child, up) in own {
                for (beside, mut links) in self.above(child, partitions_only, &mut seen) {
                    links.extend(up);
                    found.add(beside, Kinship::Beside, privileges, links);
                }
            }
        }
        found.kin
    }

    /// The same, but of several that are alike the nearest stands for all: a table may have thousands of
    /// partitions.
    pub fn unlike_kin(&self, on: &Securable) -> Vec<Kin<'a>> {
        let mut unlike: Vec<Kin<'a>> = Vec::new();
        let mut known: BTreeMap<Lists<'a>, usize> = BTreeMap::new();
        for kin in self.kin(on) {
            let at = *known.entry(self.lists(&kin)).or_insert(unlike.len());
            match unlike.get_mut(at) {
                Some(first) => first.alike.push(kin.on),
                None => unlike.push(kin),
            }
        }
        unlike
    }

    fn lists(&self, kin: &Kin<'a>) -> Lists<'a> {
        let Kin { on, kinship, privileges, alike: _, links: _ } = kin;
        let owner = self.state.objects.get(*on).and_then(|object| object.owner.as_ref());
        let all = self.with_columns(on).into_iter().filter_map(|on| {
            let object = self.state.objects.get(on)?;
            Some((on.column_name(), object.acl.as_slice()))
        });
        ((*kinship, *privileges, on.class()), (on.schema_key(), owner), all.collect())
    }

    /// What inherits from a relation or is a partition of it, nearest first, with the way back up.
    fn below(&self, on: &'a Securable) -> Walk<'a> {
        let mut seen = BTreeSet::from([on]);
        let mut found: Walk<'a> = vec![(on, Vec::new())];
        let mut at = 0;
        while let Some((parent, up)) = found.get(at).cloned() {
            at += 1;
            for (child, partition) in self.children.get(parent).into_iter().flatten() {
                let (child, partition) = (*child, *partition);
                if seen.insert(child) {
                    let link = Link { child, parent, partition, up: true };
                    found.push((child, [&[link], up.as_slice()].concat()));
                }
            }
        }
        found.remove(0);
        found
    }

    /// What a relation inherits from or is a partition of and what was not seen yet, nearest first, with the
    /// way down.
    fn above(
        &self,
        on: &'a Securable,
        partitions_only: bool,
        seen: &mut BTreeSet<&'a Securable>,
    ) -> Walk<'a> {
        let mut found: Walk<'a> = vec![(on, Vec::new())];
        let mut at = 0;
        while let Some((child, down)) = found.get(at).cloned() {
            at += 1;
            let parents = self.state.objects.get(child).map(|object| &object.parents);
            for above in parents.into_iter().flatten() {
                let partition = above.partition;
                let Some((parent, _)) = self.state.objects.get_key_value(&above.on) else {
                    continue;
                };
                if (partition || !partitions_only) && seen.insert(parent) {
                    let link = Link { child, parent, partition, up: false };
                    found.push((parent, [&[link], down.as_slice()].concat()));
                }
            }
        }
        found.remove(0);
        found
    }
}

/// Kin by what they are, in the order in which they were found.
#[derive(Default)]
struct Found<'a> {
    kin: Vec<Kin<'a>>,
    at: BTreeMap<&'a Securable, usize>,
}

impl<'a> Found<'a> {
    fn add(
        &mut self,
        on: &'a Securable,
        kinship: Kinship,
        privileges: PrivilegeSet,
        links: Vec<Link<'a>>,
    ) {
        let at = *self.at.entry(on).or_insert(self.kin.len());
        match self.kin.get_mut(at) {
            Some(known) => known.privileges = known.privileges.union(privileges),
            None => self.kin.push(Kin { on, kinship, privileges, alike: Vec::new(), links }),
        }
    }
}
