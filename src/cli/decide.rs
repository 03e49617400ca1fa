//! `rolecall approve` and `rolecall deny`

use clap::Args;
use serde::Serialize;

use super::alone::alone;
use super::custody::{self, ByFlag};
use super::{Exit, Format, Global, member, output, plan, request};
use crate::config;
use crate::edit::Edited;
use crate::model::{Diagnostics, Place};
use crate::report::{findings::one_line, json};
use crate::requests::{self, Decider};

#[derive(Debug, Args)]
pub(super) struct Approve {
    /// The request: its name, or its file
    #[arg(value_name = "REQUEST")]
    request: String,
    /// Why, beside the request's own reason
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    by: ByFlag,
}

#[derive(Debug, Args)]
pub(super) struct Deny {
    /// The request: its name, or its file
    #[arg(value_name = "REQUEST")]
    request: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    by: ByFlag,
}

/// What was decided, and where it stands.
#[derive(Serialize)]
struct Decided {
    version: u32,
    done: &'static str,
    request: String,
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

pub(super) fn approve(global: &Global, arguments: &Approve) -> anyhow::Result<Exit> {
    let _alone = alone(&global.project_dir)?;
    let decider = decider(&arguments.by, arguments.reason.clone())?;
    let folder = global.places().project_dir;
    let now = plan::as_of(global)?;
    let decided = within(global, &arguments.request, |files, file| {
        requests::approve(files, file, &decider, now).map(|approved| (file.id(), approved))
    })?;
    let Some((id, approved)) = decided else { return Ok(Exit::Failed) };
    // The entry first: cut between the two, the same command goes on.
    if let Some(members) = &approved.members {
        member::write(&folder, members)?;
    }
    member::write(&folder, &approved.request)?;
    let place = approved.members.as_ref().map(|edited| edited.place.clone());
    let by = approved.entry.approval.as_ref().map_or(&decider.by, |approval| &approval.by);
    if global.format == Format::Json {
        return say_json("approved", id, by, Some(&approved.entry.who), place);
    }
    let at = place.map(|place| format!(", {}", shown(&place))).unwrap_or_default();
    let what = format!("approved by {by}: user {}{at}", approved.entry.who);
    output::text(&format!("{}\n", one_line(&what)))?;
    output::message(
        "who approved is only claimed: commit both files, signed, or let a code owner review them",
    );
    Ok(Exit::Done)
}

pub(super) fn deny(global: &Global, arguments: &Deny) -> anyhow::Result<Exit> {
    let _alone = alone(&global.project_dir)?;
    let decider = decider(&arguments.by, Some(arguments.reason.clone()))?;
    let decided = within(global, &arguments.request, |files, file| {
        requests::deny(files, file, &decider).map(|edited: Edited| (file.id(), edited))
    })?;
    let Some((id, edited)) = decided else { return Ok(Exit::Failed) };
    member::write(&global.places().project_dir, &edited)?;
    if global.format == Format::Json {
        return say_json("denied", id, &decider.by, None, None);
    }
    let what = format!("denied by {}: {id}", decider.by);
    output::text(&format!("{}\n", one_line(&what)))?;
    Ok(Exit::Done)
}

fn decider(by: &ByFlag, because: Option<String>) -> anyhow::Result<Decider> {
    Ok(Decider { by: request::who(by)?, because, clock: custody::now()? })
}

/// Does something with a request and the configuration's texts; what is against it is said.
fn within<T>(
    global: &Global,
    named: &str,
    decide: impl FnOnce(&[config::SourceFile], &config::RequestFile) -> Result<T, Diagnostics>,
) -> anyhow::Result<Option<T>> {
    let Some(files) = member::files(global)? else { return Ok(None) };
    let (requests, found) = config::load_requests(&global.places().project_dir);
    let decided = match requests::find(&requests, named) {
        Ok(file) => decide(&files, file),
        Err(mut unknown) => {
            // It may be one of those that cannot be read.
            unknown.extend(found);
            Err(unknown)
        }
    };
    match decided {
        Ok(decided) => Ok(Some(decided)),
        Err(against) => {
            plan::say_invalid(global, against)?;
            Ok(None)
        }
    }
}

fn say_json(
    done: &'static str,
    request: String,
    by: &str,
    user: Option<&String>,
    place: Option<Place>,
) -> anyhow::Result<Exit> {
    let file = place.as_ref().map(|place| place.file.to_string_lossy().replace('\\', "/"));
    let decided = Decided {
        version: json::VERSION,
        done,
        request,
        by: by.to_owned(),
        user: user.cloned(),
        file,
        line: place.and_then(|place| place.line),
    };
    output::data(&json::print(&decided)?)?;
    Ok(Exit::Done)
}

fn shown(place: &Place) -> String {
    let line = place.line.map(|line| format!(":{line}")).unwrap_or_default();
    format!("{}{line}", place.file.to_string_lossy().replace('\\', "/"))
}
