//! What guards an apply from outside of the plan: gates of protected environments, and receipts.

use std::collections::{BTreeMap, BTreeSet};

use super::{Compared, Failure, Settings};
use crate::config::Member;
use crate::model::{Change, Diagnostic, Ident, MarkerReading, ServerIdentity};
use crate::plan::{Plan, Refusal, TargetIdentity, only_grants_again};
use crate::project::Project;
use crate::protect::{self, Approvals, Called, Judged, Rules, Submitted};
use crate::receipts::{
    self, Ask, Entry, Extent, Gates, Only, PlanReceipt, RECEIPT_VERSION, Receipt, RoleReceipt,
    Stamp, Store, gates, gates_changed,
};
use crate::warehouse::{Execute, Observe, WarehouseError};

/// What an apply is judged by where the environment is protected, and what its receipt says.
#[derive(Debug, Clone, Default)]
pub struct Custody<'a> {
    /// A throw-away server: no gates and no receipts.
    pub rehearsal: bool,
    /// SHA-256 of the plan file's bytes, where there is a plan.
    pub plan_sha256: Option<String>,
    /// The list of approved plans, where the configuration names one; that of the last receipt, where
    /// an environment is retired.
    pub approvals: Option<&'a Approvals>,
    /// The clock's time, never `--as-of`'s: seconds since 1970, UTC.
    pub now: i64,
    /// `--begin-receipts`: there were applies before, and the table of receipts may be begun.
    pub begin_receipts: bool,
    /// Who applies, as the surroundings claim.
    pub applied_by: Option<String>,
    /// What [`changed_gates`] says: a plan for a protected environment must have said it, too.
    pub gates_changed: Vec<String>,
}

/// What one apply has to hold to.
pub(super) struct Held {
    /// Only a saved plan is applied, and there must be receipts.
    protected: bool,
    /// What the receipt says of the gates.
    gates: Gates,
    /// Whose approval of the plan counts.
    approved_by: Vec<String>,
    /// What stands against changing anything: the plan says that it changes nothing.
    pub(super) once_it_changes: Option<Refusal>,
    /// What was reviewed is all that may be done: see [`crate::plan::fits`].
    pub(super) strict: bool,
    /// An environment is to be retired whose receipts nobody has found: it may be protected.
    pub(super) unknown: bool,
}

impl Held {
    /// Nothing guards it.
    fn open(gates: Gates) -> Self {
        Self {
            protected: false,
            gates,
            approved_by: Vec::new(),
            once_it_changes: None,
            strict: false,
            unknown: false,
        }
    }
}

/// Where only the grants of rebuilt relations are missing.
const AGAIN_REBUILT: &str = "relations were rebuilt since, and lost their grants: make another plan for them; \
     or let dbt grant what is declared as it builds: `hook: true`";

/// The last receipt of an environment; `None` where it has none.
async fn last<W: Observe>(
    warehouse: &mut W,
    deployment: &str,
    environment: &str,
) -> Result<Option<Entry>, WarehouseError> {
    last_of(warehouse, deployment, environment, Only::Last).await
}

async fn last_of<W: Observe>(
    warehouse: &mut W,
    deployment: &str,
    environment: &str,
    only: Only,
) -> Result<Option<Entry>, WarehouseError> {
    let (deployment, environment) = (deployment.to_owned(), environment.to_owned());
    Ok(warehouse.receipts(&Ask { deployment, environment, only }).await?.pop())
}

/// What decides about gates and is not what it was at the last receipt: a line for each. Empty where
/// there is no receipt. Reads only.
///
/// # Errors
/// Also where the receipts cannot be read, by this role or at all.
pub async fn changed_gates<W: Observe>(
    warehouse: &mut W,
    project: &Project,
) -> Result<Vec<String>, WarehouseError> {
    let (Some(deployment), Some(environment)) = (project.deployment(), project.environment())
    else {
        return Ok(Vec::new());
    };
    let Some(last) = last(warehouse, deployment, &environment.name).await? else {
        return Ok(Vec::new());
    };
    let lines = gates_changed(&last.receipt.gates, &gates(&project.config, environment));
    Ok(lines.into_iter().map(|line| format!("since {}: {line}", last.stamp.at)).collect())
}

