//! One environment: who there is, who is in what, what was granted, and what follows from it.

use std::collections::BTreeMap;
use std::collections::HashMap;

use super::actors::{Actor, actors};
use super::data::{Actors, Cell, Environment};
use super::found::{drift, finding};
use super::interned::{Interned, Number, shown};
use super::level::{level, word};
use super::models::Listed;
use crate::config::{Config, Member, MemberEntry};
use crate::dbt::Manifest;
use crate::dialect;
use crate::effect::{AccessState, Effect, Kinship, MayDo, Reaches};
use crate::model::{
    Diagnostic, DialectKind, Ident, ObjectClass, Privilege, PrivilegeSet, Reason, Securable,
};
use crate::plan;
use crate::report::{access, findings::where_is, plan as plan_text};
use crate::resolve::Resolved;

/// An environment and the access that it has.
pub struct Seen<'a> {
    /// Its nodes, with names and tags.
    pub manifest: &'a Manifest,
    /// Products, owners, members.
    pub config: &'a Config,
    /// What is declared.
    pub resolved: &'a Resolved,
    /// What there is: of a warehouse, or of the declarations alone.
    pub state: &'a AccessState,
    /// The warehouse, for people; empty where none was looked at.
    pub server: String,
    /// How it differs from what is declared, where a warehouse was looked at.
    pub drift: Option<&'a plan::Difference>,
    /// What checks have found.
    pub findings: Vec<Diagnostic>,
}

/// The lists of an environment, while they grow.
struct Telling<'a> {
    seen: &'a Seen<'a>,
    /// The number of each actor.
    numbers: BTreeMap<&'a Ident, usize>,
    texts: Interned<String>,
    lists: Interned<Vec<Number>>,
    sets: Interned<Vec<&'static str>>,
    /// The entries of members' files, by file and line.
    entries: HashMap<(String, Option<u32>), &'a MemberEntry>,
}

pub(super) fn told(seen: Seen<'_>, listed: &Listed) -> Environment {
    let desired = &seen.resolved.desired;
    let by_id: BTreeMap<&str, Option<&Securable>> = seen
        .resolved
        .nodes
        .iter()
        .map(|node| (node.unique_id.as_str(), node.relation.as_ref()))
        .collect();
    // Under the class that the warehouse gives it.
    let relation = |id: &String| by_id.get(id.as_str()).copied().flatten();
    let relations: Vec<Option<&Securable>> = listed
        .ids
        .iter()
        .map(|id| relation(id).map(|on| seen.state.find(on).map_or(on, |(on, _)| on)))
        .collect();
    let order = actors(&seen, listed);
    let file = |place: &crate::model::Place| place.file.to_string_lossy().replace('\\', "/");
    let entries = seen.config.entries().map(|it| ((file(&it.place), it.place.line), it)).collect();
    let mut telling = Telling {
        numbers: order.iter().enumerate().map(|(at, actor)| (actor.name, at)).collect(),
        seen: &seen,
        texts: Interned::new(),
        lists: Interned::new(),
        sets: Interned::new(),
        entries,
    };
    let mut who = Actors::default();
    for actor in &order {
        who.name.push(shown(actor.name.as_str()));
        who.kind.push(actor.kind);
        who.product.push(actor.product);
        who.role.push(shown(&actor.role));
        let places = telling.defined(actor.name);
        who.places.push(places);
    }
    let supers = |name: &Ident| seen.state.roles.get(name).is_some_and(|r| r.attributes.superuser);
    let supers = telling.numbers.iter().filter(|(name, _)| supers(name)).map(|(_, at)| *at);
    let mut supers: Vec<usize> = supers.collect();
    supers.sort_unstable();
    let members = telling.members();
    let (grants, owners) = telling.grants(&relations);
    let (cells, rows, row) = telling.rows(&relations, &order);
    let server = shown(&seen.server);
    let secured = |on: &&Securable| seen.state.objects.get(*on).is_some_and(|it| it.row_security);
    let row_security = relations.iter().enumerate();
    let row_security = row_security.filter(|(_, on)| on.as_ref().is_some_and(secured));
    let row_security = row_security.map(|(at, _)| at).collect();
    let drift = seen.drift.map(drift);
    let findings = seen.findings.iter().map(finding).collect();
    Environment {
        name: shown(&desired.environment),
        protected: seen
            .config
            .environments
            .get(&desired.environment)
            .is_some_and(|environment| environment.protected),
        dialect: match seen.state.dialect {
            DialectKind::Postgres => "postgres",
            DialectKind::Snowflake => "snowflake",
        },
        declared: seen.state.declared,
        server,
        relations: relations.iter().map(|on| on.map(|on| shown(&on.to_string()))).collect(),
        classes: relations.iter().map(|on| on.map(|on| on.class().as_str())).collect(),
        actors: who,
        members,
        grants,
        owners,
        row_security,
        supers,
        sets: telling.sets.into_list(),
        texts: telling.texts.into_list(),
        lists: telling.lists.into_list(),
        cells,
        rows,
        row,
        drift,
        findings,
    }
}

