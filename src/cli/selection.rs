//! dbt's way to say which nodes: the same flags wherever nodes are chosen.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::WrongArguments;
use crate::dbt::{Selector, SelectorError, Wanted, World, read_listed, read_selectors};
use crate::model::{Diagnostic, Diagnostics, Place};
use crate::project::Project;

/// Which nodes are meant, as dbt's commands take it.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct SelectionFlags {
    /// Only the access of these nodes, as in dbt: `tag:daily path:models/marts,+orders`
    #[arg(
        short = 's', long = "select", visible_short_alias = 'm', visible_alias = "models",
        alias = "model", value_name = "SELECTION", num_args = 1..
    )]
    select: Vec<String>,
    /// Without these nodes
    #[arg(long, value_name = "SELECTION", num_args = 1..)]
    exclude: Vec<String>,
    /// Only the nodes that a selector of selectors.yml names
    #[arg(long, value_name = "NAME", conflicts_with_all = ["select", "exclude"])]
    selector: Option<String>,
    /// Only the nodes that `dbt --quiet ls` has printed into a file (- for stdin)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["select", "exclude", "selector"])]
    nodes: Option<PathBuf>,
}

/// A selection before the manifest is read.
#[derive(Debug)]
pub(super) enum Selection {
    /// Nothing is said.
    None,
    /// A selection in dbt's words.
    Selector(Selector),
    /// What `dbt ls` printed, and where it was read.
    Listed { text: String, file: PathBuf },
}

/// Nodes that were chosen, and what is to be said about the choice.
#[derive(Debug)]
pub(super) struct Chosen {
    /// `unique_id`s.
    pub nodes: std::collections::BTreeSet<String>,
    /// Errors and warnings.
    pub found: Diagnostics,
}

impl SelectionFlags {
    /// Whether nothing is said.
    pub(super) fn is_empty(&self) -> bool {
        let Self { select, exclude, selector, nodes } = self;
        select.is_empty() && exclude.is_empty() && selector.is_none() && nodes.is_none()
    }

    /// Reads what is said; what is wrong with a file goes to `found`.
    pub(super) fn read(
        &self,
        project_dir: &Path,
        found: &mut Diagnostics,
    ) -> anyhow::Result<Selection> {
        let Self { select, exclude, selector, nodes } = self;
        if let Some(name) = selector {
            let Some(selectors) = read_file(project_dir, found)? else {
                return Ok(Selection::None);
            };
            return Ok(Selection::Selector(selectors.get(name).map_err(usage)?.clone()));
        }
        if let Some(file) = nodes {
            let (text, file) = if file.as_os_str() == "-" {
                (std::io::read_to_string(std::io::stdin()), PathBuf::from("stdin"))
            } else {
                (std::fs::read_to_string(file), file.clone())
            };
            let text =
                text.map_err(|e| WrongArguments(format!("--nodes {}: {e}", file.display())))?;
            return Ok(Selection::Listed { text, file });
        }
        let selector = Selector::of(select, exclude).map_err(usage)?;
        Ok(selector.map_or(Selection::None, Selection::Selector))
    }
}

impl Selection {
    /// What has to be read of a manifest for it.
    pub(super) fn needs(&self) -> Wanted {
        match self {
            Self::None => Wanted::default(),
            Self::Selector(selector) => selector.needs(),
            Self::Listed { .. } => Wanted { graph: true, ..Wanted::default() },
        }
    }

    /// The nodes of a project that are meant; `None` where nothing is said.
    pub(super) fn choose(&self, project: &Project) -> anyhow::Result<Option<Chosen>> {
        let chosen = match self {
            Self::None => return Ok(None),
            Self::Selector(selector) => {
                let world = World::of(&project.manifest, project.name.as_deref());
                let selected = world.select(selector).map_err(usage)?;
                let mut found = Diagnostics::default();
                for part in &selected.empty {
                    found.push(nothing(format!("`{part}` selects no node that has a relation")));
                }
                Chosen { nodes: selected.nodes, found }
            }
            Self::Listed { text, file } => {
                let (listed, mut found) = read_listed(text, file, &project.manifest);
                if listed.nodes.is_empty() && !found.has_errors() {
                    let message = "it lists no node that has a relation".to_owned();
                    found.push(nothing(message).with_place(Place::file(file)));
                }
                Chosen { nodes: listed.nodes, found }
            }
        };
        Ok(Some(chosen))
    }
}

fn nothing(message: String) -> Diagnostic {
    Diagnostic::warning("nothing-selected", message)
        .with_help("`dbt ls --select` with the same words shows what dbt selects")
}

fn usage(error: SelectorError) -> anyhow::Error {
    WrongArguments(format!("{}: {}", error.message, error.help)).into()
}

/// `selectors.yml` beside dbt_project.yml.
fn read_file(
    project_dir: &Path,
    found: &mut Diagnostics,
) -> anyhow::Result<Option<crate::dbt::Selectors>> {
    let path = project_dir.join("selectors.yml");
    let text = std::fs::read_to_string(&path)
        .map_err(|e| WrongArguments(format!("--selector: cannot read {}: {e}", path.display())))?;
    let (selectors, problems) = read_selectors(&text, &path);
    found.extend(problems);
    Ok(selectors)
}
