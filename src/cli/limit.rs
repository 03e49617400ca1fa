//! What limits a plan to some nodes: a selection, and what a run of dbt has built.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::exit::WrongArguments;
use super::selection::{Selection, SelectionFlags};
use super::{Format, Global, PlanFlags, output, plan};
use crate::dbt::{Built, read_run_results};
use crate::model::{Diagnostic, Diagnostics, Place};
use crate::plan::Limit;
use crate::project::Project;

/// The nodes that a plan is limited to. On `plan`, `apply` and `verify`.
#[derive(Debug, Args)]
pub(super) struct LimitFlags {
    #[command(flatten)]
    selection: SelectionFlags,
    /// Only the nodes that this run of dbt has built, and those that are gone
    #[arg(long, value_name = "FILE")]
    run_results: Option<PathBuf>,
}

/// A project, and how far a plan may reach in it.
pub(super) struct Limited {
    pub project: Project,
    pub limit: Option<Limit>,
    /// What is to be said about the limit: warnings.
    pub found: Diagnostics,
}

/// Reads the project and its limit; what is wrong with them is said, and `None` returned.
pub(super) fn load(global: &Global, limits: &LimitFlags) -> anyhow::Result<Option<Limited>> {
    let mut found = Diagnostics::default();
    let selection = limits.selection.read(&global.project_dir, &mut found)?;
    if found.has_errors() {
        return refuse(global, found);
    }
    let Some(project) = plan::load_for(global, selection.needs())? else { return Ok(None) };
    let limit = of(&project, limits, &selection, &mut found)?;
    if found.has_errors() {
        return refuse(global, found);
    }
    if global.format == Format::Text {
        output::findings(found.clone());
    }
    Ok(Some(Limited { project, limit, found }))
}

/// How far a plan may reach in a project that has been read for this selection.
pub(super) fn of(
    project: &Project,
    limits: &LimitFlags,
    selection: &Selection,
    found: &mut Diagnostics,
) -> anyhow::Result<Option<Limit>> {
    let chosen = selection.choose(project)?;
    let mut nodes = chosen.map(|chosen| {
        found.extend(chosen.found);
        chosen.nodes
    });
    let mut gone = false;
    if let Some(path) = &limits.run_results {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let target = project.environment().map_or("", |e| e.target_name());
        let (built, problems) =
            read_run_results(&bytes, path, &project.manifest, &project.manifest_path, target);
        found.extend(problems);
        if let Some(mut built) = built {
            // A selection says which nodes; those that are gone cannot be selected.
            gone = nodes.is_none() && built.same_run;
            if let Some(selected) = &nodes {
                built.nodes.retain(|node| selected.contains(node));
                built.not.values_mut().for_each(|ids| ids.retain(|id| selected.contains(id)));
            }
            found.extend(left_out(&built, path));
            nodes = Some(built.nodes);
        }
    }
    Ok(nodes.map(|nodes| Limit { nodes, gone }))
}

fn refuse(global: &Global, found: Diagnostics) -> anyhow::Result<Option<Limited>> {
    plan::say_invalid(global, found)?;
    Ok(None)
}

/// One warning for each of dbt's words, which names all of its nodes.
fn left_out(built: &Built, path: &std::path::Path) -> Vec<Diagnostic> {
    let some = built.not.iter().filter(|(_, nodes)| !nodes.is_empty());
    some.map(|(word, nodes)| {
        let names: Vec<&str> = nodes.iter().map(String::as_str).collect();
        Diagnostic::warning("not-built", format!("{word} by dbt: {}", names.join(", ")))
            .with_place(Place::file(path))
            .with_help("the access of these stays as it was; plan without --run-results for all")
    })
    .collect()
}

impl LimitFlags {
    /// Reads the selection; what is wrong with its files goes to `found`.
    pub(super) fn read(
        &self,
        project_dir: &std::path::Path,
        found: &mut Diagnostics,
    ) -> anyhow::Result<Selection> {
        self.selection.read(project_dir, found)
    }

    /// Whether anything is said.
    pub(super) fn is_empty(&self) -> bool {
        self.run_results.is_none() && self.selection.is_empty()
    }

    /// Some flags speak of more than nodes.
    pub(super) fn check(&self, flags: &PlanFlags) -> anyhow::Result<()> {
        let PlanFlags {
            adopt,
            prune,
            drop_roles,
            skip_missing: _,
            allow_revokes: _,
            allow_gap: _,
            retire,
        } = flags;
        let said = [
            ("--adopt", *adopt),
            ("--prune", *prune),
            ("--drop-roles", *drop_roles),
            ("--retire", retire.is_some()),
        ];
        match said.into_iter().find(|(_, said)| *said) {
            Some((flag, _)) if !self.is_empty() => anyhow::bail!(WrongArguments(format!(
                "{flag} is about whole roles, which a selection leaves alone: plan without one"
            ))),
            _ => Ok(()),
        }
    }
}
