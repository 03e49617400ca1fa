//! `rolecall member add|remove|list`

use std::path::Path;

use anyhow::Context;
use clap::{Args, Subcommand};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::exit::WrongArguments;
use super::{Exit, Format, Global, output, plan, vain};
use crate::config::{self, Approval, Config, MemberEntry, SourceFile, WARN_BEFORE, expires};
use crate::directory::Known;
use crate::edit::{self, Edited, Entry, EntryKind, Which};
use crate::model::Diagnostics;
use crate::project;
use crate::report::{findings::one_line, json};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Let somebody in: an entry in rolecall/members/PRODUCT.yml
    Add(Add),
    /// Take an entry out of the file
    Remove(Remove),
    /// Who is in, by the files
    List(List),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// A user by name
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// A group by name
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Everybody whose attributes match, such as "user.department == 'Sales'"
    #[arg(long, value_name = "EXPRESSION")]
    rule: Option<String>,
}

#[derive(Debug, Args)]
struct Add {
    /// The product
    #[arg(value_name = "PRODUCT")]
    product: String,
    /// The product role
    #[arg(value_name = "ROLE")]
    role: String,
    #[command(flatten)]
    who: Who,
    /// The last day, as YYYY-MM-DD in UTC, or a time with its zone
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only in this environment; may be given again [default: in all]
    #[arg(long, value_name = "NAME")]
    environment: Vec<String>,
}

#[derive(Debug, Args)]
struct Remove {
    /// The product
    #[arg(value_name = "PRODUCT")]
    product: String,
    /// The product role
    #[arg(value_name = "ROLE")]
    role: String,
    #[command(flatten)]
    who: Who,
    /// The entry that is limited to this environment, where there are several
    #[arg(long, value_name = "NAME")]
    environment: Vec<String>,
}

#[derive(Debug, Args)]
struct List {
    /// Only of this product
    #[arg(value_name = "PRODUCT")]
    product: Option<String>,
    /// Only of this product role
    #[arg(value_name = "ROLE")]
    role: Option<String>,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    let _alone = super::alone::alone(&global.project_dir)?;
    match &arguments.command {
        Command::Add(add) => {
            let (kind, who) = who(&add.who)?;
            plain("--reason", add.reason.as_deref())?;
            let entry = Entry {
                kind,
                who,
                until: add.until.clone(),
                reason: add.reason.clone(),
                environments: add.environment.clone(),
                approval: None,
            };
            let now = plan::as_of(global)?;
            edited(global, "added", &add.product, &add.role, &entry.clone(), |files| {
                let edited = edit::add(files, &add.product, &add.role, &entry)?;
                vain::refuse(global, files, &edited, &entry, now)?;
                Ok(edited)
            })
        }
        Command::Remove(remove) => {
            let (kind, who) = who(&remove.who)?;
            let environments = remove.environment.clone();
            let (until, reason, approval) = (None, None, None);
            let entry = Entry { kind, who: who.clone(), until, reason, environments, approval };
            let which = Which { kind, who, environments: remove.environment.clone() };
            edited(global, "removed", &remove.product, &remove.role, &entry, |files| {
                edit::remove(files, &remove.product, &remove.role, &which)
            })
        }
        Command::List(list) => self::list(global, list),
    }
}

fn who(who: &Who) -> anyhow::Result<(EntryKind, String)> {
    let said = [
        (EntryKind::User, &who.user),
        (EntryKind::Group, &who.group),
        (EntryKind::Rule, &who.rule),
    ];
    let said = said.into_iter().find_map(|(kind, name)| Some((kind, name.clone()?)));
    let (kind, name) =
        said.ok_or_else(|| WrongArguments("give --user, --group or --rule".to_owned()))?;
    plain(&format!("--{}", kind.as_str()), Some(&name))?;
    Ok((kind, name))
}

/// One line of text, as it stands in one line of the file.
pub(super) fn plain(flag: &str, text: Option<&str>) -> anyhow::Result<()> {
    if text.is_some_and(|text| text.trim().is_empty() || text.chars().any(char::is_control)) {
        anyhow::bail!(WrongArguments(format!("{flag} is empty or has a line break in it")));
    }
    Ok(())
}

/// The texts of the project's configuration; what is wrong with them is said.
pub(super) fn files(global: &Global) -> anyhow::Result<Option<Vec<SourceFile>>> {
    let (files, found) = config::load_files(&global.places().project_dir);
    if found.has_errors() {
        plan::say_invalid(global, found)?;
        return Ok(None);
    }
    Ok(Some(files))
}

/// What was done, and where.
#[derive(Serialize)]
struct Done<'a> {
    version: u32,
    done: &'a str,
    product: &'a str,
    role: &'a str,
    kind: EntryKind,
    who: &'a str,
    file: String,
    line: Option<u32>,
}

fn edited(
    global: &Global,
    done: &str,
    product: &str,
    role: &str,
    entry: &Entry,
    edit: impl FnOnce(&[SourceFile]) -> Result<Edited, Diagnostics>,
) -> anyhow::Result<Exit> {
    let Some(files) = files(global)? else { return Ok(Exit::Failed) };
    let edited = match edit(&files) {
        Ok(edited) => edited,
        Err(found) => {
            plan::say_invalid(global, found)?;
            return Ok(Exit::Failed);
        }
    };
    write(&global.places().project_dir, &edited)?;
    let file = edited.path.to_string_lossy().replace('\\', "/");
    let line = edited.place.line;
    if global.format == Format::Json {
        let Entry { kind, who, .. } = entry;
        let version = json::VERSION;
        let done = Done { version, done, product, role, kind: *kind, who, file, line };
        output::data(&json::print(&done)?)?;
    } else {
        let at = line.map(|line| format!(":{line}")).unwrap_or_default();
        let what =
            format!("{done} {} {}: {product}.{role}, {file}{at}\n", entry.kind.as_str(), entry.who);
        output::text(&format!("{}\n", one_line(what.trim_end())))?;
    }
    Ok(Exit::Done)
}

