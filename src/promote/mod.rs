//! Promotion: access comes into the next environment with its models, members included.
//!
//! It resolves the target again, by the target's own manifest and names, and plans only what is to
//! be added there. The source says whether that may be done: nobody and nothing is copied from it.

mod checks;
mod gates;
mod giving;
mod grantees;
mod joined;
mod members;
mod way;

use std::collections::BTreeSet;

use crate::apply::{Compared, Failure, compare, people};
use crate::model::{Change, Diagnostic, Diagnostics, DialectKind};
use crate::plan::{self, Limit, Options, PromotedFrom, Sides, Step};
use crate::project::Project;
use crate::warehouse::{Observe, ObservePublic, WarehouseError};

pub use gates::{Closed, Gate};
pub use joined::joined;
pub use way::way;

use giving::Giving;
use joined::{more_by_policy, more_declared, same_relations};

/// An environment as it was read from files.
pub struct Side<'a> {
    /// Its project.
    pub project: &'a Project,
    /// What is wrong with its files: with errors, it is not compared.
    pub found: Diagnostics,
}

/// How to promote.
#[derive(Debug, Clone, Default)]
pub struct How {
    /// Only these nodes.
    pub limit: Option<Limit>,
    /// A member that the target does not know is an error.
    pub strict: bool,
}

impl How {
    /// What the plan for the target is made with.
    pub fn options(&self) -> Options {
        Options {
            skip_missing: true,
            limit: self.limit.clone(),
            only_adds: true,
            ..Options::default()
        }
    }
}

/// A declared node that gets no access in the target by this promotion.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Skipped {
    /// Its `unique_id`.
    pub node: String,
    /// Why.
    pub why: String,
}

/// What a promotion came to.
#[derive(Debug, Clone, Default)]
pub struct Promotion {
    /// Which gates are closed, and why. With any, there is no plan.
    pub closed: Vec<Closed>,
    /// The target, and the changes there; absent where its files are wrong.
    pub target: Option<Compared>,
    /// Declared nodes that are not in the target yet.
    pub skipped: Vec<Skipped>,
    /// What an ordinary plan and apply in the target does beyond it.
    pub beyond: Vec<Step>,
    /// What it came from, for the plan; absent where the source's files are wrong.
    pub source: Option<PromotedFrom>,
    /// Errors and warnings.
    pub found: Diagnostics,
}

impl Promotion {
    /// Whether a gate could be asked: some look at a server, for which its files must be right.
    pub fn has_asked(&self, gate: Gate) -> bool {
        match gate {
            Gate::SourceDrift | Gate::UndeclaredMember => self.source.is_some(),
            Gate::Validation | Gate::BeyondMay => true,
            Gate::GrantToPublic | Gate::UndeclaredPower | Gate::AccessTest | Gate::Check => {
                self.target.is_some()
            }
        }
    }

    /// Whether its changes may be made.
    pub fn is_open(&self) -> bool {
        self.closed.is_empty()
            && !self.found.has_errors()
            && self.target.as_ref().is_some_and(Compared::is_clean)
    }
}

/// Whether the two manifests are of one project: nodes are known by `unique_id` in both.
pub fn one_project(from: &Project, to: &Project) -> Option<Diagnostic> {
    let in_both = || from.manifest.nodes.keys().any(|id| to.manifest.nodes.contains_key(id));
    let named = from.name == to.name;
    let empty = from.manifest.nodes.is_empty() || to.manifest.nodes.is_empty();
    if named && (empty || in_both()) {
        return None;
    }
    let name = |project: &Project| project.name.clone().unwrap_or_else(|| "a project".to_owned());
    let message = match named {
        false => format!(
            "the manifest of {} is of {}, and that of {} of {}",
            from.environment,
            name(from),
            to.environment,
            name(to)
        ),
        true => format!(
            "the manifests of {} and {} have no node in common",
            from.environment, to.environment
        ),
    };
    Some(
        Diagnostic::error("different-projects", message)
            .with_place(crate::model::Place::file(&from.manifest_path))
            .with_also(crate::model::Place::file(&to.manifest_path), "the target's")
            .with_help("give both manifests of one project: --from-manifest and --to-manifest"),
    )
}

