//! Who gains and who loses: what of it is told, and why; as JSON, text and Markdown.

mod causes;
pub mod markdown;
#[cfg(test)]
mod tests;
pub mod text;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::access::{Teller, Told};
use crate::effect::Lack;
use crate::effect::gains::{Changed, Gains, Heads, Subject, SubjectKind, Thing, What, Words};
use crate::model::Privilege;
use causes::Causes;

/// How much of a large outcome is told: beyond, subjects are counted and reasons left out.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Changes whose reasons are told.
    pub explained: usize,
    /// Subjects of one change whose reasons are told.
    pub reasons: usize,
    /// Names, of all changes together.
    pub named: usize,
}

impl Most {
    /// For programs, and for whoever wants to know all of it.
    pub const ALL: Self = Self { explained: 5000, reasons: 1000, named: 500_000 };
    /// For people, who are shown a screen.
    pub const SHOWN: Self = Self { explained: 120, reasons: 40, named: 500_000 };
}

/// Questions of one change that are asked for its causes: on how many things, for how many subjects.
const LOOKED_AT: usize = 40;

/// Everything that the telling needs.
pub struct Telling<'t, 'a> {
    /// The comparison.
    pub gains: &'t Gains<'a>,
    /// What is declared before.
    pub before: Teller<'t>,
    /// What is declared after.
    pub after: Teller<'t>,
    /// The tags of nodes, by `unique_id`.
    pub tags: &'t BTreeMap<String, BTreeSet<String>>,
    /// Tags whose nodes come first.
    pub first: &'t [String],
}

/// What is told.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Who gains anything.
    pub gaining: Heads,
    /// Who loses anything.
    pub losing: Heads,
    /// How many dbt nodes somebody gains or loses.
    pub nodes: usize,
    /// How many other objects.
    pub others: usize,
    /// The tags whose nodes come first, as asked for.
    pub first_tags: Vec<String>,
    /// Of nodes with one of these tags.
    pub tagged: Part,
    /// What changes: nodes with those tags first, then what concerns most.
    pub changes: Vec<Change>,
}

/// How much a part of it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Who gains.
    pub gaining: Heads,
    /// Who loses.
    pub losing: Heads,
    /// How many nodes.
    pub nodes: usize,
}

/// The same change for some subjects on some things.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// What becomes of it.
    pub what: What,
    /// What is gained or lost: `read`, `write`, `admin`, `own`, or privileges.
    pub permissions: Words,
    /// It is held still, and of no use any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub still_held: bool,
    /// Those of the first tags that its nodes have.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// On what.
    pub on: Vec<Thing>,
    /// Who.
    pub who: Vec<Who>,
    /// How many more, who are not named.
    #[serde(skip_serializing_if = "is_none")]
    pub more: usize,
    /// Why, for people.
    #[serde(skip)]
    pub causes: Vec<Cause>,
}

fn is_none(n: &usize) -> bool {
    *n == 0
}

/// Somebody, and why they gain or lose the first of the things.
#[derive(Debug, Clone, Serialize)]
pub struct Who {
    /// Who.
    #[serde(flatten)]
    pub subject: Subject,
    /// Why; of as many as are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<Why>,
}

/// The shortest chain.
#[derive(Debug, Clone, Serialize)]
pub struct Why {
    /// Of which privilege.
    pub privilege: Privilege,
    /// The steps: after, of what is gained; before, of what is lost.
    pub steps: Vec<serde_json::Value>,
    /// What was missing before or is missing now, where no step has changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<Lack>,
}

/// What has changed, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// Such as `granted to finance.analyst`.
    pub what: Vec<Said>,
    /// Lines of files.
    pub places: Vec<String>,
}

/// A piece of a sentence: words of ours, or a name that could be anything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    /// Ours.
    Words(String),
    /// Somebody's.
    Name(String),
}

#[derive(Serialize)]
struct Stepped<'s> {
    #[serde(flatten)]
    told: Told<'s>,
    /// The other side has no such step.
    changed: bool,
}

