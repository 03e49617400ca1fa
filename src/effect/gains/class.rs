//! What roles can do that hold the same: each set of rows is looked at once, however many people
//! have it.

use std::collections::BTreeMap;

use super::side::{Contents, Row, Side};
use super::walk::Walker;
use crate::model::PrivilegeSet;

/// What decides about one role in force.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct InForce {
    superuser: bool,
    /// Sorted numbers of what it holds, itself and by membership.
    contents: Vec<u32>,
}

/// What decides about a session: its own role, and what it can SET ROLE to beyond.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Class {
    own: InForce,
    becomes: Vec<InForce>,
}

/// What somebody has on one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Able {
    pub(super) held: PrivilegeSet,
    /// At once, or after SET ROLE.
    pub(super) usable: PrivilegeSet,
}

/// What one role in force holds, by thing; filled and emptied again.
#[derive(Debug, Default)]
pub(super) struct Holding {
    held: Vec<PrivilegeSet>,
    touched: Vec<u32>,
}

impl Holding {
    pub(super) fn new(things: usize) -> Self {
        Self { held: vec![PrivilegeSet::EMPTY; things], touched: Vec::new() }
    }

    fn add(&mut self, thing: u32, privileges: PrivilegeSet) {
        let Some(held) = self.held.get_mut(thing as usize) else { return };
        if held.is_empty() && !privileges.is_empty() {
            self.touched.push(thing);
        }
        *held = held.union(privileges);
    }

    fn add_row(&mut self, row: &Row) {
        for (thing, privileges) in row {
            self.add(*thing, *privileges);
        }
    }

    fn on(&self, thing: u32) -> PrivilegeSet {
        self.held.get(thing as usize).copied().unwrap_or_default()
    }

    fn clear(&mut self) {
        for thing in self.touched.drain(..) {
            if let Some(held) = self.held.get_mut(thing as usize) {
                *held = PrivilegeSet::EMPTY;
            }
        }
    }
}

impl Side<'_> {
    fn in_force(&self, walker: &mut Walker, role: u32) -> InForce {
        let reached = walker.upwards(&self.effect.inherits, role);
        let content = |role: &u32| self.content.get(*role as usize).copied().flatten();
        let mut contents: Vec<u32> = reached.iter().filter_map(content).collect();
        contents.sort_unstable();
        contents.dedup();
        let superuser = self.effect.is_superuser(role);
        // Nothing is asked of a superuser.
        let contents = if superuser { Vec::new() } else { contents };
        InForce { superuser, contents }
    }

    /// What decides about a role.
    pub(super) fn class(&self, walker: &mut Walker, role: u32) -> Class {
        let own = self.in_force(walker, role);
        if own.superuser {
            return Class { own, becomes: Vec::new() };
        }
        let inherited: Vec<u32> = walker.order().to_vec();
        let sets = walker.upwards(&self.effect.sets, role);
        // Whoever inherits from a role can do without SET ROLE what the role can, unless it is a
        // superuser: that is not inherited.
        let others: Vec<u32> = sets
            .iter()
            .filter(|other| self.effect.is_superuser(**other) || !inherited.contains(*other))
            .copied()
            .collect();
        let mut becomes: Vec<InForce> =
            others.into_iter().map(|other| self.in_force(walker, other)).collect();
        becomes.sort_unstable();
        becomes.dedup();
        becomes.retain(|other| *other != own);
        Class { own, becomes }
    }

    /// What a session of that class holds and can use, by thing.
    pub(super) fn able(
        &self,
        class: &Class,
        contents: &Contents,
        (own, other): (&mut Holding, &mut Holding),
    ) -> Vec<(u32, Able)> {
        self.hold(&class.own, contents, own);
        own.touched.sort_unstable();
        let connects = |own: &Holding, thing: u32| {
            self.opened(thing, true, |container, privilege| {
                class.own.superuser || container.is_some_and(|on| own.on(on).contains(privilege))
            })
        };
        let mut able: Vec<(u32, Able)> = Vec::with_capacity(own.touched.len());
        for thing in &own.touched {
            let held = own.on(*thing);
            let usable = match connects(own, *thing) {
                true => self.usable(&class.own, own, *thing),
                false => PrivilegeSet::EMPTY,
            };
            able.push((*thing, Able { held, usable }));
        }
        if !class.becomes.is_empty() {
            let mut all: BTreeMap<u32, Able> = able.into_iter().collect();
            for role in &class.becomes {
                self.hold(role, contents, other);
                for thing in &other.touched {
                    let usable = self.usable(role, other, *thing);
                    if !usable.is_empty() && connects(own, *thing) {
                        let able = all.entry(*thing).or_default();
                        able.usable = able.usable.union(usable);
                    }
                }
                other.clear();
            }
            able = all.into_iter().collect();
        }
        own.clear();
        able
    }

    fn hold(&self, role: &InForce, contents: &Contents, holding: &mut Holding) {
        holding.clear();
        if role.superuser {
            holding.add_row(&self.fixed.all);
            return;
        }
        holding.add_row(&self.fixed.public);
        for number in &role.contents {
            if let Some(row) = contents.rows.get(*number as usize) {
                holding.add_row(row);
            }
        }
        let of_column = self.effect.state.privileges_of(crate::model::ObjectClass::Column);
        for (column, relation) in &self.fixed.columns {
            let of_relation = relation.map(|relation| holding.on(relation)).unwrap_or_default();
            holding.add(*column, of_relation.intersection(of_column));
        }
    }

    /// Whether the containers of a thing let one in: those that are asked of the session, or the rest.
    fn opened(
        &self,
        thing: u32,
        of_session: bool,
        holds: impl Fn(Option<u32>, crate::model::Privilege) -> bool,
    ) -> bool {
        let way = self.fixed.way.get(thing as usize).map(Vec::as_slice).unwrap_or_default();
        let asked = way.iter().filter(|needed| needed.of_session == of_session);
        asked.into_iter().all(|needed| holds(needed.container, needed.privilege))
    }

    /// What of its holding a role in force could use, in a session that connects.
    fn usable(&self, role: &InForce, holding: &Holding, thing: u32) -> PrivilegeSet {
        let on = |thing: u32| holding.on(thing);
        let open = role.superuser
            || self.opened(thing, false, |container, privilege| {
                container.is_some_and(|container| on(container).contains(privilege))
            });
        if !open {
            return PrivilegeSet::EMPTY;
        }
        let never = self.fixed.never.get(&thing).copied().unwrap_or_default();
        let mut usable = on(thing).minus(never);
        let conditions = self.fixed.conditions.get(&thing).filter(|_| !role.superuser);
        for condition in conditions.into_iter().flatten() {
            let Some(privilege) = condition.privilege else { continue };
            let select = crate::model::Privilege::SELECT;
            let has = |thing: &Option<u32>, what| thing.is_some_and(|it| on(it).contains(what));
            let any_of = |whole: &Option<u32>| {
                let mut columns = self.fixed.columns.iter();
                columns
                    .any(|(column, of)| of.is_some() && of == whole && on(*column).contains(select))
            };
            let reads = condition.reads.iter().all(|(whole, columns)| {
                has(whole, select)
                    || match columns.is_empty() {
                        true => any_of(whole),
                        false => columns.iter().all(|column| has(column, select)),
                    }
            });
            let writes = condition
                .writes
                .iter()
                .all(|any| any.iter().any(|thing| on(*thing).contains(privilege)));
            if !reads || !writes {
                usable = usable.minus(PrivilegeSet::of(&[privilege]));
            }
        }
        usable
    }
}
