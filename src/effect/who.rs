//! Everyone who holds a privilege on an object: one walk for the privilege, one for each container
//! on the way, one for SET ROLE.

use super::answer::{Answer, Lack};
use super::compiled::Effect;
use super::reach::Reached;
use super::reasons::{Basis, Chain, Step};
use super::through::Through;
use crate::model::{Ident, Privilege, Securable};

/// Somebody who holds a privilege, who can use it after SET ROLE, or who reaches rows otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder<'a> {
    /// Who.
    pub role: &'a Ident,
    /// Whether the privilege is held, and what is missing to use it.
    pub answer: Answer,
    /// The shortest reason; `None` for one who does not hold it.
    pub chain: Option<Chain<'a>>,
    /// How it is used after SET ROLE, where it cannot be at once.
    pub by_set_role: Option<Chain<'a>>,
    /// How they reach rows otherwise than by the whole relation, where they cannot by that at once.
    pub through: Option<Through<'a>>,
}

impl<'a> Holder<'a> {
    /// The chain by which a query could use it; where none could, the one by which it is held.
    pub fn told(self) -> Option<Chain<'a>> {
        let Self { role: _, answer, chain, by_set_role, through } = self;
        if answer.usable() {
            return chain;
        }
        let through = through.filter(|it| it.usable() || chain.is_none());
        by_set_role.or(through.map(|through| through.chain)).or(chain)
    }

    /// Whether a query could use it: at once, or after SET ROLE.
    pub fn usable(&self) -> bool {
        self.answer.usable() || self.by_set_role.is_some()
    }

    /// The same, or rows by another way.
    pub fn reaches(&self) -> bool {
        self.usable() || self.through.as_ref().is_some_and(Through::usable)
    }
}

/// Who holds one privilege on one object.
struct Everyone<'a> {
    bases: Vec<Basis<'a>>,
    public: Option<Basis<'a>>,
    reached: Reached,
}

impl<'a> Effect<'a> {
    fn everyone(&self, on: &Securable, privilege: Privilege) -> Everyone<'a> {
        let bases = self.bases(on, privilege);
        let public = bases.iter().find(|basis| basis.role.is_none()).copied();
        let starts: Vec<u32> = bases.iter().filter_map(|basis| basis.role).collect();
        Everyone { bases, public, reached: self.inherits.downwards(&starts) }
    }

    /// Everyone who holds a privilege on an object, who could by SET ROLE alone, and who reaches rows of it
    /// by another way, by name.
    pub fn who(&self, on: &Securable, privilege: Privilege) -> Vec<Holder<'a>> {
        let mut found = self.holders(on, privilege);
        let whole: Vec<&Ident> = found.iter().map(|holder| holder.role).collect();
        let has_whole = |role: &Ident| whole.binary_search(&role).is_ok();
        for (role, through) in self.through(on, privilege, has_whole) {
            match found.binary_search_by(|holder| holder.role.cmp(role)) {
                Ok(at) => {
                    let known = found.get_mut(at).filter(|known| !known.answer.usable());
                    if let Some(known) = known {
                        known.through = Some(through);
                    }
                }
                Err(at) => {
                    let answer = Answer { privilege: false, lacks: Vec::new() };
                    let (chain, by_set_role, through) = (None, None, Some(through));
                    found.insert(at, Holder { role, answer, chain, by_set_role, through });
                }
            }
        }
        found
    }

    /// The same of the object alone.
    pub(super) fn holders(&self, on: &Securable, privilege: Privilege) -> Vec<Holder<'a>> {
        let everyone = self.everyone(on, privilege);
        let way: Vec<_> = self
            .way_to(on, privilege)
            .into_iter()
            .map(|needed| (self.everyone(&needed.on, needed.privilege), needed))
            .collect();
        let inside = self.inside(on, privilege);
        // Columns that are named one by one are asked for each role; whole relations once.
        let needs = inside.needs.iter();
        let invokers: Vec<_> =
            needs.map(|read| (self.everyone(&read.0, Privilege::SELECT), *read)).collect();
        let lacks = |role: u32| {
            let mut lacks = Vec::new();
            for (holders, needed) in &way {
                if !self.has(holders, role) {
                    lacks.push(needed.clone().lack());
                }
            }
            for (holders, read) in &invokers {
                if !self.has(holders, role) && !self.numbered(role).may_read(read) {
                    lacks.push(Lack::Invoker { reads: read.0.clone() });
                }
            }
            for base in &inside.writes {
                if !self.numbered(role).may_write(base, privilege) && !self.is_superuser(role) {
                    lacks.push(Lack::Invoker { reads: (*base).clone() });
                }
            }
            lacks.extend(inside.lacks.iter().cloned());
            lacks
        };
        let mut found: Vec<Holder<'a>> = Vec::new();
        let mut usable_as = Vec::new();
        let connects = |lacks: &[Lack]| !lacks.iter().any(|l| matches!(l, Lack::Connect { .. }));
        for (role, name) in (0..).zip(&self.names) {
            let chain = self.shortest(&everyone, role);
            let lacks = lacks(role);
            if chain.is_some() && lacks.iter().all(|lack| matches!(lack, Lack::Connect { .. })) {
                usable_as.push(role);
            }
            let answer = Answer { privilege: chain.is_some(), lacks };
            found.push(Holder { role: name, answer, chain, by_set_role: None, through: None });
        }
        let become_ = self.sets.downwards(&usable_as);
        for session in &become_.order {
            let Some(holder) = found.get_mut(*session as usize) else { continue };
            // From the role that can, down to the member: told the other way round.
            let way = become_.way(*session);
            let Some(current) = way.first().map(|(from, _)| *from) else { continue };
            let Some(rest) = self.shortest(&everyone, current) else { continue };
            if !holder.answer.usable() && connects(&holder.answer.lacks) {
                let up = way.into_iter().rev().filter_map(|(role, edge)| {
                    let by = super::reach::Edge { to: role, by: edge.by };
                    self.member_step(edge.to, by, true)
                });
                let steps = up.chain(rest.steps).collect();
                holder.by_set_role = Some(Chain { steps });
            }
        }
        for (role, holder) in (0..).zip(&mut found) {
            if !holder.usable() {
                holder.by_set_role = self.by_all_roles(role, on, privilege);
            }
        }
        found.retain(|holder| holder.answer.privilege || holder.by_set_role.is_some());
        found
    }

    fn has(&self, holders: &Everyone<'_>, role: u32) -> bool {
        holders.public.is_some() || holders.reached.holds(role) || self.is_superuser(role)
    }

    fn shortest(&self, everyone: &Everyone<'a>, role: u32) -> Option<Chain<'a>> {
        if self.is_superuser(role) {
            let role = self.names.get(role as usize)?;
            return Some(Chain { steps: vec![Step::Superuser { role }] });
        }
        let distance = everyone.reached.distance(role);
        match (distance, everyone.public) {
            (None | Some(1..), Some(public)) => Some(Chain { steps: vec![public.step] }),
            (None, None) => None,
            (Some(_), _) => {
                let way = everyone.reached.way(role);
                let start = way.first().map_or(role, |(from, _)| *from);
                let basis = everyone.bases.iter().find(|basis| basis.role == Some(start))?;
                let up = way.into_iter().rev().filter_map(|(role, edge)| {
                    let by = super::reach::Edge { to: role, by: edge.by };
                    self.member_step(edge.to, by, false)
                });
                Some(Chain { steps: up.chain([basis.step]).collect() })
            }
        }
    }
}
