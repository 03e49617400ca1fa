//! Who gains and who loses between two states, per object and permission, and why.
//!
//! What can be used is what counts. A privilege that is held and of no use is said to be so.
//!
//! Roles are compared first: people who hold the same by their memberships, before and after, are one
//! case, looked at once. Of the outcome, what is the same for several objects stands together. So
//! nodes times people are never written out.

mod class;
mod names;
mod side;
#[cfg(test)]
mod tests;
mod walk;
mod why;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::compiled::Effect;
use class::{Able, Class, Holding};
use names::Key;
use side::{Contents, Side};
use walk::Walker;

use crate::model::{DialectKind, PrivilegeSet};

pub use names::{Names, Subject, SubjectKind, Thing};
pub use why::{Because, Reasons};
pub use words::Words;

/// What becomes of somebody's access to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// They can use it, and could not before.
    Gains,
    /// They could use it, and cannot any more.
    Loses,
    /// They hold it now, and it is of no use to them.
    HoldsInVain,
}

/// The same change for some subjects on some things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What becomes of it.
    pub what: What,
    /// What is gained or lost.
    pub words: Words,
    /// Of what is lost: it is held still, and of no use any more.
    pub still_held: bool,
    /// On what: places in [`Gains::things`], sorted.
    pub things: Vec<u32>,
    /// For whom: places in [`Gains::subjects`], sorted by kind and name.
    pub subjects: Vec<u32>,
    /// How many subjects more, beyond what is kept of one outcome.
    pub more: usize,
}

/// How many gain or lose anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Heads {
    /// People.
    pub people: usize,
    /// Groups, whose people are not known.
    pub groups: usize,
    /// Product roles and policies' roles.
    pub product_roles: usize,
    /// Other roles.
    pub roles: usize,
}

/// The outcome.
#[derive(Debug)]
pub struct Gains<'a> {
    /// Everything that is in either state.
    pub things: Vec<Thing>,
    /// Everyone who is in either state.
    pub subjects: Vec<Subject>,
    /// What changes; sorted by the first of its things.
    pub changed: Vec<Changed>,
    /// Who gains.
    pub gaining: Heads,
    /// Who loses.
    pub losing: Heads,
    before: Side<'a>,
    after: Side<'a>,
    contents: Contents,
    /// Columns that are things of their own, and their relations.
    columns: HashMap<u32, u32>,
}

/// What one outcome keeps at most, as (thing, case): beyond, subjects are counted and not named.
const KEPT: usize = 10_000_000;

/// A state and what it calls things.
pub type State<'a> = (&'a Effect<'a>, &'a Names);

impl<'a> Gains<'a> {
    /// Compares two states. With `only_nodes`, what is no dbt node is left out: in two environments
    /// nothing else is known to be the same thing.
    pub fn between(before: State<'a>, after: State<'a>, only_nodes: bool) -> Self {
        let (keys, things) = universe(before, after);
        let (mut subjects, of_before, of_after) = everybody(before.0, before.1, after.0, after.1);
        let everyone = subjects.len() as u32;
        subjects.push(Subject { kind: SubjectKind::Everyone, name: "everyone".to_owned() });
        let mut contents = Contents::default();
        let (size, all) = (subjects.len(), &mut contents);
        let before = Side::new(before.0, before.1, &keys, of_before, size, all);
        let after = Side::new(after.0, after.1, &keys, of_after, size, all);
        let columns = before.fixed.columns.iter().chain(&after.fixed.columns);
        let columns = columns.filter_map(|(column, relation)| Some((*column, (*relation)?)));
        let columns = columns.collect();
        let mut gains = Self {
            columns,
            things,
            subjects,
            changed: Vec::new(),
            gaining: Heads::default(),
            losing: Heads::default(),
            before,
            after,
            contents,
        };
        let cases = gains.cases(everyone);
        gains.compare(&cases, only_nodes);
        gains
    }

    /// Nobody gains or loses, or holds anything in vain that was not held.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// Why, one subject and thing after another.
    pub fn reasons(&self) -> Reasons<'_, 'a> {
        Reasons::new(self)
    }

