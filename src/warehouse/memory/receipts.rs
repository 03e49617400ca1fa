//! Receipts in memory: undone with the transaction, as on a server.

use super::Memory;
use crate::model::ServerIdentity;
use crate::receipts::{Ask, Entry, Extent, Only, Stamp, Store, iso};
use crate::warehouse::WarehouseError;

/// What is kept, and whether more may be.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    entries: Vec<Entry>,
    /// How many there were at `begin`.
    before: usize,
    /// Set by a test; otherwise ready, or missing while there is none.
    store: Option<Store>,
}

impl Kept {
    pub(super) fn store(&self) -> Store {
        match &self.store {
            Some(store) => store.clone(),
            None if self.entries.is_empty() => Store::Missing,
            None => Store::Ready,
        }
    }

    pub(super) fn asked(&self, ask: &Ask) -> Vec<Entry> {
        let Ask { deployment, environment, only } = ask;
        let mut of = self.entries.iter().filter(|entry| {
            entry.receipt.deployment == *deployment && entry.receipt.environment == *environment
        });
        match only {
            Only::All => of.cloned().collect(),
            Only::Begun => of.filter(|it| it.receipt.outcome == Extent::Begun).cloned().collect(),
            Only::Last | Only::LastAnywhere => of.next_back().cloned().into_iter().collect(),
            Only::Plan(sha256) => {
                let is_it = |entry: &&Entry| {
                    let plan = entry.receipt.plan.as_ref();
                    entry.receipt.outcome == Extent::Applied
                        && plan.is_some_and(|plan| plan.sha256 == *sha256)
                };
                of.filter(is_it).cloned().collect()
            }
        }
    }

    /// A clock that ticks with every receipt.
    pub(super) fn stamp(&self, server: &ServerIdentity) -> Stamp {
        let who = server.acting_as.to_string();
        let at = iso(i64::try_from(self.entries.len()).unwrap_or(i64::MAX));
        Stamp { at, session_user: who.clone(), current_role: who }
    }

    pub(super) fn begin(&mut self) {
        self.before = self.entries.len();
    }

    pub(super) fn keep(&mut self, entry: Entry) -> Result<(), WarehouseError> {
        match self.store() {
            Store::Ready | Store::Missing => {
                self.entries.push(entry);
                Ok(())
            }
            Store::Closed(why) | Store::Strange(why) => Err(WarehouseError::Forbidden(why)),
        }
    }

    pub(super) fn roll_back(&mut self) {
        self.entries.truncate(self.before);
    }
}

impl Memory {
    /// Lets the session keep receipts so, whatever it has.
    pub fn with_store(mut self, store: Store) -> Self {
        self.kept.store = Some(store);
        self
    }

    /// The receipts in it, oldest first.
    pub fn kept(&self) -> &[Entry] {
        &self.kept.entries
    }
}