/// Whether it may begin, as far as plan, clock and list say. `server` is there where a plan is.
pub(super) async fn enter<W: Observe>(
    warehouse: &mut W,
    project: &Project,
    settings: &Settings<'_>,
    server: Option<&ServerIdentity>,
) -> Result<Result<Held, Vec<Refusal>>, Failure> {
    let Custody {
        rehearsal,
        plan_sha256,
        approvals,
        now,
        begin_receipts,
        applied_by: _,
        gates_changed,
    } = &settings.custody;
    let Some(environment) = project.environment().filter(|_| !rehearsal) else {
        return Ok(Ok(Held::open(Gates::new())));
    };
    let (name, gates, protection) = match &settings.retire {
        None => {
            let list = project.config.approved_plans_of(environment);
            let rules = Rules {
                valid_for: environment.valid_for,
                approved_plans: list.map(|list| list.value.clone()),
            };
            let gates = gates(&project.config, environment);
            (environment.name.as_str(), gates, environment.protected.then_some(rules))
        }
        // The configuration has forgotten it; its last receipt has not.
        Some(retired) => {
            let gates = match gates_of_retired(warehouse, project, retired).await {
                Ok(Some(gates)) => gates,
                Ok(None) => {
                    let held = Held::open(Gates::new());
                    return Ok(Ok(Held { unknown: !begin_receipts, ..held }));
                }
                // There are some: what they say may be that it is protected.
                Err(error @ (WarehouseError::Statement { .. } | WarehouseError::Forbidden(_))) => {
                    return Ok(Err(vec![Refusal {
                        code: "receipts-closed",
                        message: format!(
                            "whether {retired} is protected is not known: its receipts cannot be \
                             read: {error}"
                        ),
                        help: "retire it as the role that applied there".to_owned(),
                    }]));
                }
                Err(error) => return Err(error.into()),
            };
            let protection = remembered(&gates);
            (retired.as_str(), gates, protection)
        }
    };
    let Some(rules) = protection else { return Ok(Ok(Held::open(gates))) };
    let submitted = settings.plan.zip(plan_sha256.as_deref());
    let called = called(project, *approvals, plan_sha256.as_deref());
    let submitted = submitted.map(|(plan, sha256)| Submitted { plan, sha256, called: &called });
    let mut refusals = match settings.plan {
        Some(plan) => untold(project, server, plan, gates_changed),
        None => Vec::new(),
    };
    match protect::judge(&rules, name, submitted, *approvals, *now, project.as_of) {
        Ok(Judged { approved_by, once_it_changes }) if refusals.is_empty() => Ok(Ok(Held {
            protected: true,
            approved_by,
            once_it_changes,
            strict: rules.approved_plans.is_some(),
            ..Held::open(gates)
        })),
        judged => {
            refusals.extend(judged.err().unwrap_or_default());
            Ok(Err(refusals))
        }
    }
}

/// What a plan's file does not say as it is. Its seal shows no edit by somebody who can seal again, and
/// it is the file that is reviewed.
fn untold(
    project: &Project,
    server: Option<&ServerIdentity>,
    plan: &Plan,
    gates_changed: &[String],
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    // A plan for another server is told so later.
    let here = server.filter(|server| plan.target == TargetIdentity::from(*server));
    if here.is_some_and(|server| !plan.tells_its_changes(project.dialect(), server)) {
        refusals.push(Refusal {
            code: "plan-edited",
            message: "the statements in the plan are not those of its changes".to_owned(),
            help: "make it again; nobody edits a plan by hand".to_owned(),
        });
    }
    // Each begins with when the last receipt was, which may be another by now.
    let setting = |line: &String| line.split_once(": ").map(|(_, rest)| rest.to_owned());
    let told: BTreeSet<_> = plan.gates_changed.iter().filter_map(setting).collect();
    let untold = gates_changed.iter().filter_map(setting).filter(|line| !told.contains(line));
    refusals.extend(untold.map(|line| Refusal {
        code: "gates-not-told",
        message: format!("gates have changed, and the plan does not say so: {line}"),
        help: "make it again, so that whoever reviews it sees that".to_owned(),
    }));
    refusals
}

/// The gates of an environment that the configuration has forgotten, by its last receipt: `None` where
/// none was found, which may be since it was applied over another database.
async fn gates_of_retired<W: Observe>(
    warehouse: &mut W,
    project: &Project,
    retired: &str,
) -> Result<Option<Gates>, WarehouseError> {
    let Some(deployment) = project.deployment() else { return Ok(None) };
    // This profile is another environment's, and so may be its database.
    let last = last_of(warehouse, deployment, retired, Only::LastAnywhere).await?;
    Ok(last.map(|last| last.receipt.gates))
}

/// The list of approved plans of an environment that the configuration has forgotten, as its last
/// receipt names it; `None` where none is asked for. What the configuration names now is not it.
///
/// # Errors
/// Also where the receipts cannot be read: then [`super::apply`] refuses.
pub async fn list_of_retired<W: Observe>(
    warehouse: &mut W,
    project: &Project,
    retired: &str,
) -> Result<Option<String>, WarehouseError> {
    let gates = gates_of_retired(warehouse, project, retired).await?;
    Ok(gates.and_then(|gates| remembered(&gates)).and_then(|rules| rules.approved_plans))
}

