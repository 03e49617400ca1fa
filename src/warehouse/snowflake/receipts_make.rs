//! Making the table of receipts, for the role that applies and nobody else.

use super::reader::{failed, is_forbidden, is_missing, quoted};
use super::receipts_state::{is_owner, others};
use super::shown::Table;
use super::{QueryError, Snowflake};
use crate::receipts::Store;
use crate::warehouse::WarehouseError;

impl Snowflake {
    /// See [`crate::warehouse::Execute::make_store`]. Whoever is let in by a future grant is out again
    /// before the table has its name, and so is whatever they wrote.
    pub(super) async fn receipts_make(&mut self) -> Result<Store, WarehouseError> {
        let (table, me) = match self.place().await? {
            Ok(place) => place,
            Err(why) => return Ok(Store::Closed(why)),
        };
        let mut state = self.state(&table).await?;
        if !state.has_schema() {
            let sql = table.create_schema()?;
            if let Err(error) = self.sessions.query(&sql).await {
                state = self.state(&table).await?;
                if !state.has_schema() {
                    return self.not_made(&sql, &error, || {
                        format!(
                            "{me} may not make the schema {}: GRANT USAGE, CREATE SCHEMA ON DATABASE {} TO ROLE {}",
                            table.schema, table.database, quoted(&me)
                        )
                    });
                }
            } else {
                state = self.state(&table).await?;
                if !state.is_schema_of(&me) {
                    let sql = table.take_over(true, &me)?;
                    if let Err(error) = self.sessions.query(&sql).await {
                        return self.not_made(&sql, &error, || {
                            format!(
                                "a future grant gives the schema {} to another role",
                                table.schema
                            )
                        });
                    }
                    state = self.state(&table).await?;
                }
            }
        }
        match state.store(&table, &me) {
            Store::Missing => {}
            store => return Ok(store),
        }
        for role in state.may_write_in_schema(&me)? {
            self.say(&table.revoke_all(true, &role)?).await?;
        }
        let sql = table.create_draft()?;
        let take_over = table.take_over(false, &me)?;
        if let Err(error) = self.sessions.query(&sql).await {
            // One that was left behind, when it was still another's.
            let mine = is_forbidden(&error) && self.sessions.query(&take_over).await.is_ok();
            if !mine || self.sessions.query(&sql).await.is_err() {
                return self.not_made(&sql, &error, || {
                    format!("{me} may not make the table {} in its schema", table.table)
                });
            }
        }
        let ask = format!("SHOW GRANTS ON TABLE {}", table.draft);
        let mut grants = self.say(&ask).await?;
        if !is_owner(&grants, &me) {
            if let Err(error) = self.sessions.query(&take_over).await {
                return self.not_made(&take_over, &error, || {
                    format!("a future grant gives the table {} to another role", table.draft)
                });
            }
            grants = self.say(&ask).await?;
        }
        let others = match others(&grants, &me, &[]) {
            Ok(others) => others,
            Err(why) => return Ok(Store::Closed(format!("{}: {why}", table.draft))),
        };
        for role in &others {
            self.say(&table.revoke_all(false, role)?).await?;
        }
        if !others.is_empty() {
            let rows = self.say(&table.count_draft()?).await?;
            let count = Table::of(&rows).rows().next().map(|row| row.text("n").to_owned());
            if count.as_deref() != Some("0") {
                return Ok(Store::Strange(format!(
                    "somebody has written into {} while it was made; apply again",
                    table.draft
                )));
            }
        }
        let sql = table.rename_draft()?;
        let renamed = self.sessions.query(&sql).await;
        let store = self.receipts_store().await?;
        match (renamed, store) {
            (Err(error), Store::Missing) => Err(failed(&sql, &error)),
            (_, store) => Ok(store),
        }
    }

    fn not_made(
        &self,
        sql: &str,
        error: &QueryError,
        why: impl Fn() -> String,
    ) -> Result<Store, WarehouseError> {
        match is_forbidden(error) || is_missing(error) {
            true => Ok(Store::Closed(format!("{} ({error})", why()))),
            false => Err(failed(sql, error)),
        }
    }
}