    /// Subjects by the classes that they are in before and after.
    fn cases(&self, everyone: u32) -> Cases {
        let mut numbers: HashMap<Class, u32> = HashMap::from([(Class::default(), 0)]);
        let mut classes = vec![Class::default()];
        // Whoever is not there has what everyone has.
        let mut of = |side: &Side<'_>| -> Vec<u32> {
            let mut walker = Walker::new(side.effect.names.len());
            let mut class = |role: &Option<u32>| {
                let class = role.map(|role| side.class(&mut walker, role)).unwrap_or_default();
                *numbers.entry(class).or_insert_with_key(|class| {
                    classes.push(class.clone());
                    (classes.len() - 1) as u32
                })
            };
            side.role_of.iter().map(&mut class).collect()
        };
        let (old, new) = (of(&self.before), of(&self.after));
        let still = self.before.fixed == self.after.fixed;
        let mut cases: BTreeMap<(u32, u32), Vec<u32>> = BTreeMap::new();
        for (subject, case) in (0..).zip(old.into_iter().zip(new)) {
            let same = still && case.0 == case.1;
            if !same && (subject == everyone || !self.is_servers_own(subject)) {
                cases.entry(case).or_default().push(subject);
            }
        }
        Cases { classes, cases }
    }

    /// PostgreSQL's own roles are nobody's.
    fn is_servers_own(&self, subject: u32) -> bool {
        let postgres = self.after.effect.state.dialect == DialectKind::Postgres;
        let name = self.subjects.get(subject as usize).map(|subject| subject.name.as_str());
        postgres && name.is_some_and(|name| name.starts_with("pg_"))
    }

    fn compare(&mut self, Cases { classes, cases }: &Cases, only_nodes: bool) {
        let mut kinds: Vec<(What, bool, Words)> = Vec::new();
        let mut kind_of: HashMap<(What, bool, Words), u32> = HashMap::new();
        let mut by_thing: Vec<Vec<(u32, u32)>> = vec![Vec::new(); self.things.len()];
        let mut beyond: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        let mut kept = 0;
        let (mut gaining, mut losing) = (Heads::default(), Heads::default());
        let mut own = Holding::new(self.things.len());
        let mut other = Holding::new(self.things.len());
        let mut last: Option<(u32, Vec<(u32, Able)>)> = None;
        let nobody = Class::default();
        let class = |number: u32| classes.get(number as usize).unwrap_or(&nobody);
        for (at, ((old, new), who)) in (0..).zip(cases) {
            let before = match last.take() {
                Some((number, able)) if number == *old => able,
                _ => self.before.able(class(*old), &self.contents, (&mut own, &mut other)),
            };
            let after = self.after.able(class(*new), &self.contents, (&mut own, &mut other));
            let mut seen = BTreeSet::new();
            self.differ(&before, &after, |thing, changed| {
                let node = self.things.get(thing as usize).is_some_and(|it| it.node.is_some());
                if only_nodes && !node {
                    return;
                }
                seen.insert(changed.0);
                let kind = *kind_of.entry(changed).or_insert_with(|| {
                    kinds.push(changed);
                    (kinds.len() - 1) as u32
                });
                if kept >= KEPT {
                    *beyond.entry((thing, kind)).or_default() += who.len();
                } else if let Some(list) = by_thing.get_mut(thing as usize) {
                    kept += 1;
                    list.push((kind, at));
                }
            });
            for (what, heads) in [(What::Gains, &mut gaining), (What::Loses, &mut losing)] {
                if seen.contains(&what) {
                    who.iter().for_each(|subject| heads.add(self.kind(*subject)));
                }
            }
            last = Some((*old, before));
        }
        let cases: Vec<&Vec<u32>> = cases.values().collect();
        // What is the same on several things is told once.
        let mut together: HashMap<(u32, Vec<u32>, usize), Vec<u32>> = HashMap::new();
        for (thing, mut list) in (0..).zip(by_thing) {
            list.sort_unstable();
            for group in list.chunk_by(|a, b| a.0 == b.0) {
                let Some((kind, _)) = group.first() else { continue };
                let more = beyond.remove(&(thing, *kind)).unwrap_or(0);
                let whose = group.iter().map(|(_, case)| *case).collect();
                together.entry((*kind, whose, more)).or_default().push(thing);
            }
        }
        for ((thing, kind), more) in beyond {
            together.entry((kind, Vec::new(), more)).or_default().push(thing);
        }
        let mut changed: Vec<Changed> = together
            .into_iter()
            .filter_map(|((kind, whose, more), things)| {
                let (what, still_held, words) = *kinds.get(kind as usize)?;
                let whose = whose.iter().filter_map(|case| cases.get(*case as usize));
                let mut subjects: Vec<u32> = whose.flat_map(|who| who.iter().copied()).collect();
                subjects.sort_by_key(|subject| self.subjects.get(*subject as usize));
                Some(Changed { what, words, still_held, things, subjects, more })
            })
            .collect();
        changed.sort_by(|a, b| {
            let key = |it: &Changed| (it.things.clone(), it.what, it.words, it.still_held);
            key(a).cmp(&key(b)).then_with(|| a.subjects.cmp(&b.subjects))
        });
        (self.changed, self.gaining, self.losing) = (changed, gaining, losing);
    }

    fn kind(&self, subject: u32) -> SubjectKind {
        self.subjects.get(subject as usize).map_or(SubjectKind::Role, |subject| subject.kind)
    }

    /// Calls with each thing on which the two differ, and how.
    fn differ(
        &self,
        before: &[(u32, Able)],
        after: &[(u32, Able)],
        mut say: impl FnMut(u32, (What, bool, Words)),
    ) {
        let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
        loop {
            let thing = match (old.peek(), new.peek()) {
                (Some((a, _)), Some((b, _))) => *a.min(b),
                (Some((a, _)), None) => *a,
                (None, Some((b, _))) => *b,
                (None, None) => return,
            };
            let then = old.next_if(|(at, _)| *at == thing).map(|(_, able)| *able);
            let now = new.next_if(|(at, _)| *at == thing).map(|(_, able)| *able);
            let (mut then, mut now) = (then.unwrap_or_default(), now.unwrap_or_default());
            if then == now {
                continue;
            }
            // Of a column, what is not said of its relation.
            if let Some(relation) = self.columns.get(&thing) {
                let of = |all: &[(u32, Able)]| {
                    let at = all.binary_search_by_key(relation, |(thing, _)| *thing).ok();
                    at.and_then(|at| all.get(at)).map(|(_, able)| *able).unwrap_or_default()
                };
                let (old, new) = (then, now);
                then.leave_out(of(before), new);
                now.leave_out(of(after), old);
            }
            self.differs(thing, then, now, &mut say);
        }
    }

    fn differs(
        &self,
        thing: u32,
        then: Able,
        now: Able,
        say: &mut impl FnMut(u32, (What, bool, Words)),
    ) {
        // What only opens the way counts by what can be used behind it.
        let opens = self.before.opens(thing).union(self.after.opens(thing));
        let (old, new) = (then.usable.minus(opens), now.usable.minus(opens));
        let before = || (old, self.before.meaning(thing));
        let after = || (new, self.after.meaning(thing));
        if !new.minus(old).is_empty() {
            say(thing, (What::Gains, false, Words::gained(after(), before())));
        }
        let lost = old.minus(new);
        if !lost.is_empty() {
            let still = now.held.contains_all(lost);
            say(thing, (What::Loses, still, Words::gained(before(), after())));
        }
        let never = self.after.fixed.no_statement.get(&thing).copied().unwrap_or_default();
        let vain = now.held.minus(now.usable).minus(then.held).minus(never).minus(opens);
        // What could be used by SET ROLE before was not held in vain.
        let vain: PrivilegeSet = vain.minus(old);
        if !vain.is_empty() {
            say(thing, (What::HoldsInVain, false, Words::raw(vain)));
        }
    }
}

