//! `rolecall report`

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::exit::WrongArguments;
use super::{ConnectionFlags, Exit, Format, Global, asked, compile, output, plan};
use crate::apply::{Compared, Failure, compare, people};
use crate::check::{Look, World, check, read_by_dbt_s_views, unseen};
use crate::config;
use crate::config::checks::CODES;
use crate::effect::AccessState;
use crate::model::{Diagnostics, DialectKind, Inventory, ServerIdentity};
use crate::plan::Options;
use crate::project::{Places, Project};
use crate::receipts::iso;
use crate::report::graph::Graph;
use crate::report::{html, json};
use crate::resolve::Resolved;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Write it to a file: one HTML page that loads nothing, or what --format says
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Of what is declared alone, without a warehouse; without --target, of every environment whose
    /// manifest is at hand
    #[arg(long)]
    declared: bool,
    /// --format mermaid and dot: what the roles may do with which model, too
    #[arg(long)]
    with_models: bool,
    #[command(flatten)]
    connection: ConnectionFlags,
    /// Snowflake: read grants from ACCOUNT_USAGE, at once but up to two hours late
    #[arg(long)]
    from_account_usage: bool,
}

/// An environment, with all that is told of it.
struct Looked {
    project: Project,
    resolved: Resolved,
    state: AccessState,
    /// What it was compared with, where a warehouse was looked at.
    compared: Option<Compared>,
    found: Diagnostics,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Arguments { out, declared, with_models, .. } = arguments;
    let graph = matches!(global.format, Format::Mermaid | Format::Dot);
    if *with_models && !graph {
        anyhow::bail!(WrongArguments("--with-models is for --format mermaid and dot".to_owned()));
    }
    if out.is_none() && global.format == Format::Text {
        anyhow::bail!(WrongArguments(
            "say where the page goes: --out access.html; --format json, mermaid and dot go to stdout"
                .to_owned()
        ));
    }
    let mut left_out = Vec::new();
    let looked = match (declared, global.target.is_some() || global.of_one_environment().is_some())
    {
        (true, false) if !graph => every(global, &mut left_out)?,
        (true, _) => match load(global)? {
            Some((project, found)) => vec![of_declarations(project, found)?],
            None => Vec::new(),
        },
        (false, _) => match load(global)? {
            Some((project, found)) => vec![of_warehouse(project, found, arguments)?],
            None => Vec::new(),
        },
    };
    let Some(first) = looked.first() else { return Ok(Exit::Failed) };
    let text = match global.format {
        Format::Mermaid | Format::Dot => {
            let graph = Graph::of(&first.state, &first.resolved.desired, *with_models);
            if global.format == Format::Dot { graph.dot() } else { graph.mermaid() }
        }
        format => {
            let data = data(&looked, left_out);
            if format == Format::Json { json::print(&data)? } else { html::page(&data)? }
        }
    };
    match out {
        None => output::data(&text)?,
        Some(path) => {
            plan::write_whole(path, &text)
                .with_context(|| format!("cannot write {}", path.display()))?;
            output::message(&format!("wrote {}", path.display()));
        }
    }
    Ok(Exit::Done)
}

fn data(looked: &[Looked], left_out: Vec<html::LeftOut>) -> html::Data {
    let seen = looked.iter().map(|looked| {
        let Looked { project, resolved, state, compared, found } = looked;
        let server = compared.as_ref().map(|it| described(&it.observed.server));
        html::Seen {
            manifest: &project.manifest,
            config: &project.config,
            resolved,
            state,
            server: server.unwrap_or_default(),
            drift: compared.as_ref().map(|it| &it.difference),
            findings: found.clone().sorted(),
        }
    });
    let first = looked.first();
    let deployment = first.map(|it| it.resolved.deployment.as_str()).unwrap_or_default();
    let made_at = first.map(|it| iso(it.project.as_of)).unwrap_or_default();
    html::data(deployment, &made_at, seen.collect(), left_out)
}

/// The project and what was found in it, which the page shows too; `None` where it is wrong, which is
/// said.
fn load(global: &Global) -> anyhow::Result<Option<(Project, Diagnostics)>> {
    let (project, found) = Project::load(&global.places(), plan::as_of(global)?);
    let Some(project) = project else {
        plan::say_invalid(global, found)?;
        return Ok(None);
    };
    if global.format == Format::Text {
        output::findings(found.clone());
    }
    output::message(&format!("manifest: {}", project.manifest_path.display()));
    Ok(Some((project, found)))
}

