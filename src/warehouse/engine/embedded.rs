//! PostgreSQL inside this process: the crate `pglite-oxide`, a WebAssembly build of the server.
//!
//! One connection at a time: a second one waits until the first is closed. Each connection is a new
//! single-user session on the same files, so databases other than `postgres` can be created, closed
//! and connected to, one after the other. Every start has the same system identifier.

use std::sync::mpsc;
use std::time::Duration;

use pglite_oxide::PgliteServer;

use super::EngineError;

/// A running engine.
pub struct Embedded {
    /// `None` only while it is being dropped.
    server: Option<PgliteServer>,
    /// `postgresql://user@host:port`.
    base: String,
}

/// How long a drop waits for clients that are still connected.
const PATIENCE: Duration = Duration::from_secs(5);

impl Embedded {
    /// Starts it on a free port of the loopback interface.
    pub(super) fn start() -> Result<(Self, String), EngineError> {
        let failed = |cause: String| EngineError::Failed {
            engine: "the embedded PostgreSQL".to_owned(),
            cause,
        };
        let server = PgliteServer::builder()
            .temporary()
            .database("postgres")
            .start()
            .map_err(|error| failed(format!("{error:#}")))?;
        let address = server.tcp_addr().ok_or_else(|| failed("it has no address".to_owned()))?;
        let base = format!("postgres://postgres@{address}");
        Ok((Self { server: Some(server), base }, "embedded PostgreSQL 17.5".to_owned()))
    }

    /// `database` is encoded already.
    pub(super) fn url(&self, database: &str) -> String {
        format!("{}/{database}?sslmode=disable", self.base)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // Stopping waits for the client that is connected, for ever if it stays: so on the side.
        if let Some(server) = self.server.take() {
            let (done, stopped) = mpsc::channel();
            std::thread::spawn(move || {
                drop(server);
                let _ = done.send(());
            });
            let _ = stopped.recv_timeout(PATIENCE);
        }
    }
}
