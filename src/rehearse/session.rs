//! A plain session on the engine, apart from the warehouse that is being rehearsed.

use tokio_postgres::{Client, NoTls};

use super::statement_error;
use crate::warehouse::WarehouseError;

pub(super) struct Session {
    pub(super) client: Client,
    connection: tokio::task::JoinHandle<()>,
}

impl Session {
    pub(super) async fn open(url: &str) -> Result<Self, WarehouseError> {
        let (client, connection) =
            tokio_postgres::connect(url, NoTls).await.map_err(|error| WarehouseError::Connect {
                target: "the rehearsal's engine".to_owned(),
                cause: error.to_string(),
            })?;
        let connection = tokio::spawn(async move {
            // Its end is seen by whoever asks next.
            let _ = connection.await;
        });
        Ok(Self { client, connection })
    }

    pub(super) async fn run(&self, sql: &str) -> Result<(), WarehouseError> {
        self.client.batch_execute(sql).await.map_err(|error| statement_error(sql, &error))
    }

    /// Closes it, and waits until it is closed: the next session could not be opened before.
    pub(super) async fn close(self) {
        let Self { client, connection } = self;
        drop(client);
        let _ = connection.await;
    }
}
