//! The unit of work: lock, observe, compare, execute, read back, commit.

use std::collections::BTreeSet;

use super::begun;
use super::custody::{self, Custody, Held, Receipts};
use super::{Compared, Failure, compare};
use crate::model::{Change, Diagnostic, Diagnostics, Securable};
use crate::plan::{self, Options, Plan, Refusal, Stale};
use crate::project::Project;
use crate::receipts::{Entry, Extent};
use crate::warehouse::{Execute, WarehouseError};

/// How to apply.
#[derive(Debug, Clone, Default)]
pub struct Settings<'a> {
    /// What the plan may do.
    pub options: Options,
    /// The reviewed plan that must still fit.
    pub plan: Option<&'a Plan>,
    /// Empty the roles of this environment.
    pub retire: Option<String>,
    /// At most this many changes in one transaction; `None` for all in one.
    pub batch: Option<usize>,
    /// What guards it from outside of the plan, and what its receipt says.
    pub custody: Custody<'a>,
}

/// How an apply ended.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing had to be done.
    InSync(Box<Compared>),
    /// Done, read back and found as declared.
    Applied {
        /// What was planned, and is done.
        done: Vec<Change>,
        /// The state after it.
        after: Box<Compared>,
        /// What is kept of it: one receipt, or one for each batch.
        receipts: Vec<Entry>,
    },
    /// Not begun: the environment is protected, or its receipts cannot be kept.
    Refused(Vec<Refusal>),
    /// Not begun: errors, or something refused.
    NotAllowed(Box<Compared>),
    /// Not begun: the plan is stale.
    Stale(Stale),
    /// Rolled back, nothing changed: reading back showed a difference.
    Differs(Box<Compared>),
    /// Done, where nothing can be rolled back; but reading back shows a difference.
    DoneButDiffers {
        /// What was executed, and reported as done.
        done: Vec<Change>,
        /// What is there now.
        after: Box<Compared>,
    },
    /// Some batches are in, the rest is not.
    Partly {
        /// What is done.
        done: Vec<Change>,
        /// Why the rest is not.
        failure: Failure,
    },
}

/// How often a transaction that met a concurrent change is tried again.
const TRIES: u32 = 5;

/// Applies, in one transaction unless batches are wanted.
pub async fn apply<W: Execute>(
    warehouse: &mut W,
    project: &Project,
    settings: &Settings<'_>,
) -> Result<Outcome, Failure> {
    let settings = &Settings { options: options(settings), ..settings.clone() };
    let server = match settings.plan {
        Some(_) => Some(warehouse.identity().await?),
        None => None,
    };
    let held = match custody::enter(warehouse, project, settings, server.as_ref()).await? {
        Ok(held) => held,
        Err(refusals) => return Ok(Outcome::Refused(refusals)),
    };
    if let (Some(plan), Some(server)) = (settings.plan, &server) {
        let environment = settings.retire.as_deref().unwrap_or(&project.environment);
        if let Err(stale) = plan::made_for(plan, server, environment) {
            return Ok(Outcome::Stale(stale));
        }
    }
    // Without work there is no need for the lock, nor for the right to take it.
    let before = compare(warehouse, project, &settings.options, settings.retire.as_deref()).await?;
    if !before.is_clean() {
        return Ok(Outcome::NotAllowed(Box::new(before)));
    }
    if before.difference.steps.is_empty() {
        if let Err(stale) = check_plan(settings, held.strict, &before) {
            return Ok(Outcome::Stale(stale));
        }
        if !begun::is_left(warehouse, settings, &before).await? {
            return Ok(Outcome::InSync(Box::new(before)));
        }
    } else if held.unknown {
        let retired = &before.scope.environment;
        return Ok(Outcome::Refused(vec![Refusal {
            code: "receipts-missing",
            message: format!(
                "there are no receipts of {retired} here, so whether it is protected is not known: \
                 it may have been applied over another database of this server"
            ),
            help: "retire it over the connection that it was applied over; where there never were \
                   receipts of it, say so once: --begin-receipts"
                .to_owned(),
        }]));
    }
    warehouse.prepare(&before.scope)?;
    let (mut done, mut kept) = (Vec::new(), Vec::new());
    loop {
        match one_transaction(warehouse, project, (settings, &held), &done).await {
            Ok(Part::Ended(outcome)) => {
                let mut outcome = finish(*outcome, done, kept);
                if let Outcome::Applied { done: _, after, receipts: _ } = &mut outcome {
                    // Read back, they are members like any other.
                    after.difference.adopted_members = before.difference.adopted_members;
                }
                return Ok(outcome);
            }
            Ok(Part::More(changes, entry)) => {
                done.extend(changes);
                kept.extend(entry.map(|entry| *entry));
            }
            Err(failure) if done.is_empty() => return Err(failure),
            Err(failure) => return Ok(Outcome::Partly { done, failure }),
        }
    }
}

