//! What a person has on a relation now, and since when without a break, as far as receipts know.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

use crate::model::{Change, DialectKind, Ident, Privilege, RelationKey, Securable};
use crate::receipts::{DONE, Entry};

/// What a person has on a relation, by what the receipts say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Since {
    /// The person.
    pub person: Ident,
    /// The relation.
    pub on: Securable,
    /// What it is that they have.
    #[serde(rename = "privilege")]
    pub has: Has,
    /// Since when, without a break.
    pub since: String,
    /// Through which roles, as they are called now.
    pub through: BTreeSet<Ident>,
    /// Somebody else's grant of it was taken since, and whether that was all is not known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
}

/// What one may have on a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Has {
    /// By a grant.
    Privilege(Privilege),
    /// Owners have every privilege.
    Ownership,
}

impl Serialize for Has {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Privilege(privilege) => privilege.serialize(serializer),
            Self::Ownership => serializer.serialize_str("OWNERSHIP"),
        }
    }
}

/// What the people have on the relations after the last receipt.
pub(super) fn since(
    entries: &[Entry],
    person: &BTreeSet<Ident>,
    model: &BTreeSet<RelationKey>,
) -> Vec<Since> {
    let mut held = Held { person, model, members: BTreeMap::new(), grants: BTreeMap::new() };
    let mut times: Vec<&str> = Vec::new();
    for entry in entries {
        for (at, changes) in by_time(entry) {
            held.make(&changes, entry, times.len());
            times.push(at);
        }
    }
    let mut ways: BTreeMap<(&Ident, &Securable, Has), Vec<Way>> = BTreeMap::new();
    for ((role, member), membership) in &held.members {
        for ((_, on, has), grant) in held.grants.iter().filter(|((of, _, _), _)| of == role) {
            let through = membership.both(grant, role);
            ways.entry((member, on, *has)).or_default().extend(through);
        }
    }
    let told = ways.into_iter().filter_map(|((person, on, has), ways)| {
        let unsure = !ways.iter().any(|way| way.is_open() && !way.unsure);
        let counts = |way: &&Way| unsure || !way.unsure;
        let open = || ways.iter().filter(counts).filter(|way| way.is_open());
        let mut since = open().map(|way| way.from).min()?;
        // Back through what had ended only when the next had begun.
        while let Some(before) = ways
            .iter()
            .filter(|way| counts(way) && way.from < since && way.until >= since)
            .map(|way| way.from)
            .min()
        {
            since = before;
        }
        Some(Since {
            person: person.clone(),
            on: on.clone(),
            has,
            since: (*times.get(since)?).to_owned(),
            through: open().map(|way| way.role.clone()).collect(),
            unsure,
        })
    });
    told.collect()
}

/// The changes of a receipt that were made, and when: what a cut apply had made already is older than
/// the receipt that goes on with it.
fn by_time(entry: &Entry) -> BTreeMap<&str, Vec<&Change>> {
    let mut by_time: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    for done in entry.receipt.changes.iter().filter(|done| done.outcome == DONE) {
        let at = done.at.as_deref().unwrap_or(&entry.stamp.at);
        by_time.entry(at).or_default().push(&done.change);
    }
    by_time
}

/// From when to when a person had something through a role.
struct Way<'a> {
    role: &'a Ident,
    from: usize,
    until: usize,
    unsure: bool,
}

impl Way<'_> {
    fn is_open(&self) -> bool {
        self.until == usize::MAX
    }
}

/// When a membership or a grant was there.
#[derive(Default)]
struct Spans {
    closed: Vec<(usize, usize)>,
    open: Option<usize>,
    unsure: bool,
}

impl Spans {
    /// Given while it is held already, it was lost in between: nobody knows when.
    fn begin(&mut self, at: usize) {
        self.closed.retain(|(_, until)| *until < at);
        self.open = Some(at);
        self.unsure = false;
    }

    fn end(&mut self, at: usize) {
        // Of what was in doubt nobody knows when it ended.
        if let Some(from) = self.open.take().filter(|_| !self.unsure) {
            self.closed.push((from, at));
        }
        self.unsure = false;
    }

    fn each(&self) -> impl Iterator<Item = (usize, usize, bool)> {
        let open = self.open.map(|from| (from, usize::MAX, self.unsure));
        self.closed.iter().map(|(from, until)| (*from, *until, false)).chain(open)
    }

    /// When both were there.
    fn both<'a>(&self, other: &Self, role: &'a Ident) -> Vec<Way<'a>> {
        let pairs = self.each().flat_map(|one| other.each().map(move |two| (one, two)));
        let ways = pairs.map(|(one, two)| Way {
            role,
            from: one.0.max(two.0),
            until: one.1.min(two.1),
            unsure: one.2 || two.2,
        });
        ways.filter(|way| way.from < way.until).collect()
    }
}

struct Held<'a> {
    person: &'a BTreeSet<Ident>,
    model: &'a BTreeSet<RelationKey>,
    /// (role, member)
    members: BTreeMap<(Ident, Ident), Spans>,
    /// (role, relation, what)
    grants: BTreeMap<(Ident, Securable, Has), Spans>,
}

