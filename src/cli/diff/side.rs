//! One side of a comparison: a project, resolved without a warehouse.

use super::super::{Global, asked};
use crate::effect::AccessState;
use crate::effect::gains::Names;
use crate::model::{Diagnostic, DialectKind, Ident, Inventory, Place};
use crate::project::{Places, Project, dbt_project_name};
use crate::resolve::Resolved;

/// What access there is, and what it is called.
pub(super) struct Side {
    /// Where it is from, for people.
    pub(super) name: String,
    /// The project; `None` where there was nothing yet.
    pub(super) project: Option<Project>,
    /// What is declared.
    pub(super) resolved: Option<Resolved>,
    /// What anybody has.
    pub(super) state: AccessState,
    /// What roles and relations are called.
    pub(super) names: Names,
}

/// A manifest that was given is of another project than the folder: nothing else is worth saying.
fn another(places: &Places, project: &Project, name: &str) -> Option<Diagnostic> {
    let own = dbt_project_name(&places.project_dir)?;
    let of = project.manifest.metadata.project_name.as_ref().filter(|of| **of != own)?;
    let message = format!("of {name} the project is {own}, and the manifest of {of}");
    Some(
        Diagnostic::error("different-projects", message)
            .with_place(Place::file(&project.manifest_path))
            .with_help("give a manifest of this project"),
    )
}

impl Side {
    /// Reads a project and resolves it; `None` where it is wrong, which is said.
    pub(super) fn read(
        global: &Global,
        places: &Places,
        as_of: i64,
        name: &str,
    ) -> anyhow::Result<Option<Self>> {
        let (project, mut found) = Project::load(places, as_of);
        let Some(project) = project else {
            super::say_wrong(global, name, places, found)?;
            return Ok(None);
        };
        if let Some(other) = another(places, &project, name) {
            return Err(super::pair::wrong(other));
        }
        let (resolved, problems) = project.resolve(None, &Inventory::default(), true, None);
        found.extend(problems);
        let Some(resolved) = resolved else {
            super::say_wrong(global, name, places, found)?;
            return Ok(None);
        };
        asked::one_kind_each(&resolved)?;
        let desired = &resolved.desired;
        let state = asked::declared(&resolved)?.with_grants_of_dbt(desired);
        let state = state.with_the_way_for_dbt_s(desired);
        let names = super::names(&resolved);
        let name = name.to_owned();
        let (project, resolved) = (Some(project), Some(resolved));
        Ok(Some(Self { name, project, resolved, state, names }))
    }

    /// A side on which there is nothing.
    pub(super) fn nothing(name: &str, dialect: DialectKind) -> anyhow::Result<Self> {
        let mut state = AccessState::empty(dialect, 180_000, Ident::new("nothing")?);
        state.declared = true;
        let (name, names) = (name.to_owned(), Names::default());
        Ok(Self { name, project: None, resolved: None, state, names })
    }

    pub(super) fn environment(&self) -> Option<&str> {
        self.project.as_ref().map(|project| project.environment.as_str())
    }

    pub(super) fn dialect(&self) -> DialectKind {
        self.state.dialect
    }
}
