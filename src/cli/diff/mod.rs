//! `rolecall diff`

mod dbt_parse;
mod pair;
pub(super) mod planned;
mod revision;
mod side;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::exit::WrongArguments;
use super::{Exit, Format, Global, output, plan};
use crate::config::Config;
use crate::effect::Effect;
use crate::effect::gains::{Gains, Names};
use crate::model::{DesiredState, Diagnostics};
use crate::project::{Places, Project};
use crate::report::access::Teller;
use crate::report::gains::{Most, Summary, Telling, markdown, text};
use crate::report::json;
use side::Side;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A plan file, to say who gains and loses by it
    #[arg(value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// The revision to compare with, such as origin/main: what has changed since its line was left
    #[arg(long, value_name = "REV", conflicts_with = "plan")]
    base: Option<String>,
    /// The revision that is new [default: the working tree]
    #[arg(long, value_name = "REV", requires = "base")]
    head: Option<String>,
    /// The manifest.json before: of the base, or to compare with --manifest's
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    base_manifest: Option<PathBuf>,
    /// Run `dbt parse` on a copy of each revision whose manifest is not given
    #[arg(long, requires = "base")]
    parse: bool,
    /// The environment to compare with
    #[arg(long, value_name = "NAME", conflicts_with_all = ["plan", "base", "base_manifest"])]
    from: Option<String>,
    /// The other environment [default: --target]
    #[arg(long, value_name = "NAME", requires = "from")]
    to: Option<String>,
    /// The manifest.json of --from [default: as --manifest's]
    #[arg(long, value_name = "FILE", requires = "from")]
    from_manifest: Option<PathBuf>,
    /// The manifest.json of --to [default: as --manifest's]
    #[arg(long, value_name = "FILE", requires = "from")]
    to_manifest: Option<PathBuf>,
    /// With a plan: look at the server that it is for, by this URL, and not at the declarations alone
    #[arg(long, env = "ROLECALL_CONNECTION", hide_env_values = true, value_name = "URL")]
    connection: Option<String>,
    /// A tag whose nodes come first; may be given again
    #[arg(long, value_name = "TAG", default_value = "pii")]
    first_tag: Vec<String>,
}

/// `diff --format json`.
#[derive(Debug, Serialize)]
struct Told<'s> {
    version: u32,
    environment: &'s str,
    from: &'s str,
    to: &'s str,
    same: bool,
    #[serde(flatten)]
    summary: &'s Summary,
    notes: &'s [String],
}

/// What is compared: both sides, and what has to be said beside.
struct Pair {
    before: Side,
    after: Side,
    /// Two environments: names in the warehouse differ by their templates.
    only_nodes: bool,
    notes: Vec<String>,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Arguments { plan, base, base_manifest, from, .. } = arguments;
    let pair = match (plan, base, base_manifest, from) {
        (Some(file), ..) => planned::of_file(global, arguments, file)?,
        (_, Some(base), ..) => revision::pair(global, arguments, base)?,
        (_, _, Some(before), _) => pair::manifests(global, before)?,
        (_, _, _, Some(from)) => pair::environments(global, arguments, from)?,
        _ => anyhow::bail!(WrongArguments(
            "what to compare is not said: --base REV (and --head REV), --base-manifest FILE and \
             --manifest FILE, --from ENVIRONMENT and --to ENVIRONMENT, or a plan's file"
                .to_owned()
        )),
    };
    let Some(pair) = pair else { return Ok(Exit::Failed) };
    let most = if global.format == Format::Json { Most::ALL } else { Most::SHOWN };
    let summary = tell(&pair, &arguments.first_tag, most);
    show(global, &pair, &summary)?;
    Ok(Exit::Done)
}

fn tell(pair: &Pair, first: &[String], most: Most) -> Summary {
    let Pair { before, after, only_nodes, .. } = pair;
    let (old, new) = (Effect::of(&before.state), Effect::of(&after.state));
    let gains = Gains::between((&old, &before.names), (&new, &after.names), *only_nodes);
    let nothing = DesiredState::empty(String::new(), after.state.dialect);
    let no_config = Config::default();
    let teller = |side| teller(side, &nothing, &no_config);
    let tags = tags(&[before.project.as_ref(), after.project.as_ref()]);
    let telling =
        Telling { gains: &gains, before: teller(before), after: teller(after), tags: &tags, first };
    telling.tell(most)
}

fn teller<'s>(side: &'s Side, nothing: &'s DesiredState, no_config: &'s Config) -> Teller<'s> {
    Teller {
        desired: side.resolved.as_ref().map_or(nothing, |resolved| &resolved.desired),
        config: side.project.as_ref().map_or(no_config, |project| &project.config),
    }
}

/// The tags that a node has on either side: what is sensitive does not cease to be by the change that
/// takes the tag away.
fn tags(projects: &[Option<&Project>]) -> BTreeMap<String, BTreeSet<String>> {
    let mut tags: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in projects.iter().flatten().flat_map(|project| project.manifest.nodes.values()) {
        if !node.tags.is_empty() {
            tags.entry(node.unique_id.clone()).or_default().extend(node.tags.iter().cloned());
        }
    }
    tags
}

fn show(global: &Global, pair: &Pair, summary: &Summary) -> anyhow::Result<()> {
    let Pair { before, after, notes, .. } = pair;
    let environment = after.environment().or(before.environment()).unwrap_or_default();
    match global.format {
        Format::Json => {
            let same = summary.changes.is_empty();
            let (from, to) = (&before.name, &after.name);
            let version = json::VERSION;
            let told = Told { version, environment, from, to, same, summary, notes };
            output::data(&json::print(&told)?)
        }
        Format::Markdown => {
            let sides = (before.name.as_str(), after.name.as_str());
            output::text(&markdown::text(summary, environment, sides, notes))
        }
        _ => {
            for note in notes {
                output::message(note);
            }
            let head = format!("Access in {environment}, from {} to {}", before.name, after.name);
            output::text(&text::text(summary, &head, 60))
        }
    }
}

/// What is wrong with a side, which is said.
fn say_wrong(
    global: &Global,
    side: &str,
    places: &Places,
    found: Diagnostics,
) -> anyhow::Result<()> {
    // Files of a revision are called as they are in the repository.
    let found = found.into_iter().map(|mut finding| {
        if let Some(place) = &mut finding.place
            && let Ok(inside) = place.file.strip_prefix(&places.project_dir)
        {
            place.file = inside.to_owned();
        }
        finding
    });
    let found: Diagnostics = found.collect();
    output::message(&format!("of {side}:"));
    plan::say_invalid(global, found)
}

/// What members are called in owners' files, where the environments call them by templates.
fn written(side: &Side) -> BTreeMap<crate::model::Ident, String> {
    side.project.as_ref().map(pair::written).unwrap_or_default()
}

/// The names of one side.
fn names(resolved: &crate::resolve::Resolved) -> Names {
    Names::of(resolved)
}
