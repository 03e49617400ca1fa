//! `run_results.json`: what one run of dbt has built, and what not.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::error::Category;

use super::input;
use super::node::Manifest;
use crate::model::{Diagnostic, Diagnostics, Place};

/// What a run did with the nodes of a manifest that can have a relation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Built {
    /// Those that it built.
    pub nodes: BTreeSet<String>,
    /// Those that it tried or skipped, by dbt's word for it: `error`, `skipped`, `partial success`.
    pub not: BTreeMap<String, BTreeSet<String>>,
    /// The manifest is that of this run: what is not in it is gone from the project.
    pub same_run: bool,
}

/// dbt's commands that make relations (`args.which`).
const BUILDING: [&str; 6] = ["build", "clone", "retry", "run", "seed", "snapshot"];

/// dbt's word for a node that was built. All others, known or not, mean that it was not, or not all
/// of it.
const SUCCESS: &str = "success";

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    metadata: Option<RawMetadata<'a>>,
    #[serde(borrow)]
    results: Option<Vec<RawResult<'a>>>,
    #[serde(borrow)]
    args: Option<RawArgs<'a>>,
}

#[derive(Deserialize)]
struct RawMetadata<'a> {
    #[serde(borrow)]
    dbt_schema_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    generated_at: Option<Cow<'a, str>>,
    #[serde(borrow)]
    invocation_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct RawResult<'a> {
    #[serde(borrow)]
    unique_id: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
}

#[derive(Deserialize)]
struct RawArgs<'a> {
    #[serde(borrow)]
    which: Option<Cow<'a, str>>,
    #[serde(borrow)]
    target: Option<Cow<'a, str>>,
}

/// Reads a file of any version that dbt wrote (0.19 to 1.11, and 2.x: v1 to v6) and holds it to the
/// manifest: of the same run, or at least not older than it.
///
/// dbt writes both in one run with one `invocation_id`. Every later command writes the manifest
/// again, and it may then be another one than what was built: that is refused. Results that are
/// newer than the manifest come from a run that wrote its manifest elsewhere: a warning.
///
/// `target` is that of the environment whose roles are to get access: where the run says another,
/// it has built other relations than that environment's.
pub fn read_run_results(
    bytes: &[u8],
    file: &Path,
    manifest: &Manifest,
    manifest_file: &Path,
    target: &str,
) -> (Option<Built>, Diagnostics) {
    let mut found = Diagnostics::default();
    let built = match read(bytes, file) {
        Ok(raw) => {
            found.extend(other_target(&raw, file, target));
            hold(&raw, file, manifest, manifest_file, &mut found)
        }
        Err(error) => {
            found.push(*error);
            None
        }
    };
    (built.filter(|_| !found.has_errors()), found)
}

fn wrong(file: &Path, code: &'static str, message: String, help: &str) -> Diagnostic {
    Diagnostic::error(code, message).with_place(Place::file(file)).with_help(help)
}

/// What is done where the file is of no use.
const AGAIN: &str = "name the run_results.json that `dbt build` or `dbt run` wrote, by default target/run_results.json";

fn read<'a>(bytes: &'a [u8], file: &Path) -> Result<Raw<'a>, Box<Diagnostic>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let not = |message: String| Box::new(wrong(file, "not-run-results", message, AGAIN));
    let raw: Raw<'a> = serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or_default();
        let (message, help) = match error.classify() {
            Category::Eof => (
                format!("the file ends in the middle, after {} bytes: {what}", bytes.len()),
                "dbt may still be writing it, or was stopped; run it again",
            ),
            Category::Syntax | Category::Io => (format!("it is not JSON: {what}"), AGAIN),
            Category::Data => (format!("it is not as dbt writes it: {what}"), AGAIN),
        };
        let place = input::place(bytes, file, error.line(), error.column());
        let found = Diagnostic::error("not-run-results", message).with_help(help);
        Box::new(found.with_place(place))
    })?;
    let url = raw.metadata.as_ref().and_then(|metadata| metadata.dbt_schema_version.as_deref());
    let kind = url.and_then(|url| url.rsplit('/').nth(1));
    match kind {
        Some("run-results") if raw.results.is_some() => Ok(raw),
        Some("run-results") => Err(not("it has no `results`".to_owned())),
        Some(kind) => Err(not(format!("it is dbt's {kind}, and not its run_results.json"))),
        None => Err(not("it does not say that it is dbt's run_results.json".to_owned())),
    }
}

