//! Ways round policies that are always required: who can use a relation and is not admitted there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compiled::Effect;
use super::kin::ROWS;
use super::reasons::Chain;
use super::through::Door;
use crate::model::{DialectKind, Ident, ObjectClass, Privilege, RelationKey, Securable};
use crate::resolve::Gates;

/// What lets one see rows without reading them: a trigger is handed every row that others write, a
/// foreign key tells which values are there. On Snowflake REFERENCES shows columns, and no rows.
const PEEK: [Privilege; 2] = [Privilege::TRIGGER, Privilege::REFERENCES];

/// Somebody who can what a required policy does not admit them to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayRound<'a> {
    /// Who.
    pub who: &'a Ident,
    /// The relation.
    pub on: &'a Securable,
    /// It is a part of its rows alone.
    pub in_part: bool,
    /// What they can do there.
    pub privileges: Vec<Privilege>,
    /// How they can do the first of it.
    pub chain: Chain<'a>,
    /// By what they can do it.
    ways: Vec<Way<'a>>,
}

/// By what somebody can do one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Way<'a> {
    privilege: Privilege,
    /// The relation, or a column of it, or other relations that have rows of it.
    by: Arc<BTreeSet<&'a Securable>>,
    /// It leads to all rows and columns, whatever row security says.
    to_all: bool,
    /// The other relations have a part of the rows.
    in_part: bool,
    chain: Chain<'a>,
}

impl<'a> WayRound<'a> {
    fn of(who: &'a Ident, on: &'a Securable, ways: Vec<Way<'a>>) -> Option<Self> {
        let mut privileges = Vec::new();
        for way in &ways {
            if !privileges.contains(&way.privilege) {
                privileges.push(way.privilege);
            }
        }
        let chain = ways.first()?.chain.clone();
        let in_part = ways.iter().all(|way| way.in_part);
        Some(Self { who, on, in_part, privileges, chain, ways })
    }

    /// What of it was not so among others: what somebody reaches by one partition is no excuse for another.
    pub fn beyond(&self, others: &[WayRound<'_>]) -> Option<Self> {
        let mut known = others.iter().filter(|known| (known.who, known.on) == (self.who, self.on));
        let Some(known) = known.next() else { return Some(self.clone()) };
        let mut ways = self.ways.clone();
        ways.retain_mut(|way| {
            let same: Vec<_> =
                known.ways.iter().filter(|it| it.privilege == way.privilege).collect();
            let was = |by: &&Securable| same.iter().any(|it| it.by.contains(*by));
            way.by = Arc::new(way.by.iter().copied().filter(|by| !was(by)).collect());
            !same.iter().any(|it| it.to_all) && !way.by.is_empty()
        });
        Self::of(self.who, self.on, ways)
    }

    /// What they can do, and on what, in words.
    pub fn what(&self) -> String {
        let words: Vec<&str> = self.privileges.iter().map(|it| it.as_str()).collect();
        let part = if self.in_part { "a part of the rows of " } else { "" };
        format!("{} on {part}{}", words.join(", "), self.on)
    }
}

impl<'a> Effect<'a> {
    /// Everyone who can log in and reads, writes or watches a relation that a policy is required on, at once or
    /// after SET ROLE, and whom not all of them admit. Superusers can always, and so can those who are
    /// `spared`: whoever runs dbt owns what it builds. By relation and name.
    pub fn ways_round(&self, gates: &Gates, spared: &BTreeSet<Ident>) -> Vec<WayRound<'a>> {
        gates.relations().flat_map(|relation| self.ways_round_on(gates, relation, spared)).collect()
    }

    fn ways_round_on(
        &self,
        gates: &Gates,
        relation: &RelationKey,
        spared: &BTreeSet<Ident>,
    ) -> Vec<WayRound<'a>> {
        let (database, schema, name) = relation.clone();
        // Of whatever class it is: it is found by its name.
        let on = Securable::in_schema(ObjectClass::Table, database, schema, name);
        let Some((on, _)) = self.state().find(&on) else { return Vec::new() };
        let admitted = gates.people(relation);
        // Policies speak of users, whatever a role is called.
        let is_admitted = |who: &Ident| {
            let user = self.state().user_s_name(who);
            admitted.as_ref().is_some_and(|people| people.contains(user))
        };
        let is_meant = |who: &Ident| {
            let role = self.state().roles.get(who).map(|role| &role.attributes);
            let is_person = role.is_some_and(|role| role.login && !role.superuser);
            is_person && !spared.contains(who) && !is_admitted(who)
        };
        let mut found: BTreeMap<&'a Ident, Vec<Way<'a>>> = BTreeMap::new();
        for door in self.ways_in(on) {
            let kin = door.kin.as_ref();
            let by = match kin {
                Some(kin) if door.on == kin.on => {
                    kin.alike.iter().copied().chain([kin.on]).collect()
                }
                _ => BTreeSet::from([door.on]),
            };
            let by = Arc::new(by);
            // Of what row security hides, another relation may show everything.
            let hides = self.state().objects.get(door.on).is_some_and(|it| it.row_security);
            let to_all = door.to_all() && !hides;
            for holder in self.holders(door.on, door.asks) {
                if !holder.usable() || !is_meant(holder.role) {
                    continue;
                }
                let ways = found.entry(holder.role).or_default();
                // Whoever owns it can give themselves the rest, which is said where they have not.
                let owns = door.asks == Privilege::OWNERSHIP;
                let known = ways.iter().any(|way| {
                    let same = way.to_all || kin.is_some_and(|kin| way.by.contains(&kin.on));
                    same && (owns || way.privilege == door.asks)
                });
                let Some(chain) = holder.told().filter(|_| !known) else { continue };
                ways.push(Way {
                    privilege: door.asks,
                    by: by.clone(),
                    to_all,
                    in_part: kin.is_some_and(super::Kin::in_part),
                    chain: door.lead_on(chain),
                });
            }
        }
        found.into_iter().filter_map(|(who, ways)| WayRound::of(who, on, ways)).collect()
    }

    /// All by which rows of a relation are read and written, what leads to all of them first.
    fn ways_in(&self, on: &'a Securable) -> Vec<Door<'a>> {
        let mut all = Vec::new();
        for privilege in ROWS {
            all.push(Door { on, asks: privilege, kin: None });
            let doors = self.doors(on, privilege).into_iter();
            all.extend(doors.filter(|door| door.asks == privilege));
        }
        let kin = self.unlike_kin(on);
        if self.state().dialect == DialectKind::Postgres {
            for kin in [None].into_iter().chain(kin.iter().cloned().map(Some)) {
                let at = kin.as_ref().map_or(on, |kin| kin.on);
                let doors =
                    self.with_columns(at).into_iter().flat_map(|on| PEEK.map(|it| (on, it)));
                all.extend(doors.map(|(on, asks)| Door { on, asks, kin: kin.clone() }));
            }
        }
        all.push(Door { on, asks: Privilege::OWNERSHIP, kin: None });
        for kin in kin {
            all.push(Door { on: kin.on, asks: Privilege::OWNERSHIP, kin: Some(kin) });
        }
        all.sort_by_key(|door| (door.asks == Privilege::OWNERSHIP, !door.to_all()));
        all
    }
}
