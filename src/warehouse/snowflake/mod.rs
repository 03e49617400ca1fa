//! Snowflake: sessions over HTTPS, by the crate `snowflake-api`.
//!
//! [`Sessions`] is what observing and applying stand on: statements in, rows or a typed failure out.
//! What that crate lacks is mended in `http`, the layer under it.

mod access;
mod access_found;
mod access_usage;
mod access_views;
mod account;
mod arrow;
mod authority;
mod edges;
mod env;
mod execute;
mod explain;
mod http;
mod journal;
mod key;
mod listed;
mod lock;
mod objects;
mod passed_on;
mod pool;
mod profile;
mod public;
mod reader;
mod receipts;
mod receipts_make;
mod receipts_state;
mod session;
mod settings;
mod shown;
mod told;
mod usage;
mod warehouse;
mod waves;

pub use lock::{Held, Lock};
pub use pool::Sessions;
pub use settings::{Auth, Protocol, Proxy, Retry, Secret, SnowflakeSettings};
pub use warehouse::{SESSIONS, Snowflake};

/// What a statement brought, in whatever format it came.
///
/// Values are Snowflake's own texts: a number as it is written, a truth as `true` or `false`
/// (some SHOW columns say `Y`, `N`), a time in seconds since 1970 with nine digits after the point.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// The names of the columns, as Snowflake gives them: lower case for SHOW.
    pub columns: Vec<String>,
    /// The rows, each as wide as `columns`.
    pub rows: Vec<Vec<Option<String>>>,
}

/// What the server said against a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    /// Snowflake's code, such as `002003`.
    pub code: String,
    /// The SQLSTATE, where there is one.
    pub sqlstate: Option<String>,
    /// The message.
    pub message: String,
    /// The query's id, to be found in the account's history.
    pub query_id: Option<String>,
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message.trim_end())?;
        if !self.code.is_empty() {
            write!(f, " (code {})", self.code)?;
        }
        match &self.query_id {
            Some(id) if !id.is_empty() => write!(f, " (query {id})"),
            _ => Ok(()),
        }
    }
}

/// Why a statement brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The server refused it, or it failed there.
    #[error("{0}")]
    Server(ServerError),
    /// No answer came that can be used.
    #[error("{cause}{}", if *.may_have_run { "; the statement may have been executed" } else { "; the statement was not executed" })]
    Transport {
        /// What happened.
        cause: String,
        /// Whether the statement may have been executed. Where not, it may be sent again.
        may_have_run: bool,
    },
}
