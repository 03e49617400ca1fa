//! A Snowflake account as a warehouse: observed, locked, changed.

use std::path::PathBuf;

use serde_json::json;

use super::execute::Executor;
use super::journal::Journal;
use super::lock::{Lock, now, this_process};
use super::reader::{Reader, failed};
use super::shown::Table;
use super::{Rows, Sessions, SnowflakeSettings};
use crate::dialect::ReceiptTable;
use crate::directory::{People, Value};
use crate::model::{Change, DialectKind, Ident, ObservedState, SchemaKey, Scope, ServerIdentity};
use crate::receipts::{Ask, Entry, Stamp, Store};
use crate::warehouse::{
    AccessLook, Everybodys, Execute, Look, Observe, ObservePublic, WarehouseError,
};

/// How many sessions work side by side, unless the caller says otherwise.
pub const SESSIONS: usize = 8;

/// A Snowflake account, over several sessions of one user in one role.
#[derive(Debug)]
pub struct Snowflake {
    pub(super) sessions: Sessions,
    server: Option<(ServerIdentity, bool)>,
    pub(super) from_account_usage: bool,
    holder: String,
    journal_path: Option<PathBuf>,
    journal: Option<Journal>,
    lock: Option<Lock>,
    pub(super) locked: bool,
    pub(super) receipts_in: Option<ReceiptTable>,
    /// The table of receipts was looked at under this lock, and is as it should be.
    pub(super) receipts_seen: bool,
}

impl Snowflake {
    /// Opens the first session.
    pub async fn connect(
        settings: &SnowflakeSettings,
        sessions: usize,
    ) -> Result<Self, WarehouseError> {
        Ok(Self::over(Sessions::connect(settings, sessions).await?))
    }

    /// Over sessions that are there.
    pub fn over(sessions: Sessions) -> Self {
        Self {
            sessions,
            server: None,
            from_account_usage: false,
            holder: this_process(),
            journal_path: None,
            journal: None,
            lock: None,
            locked: false,
            receipts_in: None,
            receipts_seen: false,
        }
    }

    /// Reads grants and members from ACCOUNT_USAGE, which is up to two hours late.
    #[must_use]
    pub fn reading_account_usage(mut self, yes: bool) -> Self {
        self.from_account_usage = yes;
        self
    }

    /// Writes what becomes of each statement to a file.
    #[must_use]
    pub fn with_journal(mut self, path: PathBuf) -> Self {
        self.journal_path = Some(path);
        self
    }

    /// The sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Who this process is in a lock.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// Breaks a dead apply's lock. `false` where nobody held it.
    pub async fn unlock(
        &self,
        deployment: &str,
        environment: &str,
        holder: &str,
    ) -> Result<bool, WarehouseError> {
        Lock::of(deployment, environment)?.break_it(&self.sessions, holder).await
    }

    /// The server, and whether the session has a warehouse.
    pub(super) async fn server(&mut self) -> Result<(ServerIdentity, bool), WarehouseError> {
        if let Some(server) = &self.server {
            return Ok(server.clone());
        }
        let ask = "SELECT CURRENT_REGION() AS REGION, CURRENT_ACCOUNT() AS ACCOUNT, CURRENT_ROLE() AS \"ROLE\", CURRENT_WAREHOUSE() AS WAREHOUSE";
        // Whoever wants to know is about to look around, or to change things.
        self.sessions.open_all();
        let rows = self.sessions.query(ask).await.map_err(|error| failed(ask, &error))?;
        let table = Table::of(&rows);
        let unreadable = || WarehouseError::Connect {
            target: "Snowflake".to_owned(),
            cause: "the account does not say what it is, or the session has no role".to_owned(),
        };
        let row = table.rows().next().ok_or_else(unreadable)?;
        let acting_as = row.name("role").ok_or_else(unreadable)?;
        let identity = ServerIdentity {
            dialect: DialectKind::Snowflake,
            system: format!("{}.{}", row.text("region"), row.text("account")),
            database: None,
            version: 0,
            acting_as,
            superuser: false,
            may_create_roles: true,
        };
        let server = (identity, !row.text("warehouse").is_empty());
        self.server = Some(server.clone());
        Ok(server)
    }

