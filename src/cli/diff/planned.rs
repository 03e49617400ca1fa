//! Who gains and loses by a plan: by a plan's file, and under a plan's changes.

use std::path::Path;

use super::super::{Global, custody, output, plan};
use super::pair::wrong;
use super::side::Side;
use super::{Arguments, Pair, tags};
use crate::apply::Compared;
use crate::effect::gains::{Gains, Names};
use crate::effect::{AccessState, Effect};
use crate::model::{Change, Diagnostic, Ident, MemberKind, Place};
use crate::project::{Places, Project};
use crate::report::access::Teller;
use crate::report::gains::{Most, Summary, Telling};
use crate::warehouse::{AccessLook, Observe as _, Warehouse, WarehouseError};

/// A plan's file: from what is declared, backwards; or from what the server has.
pub(super) fn of_file(
    global: &Global,
    arguments: &Arguments,
    file: &Path,
) -> anyhow::Result<Option<Pair>> {
    let (made, _) = custody::read_plan(file)?;
    let environment = made.scope.environment.clone();
    let places = Places { target: Some(environment.clone()), ..global.places() };
    let as_of = if global.as_of.is_some() { plan::as_of(global)? } else { made.resolved_for };
    let name = file.display().to_string();
    let Some(after) = Side::read(global, &places, as_of, &format!("after {name}"))? else {
        return Ok(None);
    };
    let mut notes = Vec::new();
    let Some((project, resolved)) = after.project.as_ref().zip(after.resolved.as_ref()) else {
        return Ok(None);
    };
    if made.target.dialect != project.dialect || made.scope.deployment != resolved.deployment {
        return Err(wrong(
            Diagnostic::error(
                "different-projects",
                format!(
                    "{name} is a plan of {} for {}, and the project is {} for {}",
                    made.scope.deployment,
                    made.target.dialect,
                    resolved.deployment,
                    project.dialect
                ),
            )
            .with_place(Place::file(file))
            .with_help("run it in the project that the plan was made of"),
        ));
    }
    let same = made.manifest_sha256 == project.manifest_sha256
        && made.config_sha256 == project.config_sha256;
    if !same {
        notes.push(
            "the project has changed since the plan was made: people are those of now".to_owned(),
        );
    }
    let changes: Vec<&Change> = made.changes.iter().map(|planned| &planned.change).collect();
    let url = arguments.connection.as_deref().filter(|url| !url.is_empty());
    let (before, then) = match url {
        Some(url) => {
            let state = plan::runtime()?.block_on(access(url, project))?;
            let then = state.after(changes.iter().copied());
            (state, then)
        }
        None => {
            notes.push(
                "no warehouse was asked: what is declared, and before, without the plan's changes"
                    .to_owned(),
            );
            (after.state.before(&changes), after.state.clone())
        }
    };
    let mut names = after.names.clone();
    names.scope = Some(made.scope.clone());
    let before = before.with_markers_to_come(&then, &made.scope);
    let before = Side {
        name: format!("before {name}"),
        project: Some(project.clone()),
        resolved: Some(resolved.clone()),
        state: before,
        names: names.clone(),
    };
    let after = Side { state: then, names, ..after };
    Ok(Some(Pair { before, after, only_nodes: false, notes }))
}

async fn access(url: &str, project: &Project) -> anyhow::Result<AccessState> {
    let wait = super::super::WaitFlags { lock_timeout: 30, sessions: 1 };
    let mut warehouse = plan::reach(Some(url), project, "--connection", &wait).await?;
    Ok(warehouse.access(&project.access_look(&project.known)).await?)
}

/// What everybody has before a plan: on PostgreSQL all of it; elsewhere what the plan looked at.
/// `None` where nothing is to change, or it cannot be read: a plan is a plan without it.
pub(in crate::cli) async fn before(
    warehouse: &mut Warehouse,
    compared: &Compared,
) -> Option<AccessState> {
    match look(warehouse, compared).await {
        Ok(state) => state,
        Err(error) => {
            output::message(&format!("who gains and loses by it is not known: {error}"));
            None
        }
    }
}

async fn look(
    warehouse: &mut Warehouse,
    compared: &Compared,
) -> Result<Option<AccessState>, WarehouseError> {
    let difference = &compared.difference;
    if difference.steps.is_empty() || !compared.is_clean() {
        return Ok(None);
    }
    if warehouse.tells_access_at_once() {
        if let Some(access) = &compared.access {
            return Ok(Some(access.clone()));
        }
        return warehouse.access(&AccessLook::default()).await.map(Some);
    }
    if two_of_one_name(compared) {
        return Ok(None);
    }
    let schemas = compared.resolved.schemas.keys().next().cloned();
    let database = warehouse.identity().await?.database.or(schemas);
    let Some(database) = database.or_else(|| Ident::new("none").ok()) else { return Ok(None) };
    Ok(Some(AccessState::of_observed(&compared.observed, &database)))
}

/// Who gains and loses by a comparison's changes.
pub(in crate::cli) fn summary(
    project: &Project,
    compared: &Compared,
    before: &AccessState,
    most: Most,
) -> Summary {
    let changes = compared.difference.steps.iter().map(|step| &step.change);
    let after = before.after(changes);
    let before = before.clone().with_markers_to_come(&after, &compared.scope);
    let (old, new) = (Effect::of(&before), Effect::of(&after));
    let mut names = Names::of(&compared.resolved);
    names.scope = Some(compared.scope.clone());
    let gains = Gains::between((&old, &names), (&new, &names), false);
    let teller = || Teller { desired: &compared.resolved.desired, config: &project.config };
    let (tags, first) = (tags(&[Some(project)]), vec!["pii".to_owned()]);
    let telling =
        Telling { gains: &gains, before: teller(), after: teller(), tags: &tags, first: &first };
    telling.tell(most)
}

/// On Snowflake a user and a role may have one name: then who is meant would be guessed.
fn two_of_one_name(compared: &Compared) -> bool {
    let roles = &compared.observed.roles;
    let seen = compared.observed.memberships.iter().map(|it| (&it.member, it.kind));
    let planned = compared.difference.steps.iter().filter_map(|step| match &step.change {
        Change::AddMember { member, kind, .. } | Change::RemoveMember { member, kind, .. } => {
            Some((member, *kind))
        }
        _ => None,
    });
    let mut all = seen.chain(planned);
    all.any(|(member, kind)| kind == MemberKind::User && roles.contains_key(member))
}
