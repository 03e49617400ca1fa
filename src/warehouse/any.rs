//! Whichever warehouse a project is for.

use super::postgres::Postgres;
use super::snowflake::Snowflake;
use super::{AccessLook, Everybodys, Execute, Look, Observe, ObservePublic, WarehouseError};
use crate::directory::People;
use crate::model::{Change, ObservedState, SchemaKey, Scope, ServerIdentity};
use crate::receipts::{Ask, Entry, Stamp, Store};

/// A warehouse of either kind.
#[allow(missing_debug_implementations)]
pub enum Warehouse {
    /// PostgreSQL.
    Postgres(Box<Postgres>),
    /// Snowflake.
    Snowflake(Box<Snowflake>),
}

impl Warehouse {
    /// Reads grants from Snowflake's ACCOUNT_USAGE, which is late. There is none elsewhere.
    pub fn reading_account_usage(self, yes: bool) -> Result<Self, WarehouseError> {
        match self {
            Self::Snowflake(snowflake) => {
                Ok(Self::Snowflake(Box::new(snowflake.reading_account_usage(yes))))
            }
            Self::Postgres(_) if yes => Err(WarehouseError::Forbidden(
                "--from-account-usage is for Snowflake: PostgreSQL has no ACCOUNT_USAGE".to_owned(),
            )),
            postgres => Ok(postgres),
        }
    }

    /// Whether a plan asks [`Self::access`] of its own accord: of an account that is many statements.
    pub fn tells_access_at_once(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// All that decides about access to what is looked at, whoever manages it: on PostgreSQL all of the
    /// connected database.
    pub async fn access(
        &mut self,
        look: &AccessLook,
    ) -> Result<crate::effect::AccessState, WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.access().await,
            Self::Snowflake(snowflake) => snowflake.access(look).await,
        }
    }

    /// Writes what becomes of each statement to a file, where there are no transactions.
    #[must_use]
    pub fn with_journal(self, path: std::path::PathBuf) -> Self {
        match self {
            Self::Snowflake(snowflake) => Self::Snowflake(Box::new(snowflake.with_journal(path))),
            postgres => postgres,
        }
    }
}

impl Observe for Warehouse {
    async fn identity(&mut self) -> Result<ServerIdentity, WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.identity().await,
            Self::Snowflake(snowflake) => snowflake.identity().await,
        }
    }

    async fn observe(&mut self, look: &Look) -> Result<ObservedState, WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.observe(look).await,
            Self::Snowflake(snowflake) => snowflake.observe(look).await,
        }
    }

    async fn people(&mut self, query: &str) -> Result<People, WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.people(query).await,
            Self::Snowflake(snowflake) => snowflake.people(query).await,
        }
    }

    async fn store(&mut self) -> Result<Store, WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.store().await,
            Self::Snowflake(snowflake) => snowflake.store().await,
        }
    }

    async fn receipts(&mut self, ask: &Ask) -> Result<Vec<Entry>, WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.receipts(ask).await,
            Self::Snowflake(snowflake) => snowflake.receipts(ask).await,
        }
    }

    async fn everybody_s_access(
        &mut self,
        look: &AccessLook,
    ) -> Result<Option<crate::effect::AccessState>, WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.everybody_s_access(look).await,
            Self::Snowflake(snowflake) => snowflake.everybody_s_access(look).await,
        }
    }

    async fn stamp(&mut self) -> Result<Option<Stamp>, WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.stamp().await,
            Self::Snowflake(snowflake) => snowflake.stamp().await,
        }
    }
}

impl ObservePublic for Warehouse {
    async fn public(
        &mut self,
        schemas: &std::collections::BTreeSet<SchemaKey>,
    ) -> Result<Everybodys, WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.public(schemas).await,
            Self::Snowflake(snowflake) => snowflake.public(schemas).await,
        }
    }
}

impl Execute for Warehouse {
    fn is_transactional(&self) -> bool {
        match self {
            Self::Postgres(postgres) => postgres.is_transactional(),
            Self::Snowflake(snowflake) => snowflake.is_transactional(),
        }
    }

    fn prepare(&mut self, scope: &Scope) -> Result<(), WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.prepare(scope),
            Self::Snowflake(snowflake) => snowflake.prepare(scope),
        }
    }

    async fn begin(&mut self) -> Result<(), WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.begin().await,
            Self::Snowflake(snowflake) => snowflake.begin().await,
        }
    }

    async fn execute(&mut self, changes: &[Change]) -> Result<(), WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.execute(changes).await,
            Self::Snowflake(snowflake) => snowflake.execute(changes).await,
        }
    }

    async fn make_store(&mut self) -> Result<Store, WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.make_store().await,
            Self::Snowflake(snowflake) => snowflake.make_store().await,
        }
    }

    async fn keep(&mut self, entry: &Entry) -> Result<(), WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.keep(entry).await,
            Self::Snowflake(snowflake) => snowflake.keep(entry).await,
        }
    }

    async fn commit(&mut self) -> Result<(), WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.commit().await,
            Self::Snowflake(snowflake) => snowflake.commit().await,
        }
    }

    async fn roll_back(&mut self) -> Result<(), WarehouseError> {
        match self {
            Self::Postgres(postgres) => postgres.roll_back().await,
            Self::Snowflake(snowflake) => snowflake.roll_back().await,
        }
    }
}
