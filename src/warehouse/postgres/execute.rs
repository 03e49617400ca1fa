//! Changing: one transaction under the lock, statement by statement.

use std::collections::BTreeSet;

use tokio_postgres::types::Type;

use crate::dialect::{self, Dialect, Statement};
use crate::model::{Change, DialectKind, Ident, ObjectClass, ServerIdentity};
use crate::warehouse::WarehouseError;

use super::acl::get;
use super::actors::relation_of;
use super::lock::Locks;
use super::{Postgres, catalog, errors, observe};

/// A transaction of ours.
pub(super) struct Open {
    pub(super) server: ServerIdentity,
    /// Its number, by which the server tells later what became of it.
    pub(super) xid: String,
    /// The cluster's history at its start.
    pub(super) timeline: Option<i32>,
    /// Relations that its changes are about.
    pub(super) relations: BTreeSet<(Ident, Ident)>,
}

impl Postgres {
    fn dialect(&self) -> &'static dyn Dialect {
        dialect::of(DialectKind::Postgres)
    }

    fn locks(&self) -> Locks<'_> {
        Locks { client: &self.client, target: &self.target.label, dialect: self.dialect() }
    }

    pub(super) async fn send(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        // The extended protocol takes exactly one statement: none can smuggle a second.
        self.client.execute_typed(sql, &[]).await.map(|_| ())
    }

    pub(super) async fn cell(&self, sql: &str) -> Result<String, WarehouseError> {
        let rows = self.client.query_typed(sql, &[]).await;
        let rows = rows.map_err(|error| errors::of_statement(&self.target.label, sql, &error))?;
        let row = rows.first().ok_or_else(|| observe::unreadable("an answer without a row"))?;
        Ok(get::<&str>(row, 0)?.to_owned())
    }

    pub(super) async fn open(&mut self) -> Result<(), WarehouseError> {
        if self.open.is_some() {
            return Err(observe::unreadable("a transaction is open already"));
        }
        let reader = observe::Reader { client: &self.client, target: &self.target.label };
        let (server, _) = reader.server().await?;
        if server.may_create_roles {
            self.locks().prepare().await?;
        }
        // Not repeatable read: what is read back must be seen as it is now.
        self.run("begin isolation level read committed read write").await?;
        match self.enter(&server).await {
            Ok((xid, timeline)) => {
                self.open = Some(Open { server, xid, timeline, relations: BTreeSet::new() });
                Ok(())
            }
            Err(error) => {
                self.run("rollback").await?;
                Err(match error {
                    WarehouseError::Statement { code, .. } if code == "55P03" => {
                        WarehouseError::Locked(format!(
                            "another run holds the lock: {}; nothing was changed. Wait for it, or \
                             allow more time",
                            self.locks().holder().await
                        ))
                    }
                    error => errors::in_transaction(error),
                })
            }
        }
    }

    async fn enter(
        &self,
        server: &ServerIdentity,
    ) -> Result<(String, Option<i32>), WarehouseError> {
        self.locks().take(server, self.lock_timeout).await?;
        let timeline = self.timeline().await?;
        Ok((self.cell("select pg_current_xact_id()::text").await?, timeline))
    }

    pub(super) async fn timeline(&self) -> Result<Option<i32>, WarehouseError> {
        let may = "select has_function_privilege('pg_control_checkpoint()', 'execute')::text";
        if self.cell(may).await? != "true" {
            return Ok(None);
        }
        let rows =
            self.client.query_typed(catalog::TIMELINE, &[]).await.map_err(|error| {
                errors::of_statement(&self.target.label, catalog::TIMELINE, &error)
            })?;
        rows.first().map(|row| get(row, 0)).transpose()
    }

    pub(super) async fn change(&mut self, changes: &[Change]) -> Result<(), WarehouseError> {
        let Some(mut open) = self.open.take() else {
            return Err(observe::unreadable("no transaction is open"));
        };
        let done = self.change_in(&mut open, changes).await;
        self.open = Some(open);
        done
    }

    async fn change_in(
        &mut self,
        open: &mut Open,
        changes: &[Change],
    ) -> Result<(), WarehouseError> {
        let server = &open.server;
        if !server.may_create_roles
            && let Some(change) = changes.iter().find(|change| needs_create_role(change))
        {
            let me = &server.acting_as;
            return Err(WarehouseError::Forbidden(format!(
                "{me} may not change roles or memberships ({}): it has no CREATEROLE; let a \
                 superuser run\n  ALTER ROLE {} CREATEROLE",
                what(change),
                self.dialect().quote(me)
            )));
        }
        let statements = self.dialect().statements(changes, &server.into())?;
        let locked = self.locks().tables(server, changes, &mut open.relations).await;
        locked.map_err(errors::in_transaction)?;
        for run in statements.chunk_by(|a, b| a.as_role.is_some() == b.as_role.is_some()) {
            // Asked for as late as this: earlier statements make roles, rename them, and give
            // objects to other owners.
            let actors = self.actors(&open.server, changes, run).await?;
            for (statement, actor) in run.iter().zip(actors) {
                self.perform(&open.server.acting_as, statement, actor.as_ref(), changes).await?;
            }
        }
        Ok(())
    }

    /// A GRANT of what one holds without grant option is a warning (01007), and grants nothing. The
    /// warning arrives before the statement's own answer.
    fn not_granted(&self) -> Option<String> {
        let mut notices = self.notices.lock().ok()?;
        let at = notices.iter().position(|notice| notice.code == "01007")?;
        Some(notices.remove(at).message)
    }

    /// Sends one statement, as `actor` where there is one.
    async fn perform(
        &mut self,
        me: &Ident,
        statement: &Statement,
        actor: Option<&Ident>,
        changes: &[Change],
    ) -> Result<(), WarehouseError> {
        let Statement { sql, changes: of, as_role: _ } = statement;
        // Warnings of earlier statements say nothing of this one.
        while self.not_granted().is_some() {}
        let sent = match actor {
            None => self.send(sql).await,
            Some(actor) => {
                let closed = self.closed_to(actor, of, changes).await?;
                self.send_as(me, actor, &closed, sql).await
            }
        };
        let Err(error) = sent else { return self.was_granted(me, actor, sql) };
        let dependents = errors::code(&error) == "2BP01";
        let error = errors::of_statement(&self.target.label, sql, &error);
        if dependents {
            let of = of.iter().filter_map(|at| changes.get(*at));
            return Err(self.explain_dependents(error, of).await);
        }
        Err(match (actor, errors::in_transaction(error)) {
            (Some(actor), WarehouseError::Statement { statement, message, code })
                if code == "42501" =>
            {
                WarehouseError::Forbidden(format!(
                    "{statement}\n  only {actor}, who granted it, can take it away, and may not: \
                     {message}; give {actor} what it lacks there"
                ))
            }
            (_, error) => error,
        })
    }

    /// A grant that the server only warned about has granted nothing.
    fn was_granted(
        &self,
        me: &Ident,
        actor: Option<&Ident>,
        sql: &str,
    ) -> Result<(), WarehouseError> {
        let Some(said) = self.not_granted() else { return Ok(()) };
        let me = actor.unwrap_or(me);
        let short: String = sql.chars().take(200).collect();
        Err(WarehouseError::Forbidden(format!(
            "{short}\n  {said}: {me} holds it without the right to pass it on; let the owner of \
             that object grant it to {me} WITH GRANT OPTION, or run this as the owner"
        )))
    }

    /// The schemas of these changes that a grantor has lost its way into since it granted there.
    async fn closed_to(
        &self,
        actor: &Ident,
        of: &[usize],
        changes: &[Change],
    ) -> Result<Vec<Ident>, WarehouseError> {
        let schemas: BTreeSet<&str> = of
            .iter()
            .filter_map(|at| match changes.get(*at)? {
                Change::Revoke { on, .. } | Change::RevokeGrantOption { on, .. } => on
                    .schema_name()
                    .filter(|_| on.class() != ObjectClass::Schema)
                    .map(Ident::as_str),
                _ => None,
            })
            .collect();
        let schemas: Vec<&str> = schemas.into_iter().collect();
        let actor = actor.as_str();
        let rows = self
            .client
            .query_typed(catalog::CLOSED, &[(&actor, Type::TEXT), (&schemas, Type::TEXT_ARRAY)])
            .await;
        let rows = rows.map_err(|error| {
            errors::of_statement(&self.target.label, catalog::CLOSED.trim(), &error)
        })?;
        rows.iter().map(|row| super::acl::name(get(row, 0)?)).collect()
    }

    /// Sends a statement as another role. Where that role cannot get at the objects any more, it
    /// is let in for this statement alone: nobody else ever sees it, since the transaction is ours.
    async fn send_as(
        &self,
        me: &Ident,
        actor: &Ident,
        closed: &[Ident],
        sql: &str,
    ) -> Result<(), tokio_postgres::Error> {
        let [me, actor] = [me, actor].map(|role| self.dialect().quote(role));
        let schemas: Vec<String> = closed.iter().map(|it| self.dialect().quote(it)).collect();
        let schemas = schemas.join(", ");
        if !closed.is_empty() {
            self.send(&format!("grant usage on schema {schemas} to {actor}")).await?;
        }
        self.send(&format!("set local role {actor}")).await?;
        self.send(sql).await?;
        self.send(&format!("set local role {me}")).await?;
        if !closed.is_empty() {
            self.send(&format!("revoke usage on schema {schemas} from {actor}")).await?;
        }
        Ok(())
    }

    /// A revoke that others' rights hang on. The transaction is undone to read who they are.
    async fn explain_dependents<'a>(
        &mut self,
        error: WarehouseError,
        changes: impl Iterator<Item = &'a Change>,
    ) -> WarehouseError {
        let mut passers = BTreeSet::new();
        for change in changes {
            if let Change::Revoke { on, role, .. } | Change::RevokeGrantOption { on, role, .. } =
                change
            {
                passers.insert((role.clone(), relation_of(on)));
            }
        }
        if passers.is_empty() || self.run("rollback").await.is_err() {
            return error;
        }
        let look = crate::warehouse::Look {
            deployment: String::new(),
            roles: passers.iter().map(|(role, _)| role.clone()).collect(),
            schemas: BTreeSet::new(),
            ..Default::default()
        };
        let reader = observe::Reader { client: &self.client, target: &self.target.label };
        let Ok(state) = reader.read(&look).await else { return error };
        let mut who: BTreeSet<String> = state
            .acl
            .iter()
            .filter(|entry| passers.contains(&(entry.grantor.clone(), relation_of(&entry.on))))
            .map(|entry| {
                format!(
                    "{} passed {} on {} {} on to {}",
                    entry.grantor,
                    entry.privileges,
                    entry.on.class(),
                    entry.on,
                    entry.grantee
                )
            })
            .collect();
        who.extend(
            state
                .unsupported
                .iter()
                .filter(|(_, what)| what.contains(", passed on to "))
                .map(|(role, what)| format!("{role}: {what}")),
        );
        let who = who.into_iter().collect::<Vec<_>>().join("\n  ");
        WarehouseError::Forbidden(format!(
            "{error}\n  others hold it through the role that would lose it, and are never cut off \
             unseen: revoke theirs first\n  {who}"
        ))
    }

    pub(super) async fn undo(&mut self) -> Result<(), WarehouseError> {
        if self.open.take().is_none() {
            return Ok(());
        }
        match self.run("rollback").await {
            // Without its connection the server undoes it by itself.
            Err(WarehouseError::Connect { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn needs_create_role(change: &Change) -> bool {
    match change {
        Change::CreateRole { .. }
        | Change::RenameRole { .. }
        | Change::AdoptRole { .. }
        | Change::ResetAttributes { .. }
        | Change::AddMember { .. }
        | Change::RevokeAdminOption { .. }
        | Change::RemoveMember { .. }
        | Change::SetRoleOwner { .. }
        | Change::DropRole { .. } => true,
        Change::Grant { .. }
        | Change::SetOwner { .. }
        | Change::RevokeGrantOption { .. }
        | Change::Revoke { .. }
        | Change::GrantDefault { .. }
        | Change::RevokeDefault { .. } => false,
    }
}

/// Such a change in a few words.
fn what(change: &Change) -> String {
    match change {
        Change::CreateRole { role, .. } => format!("create {role}"),
        Change::RenameRole { from, to } => format!("rename {from} to {to}"),
        Change::AdoptRole { role, .. } => format!("adopt {role}"),
        Change::ResetAttributes { role, .. } => format!("reset the attributes of {role}"),
        Change::AddMember { role, member, .. } => format!("let {member} into {role}"),
        Change::RevokeAdminOption { role, member, .. }
        | Change::RemoveMember { role, member, .. } => {
            format!("take {member} out of {role}")
        }
        Change::DropRole { role } => format!("drop {role}"),
        Change::Grant { role, .. }
        | Change::Revoke { role, .. }
        | Change::RevokeGrantOption { role, .. }
        | Change::GrantDefault { role, .. }
        | Change::RevokeDefault { role, .. } => format!("change grants of {role}"),
        Change::SetOwner { on, .. } => format!("change the owner of {on}"),
        Change::SetRoleOwner { role, .. } => format!("change the owner of {role}"),
    }
}
