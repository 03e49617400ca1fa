//! Access tests: who may what, demanded of effective access.
//!
//! In doubt a test fails: `never` on what is held and of no use, too, reached by SET ROLE alone, or on a part
//! of the rows through another relation; a role that nobody is known to be in stands for whoever may come in.

use std::collections::{BTreeMap, BTreeSet};

use super::ACCESS_TEST;
use super::finding::{Finding, Subject, Witness};
use super::look::World;
use super::permission::{asked_for, risks};
use super::reach::Reach;
use crate::config::checks::{AccessTest, Demand};
use crate::model::{Diagnostics, Ident, ObjectClass, Privilege, Severity};
use crate::resolve::{AskedActor, AskedPart};

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not, and why.
    Broken(String),
    /// It cannot be said: an error says why.
    Unjudged,
}

/// A test, and how it ended.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The test.
    pub test: &'a AccessTest,
    /// How it ended.
    pub verdict: Verdict,
    /// How many nodes it is about.
    pub nodes: usize,
    /// How many people, and roles that nobody is in, it is about.
    pub actors: usize,
    /// Of `at_most`: how many people there are.
    pub counted: Option<usize>,
    /// Those who break it, some of them; of an `at_most` that holds, nobody.
    pub witnesses: Vec<Witness<'a>>,
    /// What else is to be said.
    pub notes: Vec<String>,
}

impl<'a> Judged<'a> {
    /// As a finding, where it does not hold.
    pub(super) fn finding(&self) -> Option<Finding<'a>> {
        let Verdict::Broken(why) = &self.verdict else { return None };
        let test = Some(self.test.name.clone());
        let message = format!("the test {:?} fails: {why}", self.test.name);
        let mut finding =
            Finding::new(ACCESS_TEST, message, Subject { test, ..Subject::default() })
                .at(Some(self.test.place.clone()))
                .help("take the access away where it is given, or say in the test that it is meant")
                .seen(self.witnesses.clone());
        finding.diagnostic.severity = Severity::Error;
        finding.notes.clone_from(&self.notes);
        Some(finding)
    }
}

/// Judges every test of the environment.
pub(super) fn judge<'a>(world: &World<'a>) -> (Vec<Judged<'a>>, Diagnostics) {
    let look = world.look;
    let (asked, mut found) = world.project.asked(&look.known, &look.resolved.desired, &look.nodes);
    let mut all = Vec::new();
    for asked in asked {
        let mut judge = Judge { world, test: asked.test, found: &mut found };
        all.push(judge.judge(&asked.parts));
    }
    (all, found)
}

/// Whom a part of a test is about.
struct Whom<'a> {
    /// People, and roles that nobody is known to be in.
    who: BTreeSet<&'a Ident>,
    /// People whom a rule names and the state does not have.
    absent: BTreeSet<Ident>,
}