impl Telling<'_, '_> {
    /// What is told, with reasons.
    pub fn tell(&self, most: Most) -> Summary {
        let gains = self.gains;
        let mut tagged: BTreeMap<What, BTreeSet<u32>> = BTreeMap::new();
        let mut parts: Vec<(&Changed, bool, Vec<u32>)> = Vec::new();
        let (mut nodes, mut others, mut of_tags) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for changed in &gains.changed {
            let mut by_tag: BTreeMap<bool, Vec<u32>> = BTreeMap::new();
            for thing in &changed.things {
                let untagged = self.tags_of(*thing).is_empty();
                by_tag.entry(untagged).or_default().push(*thing);
                if changed.what != What::HoldsInVain {
                    let is_node = gains.things.get(*thing as usize).is_some_and(is_node);
                    if is_node { &mut nodes } else { &mut others }.insert(*thing);
                }
            }
            for (untagged, things) in by_tag {
                if !untagged && changed.what != What::HoldsInVain {
                    tagged.entry(changed.what).or_default().extend(&changed.subjects);
                    of_tags.extend(things.iter().copied());
                }
                parts.push((changed, untagged, things));
            }
        }
        parts.sort_by_key(|(changed, untagged, things)| {
            let vain = changed.what == What::HoldsInVain;
            let weight = things.len() * (changed.subjects.len() + changed.more);
            (*untagged, vain, std::cmp::Reverse(weight))
        });
        let mut reasons = gains.reasons();
        let mut left = most.named;
        let mut changes = Vec::with_capacity(parts.len());
        for (at, (changed, _, things)) in parts.into_iter().enumerate() {
            let explained = if at < most.explained { most.reasons } else { 0 };
            changes.push(self.change(changed, &things, explained, &mut left, &mut reasons));
        }
        let heads = |what: What| {
            let mut heads = Heads::default();
            for subject in tagged.get(&what).into_iter().flatten() {
                if let Some(subject) = gains.subjects.get(*subject as usize) {
                    heads.add(subject.kind);
                }
            }
            heads
        };
        Summary {
            gaining: gains.gaining,
            losing: gains.losing,
            nodes: nodes.len(),
            others: others.len(),
            first_tags: self.first.to_vec(),
            tagged: Part {
                gaining: heads(What::Gains),
                losing: heads(What::Loses),
                nodes: of_tags.len(),
            },
            changes,
        }
    }

    fn tags_of(&self, thing: u32) -> BTreeSet<String> {
        let thing = self.gains.things.get(thing as usize);
        let tags = thing.and_then(|thing| self.tags.get(thing.node.as_ref()?));
        let first = self.first.iter().filter(|tag| tags.is_some_and(|tags| tags.contains(*tag)));
        first.cloned().collect()
    }

    fn change(
        &self,
        changed: &Changed,
        things: &[u32],
        explained: usize,
        left: &mut usize,
        reasons: &mut crate::effect::gains::Reasons<'_, '_>,
    ) -> Change {
        let gains = self.gains;
        let mut causes = Causes::default();
        let mut who = Vec::with_capacity(changed.subjects.len());
        let teller = if changed.what == What::Loses { &self.before } else { &self.after };
        for (at, subject) in changed.subjects.iter().take(*left).enumerate() {
            let Some(named) = gains.subjects.get(*subject as usize) else { continue };
            let mut because = None;
            // Of the others on the same lines the first tell enough.
            let looked_at = if at < 3 { LOOKED_AT } else { 1 };
            for thing in things.iter().take(looked_at).filter(|_| at < explained) {
                let Some(why) = reasons.why(changed, *subject, *thing) else { continue };
                let steps = teller.tell(&why.chain);
                causes.add(changed, &steps, &why, (teller, &self.after));
                because.get_or_insert_with(|| Why {
                    privilege: why.privilege,
                    steps: steps
                        .into_iter()
                        .zip(&why.changed)
                        .filter_map(|(told, changed)| {
                            serde_json::to_value(Stepped { told, changed: *changed }).ok()
                        })
                        .collect(),
                    lacks: why.lacks.clone(),
                });
            }
            who.push(Who { subject: named.clone(), because });
        }
        let more = changed.more + changed.subjects.len().saturating_sub(*left);
        *left = left.saturating_sub(who.len());
        Change {
            what: changed.what,
            permissions: changed.words,
            still_held: changed.still_held,
            tags: things.iter().flat_map(|thing| self.tags_of(*thing)).collect(),
            on: things.iter().filter_map(|at| gains.things.get(*at as usize).cloned()).collect(),
            who,
            more,
            causes: causes.told(),
        }
    }
}

