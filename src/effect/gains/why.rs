//! Why somebody gains or loses: the shortest chain, and which of its steps the other side lacks.

use std::collections::HashSet;

use super::super::answer::Lack;
use super::super::reasons::{Chain, Step};
use super::side::Side;
use super::walk::Walker;
use super::{Changed, Gains, What};
use crate::dialect;
use crate::model::{ObjectClass, Privilege, PrivilegeSet, Securable};

/// Why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because<'a> {
    /// The privilege that it is of: one of those that are gained or lost.
    pub privilege: Privilege,
    /// The shortest chain: after, for what is gained; before, for what is lost.
    pub chain: Chain<'a>,
    /// By step: the other side has no such step.
    pub changed: Vec<bool>,
    /// What is missing: before, where nothing of the chain is new; after, where nothing of it is gone
    /// or it is held in vain.
    pub lacks: Vec<Lack>,
}

/// Answers why, one question after another.
#[derive(Debug)]
pub struct Reasons<'g, 'a> {
    gains: &'g Gains<'a>,
    before: OfSide,
    after: OfSide,
}

/// What answering needs of one side.
#[derive(Debug)]
struct OfSide {
    inherits: Walker,
    sets: Walker,
    /// By subjects: member, role.
    memberships: HashSet<(u32, u32)>,
}

impl OfSide {
    fn new(side: &Side<'_>) -> Self {
        let size = side.effect.names.len();
        let subject = |name| {
            let role = side.effect.number(name)?;
            side.subject_of.get(role as usize).copied()
        };
        let all = side.effect.state.memberships.iter();
        let memberships = all.filter_map(|it| Some((subject(&it.member)?, subject(&it.role)?)));
        let memberships = memberships.collect();
        Self { inherits: Walker::new(size), sets: Walker::new(size), memberships }
    }
}

impl<'g, 'a> Reasons<'g, 'a> {
    pub(super) fn new(gains: &'g Gains<'a>) -> Self {
        Self { gains, before: OfSide::new(&gains.before), after: OfSide::new(&gains.after) }
    }

    /// Why a subject of a change gains or loses one of its things.
    pub fn why(&mut self, changed: &Changed, subject: u32, thing: u32) -> Option<Because<'a>> {
        let Gains { before, after, contents, .. } = self.gains;
        let loses = changed.what == What::Loses;
        let (here, of_here, there, of_there) = match loses {
            true => (before, &mut self.before, after, &mut self.after),
            false => (after, &mut self.after, before, &mut self.before),
        };
        let rows = &contents.rows;
        let on = here.on.get(thing as usize).copied().flatten()?;
        let candidates = candidates(changed, here, on);
        let mut found: Option<(Privilege, Chain<'a>)> = None;
        for privilege in candidates.iter() {
            let Some(chain) = here.chain(of_here, rows, subject, on, privilege) else { continue };
            let elsewhere = there.on.get(thing as usize).copied().flatten();
            let also = elsewhere
                .is_some_and(|on| there.chain(of_there, rows, subject, on, privilege).is_some());
            if !also {
                found = Some((privilege, chain));
                break;
            }
            found.get_or_insert((privilege, chain));
        }
        let (privilege, chain) = found?;
        let is_new = |step: &Step<'a>| !here.also(there, &of_there.memberships, rows, step);
        let steps: Vec<bool> = chain.steps.iter().map(is_new).collect();
        let missing = if loses || changed.what == What::HoldsInVain { after } else { before };
        let unchanged = !steps.contains(&true);
        let lacks = match unchanged || changed.what == What::HoldsInVain || changed.still_held {
            true => missing.lacks(subject, thing, privilege),
            false => Vec::new(),
        };
        Some(Because { privilege, chain, changed: steps, lacks })
    }
}

/// The privileges that a change may be of, on an object.
fn candidates(changed: &Changed, side: &Side<'_>, on: &Securable) -> PrivilegeSet {
    let dialect = dialect::of(side.effect.state.dialect);
    let class = on.class();
    let words = changed.words;
    let mut all = words.rest;
    if words.own {
        all.insert(Privilege::OWNERSHIP);
    }
    for (said, set) in [
        (words.read, dialect.read_on(class)),
        (words.write, dialect.write_on(class)),
        (words.admin, dialect.data_privileges_of(class)),
    ] {
        all = if said { all.union(set) } else { all };
    }
    all
}

impl<'a> Side<'a> {
    /// What a role holds itself on a thing.
    fn own(&self, rows: &[super::side::Row], role: u32, thing: u32) -> PrivilegeSet {
        let content = self.content.get(role as usize).copied().flatten();
        let row = content.and_then(|number| rows.get(number as usize));
        row.map(|row| at(row, thing)).unwrap_or_default()
    }

    /// An object and, of a column, its relation.
    fn both(&self, on: &Securable) -> Vec<u32> {
        let relation = self.effect.relation_of(on);
        [Some(on), relation].into_iter().flatten().filter_map(|on| self.thing(on)).collect()
    }

