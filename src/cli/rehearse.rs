//! `rolecall rehearse`

use clap::{Args, ValueEnum};

use super::{Exit, Format, Global, output, plan};
use crate::model::DialectKind;
use crate::rehearse::{Event, Rehearsed, rehearse};
use crate::report::{count, findings, json, matrix, plan as plan_text};
use crate::warehouse::engine::{Engine, Prefer, start_engine};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Which PostgreSQL to rehearse on
    #[arg(long, value_enum, default_value = "any")]
    engine: EngineArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EngineArg {
    /// The embedded one where it is compiled in, else a local installation
    Any,
    /// The one inside this binary
    Embedded,
    /// A local installation of PostgreSQL
    Native,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Some(project) = plan::load(global)? else { return Ok(Exit::Failed) };
    anyhow::ensure!(
        project.dialect == DialectKind::Postgres,
        "a rehearsal runs on PostgreSQL, and this manifest is for {}; --dialect postgres rehearses it with PostgreSQL's privileges and names",
        project.dialect
    );
    let prefer = match arguments.engine {
        EngineArg::Any => Prefer::Any,
        EngineArg::Embedded => Prefer::Embedded,
        EngineArg::Native => Prefer::Native,
    };
    let text = global.format == Format::Text;
    let (engine, rehearsed) = plan::runtime()?.block_on(async {
        let engine: Engine = start_engine(prefer).await?;
        output::message(&format!("engine: {}", engine.describe()));
        let mut tell = |event: Event<'_>| show(&event, text);
        let rehearsed = rehearse(&project, &engine, &mut tell).await?;
        Ok::<_, anyhow::Error>((engine, rehearsed))
    })?;
    let proven = rehearsed.failures.is_empty();
    if text {
        conclude(&rehearsed, &engine)?;
    } else {
        output::data(&json::print(&json_of(rehearsed, &engine))?)?;
    }
    Ok(if proven { Exit::Done } else { Exit::Differs })
}

fn show(event: &Event<'_>, text: bool) {
    match event {
        Event::Staged { database, relations, people } => output::message(&format!(
            "staged {database}: {}, {}",
            count(*relations, "relation"),
            count(*people, "member")
        )),
        Event::Planned(compared) if text => {
            let style = plan_text::Style { colour: output::colour_on_stdout() };
            let server = &compared.observed.server;
            output::findings(compared.findings());
            // What cannot be printed has no reader: the exit status says the rest.
            let _ = output::text(&plan_text::text(
                &compared.difference,
                &compared.scope,
                server,
                None,
                &style,
            ));
        }
        Event::Planned(_) => {}
    }
}

fn conclude(rehearsed: &Rehearsed, engine: &Engine) -> anyhow::Result<()> {
    let Rehearsed { applied, roles, rows, asked, queries, failures, warnings: _ } = rehearsed;
    let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
    let mut rows: Vec<_> = rows.iter().map(|(on, cells)| (on.to_string(), cells.clone())).collect();
    rows.sort();
    output::text(&format!("\n{}\n\n", matrix::text(&roles, &rows)))?;
    if failures.is_empty() {
        output::text(&format!(
            "Proven on {}: {} applied and read back, a second plan is empty, and the server agrees \
             in {} about privileges and {} under SET ROLE.\n",
            engine.describe(),
            count(*applied, "change"),
            count(*asked, "answer"),
            count(*queries, "query").replace("querys", "queries"),
        ))
    } else {
        for failure in failures {
            output::message(&format!("not proven: {}", findings::printable(failure)));
        }
        Ok(())
    }
}

fn json_of(rehearsed: Rehearsed, engine: &Engine) -> json::Rehearsed {
    let Rehearsed { applied, roles, rows, asked, queries, failures, warnings } = rehearsed;
    json::Rehearsed {
        version: json::VERSION,
        proven: failures.is_empty(),
        engine: engine.describe().to_owned(),
        applied,
        roles: roles.iter().map(ToString::to_string).collect(),
        matrix: rows.into_iter().map(|(on, cells)| json::MatrixRow { on, cells }).collect(),
        asked: asked + queries,
        failures,
        findings: warnings,
    }
}
