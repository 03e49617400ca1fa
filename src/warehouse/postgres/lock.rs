//! Locks: one for the whole cluster, since roles are its own; one for the database, which roles
//! without CREATEROLE can take too; and those on tables, so that a rename waits instead of failing.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::dialect::Dialect;
use crate::model::{Change, Ident, ServerIdentity};
use crate::warehouse::WarehouseError;

use super::acl::get;
use super::{catalog, errors};

/// The role whose comment is the cluster's lock.
const LOCK_ROLE: &str = "rolecall_lock";

const EXPLANATION: &str =
    "Rolecall writes this comment to keep two of its runs apart. The role has no rights.";

/// The key of the database's advisory lock: `rolecall` in ASCII.
const KEY: i64 = 0x726f_6c65_6361_6c6c;

/// GRANT itself locks each table from this version on.
const GRANT_LOCKS: u32 = 180_000;

/// How many tables one LOCK names at most.
const WIDEST: usize = 500;

pub(super) struct Locks<'a> {
    pub(super) client: &'a Client,
    pub(super) target: &'a str,
    pub(super) dialect: &'static dyn Dialect,
}

impl Locks<'_> {
    fn failed(&self, sql: &str) -> impl Fn(tokio_postgres::Error) -> WarehouseError {
        let (target, sql) = (self.target.to_owned(), sql.to_owned());
        move |error| errors::of_statement(&target, &sql, &error)
    }

    /// Makes the lock role, outside any transaction, if it is not there. Two sessions may do so at
    /// once: one of them loses, and the role is there all the same.
    pub(super) async fn prepare(&self) -> Result<(), WarehouseError> {
        let ask = "select 1 from pg_roles where rolname = 'rolecall_lock'";
        let there = self.client.query_typed(ask, &[]).await.map_err(self.failed(ask))?;
        if !there.is_empty() {
            return Ok(());
        }
        let sql = format!("create role {LOCK_ROLE} nologin");
        match self.client.execute_typed(&sql, &[]).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let there = self.client.query_typed(ask, &[]).await.map_err(self.failed(ask))?;
                if there.is_empty() { Err(self.failed(&sql)(error)) } else { Ok(()) }
            }
        }
    }

    /// Takes the database's lock, and the cluster's where `server` may. Both end with the
    /// transaction.
    pub(super) async fn take(
        &self,
        server: &ServerIdentity,
        patience: Duration,
    ) -> Result<(), WarehouseError> {
        // 0 would mean to wait for ever.
        let sql = format!("set local lock_timeout = {}", patience.as_millis().max(1));
        self.client.execute_typed(&sql, &[]).await.map_err(self.failed(&sql))?;
        let sql = format!("select pg_advisory_xact_lock({KEY})");
        self.client.execute_typed(&sql, &[]).await.map_err(self.failed(&sql))?;
        if !server.may_create_roles {
            return Ok(());
        }
        let sql = format!("comment on role {LOCK_ROLE} is '{EXPLANATION}'");
        match self.client.execute_typed(&sql, &[]).await {
            Ok(_) => Ok(()),
            Err(error) if errors::code(&error) == "42501" => {
                let me = &server.acting_as;
                let quoted = self.dialect.quote(me);
                Err(WarehouseError::Forbidden(format!(
                    "{me} may not take the lock that keeps two runs on this server apart: that \
                     needs the admin option on the role {LOCK_ROLE}; let whoever has it, or a \
                     superuser, run\n  GRANT {LOCK_ROLE} TO {quoted} WITH ADMIN OPTION"
                )))
            }
            Err(error) => Err(self.failed(&sql)(error)),
        }
    }

    /// Who holds what we waited for, in words. To be asked outside the transaction that failed.
    pub(super) async fn holder(&self) -> String {
        let asked = self.client.query_typed(catalog::HOLDER, &[(&KEY, Type::INT8)]).await;
        let row = asked.ok().and_then(|rows| rows.into_iter().next());
        let Some(row) = row else { return "somebody who has just let it go".to_owned() };
        let pid: i32 = get(&row, 0).unwrap_or_default();
        let text = |at| get::<&str>(&row, at).unwrap_or_default();
        let mut words = format!("{} in database {} (process {pid}", text(1), text(2));
        for (before, value) in [("", text(3)), ("from ", text(4)), ("since ", text(5))] {
            if !value.is_empty() {
                words.push_str(&format!(", {before}{value}"));
            }
        }
        words + ")"
    }

    /// Locks the tables that changes are about, where that can be done. `taken` is what earlier
    /// changes of the same transaction were about.
    pub(super) async fn tables(
        &self,
        server: &ServerIdentity,
        changes: &[Change],
        taken: &mut BTreeSet<(Ident, Ident)>,
    ) -> Result<(), WarehouseError> {
        let wanted: BTreeSet<(Ident, Ident)> =
            changes.iter().filter_map(relation).filter(|it| !taken.contains(it)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let rows = self
            .client
            .query_typed(catalog::LOCK_BUDGET, &[])
            .await
            .map_err(self.failed(catalog::LOCK_BUDGET))?;
        let budget: i64 = rows.first().map(|row| get(row, 0)).transpose()?.unwrap_or(0);
        // Half of what all sessions share: dbt and everybody else need theirs at the same time.
        let share = usize::try_from(budget / 2).unwrap_or(usize::MAX);
        taken.extend(wanted.iter().cloned());
        if taken.len() > share {
            if server.version < GRANT_LOCKS {
                return Ok(());
            }
            return Err(WarehouseError::Limit(format!(
                "the changes are about {} relations; PostgreSQL {} locks each until the \
                 transaction ends, and max_locks_per_transaction leaves a safe share of {share}: \
                 raise max_locks_per_transaction (it takes a restart), or pass --batches to change \
                 them in several transactions",
                taken.len(),
                server.version / 10_000
            )));
        }
        let (schemas, names): (Vec<&str>, Vec<&str>) =
            wanted.iter().map(|(schema, name)| (schema.as_str(), name.as_str())).unzip();
        let found = self
            .client
            .query_typed(
                catalog::LOCKABLE,
                &[(&schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)],
            )
            .await
            .map_err(self.failed(catalog::LOCKABLE))?;
        let mut tables = Vec::with_capacity(found.len());
        for row in &found {
            let (schema, name) = (super::acl::name(get(row, 0)?)?, super::acl::name(get(row, 1)?)?);
            tables.push(format!("{}.{}", self.dialect.quote(&schema), self.dialect.quote(&name)));
        }
        // In one order everywhere, so that two of us never wait for each other.
        tables.sort_unstable();
        for tables in tables.chunks(WIDEST) {
            let sql = format!("lock table only {} in access share mode", tables.join(", only "));
            match self.client.execute_typed(&sql, &[]).await {
                Ok(_) => {}
                Err(error) if errors::code(&error) == "42P01" => {
                    return Err(WarehouseError::Retry(errors::chain(&error)));
                }
                Err(error) => return Err(self.failed(&sql)(error)),
            }
        }
        Ok(())
    }
}

/// The relation that a grant or revoke is about.
fn relation(change: &Change) -> Option<(Ident, Ident)> {
    let on = match change {
        Change::Grant { on, .. }
        | Change::Revoke { on, .. }
        | Change::RevokeGrantOption { on, .. }
        | Change::SetOwner { on, .. } => on,
        Change::CreateRole { .. }
        | Change::RenameRole { .. }
        | Change::AdoptRole { .. }
        | Change::ResetAttributes { .. }
        | Change::AddMember { .. }
        | Change::GrantDefault { .. }
        | Change::SetRoleOwner { .. }
        | Change::RevokeDefault { .. }
        | Change::RevokeAdminOption { .. }
        | Change::RemoveMember { .. }
        | Change::DropRole { .. } => return None,
    };
    let class = on.class();
    if class.is_relation() || class == crate::model::ObjectClass::Column {
        Some((on.schema_name()?.clone(), on.name()?.clone()))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_dbt_hook_waits_for_the_same_lock() {
        let hook = include_str!("../../../macros/hook_postgres.sql");
        for call in ["pg_advisory_xact_lock", "pg_try_advisory_xact_lock_shared"] {
            assert!(hook.contains(&format!("{call}({})", super::KEY)));
        }
    }
}