/// A reviewed plan has passed the guards when it was made, and covers each revoke by name.
fn options(settings: &Settings) -> Options {
    let mut options = settings.options.clone();
    if settings.plan.is_some() {
        options.allow_revokes = Some(u64::MAX);
    }
    options
}

fn finish(outcome: Outcome, mut before: Vec<Change>, mut kept: Vec<Entry>) -> Outcome {
    match outcome {
        Outcome::Applied { done, after, receipts } => {
            before.extend(done);
            kept.extend(receipts);
            Outcome::Applied { done: before, after, receipts: kept }
        }
        Outcome::InSync(after) if !before.is_empty() => {
            Outcome::Applied { done: before, after, receipts: kept }
        }
        Outcome::Refused(refusals) if !before.is_empty() => {
            let refused = refusals.into_iter().map(|refusal| refusal.message);
            let failure = stopped("the rest is refused", refused);
            Outcome::Partly { done: before, failure: Failure::Found(failure) }
        }
        // What the batches before have done stays done, whatever stopped this one.
        Outcome::Differs(now) if !before.is_empty() => {
            let left = now.difference.steps.iter().map(|step| step.change.brief());
            partly(before, &now, "reading back showed a difference", left)
        }
        Outcome::NotAllowed(now) if !before.is_empty() => {
            let refused = now.difference.refused.iter().map(|refusal| refusal.message.clone());
            partly(before, &now, "the rest is refused", refused)
        }
        Outcome::Stale(Stale { because, help: _ }) if !before.is_empty() => {
            let failure = stopped("the plan became stale meanwhile", because.into_iter());
            Outcome::Partly { done: before, failure: Failure::Found(failure) }
        }
        outcome => outcome,
    }
}

fn partly(
    done: Vec<Change>,
    now: &Compared,
    what: &str,
    details: impl Iterator<Item = String>,
) -> Outcome {
    let mut found = now.findings();
    found.extend(stopped(what, details));
    Outcome::Partly { done, failure: Failure::Found(found) }
}

fn stopped(what: &str, details: impl Iterator<Item = String>) -> Diagnostics {
    let mut found = Diagnostics::default();
    for detail in details {
        found.push(Diagnostic::error("stopped", format!("{what}: {detail}")));
    }
    if found.iter().next().is_none() {
        found.push(Diagnostic::error("stopped", what));
    }
    found
}

enum Part {
    Ended(Box<Outcome>),
    More(Vec<Change>, Option<Box<Entry>>),
}

