//! Two revisions of one repository, or one and the working tree: configuration, members, policies and
//! directory are those of the revision, too.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::{Global, plan};
use super::dbt_parse;
use super::pair::{together, wrong};
use super::side::Side;
use super::{Arguments, Pair};
use crate::model::{Diagnostic, Place};
use crate::project::{Places, manifest_path};
use crate::review::export::Between;
use crate::review::git::Git;

/// A revision, or the working tree.
struct Read<'r> {
    /// The commit; `None` for the working tree.
    commit: Option<&'r str>,
    name: String,
    /// As given on the command line.
    manifest: Option<&'r PathBuf>,
    /// The flag that gives it.
    flag: &'static str,
}

pub(super) fn pair(
    global: &Global,
    arguments: &Arguments,
    base: &str,
) -> anyhow::Result<Option<Pair>> {
    let places = global.places();
    let git = Git::around(&places.project_dir).map_err(|found| wrong(*found))?;
    let head = arguments.head.as_deref();
    let Between { base: from, head: to } =
        git.between(base, head).map_err(|found| wrong(*found))?;
    let short = |commit: &str| commit.chars().take(9).collect::<String>();
    let before = Read {
        commit: Some(&from),
        name: format!("{base} ({})", short(&from)),
        manifest: arguments.base_manifest.as_ref(),
        flag: "--base-manifest",
    };
    let after = Read {
        commit: head.map(|_| to.as_str()),
        name: match head {
            Some(head) => format!("{head} ({})", short(&to)),
            None => "the working tree".to_owned(),
        },
        manifest: global.manifest.as_ref(),
        flag: "--manifest",
    };
    let mut notes = Vec::new();
    let read = |which: &Read<'_>| -> anyhow::Result<Option<Found>> {
        read(global, arguments.parse, &git, which)
    };
    let Some(old) = read(&before)? else { return Ok(None) };
    let Some(new) = read(&after)? else { return Ok(None) };
    let (old, new) = match (old, new) {
        (Found::Side(old), Found::Side(new)) => (*old, *new),
        (Found::Nothing(why), Found::Side(new)) => {
            notes.push(format!("{} {why}: all access is new", before.name));
            (Side::nothing(&before.name, new.dialect())?, *new)
        }
        (Found::Side(old), Found::Nothing(why)) => {
            notes.push(format!("{} {why}: all access ends", after.name));
            let nothing = Side::nothing(&after.name, old.dialect())?;
            (*old, nothing)
        }
        (Found::Nothing(why), Found::Nothing(_)) => {
            return Err(wrong(
                Diagnostic::error("no-configuration", format!("{} {why}", after.name))
                    .with_help("name revisions that have a rolecall.yml, and --project-dir"),
            ));
        }
    };
    Ok(Some(together(old, new, notes)?))
}

enum Found {
    Side(Box<Side>),
    /// It has no access at all, and why.
    Nothing(&'static str),
}

fn read(
    global: &Global,
    parse: bool,
    git: &Git,
    which: &Read<'_>,
) -> anyhow::Result<Option<Found>> {
    let given = global.places();
    let (folder, project_dir) = match which.commit {
        None => (None, given.project_dir.clone()),
        Some(commit) => {
            let folder = TempDir::with_prefix("rolecall-diff-")?;
            let project =
                git.export(commit, folder.path(), parse).map_err(|found| wrong(*found))?;
            (Some(folder), project)
        }
    };
    let mut places = Places {
        project_dir: project_dir.clone(),
        manifest: which.manifest.cloned(),
        ..given.clone()
    };
    let there = |name: &str| project_dir.join(name).symlink_metadata().is_ok();
    if which.commit.is_some() && !there("rolecall.yml") && !there("rolecall.yaml") {
        return Ok(Some(Found::Nothing("has no rolecall.yml")));
    }
    let target = dbt_parse::target(&project_dir, given.target.as_deref());
    if let (Some(asked), None) = (given.target.as_deref(), &target)
        && which.commit.is_some()
        && dbt_parse::has_environments(&project_dir)
        && dbt_parse::has_environment(&given.project_dir, asked)
    {
        return Ok(Some(Found::Nothing("has no such environment")));
    }
    let parsed;
    if places.manifest.is_none() && parse {
        parsed = TempDir::with_prefix("rolecall-parse-")?;
        let packages = given.project_dir.join("dbt_packages");
        let made = dbt_parse::run(
            &places,
            target.as_deref(),
            global.vars.as_ref(),
            &packages,
            parsed.path(),
        );
        places.manifest = Some(made.map_err(|found| wrong(*found))?);
    } else if places.manifest.is_none()
        && let (Some(folder), Some(commit)) = (&folder, which.commit)
    {
        places.manifest =
            Some(committed(&places, target.as_deref(), folder.path(), which, commit)?);
    }
    let as_of = plan::as_of(global)?;
    let side = Side::read(global, &places, as_of, &which.name)?;
    Ok(side.map(|side| Found::Side(Box::new(side))))
}

/// The manifest that the revision itself has.
fn committed(
    places: &Places,
    target: Option<&str>,
    folder: &Path,
    which: &Read<'_>,
    commit: &str,
) -> anyhow::Result<PathBuf> {
    let path = manifest_path(places, target);
    // A target path that leads elsewhere has what another revision wrote.
    if path.starts_with(folder) && path.is_file() {
        return Ok(path);
    }
    let shown = path.strip_prefix(&places.project_dir).unwrap_or(&path);
    let short: String = commit.chars().take(9).collect();
    let (name, flag) = (&which.name, which.flag);
    Err(wrong(
        Diagnostic::error(
            "no-manifest-of-revision",
            format!("{name} has no manifest: none is committed there"),
        )
        .with_place(Place::file(shown))
        .with_help(format!(
            "give {flag} FILE, what `dbt parse` wrote at that revision: keep it as an artifact of \
             the branch, or make it with `git worktree add ../before {short} && dbt parse \
             --project-dir ../before`; or let rolecall run `dbt parse` on a copy, with --parse"
        )),
    ))
}