impl<'a> Telling<'a> {
    fn text(&mut self, text: &str) -> Number {
        self.texts.number(shown(text))
    }

    fn list(&mut self, texts: &[String]) -> Number {
        let list = texts.iter().map(|text| self.text(text)).collect();
        self.lists.number(list)
    }

    fn set(&mut self, privileges: PrivilegeSet) -> Number {
        self.sets.number(privileges.iter().map(Privilege::as_str).collect())
    }

    /// Where a role of ours is defined.
    fn defined(&mut self, name: &Ident) -> Number {
        let desired = &self.seen.resolved.desired;
        let teller = access::Teller { desired, config: self.seen.config };
        let marker = desired.roles.get(name).map(|role| &role.marker);
        let mut places = marker.map(|marker| teller.defined(marker)).unwrap_or_default();
        if let Some(policy) = marker.and_then(|marker| marker.policy.as_ref()) {
            places.extend(self.seen.config.policies.get(policy).map(|it| where_is(&it.place)));
        }
        self.list(&places)
    }

    fn number(&self, name: &Ident) -> Number {
        self.numbers.get(name).and_then(|at| Number::try_from(*at).ok()).unwrap_or(-1)
    }

    fn members(&mut self) -> Vec<(usize, usize, u8, Number, Number, Number)> {
        let mut told = Vec::new();
        for it in &self.seen.state.memberships {
            let (Some(member), Some(role)) =
                (self.numbers.get(&it.member).copied(), self.numbers.get(&it.role).copied())
            else {
                continue;
            };
            let key = (it.role.clone(), it.member.clone());
            let desired = self.seen.resolved.desired.memberships.get(&key);
            let because = desired.map(|it| it.because.as_slice()).unwrap_or_default();
            let notes: Vec<String> = because.iter().filter_map(|it| self.note(it)).collect();
            let note = if notes.is_empty() { -1 } else { self.text(&notes.join("; ")) };
            let places = self.list(&places(because));
            let grantor = if self.seen.state.declared { -1 } else { self.number(&it.grantor) };
            let how = u8::from(it.inherit) + 2 * u8::from(it.set) + 4 * u8::from(it.admin);
            told.push((member, role, how, places, grantor, note));
        }
        told
    }

