//! Receipts on Snowflake: the table `ROLECALL.RECEIPTS` in the database of the profile, which belongs
//! to the role that applies, and which nobody else may write.
//!
//! No transaction holds a receipt and its grants together, so it is written before the first change,
//! as begun, and once more when everything is read back. Both are one MERGE, which does no harm twice.

use std::time::Duration;

use super::reader::{Reader, failed, is_forbidden, is_missing, quoted};
use super::receipts_state::State;
use super::shown::Table;
use super::{QueryError, Snowflake};
use crate::dialect::{ReceiptRow, ReceiptTable};
use crate::model::Ident;
use crate::receipts::{Ask, Entry, Only, Receipt, Stamp, Store, iso};
use crate::warehouse::WarehouseError;

/// Snowflake takes statements of 1 MB ("Query text size limits"): what is longer is kept in pieces,
/// each of which may double when it is quoted.
const PIECE: usize = 400_000;
/// More than anybody reads; 200,000 changes or so.
const LONGEST: usize = 64_000_000;
/// What stands in place of a receipt that is kept in pieces, before their name and number.
const PIECES: &str = "pieces:";
/// How often a receipt is written whose answer is lost.
const TRIES: u32 = 3;

const STAMP: &str =
    "SELECT SYSDATE() AS AT, CURRENT_USER() AS USER_NAME, CURRENT_ROLE() AS ROLE_NAME";

impl Snowflake {
    /// Keeps receipts in this database, as the profile calls it.
    #[must_use]
    pub fn keeping_receipts_in(mut self, database: &str) -> Self {
        let snowflake = crate::dialect::of(crate::model::DialectKind::Snowflake);
        let database = snowflake.fold(database.trim()).ok();
        self.receipts_in = database.map(|database| ReceiptTable::of(&database));
        self
    }

    /// The table, where this session could read and write one.
    pub(super) async fn place(
        &mut self,
    ) -> Result<Result<(ReceiptTable, Ident), String>, WarehouseError> {
        let (server, has_warehouse) = self.server().await?;
        let me = quoted(&server.acting_as);
        Ok(match &self.receipts_in {
            None => {
                Err("no database is said to keep receipts in: a profile's `database` is".to_owned())
            }
            Some(_) if !has_warehouse => Err(format!(
                "the session has no warehouse, without which no table is read or written: name one \
                 in the profile, and GRANT USAGE ON WAREHOUSE <warehouse> TO ROLE {me}"
            )),
            Some(table) => Ok((table.clone(), server.acting_as)),
        })
    }

    pub(super) async fn state(&mut self, table: &ReceiptTable) -> Result<State, WarehouseError> {
        let (server, has_warehouse) = self.server().await?;
        let sessions = &self.sessions;
        let reader = Reader { sessions, server: &server, has_warehouse, from_account_usage: false };
        State::read(&reader, table).await
    }

    pub(super) async fn say(&self, sql: &str) -> Result<super::Rows, WarehouseError> {
        self.sessions.query(sql).await.map_err(|error| failed(sql, &error))
    }

    /// See [`crate::warehouse::Observe::store`].
    pub(super) async fn receipts_store(&mut self) -> Result<Store, WarehouseError> {
        let (table, me) = match self.place().await? {
            Ok(place) => place,
            Err(why) => return Ok(Store::Closed(why)),
        };
        let store = self.state(&table).await?.store(&table, &me);
        // Held to under the lock until something is written.
        self.receipts_seen = self.locked && store == Store::Ready;
        Ok(store)
    }

    /// See [`crate::warehouse::Observe::stamp`].
    pub(super) async fn receipt_stamp(&mut self) -> Result<Stamp, WarehouseError> {
        let rows = self.say(STAMP).await?;
        let table = Table::of(&rows);
        let row = table.rows().next().ok_or_else(|| unreadable("an answer without a row"))?;
        let at = moment(row.text("at")).ok_or_else(|| unreadable("a time that is none"))?;
        let [session_user, current_role] =
            ["user_name", "role_name"].map(|column| row.text(column).to_owned());
        Ok(Stamp { at, session_user, current_role })
    }