/// What the members of the owners' files are called in the warehouse, and would whoever approves a
/// plan be.
fn called(project: &Project, approvals: Option<&Approvals>, sha256: Option<&str>) -> Vec<Called> {
    let members = project.config.entries().filter_map(|entry| match &entry.member {
        Member::Named { kind: _, name } => Some(name.as_str()),
        Member::Rule(_) => None,
    });
    let lines = approvals.zip(sha256).map(|(list, sha256)| list.of(sha256)).unwrap_or_default();
    // As a file would write them: with and without what follows an `@`.
    let approvers = lines.iter().flat_map(|line| {
        let who = line.who.trim_matches('"').trim_start_matches('@');
        [who, who.split('@').next().unwrap_or_default()]
    });
    let names: BTreeSet<&str> = members.chain(approvers).collect();
    let of =
        |name: &str| Called { name: name.to_owned(), in_warehouse: project.member_names(name) };
    names.into_iter().map(of).collect()
}

/// What a plan is known by, however its file is laid out.
fn id_of(plan: &Plan) -> String {
    if plan.id.is_empty() { plan.seal.clone() } else { plan.id.clone() }
}

/// All receipts of the environment.
async fn all<W: Observe>(warehouse: &mut W, now: &Compared) -> Result<Vec<Entry>, WarehouseError> {
    let ask = Ask {
        deployment: now.scope.deployment.clone(),
        environment: now.scope.environment.clone(),
        only: Only::All,
    };
    warehouse.receipts(&ask).await
}

/// Whether a receipt is of that plan, whatever the bytes of its file were.
fn is_of(entry: &Entry, sha256: &str, plan: Option<&Plan>) -> bool {
    let id = plan.map(id_of);
    let kept = entry.receipt.plan.as_ref();
    kept.is_some_and(|kept| kept.sha256 == sha256 || (id.is_some() && kept.id == id))
}

/// What a batch of the plan has made, that is to be made again since somebody has undone it.
fn made_before(
    receipts: &[Entry],
    sha256: &str,
    plan: Option<&Plan>,
    now: &Compared,
) -> Option<(String, String)> {
    let batches = receipts
        .iter()
        .filter(|entry| entry.receipt.outcome == Extent::Part && is_of(entry, sha256, plan));
    let made = batches.flat_map(|entry| entry.receipt.changes.iter().map(move |it| (entry, it)));
    let mut made = made.filter(|(_, it)| it.outcome == receipts::DONE);
    let wanted: BTreeSet<&Change> = now.difference.steps.iter().map(|it| &it.change).collect();
    let (entry, again) = made.find(|(_, it)| wanted.contains(&it.change))?;
    Some((entry.stamp.at.clone(), again.change.brief()))
}

/// The rules of an environment as its last receipt knows them.
fn remembered(gates: &Gates) -> Option<Rules> {
    if gates.get("protected").map(String::as_str) != Some("true") {
        return None;
    }
    let valid_for = gates.get("valid_for").and_then(|said| said.split(' ').next()?.parse().ok());
    let list = gates.get("approved_plans").filter(|list| *list != "none");
    Some(Rules { valid_for: valid_for.unwrap_or(0), approved_plans: list.cloned() })
}

/// What becomes of receipts in this transaction.
pub(super) enum Receipts {
    /// They are kept.
    Kept,
    /// They are not, which is said.
    Not(Option<Box<Diagnostic>>),
}

/// Whether it may go on, as far as the receipts say. Under the lock.
pub(super) async fn admit<W: Execute>(
    warehouse: &mut W,
    held: &Held,
    settings: &Settings<'_>,
    now: &Compared,
) -> Result<Result<Receipts, Vec<Refusal>>, Failure> {
    if settings.custody.rehearsal {
        return Ok(Ok(Receipts::Not(None)));
    }
    let mut store = warehouse.store().await?;
    let refuse = |code, message: String, help: &str| {
        Ok(Err(vec![Refusal { code, message, help: help.to_owned() }]))
    };
    let is_to_have_some = held.protected && !settings.custody.begin_receipts && has_grants(now);
    if is_to_have_some && has_none(warehouse, &store, now).await? {
        return refuse(
            "receipts-missing",
            "roles of this environment have grants here, and there are no receipts of it: either \
             nothing was applied here since there are receipts, or somebody has taken them away, \
             and what was applied already cannot be told"
                .to_owned(),
            "if they were never there, say so once: --begin-receipts",
        );
    }
    if store == Store::Missing {
        store = warehouse.make_store().await?;
    }
    match store {
        Store::Strange(why) => {
            refuse("receipts-not-ours", why, "nothing is written to it, and nothing was changed")
        }
        Store::Closed(why) if held.protected => refuse(
            "receipts-closed",
            format!("no receipt can be kept here, and a protected environment needs one: {why}"),
            "nothing was changed",
        ),
        Store::Closed(why) => {
            let warning = Diagnostic::warning("no-receipt", format!("no receipt is kept: {why}"));
            Ok(Ok(Receipts::Not(Some(Box::new(warning)))))
        }
        Store::Missing => Ok(Ok(Receipts::Kept)),
        Store::Ready => {
            if let (true, Some(sha256)) = (held.protected, &settings.custody.plan_sha256) {
                let receipts = all(warehouse, now).await?;
                let mut whole = receipts.iter().filter(|it| it.receipt.outcome == Extent::Applied);
                if let Some(entry) = whole.rfind(|it| is_of(it, sha256, settings.plan)) {
                    let Stamp { at, session_user, .. } = &entry.stamp;
                    let is_rebuilt = |plan| only_grants_again(plan, &now.observed, &now.difference);
                    let help = match settings.plan.is_some_and(is_rebuilt) {
                        true => AGAIN_REBUILT,
                        false => "a plan is applied once: make another for what differs now",
                    };
                    return refuse(
                        "plan-replayed",
                        format!("this plan was applied at {at} by {session_user}"),
                        help,
                    );
                }
                if let Some((at, again)) = made_before(&receipts, sha256, settings.plan, now) {
                    return refuse(
                        "plan-replayed",
                        format!("a part of this plan was applied at {at}, and is gone: {again}"),
                        "a plan is applied once: make another for what differs now",
                    );
                }
            }
            Ok(Ok(Receipts::Kept))
        }
    }
}