fn is_node(thing: &Thing) -> bool {
    thing.node.is_some()
}

/// What people call a thing: a node by its name, anything else by what it is.
pub fn thing_name(thing: &Thing) -> String {
    let column = thing.on().and_then(|on| on.column_name());
    let column = column.map(|column| format!(".{column}")).unwrap_or_default();
    match (&thing.node, thing.on()) {
        (Some(node), _) => {
            let name = node.splitn(3, '.').nth(2).unwrap_or(node);
            format!("{name}{column}")
        }
        (None, Some(on)) => format!("{} {on}", on.class()),
        (None, None) => String::new(),
    }
}

/// `2 people, 1 group and 1 product role`; `None` for nobody.
pub fn heads(heads: &Heads) -> Option<String> {
    let Heads { people, groups, product_roles, roles } = *heads;
    let parts: Vec<String> = [
        (people, "person"),
        (groups, "group"),
        (product_roles, "product role"),
        (roles, "other role"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, what)| match (n, what) {
        (1, what) => format!("1 {what}"),
        (n, "person") => format!("{n} people"),
        (n, what) => format!("{n} {what}s"),
    })
    .collect();
    let (last, before) = parts.split_last()?;
    Some(match before {
        [] => last.clone(),
        before => format!("{} and {last}", before.join(", ")),
    })
}

/// `2 people gain; 1 person loses`; `nobody gains or loses`.
pub fn sentence(gaining: &Heads, losing: &Heads) -> String {
    let total = |it: &Heads| it.people + it.groups + it.product_roles + it.roles;
    let side = |it: &Heads, one: &str, many: &str| {
        heads(it).map(|who| format!("{who} {}", if total(it) == 1 { one } else { many }))
    };
    let parts = [side(gaining, "gains", "gain"), side(losing, "loses", "lose")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => "nobody gains or loses".to_owned(),
        false => parts.join("; "),
    }
}

/// The names of some, and how many more.
pub(super) struct Named {
    pub(super) names: Vec<(Option<&'static str>, String)>,
    pub(super) more: usize,
}

impl Change {
    /// Roles first, people after: a role stands for many.
    pub(super) fn named(&self, most: usize) -> Named {
        let mut who: Vec<&Subject> = self.who.iter().map(|who| &who.subject).collect();
        who.sort_by_key(|subject| match subject.kind {
            SubjectKind::Everyone => 0,
            SubjectKind::ProductRole => 1,
            SubjectKind::Group => 2,
            SubjectKind::Role => 3,
            SubjectKind::Person => 4,
        });
        // What everyone gains is said of nobody else.
        if let Some(everyone) = who.iter().find(|it| it.kind == SubjectKind::Everyone) {
            let names = vec![(None, everyone.name.clone())];
            return Named { names, more: who.len() - 1 + self.more };
        }
        let names = who.iter().take(most).map(|subject| {
            let prefix = match subject.kind {
                SubjectKind::Group => Some("group"),
                SubjectKind::Role => Some("role"),
                SubjectKind::Person | SubjectKind::ProductRole | SubjectKind::Everyone => None,
            };
            (prefix, subject.name.clone())
        });
        Named { names: names.collect(), more: who.len().saturating_sub(most) + self.more }
    }
}