/// Who could, and by what on which object: the first of it.
type Able<'a> = BTreeMap<&'a Ident, (Reach<'a>, Privilege)>;

/// One test, and what it is asked of.
pub(super) struct Judge<'x, 'a> {
    pub(super) world: &'x World<'a>,
    pub(super) test: &'a AccessTest,
    pub(super) found: &'x mut Diagnostics,
}

impl<'a> Judge<'_, 'a> {
    fn judge(&mut self, parts: &[AskedPart]) -> Judged<'a> {
        let test = self.test;
        let mut judged = Judged {
            test,
            verdict: Verdict::Unjudged,
            nodes: 0,
            actors: 0,
            counted: None,
            witnesses: Vec::new(),
            notes: Vec::new(),
        };
        let before = self.found.iter().filter(|it| it.severity == Severity::Error).count();
        self.unknown(parts);
        let dialect = self.world.project.dialect();
        let relations = ObjectClass::ALL.into_iter().filter(|class| class.is_relation());
        if relations.clone().all(|class| asked_for(dialect, test, class).is_empty()) {
            self.no_such_privilege();
        }
        let missing = |at: &&usize| self.world.is_missing(**at);
        let nodes: BTreeSet<usize> = parts.iter().flat_map(|part| &part.nodes).copied().collect();
        let missing = nodes.iter().filter(missing).count();
        judged.nodes = nodes.len() - missing;
        let whom: Vec<(&AskedPart, Whom<'a>)> =
            parts.iter().map(|part| (part, self.whom(part))).collect();
        let actors: BTreeSet<&Ident> = whom
            .iter()
            .flat_map(|(_, whom)| whom.who.iter().copied().chain(&whom.absent))
            .collect();
        judged.actors = actors.len();
        let elsewhere = self.world.elsewhere(&nodes);
        let not_asked = |n: usize, why: &str| match n {
            1 => format!("1 node is {why}, and was not asked"),
            _ => format!("{n} nodes are {why}, and were not asked"),
        };
        if missing > elsewhere.len() {
            let missing = missing - elsewhere.len();
            judged.notes.push(not_asked(missing, "not in the warehouse"));
        }
        if !elsewhere.is_empty() {
            let some = elsewhere.iter().take(3).copied().collect::<Vec<_>>().join(", ");
            let more = if elsewhere.len() > 3 { ", …" } else { "" };
            let what = not_asked(elsewhere.len(), "in another database");
            judged.notes.push(format!("{what}: {some}{more}; connect there, too"));
        }
        if !test.may_match_nothing {
            self.matches_nothing(&judged, missing, elsewhere.len());
        }
        let errors = self.found.iter().filter(|it| it.severity == Severity::Error).count();
        if errors > before {
            return judged;
        }
        match test.demand {
            Demand::Never => self.never(&whom, &mut judged),
            Demand::Always => self.always(&whom, &mut judged),
            Demand::AtMost(most) => self.at_most(most, &whom, &mut judged),
        }
        let proves = test.demand == Demand::Always || self.world.look.state.unseen.is_empty();
        if judged.verdict == Verdict::Holds && !proves {
            self.unseen();
            judged.verdict = Verdict::Unjudged;
        }
        judged
    }

    fn whom(&self, part: &AskedPart) -> Whom<'a> {
        let effect = &self.world.effect;
        let state = &self.world.look.state;
        let names = |actors: &[AskedActor]| -> BTreeSet<Ident> {
            let all = actors.iter().flat_map(|actor| actor.names.iter().map(move |it| (actor, it)));
            all.map(|(actor, name)| if actor.users { state.user(name) } else { name.clone() })
                .collect()
        };
        let except = names(&part.except);
        // Of a role, whoever is in it; a person is nobody but themself, whoever may become them.
        let (people, roles): (BTreeSet<&Ident>, BTreeSet<&Ident>) =
            except.iter().partition(|name| effect.is_person(name));
        let mut excepted = effect.everybody_in(roles);
        excepted.extend(people.into_iter().filter_map(|name| effect.known(name)));
        let Some(actors) = &part.actors else {
            let all = self.world.look.state.roles.keys();
            let unknown = &self.world.look.unknown_groups;
            let who = all.filter(|who| effect.is_person(who) || unknown.contains(*who));
            let who = who.filter_map(|who| effect.known(who));
            let who = who.filter(|who| !excepted.contains(who)).collect();
            return Whom { who, absent: BTreeSet::new() };
        };
        let mut who = BTreeSet::new();
        let names = names(actors);
        for name in &names {
            // A person, as a rule names thousands of them.
            if effect.is_empty(name) {
                who.extend(effect.known(name));
                continue;
            }
            let inside = effect.everybody_in([name]);
            let ends = |it: &&Ident| effect.is_person(it) || effect.is_empty(it);
            let before = who.len();
            who.extend(inside.iter().copied().filter(ends));
            // A circle of roles with nobody in it.
            if who.len() == before && !inside.iter().any(ends) {
                who.extend(effect.known(name));
            }
        }
        let absent = names.into_iter().filter(|name| effect.known(name).is_none());
        let absent = absent.filter(|name| !except.contains(name)).collect();
        who.retain(|who| !excepted.contains(who));
        Whom { who, absent }
    }

    /// Nobody holds it, or could by SET ROLE, be it of use or not.
    fn never(&self, whom: &[(&AskedPart, Whom<'a>)], judged: &mut Judged<'a>) {
        let mut by = Able::new();
        let mut nodes = BTreeSet::new();
        for (part, whom) in whom {
            for (at, could) in self.could(part) {
                for (who, (on, privilege)) in could {
                    if whom.who.contains(who) {
                        nodes.insert(at);
                        by.entry(who).or_insert((on, privilege));
                    }
                }
            }
        }
        judged.verdict = Verdict::Holds;
        if by.is_empty() {
            return;
        }
        let may = &self.test.may.value;
        let relations = match nodes.len() {
            1 => "one node".to_owned(),
            n => format!("{n} nodes"),
        };
        judged.verdict =
            Verdict::Broken(format!("{} may {may} on {relations}", people(by.keys(), self.world)));
        judged.witnesses =
            by.into_iter().map(|(who, (by, p))| self.world.seen(who, &by, p)).collect();
    }

    /// Everybody who could any of it on each node of a part: on the relation, a column of it, or what has
    /// rows in common with it.
    fn could(&self, part: &AskedPart) -> Vec<(usize, Able<'a>)> {
        let world = self.world;
        let mut all = Vec::new();
        for at in part.nodes.iter().filter(|at| !world.is_missing(**at)) {
            let Some(on) = world.look.nodes.get(*at).and_then(|node| node.relation.as_ref()) else {
                continue;
            };
            let mut could = Able::new();
            for reach in world.reaches(on) {
                let dialect = world.project.dialect();
                let risks = risks(dialect, self.test, reach.on.class());
                for privilege in reach.risks(risks).iter() {
                    for who in world.effect.could(reach.on, privilege) {
                        could.entry(who).or_insert_with(|| (reach.clone(), privilege));
                    }
                }
            }
            all.push((*at, could));
        }
        all
    }

    /// Everybody can, at once, and a query could use it.
    fn always(&self, whom: &[(&AskedPart, Whom<'a>)], judged: &mut Judged<'a>) {
        let world = self.world;
        let may = &self.test.may.value;
        judged.verdict = Verdict::Holds;
        let mut witnesses: BTreeMap<&'a Ident, Witness<'a>> = BTreeMap::new();
        let mut gone = BTreeSet::new();
        let mut absent = BTreeSet::new();
        for (part, whom) in whom {
            absent.extend(whom.absent.iter().cloned());
            for at in &part.nodes {
                let Some(node) = world.look.nodes.get(*at) else { continue };
                let Some(on) = &node.relation else { continue };
                if world.is_missing(*at) {
                    gone.insert(node.unique_id.as_str());
                    continue;
                }
                for privilege in asked_for(world.project.dialect(), self.test, on.class()).iter() {
                    for who in &whom.who {
                        let Some(role) = world.effect.role(who) else { continue };
                        let answer = role.answer(on, privilege);
                        if answer.usable() {
                            continue;
                        }
                        let (note, lacks) = match answer.privilege {
                            false => (Some(format!("{privilege} is missing")), Vec::new()),
                            true => (None, answer.lacks),
                        };
                        let seen = world.witness(who, on, privilege);
                        let seen = Witness { usable: false, note, lacks, ..seen };
                        witnesses.entry(who).or_insert(seen);
                    }
                }
            }
        }
        let mut broken = Vec::new();
        if !witnesses.is_empty() {
            broken.push(format!("{} cannot {may} all of it", people(witnesses.keys(), world)));
        }
        if let Some(first) = gone.first() {
            let more = more(gone.len());
            broken.push(format!("{first}{more} is not in the warehouse"));
        }
        if let Some(first) = absent.first() {
            let more = more(absent.len());
            broken.push(format!("{first}{more}, whom a rule names, is not known there"));
        }
        if !broken.is_empty() {
            judged.verdict = Verdict::Broken(broken.join("; "));
            judged.witnesses = witnesses.into_values().collect();
        }
    }

    /// So many people hold it, or could by SET ROLE.
    fn at_most(&self, most: u64, whom: &[(&AskedPart, Whom<'a>)], judged: &mut Judged<'a>) {
        let world = self.world;
        let mut who = Able::new();
        for (part, whom) in whom {
            for (_, could) in self.could(part) {
                for (one, how) in could {
                    if whom.who.contains(one) {
                        who.entry(one).or_insert(how);
                    }
                }
            }
        }
        let unknown = &world.look.unknown_groups;
        let people_of = |who: &&Ident| world.effect.is_person(who);
        let counted = who.keys().filter(|who| people_of(who)).count();
        let groups: Vec<&Ident> =
            who.keys().copied().filter(|who| unknown.contains(*who)).collect();
        judged.counted = Some(counted);
        let may = &self.test.may.value;
        let are = if counted == 1 { "1 person".to_owned() } else { format!("{counted} people") };
        let most_are = if most == 1 { "1 may".to_owned() } else { format!("{most} may") };
        let broken = if counted as u64 > most {
            Some(format!("{are} can {may}, and {most_are}"))
        } else if let Some(first) = groups.first() {
            // Nobody can say that they are few enough.
            let more = more(groups.len());
            Some(format!(
                "{are} can {may}, and whoever is in {first}{more}, of which nothing is known"
            ))
        } else {
            None
        };
        judged.verdict = Verdict::Holds;
        if let Some(broken) = broken {
            who.retain(|who, _| world.effect.is_person(who) || unknown.contains(*who));
            judged.verdict = Verdict::Broken(broken);
            judged.witnesses =
                who.into_iter().map(|(who, (by, p))| world.seen(who, &by, p)).collect();
        }
    }
}

/// ` and 2 more`, of so many, one of whom is named.
fn more(of: usize) -> String {
    match of {
        0 | 1 => String::new(),
        n => format!(" and {} more", n - 1),
    }
}

fn people<'n>(who: impl Iterator<Item = &'n &'n Ident> + Clone, world: &World<'_>) -> String {
    let people = who.clone().filter(|who| world.effect.is_person(who)).count();
    let roles = who.count() - people;
    let people = match people {
        0 => None,
        1 => Some("1 person".to_owned()),
        n => Some(format!("{n} people")),
    };
    let roles = match roles {
        0 => None,
        1 => Some("1 role that nobody is known to be in".to_owned()),
        n => Some(format!("{n} roles that nobody is known to be in")),
    };
    people.into_iter().chain(roles).collect::<Vec<_>>().join(" and ")
}
