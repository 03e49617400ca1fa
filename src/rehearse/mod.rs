//! A rehearsal: the whole job on a throw-away PostgreSQL, and the server's own word on the outcome.
//!
//! One database after the other, since the embedded engine has one connection at a time.

mod expected;
mod prove;
mod session;
mod stage;

use std::collections::BTreeSet;

use crate::apply::{Compared, Custody, Failure, Outcome, Settings, apply, compare};
use crate::model::{Diagnostic, Diagnostics, Ident, Inventory, Securable};
use crate::plan::Options;
use crate::project::Project;
use crate::report::matrix::Cell;
use crate::resolve::Resolved;
use crate::warehouse::WarehouseError;
use crate::warehouse::engine::Engine;
use crate::warehouse::postgres::Postgres;

pub use prove::{Proof, prove};

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
    let (resolved, found) = project.resolve(None, &Inventory::default(), false, None);
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
    out.warnings.extend(not_rehearsed(&resolved));
    out.warnings.sort();
    out.warnings.dedup();
    Ok(out)
}

/// What stands in the server's own schemas is neither made nor asked about.
fn not_rehearsed(resolved: &Resolved) -> impl Iterator<Item = Diagnostic> {
    let of_the_server = resolved.nodes.iter().filter(|node| {
        node.relation.as_ref().is_some_and(stage::is_of_the_server)
            && resolved.desired.grants.keys().any(|(on, _)| Some(on) == node.relation.as_ref())
    });
    of_the_server.map(|node| {
        Diagnostic::warning(
            "not-rehearsed",
            format!("{} is in a schema of the server's own: not proven", node.unique_id),
        )
        .with_node(&node.unique_id)
    })
}

async fn one_database(
    project: &Project,
    engine: &Engine,
    database: &Ident,
    resolved: &Resolved,
    tell: &mut dyn FnMut(Event<'_>),
    out: &mut Rehearsed,
) -> Result<(), Failure> {
    let staged = stage::stage(engine, database, resolved).await?;
    tell(Event::Staged { database, relations: staged.relations, people: staged.people });
    let mut warehouse = Postgres::connect(&engine.url(database.as_str())).await?;
    // Nobody has made what playbooks name: that is told, and not proven.
    let skip_missing = !project.config.playbooks.roles.is_empty();
    let options = Options { skip_missing, ..Options::default() };
    let mut before = compare(&mut warehouse, project, &options, None).await?;
    before.warnings = without_others(before.warnings);
    if !before.is_clean() {
        let mut found = before.findings();
        found.extend(before.difference.refused.iter().map(|refusal| {
            Diagnostic::error(refusal.code, refusal.message.clone()).with_help(refusal.help.clone())
        }));
        return Err(Failure::Found(found));
    }
    tell(Event::Planned(&before));
    out.warnings.extend(before.findings());
    let settings = Settings {
        options: options.clone(),
        custody: Custody { rehearsal: true, ..Custody::default() },
        ..Settings::default()
    };
    match apply(&mut warehouse, project, &settings).await? {
        Outcome::Applied { done, .. } => out.applied += done.len(),
        Outcome::InSync(_) => {}
        other => {
            let why = why_not(&other).into_iter();
            out.failures.extend(why.map(|why| format!("applying to {database}: {why}")));
            return Ok(());
        }
    }
    let after = compare(&mut warehouse, project, &options, None).await?;
    drop(warehouse);
    for step in &after.difference.steps {
        out.failures.push(format!("a second plan is not empty: {}", step.change.brief()));
    }
    let Proof { asked, queries, failures, rows, left_out } =
        prove(engine, database, &after).await?;
    out.asked += asked;
    out.queries += queries;
    out.failures.extend(failures);
    out.rows.extend(rows);
    out.warnings.extend(left_out.iter().map(|member| {
        Diagnostic::warning(
            "not-rehearsed",
            format!("{member} is a superuser of the engine, who may do everything: not proven"),
        )
    }));
    Ok(())
}

/// Why an apply to a server that nobody else uses did not end well.
fn why_not(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::InSync(_) | Outcome::Applied { .. } => Vec::new(),
        Outcome::Stale(stale) => stale.because.clone(),
        Outcome::Partly { failure, .. } => vec![failure.to_string()],
        Outcome::Refused(refusals) => refusals.iter().map(|it| it.message.clone()).collect(),
        Outcome::NotAllowed(now)
        | Outcome::Differs(now)
        | Outcome::DoneButDiffers { done: _, after: now } => {
            let steps = now.difference.steps.iter();
            let steps =
                steps.map(|step| format!("reading back: still to do: {}", step.change.brief()));
            let refused = now.difference.refused.iter().map(|refusal| refusal.message.clone());
            let found = now.difference.found.iter().map(|finding| finding.message.clone());
            steps.chain(refused).chain(found).collect()
        }
    }
}

/// A rehearsal goes on to the other databases by itself.
fn without_others(warnings: Diagnostics) -> Diagnostics {
    warnings.into_iter().filter(|warning| warning.code != "other-database").collect()
}

pub(crate) fn statement_error(sql: &str, error: &tokio_postgres::Error) -> WarehouseError {
    let (message, code) = match error.as_db_error() {
        Some(db) => (db.message().to_owned(), db.code().code().to_owned()),
        None => (error.to_string(), String::new()),
    };
    WarehouseError::Statement { statement: sql.to_owned(), message, code }
}