impl Held<'_> {
    /// Renames come first in a plan. What is both taken and given in it is there in the end.
    fn make(&mut self, changes: &[&Change], entry: &Entry, at: usize) {
        for change in changes {
            self.rename(change);
        }
        for change in changes {
            self.take(change, entry, at);
        }
        for change in changes {
            self.give(change, at);
        }
    }

    fn rename(&mut self, change: &Change) {
        let Change::RenameRole { from, to } = change else { return };
        let new = |role: Ident| if role == *from { to.clone() } else { role };
        let members = std::mem::take(&mut self.members).into_iter();
        self.members = members.map(|((role, who), spans)| ((new(role), who), spans)).collect();
        let grants = std::mem::take(&mut self.grants).into_iter();
        self.grants = grants.map(|((role, on, it), spans)| ((new(role), on, it), spans)).collect();
    }

    fn give(&mut self, change: &Change, at: usize) {
        let meant = |on: &Securable| on.relation_key().is_some_and(|key| self.model.contains(&key));
        match change {
            Change::AddMember { role, member, .. } if self.person.contains(member) => {
                self.members.entry((role.clone(), member.clone())).or_default().begin(at);
            }
            Change::Grant { on, role, privileges } if meant(on) => {
                for privilege in privileges.iter() {
                    let key = (role.clone(), on.clone(), Has::Privilege(privilege));
                    self.grants.entry(key).or_default().begin(at);
                }
            }
            Change::SetOwner { on, to, .. } if meant(on) => {
                let key = (to.clone(), on.clone(), Has::Ownership);
                self.grants.entry(key).or_default().begin(at);
            }
            _ => {}
        }
    }

    fn take(&mut self, change: &Change, entry: &Entry, at: usize) {
        match change {
            Change::RemoveMember { role, member, grantor, .. } => {
                let key = (role.clone(), member.clone());
                let Some(spans) = self.members.get_mut(&key) else { return };
                if is_let_in(entry, role, member) {
                    return;
                }
                let hangs = |grantor: &Option<Ident>| {
                    grantor.as_ref().is_some_and(|by| had_let_in(entry, role, by))
                };
                let all = changes(entry).any(|other| {
                    matches!(other, Change::RemoveMember { role: r, member: m, grantor, .. }
                        if r == role && m == member && !hangs(grantor))
                });
                match hangs(grantor) && !all {
                    true => spans.unsure = true,
                    false => spans.end(at),
                }
            }
            Change::Revoke { on, role, privileges, grantor } => {
                if grantor.as_ref().is_some_and(|by| had_passed_on(entry, on, by)) {
                    return;
                }
                for privilege in privileges.iter() {
                    let key = (role.clone(), on.clone(), Has::Privilege(privilege));
                    if let Some(spans) = self.grants.get_mut(&key) {
                        spans.end(at);
                    }
                }
            }
            // Whoever owned it does not any more, by whatever name.
            Change::SetOwner { on, .. } => {
                let owners = self.grants.iter_mut();
                owners
                    .filter(|((_, of, has), _)| of == on && *has == Has::Ownership)
                    .for_each(|(_, spans)| spans.end(at));
            }
            Change::DropRole { role } => {
                let members = self.members.iter_mut().filter(|((of, _), _)| of == role);
                members.for_each(|(_, spans)| spans.end(at));
                let grants = self.grants.iter_mut().filter(|((of, _, _), _)| of == role);
                grants.for_each(|(_, spans)| spans.end(at));
            }
            _ => {}
        }
    }
}

fn changes(entry: &Entry) -> impl Iterator<Item = &Change> {
    entry.receipt.changes.iter().map(|done| &done.change)
}

/// Let in afresh, by the very plan that takes out what somebody else had granted.
fn is_let_in(entry: &Entry, role: &Ident, member: &Ident) -> bool {
    let done = entry.receipt.changes.iter().filter(|done| done.outcome == DONE);
    done.map(|done| &done.change).any(
        |it| matches!(it, Change::AddMember { role: r, member: m, .. } if r == role && m == member),
    )
}

/// Whoever is in by somebody's admin option is taken out there though an owner's file names them, and
/// the option goes by the same plan. Without that, a plan takes out only whom no file names, and
/// whoever let them in. (Before PostgreSQL 16 there is one membership, whoever granted it.)
fn had_let_in(entry: &Entry, of: &Ident, by: &Ident) -> bool {
    changes(entry).any(|change| match change {
        Change::RevokeAdminOption { role, member, .. }
        | Change::RemoveMember { role, member, .. } => role == of && member == by,
        _ => false,
    })
}

/// Likewise of what a managed role passed on, where a revoke takes one grantor's grant alone.
fn had_passed_on(entry: &Entry, of: &Securable, by: &Ident) -> bool {
    let same = |on: &Securable| on == of || on.relation_key() == of.relation_key();
    entry.receipt.target.dialect != DialectKind::Snowflake
        && changes(entry).any(|change| match change {
            Change::RevokeGrantOption { on, role, .. } | Change::Revoke { on, role, .. } => {
                role == by && same(on)
            }
            _ => false,
        })
}
