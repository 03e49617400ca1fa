//! One look at the warehouse, and what it lacks.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::opened::ways_opened;
use crate::config::{DirectorySource, PeopleFrom};
use crate::dialect::StatementError;
use crate::directory::{Known, from_people};
use crate::effect::AccessState;
use crate::model::diagnostic::nearest;
use crate::model::{
    DesiredState, Diagnostic, Diagnostics, Inventory, MarkerReading, ObservedState, Place, Scope,
    ServerIdentity,
};
use crate::plan::{self, Difference, Options, Plan, Sides, Sources};
use crate::project::Project;
use crate::resolve::Resolved;
use crate::warehouse::{Observe, WarehouseError};

/// What was resolved, seen, and found to differ.
#[derive(Debug, Clone)]
pub struct Compared {
    /// What must be.
    pub resolved: Resolved,
    /// What is.
    pub observed: ObservedState,
    /// Whose business it is.
    pub scope: Scope,
    /// The changes, the refusals, and what is left.
    pub difference: Difference,
    /// What resolution found: warnings.
    pub warnings: Diagnostics,
    /// What everybody has, where it was read for policies that are always required: on PostgreSQL all of
    /// it, on Snowflake what leads to their nodes.
    pub access: Option<AccessState>,
}

/// Why nothing could be compared.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The declarations, the configuration or the warehouse do not fit: see the findings.
    #[error("there are errors")]
    Found(Diagnostics),
    /// The warehouse could not be read or changed.
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
}

/// Observes and compares. `retire` empties the roles of an environment that the configuration no
/// longer has.
pub async fn compare<W: Observe>(
    warehouse: &mut W,
    project: &Project,
    options: &Options,
    retire: Option<&str>,
) -> Result<Compared, Failure> {
    let server = warehouse.identity().await?;
    if server.dialect != project.dialect {
        return Err(Failure::Found(Diagnostics::from_iter([other_warehouse(&server, project)])));
    }
    let database = server.database;
    let unseen = Inventory::default();
    let known = &people(warehouse, project).await?;
    let only = options.limit.as_ref().map(|limit| &limit.nodes);
    let (resolved, found) =
        project.resolve_with(known, database.as_ref(), &unseen, options.skip_missing, only);
    let Some(resolved) = resolved else { return Err(Failure::Found(found)) };
    let mut look = plan::interested_in(&resolved, database.as_ref());
    look.environments.extend(retire.map(str::to_owned));
    let mut observed = warehouse.observe(&look).await?;
    observed.inventory.listed = look.classes.clone();
    observed.inventory.version = observed.server.version;
    observed.inventory.acting_as = Some(observed.server.acting_as.clone());
    let (again, mut warnings) = project.resolve_with(
        known,
        database.as_ref(),
        &observed.inventory,
        options.skip_missing,
        only,
    );
    let Some(mut resolved) = again else { return Err(Failure::Found(warnings)) };
    let mut scope = resolved.scope(database.as_ref());
    let mut options = options.clone();
    if let Some(environment) = retire {
        let break_glass = resolved.desired.break_glass.take();
        let empty = DesiredState::empty(environment, resolved.desired.dialect);
        resolved.desired = DesiredState { break_glass, ..empty };
        scope.environment = environment.to_owned();
        // Its template is gone, and with it what told developers apart: all of theirs is meant. So
        // is the role that ran dbt there; this environment's has no claim on what those roles own.
        scope.instance = None;
        scope.every_instance = true;
        resolved.deploy_role = None;
        // Its schemas are not in any manifest at hand: all that its roles have is to go.
        options.prune = true;
    }
    if let Some(environment) = retire
        && !observed.roles.values().any(|role| is_of(&role.marker, &scope))
    {
        warnings.push(
            Diagnostic::warning(
                "nothing-to-retire",
                format!(
                    "no role of {} in the environment {environment} is there",
                    scope.deployment
                ),
            )
            .with_help("check its spelling, and that this is the server where it was"),
        );
    }
    let environments: BTreeSet<String> = project.config.environments.keys().cloned().collect();
    warnings.extend(Diagnostics::from_iter(observed.found.clone()));
    let mut difference =
        plan::diff(&Sides::of(&resolved, &observed, &scope, &environments, &options));
    difference.found.extend(no_way_back(project, &resolved, &observed));
    let (opened, access) =
        ways_opened(warehouse, project, &resolved, &observed, &difference).await?;
    difference.found.extend(opened);
    let found = difference.found.into_iter();
    difference.found = found.map(|one| project.config.with_source(one)).collect();
    Ok(Compared { resolved, observed, scope, difference, warnings, access })
}

