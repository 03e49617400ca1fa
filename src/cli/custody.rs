//! What plans and applies carry beside their changes: who, when, approvals and receipts.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::exit::WrongArguments;
use super::output;
use crate::apply::changed_gates;
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
    #[arg(long, env = "ROLECALL_BY", value_name = "NAME")]
    by: Option<String>,
}

/// What CI systems and operating systems call the user, most telling first.
const USERS: [&str; 5] = ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER", "LOGNAME", "USERNAME"];

impl ByFlag {
    pub(super) fn name(&self) -> Option<String> {
        let said = |name: Option<String>| name.filter(|name| !name.trim().is_empty());
        let user = || USERS.iter().find_map(|name| said(std::env::var(name).ok()));
        said(self.by.clone()).or_else(user)
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
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let plan = Plan::read(&bytes).with_context(|| path.display().to_string())?;
    Ok((plan, crate::plan::hex(&sha2::Sha256::digest(&bytes))))
}

/// The list of approved plans, where the project's environment is protected and names one.
pub(super) fn approvals(
    project: &Project,
    project_dir: &Path,
    retiring: bool,
    found: &mut Diagnostics,
) -> Option<Approvals> {
    let everywhere = project.config.approved_plans.as_ref();
    let own = project.environment().filter(|environment| environment.protected && !retiring);
    let list = match own {
        Some(environment) => environment.approved_plans.as_ref().or(everywhere)?,
        None if retiring => everywhere?,
        None => return None,
    };
    let path = project_dir.join(&list.value);
    let mut wrong = |code, message: String, help: &str| {
        let error = Diagnostic::error(code, message).with_help(help);
        found.push(
            error.with_place(Place::file(&list.value)).with_also(list.place.clone(), "named here"),
        );
    };
    if path.symlink_metadata().is_ok_and(|there| there.is_symlink()) {
        let message = "this is a symbolic link, and links are not followed".to_owned();
        let help = "put the file itself here: a link would get round the review of its folder";
        wrong("symbolic-link", message, help);
        return None;
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let (approvals, problems) = Approvals::parse(&text, Path::new(&list.value));
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
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let Some(path) = &self.receipt else { return Ok(()) };
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
