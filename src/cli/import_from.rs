//! `rolecall import --from raito|dbt-grants`

use serde::Serialize;

use super::import::From;
use super::{Exit, Format, Global, member, output, plan};
use crate::config;
use crate::edit::Edited;
use crate::import::rewrite::{self, Todo};
use crate::project::{Places, Project};
use crate::report::{count, findings::one_line, json};

#[derive(Debug, Serialize)]
struct Rewritten {
    version: u32,
    /// The files that are written, or would be.
    written: Vec<String>,
    /// What has to be done by hand first; nothing is written then.
    todo: Vec<Left>,
}

#[derive(Debug, Serialize)]
struct Left {
    file: String,
    what: String,
}

pub(super) fn run(global: &Global, from: From, dry_run: bool) -> anyhow::Result<Exit> {
    let now = plan::as_of(global)?;
    let mut places = global.places();
    places.raito = from == From::Raito;
    let (project, found) = Project::load(&places, now);
    let Some(project) = project else {
        plan::say_invalid(global, found)?;
        return Ok(Exit::Failed);
    };
    if global.format != Format::Json {
        output::findings(found);
    }
    let _alone = super::alone::alone(&global.project_dir)?;
    let (files, found) = config::load_files(&places.project_dir);
    if found.has_errors() {
        plan::say_invalid(global, found)?;
        return Ok(Exit::Failed);
    }
    let tool = match from {
        From::Raito => rewrite::From::Raito,
        From::DbtGrants => rewrite::From::DbtGrants,
    };
    let mut projects = vec![project];
    let others = others(&projects, &places, now);
    projects.extend(others);
    let outcome = rewrite::rewrite(tool, &places.project_dir, &projects, &files);
    let (edited, todo) = match outcome {
        Ok(edited) => (edited, Vec::new()),
        Err(todo) => (Vec::new(), todo),
    };
    if !dry_run {
        for one in &edited {
            member::write(&places.project_dir, one)?;
        }
    }
    say(global, &edited, &todo, dry_run)?;
    Ok(if todo.is_empty() { Exit::Done } else { Exit::Failed })
}

/// The project as its other environments have it. One without a manifest is not compared, and is named.
fn others(first: &[Project], places: &Places, now: i64) -> Vec<Project> {
    let mut others = Vec::new();
    let Some(first) = first.first().filter(|_| places.manifest.is_none()) else { return others };
    for name in first.config.environments.keys().filter(|name| **name != first.environment) {
        let places = Places { target: Some(name.clone()), ..places.clone() };
        match Project::load(&places, now) {
            (Some(project), _) => others.push(project),
            (None, _) => output::message(&one_line(&format!(
                "{name} is not compared: there is no manifest of it that can be used"
            ))),
        }
    }
    others
}

fn say(global: &Global, edited: &[Edited], todo: &[Todo], dry_run: bool) -> anyhow::Result<()> {
    let name = |path: &std::path::Path| path.to_string_lossy().replace('\\', "/");
    if global.format == Format::Json {
        let left = |todo: &Todo| Left { file: name(&todo.place.file), what: todo.what.clone() };
        return output::data(&json::print(&Rewritten {
            version: json::VERSION,
            written: edited.iter().map(|one| name(&one.path)).collect(),
            todo: todo.iter().map(left).collect(),
        })?);
    }
    let lines: String = edited
        .iter()
        .map(|one| {
            let new = if one.before.is_none() { "  (new)" } else { "" };
            format!("{}{new}\n", one_line(&name(&one.path)))
        })
        .collect();
    output::text(&lines)?;
    for Todo { place, what } in todo {
        output::message(&one_line(&format!("by hand: {}: {what}", name(&place.file))));
    }
    let files = count(edited.len(), "file");
    output::message(&match (edited.is_empty(), todo.is_empty(), dry_run) {
        (_, false, _) => {
            "nothing is written: do that by hand first, run `dbt parse`, and import again"
                .to_owned()
        }
        (true, ..) => "nothing to rewrite".to_owned(),
        (_, _, true) => format!("{files} would be written; nothing is (--dry-run)"),
        _ => format!(
            "{files} written, which give the same: review them, run `dbt parse`, and compare `rolecall compile`"
        ),
    });
    Ok(())
}
