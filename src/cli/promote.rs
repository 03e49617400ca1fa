//! `rolecall promote`

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::custody::{self, ByFlag};
use super::diff::planned;
use super::exit::WrongArguments;
use super::limit::{self, LimitFlags};
use super::selection::Selection;
use super::{Exit, Format, Global, WaitFlags, output, plan};
use crate::apply::Compared;
use crate::model::{Diagnostic, Diagnostics, Place, Severity};
use crate::plan::{Plan, Signature};
use crate::project::{Places, Project};
use crate::promote::{How, Promotion, Side, joined, one_project, promote, way};
use crate::report::gains::{Summary, text as gains_text};
use crate::report::{json, plan as plan_text, promotion as text};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The environment to promote from [default: `promote_from` of the other]
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    /// The environment to promote into [default: --target]
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    /// The manifest.json of the environment to promote from [default: as --manifest's]
    #[arg(long, value_name = "FILE")]
    from_manifest: Option<PathBuf>,
    /// The manifest.json of the environment to promote into [default: as --manifest's]
    #[arg(long, value_name = "FILE")]
    to_manifest: Option<PathBuf>,
    /// The server and database to promote from, as a URL [default: as profiles.yml says]
    #[arg(long, env = "ROLECALL_FROM_CONNECTION", hide_env_values = true, value_name = "URL")]
    from_connection: Option<String>,
    /// The server and database to promote into, as a URL [default: as profiles.yml says]
    #[arg(long, env = "ROLECALL_TO_CONNECTION", hide_env_values = true, value_name = "URL")]
    to_connection: Option<String>,
    #[command(flatten)]
    wait: WaitFlags,
    #[command(flatten)]
    limits: LimitFlags,
    /// A member whom the target does not know is an error
    #[arg(long)]
    strict: bool,
    /// Leave out stages of the chain that `promote_from` makes
    #[arg(long)]
    skip_stage: bool,
    /// Write the plan to a file, for `apply PLAN`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with 3 if anything would be added
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    by: ByFlag,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Some(pair) = read(global, arguments)? else { return Ok(Exit::Failed) };
    let Pair { from, to, selection, .. } = &pair;
    let (source, target) = (&from.environment, &to.environment);
    if source == target {
        anyhow::bail!(same(target));
    }
    if let Some(refusal) = way(&to.config, source, target, arguments.skip_stage) {
        return refuse(global, &pair, refusal);
    }
    let mut found = pair.found.clone();
    found.extend(one_project(from, to));
    found.extend(one_manifest(arguments, from, to));
    let limit = limit::of(to, &arguments.limits, selection, &mut found)?;
    let limit = joined(from, to, limit);
    let found: Diagnostics = found.into_iter().map(of_that_run).collect();
    if found.has_errors() {
        plan::say_invalid(global, found)?;
        return Ok(Exit::Failed);
    }
    for (name, project) in [("from", from), ("to", to)] {
        let manifest = project.manifest_path.display();
        output::message(&format!("{name} {}: {manifest}", project.environment));
    }
    let how = How { limit, strict: arguments.strict };
    let (promotion, signature, before) = plan::runtime()?.block_on(async {
        let give =
            "--from-connection postgres://user@host/database, or set ROLECALL_FROM_CONNECTION";
        let url = arguments.from_connection.as_deref();
        let wait = &arguments.wait;
        let mut source = plan::reach(url, from, give, wait).await.context(source.clone())?;
        let give = "--to-connection postgres://user@host/database, or set ROLECALL_TO_CONNECTION";
        let url = arguments.to_connection.as_deref();
        let mut target = plan::reach(url, to, give, wait).await.context(target.clone())?;
        let from = Side { project: from, found: pair.found_from.clone() };
        let side = Side { project: to, found: pair.found_to.clone() };
        let mut promotion = promote((from, &mut source), (side, &mut target), &how).await?;
        promotion.found.extend(found);
        let found = &mut promotion.found;
        let signature = custody::signature(&mut target, to, &arguments.by, found).await?;
        let before = match promotion.target.as_ref().filter(|_| promotion.is_open()) {
            Some(compared) => planned::before(&mut target, compared).await,
            None => None,
        };
        Ok::<_, anyhow::Error>((promotion, signature, before))
    })?;
    let compared = promotion.target.as_ref();
    let gains = compared.zip(before.as_ref());
    let gains = gains.map(|(compared, before)| plan::gains(global, to, compared, before));
    let made = match &promotion.target {
        Some(compared) if promotion.is_open() => Some(compared.plan(to, &how.options(), false)?),
        _ => None,
    };
    let signature = Signature { promoted_from: promotion.source.clone(), ..signature };
    let made = made.map(|plan| plan.signed(signature));
    if let (Some(plan), Some(path)) = (&made, &arguments.out) {
        let text = json::print(plan)?;
        plan::write_whole(path, &text)
            .with_context(|| format!("cannot write {}", path.display()))?;
        custody::say_approval(to, plan, &text);
    }
    let pending = made.as_ref().is_some_and(|plan| !plan.changes.is_empty());
    let exit = if !promotion.closed.is_empty() {
        Exit::Gate
    } else if promotion.found.has_errors() {
        Exit::Failed
    } else if made.is_none() {
        Exit::Refused
    } else if arguments.check && pending {
        Exit::Pending
    } else {
        Exit::Done
    };
    show(global, (from, to), promotion, (made, gains), &how)?;
    Ok(exit)
}

