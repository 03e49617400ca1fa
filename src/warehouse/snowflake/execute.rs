//! Making changes: statements that commit by themselves, over several sessions, each with its line
//! in the journal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use serde_json::json;

use super::journal::Journal;
use super::reader::{failed, is_forbidden, is_missing, quoted, role_in_sql};
use super::shown::Table;
use super::waves::{Broken, waves};
use super::{QueryError, ServerError, Sessions};
use crate::dialect::{Statement, StatementError, Target};
use crate::model::{Change, DialectKind, Ident};
use crate::warehouse::WarehouseError;

/// How often a statement is sent again that may be sent twice.
const TRIES: u32 = 3;

/// How many of the failures are told at once; the journal has them all.
const TOLD: usize = 20;

pub(super) struct Executor<'e> {
    pub(super) sessions: &'e Sessions,
    pub(super) acting_as: &'e Ident,
    pub(super) journal: Option<&'e Journal>,
}

/// What became of the changes.
struct Progress {
    broken: Broken,
    done: Vec<usize>,
    /// In the order of the plan once all has ended.
    failed: Vec<(usize, String)>,
    skipped: usize,
}

impl Executor<'_> {
    pub(super) async fn execute(&self, changes: &[Change]) -> Result<(), WarehouseError> {
        let dialect = crate::dialect::of(DialectKind::Snowflake);
        // All of them, before the first is sent.
        let statements: Vec<Statement> = changes
            .iter()
            .enumerate()
            .map(|(at, change)| {
                let one = std::slice::from_ref(change);
                let rendered = dialect.statements(one, &Target::default())?;
                let [statement] =
                    <[Statement; 1]>::try_from(rendered).map_err(|_| StatementError {
                        code: "unsupported-change",
                        change: at,
                        message: format!("no one statement can {}", change.brief()),
                    })?;
                Ok(statement)
            })
            .collect::<Result<_, StatementError>>()?;
        let progress = Mutex::new(Progress {
            broken: Broken::default(),
            done: Vec::new(),
            failed: Vec::new(),
            skipped: 0,
        });
        let lost = AtomicBool::new(false);
        for wave in waves(changes) {
            let chains = wave.into_iter().map(|chain| {
                let (progress, statements, lost) = (&progress, &statements, &lost);
                async move {
                    for at in chain {
                        self.one(at, &changes[at], &statements[at].sql, progress, lost).await;
                    }
                }
            });
            stream::iter(chains).buffer_unordered(self.sessions.size()).collect::<Vec<()>>().await;
        }
        let progress = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.ended(changes, progress)
    }

    async fn one(
        &self,
        at: usize,
        change: &Change,
        statement: &str,
        progress: &Mutex<Progress>,
        lost: &AtomicBool,
    ) {
        let held_up = if lost.load(Ordering::Relaxed) {
            Some("the connection is lost".to_owned())
        } else {
            progress.lock().unwrap_or_else(PoisonError::into_inner).broken.holds_up(change)
        };
        if let Some(why) = held_up {
            self.note("skipped", statement, json!({ "because": why }));
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            progress.broken.add(change);
            progress.skipped += 1;
            return;
        }
        self.note("sent", statement, json!({}));
        let result = self.send(change, statement).await;
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(()) => {
                self.note("done", statement, json!({}));
                progress.done.push(at);
            }
            Err(error) => {
                if matches!(error, QueryError::Transport { .. }) {
                    lost.store(true, Ordering::Relaxed);
                }
                let message = self.explain(change, statement, &error);
                self.note("failed", statement, json!({ "error": error.to_string() }));
                progress.broken.add(change);
                progress.failed.push((at, message));
            }
        }
    }

    /// Sends a statement, and again where the answer was lost and twice is as good as once.
    async fn send(&self, change: &Change, statement: &str) -> Result<(), QueryError> {
        if let Change::DropRole { role } = change {
            self.owns_nothing(role).await?;
        }
        let mut tries = 0;
        loop {
            let error = match self.sessions.query(statement).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let again = match &error {
                QueryError::Transport { may_have_run, .. } => !may_have_run || repeatable(change),
                // What hung on it may be gone by that: a role can hold from itself.
                QueryError::Server(error) => {
                    error.code == "003935" && error.message.contains("partially")
                }
            };
            // Gone by the time that it is said once more: then it was done the first time.
            if tries > 0 && matches!(change, Change::DropRole { .. }) && is_missing(&error) {
                return Ok(());
            }
            tries += 1;
            if !again || tries >= TRIES {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(100 << tries)).await;
        }
    }

    /// Snowflake gives what a dropped role owns to whoever drops it. The plan has looked, and
    /// somebody may have made the role an owner since.
    async fn owns_nothing(&self, role: &Ident) -> Result<(), QueryError> {
        let ask = format!("SHOW GRANTS TO {}", role_in_sql(role));
        let rows = match self.sessions.query(&ask).await {
            Ok(rows) => rows,
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        let table = Table::of(&rows);
        let owned = table.rows().find(|row| row.text("privilege") == "OWNERSHIP");
        let Some(owned) = owned else { return Ok(()) };
        let (on, name) = (owned.text("granted_on"), owned.text("name"));
        Err(QueryError::Server(ServerError {
            code: String::new(),
            sqlstate: None,
            message: format!("{role} owns {on} {name} by now, which would go to whoever drops it"),
            query_id: None,
        }))
    }

    fn note(&self, what: &str, statement: &str, mut details: serde_json::Value) {
        if let Some(journal) = self.journal {
            if let Some(details) = details.as_object_mut() {
                details.insert("statement".to_owned(), json!(statement));
            }
            journal.add(what, details);
        }
    }

    fn explain(&self, change: &Change, statement: &str, error: &QueryError) -> String {
        let mut message = failed(statement, error).to_string();
        let me = self.acting_as;
        let role = quoted(me);
        let code = match error {
            QueryError::Server(error) => error.code.as_str(),
            QueryError::Transport { .. } => "",
        };
        if code == "003011" {
            message.push_str(&format!(
                "\n  granted in part: {me} lacks the right to grant the rest; GRANT MANAGE GRANTS ON ACCOUNT TO ROLE {role}"
            ));
        } else if code == "003935" || code == "003036" {
            message.push_str(
                "\n  others hold it from this role: SHOW GRANTS ON that object names them; have those revoked first",
            );
        } else if is_forbidden(error) {
            let lacks = match change {
                Change::CreateRole { role: new, .. } => match new.in_parts() {
                    None => "CREATE ROLE ON ACCOUNT".to_owned(),
                    Some((database, _)) => {
                        format!("CREATE DATABASE ROLE ON DATABASE {}", quoted(&database))
                    }
                },
                _ => "MANAGE GRANTS ON ACCOUNT".to_owned(),
            };
            message.push_str(&format!("\n  {me} may not: GRANT {lacks} TO ROLE {role}"));
            if matches!(change, Change::Grant { .. } | Change::Revoke { .. }) {
                message.push_str(
                    " (in a schema with managed access, only its owner and such roles grant)",
                );
            }
        }
        message
    }

    fn ended(&self, changes: &[Change], progress: Progress) -> Result<(), WarehouseError> {
        let Progress { broken: _, mut done, mut failed, skipped } = progress;
        if failed.is_empty() && skipped == 0 {
            return Ok(());
        }
        done.sort_unstable();
        failed.sort_unstable();
        let mut message = format!("{} failed", statements(failed.len()));
        if skipped > 0 {
            message.push_str(&format!(", and {skipped} that depend on them were not sent"));
        }
        let more = failed.len().saturating_sub(TOLD);
        for (_, failure) in failed.into_iter().take(TOLD) {
            message.push_str(&format!("\n{failure}"));
        }
        if more > 0 {
            message.push_str(&format!("\nand {more} more"));
        }
        if let Some(journal) = self.journal {
            message.push_str(&format!("\nevery statement stands in {}", journal.path().display()));
        }
        let done = done.into_iter().map(|at| changes[at].clone()).collect();
        Err(WarehouseError::Partly { done, message })
    }
}

fn statements(n: usize) -> String {
    if n == 1 { "1 statement".to_owned() } else { format!("{n} statements") }
}

/// Whether a change that was made can be made again to no effect.
fn repeatable(change: &Change) -> bool {
    match change {
        Change::AdoptRole { .. }
        | Change::Grant { .. }
        | Change::AddMember { .. }
        | Change::SetOwner { .. }
        | Change::RevokeGrantOption { .. }
        | Change::Revoke { .. }
        | Change::GrantDefault { .. }
        | Change::SetRoleOwner { .. }
        | Change::RevokeDefault { .. }
        | Change::RemoveMember { .. }
        | Change::DropRole { .. } => true,
        Change::CreateRole { .. }
        | Change::RenameRole { .. }
        | Change::ResetAttributes { .. }
        | Change::RevokeAdminOption { .. } => false,
    }
}