/// A name that nobody bears would protect nobody, and say nothing of it.
fn no_way_back(
    project: &Project,
    resolved: &Resolved,
    observed: &ObservedState,
) -> Option<Diagnostic> {
    let name = resolved.desired.break_glass.as_ref()?;
    if observed.roles.contains_key(name) || observed.users.contains(name) {
        return None;
    }
    let known: Vec<&str> = observed.roles.keys().map(|role| role.as_str()).collect();
    let near = nearest(name.as_str(), known).map(|near| format!("did you mean `{near}`? "));
    let mut error = Diagnostic::error(
        "bad-break-glass",
        format!("break_glass {:?}: the warehouse has no such role", name.as_str()),
    )
    .with_help(format!(
        "{}a role that is not there protects no way back in: mend the name, or create the role first",
        near.unwrap_or_default()
    ));
    error.place = project.config.break_glass.as_ref().map(|written| written.place.clone());
    Some(error)
}

/// Who is known: as files say, or asked of the warehouse, each time anew.
///
/// # Errors
/// The warehouse cannot be asked, or what it says is no directory.
pub async fn people<W: Observe>(warehouse: &mut W, project: &Project) -> Result<Known, Failure> {
    let Known::Unasked = project.known else { return Ok(project.known.clone()) };
    let Some(DirectorySource { from: PeopleFrom::Query(query), key, place: _ }) =
        &project.config.directory
    else {
        return Ok(Known::Nothing);
    };
    let people = warehouse.people(&query.value).await?;
    let place = Place { source: None, ..query.place.clone() };
    let directory = from_people(&people, &key.value, &place).map_err(Failure::Found)?;
    Ok(Known::People(Arc::new(directory)))
}

/// Names folded for one dialect and looked for on a server of another would be the wrong names.
fn other_warehouse(server: &ServerIdentity, project: &Project) -> Diagnostic {
    Diagnostic::error(
        "other-warehouse",
        format!(
            "the connection is to {}, and the project is for {}",
            server.dialect, project.dialect
        ),
    )
    .with_place(Place::file(&project.manifest_path))
    .with_help(format!("connect to {}, or name the manifest of this warehouse", project.dialect))
}

fn is_of(marker: &MarkerReading, scope: &Scope) -> bool {
    matches!(marker, MarkerReading::Marker(marker) if scope.holds(marker))
}

impl Compared {
    /// The plan file for it.
    pub fn plan(
        &self,
        project: &Project,
        options: &Options,
        retire: bool,
    ) -> Result<Plan, StatementError> {
        let environments = BTreeSet::new();
        let sides = Sides::of(&self.resolved, &self.observed, &self.scope, &environments, options);
        let sources = Sources {
            resolved_for: project.as_of,
            manifest_sha256: project.manifest_sha256.clone(),
            config_sha256: project.config_sha256.clone(),
        };
        Plan::of(&sides, &self.difference, project.dialect(), sources, retire)
    }

    /// Errors and warnings of both resolution and comparison.
    pub fn findings(&self) -> Diagnostics {
        let mut all = self.warnings.clone();
        all.extend(self.difference.found.clone());
        all
    }

    /// Whether the steps may be made at all.
    pub fn is_clean(&self) -> bool {
        !self.difference.found.has_errors() && self.difference.refused.is_empty()
    }
}