impl Able {
    /// Without what the relation gives, unless the other side has it too.
    fn leave_out(&mut self, relation: Able, other: Able) {
        self.held = self.held.minus(relation.held.minus(other.held));
        self.usable = self.usable.minus(relation.usable.minus(other.usable));
    }
}

/// Subjects by what they are before and after.
struct Cases {
    classes: Vec<Class>,
    cases: BTreeMap<(u32, u32), Vec<u32>>,
}

impl Heads {
    /// Counts one.
    pub fn add(&mut self, kind: SubjectKind) {
        match kind {
            SubjectKind::Person => self.people += 1,
            SubjectKind::Group => self.groups += 1,
            SubjectKind::ProductRole => self.product_roles += 1,
            SubjectKind::Role => self.roles += 1,
            SubjectKind::Everyone => {}
        }
    }
}

/// Everything that either state has, numbered.
fn universe(before: State<'_>, after: State<'_>) -> (BTreeMap<Key, u32>, Vec<Thing>) {
    let mut all: BTreeMap<Key, Thing> = BTreeMap::new();
    for (is_after, (effect, names)) in [(false, before), (true, after)] {
        for on in effect.state.objects.keys() {
            let key = names.key(on);
            let node = match &key {
                Key::Node(node, _) => Some(node.clone()),
                Key::Relation(..) | Key::Other(_) => None,
            };
            let thing = Thing { node, before: None, after: None };
            let thing = all.entry(key).or_insert(thing);
            let side = if is_after { &mut thing.after } else { &mut thing.before };
            *side = Some(on.clone());
        }
    }
    let mut things = Vec::with_capacity(all.len());
    let keys = (0..).zip(all).map(|(number, (key, thing))| {
        things.push(thing);
        (key, number)
    });
    (keys.collect(), things)
}

/// Everyone whom either state knows, and each side's roles as subjects.
fn everybody(
    before: &Effect<'_>,
    of_before: &Names,
    after: &Effect<'_>,
    of_after: &Names,
) -> (Vec<Subject>, Vec<u32>, Vec<u32>) {
    let mut subjects: Vec<Subject> = Vec::new();
    let mut numbers: HashMap<(bool, String), u32> = HashMap::new();
    let mut number = |subject: Subject| {
        let key = (subject.kind == SubjectKind::ProductRole, subject.name.clone());
        *numbers.entry(key).or_insert_with(|| {
            subjects.push(subject);
            (subjects.len() - 1) as u32
        })
    };
    // What they are is said as of after.
    let new = of_after.subjects(after).into_iter().map(&mut number).collect();
    let old = of_before.subjects(before).into_iter().map(&mut number).collect();
    (subjects, old, new)
}
