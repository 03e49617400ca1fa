//! `rolecall request`

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use super::custody::{self, ByFlag};
use super::exit::WrongArguments;
use super::{Exit, Format, Global, output, plan};
use crate::config;
use crate::model::{Diagnostics, Place};
use crate::project;
use crate::report::{findings::one_line, json};
use crate::requests::{Answer, Wish, ask, asked_already, number};

/// Somebody who asks again and again on one day should look at what was asked.
const MOST_A_DAY: u32 = 100;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The product
    #[arg(value_name = "PRODUCT")]
    product: String,
    /// The product role
    #[arg(value_name = "ROLE")]
    role: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The last day, as YYYY-MM-DD in UTC, or a time with its zone
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// For which user [default: whoever asks]
    #[arg(long = "for", value_name = "WHO")]
    user: Option<String>,
    /// Only in these environments, with commas between them [default: in all]
    #[arg(long, visible_alias = "environment", value_name = "NAMES", value_delimiter = ',')]
    environments: Vec<String>,
    #[command(flatten)]
    by: ByFlag,
}

/// What was done, and where.
#[derive(Serialize)]
struct Done<'a> {
    version: u32,
    done: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    product: &'a str,
    role: &'a str,
    user: &'a str,
    file: String,
    line: Option<u32>,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    let by = who(&arguments.by)?;
    let mut environments = arguments.environments.clone();
    environments.sort();
    environments.dedup();
    let wish = Wish {
        product: arguments.product.clone(),
        role: arguments.role.clone(),
        user: arguments.user.clone().unwrap_or_else(|| by.clone()),
        reason: arguments.reason.clone(),
        until: arguments.until.clone(),
        environments,
        by,
    };
    let places = global.places();
    let (config, mut found) = config::load_to_edit(&places.project_dir);
    let Some(config) = config.filter(|_| !found.has_errors()) else {
        plan::say_invalid(global, found)?;
        return Ok(Exit::Failed);
    };
    let known = project::known(&places, &config, &mut Diagnostics::default());
    let (clock, now) = (custody::now()?, plan::as_of(global)?);
    let (id, text) = match ask(&config, &known, &wish, clock, now) {
        Ok(Answer::Ask { id, text }) => (id, text),
        Ok(Answer::Already(place)) => return already(global, &wish, &place),
        Err(against) => {
            found.extend(against);
            plan::say_invalid(global, found)?;
            return Ok(Exit::Failed);
        }
    };
    let (requests, _) = config::load_requests(&places.project_dir);
    if let Some(there) = asked_already(&requests, &wish) {
        return open_already(global, &wish, &there);
    }
    let (id, file) = write_new(&places.project_dir, &id, &text)?;
    let Wish { product, role, user, .. } = &wish;
    if global.format == Format::Json {
        let (version, line) = (json::VERSION, None);
        let request = Some(id);
        let done = Done { version, done: "asked", request, product, role, user, file, line };
        output::data(&json::print(&done)?)?;
        return Ok(Exit::Done);
    }
    let owners = config.products.get(product).into_iter().flat_map(|product| {
        let is_other = |owner: &&str| {
            !config.may_be_one_person(owner, user) && !config.may_be_one_person(owner, &wish.by)
        };
        product.approvers().filter(is_other).map(str::to_owned).collect::<Vec<_>>()
    });
    output::text(&format!("{}\n", one_line(&format!("asked {user}: {product}.{role}, {file}"))))?;
    output::message(&one_line(&format!(
        "it gives nothing until {} approves it: rolecall approve {id}",
        owners.collect::<Vec<_>>().join(" or ")
    )));
    Ok(Exit::Done)
}

/// Whoever acts, by what they say.
pub(super) fn who(by: &ByFlag) -> anyhow::Result<String> {
    by.name().ok_or_else(|| {
        WrongArguments("who it is cannot be told: give --by, or set ROLECALL_BY".to_owned()).into()
    })
}

fn already(global: &Global, wish: &Wish, place: &Place) -> anyhow::Result<Exit> {
    let Wish { product, role, user, .. } = wish;
    let file = place.file.to_string_lossy().replace('\\', "/");
    let line = place.line;
    if global.format == Format::Json {
        let version = json::VERSION;
        let done = Done {
            version,
            done: "already_member",
            request: None,
            product,
            role,
            user,
            file,
            line,
        };
        output::data(&json::print(&done)?)?;
        return Ok(Exit::Done);
    }
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    output::message(&one_line(&format!(
        "nothing to ask for: {user} is in {product}.{role} already, {file}{line}"
    )));
    Ok(Exit::Done)
}

fn open_already(global: &Global, wish: &Wish, there: &config::Request) -> anyhow::Result<Exit> {
    let Wish { product, role, user, .. } = wish;
    let file = there.path.to_string_lossy().replace('\\', "/");
    if global.format == Format::Json {
        let (version, request) = (json::VERSION, Some(there.id.clone()));
        let (done, line) = ("already_asked", None);
        let done = Done { version, done, request, product, role, user, file, line };
        output::data(&json::print(&done)?)?;
        return Ok(Exit::Done);
    }
    let what = format!("it is asked already, and open: {}, {file}", there.id);
    output::message(&one_line(&what));
    Ok(Exit::Done)
}

/// Writes a file of its own: never over another.
fn write_new(project_dir: &Path, id: &str, text: &str) -> anyhow::Result<(String, String)> {
    let folder: PathBuf = ["rolecall", "requests"].iter().collect();
    for part in [Path::new("rolecall"), &folder] {
        let link = project_dir.join(part).symlink_metadata().is_ok_and(|it| it.is_symlink());
        anyhow::ensure!(!link, "{} is a symbolic link, and links are not followed", part.display());
    }
    let full = project_dir.join(&folder);
    std::fs::create_dir_all(&full).with_context(|| format!("cannot make {}", full.display()))?;
    for n in 1..=MOST_A_DAY {
        let id = number(id, n);
        // Nobody's request is taken over by another ending either.
        if full.join(format!("{id}.yaml")).symlink_metadata().is_ok() {
            continue;
        }
        let path = full.join(format!("{id}.yml"));
        match std::fs::OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())
                    .and_then(|()| file.sync_all())
                    .with_context(|| format!("cannot write {}", path.display()))?;
                return Ok((id.clone(), format!("rolecall/requests/{id}.yml")));
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot write {}", path.display()));
            }
        }
    }
    anyhow::bail!("there are {MOST_A_DAY} requests named {id} already")
}
