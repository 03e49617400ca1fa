//! `--from-account-usage`: who holds what and who is in what, by two queries, up to two hours old.

use std::collections::{BTreeMap, BTreeSet};

use super::Rows;
use super::reader::{Reader, literal};
use super::shown::{self, Holder, Row, Table};
use crate::model::{Ident, ObjectClass, Securable};
use crate::warehouse::WarehouseError;

/// Rows as SHOW GRANTS ON and SHOW GRANTS OF would have them.
#[derive(Default)]
pub(super) struct Usage {
    /// By the parts of a name, and whether it is a relation.
    on: BTreeMap<(bool, Vec<String>), Cells>,
    of: BTreeMap<Ident, Cells>,
}

/// Rows as [`Rows`] has them.
type Cells = Vec<Vec<Option<String>>>;

const ON: [&str; 8] = [
    "privilege",
    "granted_on",
    "name",
    "granted_to",
    "grantee_name",
    "grant_option",
    "granted_by",
    "is_inherited",
];
const OF: [&str; 3] = ["granted_to", "grantee_name", "granted_by"];

impl Reader<'_> {
    /// `None` where SHOW is to be asked.
    pub(super) async fn usage(
        &self,
        databases: &BTreeSet<Ident>,
    ) -> Result<Option<Usage>, WarehouseError> {
        if !self.from_account_usage || databases.is_empty() {
            return Ok(None);
        }
        let names: Vec<String> = databases.iter().map(|name| literal(name.as_str())).collect();
        let names = names.join(", ");
        let to_roles = format!(
            "SELECT PRIVILEGE, GRANTED_ON, NAME, TABLE_CATALOG, TABLE_SCHEMA, GRANTED_TO, GRANTEE_NAME, GRANT_OPTION, GRANTED_BY FROM SNOWFLAKE.ACCOUNT_USAGE.GRANTS_TO_ROLES WHERE DELETED_ON IS NULL AND (GRANTED_ON IN ('ROLE', 'ACCOUNT ROLE', 'DATABASE ROLE', 'DATABASE_ROLE') OR TABLE_CATALOG IN ({names}) OR (GRANTED_ON = 'DATABASE' AND NAME IN ({names})))"
        );
        let to_users = "SELECT ROLE, GRANTED_TO, GRANTEE_NAME, GRANTED_BY FROM SNOWFLAKE.ACCOUNT_USAGE.GRANTS_TO_USERS WHERE DELETED_ON IS NULL";
        let (to_roles, to_users) = futures::join!(self.ask(&to_roles), self.ask(to_users));
        let mut usage = Usage::default();
        for row in Table::of(&to_roles?).rows() {
            usage.add(&row);
        }
        for row in Table::of(&to_users?).rows() {
            if let Some(role) = row.name("role") {
                let values = ["USER", row.text("grantee_name"), row.text("granted_by")];
                usage.of.entry(role).or_default().push(some(values));
            }
        }
        Ok(Some(usage))
    }
}

impl Usage {
    fn add(&mut self, row: &Row<'_>) {
        let (kind, on, name) = (row.text("granted_to"), row.text("granted_on"), row.text("name"));
        let (catalog, schema) = (row.text("table_catalog"), row.text("table_schema"));
        // Names are as they are there, never quoted.
        let plain = row.text("grantee_name");
        let exact = format!("\"{}\"", plain.replace('"', "\"\""));
        let in_database = shown::holder(kind) == Some(Holder::DatabaseRole);
        let grantee = if in_database { exact.as_str() } else { plain };
        if let Some(Holder::Role | Holder::DatabaseRole) = shown::holder(on) {
            if row.text("privilege") != "USAGE" {
                return;
            }
            let role = match (shown::holder(on), Ident::new(catalog), Ident::new(name)) {
                (Some(Holder::DatabaseRole), Ok(database), Ok(name)) => {
                    Some(Ident::in_database(&database, &name))
                }
                (_, _, name) => name.ok(),
            };
            if let Some(role) = role {
                let values = [kind, grantee, row.text("granted_by")];
                self.of.entry(role).or_default().push(some(values));
            }
            return;
        }
        let Some(class) = shown::class(on) else { return };
        let parts: Vec<&str> = match class {
            ObjectClass::Database => vec![name],
            ObjectClass::Schema => vec![catalog, name],
            class if class.is_relation() => vec![catalog, schema, name],
            _ => return,
        };
        let parts: Vec<String> = parts.into_iter().map(str::to_owned).collect();
        let (privilege, option) = (row.text("privilege"), row.text("grant_option"));
        let values = [privilege, on, name, kind, grantee, option, row.text("granted_by"), "false"];
        self.on.entry((class.is_relation(), parts)).or_default().push(some(values));
    }

    /// What is granted on an object.
    pub(super) fn on(&self, on: &Securable) -> Option<Rows> {
        let parts: Vec<Option<&Ident>> = match on.class() {
            ObjectClass::Database => vec![on.name()],
            ObjectClass::Schema => vec![on.database_name(), on.schema_name()],
            _ => vec![on.database_name(), on.schema_name(), on.name()],
        };
        let parts = parts.into_iter().map(|part| Some(part?.as_str().to_owned()));
        let rows = self.on.get(&(on.class().is_relation(), parts.collect::<Option<_>>()?))?;
        Some(Rows { columns: ON.map(str::to_owned).to_vec(), rows: rows.clone() })
    }

    /// Who is in a role.
    pub(super) fn of(&self, role: &Ident) -> Rows {
        let rows = self.of.get(role).cloned().unwrap_or_default();
        Rows { columns: OF.map(str::to_owned).to_vec(), rows }
    }
}

fn some<const N: usize>(values: [&str; N]) -> Vec<Option<String>> {
    values.map(|value| Some(value.to_owned())).to_vec()
}
