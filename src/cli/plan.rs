//! `rolecall plan`

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::custody::{self, ByFlag};
use super::diff::planned;
use super::exit::WrongArguments;
use super::limit::{self, LimitFlags, Limited};
use super::{ConnectionFlags, Exit, Format, Global, PlanFlags, WaitFlags, output};
use crate::apply::{Compared, Failure, compare};
use crate::dbt::Wanted;
use crate::dbt::profiles::{Adapter, Lack};
use crate::effect::AccessState;
use crate::model::Diagnostics;
use crate::plan::{Limit, Options};
use crate::project::Project;
use crate::report::gains::{Most, Summary, text as gains_text};
use crate::report::{json, plan as plan_text};
use crate::warehouse::Warehouse;
use crate::warehouse::postgres::Postgres;
use crate::warehouse::snowflake::{Snowflake, SnowflakeSettings};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    limits: LimitFlags,
    #[command(flatten)]
    flags: PlanFlags,
    #[command(flatten)]
    connection: ConnectionFlags,
    /// Write the plan to a file, to be reviewed and applied later
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Snowflake: read grants from ACCOUNT_USAGE, at once but up to two hours late
    #[arg(long)]
    from_account_usage: bool,
    /// Exit with 3 if anything would change
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    by: ByFlag,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    arguments.limits.check(&arguments.flags)?;
    let Some(Limited { project, limit, found }) = limit::load(global, &arguments.limits)? else {
        return Ok(Exit::Failed);
    };
    let options = Options { limit, ..arguments.flags.options() };
    let retire = retire(&arguments.flags, &project)?;
    let (compared, signature, before) = runtime()?.block_on(async {
        let warehouse = connect(&arguments.connection, &project).await?;
        let mut warehouse = warehouse.reading_account_usage(arguments.from_account_usage)?;
        let mut compared = compare(&mut warehouse, &project, &options, retire).await?;
        let found = &mut compared.warnings;
        let signature = custody::signature(&mut warehouse, &project, &arguments.by, found).await?;
        let before = planned::before(&mut warehouse, &compared).await;
        Ok::<_, anyhow::Error>((compared, signature, before))
    })?;
    let gains = before.map(|before| gains(global, &project, &compared, &before));
    let clean = compared.is_clean();
    let plan = clean.then(|| compared.plan(&project, &options, retire.is_some())).transpose()?;
    let plan = plan.map(|plan| plan.signed(signature));
    if let (Some(plan), Some(path)) = (&plan, &arguments.out) {
        let text = json::print(plan)?;
        write_whole(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
        custody::say_approval(&project, plan, &text);
    }
    show(global, &compared, plan, gains, options.limit.as_ref(), found)?;
    if compared.difference.found.has_errors() {
        return Ok(Exit::Failed);
    }
    if !clean {
        return Ok(Exit::Refused);
    }
    let pending = !compared.difference.steps.is_empty();
    Ok(if arguments.check && pending { Exit::Pending } else { Exit::Done })
}

/// Who gains and loses by it: for people, what they are shown.
pub(super) fn gains(
    global: &Global,
    project: &Project,
    compared: &Compared,
    before: &AccessState,
) -> Summary {
    let most = if global.format == Format::Json { Most::ALL } else { Most::SHOWN };
    planned::summary(project, compared, before, most)
}

/// A plan to stdout; what was found and refused, to stderr.
pub(super) fn show(
    global: &Global,
    compared: &Compared,
    plan: Option<crate::plan::Plan>,
    gains: Option<Summary>,
    limit: Option<&Limit>,
    found: Diagnostics,
) -> anyhow::Result<()> {
    let difference = &compared.difference;
    if global.format == Format::Json {
        let planned = json::Planned {
            version: json::VERSION,
            in_sync: plan.is_some() && difference.steps.is_empty(),
            plan,
            gains,
            adopted_members: json::AdoptedMember::of(difference),
            refused: difference.refused.clone(),
            outside: limit.map(|_| difference.outside),
            findings: compared
                .findings()
                .into_iter()
                .chain(found)
                .collect::<Diagnostics>()
                .sorted(),
        };
        return output::data(&json::print(&planned)?);
    }
    output::findings(compared.findings());
    if !difference.found.has_errors() {
        let style = plan_text::Style { colour: output::colour_on_stdout() };
        if let Some(plan) = &plan {
            output::text(&plan_text::gates(&plan.gates_changed))?;
        }
        let server = &compared.observed.server;
        output::text(&plan_text::text(difference, &compared.scope, server, limit, &style))?;
        if let Some(gains) = &gains {
            output::text(&gains_text::under_a_plan(gains, server.dialect))?;
        }
    }
    output::refusals(&difference.refused);
    Ok(())
}

