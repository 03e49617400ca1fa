//! Whether the session's role may grant at all, as far as that can be told before it tries.

use std::collections::BTreeSet;

use futures::future::join_all;

use super::reader::{Reader, is_missing, literal, quoted};
use super::shown::{Holder, Table, holder};
use super::{QueryError, Rows};
use crate::model::{Diagnostic, Ident, SchemaKey};
use crate::warehouse::{Look, WarehouseError};

/// Roles of every account that hold MANAGE GRANTS.
const THEY_MANAGE: [&str; 2] = ["ACCOUNTADMIN", "SECURITYADMIN"];

/// A schema that is looked at, as SHOW SCHEMAS has it.
struct Schema {
    key: SchemaKey,
    owner: Option<Ident>,
    managed_access: bool,
}

impl Reader<'_> {
    /// One statement where the role holds MANAGE GRANTS itself, none for the administrators of an
    /// account. Only where it has it not at all, schemas are asked for their owners.
    pub(super) async fn authority(
        &self,
        look: &Look,
        databases: &BTreeSet<Ident>,
    ) -> Result<Vec<Diagnostic>, WarehouseError> {
        let me = &self.server.acting_as;
        if THEY_MANAGE.contains(&me.as_str()) || look.schemas.is_empty() {
            return Ok(Vec::new());
        }
        let Some(rows) = self.unless_refused("SHOW GRANTS ON ACCOUNT").await? else {
            return Ok(Vec::new());
        };
        let managing = managing(&rows);
        // Where not even the administrators are seen to hold it, nothing is seen.
        if managing.is_empty() || managing.contains(me) {
            return Ok(Vec::new());
        }
        let Some(mine) = self.in_session(&managing).await? else { return Ok(Vec::new()) };
        if !mine.is_empty() {
            return Ok(Vec::new());
        }
        let schemas = self.schemas(look, databases).await?;
        let owners: BTreeSet<Ident> =
            schemas.iter().filter_map(|schema| schema.owner.clone()).collect();
        let Some(mine) = self.in_session(&owners).await? else { return Ok(Vec::new()) };
        let is_mine = |schema: &&Schema| {
            schema.owner.as_ref().is_some_and(|owner| owner == me || mine.contains(owner))
        };
        Ok(said(me, &schemas.iter().filter(|schema| !is_mine(schema)).collect::<Vec<_>>()))
    }

    /// What SHOW GRANTS ON ACCOUNT says, where the session's role may see every grant.
    pub(super) async fn all_is_seen(&self) -> Result<Rows, WarehouseError> {
        let me = &self.server.acting_as;
        let rows = self.ask("SHOW GRANTS ON ACCOUNT").await?;
        let managing = managing(&rows);
        if THEY_MANAGE.contains(&me.as_str()) || managing.contains(me) {
            return Ok(rows);
        }
        match self.in_session(&managing).await? {
            Some(mine) if !mine.is_empty() => Ok(rows),
            _ => Err(WarehouseError::Forbidden(format!(
                "{me} does not see every grant, and who can do what is not told from a part of them: it \
                 needs MANAGE GRANTS, as SECURITYADMIN has it: GRANT MANAGE GRANTS ON ACCOUNT TO ROLE {}",
                quoted(me)
            ))),
        }
    }

    /// Which of these roles the session's role is, or inherits. `None` where that is not told.
    async fn in_session(
        &self,
        roles: &BTreeSet<Ident>,
    ) -> Result<Option<BTreeSet<Ident>>, WarehouseError> {
        if roles.is_empty() {
            return Ok(Some(BTreeSet::new()));
        }
        let each =
            roles.iter().map(|role| format!("IS_ROLE_IN_SESSION({})", literal(role.as_str())));
        let each: Vec<String> = each.collect();
        let rows = self.unless_refused(&format!("SELECT {}", each.join(", "))).await?;
        let Some(values) = rows.and_then(|rows| rows.rows.into_iter().next()) else {
            return Ok(None);
        };
        let yes = |value: &Option<String>| {
            value.as_deref().is_some_and(|value| matches!(value, "1" | "true" | "TRUE"))
        };
        let held = roles.iter().zip(&values).filter(|(_, value)| yes(value));
        Ok(Some(held.map(|(role, _)| role.clone()).collect()))
    }

    async fn schemas(
        &self,
        look: &Look,
        databases: &BTreeSet<Ident>,
    ) -> Result<Vec<Schema>, WarehouseError> {
        let answers = join_all(databases.iter().map(|database| async move {
            let list = format!("SHOW SCHEMAS IN DATABASE {}", quoted(database));
            Ok::<_, WarehouseError>((database, self.unless_refused(&list).await?))
        }))
        .await;
        let mut schemas = Vec::new();
        for answer in answers {
            let (database, Some(rows)) = answer? else { continue };
            for row in Table::of(&rows).rows() {
                let Some(name) = row.name("name") else { continue };
                let key = (database.clone(), name);
                if look.schemas.contains(&key) {
                    let managed_access = row.text("options").contains("MANAGED ACCESS");
                    schemas.push(Schema { key, owner: row.name("owner"), managed_access });
                }
            }
        }
        Ok(schemas)
    }

    /// `None` where the server refuses: then nothing is said of it.
    async fn unless_refused(&self, statement: &str) -> Result<Option<Rows>, WarehouseError> {
        match self.sessions.query(statement).await {
            Ok(rows) => Ok(Some(rows)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(QueryError::Server(_)) => Ok(None),
            Err(error) => Err(super::reader::failed(statement, &error)),
        }
    }
}

/// Who holds MANAGE GRANTS, by SHOW GRANTS ON ACCOUNT.
fn managing(rows: &Rows) -> BTreeSet<Ident> {
    let table = Table::of(rows);
    let managing = table.rows().filter(|row| row.text("privilege") == "MANAGE GRANTS");
    let roles = managing.filter(|row| holder(row.text("granted_to")) == Some(Holder::Role));
    roles.filter_map(|row| row.name("grantee_name")).collect()
}

/// What is said of schemas that are others'.
fn said(me: &Ident, others: &[&Schema]) -> Vec<Diagnostic> {
    let shown = |schemas: &[&&Schema]| {
        let some = schemas.iter().take(3).map(|schema| {
            let (database, name) = &schema.key;
            match &schema.owner {
                Some(owner) => format!("{database}.{name} (owned by {owner})"),
                None => format!("{database}.{name}"),
            }
        });
        let some = some.collect::<Vec<_>>().join(", ");
        match schemas.len().saturating_sub(3) {
            0 => some,
            more => format!("{some} and {more} more"),
        }
    };
    let help = format!(
        "GRANT MANAGE GRANTS ON ACCOUNT TO ROLE {}, or connect with a role that has it, such as SECURITYADMIN",
        quoted(me)
    );
    let (managed, plain): (Vec<&&Schema>, Vec<&&Schema>) =
        others.iter().partition(|schema| schema.managed_access);
    let mut found = Vec::new();
    if !plain.is_empty() {
        let message = format!(
            "{me} has no MANAGE GRANTS and does not own {}: it can grant only what is its own there, or what it may pass on",
            shown(&plain)
        );
        found.push(Diagnostic::warning("no-manage-grants", message).with_help(&help));
    }
    if !managed.is_empty() {
        let message = format!(
            "in {} access is managed: only its owner and holders of MANAGE GRANTS grant there, and {me} is neither",
            shown(&managed)
        );
        found.push(Diagnostic::warning("managed-access", message).with_help(help));
    }
    found
}