    async fn unlocked(&mut self, what_is_done: &str) -> Result<(), WarehouseError> {
        self.receipts_seen = false;
        if let Some(journal) = self.journal.take() {
            journal.add("ended", json!({}));
        }
        let Some(lock) = self.lock.clone().filter(|_| std::mem::take(&mut self.locked)) else {
            return Ok(());
        };
        lock.give_back(&self.sessions, &self.holder).await.map_err(|error| {
            WarehouseError::Unknown(format!(
                "{what_is_done}the lock {} could not be given back: {error}\n  rolecall unlock --holder '{}'",
                lock.name(),
                self.holder
            ))
        })
    }
}

impl Observe for Snowflake {
    async fn identity(&mut self) -> Result<ServerIdentity, WarehouseError> {
        Ok(self.server().await?.0)
    }

    /// There are no transactions that only read: what the session may change, a function in the query
    /// may. Values are texts. The query is one statement that begins with SELECT or WITH.
    async fn people(&mut self, query: &str) -> Result<People, WarehouseError> {
        let what = "the directory's query";
        let Rows { columns, rows } =
            self.sessions.query(query).await.map_err(|error| failed(what, &error))?;
        // What nobody quoted is in upper case here, and rules are written in lower.
        let plain = |name: &str| !name.bytes().any(|byte| byte.is_ascii_lowercase());
        let name = |name: String| if plain(&name) { name.to_ascii_lowercase() } else { name };
        let columns = columns.into_iter().map(name).collect();
        let value = |cell: Option<String>| cell.as_deref().and_then(Value::text);
        let rows = rows.into_iter().map(|row| row.into_iter().map(value).collect()).collect();
        Ok(People { columns, rows })
    }

    async fn observe(&mut self, look: &Look) -> Result<ObservedState, WarehouseError> {
        let (server, has_warehouse) = self.server().await?;
        // What is late is never what an apply stands on.
        let from_account_usage = self.from_account_usage && !self.locked;
        let sessions = &self.sessions;
        Reader { sessions, server: &server, has_warehouse, from_account_usage }.read(look).await
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
        look: &AccessLook,
    ) -> Result<Option<crate::effect::AccessState>, WarehouseError> {
        self.access(look).await.map(Some)
    }
}

impl ObservePublic for Snowflake {
    async fn public(
        &mut self,
        schemas: &std::collections::BTreeSet<SchemaKey>,
    ) -> Result<Everybodys, WarehouseError> {
        let (server, has_warehouse) = self.server().await?;
        let sessions = &self.sessions;
        let reader = Reader { sessions, server: &server, has_warehouse, from_account_usage: false };
        reader.public(schemas).await
    }
}

impl Execute for Snowflake {
    fn is_transactional(&self) -> bool {
        false
    }

    fn prepare(&mut self, scope: &Scope) -> Result<(), WarehouseError> {
        self.lock = Some(Lock::of(&scope.deployment, &scope.environment)?);
        Ok(())
    }

    async fn begin(&mut self) -> Result<(), WarehouseError> {
        let (server, _) = self.server().await?;
        let path = self.journal_path.as_deref();
        self.journal = path.map(Journal::open).transpose()?;
        let Some(lock) = &self.lock else {
            return Err(WarehouseError::Locked("nobody said what to lock".to_owned()));
        };
        lock.take(&self.sessions, &self.holder, now(), &server.acting_as).await?;
        self.locked = true;
        if let Some(journal) = &self.journal {
            journal.add(
                "began",
                json!({ "holder": self.holder, "lock": lock.name(), "account": server.system }),
            );
        }
        Ok(())
    }

    async fn execute(&mut self, changes: &[Change]) -> Result<(), WarehouseError> {
        let (server, _) = self.server().await?;
        let acting_as: &Ident = &server.acting_as;
        let journal = self.journal.as_ref();
        Executor { sessions: &self.sessions, acting_as, journal }.execute(changes).await
    }

    async fn make_store(&mut self) -> Result<Store, WarehouseError> {
        self.receipts_make().await
    }

    async fn keep(&mut self, entry: &Entry) -> Result<(), WarehouseError> {
        self.receipt_keep(entry).await
    }

    async fn commit(&mut self) -> Result<(), WarehouseError> {
        self.unlocked("the work is done, but ").await
    }

    /// Nothing is undone: what was executed stays.
    async fn roll_back(&mut self) -> Result<(), WarehouseError> {
        self.unlocked("").await
    }
}
