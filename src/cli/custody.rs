//! What plans and applies carry beside their changes: who, when, approvals and receipts.

use std::path::{Component, Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::exit::WrongArguments;
use super::output;
use crate::apply::{changed_gates, list_of_retired};
use crate::model::{Diagnostic, Diagnostics, Place};
use crate::plan::{Plan, Signature};
use crate::project::Project;
use crate::protect::Approvals;
use crate::receipts::Entry;
use crate::report::json;
use crate::warehouse::{Observe, WarehouseError};

/// Who it is that plans or applies. Claimed, as every name on a command line.
#[derive(Debug, Args)]
pub(super) struct ByFlag {
    /// Who makes it, for reviews and receipts [default: the CI job's user, else the system's]
    #[arg(long, env = "ROLECALL_BY", value_name = "NAME", value_parser = one_name)]
    by: Option<String>,
}

/// What CI systems and operating systems call the user, most telling first.
const USERS: [&str; 5] = ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER", "LOGNAME", "USERNAME"];

impl ByFlag {
    pub(super) fn name(&self) -> Option<String> {
        let said = |name: Option<String>| {
            name.filter(|name| !name.trim().is_empty() && one_name(name).is_ok())
        };
        let user = || USERS.iter().find_map(|name| said(std::env::var(name).ok()));
        said(self.by.clone()).or_else(user)
    }
}

/// Names stand in reviews and receipts, in a line with others: nothing in them may look like more.
fn one_name(name: &str) -> Result<String, &'static str> {
    match crate::report::findings::one_line(name) == name {
        true => Ok(name.to_owned()),
        false => Err("a name has no line breaks, no control characters and none that turn text"),
    }
}

/// The clock, which `--as-of` does not move: seconds since 1970, UTC.
pub(super) fn now() -> anyhow::Result<i64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(now.as_secs())?)
}

/// What a plan says of when and by whom it is made, and of the gates since the last receipt.
pub(super) async fn signature<W: Observe>(
    warehouse: &mut W,
    project: &Project,
    by: &ByFlag,
    found: &mut Diagnostics,
) -> anyhow::Result<Signature> {
    let gates_changed = match changed_gates(warehouse, project).await {
        Ok(lines) => lines,
        // A role that only looks need not be the one that keeps receipts.
        Err(error @ (WarehouseError::Statement { .. } | WarehouseError::Forbidden(_))) => {
            if project.environment().is_some_and(|environment| environment.protected) {
                found.push(
                    Diagnostic::warning(
                        "receipts-unreadable",
                        format!("whether gates have changed is not known: {error}"),
                    )
                    .with_help("plan as the role that applies, or let it grant SELECT on rolecall.receipts and USAGE on its schema"),
                );
            }
            Vec::new()
        }
        Err(error) => return Err(error.into()),
    };
    let id = uuid::Uuid::new_v4().to_string();
    Ok(Signature { made_at: now()?, id, author: by.name(), gates_changed, promoted_from: None })
}

/// A plan's file: its bytes are what is hashed.
pub(super) fn read_plan(path: &Path) -> anyhow::Result<(Plan, String)> {
    use sha2::Digest;
    // A pipe may keep us waiting for ever.
    let there =
        std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    anyhow::ensure!(there.is_file(), "{}: {NO_FILE}", path.display());
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let plan = Plan::read(&bytes).with_context(|| path.display().to_string())?;
    Ok((plan, crate::plan::hex(&sha2::Sha256::digest(&bytes))))
}

const NO_FILE: &str = "this is no ordinary file, and nothing else is read";

/// The list of approved plans, where the project's environment is protected and names one.
pub(super) fn approvals(
    project: &Project,
    project_dir: &Path,
    found: &mut Diagnostics,
) -> Option<Approvals> {
    let environment = project.environment().filter(|environment| environment.protected)?;
    let list = project.config.approved_plans_of(environment)?;
    list_in(project_dir, &list.value, found, |error| {
        error.with_also(list.place.clone(), "named here")
    })
}

/// That a plan is applied only once it is approved, and as what.
pub(super) fn say_approval(project: &Project, plan: &Plan, text: &str) {
    use sha2::Digest;
    let environment = project.environment().filter(|environment| environment.protected);
    let Some(environment) = environment.filter(|_| plan.changes_something()) else { return };
    let list = project.config.approved_plans_of(environment);
    let Some(list) = list else { return };
    output::message(&match &plan.author {
        None => format!(
            "{} applies no plan that does not say who made it: --by NAME, or ROLECALL_BY",
            environment.name
        ),
        Some(_) => format!(
            "{} applies it once a line for it is in {}: {} <who> <YYYY-MM-DD> <why>",
            environment.name,
            list.value,
            crate::plan::hex(&sha2::Sha256::digest(text)),
        ),
    });
}

