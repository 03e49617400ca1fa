//! What the table of receipts is, as SHOW and DESCRIBE tell: whose, who may write it, its columns.

use std::collections::BTreeSet;

use super::reader::{Reader, failed, is_forbidden, is_missing, quoted};
use super::shown::{self, Row, Table};
use super::{QueryError, Rows};
use crate::dialect::{RECEIPT_COLUMNS, ReceiptTable};
use crate::model::Ident;
use crate::receipts::Store;
use crate::warehouse::WarehouseError;

/// What there is. Read by five statements side by side.
#[derive(Default)]
pub(super) struct State {
    on_schema: Option<Rows>,
    on_table: Option<Rows>,
    /// Future grants in the schema.
    to_come: Option<Rows>,
    columns: Option<Rows>,
    /// The relation of that name.
    listed: Option<Rows>,
}

/// Who holds or holds not, as far as SHOW GRANTS says.
fn holder(row: &Row) -> (String, String) {
    let kind = [row.text("granted_to"), row.text("grant_to")].concat().replace(' ', "_");
    (kind, row.text("grantee_name").to_owned())
}

fn is_me(row: &Row, me: &Ident) -> bool {
    let (kind, name) = holder(row);
    kind == "ROLE" && shown::one(&name, |shown| shown == me.as_str()).as_ref() == Some(me)
}

/// Whether a role owns what the rows are about.
pub(super) fn is_owner(rows: &Rows, me: &Ident) -> bool {
    Table::of(rows).rows().any(|row| row.text("privilege") == "OWNERSHIP" && is_me(&row, me))
}

/// The roles that hold something else than what is allowed, beside its owner. What is no role, or
/// holds by inheritance, cannot be helped here: in words.
pub(super) fn others(rows: &Rows, me: &Ident, allowed: &[&str]) -> Result<BTreeSet<Ident>, String> {
    let mut found = BTreeSet::new();
    for row in Table::of(rows).rows() {
        let privilege = row.text("privilege");
        if is_me(&row, me) || allowed.contains(&privilege) {
            continue;
        }
        let (kind, name) = holder(&row);
        let parts = shown::parts(&name).unwrap_or_default();
        let role = match (kind.as_str(), &parts[..]) {
            _ if row.truth("is_inherited") || privilege == "OWNERSHIP" => None,
            ("ROLE", _) => shown::one(&name, |_| false),
            // It is of the database of what it holds something on.
            ("DATABASE_ROLE", parts) => shown::parts(row.text("name")).and_then(|on| {
                let [database, name] = [on.first()?, parts.last()?].map(Ident::new);
                Some(Ident::in_database(&database.ok()?, &name.ok()?))
            }),
            _ => None,
        };
        match role {
            Some(role) => found.insert(role),
            None => return Err(format!("{} {name} has {privilege}", kind.to_lowercase())),
        };
    }
    Ok(found)
}

impl State {
    pub(super) async fn read(
        reader: &Reader<'_>,
        table: &ReceiptTable,
    ) -> Result<Self, WarehouseError> {
        let ReceiptTable { database: _, schema, table, draft: _ } = table;
        let statements = [
            format!("SHOW GRANTS ON SCHEMA {schema}"),
            format!("SHOW GRANTS ON TABLE {table}"),
            format!("SHOW FUTURE GRANTS IN SCHEMA {schema}"),
            format!("DESCRIBE TABLE {table}"),
            format!("SHOW OBJECTS LIKE 'RECEIPTS' IN SCHEMA {schema}"),
        ];
        let answers =
            futures::future::join_all(statements.iter().map(|sql| reader.sessions.query(sql)));
        let mut found = Vec::new();
        for (sql, answer) in statements.iter().zip(answers.await) {
            found.push(match answer {
                Ok(rows) => Some(rows),
                Err(error) if is_missing(&error) || is_forbidden(&error) => None,
                // A view is no table.
                Err(QueryError::Server(error)) if error.code == "002203" => None,
                Err(error) => return Err(failed(sql, &error)),
            });
        }
        let mut found = found.into_iter();
        let mut next = || found.next().flatten();
        Ok(Self {
            on_schema: next(),
            on_table: next(),
            to_come: next(),
            columns: next(),
            listed: next(),
        })
    }

    pub(super) fn has_schema(&self) -> bool {
        self.on_schema.is_some() || self.listed.is_some()
    }

    /// Whether a role owns the schema.
    pub(super) fn is_schema_of(&self, me: &Ident) -> bool {
        self.on_schema.as_ref().is_some_and(|rows| is_owner(rows, me))
    }

    /// Whether there is a relation of that name.
    pub(super) fn is_there(&self) -> bool {
        self.owner().is_some()
    }

    fn owner(&self) -> Option<String> {
        let rows = self.listed.as_ref()?;
        let table = Table::of(rows);
        let row = table.rows().find(|row| row.text("name") == "RECEIPTS")?;
        Some(row.text("owner").to_owned())
    }