/// Writes the file whole, unless somebody else has changed it meanwhile.
pub(super) fn write(project_dir: &Path, edited: &Edited) -> anyhow::Result<()> {
    let path = project_dir.join(&edited.path);
    let now = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).context(format!("cannot read {}", path.display())),
    };
    anyhow::ensure!(
        now == edited.before,
        "{} was changed meanwhile: nothing is written",
        path.display()
    );
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    plan::write_whole(&path, &edited.text)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// One entry, as it is listed.
#[derive(Debug, Serialize)]
struct Listed {
    product: String,
    role: String,
    #[serde(flatten)]
    entry: ListedEntry,
    /// `in_force`, `ends_soon` or `ended`.
    state: &'static str,
    /// How many people a rule matches, where they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<usize>,
    file: String,
    line: Option<u32>,
}

#[derive(Debug, Serialize)]
struct ListedEntry {
    kind: EntryKind,
    who: String,
    until: Option<String>,
    reason: Option<String>,
    environments: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
}

#[derive(Serialize)]
struct Lists {
    version: u32,
    members: Vec<Listed>,
}

fn list(global: &Global, asked: &List) -> anyhow::Result<Exit> {
    let places = global.places();
    let (config, mut found) = config::load_to_edit(&places.project_dir);
    let Some(config) = config.filter(|_| !found.has_errors()) else {
        plan::say_invalid(global, found)?;
        return Ok(Exit::Failed);
    };
    if let Some(product) = &asked.product
        && let Err(unknown) = edit::known(&config, product, asked.role.as_deref())
    {
        plan::say_invalid(global, unknown)?;
        return Ok(Exit::Failed);
    }
    let known = project::known(&places, &config, &mut found);
    if found.has_errors() {
        plan::say_invalid(global, found)?;
        return Ok(Exit::Failed);
    }
    let members = listed(&config, &known, plan::as_of(global)?, asked);
    if global.format == Format::Json {
        output::data(&json::print(&Lists { version: json::VERSION, members })?)?;
        return Ok(Exit::Done);
    }
    if members.is_empty() {
        output::message("nobody is in");
        return Ok(Exit::Done);
    }
    output::text(&format!("{}\n", table(&members)))?;
    Ok(Exit::Done)
}

fn listed(config: &Config, known: &Known, now: i64, asked: &List) -> Vec<Listed> {
    let is_asked = |name: &str, asked: &Option<String>| asked.as_ref().is_none_or(|it| it == name);
    let soon = now.saturating_add(config.warn_before.unwrap_or(WARN_BEFORE));
    let mut all = Vec::new();
    for (product, roles) in config.members.iter().filter(|(p, _)| is_asked(p, &asked.product)) {
        for (role, entries) in roles.iter().filter(|(role, _)| is_asked(role, &asked.role)) {
            for entry in entries {
                let state = match expires(entry) {
                    Some(end) if end <= now => "ended",
                    Some(end) if end <= soon => "ends_soon",
                    _ => "in_force",
                };
                let Entry { kind, who, until, reason, environments, approval } = Entry::from(entry);
                let (approved_by, approved_at, request) = match approval {
                    Some(Approval { by, at, request }) => (Some(by), at, request),
                    None => (None, None, None),
                };
                all.push(Listed {
                    product: product.clone(),
                    role: role.clone(),
                    entry: ListedEntry {
                        kind,
                        who,
                        until,
                        reason,
                        environments,
                        approved_by,
                        approved_at,
                        request,
                    },
                    state,
                    matches: matches(known, entry),
                    file: entry.place.file.to_string_lossy().replace('\\', "/"),
                    line: entry.place.line,
                });
            }
        }
    }
    all
}

fn matches(known: &Known, entry: &MemberEntry) -> Option<usize> {
    let (Known::People(directory), config::Member::Rule(rule)) = (known, &entry.member) else {
        return None;
    };
    Some(directory.matching(rule).len())
}

fn table(members: &[Listed]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["product role", "member", "until", "environments", "reason", "stands in"]);
    for one in members {
        let ListedEntry { kind, who, until, reason, environments, .. } = &one.entry;
        let people = one
            .matches
            .map(|n| if n == 1 { " (1 person)".to_owned() } else { format!(" ({n} people)") });
        let until = match (until, one.state) {
            (None, _) => String::new(),
            (Some(until), "ended") => format!("{until} (ended)"),
            (Some(until), "ends_soon") => format!("{until} (soon)"),
            (Some(until), _) => until.clone(),
        };
        let line = one.line.map(|line| format!(":{line}")).unwrap_or_default();
        let cells = [
            format!("{}.{}", one.product, one.role),
            format!("{} {who}{}", kind.as_str(), people.unwrap_or_default()),
            until,
            environments.join(", "),
            reason.clone().unwrap_or_default(),
            format!("{}{line}", one.file),
        ];
        table.add_row(cells.map(|cell| one_line(&cell)));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}
