//! `rolecall check`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{ConnectionFlags, Exit, Format, Global, check_base, output, plan};
use crate::apply::{Failure, people};
use crate::check::{Look, World, check};
use crate::config::checks::CODES;
use crate::model::{Diagnostic, Diagnostics, Place, Severity};
use crate::plan::hex;
use crate::project::Project;
use crate::report::access::Teller;
use crate::report::checks::{Report, text};
use crate::report::{annotations, json, sarif};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Look at the commits since they left this revision, such as origin/main: nobody changes permissions and members of a product at once, or lets themselves in. Tests and checks are left out, but with --declared
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// Ask what is declared alone, without a warehouse: nothing that others hold
    #[arg(long)]
    declared: bool,
    #[command(flatten)]
    connection: ConnectionFlags,
    /// Snowflake: read grants from ACCOUNT_USAGE, at once but up to two hours late
    #[arg(long)]
    from_account_usage: bool,
}

/// Both in one document.
#[derive(Serialize)]
struct Both<'a> {
    #[serde(flatten)]
    report: &'a Report<'a>,
    change: &'a check_base::Checked,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    let change = match &arguments.base {
        None => None,
        Some(base) => match check_base::look(global, base)? {
            Some(checked) => Some(checked),
            None => return Ok(Exit::Failed),
        },
    };
    if let (Some(change), false) = (&change, arguments.declared) {
        match global.format {
            Format::Json => output::data(&json::print(change)?)?,
            Format::Sarif => output::data(&json::print(&sarif_of(global, change))?)?,
            Format::Github => annotate(global, &change.findings, &[])?,
            _ => check_base::say(change)?,
        }
        return Ok(if change.holds { Exit::Done } else { Exit::Gate });
    }
    let (project, found) = Project::load(&global.places(), plan::as_of(global)?);
    let Some(project) = project else { return wrong(global, found) };
    output::message(&format!("manifest: {}", project.manifest_path.display()));
    let look = match look(&project, arguments, &found) {
        Ok(look) => look,
        Err(error) => match error.downcast::<Failure>() {
            Ok(Failure::Found(found)) => return wrong(global, found),
            Ok(other) => return Err(other.into()),
            Err(error) => return Err(error),
        },
    };
    let world = World::of(&project, &look);
    let mut checked = check(&world);
    let root = || Place::file("rolecall.yml");
    let home = project.environment().map_or_else(root, |environment| environment.place.clone());
    let mut lines = Lines::of(&global.places().project_dir);
    for diagnostic in checked.findings.iter_mut().map(|finding| &mut finding.diagnostic) {
        let place = diagnostic.place.get_or_insert_with(|| home.clone());
        lines.fill(place);
    }
    let teller = Teller { desired: &look.resolved.desired, config: &project.config };
    // What a check tells is not told twice.
    let noticed = look.found.iter().filter(|it| !CODES.contains(&it.code)).cloned();
    let noticed = noticed.chain(checked.found.clone()).collect::<Diagnostics>().sorted();
    let environment = &project.environment;
    let report = Report::of(&checked, &teller, environment, arguments.declared, noticed);
    say(global, &report, change.as_ref())?;
    let kept_apart = change.is_none_or(|change| change.holds);
    let unjudged = report.diagnostics.iter().any(|it| it.severity == Severity::Error);
    Ok(match (checked.fails() || !kept_apart, unjudged) {
        (true, _) => Exit::Gate,
        (false, true) => Exit::Failed,
        (false, false) => Exit::Done,
    })
}

/// The lines of the project's files, to be shown: reasons name lines and do not have them.
struct Lines {
    project: PathBuf,
    read: BTreeMap<PathBuf, Vec<String>>,
}

impl Lines {
    fn of(project: &Path) -> Self {
        Self { project: project.to_owned(), read: BTreeMap::new() }
    }

    fn fill(&mut self, place: &mut Place) {
        let (Some(line), None) = (place.line, &place.source) else { return };
        let project = &self.project;
        let lines = self.read.entry(place.file.clone()).or_insert_with(|| {
            let text = std::fs::read_to_string(project.join(&place.file)).unwrap_or_default();
            text.lines().map(str::to_owned).collect()
        });
        let text = lines.get((line as usize).saturating_sub(1));
        let text = text.filter(|text| text.len() <= LONGEST && !text.trim().is_empty());
        place.source = text.cloned();
        if let (Some(text), None) = (text, place.column) {
            let indent = text.chars().take_while(|c| c.is_whitespace()).count();
            place.column = u32::try_from(indent + 1).ok();
        }
    }
}