    fn schema_owner(&self) -> Option<String> {
        let table = Table::of(self.on_schema.as_ref()?);
        let row = table.rows().find(|row| row.text("privilege") == "OWNERSHIP")?;
        Some(holder(&row).1)
    }

    /// For whoever is to write.
    pub(super) fn store(&self, table: &ReceiptTable, me: &Ident) -> Store {
        let mine = |owner: &str| shown::one(owner, |name| name == me.as_str()).as_ref() == Some(me);
        let role = quoted(me);
        if let Some(owner) = self.schema_owner().filter(|owner| !mine(owner)) {
            return Store::Closed(format!(
                "the schema {schema} belongs to {owner}, not to {me}; apply as that role, or let it \
                 run GRANT OWNERSHIP ON SCHEMA {schema} TO ROLE {role} COPY CURRENT GRANTS",
                schema = table.schema
            ));
        }
        match self.owner() {
            None => return Store::Missing,
            Some(owner) if mine(&owner) => {}
            Some(owner) => {
                return Store::Closed(format!(
                    "the table {table} belongs to {owner}, not to {me}; apply as that role, or let \
                     it run GRANT OWNERSHIP ON TABLE {table} TO ROLE {role} COPY CURRENT GRANTS",
                    table = table.table
                ));
            }
        }
        match self.strange() {
            Some(why) => Store::Strange(format!(
                "{} is not as rolecall made it ({why}); find out who changed it, and put it right, \
                 or move it away and keep it",
                table.table
            )),
            None => Store::Ready,
        }
    }

    /// All that is not as it was made, in words.
    pub(super) fn strange(&self) -> Option<String> {
        let mut strange = Vec::new();
        let listed = self.listed.as_ref().map(Table::of);
        let row = listed
            .as_ref()
            .and_then(|table| table.rows().find(|row| row.text("name") == "RECEIPTS"));
        if let Some(row) = row {
            let special = ["is_dynamic", "is_iceberg", "is_hybrid", "is_external"];
            // Whatever is made in a transient database is transient.
            let is_table = matches!(row.text("kind"), "TABLE" | "TRANSIENT");
            if !is_table || special.iter().any(|column| row.truth(column)) {
                strange.push("it is no ordinary table".to_owned());
            }
        }
        match &self.columns {
            None => strange.push("its columns cannot be seen".to_owned()),
            Some(rows) => strange.extend(columns(rows)),
        }
        let owner = self.owner().unwrap_or_default();
        let allowed = |rows: &Option<Rows>, allowed: &[&str], what: &str| -> Vec<String> {
            let Some(rows) = rows else { return Vec::new() };
            let table = Table::of(rows);
            let may = |row: Row<'_>| {
                let (kind, name) = holder(&row);
                let privilege = row.text("privilege");
                let is_owner = kind == "ROLE" && name.trim_matches('"') == owner.trim_matches('"');
                (!is_owner && !allowed.contains(&privilege))
                    .then(|| format!("{name} may {privilege}{what}"))
            };
            table.rows().filter_map(may).collect()
        };
        let to_come = " on tables that are made in its schema";
        strange.extend(allowed(&self.on_table, &["SELECT"], ""));
        strange.extend(allowed(&self.on_schema, &["USAGE", "MONITOR"], " in its schema"));
        strange.extend(allowed(&self.to_come, &["SELECT", "USAGE", "MONITOR"], to_come));
        strange.sort_unstable();
        strange.dedup();
        (!strange.is_empty()).then(|| strange.join("; "))
    }

    /// Roles that future grants let into the schema, before there is a table in it.
    pub(super) fn may_write_in_schema(
        &self,
        me: &Ident,
    ) -> Result<BTreeSet<Ident>, WarehouseError> {
        let Some(rows) = &self.on_schema else { return Ok(BTreeSet::new()) };
        others(rows, me, &["USAGE", "MONITOR"]).map_err(|why| {
            WarehouseError::Forbidden(format!(
                "{why} on the schema of receipts: take it away first"
            ))
        })
    }
}

/// What of the columns is not as it was made.
fn columns(rows: &Rows) -> Vec<String> {
    let table = Table::of(rows);
    let is: Vec<(&str, &str, &str)> =
        table.rows().map(|row| (row.text("name"), row.text("type"), row.text("null?"))).collect();
    let mut strange = Vec::new();
    if is != RECEIPT_COLUMNS {
        strange.push("it has other columns".to_owned());
    }
    let said = |column: &str| {
        let mut texts = table.rows().map(|row| row.text(column).to_owned());
        texts.any(|text| !matches!(text.as_str(), "" | "N" | "NULL" | "null" | "false"))
    };
    for (column, what) in [
        ("default", "it has defaults"),
        ("primary key", "it has keys"),
        ("unique key", "it has keys"),
        ("check", "it has checks"),
        ("expression", "it has computed columns"),
        ("policy name", "a policy hides what is in it"),
    ] {
        if said(column) {
            strange.push(what.to_owned());
        }
    }
    strange
}