async fn one_transaction<W: Execute>(
    warehouse: &mut W,
    project: &Project,
    custody: (&Settings<'_>, &Held),
    done: &[Change],
) -> Result<Part, Failure> {
    let mut tries = 0;
    loop {
        warehouse.begin().await?;
        match in_transaction(warehouse, project, custody, done).await {
            Ok(Wanted::Commit(changes, after, entry)) => {
                warehouse.commit().await?;
                let receipts = entry.into_iter().map(|entry| *entry).collect();
                let ended = Outcome::Applied { done: changes, after, receipts };
                return Ok(Part::Ended(Box::new(ended)));
            }
            Ok(Wanted::CommitPart(changes, entry)) => {
                warehouse.commit().await?;
                return Ok(Part::More(changes, entry));
            }
            Ok(Wanted::RollBack(mut outcome)) => {
                match (warehouse.roll_back().await, &mut outcome) {
                    // What is done and what is not comes first.
                    (Err(also), Outcome::Partly { failure: Failure::Found(found), .. }) => {
                        found.push(Diagnostic::error("stopped", also.to_string()));
                    }
                    (ended, _) => ended?,
                }
                return Ok(Part::Ended(Box::new(outcome)));
            }
            Err(Failure::Warehouse(WarehouseError::Retry(_))) if tries < TRIES => {
                warehouse.roll_back().await?;
                tries += 1;
                tokio::time::sleep(std::time::Duration::from_millis(50 << tries)).await;
            }
            Err(failure) => {
                // The first failure is the one to tell; a broken connection rolls back by itself.
                let _ = warehouse.roll_back().await;
                return Err(failure);
            }
        }
    }
}

enum Wanted {
    Commit(Vec<Change>, Box<Compared>, Option<Box<Entry>>),
    CommitPart(Vec<Change>, Option<Box<Entry>>),
    RollBack(Outcome),
}

async fn in_transaction<W: Execute>(
    warehouse: &mut W,
    project: &Project,
    (settings, held): (&Settings<'_>, &Held),
    done: &[Change],
) -> Result<Wanted, Failure> {
    let retire = settings.retire.as_deref();
    let mut options = settings.options.clone();
    if !done.is_empty() {
        // The guards have let the whole pass; a batch of it is no news.
        options.allow_revokes = Some(u64::MAX);
    }
    let now = compare(warehouse, project, &options, retire).await?;
    if !now.is_clean() {
        return Ok(Wanted::RollBack(Outcome::NotAllowed(Box::new(now))));
    }
    if let Err(stale) = check_plan(settings, held.strict, &now) {
        return Ok(Wanted::RollBack(Outcome::Stale(stale)));
    }
    let mut changes: Vec<Change> =
        now.difference.steps.iter().map(|step| step.change.clone()).collect();
    if changes.is_empty() {
        let custody = (settings, held);
        return Ok(match begun::finish_left(warehouse, project, custody, &now).await? {
            Some(entry) => Wanted::Commit(changes, Box::new(now), Some(Box::new(entry))),
            None => Wanted::RollBack(Outcome::InSync(Box::new(now))),
        });
    }
    // What a batch before has done and is to be done again has had no effect, and never will.
    if changes.iter().any(|change| done.contains(change)) {
        return Ok(Wanted::RollBack(Outcome::Differs(Box::new(now))));
    }
    if let Some(refusal) = &held.once_it_changes {
        return Ok(Wanted::RollBack(Outcome::Refused(vec![refusal.clone()])));
    }
    let receipts = match custody::admit(warehouse, held, settings, &now).await? {
        Ok(receipts) => receipts,
        Err(refusals) => return Ok(Wanted::RollBack(Outcome::Refused(refusals))),
    };
    let whole = changes.len();
    if let Some(size) = settings.batch {
        changes = first_batch(changes, size.max(1));
    }
    let part = changes.len() < whole;
    let custody = (settings, held);
    let begun = begun::begin(warehouse, project, custody, &receipts, (&now, &changes)).await?;
    match warehouse.execute(&changes).await {
        Err(WarehouseError::Partly { done, message }) => {
            begun::cut(warehouse, begun, &done).await;
            let failure = Failure::Found(stopped(&message, std::iter::empty()));
            return Ok(Wanted::RollBack(Outcome::Partly { done, failure }));
        }
        executed => executed?,
    }
    if part {
        let made = (&now, &changes[..], Extent::Part);
        let entry = match keep(warehouse, project, custody, (&receipts, begun), made).await {
            Err(failure) if !warehouse.is_transactional() => {
                return Ok(unfinished(changes, &failure));
            }
            kept => kept?,
        };
        return Ok(Wanted::CommitPart(changes, entry));
    }
    let mut after = compare(warehouse, project, &options, retire).await?;
    let differs = !after.difference.steps.is_empty() || after.difference.found.has_errors();
    if differs && rebuilt_meanwhile(&now, &after) {
        let what = "a relation was rebuilt while its grants were made".to_owned();
        return Err(Failure::Warehouse(WarehouseError::Retry(what)));
    }
    if differs && !warehouse.is_transactional() {
        let after = Box::new(after);
        return Ok(Wanted::RollBack(Outcome::DoneButDiffers { done: changes, after }));
    }
    if differs {
        return Ok(Wanted::RollBack(Outcome::Differs(Box::new(after))));
    }
    let made = (&now, &changes[..], Extent::Applied);
    let entry = match keep(warehouse, project, custody, (&receipts, begun), made).await {
        Err(failure) if !warehouse.is_transactional() => return Ok(unfinished(changes, &failure)),
        kept => kept?,
    };
    if let Receipts::Not(Some(warning)) = receipts {
        after.warnings.push(*warning);
    }
    Ok(Wanted::Commit(changes, Box::new(after), entry))
}

/// The receipt of what was made; in the table too, where there is one.
async fn keep<W: Execute>(
    warehouse: &mut W,
    project: &Project,
    (settings, held): (&Settings<'_>, &Held),
    (receipts, begun): (&Receipts, Option<Entry>),
    made: (&Compared, &[Change], Extent),
) -> Result<Option<Box<Entry>>, Failure> {
    if settings.custody.rehearsal {
        return Ok(None);
    }
    if let Some(begun) = begun {
        return Ok(Some(Box::new(begun::finish(warehouse, begun, made.2).await?)));
    }
    let entry = custody::receipt(warehouse, project, settings, held, made).await?;
    if let Receipts::Kept = receipts {
        warehouse.keep(&entry).await?;
    }
    Ok(Some(Box::new(entry)))
}

/// What is made stays made, where nothing can be rolled back; but its receipt is not finished.
fn unfinished(done: Vec<Change>, failure: &Failure) -> Wanted {
    let what = "all changes are made, but the receipt could not be finished";
    let failure = Failure::Found(stopped(what, [failure.to_string()].into_iter()));
    Wanted::RollBack(Outcome::Partly { done, failure })
}

/// The first changes, and with an owner's change the grants on what it hands over: what the old
/// owner held is theirs only once those are made.
fn first_batch(changes: Vec<Change>, size: usize) -> Vec<Change> {
    let relation = |on: &Securable| (on.schema_name().cloned(), on.name().cloned());
    let moved: BTreeSet<_> = changes
        .iter()
        .take(size)
        .filter_map(|change| match change {
            Change::SetOwner { on, .. } => Some(relation(on)),
            _ => None,
        })
        .collect();
    let belongs = |change: &Change| match change {
        Change::Grant { on, .. } => moved.contains(&relation(on)),
        _ => false,
    };
    let batch = changes.into_iter().enumerate();
    batch.filter(|(at, change)| *at < size || belongs(change)).map(|(_, change)| change).collect()
}

/// Whether some relation that is declared on lives another life than when the changes were planned.
fn rebuilt_meanwhile(now: &Compared, after: &Compared) -> bool {
    let relations = |compared: &Compared| compared.observed.inventory.relations.clone();
    let (before, later) = (relations(now), relations(after));
    before
        .iter()
        .any(|(key, was)| later.get(key).is_none_or(|is| is.incarnation != was.incarnation))
        || later.keys().any(|key| !before.contains_key(key))
}

fn check_plan(settings: &Settings, strict: bool, now: &Compared) -> Result<(), Stale> {
    match settings.plan {
        Some(plan) => {
            plan::ended(plan, &now.resolved.desired)?;
            plan::fits(plan, &now.scope, &now.observed, &now.difference, strict)
        }
        None => Ok(()),
    }
}