    /// See [`crate::warehouse::Observe::receipts`].
    pub(super) async fn receipts_asked(&mut self, ask: &Ask) -> Result<Vec<Entry>, WarehouseError> {
        let (table, me) = self.place().await?.map_err(WarehouseError::Forbidden)?;
        let seen = self.receipts_seen;
        if ask.only != Only::LastAnywhere {
            return self.receipts_of(&table, seen, ask).await;
        }
        let schemas = self.say("SHOW SCHEMAS LIKE 'ROLECALL' IN ACCOUNT").await?;
        let mut last: Option<Entry> = None;
        for row in Table::of(&schemas).rows() {
            // Another's could say anything.
            let mine = row.text("name") == "ROLECALL" && row.text("owner") == me.as_str();
            let Some(database) = row.name("database_name").filter(|_| mine) else { continue };
            let table = ReceiptTable::of(&database);
            let there = match self.receipts_of(&table, false, ask).await {
                // It is this role's, so what it says matters, and is not to be done without.
                Err(WarehouseError::Forbidden(why)) => return Err(WarehouseError::Unknown(why)),
                there => there?,
            };
            last = last.into_iter().chain(there).max_by(|a, b| a.stamp.at.cmp(&b.stamp.at));
        }
        Ok(last.into_iter().collect())
    }

    async fn receipts_of(
        &mut self,
        table: &ReceiptTable,
        seen: bool,
        ask: &Ask,
    ) -> Result<Vec<Entry>, WarehouseError> {
        let Ask { deployment, environment, only } = ask;
        let (outcome, plan, only_last) = match only {
            Only::All => (None, None, false),
            Only::Last | Only::LastAnywhere => (None, None, true),
            Only::Begun => (Some("begun"), None, false),
            Only::Plan(sha256) => (Some("applied"), Some(sha256.as_str()), false),
        };
        let of = (deployment.as_str(), environment.as_str());
        let sql = table.read(of, outcome, plan, only_last)?;
        let sessions = self.sessions.clone();
        let (state, rows) = futures::join!(
            async { if seen { Ok(None) } else { self.state(table).await.map(Some) } },
            sessions.query(&sql)
        );
        if let Some(state) = state? {
            if !state.is_there() {
                return Ok(Vec::new());
            }
            if let Some(why) = state.strange() {
                return Err(WarehouseError::Forbidden(format!("{why}; it is not read")));
            }
        }
        let rows = rows.map_err(|error| match is_forbidden(&error) || is_missing(&error) {
            true => WarehouseError::Forbidden(format!(
                "{}\n  who may read receipts needs SELECT on the table, and USAGE on its schema and database",
                failed(&sql, &error)
            )),
            false => failed(&sql, &error),
        })?;
        let mut entries = Vec::with_capacity(rows.rows.len());
        for row in Table::of(&rows).rows() {
            let body = self.whole(table, row.text("body")).await?;
            let receipt: Receipt = serde_json::from_str(&body).map_err(|error| {
                WarehouseError::Forbidden(format!(
                    "a receipt in {} cannot be read: {error}; a newer rolecall may have written it",
                    table.table
                ))
            })?;
            let text = |column| row.text(column).to_owned();
            let stamp = Stamp {
                at: text("kept_at"),
                session_user: text("session_user_name"),
                current_role: text("acting_role"),
            };
            entries.push(Entry { id: Some(text("id")), stamp, receipt });
        }
        // By bytes of the clock's time, which are in its order.
        entries.sort_by(|a: &Entry, b: &Entry| a.stamp.at.cmp(&b.stamp.at));
        Ok(entries)
    }

    /// A receipt's text, put together where it is kept in pieces.
    async fn whole(&self, table: &ReceiptTable, body: &str) -> Result<String, WarehouseError> {
        let Some(pieces) = body.strip_prefix(PIECES) else { return Ok(body.to_owned()) };
        let lost = || {
            WarehouseError::Forbidden(format!("a piece of a receipt is missing in {}", table.table))
        };
        let (name, count) = pieces.split_once(':').ok_or_else(lost)?;
        let count: usize =
            count.parse().ok().filter(|n| *n <= LONGEST / PIECE + 1).ok_or_else(lost)?;
        let ids: Vec<String> = (0..count).map(|n| format!("{name}#{n}")).collect();
        let rows = self.say(&table.pieces(&ids)?).await?;
        let read = Table::of(&rows);
        let piece = |id: &String| {
            let row = read.rows().find(|row| row.text("id") == id);
            row.map(|row| row.text("body").to_owned())
        };
        ids.iter()
            .map(piece)
            .collect::<Option<Vec<String>>>()
            .map(|all| all.concat())
            .ok_or_else(lost)
    }

