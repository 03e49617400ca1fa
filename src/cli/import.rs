//! `rolecall import`: members, another tool's files, or the roles of a warehouse.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::exit::WrongArguments;
use super::{ConnectionFlags, Exit, Format, Global, member, output, plan};
use crate::apply::compare;
use crate::config::{self, FileKind, SourceFile};
use crate::edit::{self, Edited, Undeclared, undeclared};
use crate::model::{Diagnostics, Place};
use crate::plan::Options;
use crate::report::{findings::one_line, json};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The members whom no file declares, each into its product's file, limited to this environment
    #[arg(long)]
    members: bool,
    /// Only roles whose names fit, `*` for any run; whoever logs in with them [default: every role that nobody logs in with and nobody manages]
    #[arg(long, value_name = "PATTERN", conflicts_with_all = ["members", "from"])]
    pub(super) role: Vec<String>,
    /// Where the new files are written, as from the project's folder [default: stdout]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["members", "from"])]
    pub(super) out: Option<std::path::PathBuf>,
    /// The project's files that declare access for another tool, rewritten; needs no warehouse
    #[arg(long, value_name = "TOOL", conflicts_with = "members")]
    from: Option<From>,
    /// Say what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    pub(super) connection: ConnectionFlags,
}

/// The tools whose files are rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum From {
    /// `meta.raito` of models, seeds and snapshots
    Raito,
    /// dbt's own `grants`
    DbtGrants,
}

#[derive(Debug, Serialize)]
struct Imported {
    version: u32,
    written: Vec<Written>,
    left: Vec<Left>,
}

#[derive(Debug, Serialize)]
struct Written {
    product: String,
    role: String,
    kind: edit::EntryKind,
    who: String,
    reason: Option<String>,
    file: String,
    line: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Left {
    product: String,
    role: String,
    member: String,
    why: String,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    if let Some(from) = arguments.from {
        return super::import_from::run(global, from, arguments.dry_run);
    }
    if !arguments.members {
        if arguments.dry_run {
            anyhow::bail!(WrongArguments(
                "--dry-run is for --members and --from: without --out nothing is written"
                    .to_owned()
            ));
        }
        return super::import_live::run(global, arguments);
    }
    let Some(project) = plan::load(global)? else { return Ok(Exit::Failed) };
    // Who is in is read; nothing is planned, and what is missing is not the question. Roles that are
    // there and nobody's count as well: once adopted, they keep only whom a file names.
    let options = Options {
        adopt: true,
        skip_missing: true,
        allow_revokes: Some(u64::MAX),
        ..Options::default()
    };
    let compared = plan::runtime()?.block_on(async {
        let mut warehouse = plan::connect(&arguments.connection, &project).await?;
        Ok::<_, anyhow::Error>(compare(&mut warehouse, &project, &options, None).await?)
    })?;
    let _alone = super::alone::alone(&global.project_dir)?;
    if compared.difference.found.has_errors() {
        plan::say_invalid(global, compared.findings())?;
        return Ok(Exit::Failed);
    }
    let folder = global.places().project_dir;
    let (mut files, found) = config::load_files(&folder);
    if found.has_errors() {
        plan::say_invalid(global, found)?;
        return Ok(Exit::Failed);
    }
    let before = files.clone();
    let mut imported = Imported { version: json::VERSION, written: Vec::new(), left: Vec::new() };
    for one in undeclared(&project, &compared) {
        match write_in(&mut files, &one) {
            Ok(written) => imported.written.push(written),
            Err(why) => imported.left.push(Left {
                product: one.product,
                role: one.role,
                member: one.member.to_string(),
                why,
            }),
        }
    }
    if !arguments.dry_run {
        for file in files.iter().filter(|file| !before.contains(file)) {
            let there = before.iter().find(|old| old.path == file.path);
            let edited = Edited {
                path: file.path.clone(),
                before: there.map(|old| old.text.clone()),
                text: file.text.clone(),
                place: Place::file(&file.path),
            };
            member::write(&folder, &edited)?;
        }
    }
    say(global, &imported, arguments.dry_run)?;
    Ok(if imported.left.is_empty() { Exit::Done } else { Exit::Failed })
}

/// One more entry in the texts; or why not.
fn write_in(files: &mut Vec<SourceFile>, one: &Undeclared) -> Result<Written, String> {
    let entry = one.entry.clone()?;
    let edited =
        edit::add(files, &one.product, &one.role, &entry).map_err(|found| messages(&found))?;
    let Edited { path, text, place, before: _ } = edited;
    let file = path.to_string_lossy().replace('\\', "/");
    match files.iter_mut().find(|file| file.path == path) {
        Some(there) => there.text = text,
        None => {
            let kind = FileKind::Members { product: one.product.clone() };
            files.push(SourceFile { path: PathBuf::from(&file), text, kind });
        }
    }
    Ok(Written {
        product: one.product.clone(),
        role: one.role.clone(),
        kind: entry.kind,
        who: entry.who,
        reason: entry.reason,
        file,
        line: place.line,
    })
}

fn messages(found: &Diagnostics) -> String {
    found.iter().map(|one| one.message.clone()).collect::<Vec<_>>().join("; ")
}

fn say(global: &Global, imported: &Imported, dry_run: bool) -> anyhow::Result<()> {
    if global.format == Format::Json {
        return output::data(&json::print(imported)?);
    }
    let mut out = String::new();
    for Written { product, role, kind, who, reason, file, line } in &imported.written {
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        let reason = reason.as_ref().map(|it| format!("  # {it}")).unwrap_or_default();
        let what = format!("{} {who} into {product}.{role}, {file}{line}{reason}", kind.as_str());
        out.push_str(&one_line(&what));
        out.push('\n');
    }
    output::text(&out)?;
    for Left { product, role, member, why } in &imported.left {
        // A policy's role is no product's, and why it is left out names the policy.
        let of = if product.is_empty() { String::new() } else { format!(" in {product}.{role}") };
        output::message(&one_line(&format!("left out: {member}{of}: {why}")));
    }
    output::message(&match (imported.written.len(), imported.left.len(), dry_run) {
        (0, 0, _) => "every member is declared: nothing to import".to_owned(),
        (0, _, _) => "nothing is written".to_owned(),
        (n, _, true) => format!("{n} to write; nothing is written (--dry-run)"),
        (n, _, false) => format!("{n} written: let the owners review them"),
    });
    Ok(())
}
