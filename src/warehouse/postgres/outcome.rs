//! A COMMIT whose outcome is known, also where the answer to it was lost.

use std::time::Duration;

use crate::warehouse::WarehouseError;

use super::execute::Open;
use super::{Postgres, errors, observe};

/// How often and how long apart a broken connection is made again to ask about a COMMIT.
const ASK_AGAIN: (u32, Duration) = (20, Duration::from_millis(500));

impl Postgres {
    pub(super) async fn make_last(&mut self) -> Result<(), WarehouseError> {
        let Some(open) = self.open.take() else {
            return Err(observe::unreadable("no transaction is open"));
        };
        match self.send("commit").await {
            // COMMIT of a failed transaction is a ROLLBACK without an error: ask.
            Ok(()) => match self.outcome(&open).await {
                Ok(Some(true)) => Ok(()),
                Ok(_) => Err(rolled_back()),
                Err(error) => self.ask_what_became(&open, &error).await,
            },
            Err(error) if errors::is_lost(&error) => {
                let error = errors::of_statement(&self.target.label, "commit", &error);
                self.ask_what_became(&open, &error).await
            }
            Err(error) => {
                let error = errors::of_statement(&self.target.label, "commit", &error);
                Err(errors::in_transaction(error))
            }
        }
    }

    /// Whether a transaction was committed; `None` while it goes on.
    async fn outcome(&self, open: &Open) -> Result<Option<bool>, WarehouseError> {
        let sql = "select coalesce(pg_xact_status($1::xid8), 'forgotten')";
        // Sent as text: the number is the server's own.
        let sql = sql.replace("$1", &format!("'{}'", open.xid));
        match self.cell(&sql).await?.as_str() {
            "committed" => Ok(Some(true)),
            "aborted" => Ok(Some(false)),
            "in progress" => Ok(None),
            other => Err(observe::unreadable(&format!("the transaction is {other}"))),
        }
    }

    /// The answer to COMMIT was lost: connects again, and asks.
    async fn ask_what_became(
        &mut self,
        open: &Open,
        lost: &WarehouseError,
    ) -> Result<(), WarehouseError> {
        let (times, apart) = ASK_AGAIN;
        let mut last = lost.to_string();
        for _ in 0..times {
            match self.reconnect(open).await {
                Ok(true) => match self.outcome(open).await {
                    Ok(Some(true)) => return Ok(()),
                    Ok(Some(false)) => return Err(rolled_back()),
                    Ok(None) => last = "the server is still at it".to_owned(),
                    Err(error) => last = error.to_string(),
                },
                Ok(false) => {
                    last = "another server answers now".to_owned();
                    break;
                }
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(apart).await;
        }
        Err(WarehouseError::Unknown(format!(
            "the connection broke while the changes were being committed ({lost}), and whether \
             they were is not known: {last}; run `rolecall verify` when the server is back"
        )))
    }

    /// A new session; false if it leads to another server or another history of it.
    async fn reconnect(&mut self, open: &Open) -> Result<bool, WarehouseError> {
        let (client, notices) = self.target.connect().await?;
        self.client = client;
        self.notices = notices;
        let reader = observe::Reader { client: &self.client, target: &self.target.label };
        let (server, _) = reader.server().await?;
        Ok(server.system == open.server.system
            && server.database == open.server.database
            && self.timeline().await? == open.timeline)
    }
}

fn rolled_back() -> WarehouseError {
    WarehouseError::Retry("the server undid the transaction; nothing was changed".to_owned())
}
