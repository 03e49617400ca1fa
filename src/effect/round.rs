//! Ways round policies that are always required: who can use a relation and is not admitted there.

use std::collections::BTreeSet;

use super::above::Above;
use super::compiled::Effect;
use super::reasons::Chain;
use super::who::Holder;
use crate::model::{Ident, ObjectClass, Privilege, RelationKey, Securable};
use crate::resolve::Gates;

/// What reads or changes rows.
const ROWS: [Privilege; 5] = [
    Privilege::SELECT,
    Privilege::INSERT,
    Privilege::UPDATE,
    Privilege::DELETE,
    Privilege::TRUNCATE,
];

/// Somebody who can what a required policy does not admit them to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayRound<'a> {
    /// Who.
    pub who: &'a Ident,
    /// The relation.
    pub on: &'a Securable,
    /// What they can do there.
    pub privileges: Vec<Privilege>,
    /// How they can do the first of it.
    pub chain: Chain<'a>,
}

impl<'a> Effect<'a> {
    /// Everyone who can log in and reads or writes a relation that a policy is required on, at once or
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
        let is_admitted = |who| {
            let user = self.state().user_s_name(who);
            admitted.as_ref().is_some_and(|people| people.contains(user))
        };
        let mut ways: Vec<WayRound<'a>> = Vec::new();
        let mut found = |holder: Holder<'a>, privilege, above: Option<&Above<'a>>| {
            let Some(role) = self.state().roles.get(holder.role) else { return };
            let is_person = role.attributes.login && !role.attributes.superuser;
            let who = holder.role;
            if !is_person || !holder.reaches() || spared.contains(who) || is_admitted(who) {
                return;
            }
            let Some(chain) = holder.told() else { return };
            let chain = above.map_or(chain.clone(), |above| above.through(chain, privilege));
            match ways.iter_mut().find(|way| way.who == who) {
                Some(way) if way.privileges.contains(&privilege) => {}
                // Whoever owns it can give themselves the rest, which is said where they have not.
                Some(_) if privilege == Privilege::OWNERSHIP => {}
                Some(way) => way.privileges.push(privilege),
                None => ways.push(WayRound { who, on, privileges: vec![privilege], chain }),
            }
        };
        let above = self.above(on);
        for privilege in ROWS.into_iter().chain([Privilege::OWNERSHIP]) {
            for on in self.with_columns(on) {
                self.who(on, privilege).into_iter().for_each(|who| found(who, privilege, None));
            }
            for above in &above {
                let rows = above.privileges.contains(privilege);
                for on in self.with_columns(above.on) {
                    // What is held on the whole of it has been found through it.
                    if rows && on != above.on || privilege == Privilege::OWNERSHIP && on == above.on
                    {
                        let all = self.who(on, privilege).into_iter();
                        all.for_each(|who| found(who, privilege, Some(above)));
                    }
                }
            }
        }
        ways.sort_by(|a, b| a.who.cmp(b.who));
        ways
    }
}
