//! PostgreSQL 13 and later, by its own protocol.

mod acl;
mod aclitem;
mod catalog;
mod connect;
mod errors;
mod observe;

use tokio_postgres::Client;

use crate::model::ObservedState;
use crate::warehouse::{Look, Observe, WarehouseError};

pub use connect::Notice;
use connect::{Notices, Target};

/// One session on a PostgreSQL server.
pub struct Postgres {
    client: Client,
    notices: Notices,
    target: Target,
    /// A transaction of ours is open: what is read then includes what it has changed.
    in_transaction: bool,
}

impl Postgres {
    /// Connects by a URL such as `postgres://user:password@host:port/database`, and sets the
    /// session up. No error repeats the password.
    pub async fn connect(url: &str) -> Result<Self, WarehouseError> {
        let target = Target::parse(url)?;
        let (client, notices) = target.connect().await?;
        Ok(Self { client, notices, target, in_transaction: false })
    }

    /// What the server has said beside its answers since this was last asked.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        self.notices.lock().map(|mut notices| std::mem::take(&mut *notices)).unwrap_or_default()
    }

    async fn run(&self, sql: &str) -> Result<(), WarehouseError> {
        self.client
            .batch_execute(sql)
            .await
            .map_err(|error| errors::of_statement(&self.target.label, sql, &error))
    }
}

impl Observe for Postgres {
    async fn observe(&mut self, look: &Look) -> Result<ObservedState, WarehouseError> {
        let reader = observe::Reader { client: &self.client, target: &self.target.label };
        if self.in_transaction {
            return reader.read(look).await;
        }
        self.run("begin isolation level repeatable read read only").await?;
        let read = reader.read(look).await;
        let ended = self.run("rollback").await;
        let state = read?;
        ended?;
        Ok(state)
    }
}