/// The list that the last receipt of a retired environment names: whoever takes the environment out
/// of the configuration does not choose another.
pub(super) async fn approvals_of_retired<W: Observe>(
    warehouse: &mut W,
    project: &Project,
    project_dir: &Path,
    retired: &str,
    found: &mut Diagnostics,
) -> anyhow::Result<Option<Approvals>> {
    let list = match list_of_retired(warehouse, project, retired).await {
        Ok(list) => list,
        // The apply itself refuses that.
        Err(WarehouseError::Statement { .. } | WarehouseError::Forbidden(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let Some(list) = list else { return Ok(None) };
    Ok(list_in(project_dir, &list, found, |mut error| {
        error.message = format!("{}; the last receipt of {retired} names it", error.message);
        error
    }))
}

/// Reads a list in the project. What is wrong with it is `found`, with where it is named.
fn list_in(
    project_dir: &Path,
    list: &str,
    found: &mut Diagnostics,
    named: impl Fn(Diagnostic) -> Diagnostic,
) -> Option<Approvals> {
    let mut wrong = |code, message: String, help: &str| {
        let error = Diagnostic::error(code, message).with_help(help);
        found.push(named(error.with_place(Place::file(list))));
    };
    let mut path = project_dir.to_owned();
    for part in Path::new(list).components() {
        match part {
            Component::CurDir => continue,
            Component::Normal(name) => path.push(name),
            _ => {
                let message = "this is not in the project".to_owned();
                wrong("unreadable-file", message, "the list is a file of the project");
                return None;
            }
        }
        if path.symlink_metadata().is_ok_and(|there| there.is_symlink()) {
            let message = "this is a symbolic link, or is behind one, and links are not followed";
            let help = "put the file itself here: a link would get round the review of its folder";
            wrong("symbolic-link", message.to_owned(), help);
            return None;
        }
    }
    // A pipe may keep us waiting for ever.
    if path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
        wrong("unreadable-file", NO_FILE.to_owned(), "put the list itself here");
        return None;
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let (approvals, problems) = Approvals::parse(&text, Path::new(list));
            found.extend(problems);
            Some(approvals)
        }
        Err(error) => {
            let message = format!("the list of approved plans cannot be read: {error}");
            wrong("unreadable-file", message, "make it, even empty, under code-owner review");
            None
        }
    }
}

/// Flags about receipts. On `apply`.
#[derive(Debug, Args)]
pub(super) struct ReceiptFlags {
    #[command(flatten)]
    pub(super) by: ByFlag,
    /// Write the receipt to a file, too
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Begin the table of receipts where something was applied before there were any
    #[arg(long)]
    pub(super) begin_receipts: bool,
}

impl ReceiptFlags {
    /// Before anything is changed: a receipt that cannot be written must not come as a surprise.
    pub(super) fn check(&self, plan: Option<&Path>) -> anyhow::Result<()> {
        let Some(path) = &self.receipt else { return Ok(()) };
        let is_plan = |plan: &Path| match (plan.canonicalize(), path.canonicalize()) {
            (Ok(plan), Ok(receipt)) => plan == receipt,
            _ => plan == path,
        };
        if plan.is_some_and(is_plan) {
            anyhow::bail!(WrongArguments(format!(
                "--receipt {} is the plan itself: name another file",
                path.display()
            )));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if path.is_dir() || folder.is_some_and(|folder| !folder.is_dir()) {
            anyhow::bail!(WrongArguments(format!(
                "--receipt {}: there is no such folder, or it is one itself",
                path.display()
            )));
        }
        Ok(())
    }

    /// After it: the last receipt, or all of them where there were batches. `None` writes nothing.
    pub(super) fn write(&self, receipts: &[Entry]) -> anyhow::Result<()> {
        let Some(path) = self.receipt.as_ref().filter(|_| !receipts.is_empty()) else {
            return Ok(());
        };
        let text = match receipts {
            [one] => json::print(one)?,
            all => json::print(&all)?,
        };
        super::plan::write_whole(path, &text).with_context(|| {
            format!("everything is applied, but the receipt is not in {}", path.display())
        })
    }
}

/// What stands at the top of a plan, and is said before an apply.
pub(super) fn say_gates(lines: &[String]) {
    for line in lines {
        output::message(&format!("gates changed {}", crate::report::findings::printable(line)));
    }
}