/// Both environments, as read from files.
struct Pair {
    from: Project,
    to: Project,
    /// How much of it is to be promoted.
    selection: Selection,
    /// What is wrong with what stands in both, and with the selection.
    found: Diagnostics,
    found_from: Diagnostics,
    found_to: Diagnostics,
}

/// Reads both; `None` where one cannot be read, which has been said.
fn read(global: &Global, arguments: &Arguments) -> anyhow::Result<Option<Pair>> {
    let to = global.second_environment(arguments.to.as_ref(), "where to promote")?;
    let mut found = Diagnostics::default();
    let selection = arguments.limits.read(&global.project_dir, &mut found)?;
    let as_of = plan::as_of(global)?;
    let places = |target: &str, manifest: &Option<PathBuf>| Places {
        target: Some(target.to_owned()),
        manifest: manifest.clone(),
        wanted: selection.needs(),
        ..global.places()
    };
    let (to_project, found_to) = Project::inspect(&places(to, &arguments.to_manifest), as_of);
    let said = arguments.from.clone().filter(|from| !from.is_empty());
    let from = said.or_else(|| {
        let environment = to_project.as_ref()?.environment()?;
        environment.promote_from.as_ref().map(|from| from.value.clone())
    });
    let Some(from) = from else {
        if to_project.is_none() {
            plan::say_invalid(global, found_to)?;
            return Ok(None);
        }
        anyhow::bail!(WrongArguments(format!(
            "where to promote from is not said: give --from, or write `promote_from` in the environment {to}"
        )));
    };
    if from == *to {
        anyhow::bail!(same(to));
    }
    let (from_project, found_from) =
        Project::inspect(&places(&from, &arguments.from_manifest), as_of);
    let (Some(from), Some(to)) = (from_project, to_project) else {
        found.extend(found_from);
        found.extend(found_to);
        plan::say_invalid(global, found)?;
        return Ok(None);
    };
    Ok(Some(Pair { from, to, selection, found, found_from, found_to }))
}

/// Only what was deployed: results that another run has written say nothing of this manifest.
fn of_that_run(mut found: Diagnostic) -> Diagnostic {
    if found.code == "other-invocation" {
        found.severity = Severity::Error;
        found.help = Some(
            "let dbt write both in one run, and name them with --to-manifest and --run-results"
                .to_owned(),
        );
    }
    found
}

fn same(name: &str) -> WrongArguments {
    WrongArguments(format!("{name} cannot be promoted into itself"))
}