/// Whether this environment has no receipts at all. Those of others say nothing of it.
async fn has_none<W: Observe>(
    warehouse: &mut W,
    store: &Store,
    now: &Compared,
) -> Result<bool, WarehouseError> {
    match store {
        Store::Missing => Ok(true),
        Store::Ready => {
            Ok(last(warehouse, &now.scope.deployment, &now.scope.environment).await?.is_none())
        }
        Store::Closed(_) | Store::Strange(_) => Ok(false),
    }
}

/// Whether something was applied in this database: its roles may be here for another one's sake.
fn has_grants(now: &Compared) -> bool {
    now.observed.acl.iter().any(|entry| {
        let role = now.observed.roles.get(&entry.grantee);
        role.is_some_and(
            |role| matches!(&role.marker, MarkerReading::Marker(marker) if now.scope.holds(marker)),
        )
    })
}

/// The receipt of changes: those that are made, in the same transaction, or that begin to be made.
pub(super) async fn receipt<W: Execute>(
    warehouse: &mut W,
    project: &Project,
    settings: &Settings<'_>,
    held: &Held,
    (now, changes, outcome): (&Compared, &[Change], Extent),
) -> Result<Entry, Failure> {
    let server = &now.observed.server;
    let stamp = warehouse.stamp().await?.unwrap_or_else(|| Stamp {
        at: receipts::iso(settings.custody.now),
        session_user: server.acting_as.to_string(),
        current_role: server.acting_as.to_string(),
    });
    let changes = receipts::done(changes, project.dialect(), &server.into());
    let receipt = Receipt {
        version: RECEIPT_VERSION,
        made_by: concat!("rolecall ", env!("CARGO_PKG_VERSION")).to_owned(),
        outcome,
        begun_at: None,
        deployment: now.scope.deployment.clone(),
        environment: now.scope.environment.clone(),
        instance: now.scope.instance.clone(),
        target: server.into(),
        manifest_sha256: project.manifest_sha256.clone(),
        config_sha256: project.config_sha256.clone(),
        plan: settings.custody.plan_sha256.as_ref().map(|sha256| PlanReceipt {
            sha256: sha256.clone(),
            id: settings.plan.map(id_of),
            author: settings.plan.and_then(|plan| plan.author.clone()),
            approved_by: held.approved_by.clone(),
            promoted_from: settings.plan.and_then(|plan| plan.promoted_from.clone()),
        }),
        applied_by: settings.custody.applied_by.clone(),
        gates: held.gates.clone(),
        roles: roles(now),
        changes: changes.map_err(WarehouseError::from)?,
    };
    Ok(Entry { id: None, stamp, receipt })
}

/// The managed roles, by the names that they have and will have.
fn roles(now: &Compared) -> BTreeMap<Ident, RoleReceipt> {
    let of = |marker: &crate::model::Marker| RoleReceipt {
        product: marker.product.clone(),
        role: match &marker.policy {
            None => marker.role.clone(),
            Some(_) => marker.whose(),
        },
    };
    let observed = now.observed.roles.iter().filter_map(|(name, role)| match &role.marker {
        MarkerReading::Marker(marker) if now.scope.holds(marker) => {
            Some((name.clone(), of(marker)))
        }
        _ => None,
    });
    let desired = now.resolved.desired.roles.iter();
    observed.chain(desired.map(|(name, role)| (name.clone(), of(&role.marker)))).collect()
}
