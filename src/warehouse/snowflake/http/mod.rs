//! The HTTP layer under snowflake-api: where its gaps are mended.
//!
//! snowflake-api makes the requests and reads the answers; everything it sends passes through
//! [`Wire`], which sends it to the right host, writes the login afresh (OAuth, tokens, keys, names as
//! given), keeps the session's tokens, waits for slow statements, renews expired sessions, repeats what
//! is safe to repeat, and fetches the further parts of large results. What snowflake-api has no place
//! for (codes, query ids, columns of empty results, doubt) goes beside it, through [`Link`].

mod answer;
mod chunks;
mod client;
mod login;
mod retry;
mod send;
mod statement;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Extensions;
use reqwest::{Method, Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use tokio::time::Instant;

pub(super) use client::build as build_client;

use super::key::Key;
use super::settings::SnowflakeSettings;
use super::{Rows, ServerError};
use send::Sender;

/// Why a request failed, as precisely as is known.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// The login was refused.
    Login(ServerError),
    /// The statement was refused or failed.
    Server(ServerError),
    /// The session is no more, and its token cannot be renewed: a new login is needed.
    SessionGone {
        /// Whether the statement may have run.
        may_have_run: bool,
    },
    /// No answer that can be used.
    Transport {
        /// What happened.
        cause: String,
        /// Whether the statement may have run.
        may_have_run: bool,
    },
}

impl Failure {
    pub(super) fn unusable(cause: impl Into<String>) -> Self {
        Self::Transport { cause: cause.into(), may_have_run: true }
    }

    fn never_sent(cause: impl Into<String>) -> Self {
        Self::Transport { cause: cause.into(), may_have_run: false }
    }
}

/// What a statement brought.
#[derive(Debug)]
pub(super) enum Answer {
    /// Rows that came as JSON, all of them.
    Rows(Rows),
    /// Rows in Arrow, which snowflake-api reads.
    Arrow {
        /// The names of the columns.
        columns: Vec<String>,
        /// How many rows there are.
        returned: Option<u64>,
        /// Whether the first part has further ones after it: snowflake-api hands it out last.
        first_is_last: bool,
    },
}

/// What all sessions of a pool have in common.
pub(super) struct Shared {
    pub(super) settings: SnowflakeSettings,
    /// `https://host:port`.
    pub(super) base: String,
    pub(super) key: Option<Key>,
    pub(super) client: reqwest::Client,
    /// Statements sent.
    pub(super) sent: AtomicU64,
    pub(super) logins: LoginGate,
}

/// What keeps a user from being locked by logins that are refused over and over.
#[derive(Default)]
pub(super) struct LoginGate {
    /// The login that was refused: it is the last one.
    refused: Mutex<Option<ServerError>>,
    /// Held by whoever makes a lost session anew, so that a proof that is no good any more is tried
    /// by one session and not by all.
    pub(super) anew: tokio::sync::Mutex<()>,
}

impl LoginGate {
    fn refused(&self) -> MutexGuard<'_, Option<ServerError>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session's tokens. snowflake-api never has them, and so cannot log them.
#[derive(Clone)]
struct Tokens {
    session: String,
    master: String,
}

/// What the login said about the session.
#[derive(Debug, Clone, Default)]
pub(super) struct Entered {
    /// The role it is in.
    pub(super) role: Option<String>,
    /// Parameters and their values.
    pub(super) parameters: Vec<(String, String)>,
}

/// What stands beside snowflake-api: one for each session, which runs one statement at a time.
pub(super) struct Link {
    pub(super) shared: Arc<Shared>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tokens: Option<Tokens>,
    entered: Entered,
    statement: String,
    deadline: Option<Instant>,
    outcome: Option<Result<Answer, Failure>>,
}

impl Link {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; if it did, the state would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says which statement comes next, and by when it must be over.
    pub(super) fn begin(&self, statement: &str, deadline: Instant) {
        let mut state = self.state();
        statement.clone_into(&mut state.statement);
        state.deadline = Some(deadline);
        state.outcome = None;
    }

    /// What became of it.
    pub(super) fn outcome(&self) -> Option<Result<Answer, Failure>> {
        self.state().outcome.take()
    }

    /// What the login said.
    pub(super) fn entered(&self) -> Entered {
        self.state().entered.clone()
    }

    /// Whether somebody is logged in.
    pub(super) fn is_in(&self) -> bool {
        self.state().tokens.is_some()
    }

    fn deadline(&self) -> Instant {
        self.state()
            .deadline
            .unwrap_or_else(|| Instant::now() + self.shared.settings.connect_timeout)
    }

    /// The client to give to snowflake-api.
    pub(super) fn client(self: &Arc<Self>) -> ClientWithMiddleware {
        ClientBuilder::new(self.shared.client.clone()).with(Wire(Arc::clone(self))).build()
    }
}

/// The middleware.
struct Wire(Arc<Link>);

#[async_trait::async_trait]
impl Middleware for Wire {
    async fn handle(
        &self,
        request: Request,
        _: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let link = &*self.0;
        let sender = Sender { next, link };
        let answered = match request.url().path().rsplit('/').next() {
            _ if request.method() == Method::GET => sender.part(&request).await,
            Some("login-request") => sender.login(&request).await,
            Some("query-request") => {
                link.shared.sent.fetch_add(1, Ordering::Relaxed);
                sender.statement(&request).await
            }
            Some("session") => sender.log_out(&request).await,
            // snowflake-api would renew by its own clock; it was told that nothing expires.
            _ => Err(Failure::never_sent("a request that was not expected was not sent")),
        };
        match answered {
            Ok(body) => Ok(Response::from(http::Response::new(body))),
            Err(failure) => {
                link.state().outcome = Some(Err(failure));
                Err(std::io::Error::other("told beside it").into_middleware())
            }
        }
    }
}

trait IntoMiddleware {
    fn into_middleware(self) -> reqwest_middleware::Error;
}

impl IntoMiddleware for std::io::Error {
    fn into_middleware(self) -> reqwest_middleware::Error {
        reqwest_middleware::Error::middleware(self)
    }
}
