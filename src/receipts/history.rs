//! The answer to "since when?": what receipts say of a product, a role, a person or a model.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{ChangeReceipt, Entry, RoleReceipt};
use crate::model::{Change, Ident, RelationKey, Securable};

mod held;

pub use held::{Has, Since};

/// What is asked. What is not said does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Question {
    /// A data product.
    pub product: Option<String>,
    /// A product role, or the name of a role in the warehouse.
    pub role: Option<String>,
    /// The names that a member may have in the warehouse.
    pub person: Option<BTreeSet<Ident>>,
    /// The relations that are meant; empty where the receipts know none of that name.
    pub model: Option<BTreeSet<RelationKey>>,
}

/// One change that answers the question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// The receipt, by its place in the list.
    #[serde(skip)]
    pub receipt: usize,
    /// The managed role, as it was called.
    pub role: Ident,
    /// What it is for, where the receipt knows.
    #[serde(flatten)]
    pub of: Option<RoleReceipt>,
    /// What was done.
    pub change: Change,
    /// It was planned, in a receipt that is only begun: whether it was made is not known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub planned: bool,
}

/// What happened, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// The changes that answer.
    pub events: Vec<Event>,
    /// What the person has now on the relations that were asked for.
    pub since: Vec<Since>,
}

/// Reads receipts, oldest first.
pub fn history(entries: &[Entry], question: &Question) -> History {
    let Question { product, role, person, model } = question;
    let names = Names::of(entries);
    let is_person = |member: &Ident| person.as_ref().is_none_or(|person| person.contains(member));
    let is_model = |on: &Securable| {
        model.as_ref().is_none_or(|model| on.relation_key().is_some_and(|key| model.contains(&key)))
    };
    // The roles that the person was ever in, and that ever had something on the model.
    let mut theirs = BTreeSet::new();
    let mut on_it = BTreeSet::new();
    for (at, change) in changes(entries) {
        match change {
            Change::AddMember { role, member, .. } | Change::RemoveMember { role, member, .. }
                if is_person(member) =>
            {
                theirs.insert(names.lasting(at, role));
            }
            Change::Grant { on, role, .. } | Change::SetOwner { on, to: role, .. }
                if is_model(on) =>
            {
                on_it.insert(names.lasting(at, role));
            }
            _ => {}
        }
    }
    let mut events = Vec::new();
    for (at, done) in entries.iter().enumerate().flat_map(done) {
        let change = &done.change;
        let name = change.role();
        let lasting = names.lasting(at, name);
        let of = names.purpose(at, name);
        let by_product =
            product.as_ref().is_none_or(|wanted| of.is_some_and(|of| of.product == *wanted));
        let by_role = role.as_ref().is_none_or(|wanted| {
            of.is_some_and(|of| of.role == *wanted) || name.as_str() == wanted
        });
        let in_theirs = person.is_none() || theirs.contains(&lasting);
        let has_on_it = model.is_none() || on_it.contains(&lasting);
        let answers = match change {
            Change::AddMember { member, .. }
            | Change::RemoveMember { member, .. }
            | Change::RevokeAdminOption { member, .. } => is_person(member) && has_on_it,
            Change::Grant { on, .. }
            | Change::SetOwner { on, .. }
            | Change::Revoke { on, .. }
            | Change::RevokeGrantOption { on, .. } => is_model(on) && in_theirs,
            Change::GrantDefault { .. } | Change::RevokeDefault { .. } => {
                model.is_none() && in_theirs
            }
            Change::CreateRole { .. }
            | Change::SetRoleOwner { .. }
            | Change::AdoptRole { .. }
            | Change::ResetAttributes { .. } => person.is_none() && model.is_none(),
            Change::RenameRole { .. } | Change::DropRole { .. } => in_theirs && has_on_it,
        };
        if by_product && by_role && answers {
            let (role, of) = (name.clone(), of.cloned());
            let planned = done.outcome == super::PLANNED;
            events.push(Event { receipt: at, role, of, change: change.clone(), planned });
        }
    }
    let since = match (person, model) {
        (Some(person), Some(model)) => held::since(entries, person, model),
        _ => Vec::new(),
    };
    History { events, since }
}

fn done((at, entry): (usize, &Entry)) -> impl Iterator<Item = (usize, &ChangeReceipt)> {
    entry.receipt.changes.iter().map(move |done| (at, done))
}

fn changes(entries: &[Entry]) -> impl Iterator<Item = (usize, &Change)> {
    entries.iter().enumerate().flat_map(done).map(|(at, done)| (at, &done.change))
}

/// What roles are called last, and what they are for.
struct Names<'a> {
    entries: &'a [Entry],
    /// Receipt, old name → new name.
    renames: Vec<(usize, &'a Ident, &'a Ident)>,
}

impl<'a> Names<'a> {
    fn of(entries: &'a [Entry]) -> Self {
        let renames = changes(entries).filter_map(|(at, change)| match change {
            Change::RenameRole { from, to } => Some((at, from, to)),
            _ => None,
        });
        Self { entries, renames: renames.collect() }
    }

    /// The name that a role has in the end, from what a receipt calls it: renames come first in a
    /// plan, and everything after them uses the new name.
    fn lasting(&self, at: usize, name: &Ident) -> Ident {
        let later = self.renames.iter().filter(|(when, _, _)| *when > at);
        later.fold(
            name.clone(),
            |name, (_, from, to)| {
                if name == **from { (*to).clone() } else { name }
            },
        )
    }

    fn purpose(&self, at: usize, name: &Ident) -> Option<&'a RoleReceipt> {
        self.entries.get(at)?.receipt.roles.get(name)
    }
}

#[cfg(test)]
mod tests;