/// Two environments by one manifest that nobody gave for both: dbt has written the second over the
/// first.
fn one_manifest(arguments: &Arguments, from: &Project, to: &Project) -> Option<Diagnostic> {
    let said = arguments.from_manifest.is_some() && arguments.to_manifest.is_some();
    if said || from.manifest_sha256 != to.manifest_sha256 {
        return None;
    }
    let (source, target) = (&from.environment, &to.environment);
    Some(
        Diagnostic::error(
            "same-manifest",
            format!("{source} and {target} would both be read from one manifest"),
        )
        .with_place(Place::file(&to.manifest_path))
        .with_help(format!(
            "let dbt write each into a folder of its own (--target-path target/{target}), or give \
             --from-manifest and --to-manifest"
        )),
    )
}

fn refuse(global: &Global, pair: &Pair, refusal: crate::plan::Refusal) -> anyhow::Result<Exit> {
    let refused = vec![refusal];
    if global.format == Format::Json {
        let mut promoted = empty(&pair.from, &pair.to);
        promoted.refused = refused.clone();
        output::data(&json::print(&promoted)?)?;
    }
    output::refusals(&refused);
    Ok(Exit::Refused)
}

fn empty(from: &Project, to: &Project) -> json::Promoted {
    json::Promoted {
        version: json::VERSION,
        from: from.environment.clone(),
        to: to.environment.clone(),
        in_sync: false,
        plan: None,
        gains: None,
        gates: Vec::new(),
        skipped: Vec::new(),
        beyond: Vec::new(),
        refused: Vec::new(),
        outside: None,
        findings: Vec::new(),
    }
}

/// The plan to stdout; closed gates, refusals and findings to stderr.
fn show(
    global: &Global,
    (from, to): (&Project, &Project),
    promotion: Promotion,
    (made, gains): (Option<Plan>, Option<Summary>),
    how: &How,
) -> anyhow::Result<()> {
    let gates = json::AskedGate::all(&promotion);
    let Promotion { closed, target, skipped, beyond, source: _, found } = promotion;
    let difference = target.as_ref().map(|compared| &compared.difference);
    let refused = difference.map(|it| it.refused.clone()).unwrap_or_default();
    if global.format == Format::Json {
        let outside = difference.filter(|_| how.limit.is_some()).map(|it| it.outside);
        return output::data(&json::print(&json::Promoted {
            in_sync: made.as_ref().is_some_and(|plan| plan.changes.is_empty()),
            plan: made,
            gains,
            gates,
            skipped,
            beyond: beyond.into_iter().map(|step| step.change).collect(),
            refused,
            outside,
            findings: found.sorted(),
            ..empty(from, to)
        })?);
    }
    output::findings(found);
    if let (Some(compared), Some(plan)) = (&target, &made) {
        let difference = &compared.difference;
        let style = plan_text::Style { colour: output::colour_on_stdout() };
        output::text(&plan_text::gates(&plan.gates_changed))?;
        output::text(&text::head(&from.environment, &to.environment))?;
        let limit = how.limit.as_ref();
        if difference.steps.is_empty() {
            // It may be out of sync all the same: see what lies beyond.
            output::text(&text::nothing(&to.environment))?;
            output::text(&plan_text::left(&difference.left))?;
            let limited = limit.map(|limit| plan_text::limited(limit, difference.outside));
            output::text(&limited.unwrap_or_default())?;
        } else {
            let Compared { scope, observed, .. } = compared;
            output::text(&plan_text::text(difference, scope, &observed.server, limit, &style))?;
            if let Some(gains) = &gains {
                output::text(&gains_text::under_a_plan(gains, to.dialect))?;
            }
        }
        output::text(&text::skipped(&skipped))?;
        output::text(&text::beyond(&beyond, &to.environment))?;
    }
    let closed = closed.iter().map(crate::promote::Closed::refusal);
    output::refusals(&closed.chain(refused).collect::<Vec<_>>());
    Ok(())
}
