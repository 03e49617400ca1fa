//! One of the two states, in numbers that both share: things for objects, subjects for roles.

use std::collections::{BTreeMap, HashMap};

use super::super::answer::Lack;
use super::super::compiled::Effect;
use super::names::{Key, Names};
use super::words::Meaning;
use crate::dialect;
use crate::model::{DialectKind, ObjectClass, Privilege, PrivilegeSet, Securable};

/// Privileges by thing, sorted.
pub(super) type Row = Vec<(u32, PrivilegeSet)>;

/// Rows, each once: roles that hold the same share one.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) rows: Vec<Row>,
    numbers: HashMap<Row, u32>,
}

impl Contents {
    fn number(&mut self, row: Row) -> u32 {
        if let Some(number) = self.numbers.get(&row) {
            return *number;
        }
        let number = self.rows.len() as u32;
        self.rows.push(row.clone());
        self.numbers.insert(row, number);
        number
    }
}

/// What must be held on a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    /// `None` where the state does not have it: nobody but a superuser holds anything there.
    pub(super) container: Option<u32>,
    pub(super) privilege: Privilege,
    /// Asked of the session's user, whatever role is in force.
    pub(super) of_session: bool,
}

/// What the asking role must be able to read or write itself for one privilege on a view.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Condition {
    pub(super) privilege: Option<Privilege>,
    /// The whole relation, or all of these columns.
    pub(super) reads: Vec<(Option<u32>, Vec<Option<u32>>)>,
    /// Any of these: a relation and its columns.
    pub(super) writes: Vec<Vec<u32>>,
}

/// What does not depend on who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fixed {
    /// What everyone has.
    pub(super) public: Row,
    /// What superusers have.
    pub(super) all: Row,
    /// By thing.
    pub(super) way: Vec<Vec<Way>>,
    /// What nobody can use.
    pub(super) never: HashMap<u32, PrivilegeSet>,
    /// What no statement could use.
    pub(super) no_statement: HashMap<u32, PrivilegeSet>,
    pub(super) conditions: HashMap<u32, Vec<Condition>>,
    /// Columns with grants of their own, and their relations.
    pub(super) columns: Vec<(u32, Option<u32>)>,
}

/// A state.
#[derive(Debug)]
pub(super) struct Side<'a> {
    pub(super) effect: &'a Effect<'a>,
    /// By thing: the object, where this state has it.
    pub(super) on: Vec<Option<&'a Securable>>,
    thing_of: HashMap<&'a Securable, u32>,
    /// By role: the number of what it holds itself; `None` for nothing.
    pub(super) content: Vec<Option<u32>>,
    pub(super) fixed: Fixed,
    /// By role.
    pub(super) subject_of: Vec<u32>,
    /// By subject.
    pub(super) role_of: Vec<Option<u32>>,
}

impl<'a> Side<'a> {
    /// `things` and `subjects` are numbered already, for both sides.
    pub(super) fn new(
        effect: &'a Effect<'a>,
        names: &Names,
        things: &BTreeMap<Key, u32>,
        subject_of: Vec<u32>,
        subjects: usize,
        contents: &mut Contents,
    ) -> Self {
        let objects = &effect.state.objects;
        let mut on = vec![None; things.len()];
        let mut thing_of = HashMap::with_capacity(objects.len());
        for object in objects.keys() {
            let Some(thing) = things.get(&names.key(object)) else { continue };
            thing_of.insert(object, *thing);
            if let Some(slot) = on.get_mut(*thing as usize) {
                *slot = Some(object);
            }
        }
        let mut role_of = vec![None; subjects];
        for (role, subject) in (0..).zip(&subject_of) {
            if let Some(slot) = role_of.get_mut(*subject as usize) {
                *slot = Some(role);
            }
        }
        let mut side = Self {
            effect,
            on,
            thing_of,
            content: Vec::new(),
            fixed: Fixed::default(),
            subject_of,
            role_of,
        };
        let rows = side.rows();
        let number = |row: Row| (!row.is_empty()).then(|| contents.number(row));
        side.content = rows.into_iter().map(number).collect();
        side.fix();
        side
    }

    pub(super) fn thing(&self, on: &Securable) -> Option<u32> {
        self.thing_of.get(on).copied()
    }