/// Asks the gates, and plans for the target what is to be added there. Changes nothing.
pub async fn promote<S: Observe, T: ObservePublic>(
    (from, source): (Side<'_>, &mut S),
    (to, target): (Side<'_>, &mut T),
    how: &How,
) -> Result<Promotion, Failure> {
    let mut promotion = Promotion::default();
    let from_is_valid = check(&from, &mut promotion);
    let to_is_valid = check(&to, &mut promotion);
    let read = to.found.clone();
    let (from, to) = (from.project, to.project);
    let (tried, giving) = (Giving::of(from), Giving::of(to));
    let source = match from_is_valid {
        true => Some(ask_source(from, source, (how, &tried), &mut promotion).await?),
        false => None,
    };
    if to_is_valid {
        let mut compared = compare(target, to, &how.options(), None).await?;
        let promoted = promoted(&giving, how);
        let everybodys = target.public(&compared.scope.schemas).await?;
        let public = gates::grants_to_public(to, &compared, &promoted, &everybodys);
        promotion.closed.extend(public);
        promotion.skipped = skipped((from, &tried), (to, &giving), &compared, how);
        let ordinary = ordinary(to, &compared);
        // What a role has and keeps goes to whoever comes in, and an ordinary plan says so, too.
        compared.difference.left.extend(ordinary.left);
        compared.difference.left.sort();
        compared.difference.left.dedup();
        promotion.beyond = beyond(ordinary.steps, &compared);
        promotion.found.extend(members::undeclared_gains(to, &compared, &promotion.beyond));
        let power = gates::undeclared_power(to, &compared);
        promotion.closed.extend(power);
        promotion.found.extend(more_declared(from, to, &promoted));
        promotion.found.extend(more_by_policy((from, &tried), (to, &giving), &promoted));
        let source = source.as_ref();
        let same = source.and_then(|it| same_relations((from, it), (to, &compared), &promoted));
        promotion.found.extend(same);
        promotion.found.extend(compared.findings());
        if how.strict {
            promotion.found.extend(members::unknown(to, &compared));
        }
        let known = people(target, to).await?;
        // PostgreSQL tells all of it whatever is asked, and has done so where a policy is always required.
        let seen = compared.access.as_ref().filter(|_| to.dialect == DialectKind::Postgres);
        let access = match seen {
            Some(access) => Ok(Some(access.clone())),
            None => match target.everybody_s_access(&to.access_look(&known)).await {
                Err(WarehouseError::Forbidden(why)) => Err(why),
                access => Ok(access?),
            },
        };
        let (closed, unseen) = checks::failing((to, &read), known, access, &compared);
        promotion.closed.extend(closed);
        promotion.found.extend(unseen);
        promotion.target = Some(compared);
    }
    promotion.closed.sort();
    promotion.closed.dedup();
    Ok(promotion)
}

/// As `validate` does, for no warehouse in particular.
fn check(side: &Side<'_>, promotion: &mut Promotion) -> bool {
    let Side { project, found } = side;
    let mut found = found.clone();
    let (_, problems) = project.resolve(None, &crate::model::Inventory::default(), false, None);
    found.extend(problems.into_iter().filter(|d| d.severity == crate::model::Severity::Error));
    promotion.closed.extend(gates::validation(&project.environment, &found));
    promotion.closed.extend(gates::beyond_may(&project.environment, &found));
    let valid = !found.has_errors();
    promotion.found.extend(found);
    valid
}

async fn ask_source<S: Observe>(
    from: &Project,
    source: &mut S,
    (how, giving): (&How, &Giving),
    promotion: &mut Promotion,
) -> Result<Compared, Failure> {
    // What is not there is said by a gate, and guards are for those who change something.
    let options =
        Options { skip_missing: true, allow_revokes: Some(u64::MAX), ..Options::default() };
    let compared = compare(source, from, &options, None).await?;
    // The nodes are the same in both; what is gone in the target is not the source's business.
    let limit = how.limit.as_ref().map(|limit| Limit { gone: false, ..limit.clone() });
    let limited = match &limit {
        None => compared.difference.clone(),
        Some(_) => difference(from, &compared, &Options { limit: limit.clone(), ..options }),
    };
    let closed = gates::source_drift((from, giving), &compared, limit.as_ref(), &limited);
    promotion.closed.extend(closed);
    promotion.closed.extend(gates::undeclared_members(from, &compared));
    promotion.source = Some(PromotedFrom {
        environment: from.environment.clone(),
        target: (&compared.observed.server).into(),
        manifest_sha256: from.manifest_sha256.clone(),
        config_sha256: from.config_sha256.clone(),
    });
    Ok(compared)
}

/// The nodes whose access is promoted, whether or not they are there.
fn promoted(giving: &Giving, how: &How) -> BTreeSet<String> {
    let meant = |id: &&String| how.limit.as_ref().is_none_or(|limit| limit.nodes.contains(*id));
    giving.nodes.iter().filter(meant).cloned().collect()
}

fn difference(project: &Project, compared: &Compared, options: &Options) -> plan::Difference {
    let environments = project.config.environments.keys().cloned().collect();
    let Compared { resolved, observed, scope, .. } = compared;
    plan::diff(&Sides::of(resolved, observed, scope, &environments, options))
}

/// What an ordinary plan says of the target.
fn ordinary(to: &Project, compared: &Compared) -> plan::Difference {
    let options =
        Options { skip_missing: true, allow_revokes: Some(u64::MAX), ..Options::default() };
    difference(to, compared, &options)
}

/// What is to go, or to be handed over or renamed, in the target: never by a promotion.
fn beyond(ordinary: Vec<Step>, compared: &Compared) -> Vec<Step> {
    let made: BTreeSet<&Change> = compared.difference.steps.iter().map(|s| &s.change).collect();
    let is_beyond = |change: &Change| {
        change.takes_away() || matches!(change, Change::RenameRole { .. } | Change::SetOwner { .. })
    };
    let ordinary = ordinary.into_iter();
    ordinary.filter(|step| is_beyond(&step.change) && !made.contains(&step.change)).collect()
}

/// Nodes that give access, of either side, that get nothing in the target because they are not in
/// both.
fn skipped(
    (from, tried): (&Project, &Giving),
    (to, giving): (&Project, &Giving),
    compared: &Compared,
    how: &How,
) -> Vec<Skipped> {
    let gone = tried.nodes.iter();
    let mut skipped: Vec<Skipped> = gone
        .filter(|id| !to.manifest.nodes.contains_key(*id) && from.manifest.nodes.contains_key(*id))
        .map(|id| Skipped {
            node: id.clone(),
            why: format!("not in the manifest of {}", to.environment),
        })
        .collect();
    let untried = giving.nodes.iter().filter(|id| !from.manifest.nodes.contains_key(*id));
    skipped.extend(untried.map(|id| Skipped {
        node: id.clone(),
        why: format!("not in the manifest of {}, so nobody has tried it there", from.environment),
    }));
    let meant = |id: &String| how.limit.as_ref().is_none_or(|limit| limit.nodes.contains(id));
    let nodes = compared.resolved.nodes.iter().filter(|node| giving.misses(node, compared));
    let nodes = nodes.filter(|node| meant(&node.unique_id));
    skipped.extend(nodes.map(|node| Skipped {
        node: node.unique_id.clone(),
        why: format!("not in the warehouse of {}", to.environment),
    }));
    skipped.sort();
    skipped
}
