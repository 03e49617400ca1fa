//! Everybody in a role, and everybody who can do something: for questions about many objects.

use std::collections::BTreeSet;

use super::compiled::Effect;
use super::reasons::{Chain, Step};
use crate::model::{Ident, ObjectClass, Privilege, Securable};

impl<'a> Effect<'a> {
    /// All roles that are in one of these, by whatever membership and to any depth, and those of them
    /// that are there themselves. On Snowflake not those who are in it by an account's administrators.
    pub fn everybody_in<'i>(
        &self,
        roles: impl IntoIterator<Item = &'i Ident>,
    ) -> BTreeSet<&'a Ident> {
        let starts: Vec<u32> = roles.into_iter().filter_map(|role| self.number(role)).collect();
        let reached = self.members().downwards(&starts);
        reached.order.iter().filter_map(|role| self.names.get(*role as usize).copied()).collect()
    }

    /// Whether nobody is in a role.
    pub fn is_empty(&self, role: &Ident) -> bool {
        self.number(role).is_none_or(|role| self.members().is_empty(role))
    }

    /// The name as the state has it; `None` for a role that is not there.
    pub fn known(&self, role: &Ident) -> Option<&'a Ident> {
        self.names.get(self.number(role)? as usize).copied()
    }

    /// Whether it can log in: a person, or a service account.
    pub fn is_person(&self, role: &Ident) -> bool {
        self.state.roles.get(role).is_some_and(|role| role.attributes.login)
    }

    /// Everybody who holds a privilege on an object, or could by SET ROLE, whatever is missing to use
    /// it: more than [`Effect::who`] calls usable, never less.
    pub fn could(&self, on: &Securable, privilege: Privilege) -> BTreeSet<&'a Ident> {
        let bases = self.bases(on, privilege);
        if bases.iter().any(|basis| basis.role.is_none()) {
            return self.names.iter().copied().collect();
        }
        let mut starts: Vec<u32> = bases.iter().filter_map(|basis| basis.role).collect();
        let all = 0..self.names.len() as u32;
        starts.extend(all.filter(|role| self.is_superuser(*role)));
        let held = self.inherits.downwards(&starts);
        let could = self.sets.downwards(&held.order);
        could.order.iter().filter_map(|role| self.names.get(*role as usize).copied()).collect()
    }

    /// What gives a privilege on an object without a membership, superusers apart.
    pub fn given(&self, on: &Securable, privilege: Privilege) -> Vec<Step<'a>> {
        self.bases(on, privilege).into_iter().map(|basis| basis.step).collect()
    }

    /// Whether it is a superuser, whom nothing stops.
    pub fn is_above_all(&self, role: &Ident) -> bool {
        self.number(role).is_some_and(|role| self.is_superuser(role))
    }

    /// How somebody holds it: at once, or after SET ROLE.
    pub fn way(&self, who: &Ident, on: &Securable, privilege: Privilege) -> Option<Chain<'a>> {
        let role = self.role(who)?;
        if let Some(chain) = role.reason(on, privilege) {
            return Some(chain);
        }
        let mut others = role.can_become().into_iter();
        others.find_map(|other| role.reason_by_set_role(other, on, privilege))
    }

    /// An object and its columns that have grants of their own: who reads a column reads of it.
    pub fn with_columns(&self, on: &Securable) -> Vec<&'a Securable> {
        let Some((on, _)) = self.state.find(on) else { return Vec::new() };
        let mut all = vec![on];
        let Some((database, schema, name)) = on.relation_key() else { return all };
        let first = Securable::in_schema(ObjectClass::Column, database, schema, name);
        let columns = self.state.objects.range(first..).map(|(on, _)| on);
        all.extend(columns.take_while(|column| {
            column.class() == ObjectClass::Column && column.relation_key() == on.relation_key()
        }));
        all
    }
}