    /// What each role holds itself; beside, what everyone and what superusers do.
    fn rows(&mut self) -> Vec<Row> {
        let effect = self.effect;
        let ownership = PrivilegeSet::of(&[Privilege::OWNERSHIP]);
        let mut rows: Vec<Row> = vec![Vec::new(); effect.names.len()];
        let mut public = Vec::new();
        let mut all = Vec::new();
        for (on, object) in &effect.state.objects {
            let Some(thing) = self.thing(on) else { continue };
            let mut give = |role: u32, privileges: PrivilegeSet| {
                if let Some(row) = rows.get_mut(role as usize) {
                    row.push((thing, privileges));
                }
            };
            for entry in &object.acl {
                match &entry.grantee {
                    None => public.push((thing, entry.privileges)),
                    Some(grantee) => {
                        if let Some(role) = effect.number(grantee) {
                            give(role, entry.privileges);
                        }
                    }
                }
            }
            let owned = on.class() != ObjectClass::Column;
            let owner = object.owner.as_ref().filter(|_| owned);
            if let Some(role) = owner.and_then(|owner| effect.number(owner)) {
                give(role, ownership);
            }
            for (role, gives) in effect.beyond_lists(on.class()) {
                give(role, gives);
            }
            let every = effect.state.privileges_of(on.class());
            all.push((thing, if owned { every.union(ownership) } else { every }));
        }
        self.fixed.public = merged(public);
        self.fixed.all = merged(all);
        rows.into_iter().map(merged).collect()
    }

    fn fix(&mut self) {
        let effect = self.effect;
        let snowflake = effect.state.dialect == DialectKind::Snowflake;
        let mut way = vec![Vec::new(); self.on.len()];
        let mut columns_of: HashMap<u32, Vec<u32>> = HashMap::new();
        for (on, thing) in &self.thing_of {
            let relation = effect.relation_of(on).and_then(|relation| self.thing(relation));
            if on.class() == ObjectClass::Column {
                self.fixed.columns.push((*thing, relation));
                columns_of.entry(relation.unwrap_or(u32::MAX)).or_default().push(*thing);
            }
            // On Snowflake what is in no database is used from anywhere.
            if snowflake && on.database_name().is_none() {
                continue;
            }
            let needed = effect.way_to(on, Privilege::SELECT).into_iter().map(|needed| Way {
                container: self.thing(&needed.on),
                of_session: needed.privilege == Privilege::CONNECT,
                privilege: needed.privilege,
            });
            if let Some(slot) = way.get_mut(*thing as usize) {
                *slot = needed.collect();
            }
        }
        self.fixed.way = way;
        self.fixed.columns.sort_unstable();
        let mut never = HashMap::new();
        let mut no_statement = HashMap::new();
        let mut conditions: HashMap<u32, Vec<Condition>> = HashMap::new();
        for (on, thing) in &self.thing_of {
            let relation = effect.relation_of(on).unwrap_or(on);
            let kinds = [ObjectClass::View, ObjectClass::MaterializedView];
            if !kinds.contains(&relation.class()) {
                continue;
            }
            let mut every = effect.state.privileges_of(on.class());
            every.insert(Privilege::OWNERSHIP);
            for privilege in every.iter() {
                let inside = effect.inside(on, privilege);
                if inside.lacks.contains(&Lack::NoSuchStatement) {
                    let set: &mut PrivilegeSet = no_statement.entry(*thing).or_default();
                    set.insert(privilege);
                }
                if !inside.lacks.is_empty() {
                    let set: &mut PrivilegeSet = never.entry(*thing).or_default();
                    set.insert(privilege);
                } else if !inside.needs.is_empty() || !inside.writes.is_empty() {
                    let read = |(on, columns): &(Securable, Vec<_>)| {
                        let column = |column: &crate::model::Ident| {
                            let (database, schema, name) = on.relation_key()?;
                            self.thing(&Securable::column(database, schema, name, column.clone()))
                        };
                        (self.thing(on), columns.iter().map(column).collect())
                    };
                    let write = |on: &&Securable| {
                        let relation = self.thing(on);
                        let columns = relation.and_then(|on| columns_of.get(&on));
                        relation.into_iter().chain(columns.into_iter().flatten().copied()).collect()
                    };
                    conditions.entry(*thing).or_default().push(Condition {
                        privilege: Some(privilege),
                        reads: inside.needs.iter().map(|needs| read(needs)).collect(),
                        writes: inside.writes.iter().map(write).collect(),
                    });
                }
            }
        }
        (self.fixed.never, self.fixed.no_statement) = (never, no_statement);
        self.fixed.conditions = conditions;
    }

    /// What the words mean on a thing here.
    pub(super) fn meaning(&self, thing: u32) -> Meaning {
        let Some(Some(on)) = self.on.get(thing as usize) else { return Meaning::default() };
        let useless = self.fixed.no_statement.get(&thing).copied().unwrap_or_default();
        Meaning::of(dialect::of(self.effect.state.dialect), on.class(), useless)
    }

    /// The privileges that only open the way into a container.
    pub(super) fn opens(&self, thing: u32) -> PrivilegeSet {
        let (database, schema) = dialect::of(self.effect.state.dialect).needs();
        match self.on.get(thing as usize).copied().flatten().map(Securable::class) {
            Some(ObjectClass::Database) => database,
            Some(ObjectClass::Schema) => schema,
            _ => PrivilegeSet::EMPTY,
        }
    }
}

fn merged(mut row: Row) -> Row {
    row.sort_unstable();
    row.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = kept.1.union(next.1);
        }
        same
    });
    row.retain(|(_, privileges)| !privileges.is_empty());
    row
}
