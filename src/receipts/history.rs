//! The answer to "since when?": what receipts say of a product, a role, a person or a model.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{ChangeReceipt, Entry, RoleReceipt};
use crate::model::{Change, Ident, Privilege, RelationKey, Securable};

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

/// What a person has on a relation, by what the receipts say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Since {
    /// The person.
    pub person: Ident,
    /// The relation.
    pub on: Securable,
    /// What it is that they have.
    pub privilege: Privilege,
    /// Since when, without a break.
    pub since: String,
    /// Through which roles, as they are called now.
    pub through: BTreeSet<Ident>,
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
            Change::RevokeDefault { .. } => model.is_none() && in_theirs,
            Change::CreateRole { .. }
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
        (Some(person), Some(model)) => since(entries, person, model),
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

/// What the people have on the relations after the last receipt, and since which one.
fn since(entries: &[Entry], person: &BTreeSet<Ident>, model: &BTreeSet<RelationKey>) -> Vec<Since> {
    let mut held = Held::default();
    let mut has: BTreeMap<(Ident, Securable, Privilege), (String, BTreeSet<Ident>)> =
        BTreeMap::new();
    for (at, changes) in entries.iter().flat_map(by_time) {
        for change in changes {
            held.make(change, person, model);
        }
        let mut now: BTreeMap<(Ident, Securable, Privilege), BTreeSet<Ident>> = BTreeMap::new();
        for (role, member) in &held.members {
            let grants = held.grants.iter().filter(|((of, _), _)| of == role);
            for ((_, on), privileges) in grants {
                for privilege in privileges {
                    let key = (member.clone(), on.clone(), *privilege);
                    now.entry(key).or_default().insert(role.clone());
                }
            }
        }
        has = now
            .into_iter()
            .map(|(key, through)| {
                let since = has.get(&key).map_or(at, |(since, _)| since.as_str()).to_owned();
                (key, (since, through))
            })
            .collect();
    }
    has.into_iter()
        .map(|((person, on, privilege), (since, through))| Since {
            person,
            on,
            privilege,
            since,
            through,
        })
        .collect()
}

/// The changes of a receipt that were made, and when: what a cut apply had made already is older than
/// the receipt that goes on with it.
fn by_time(entry: &Entry) -> BTreeMap<&str, Vec<&Change>> {
    let mut by_time: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    for done in entry.receipt.changes.iter().filter(|done| done.outcome == super::DONE) {
        let at = done.at.as_deref().unwrap_or(&entry.stamp.at);
        by_time.entry(at).or_default().push(&done.change);
    }
    by_time
}

#[derive(Default)]
struct Held {
    /// (role, member)
    members: BTreeSet<(Ident, Ident)>,
    /// (role, relation) → privileges
    grants: BTreeMap<(Ident, Securable), BTreeSet<Privilege>>,
}

impl Held {
    fn make(&mut self, change: &Change, person: &BTreeSet<Ident>, model: &BTreeSet<RelationKey>) {
        let meant = |on: &Securable| on.relation_key().is_some_and(|key| model.contains(&key));
        match change {
            Change::AddMember { role, member, .. } if person.contains(member) => {
                self.members.insert((role.clone(), member.clone()));
            }
            Change::RemoveMember { role, member, .. } => {
                self.members.remove(&(role.clone(), member.clone()));
            }
            Change::Grant { on, role, privileges } if meant(on) => {
                let held = self.grants.entry((role.clone(), on.clone())).or_default();
                held.extend(privileges.iter());
            }
            Change::Revoke { on, role, privileges, .. } => {
                if let Some(held) = self.grants.get_mut(&(role.clone(), on.clone())) {
                    held.retain(|privilege| !privileges.contains(*privilege));
                }
            }
            Change::RenameRole { from, to } => {
                let new = |role: Ident| if role == *from { to.clone() } else { role };
                let members = std::mem::take(&mut self.members).into_iter();
                self.members = members.map(|(role, member)| (new(role), member)).collect();
                let grants = std::mem::take(&mut self.grants).into_iter();
                self.grants = grants.map(|((role, on), held)| ((new(role), on), held)).collect();
            }
            Change::DropRole { role } => {
                self.members.retain(|(of, _)| of != role);
                self.grants.retain(|(of, _), _| of != role);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