/// A longer line is not repeated in every message.
const LONGEST: usize = 400;

/// The state that is asked: the warehouse's, or what is declared alone.
fn look(project: &Project, arguments: &Arguments, found: &Diagnostics) -> anyhow::Result<Look> {
    let look = match arguments.declared {
        true => Look::declared(project, project.known.clone(), found),
        false => {
            let (state, known) = plan::runtime()?.block_on(async {
                let warehouse = plan::connect(&arguments.connection, project).await?;
                let mut warehouse =
                    warehouse.reading_account_usage(arguments.from_account_usage)?;
                let known = people(&mut warehouse, project).await?;
                let state = warehouse.access(&project.access_look(&known)).await?;
                Ok::<_, anyhow::Error>((state, known))
            })?;
            anyhow::ensure!(
                state.dialect == project.dialect,
                "the connection is to {}, and the project is for {}",
                state.dialect,
                project.dialect
            );
            Look::of(project, known, state, found)
        }
    };
    look.map_err(|found| Failure::Found(found).into())
}

fn say(
    global: &Global,
    report: &Report<'_>,
    change: Option<&check_base::Checked>,
) -> anyhow::Result<()> {
    match global.format {
        Format::Json => match change {
            None => output::data(&json::print(report)?),
            Some(change) => output::data(&json::print(&Both { report, change })?),
        },
        Format::Sarif => {
            let file = |path: &Path| in_repository(global, path);
            let mut log = sarif::log(report, &file);
            if let Some(change) = change {
                let mut more = sarif_of(global, change);
                let runs = more["runs"].as_array_mut().map(std::mem::take).unwrap_or_default();
                if let Some(all) = log["runs"].as_array_mut() {
                    all.extend(runs);
                }
            }
            output::data(&json::print(&log)?)
        }
        Format::Github => {
            let file = |path: &Path| in_repository(global, path);
            let lines = report.findings.iter().map(|shown| annotations::of_finding(shown, &file));
            output::data(&lines.collect::<String>())?;
            let change = change.map(|change| change.findings.as_slice()).unwrap_or_default();
            annotate(global, &report.diagnostics, change)
        }
        _ => {
            if let Some(change) = change {
                check_base::say(change)?;
            }
            output::findings(report.diagnostics.iter().cloned().collect());
            output::text(&text(report, output::colour_on_stdout()))
        }
    }
}

/// What is wrong before anything is asked.
fn wrong(global: &Global, found: Diagnostics) -> anyhow::Result<Exit> {
    match global.format {
        Format::Sarif => {
            let sorted = output::findings(found);
            let file = |path: &Path| in_repository(global, path);
            output::data(&json::print(&sarif::failed(&sorted, &file))?)?;
        }
        Format::Github => annotate(global, &output::findings(found), &[])?,
        _ => plan::say_invalid(global, found)?,
    }
    Ok(Exit::Failed)
}

fn annotate(global: &Global, some: &[Diagnostic], more: &[Diagnostic]) -> anyhow::Result<()> {
    let file = |path: &Path| in_repository(global, path);
    let lines = some.iter().chain(more).map(|it| annotations::one(it, &[], &file));
    output::data(&lines.collect::<String>())
}

fn sarif_of(global: &Global, change: &check_base::Checked) -> serde_json::Value {
    let file = |path: &Path| in_repository(global, path);
    let fingerprint = |it: &Diagnostic| {
        let about = it.place.as_ref().map(|place| place.file.to_string_lossy().into_owned());
        let about = format!("{}\0{}\0{}", it.code, about.unwrap_or_default(), it.message);
        hex(&Sha256::digest(about))
    };
    sarif::of_change(&change.findings, &file, &fingerprint)
}

/// What the repository calls a file of the project: from where the command runs, which in CI is the
/// repository's root.
fn in_repository(global: &Global, file: &Path) -> String {
    let project = &global.places().project_dir;
    let here = project == Path::new(".") || file.is_absolute() || file.starts_with(project);
    let path: PathBuf = if here { file.to_owned() } else { project.join(file) };
    let from = std::env::current_dir().ok();
    let path = from.as_ref().and_then(|from| path.strip_prefix(from).ok()).unwrap_or(&path);
    path.to_string_lossy().trim_start_matches("./").replace('\\', "/")
}