    /// See [`crate::warehouse::Execute::keep`].
    pub(super) async fn receipt_keep(&mut self, entry: &Entry) -> Result<(), WarehouseError> {
        let (table, me) = self.place().await?.map_err(WarehouseError::Forbidden)?;
        let Entry { id, stamp, receipt } = entry;
        let id = id.as_deref().ok_or_else(|| unreadable("a receipt without an id"))?;
        let mut body = serde_json::to_string(receipt)
            .map_err(|_| unreadable("the receipt cannot be written"))?;
        if body.len() > LONGEST {
            return Err(WarehouseError::Limit(format!(
                "the receipt of {} changes would be {} bytes long: apply in parts, with --batches 50000",
                receipt.changes.len(),
                body.len()
            )));
        }
        if !std::mem::take(&mut self.receipts_seen) {
            match self.state(&table).await?.store(&table, &me) {
                Store::Ready => {}
                Store::Missing => return Err(unreadable("the table of receipts went away")),
                Store::Closed(why) | Store::Strange(why) => {
                    return Err(WarehouseError::Forbidden(why));
                }
            }
        }
        let row = ReceiptRow {
            id,
            kept_at: &stamp.at,
            deployment: &receipt.deployment,
            environment: &receipt.environment,
            outcome: receipt.outcome.as_str(),
            plan_sha256: receipt.plan.as_ref().map(|plan| plan.sha256.as_str()),
            session_user: &stamp.session_user,
            acting_role: &stamp.current_role,
            body: "",
        };
        if body.len() > PIECE {
            // Under a name of their own: what they take the place of is there until they all are.
            let name = uuid::Uuid::new_v4().to_string();
            let pieces = pieces(&body);
            for (n, piece) in pieces.iter().enumerate() {
                let id = format!("{name}#{n}");
                let row = ReceiptRow { id: &id, outcome: "piece", body: piece, ..row };
                self.write(&table, &row).await?;
            }
            body = format!("{PIECES}{name}:{}", pieces.len());
        }
        self.write(&table, &ReceiptRow { body: &body, ..row }).await
    }

    /// Writes a row, and looks whether it is there.
    async fn write(
        &self,
        table: &ReceiptTable,
        row: &ReceiptRow<'_>,
    ) -> Result<(), WarehouseError> {
        let sql = table.keep(row)?;
        let mut tries = 0;
        loop {
            let error = match self.sessions.query(&sql).await {
                Ok(_) => break,
                Err(error) => error,
            };
            tries += 1;
            if tries >= TRIES || !matches!(error, QueryError::Transport { .. }) {
                // A statement of a megabyte is no message.
                return Err(failed(&format!("MERGE INTO {} …", table.table), &error));
            }
            tokio::time::sleep(Duration::from_millis(100 << tries)).await;
        }
        let rows = self.say(&table.find(row)?).await?;
        let count = Table::of(&rows).rows().next().map(|row| row.text("n").to_owned());
        match count.as_deref() {
            Some("1") => Ok(()),
            _ => Err(WarehouseError::Unknown(format!(
                "the receipt {} was reported as written to {}, and is not there so",
                row.id, table.table
            ))),
        }
    }
}

/// A text in pieces of at most [`PIECE`] bytes.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.len().min(PIECE);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (piece, more) = rest.split_at(end);
        pieces.push(piece);
        rest = more;
    }
    pieces
}

fn unreadable(what: &str) -> WarehouseError {
    WarehouseError::Connect {
        target: "Snowflake".to_owned(),
        cause: format!("{what}, which cannot be"),
    }
}

/// `1795378205.123456789` as `2026-11-22T20:10:05.123456Z`.
fn moment(shown: &str) -> Option<String> {
    let (seconds, fraction) = shown.split_once('.').unwrap_or((shown, ""));
    let seconds: i64 = seconds.parse().ok()?;
    let digits = fraction.chars().chain("000000".chars()).take(6).collect::<String>();
    if !digits.chars().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    Some(format!("{}.{digits}Z", iso(seconds).trim_end_matches('Z')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole_and_cut_no_letter() {
        let text = "é".repeat(PIECE);
        let found = pieces(&text);
        assert!(found.iter().all(|piece| piece.len() <= PIECE));
        assert_eq!(found.concat(), text);
        assert!(pieces("").is_empty());
    }

    #[test]
    fn the_servers_clock_is_read_to_the_microsecond() {
        assert_eq!(moment("1795378205.123456789").unwrap(), "2026-11-22T20:10:05.123456Z");
        assert_eq!(moment("1795378205.1").unwrap(), "2026-11-22T20:10:05.100000Z");
        assert_eq!(moment("1795378205").unwrap(), "2026-11-22T20:10:05.000000Z");
        assert_eq!(moment("now"), None);
        assert_eq!(moment("1.-5"), None);
    }
}
