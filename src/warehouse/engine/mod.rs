//! Throw-away PostgreSQL servers: for rehearsals, and for tests. Nothing of them outlives us.

#[cfg(feature = "embedded")]
pub mod embedded;
#[cfg(unix)]
pub mod native;

use std::fmt::Write as _;

/// Which engine to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prefer {
    /// The embedded one where it is compiled in, else a local installation.
    #[default]
    Any,
    /// Only the embedded one.
    Embedded,
    /// Only a local installation of PostgreSQL.
    Native,
}

/// Why no engine runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// There is none to start. Says what to install.
    #[error("{0}")]
    Missing(String),
    /// There is one, and it did not start.
    #[error("{engine} did not start: {cause}")]
    Failed {
        /// Which one.
        engine: String,
        /// Why, with the end of its log where it left one.
        cause: String,
    },
}

/// A running server, empty but for what every server has. It is stopped and removed on drop; close
/// the connections to an embedded one first, since it waits for them.
pub struct Engine {
    server: Server,
    description: String,
}

enum Server {
    #[cfg(unix)]
    Native(native::Native),
    #[cfg(feature = "embedded")]
    Embedded(embedded::Embedded),
}

impl Engine {
    /// The URL of one of its databases, as its superuser. `postgres` is always there.
    pub fn url(&self, database: &str) -> String {
        let database = percent(database);
        match &self.server {
            #[cfg(unix)]
            Server::Native(server) => server.url(&database),
            #[cfg(feature = "embedded")]
            Server::Embedded(server) => server.url(&database),
            #[cfg(not(any(unix, feature = "embedded")))]
            _ => database,
        }
    }

    /// The temporary folder of a local installation's server.
    pub fn folder(&self) -> Option<&std::path::Path> {
        match &self.server {
            #[cfg(unix)]
            Server::Native(server) => Some(server.folder()),
            #[cfg(feature = "embedded")]
            Server::Embedded(_) => None,
            #[cfg(not(any(unix, feature = "embedded")))]
            _ => None,
        }
    }

    /// What it is, such as `embedded PostgreSQL 17.5`.
    pub fn describe(&self) -> &str {
        &self.description
    }

    /// Whether a second connection would wait until the first is closed.
    pub fn single_connection(&self) -> bool {
        match &self.server {
            #[cfg(unix)]
            Server::Native(_) => false,
            #[cfg(feature = "embedded")]
            Server::Embedded(_) => true,
            #[cfg(not(any(unix, feature = "embedded")))]
            _ => false,
        }
    }

    /// Starts the newest local installation that is found.
    #[cfg(unix)]
    pub fn native(options: &native::Options) -> Result<Self, EngineError> {
        let (server, description) = native::Native::start(options)?;
        Ok(Self { server: Server::Native(server), description })
    }

    /// Starts the engine inside this process.
    #[cfg(feature = "embedded")]
    pub fn embedded() -> Result<Self, EngineError> {
        let (server, description) = embedded::Embedded::start()?;
        Ok(Self { server: Server::Embedded(server), description })
    }
}

/// Starts an engine. Blocks its thread for the second that it takes, not the runtime.
pub async fn start_engine(prefer: Prefer) -> Result<Engine, EngineError> {
    let started = tokio::task::spawn_blocking(move || start(prefer)).await;
    started.unwrap_or_else(|error| {
        Err(EngineError::Failed { engine: "the engine".to_owned(), cause: error.to_string() })
    })
}

fn start(prefer: Prefer) -> Result<Engine, EngineError> {
    let embedded = match prefer {
        Prefer::Any | Prefer::Embedded => start_embedded(),
        Prefer::Native => Err(EngineError::Missing(String::new())),
    };
    match (prefer, embedded) {
        (_, Ok(engine)) => Ok(engine),
        (Prefer::Embedded, Err(error)) => Err(error),
        // What fails to run on this machine is no reason not to try the other.
        (Prefer::Any | Prefer::Native, Err(_)) => start_native(),
    }
}

#[cfg(feature = "embedded")]
fn start_embedded() -> Result<Engine, EngineError> {
    Engine::embedded()
}

#[cfg(not(feature = "embedded"))]
fn start_embedded() -> Result<Engine, EngineError> {
    Err(EngineError::Missing(
        "this build has no embedded PostgreSQL: build it with --features embedded".to_owned(),
    ))
}

#[cfg(unix)]
fn start_native() -> Result<Engine, EngineError> {
    Engine::native(&native::Options::default())
}

#[cfg(not(unix))]
fn start_native() -> Result<Engine, EngineError> {
    Err(EngineError::Missing(
        "a local PostgreSQL can be started on Unix only: build with --features embedded".to_owned(),
    ))
}

/// A text as a part of a URL.
fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut url, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
        url
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_any_name_fits_into_a_url() {
        assert_eq!(percent("shop_1"), "shop_1");
        assert_eq!(percent("a b/é?"), "a%20b%2F%C3%A9%3F");
    }
}
