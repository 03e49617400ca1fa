//! A plain session on the engine, apart from the warehouse that is being rehearsed.

use tokio_postgres::{Client, NoTls};

use super::statement_error;
use crate::dialect;
use crate::model::{DialectKind, Ident};
use crate::warehouse::WarehouseError;

pub(super) struct Session {
    pub(super) client: Client,
    connection: tokio::task::JoinHandle<()>,
    /// [`TRY`] works here.
    together: bool,
}

/// Queries to run as somebody: one after the other, each by itself and undone whatever it did.
/// Sends all of them in one message; the server still runs every one as it would alone.
const TRY: &str = r"
create function pg_temp.rolecall_try(whos text[], queries text[]) returns setof text
language plpgsql as $$
declare ended text;
begin
  for n in 1 .. cardinality(whos) loop
    begin
      execute format('set local role %I', whos[n]);
      execute queries[n];
      -- Undoes the query, and the role with it.
      raise exception using errcode = 'RC000';
    exception when others then
      ended := sqlstate;
    end;
    return next ended;
  end loop;
end $$";

/// What [`TRY`] says of a query that went through.
const WENT_THROUGH: &str = "RC000";

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
        let session = Self { client, connection, together: false };
        // An object of the user's cannot shadow what the questions call.
        session.run("set search_path = pg_catalog, pg_temp").await?;
        Ok(session)
    }

    pub(super) async fn run(&self, sql: &str) -> Result<(), WarehouseError> {
        self.client.batch_execute(sql).await.map_err(|error| statement_error(sql, &error))
    }

    pub(super) async fn query(
        &self,
        sql: &str,
        parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<Vec<tokio_postgres::Row>, WarehouseError> {
        let rows = self.client.query(sql, parameters).await;
        rows.map_err(|error| statement_error(sql, &error))
    }

    /// Makes [`Self::try_as`] quick, where the server has the language for it and can catch an
    /// error (the embedded one cannot on every system).
    pub(super) async fn prepare_to_try(&mut self) -> Result<(), WarehouseError> {
        let rows = self.query("select current_user::text", &[]).await?;
        let me = rows.first().and_then(|row| Ident::new(row.get::<_, String>(0)).ok());
        let (Some(me), Ok(())) = (me, self.run(TRY).await) else { return Ok(()) };
        let check = [(&me, "select 1"), (&me, "select 1/0")];
        let seen = self.try_together(&check).await;
        self.together = matches!(seen.as_deref(), Ok([None, Some(code)]) if code == "22012");
        if !self.together {
            // An engine that did not catch the error is left inside a failed transaction.
            self.run("rollback").await?;
        }
        Ok(())
    }

    /// How each query ended: `None` where it went through, else the server's code.
    pub(super) async fn try_as(
        &self,
        tries: &[(&Ident, &str)],
    ) -> Result<Vec<Option<String>>, WarehouseError> {
        if self.together {
            return self.try_together(tries).await;
        }
        let mut ended = Vec::new();
        for (who, query) in tries {
            ended.push(self.try_alone(who, query).await?);
        }
        Ok(ended)
    }

    async fn try_together(
        &self,
        tries: &[(&Ident, &str)],
    ) -> Result<Vec<Option<String>>, WarehouseError> {
        let (whos, queries): (Vec<&str>, Vec<&str>) =
            tries.iter().map(|(who, query)| (who.as_str(), *query)).unzip();
        let sql = "select pg_temp.rolecall_try($1, $2)";
        let rows = self.query(sql, &[&whos, &queries]).await?;
        let ended = rows.iter().map(|row| row.get::<_, String>(0));
        Ok(ended.map(|code| (code != WENT_THROUGH).then_some(code)).collect())
    }

    async fn try_alone(&self, who: &Ident, query: &str) -> Result<Option<String>, WarehouseError> {
        let role = dialect::of(DialectKind::Postgres).quote(who);
        self.run(&format!("begin; set local role {role}")).await?;
        let answer = self.client.batch_execute(query).await;
        self.run("rollback").await?;
        match answer {
            Ok(()) => Ok(None),
            Err(error) => match error.code() {
                Some(code) => Ok(Some(code.code().to_owned())),
                None => Err(statement_error(query, &error)),
            },
        }
    }

    /// Closes it, and waits until it is closed: the next session could not be opened before.
    pub(super) async fn close(self) {
        let Self { client, connection, together: _ } = self;
        drop(client);
        let _ = connection.await;
    }
}
