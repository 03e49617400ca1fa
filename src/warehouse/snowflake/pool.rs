//! A bounded set of sessions, each set up alike.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::http::{Failure, LoginGate, Shared, build_client};
use super::session::Session;
use super::settings::{Auth, SnowflakeSettings};
use super::{QueryError, Rows, account, explain, key};
use crate::warehouse::WarehouseError;

/// Sessions on one account, as one user in one role. Clones share them.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    size: usize,
    free: Arc<Semaphore>,
    /// The one that has waited longest comes first: so all of them are used, and none outlives the
    /// four hours after which an unused one cannot be renewed.
    idle: Mutex<VecDeque<Session>>,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("size", &self.0.size).finish_non_exhaustive()
    }
}

impl Sessions {
    /// Opens the first session; up to `size` are opened as statements run side by side, or by
    /// [`Self::open_all`].
    pub async fn connect(
        settings: &SnowflakeSettings,
        size: usize,
    ) -> Result<Self, WarehouseError> {
        let fail = |cause: String| WarehouseError::Connect {
            target: settings.redacted(label(settings)),
            cause: settings.redacted(cause),
        };
        let base = account::base_url(settings).map_err(fail)?;
        let key = match &settings.auth {
            Auth::KeyPair { pem, passphrase } => {
                Some(key::read(pem, passphrase.as_ref()).map_err(fail)?)
            }
            _ => None,
        };
        let shared = Arc::new(Shared {
            base,
            key,
            client: build_client(settings).map_err(fail)?,
            sent: AtomicU64::new(0),
            settings: settings.clone(),
            logins: LoginGate::default(),
        });
        let first =
            Session::open(&shared).await.map_err(|f| fail(explain::connecting(&f, &shared)))?;
        let size = size.max(1);
        Ok(Self(Arc::new(Inner {
            shared,
            size,
            free: Arc::new(Semaphore::new(size)),
            idle: Mutex::new(VecDeque::from([first])),
        })))
    }

    /// Runs one statement in a session that is free, waiting for one where all are busy.
    ///
    /// Statements that run at the same time run in different sessions. Where the returned future is
    /// dropped before it ends, the statement may run on, and its session is not used again.
    pub async fn query(&self, statement: &str) -> Result<Rows, QueryError> {
        let closed = |_| QueryError::Transport {
            cause: "the sessions are closed".to_owned(),
            may_have_run: false,
        };
        let _permit = self.0.free.acquire().await.map_err(closed)?;
        let shared = &self.0.shared;
        loop {
            let idle = self.idle().pop_front();
            let mut session = match idle {
                Some(session) => session,
                None => Session::open(shared).await.map_err(|failure| match failure {
                    Failure::Server(_) => explain::query(failure, shared),
                    other => explain::no_session(&other, shared),
                })?,
            };
            let result = session.query(statement).await;
            match &result {
                // This one is lost, and the statement not sent: another may still be good.
                Err(Failure::Login(_)) if !self.idle().is_empty() => continue,
                // After a broken exchange nobody knows what the session still does.
                Err(
                    Failure::Login(_) | Failure::Transport { .. } | Failure::SessionGone { .. },
                ) => {}
                _ => self.idle().push_back(session),
            }
            return result.map_err(|failure| explain::query(failure, shared));
        }
    }

    /// Opens the sessions that are not there yet, while others work already. What fails here is met
    /// again, and told, by the statement that needs the session.
    pub fn open_all(&self) {
        let wanted = self.0.free.available_permits().saturating_sub(self.idle().len());
        for _ in 0..wanted {
            let Ok(permit) = Arc::clone(&self.0.free).try_acquire_owned() else { return };
            let sessions = self.clone();
            tokio::spawn(async move {
                if let Ok(session) = Session::open(&sessions.0.shared).await {
                    sessions.idle().push_back(session);
                }
                drop(permit);
            });
        }
    }

    /// How many statements were sent, those that set sessions up and repetitions by hand included.
    pub fn round_trips(&self) -> u64 {
        self.0.shared.sent.load(Ordering::Relaxed)
    }

    /// How many sessions there are at most.
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// Logs out of all sessions, once what runs in them is over. No statement begins after.
    pub async fn close(self) {
        let all = u32::try_from(self.0.size).unwrap_or(u32::MAX);
        if let Ok(permits) = self.0.free.acquire_many(all).await {
            permits.forget();
        }
        self.0.free.close();
        let idle = std::mem::take(&mut *self.idle());
        futures::future::join_all(idle.into_iter().map(Session::close)).await;
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, VecDeque<Session>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `account as USER in role ROLE`, and the host where it is not the account's own.
fn label(settings: &SnowflakeSettings) -> String {
    let mut label = format!("Snowflake account {} as {}", settings.account, settings.user);
    if let Some(role) = &settings.role {
        label.push_str(&format!(" in role {role}"));
    }
    if let Some(host) = &settings.host {
        label.push_str(&format!(" at {host}"));
        if let Some(port) = settings.port {
            label.push_str(&format!(":{port}"));
        }
    }
    label
}
