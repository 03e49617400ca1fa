//! PostgreSQL 13 and later, by its own protocol.

mod access;
mod acl;
mod aclitem;
mod actors;
mod catalog;
mod connect;
mod errors;
mod execute;
mod lock;
mod observe;
mod outcome;
mod people;
mod public;
mod receipts;
mod tls;
mod url;

use std::time::Duration;

use tokio_postgres::Client;

use crate::dbt::profiles::PostgresProfile;
use crate::directory::People;
use crate::model::{Change, ObservedState, ServerIdentity};
use crate::receipts::{Ask, Entry, Stamp, Store};
use crate::warehouse::{Execute, Look, Observe, WarehouseError};

pub use connect::Notice;
use connect::{Notices, Target};

/// How long a lock is waited for, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// One session on a PostgreSQL server.
pub struct Postgres {
    client: Client,
    notices: Notices,
    target: Target,
    /// A transaction of ours: what is read while it is open includes what it has changed.
    open: Option<execute::Open>,
    lock_timeout: Duration,
}

impl Postgres {
    /// Connects by a URL such as `postgres://user:password@host:port/database`, and sets the
    /// session up. No error repeats the password.
    pub async fn connect(url: &str) -> Result<Self, WarehouseError> {
        Self::to(Target::parse(url)?).await
    }

    /// Connects as an output of `profiles.yml` says.
    pub async fn connect_profile(profile: &PostgresProfile) -> Result<Self, WarehouseError> {
        Self::to(Target::of_profile(profile)?).await
    }

    async fn to(target: Target) -> Result<Self, WarehouseError> {
        let (client, notices) = target.connect().await?;
        Ok(Self { client, notices, target, open: None, lock_timeout: PATIENCE })
    }

    /// What the server has said beside its answers since this was last asked.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        self.notices.lock().map(|mut notices| std::mem::take(&mut *notices)).unwrap_or_default()
    }

    /// The session itself: for tests that build a world inside the open transaction.
    #[doc(hidden)]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// As [`Self::set_lock_timeout`].
    pub fn with_lock_timeout(mut self, patience: Duration) -> Self {
        self.set_lock_timeout(patience);
        self
    }

    /// How long [`Execute::begin`] waits for another run, and a change for a lock on its object.
    pub fn set_lock_timeout(&mut self, patience: Duration) {
        self.lock_timeout = patience;
    }

    /// Sends SQL as it is: for tests, which break sessions and prepare states with it.
    #[doc(hidden)]
    pub async fn say(&self, sql: &str) -> Result<(), WarehouseError> {
        self.run(sql).await
    }

    async fn run(&self, sql: &str) -> Result<(), WarehouseError> {
        self.client
            .batch_execute(sql)
            .await
            .map_err(|error| errors::of_statement(&self.target.label, sql, &error))
    }

    /// Reads in the transaction that is open, or else in a snapshot of its own: anew where somebody
    /// renamed a role meanwhile, since another look sees it all.
    async fn in_snapshot<T>(
        &self,
        read: impl AsyncFn(&Self) -> Result<T, WarehouseError>,
    ) -> Result<T, WarehouseError> {
        if self.open.is_some() {
            return read(self).await;
        }
        let mut tries = 0;
        loop {
            self.run("begin isolation level repeatable read read only").await?;
            let state = read(self).await;
            let ended = self.run("rollback").await;
            tries += 1;
            match state {
                Err(WarehouseError::Retry(_)) if tries < TRIES => ended?,
                state => {
                    let state = state?;
                    ended?;
                    return Ok(state);
                }
            }
        }
    }
}

/// How often it is read anew when a role is renamed meanwhile.
const TRIES: u32 = 4;

impl Observe for Postgres {
    async fn identity(&mut self) -> Result<ServerIdentity, WarehouseError> {
        let reader = observe::Reader { client: &self.client, target: &self.target.label };
        reader.server().await.map(|(server, _)| server)
    }

    async fn observe(&mut self, look: &Look) -> Result<ObservedState, WarehouseError> {
        self.in_snapshot(async |postgres: &Self| {
            let Self { client, target, .. } = postgres;
            observe::Reader { client, target: &target.label }.read(look).await
        })
        .await
    }

    async fn people(&mut self, query: &str) -> Result<People, WarehouseError> {
        self.people_asked(query).await
    }

    async fn store(&mut self) -> Result<Store, WarehouseError> {
        self.receipts_store().await
    }

    async fn receipts(&mut self, ask: &Ask) -> Result<Vec<Entry>, WarehouseError> {
        self.receipts_asked(ask).await
    }

    async fn stamp(&mut self) -> Result<Option<Stamp>, WarehouseError> {
        self.receipt_stamp().await.map(Some)
    }

    async fn everybody_s_access(
        &mut self,
        _look: &super::AccessLook,
    ) -> Result<Option<crate::effect::AccessState>, WarehouseError> {
        self.access().await.map(Some)
    }
}

/// One transaction from `begin` to `commit`, under a lock that holds for the whole cluster where
/// the session has CREATEROLE, and for the database where it has not: such a session changes
/// nothing that other databases share.
impl Execute for Postgres {
    async fn begin(&mut self) -> Result<(), WarehouseError> {
        self.open().await
    }

    /// After an error the transaction is lost: only `roll_back` makes sense then.
    async fn execute(&mut self, changes: &[Change]) -> Result<(), WarehouseError> {
        self.change(changes).await
    }

    async fn keep(&mut self, entry: &Entry) -> Result<(), WarehouseError> {
        self.receipt_keep(entry).await
    }

    /// Ok only if the server says that the transaction was committed. If the connection broke
    /// meanwhile, a new one is made to ask; it is the session from then on.
    async fn commit(&mut self) -> Result<(), WarehouseError> {
        self.make_last().await
    }

    async fn roll_back(&mut self) -> Result<(), WarehouseError> {
        self.undo().await
    }
}