/// Every environment, each by its own manifest. One that is wrong is named in the page, and why.
fn every(global: &Global, left_out: &mut Vec<html::LeftOut>) -> anyhow::Result<Vec<Looked>> {
    let places = global.places();
    let (config, found) = config::load(&places.project_dir);
    let Some(config) = config.filter(|_| !found.has_errors()) else {
        plan::say_invalid(global, found)?;
        return Ok(Vec::new());
    };
    let mut looked = Vec::new();
    let mut wrong = Diagnostics::default();
    for name in config.environments.keys() {
        let places = Places { target: Some(name.clone()), ..places.clone() };
        let (project, found) = Project::load(&places, plan::as_of(global)?);
        let declared = match project {
            Some(project) => of_declarations(project, found),
            None => Err(Failure::Found(found).into()),
        };
        match declared {
            Ok(declared) => looked.push(declared),
            Err(error) => {
                let found = match error.downcast::<Failure>() {
                    Ok(Failure::Found(found)) => found,
                    Ok(other) => anyhow::bail!(other),
                    Err(other) => return Err(other),
                };
                let errors = found.clone().sorted().into_iter();
                let first = errors.map(|it| it.message).next().unwrap_or_default();
                left_out.push(html::LeftOut {
                    environment: crate::report::findings::one_line(name),
                    why: crate::report::findings::one_line(&first),
                });
                wrong.extend(found);
            }
        }
    }
    if looked.is_empty() {
        plan::say_invalid(global, wrong)?;
        return Ok(Vec::new());
    }
    for html::LeftOut { environment, why } in left_out.iter() {
        output::message(&format!("{environment} is left out: {why}"));
    }
    Ok(looked)
}

fn of_declarations(project: Project, mut found: Diagnostics) -> anyhow::Result<Looked> {
    let unasked = compile::unasked(&project);
    if !unasked.is_empty() {
        anyhow::bail!(Failure::Found(unasked));
    }
    let (resolved, problems) = project.resolve(None, &Inventory::default(), true, None);
    let Some(resolved) = resolved else { anyhow::bail!(Failure::Found(problems)) };
    found.extend(problems);
    asked::one_kind_each(&resolved)?;
    let look = Look::declared(&project, project.known.clone(), &Diagnostics::default());
    let look = look.map_err(Failure::Found)?;
    add_checked(&mut found, &project, &look);
    // With the people whom the directory lists in groups.
    Ok(Looked { resolved, state: look.state, compared: None, found, project })
}

/// What access tests and checks find, but for what is suppressed.
fn add_checked(found: &mut Diagnostics, project: &Project, look: &Look) {
    // What a check tells is not told twice.
    let others = found.iter().filter(|it| !CODES.contains(&it.code)).cloned();
    let mut all: Diagnostics = others.collect();
    let checked = check(&World::of(project, look));
    let open = checked.findings.into_iter().filter(|finding| finding.suppressed.is_none());
    all.extend(open.map(|finding| finding.diagnostic).chain(checked.found));
    *found = all;
}

fn of_warehouse(
    project: Project,
    mut found: Diagnostics,
    arguments: &Arguments,
) -> anyhow::Result<Looked> {
    // Drift is an answer, not a danger: guards do not refuse a look.
    let options =
        Options { allow_revokes: Some(u64::MAX), skip_missing: true, ..Options::default() };
    let (mut state, known, compared) = plan::runtime()?.block_on(async {
        let warehouse = plan::connect(&arguments.connection, &project).await?;
        let mut warehouse = warehouse.reading_account_usage(arguments.from_account_usage)?;
        let known = people(&mut warehouse, &project).await?;
        let state = warehouse.access(&project.access_look(&known)).await?;
        let compared = compare(&mut warehouse, &project, &options, None).await?;
        Ok::<_, anyhow::Error>((state, known, compared))
    })?;
    let inventory = state.inventory();
    let (resolved, problems) = project.resolve(state.only_database(), &inventory, true, None);
    let Some(resolved) = resolved else { anyhow::bail!(Failure::Found(problems)) };
    found.extend(compared.findings().into_iter().chain(problems).chain(unseen(&state)));
    read_by_dbt_s_views(&project, &resolved.nodes, &mut state);
    let look = Look::of(&project, known, state.clone(), &Diagnostics::default());
    add_checked(&mut found, &project, &look.map_err(Failure::Found)?);
    Ok(Looked { project, resolved, state, compared: Some(compared), found })
}

/// The warehouse, for people.
fn described(server: &ServerIdentity) -> String {
    let name = match server.dialect {
        DialectKind::Postgres => {
            format!("PostgreSQL {}.{}", server.version / 10_000, server.version % 10_000)
        }
        DialectKind::Snowflake => "Snowflake".to_owned(),
    };
    let database = server.database.as_ref();
    database.map_or(name.clone(), |database| format!("{name}, database {database}"))
}
