//! One session: logged in, set up, and set up again where it got lost.

use std::sync::Arc;

use snowflake_api::{
    AuthArgs, AuthType, PasswordArgs, QueryResult, RawQueryResult, SnowflakeApi,
    SnowflakeApiBuilder,
};
use tokio::time::Instant;

use super::http::{Answer, Failure, Link, Shared};
use super::{Rows, arrow};
use crate::dialect;
use crate::model::DialectKind;

/// What every session is set to, whatever the user or the account prefers: a quoted name is exact,
/// times are UTC, each statement stands for itself, a request holds one statement, and a result is
/// whole. They go with the login; what its answer does not confirm is said again.
pub(super) const REQUIRED: &[(&str, &str)] = &[
    ("AUTOCOMMIT", "true"),
    ("MULTI_STATEMENT_COUNT", "1"),
    ("QUOTED_IDENTIFIERS_IGNORE_CASE", "false"),
    ("ROWS_PER_RESULTSET", "0"),
    ("TIMEZONE", "UTC"),
];

/// How often a statement is said again in a new session.
const NEW_SESSIONS: u32 = 2;

/// A session.
pub(super) struct Session {
    api: SnowflakeApi,
    link: Arc<Link>,
}

impl Session {
    /// Logs in and sets the session up.
    pub(super) async fn open(shared: &Arc<Shared>) -> Result<Self, Failure> {
        let link = Arc::new(Link::new(Arc::clone(shared)));
        // The account and the password are placeholders: the HTTP layer writes the login.
        let api = SnowflakeApiBuilder::new(AuthArgs {
            account_identifier: "account".to_owned(),
            warehouse: None,
            database: None,
            schema: None,
            username: "user".to_owned(),
            role: None,
            auth_type: AuthType::Password(PasswordArgs { password: "password".to_owned() }),
        })
        .with_client(link.client())
        .build()
        .map_err(|error| Failure::Transport { cause: error.to_string(), may_have_run: false })?;
        let session = Self { api, link };
        // Secondary roles would lend grants that the plan does not know of. Also the first
        // statement, with which snowflake-api logs in.
        session.send("USE SECONDARY ROLES NONE").await?;
        for statement in session.missing()? {
            session.send(&statement).await?;
        }
        Ok(session)
    }

    /// What the login's answer does not confirm.
    fn missing(&self) -> Result<Vec<String>, Failure> {
        let entered = self.link.entered();
        let holds = |name: &str, value: &str| {
            entered
                .parameters
                .iter()
                .any(|(n, v)| n.eq_ignore_ascii_case(name) && v.eq_ignore_ascii_case(value))
        };
        let mut statements = Vec::new();
        let unset: Vec<String> = REQUIRED
            .iter()
            .filter(|(name, value)| !holds(name, value))
            .map(|(name, value)| match *value {
                "UTC" => format!("{name} = '{value}'"),
                plain => format!("{name} = {}", plain.to_uppercase()),
            })
            .collect();
        if !unset.is_empty() {
            statements.push(format!("ALTER SESSION SET {}", unset.join(" ")));
        }
        if let Some(role) = &self.link.shared.settings.role {
            let snowflake = dialect::of(DialectKind::Snowflake);
            let role = snowflake.fold(role.trim()).map_err(|error| Failure::Transport {
                cause: format!("the role: {error}"),
                may_have_run: false,
            })?;
            if entered.role.as_deref() != Some(role.as_str()) {
                statements.push(format!("USE ROLE {}", snowflake.quote(&role)));
            }
        }
        Ok(statements)
    }

    /// Runs a statement; in a new session where this one got lost before the statement ran.
    pub(super) async fn query(&mut self, statement: &str) -> Result<Rows, Failure> {
        let mut opened = 0;
        loop {
            match self.send(statement).await {
                Err(Failure::SessionGone { may_have_run: false }) if opened < NEW_SESSIONS => {
                    opened += 1;
                    let shared = Arc::clone(&self.link.shared);
                    let _turn = shared.logins.anew.lock().await;
                    *self = Box::pin(Self::open(&shared)).await.map_err(unsaid)?;
                }
                done => return done,
            }
        }
    }

    async fn send(&self, statement: &str) -> Result<Rows, Failure> {
        let shared = &self.link.shared;
        self.link.begin(statement, Instant::now() + shared.settings.statement_timeout);
        let result = self.api.exec_raw(statement).await;
        match (self.link.outcome(), result) {
            (Some(Err(failure)), _) => Err(failure),
            (Some(Ok(Answer::Rows(rows))), Ok(_)) => Ok(rows),
            (Some(Ok(Answer::Arrow { columns, returned, first_is_last })), Ok(raw)) => {
                let rows = read_arrow(columns, first_is_last, raw)?;
                if returned.is_some_and(|returned| (rows.rows.len() as u64) < returned) {
                    return Err(Failure::unusable("the result is not complete"));
                }
                Ok(rows)
            }
            (_, Err(error)) => {
                Err(Failure::Transport { cause: error.to_string(), may_have_run: true })
            }
            (None, Ok(_)) => Err(Failure::Transport {
                cause: "the statement was not sent".to_owned(),
                may_have_run: false,
            }),
        }
    }

    /// Logs out.
    pub(super) async fn close(mut self) {
        if self.link.is_in() {
            let wait = self.link.shared.settings.connect_timeout;
            self.link.begin("", Instant::now() + wait);
            // An idle session ends by itself: nothing to report.
            let _ = self.api.close_session().await;
        }
    }
}

/// What the second login met, the statement has not met.
fn unsaid(failure: Failure) -> Failure {
    match failure {
        Failure::Transport { cause, .. } => Failure::Transport { cause, may_have_run: false },
        Failure::SessionGone { .. } => Failure::SessionGone { may_have_run: false },
        other => other,
    }
}

fn read_arrow(
    columns: Vec<String>,
    first_is_last: bool,
    raw: RawQueryResult,
) -> Result<Rows, Failure> {
    let unreadable = |cause: String| Failure::Transport { cause, may_have_run: true };
    let raw = match raw {
        RawQueryResult::Bytes(mut bytes) => {
            if first_is_last && !bytes.is_empty() {
                bytes.rotate_right(1);
            }
            RawQueryResult::Bytes(bytes)
        }
        other => other,
    };
    let batches = match raw.deserialize_arrow().map_err(|error| unreadable(error.to_string()))? {
        QueryResult::Arrow(batches) => batches,
        QueryResult::Empty => Vec::new(),
        QueryResult::Json(_) => return Err(unreadable("rows came in two formats".to_owned())),
    };
    Ok(Rows { columns, rows: arrow::rows(&batches).map_err(unreadable)? })
}