/// Reads the project; what is wrong with it is said, and `None` returned.
pub(super) fn load(global: &Global) -> anyhow::Result<Option<Project>> {
    load_for(global, Wanted::default())
}

/// The same, with what a selection looks at in the manifest.
pub(super) fn load_for(global: &Global, wanted: Wanted) -> anyhow::Result<Option<Project>> {
    let places = crate::project::Places { wanted, ..global.places() };
    let (project, mut found) = Project::load(&places, as_of(global)?);
    if let Some(project) = &project {
        found.extend(super::compile_dbt::old(project, &places.project_dir)?);
    }
    if project.is_none() {
        say_invalid(global, found)?;
    } else if global.format == Format::Text {
        output::findings(found);
    }
    if let Some(project) = &project {
        output::message(&format!("manifest: {}", project.manifest_path.display()));
    }
    Ok(project)
}

/// What is wrong with what was read, before anything is compared.
pub(super) fn say_invalid(global: &Global, found: Diagnostics) -> anyhow::Result<()> {
    if global.format == Format::Json {
        let findings = found.clone().sorted();
        let validated =
            json::Validated { version: json::VERSION, valid: false, rules: Vec::new(), findings };
        output::data(&json::print(&validated)?)?;
    }
    output::findings(found);
    Ok(())
}

/// `--retire` names an environment that the configuration does not have any more.
pub(super) fn retire<'a>(
    flags: &'a PlanFlags,
    project: &Project,
) -> anyhow::Result<Option<&'a str>> {
    let Some(name) = flags.retire.as_deref() else { return Ok(None) };
    if project.config.environments.contains_key(name) {
        anyhow::bail!(WrongArguments(format!(
            "--retire {name}: that environment is still in the configuration; take it out first"
        )));
    }
    Ok(Some(name))
}

/// The end of the day that `--as-of` names, or now: seconds since 1970, UTC.
pub(super) fn as_of(global: &Global) -> anyhow::Result<i64> {
    match global.as_of {
        Some(as_of) => Ok(as_of),
        None => custody::now(),
    }
}

pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// By `--connection`; else as `profiles.yml` says.
pub(super) async fn connect(
    flags: &ConnectionFlags,
    project: &Project,
) -> anyhow::Result<Warehouse> {
    let url = flags.connection.as_deref();
    let give = "--connection postgres://user@host/database, or set ROLECALL_CONNECTION";
    reach(url, project, give, &flags.wait).await
}

/// By a URL; else as `profiles.yml` says. `give` says how the URL would be given.
pub(super) async fn reach(
    url: Option<&str>,
    project: &Project,
    give: &str,
    WaitFlags { lock_timeout, sessions }: &WaitFlags,
) -> anyhow::Result<Warehouse> {
    let wait = std::time::Duration::from_secs(*lock_timeout);
    if let Some(url) = url.filter(|url| !url.is_empty()) {
        let postgres = Postgres::connect(url).await?.with_lock_timeout(wait);
        return Ok(Warehouse::Postgres(Box::new(postgres)));
    }
    let output = match project.connection() {
        Ok(output) => output,
        Err(Lack::Wrong(found)) => anyhow::bail!(Failure::Found(found)),
        Err(Lack::Nothing(nothing)) => anyhow::bail!(WrongArguments(format!(
            "no connection: give {give}, or keep a profile as dbt does ({nothing})"
        ))),
    };
    output::findings(output.warnings);
    match output.adapter {
        Adapter::Postgres(profile) => {
            let postgres = Postgres::connect_profile(&profile).await?.with_lock_timeout(wait);
            Ok(Warehouse::Postgres(Box::new(postgres)))
        }
        Adapter::Snowflake(profile) => {
            let settings = SnowflakeSettings::from_profile(&profile)
                .map_err(|wrong| anyhow::anyhow!(wrong.join("\n")))?;
            let snowflake = Snowflake::connect(&settings, *sessions).await?;
            let snowflake = snowflake.keeping_receipts_in(profile.database.expose());
            Ok(Warehouse::Snowflake(Box::new(snowflake)))
        }
        Adapter::Other(_) => anyhow::bail!(
            "the output {} of the profile {} is for neither PostgreSQL nor Snowflake",
            output.target,
            output.profile
        ),
    }
}

/// Writes beside the file first: it is there whole, or not at all.
pub(super) fn write_whole(path: &std::path::Path, text: &str) -> anyhow::Result<()> {
    // Through a link to what it names; a device or a pipe is written to, never replaced.
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if path.exists() && !path.is_file() {
        return Ok(std::fs::write(path, text)?);
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(".".as_ref());
    anyhow::ensure!(folder.is_dir(), "there is no folder {}", folder.display());
    let mut builder = tempfile::Builder::new();
    // Who may read it is the umask's to say: another job may be the one that applies it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}