    /// What an owner's entry says beside who.
    fn note(&self, reason: &Reason) -> Option<String> {
        let entry = self.entries.get(&(reason.file.clone()?, reason.line))?;
        let MemberEntry { place: _, member, environments: _, until, reason, approval } = *entry;
        let rule = matches!(member, Member::Rule(_)).then(|| "by a rule".to_owned());
        let said = [
            rule,
            until.as_ref().map(|until| format!("until {}", until.value)),
            reason.clone(),
            approval.as_ref().map(|approval| format!("approved by {}", approval.by)),
        ];
        let said: Vec<String> = said.into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join(", "))
    }

    /// What was granted on the models, and who owns them.
    #[allow(clippy::type_complexity)]
    fn grants(
        &mut self,
        relations: &[Option<&Securable>],
    ) -> (Vec<(Number, Number, Number, Number, Number)>, Vec<(usize, usize)>) {
        let seen = self.seen;
        let mut grants = Vec::new();
        let mut owners = Vec::new();
        for (model, on) in relations.iter().enumerate() {
            let Some((on, object)) = on.and_then(|on| seen.state.objects.get_key_value(on)) else {
                continue;
            };
            let owner = object.owner.as_ref().and_then(|owner| self.numbers.get(owner).copied());
            owners.extend(owner.map(|owner| (model, owner)));
            for entry in &object.acl {
                // What an owner has from the beginning is told by who owns it.
                let grantor = entry.grantor.as_ref();
                if entry.grantee.is_some()
                    && entry.grantee == object.owner
                    && grantor == object.owner.as_ref()
                {
                    continue;
                }
                let grantee = match &entry.grantee {
                    None => -1,
                    Some(grantee) => match self.number(grantee) {
                        -1 => continue,
                        number => number,
                    },
                };
                let grantor = grantor.filter(|_| !seen.state.declared);
                let grantor = grantor.map_or(-1, |grantor| self.number(grantor));
                let mut by_places: BTreeMap<Vec<String>, PrivilegeSet> = BTreeMap::new();
                for privilege in entry.privileges.iter() {
                    let places = self.declared(on, entry.grantee.as_ref(), privilege);
                    by_places.entry(places).or_default().insert(privilege);
                }
                for (places, privileges) in by_places {
                    let (set, places) = (self.set(privileges), self.list(&places));
                    let model = Number::try_from(model).unwrap_or(-1);
                    grants.push((model, grantee, set, places, grantor));
                }
            }
        }
        for (name, gives) in beyond_lists(seen.state) {
            let (number, set, places) = (self.number(&name), self.set(gives), self.list(&[]));
            if number >= 0 {
                grants.push((-1, number, set, places, -1));
            }
        }
        (grants, owners)
    }

    fn declared(&self, on: &Securable, role: Option<&Ident>, privilege: Privilege) -> Vec<String> {
        let Some(role) = role else { return Vec::new() };
        let key = (on.clone(), role.clone());
        let desired = &self.seen.resolved.desired;
        let grant = desired.grants.get(&key);
        let because = grant.and_then(|grant| grant.because.get(&privilege));
        let mut told = because.map(|because| places(because)).unwrap_or_default();
        let by_dbt = desired.is_given_by_dbt(on, Some(role), privilege);
        if told.is_empty() && by_dbt {
            told.push("dbt's own grants".to_owned());
        }
        told
    }

    /// What everybody may do with everything, each kind of row once.
    #[allow(clippy::type_complexity)]
    fn rows(
        &mut self,
        relations: &[Option<&Securable>],
        order: &[Actor<'_>],
    ) -> (Vec<Cell>, Vec<Vec<Number>>, Vec<usize>) {
        let mut cells = Interned::new();
        let nothing = PrivilegeSet::EMPTY;
        let none = self.set(nothing);
        cells.number(Cell { held: none, usable: none, later: none, ..Cell::default() });
        let mut rows: Interned<Vec<Number>> = Interned::new();
        let empty = rows.number(Vec::new());
        let mut row = vec![usize::try_from(empty).unwrap_or_default(); order.len()];
        let asked: Vec<(usize, Securable)> = relations
            .iter()
            .enumerate()
            .filter_map(|(at, on)| Some((at, (*on)?.clone())))
            .collect();
        let objects: Vec<Securable> = asked.iter().map(|(_, on)| on.clone()).collect();
        let effect = Effect::of(self.seen.state);
        for alike in effect.alike(&objects) {
            let mut runs: Vec<Number> = Vec::new();
            let mut next = 0;
            for (at, may) in &alike.may {
                let Some((model, on)) = asked.get(*at) else { continue };
                let cell = self.cell(on.class(), may);
                let cell = cells.number(cell);
                match runs.as_mut_slice() {
                    [.., count, last] if *last == cell && *model == next => *count += 1,
                    _ => {
                        let skip = Number::try_from(model.saturating_sub(next)).unwrap_or(-1);
                        runs.extend([skip, 1, cell]);
                    }
                }
                next = model + 1;
            }
            let number = usize::try_from(rows.number(runs)).unwrap_or_default();
            for name in &alike.roles {
                if let Some(row) = self.numbers.get(name).and_then(|at| row.get_mut(*at)) {
                    *row = number;
                }
            }
        }
        (cells.into_list(), rows.into_list(), row)
    }

    fn cell(&mut self, class: ObjectClass, may: &MayDo) -> Cell {
        let MayDo { held, usable, by_set_role, without_statement, lacks, through } = may;
        let dialect = dialect::of(self.seen.state.dialect);
        // What no statement could use is no smaller permission for that: nobody lacks anything.
        let own = usable.union(*by_set_role);
        let by = |all: bool| {
            let by = through.values().filter(|it| (it.kinship == Kinship::Parent) == all);
            by.fold(PrivilegeSet::EMPTY, |all, one| all.union(one.privileges))
        };
        let (of_all, of_part) = (by(true), by(false));
        let useful = own.union(of_all).union(of_part);
        let counted = useful.union(*without_statement);
        let (level, word) = match (useful.is_empty(), own.is_empty()) {
            (true, _) => (0, format!("{}, of no use", word(dialect, class, *held))),
            (false, true) => {
                let word = word(dialect, class, useful);
                let how = match of_all.is_empty() {
                    true => "a part of the rows",
                    false => "through another relation",
                };
                (level(dialect, class, useful), format!("{word}, {how}"))
            }
            (false, false) => (level(dialect, class, counted), word(dialect, class, counted)),
        };
        let through: Vec<String> = through
            .iter()
            .map(|(on, Reaches { kinship, privileges })| match kinship {
                Kinship::Parent => format!("{privileges} through {on}, which it is a part of"),
                kinship => {
                    let has = access::rows_in_common(*kinship);
                    format!("{privileges} on a part of its rows, through {on}, {has} it")
                }
            })
            .collect();
        let lacks: Vec<String> = lacks.iter().map(access::lack).collect();
        Cell {
            level,
            word,
            held: self.set(*held),
            usable: self.set(*usable),
            later: self.set(*by_set_role),
            after: usable.is_empty() && !by_set_role.is_empty(),
            lacks: lacks.iter().map(|lack| self.text(lack)).collect(),
            through: through.iter().map(|way| self.text(way)).collect(),
        }
    }
}

/// What PostgreSQL's own roles give on every relation.
fn beyond_lists(state: &AccessState) -> Vec<(Ident, PrivilegeSet)> {
    if state.dialect != DialectKind::Postgres {
        return Vec::new();
    }
    let rows = PrivilegeSet::of(&[Privilege::INSERT, Privilege::UPDATE, Privilege::DELETE]);
    [
        ("pg_read_all_data", PrivilegeSet::of(&[Privilege::SELECT])),
        ("pg_write_all_data", rows),
        ("pg_maintain", PrivilegeSet::of(&[Privilege::MAINTAIN])),
    ]
    .into_iter()
    .filter_map(|(name, gives)| Some((Ident::new(name).ok()?, gives)))
    .collect()
}

/// Each reason's place, with the permission where one was written.
fn places(because: &[Reason]) -> Vec<String> {
    let mut places: Vec<String> = because.iter().map(plan_text::reason).collect();
    places.retain(|place| !place.is_empty());
    places.sort();
    places.dedup();
    places
}