    /// The shortest chain from a subject to a privilege; by SET ROLE where there is no other.
    fn chain(
        &self,
        of: &mut OfSide,
        rows: &[super::side::Row],
        subject: u32,
        on: &Securable,
        privilege: Privilege,
    ) -> Option<Chain<'a>> {
        let public = || {
            let things = self.both(on);
            let given = |thing: &u32| at(&self.fixed.public, *thing).contains(privilege);
            if !things.iter().any(given) {
                return None;
            }
            let bases = self.effect.bases(on, privilege);
            bases.into_iter().find(|basis| basis.role.is_none()).map(|basis| basis.step)
        };
        let Some(role) = self.role_of.get(subject as usize).copied().flatten() else {
            // PUBLIC itself, or one who is not there.
            return public().map(|step| Chain { steps: vec![step] });
        };
        if let Some(steps) = self.held(&mut of.inherits, rows, role, on, privilege, public) {
            return Some(Chain { steps });
        }
        let become_: Vec<u32> = of.sets.upwards(&self.effect.sets, role).to_vec();
        become_.into_iter().skip(1).find_map(|other| {
            let rest = self.held(&mut of.inherits, rows, other, on, privilege, || None)?;
            let way = of.sets.way(other).into_iter();
            let mut steps: Vec<Step<'a>> =
                way.filter_map(|(from, edge)| self.effect.member_step(from, edge, true)).collect();
            steps.extend(rest);
            Some(Chain { steps })
        })
    }

    /// Without SET ROLE.
    fn held(
        &self,
        walker: &mut Walker,
        rows: &[super::side::Row],
        role: u32,
        on: &Securable,
        privilege: Privilege,
        public: impl Fn() -> Option<Step<'a>>,
    ) -> Option<Vec<Step<'a>>> {
        if self.effect.is_superuser(role) {
            let role = *self.effect.names.get(role as usize)?;
            return Some(vec![Step::Superuser { role }]);
        }
        let things = self.both(on);
        let has = |role: &u32| {
            things.iter().any(|thing| self.own(rows, *role, *thing).contains(privilege))
        };
        let reached = walker.upwards(&self.effect.inherits, role);
        let nearest = reached.iter().copied().find(|role| has(role));
        if nearest != Some(role)
            && let Some(step) = public()
        {
            return Some(vec![step]);
        }
        let nearest = nearest?;
        let bases = self.effect.bases(on, privilege);
        let basis = bases.into_iter().find(|basis| basis.role == Some(nearest))?;
        let way = walker.way(nearest).into_iter();
        let mut steps: Vec<Step<'a>> =
            way.filter_map(|(from, edge)| self.effect.member_step(from, edge, false)).collect();
        steps.push(basis.step);
        Some(steps)
    }

    /// Whether the other side has a step of this one.
    fn also(
        &self,
        other: &Side<'_>,
        memberships: &HashSet<(u32, u32)>,
        rows: &[super::side::Row],
        step: &Step<'a>,
    ) -> bool {
        let subject = |name| {
            let role = self.effect.number(name)?;
            self.subject_of.get(role as usize).copied()
        };
        let there = |name| other.role_of.get(subject(name)? as usize).copied().flatten();
        let holds = |role, on: &Securable, privilege| {
            let thing = self.thing(on);
            let row = |thing, role| other.own(rows, role, thing);
            thing.zip(there(role)).is_some_and(|(thing, role)| row(thing, role).contains(privilege))
        };
        match step {
            Step::Superuser { role } => {
                there(role).is_some_and(|role| other.effect.is_superuser(role))
            }
            Step::Owner { role, on } => holds(role, on, Privilege::OWNERSHIP),
            Step::Grant { role: Some(role), on, privilege, .. } => holds(role, on, *privilege),
            Step::Grant { role: None, on, privilege, .. } => {
                let thing = self.thing(on);
                thing.is_some_and(|thing| at(&other.fixed.public, thing).contains(*privilege))
            }
            // What it gives is on whatever is there.
            Step::Predefined { .. } | Step::Parent { .. } | Step::Child { .. } => true,
            Step::Member { member, role, .. } | Step::SetRole { member, role, .. } => {
                let edge = subject(member).zip(subject(role));
                edge.is_some_and(|edge| memberships.contains(&edge))
            }
        }
    }

    /// What a subject lacks to use a privilege here.
    fn lacks(&self, subject: u32, thing: u32, privilege: Privilege) -> Vec<Lack> {
        let role = self.role_of.get(subject as usize).copied().flatten();
        let on = self.on.get(thing as usize).copied().flatten();
        let (Some(role), Some(on)) = (role, on) else { return Vec::new() };
        let role = self.effect.numbered(role);
        if on.class() == ObjectClass::Account {
            return Vec::new();
        }
        role.answer(on, privilege).lacks
    }
}

fn at(row: &super::side::Row, thing: u32) -> PrivilegeSet {
    let found = row.binary_search_by_key(&thing, |(thing, _)| *thing).ok();
    found.and_then(|at| row.get(at)).map(|(_, set)| *set).unwrap_or_default()
}
