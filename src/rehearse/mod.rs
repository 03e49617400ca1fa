//! A rehearsal: the whole job on a throw-away PostgreSQL, and the server's own word on the outcome.
//!
//! One database after the other, since the embedded engine has one connection at a time.

mod prove;
mod session;
mod stage;

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::{Compared, Failure, Outcome, Settings, apply, compare};
use crate::model::{DesiredState, Diagnostic, Diagnostics, Ident, Inventory, Securable};
use crate::plan::Options;
use crate::project::Project;
use crate::report::matrix::Cell;
use crate::warehouse::WarehouseError;
use crate::warehouse::engine::Engine;
use crate::warehouse::postgres::Postgres;

/// What is told while it goes on.
pub enum Event<'a> {
    /// The manifest's relations and the members' roles are there.
    Staged {
        /// In which database.
        database: &'a Ident,
        /// How many relations.
        relations: usize,
        /// How many users and groups.
        people: usize,
    },
    /// The plan, before it is applied.
    Planned(&'a Compared),
}

/// How a rehearsal ended.
#[derive(Debug, Clone, Default)]
pub struct Rehearsed {
    /// How many changes were applied.
    pub applied: usize,
    /// Columns of the matrix: the warehouse roles.
    pub roles: Vec<Ident>,
    /// Rows of the matrix.
    pub rows: Vec<(Securable, Vec<Cell>)>,
    /// How often the server was asked for a privilege.
    pub asked: usize,
    /// How many queries were run under SET ROLE.
    pub queries: usize,
    /// What did not hold. Empty: everything is proven.
    pub failures: Vec<String>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
}

/// Rehearses a project on an engine that nobody else uses.
pub async fn rehearse(
    project: &Project,
    engine: &Engine,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Rehearsed, Failure> {
    let (resolved, found) = project.resolve(None, &Inventory::default(), false);
    let Some(resolved) = resolved else { return Err(Failure::Found(found)) };
    let mut out = Rehearsed {
        roles: resolved.desired.roles.keys().cloned().collect(),
        warnings: found.sorted(),
        ..Rehearsed::default()
    };
    let databases: BTreeSet<Ident> = resolved.schemas.keys().cloned().collect();
    if databases.is_empty() {
        let nothing = Diagnostic::error(
            "nothing-to-rehearse",
            "the manifest has no relation that is managed",
        )
        .with_help("check that `packages:` or the project's name fit the manifest");
        return Err(Failure::Found(Diagnostics::from_iter([nothing])));
    }
    for database in &databases {
        one_database(project, engine, database, &resolved, tell, &mut out).await?;
    }
    Ok(out)
}

async fn one_database(
    project: &Project,
    engine: &Engine,
    database: &Ident,
    resolved: &crate::resolve::Resolved,
    tell: &mut dyn FnMut(Event<'_>),
    out: &mut Rehearsed,
) -> Result<(), Failure> {
    let staged = stage::stage(engine, database, resolved).await?;
    tell(Event::Staged { database, relations: staged.relations, people: staged.people });
    let mut warehouse = Postgres::connect(&engine.url(database.as_str())).await?;
    let options = Options::default();
    let before = compare(&mut warehouse, project, &options, None).await?;
    tell(Event::Planned(&before));
    if !before.is_clean() {
        let mut found = before.findings();
        found.extend(before.difference.refused.iter().map(|refusal| {
            Diagnostic::error(refusal.code, refusal.message.clone()).with_help(refusal.help.clone())
        }));
        return Err(Failure::Found(found));
    }
    let settings = Settings { options: options.clone(), ..Settings::default() };
    let applied = match apply(&mut warehouse, project, &settings).await? {
        Outcome::Applied { done, .. } => done.len(),
        Outcome::InSync(_) => 0,
        other => {
            out.failures.push(format!("applying to {database} did not end well: {other:?}"));
            return Ok(());
        }
    };
    out.applied += applied;
    let after = compare(&mut warehouse, project, &options, None).await?;
    drop(warehouse);
    for step in &after.difference.steps {
        out.failures.push(format!("a second plan is not empty: {}", step.change.brief()));
    }
    let desired: &DesiredState = &after.resolved.desired;
    let proof = prove::prove(engine, database, desired, &after).await?;
    out.asked += proof.asked;
    out.queries += proof.queries;
    out.failures.extend(proof.failures);
    let rows: BTreeMap<Securable, Vec<Cell>> = proof.rows;
    out.rows.extend(rows);
    Ok(())
}

pub(crate) fn statement_error(sql: &str, error: &tokio_postgres::Error) -> WarehouseError {
    let (message, code) = match error.as_db_error() {
        Some(db) => (db.message().to_owned(), db.code().code().to_owned()),
        None => (error.to_string(), String::new()),
    };
    WarehouseError::Statement { statement: sql.to_owned(), message, code }
}