/// dbt says the target where it was told: by `--target` or `DBT_TARGET`.
fn other_target(raw: &Raw<'_>, file: &Path, target: &str) -> Option<Diagnostic> {
    let built = raw.args.as_ref().and_then(|args| args.target.as_deref())?;
    (!built.is_empty() && built != target).then(|| {
        let message = format!("the run built the target {built}, and access is of {target}");
        let help = "give the same --target to dbt and to rolecall";
        wrong(file, "other-target", message, help)
    })
}

fn hold(
    raw: &Raw<'_>,
    file: &Path,
    manifest: &Manifest,
    manifest_file: &Path,
    found: &mut Diagnostics,
) -> Option<Built> {
    let which = raw.args.as_ref().and_then(|args| args.which.as_deref());
    match which {
        Some(which) if BUILDING.contains(&which) => {}
        Some(which) => {
            let message = format!("`dbt {which}` wrote it, which builds nothing");
            let help = "dbt writes it anew in each of its commands: use it straight after `dbt build` or `dbt run`";
            found.push(wrong(file, "nothing-built", message, help));
            return None;
        }
        None => {
            let message = "it does not say which of dbt's commands wrote it".to_owned();
            let help = "without `args.which` it could be of `dbt compile`, which builds nothing: give the nodes with --select or --nodes";
            found.push(wrong(file, "nothing-built", message, help));
            return None;
        }
    }
    let same_run = is_same_run(raw, file, manifest, manifest_file, found);
    let mut built = Built::default();
    let mut unknown: BTreeSet<&str> = BTreeSet::new();
    let results = raw.results.as_deref().unwrap_or_default();
    let results = results.iter().filter(|result| super::raw::has_relation(&result.unique_id));
    for RawResult { unique_id, status } in results {
        if !manifest.nodes.contains_key(&**unique_id) {
            unknown.insert(unique_id);
        } else if status.eq_ignore_ascii_case(SUCCESS) {
            built.nodes.insert(unique_id.to_string());
        } else {
            let word = status.to_ascii_lowercase();
            built.not.entry(word).or_default().insert(unique_id.to_string());
        }
    }
    // Said twice with two words: what failed once is not taken for built.
    for failed in built.not.values().flatten() {
        built.nodes.remove(failed);
    }
    if let Some(first) = unknown.first() {
        let nothing_known = built.nodes.is_empty() && built.not.is_empty();
        let message = match unknown.len() {
            1 => format!("the manifest does not know {first}, which the run names"),
            n => format!(
                "the manifest does not know {first} and {} more, which the run names",
                n - 1
            ),
        };
        found.push(if nothing_known {
            let help = "give the manifest and the run results of one and the same dbt run";
            wrong(file, "other-run-results", format!("{message}, nor any node of it"), help)
        } else {
            Diagnostic::warning("unknown-result", message)
                .with_place(Place::file(file))
                .with_help("their access stays as it is")
        });
    }
    built.same_run = same_run && unknown.is_empty();
    Some(built)
}

fn is_same_run(
    raw: &Raw<'_>,
    file: &Path,
    manifest: &Manifest,
    manifest_file: &Path,
    found: &mut Diagnostics,
) -> bool {
    let metadata = raw.metadata.as_ref();
    let run = metadata.and_then(|m| m.invocation_id.as_deref());
    if run.is_some() && run == manifest.metadata.invocation_id.as_deref() {
        return true;
    }
    let results = metadata.and_then(|m| m.generated_at.as_deref()).and_then(moment);
    let parsed = manifest.metadata.generated_at.as_deref().and_then(moment);
    let manifest_file = manifest_file.display();
    match results.zip(parsed) {
        Some((results, parsed)) if results < parsed => found.push(wrong(
            file,
            "stale-run-results",
            format!("it is older than {manifest_file}, which another dbt command wrote since"),
            "use it straight after the run that wrote it, before any other dbt command; or keep that run's manifest.json beside it, and name that with --manifest",
        )),
        _ => found.push(
            Diagnostic::warning(
                "other-invocation",
                format!("{manifest_file} was not written by the run that wrote these results"),
            )
            .with_place(Place::file(file))
            .with_help("what nodes that are gone have left stays; name that run's manifest with --manifest"),
        ),
    }
    false
}

/// A UTC time as dbt writes it, for comparing: seconds, and what comes after the point.
fn moment(text: &str) -> Option<(&str, &str)> {
    let utc = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
    let (seconds, fraction) = utc.split_once('.').unwrap_or((utc, ""));
    let digits = |at: std::ops::Range<usize>| {
        seconds.get(at).is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()))
    };
    let is_time = seconds.len() == 19
        && [0..4, 5..7, 8..10, 11..13, 14..16, 17..19].into_iter().all(digits)
        && fraction.bytes().all(|b| b.is_ascii_digit());
    // Trailing zeros would make one time two.
    is_time.then(|| (seconds, fraction.trim_end_matches('0')))
}
