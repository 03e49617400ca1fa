//! Receipts where changes commit one by one: begun before the first change, finished after reading
//! back, and taken up again where an apply was cut.

use super::custody::{self, Held, Receipts};
use super::{Compared, Failure, Settings};
use crate::model::Change;
use crate::project::Project;
use crate::receipts::{Ask, DONE, Entry, Extent, Only, PLANNED};
use crate::warehouse::{Execute, Observe, WarehouseError};

/// Receipts of this environment that were begun and not finished. Under the lock, they are those of
/// applies that are dead.
async fn left<W: Observe>(warehouse: &mut W, now: &Compared) -> Result<Vec<Entry>, WarehouseError> {
    let ask = Ask {
        deployment: now.scope.deployment.clone(),
        environment: now.scope.environment.clone(),
        only: Only::Begun,
    };
    warehouse.receipts(&ask).await
}

/// Whether an apply was cut whose receipt is to be finished, though nothing else is to be done.
pub(super) async fn is_left<W: Execute>(
    warehouse: &mut W,
    settings: &Settings<'_>,
    now: &Compared,
) -> Result<bool, Failure> {
    if warehouse.is_transactional() || settings.custody.rehearsal {
        return Ok(false);
    }
    match left(warehouse, now).await {
        Ok(entries) => Ok(!entries.is_empty()),
        // Whoever may not see receipts keeps none.
        Err(WarehouseError::Statement { .. } | WarehouseError::Forbidden(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Begins the receipt of `changes`, before the first of them. Goes on with that of the same apply
/// that was cut, and settles those of others. `None` where a transaction does all that.
pub(super) async fn begin<W: Execute>(
    warehouse: &mut W,
    project: &Project,
    (settings, held): (&Settings<'_>, &Held),
    receipts: &Receipts,
    (now, changes): (&Compared, &[Change]),
) -> Result<Option<Entry>, Failure> {
    if warehouse.is_transactional() || !matches!(receipts, Receipts::Kept) {
        return Ok(None);
    }
    let made = (now, changes, Extent::Begun);
    let mut entry = custody::receipt(warehouse, project, settings, held, made).await?;
    for change in &mut entry.receipt.changes {
        change.outcome = PLANNED.to_owned();
    }
    let before = take_up(warehouse, now, &mut entry).await?;
    let before = before.map(|begun| {
        let mut made = begun.made(&now.observed);
        made.retain(|done| !changes.contains(&done.change));
        made
    });
    entry.receipt.changes.splice(0..0, before.unwrap_or_default());
    warehouse.keep(&entry).await?;
    Ok(Some(entry))
}

/// Finishes a receipt that was begun: all of its changes are made, and read back.
pub(super) async fn finish<W: Execute>(
    warehouse: &mut W,
    mut entry: Entry,
    outcome: Extent,
) -> Result<Entry, Failure> {
    if let Some(stamp) = warehouse.stamp().await? {
        entry.stamp = stamp;
    }
    entry.receipt.outcome = outcome;
    for change in &mut entry.receipt.changes {
        change.outcome = DONE.to_owned();
    }
    warehouse.keep(&entry).await?;
    Ok(entry)
}

/// Says of an apply that failed on the way which of its changes are made. Only what it can: what is
/// not said is found out by the next apply.
pub(super) async fn cut<W: Execute>(warehouse: &mut W, begun: Option<Entry>, done: &[Change]) {
    let Some(mut entry) = begun else { return };
    for change in &mut entry.receipt.changes {
        if done.contains(&change.change) {
            change.outcome = DONE.to_owned();
        }
    }
    let _ = warehouse.keep(&entry).await;
}

/// Finishes what was left, where nothing is to be changed any more: the receipt of this very apply,
/// if that was cut after its last change.
pub(super) async fn finish_left<W: Execute>(
    warehouse: &mut W,
    project: &Project,
    (settings, held): (&Settings<'_>, &Held),
    now: &Compared,
) -> Result<Option<Entry>, Failure> {
    if !is_left(warehouse, settings, now).await? {
        return Ok(None);
    }
    let made = (now, &[][..], Extent::Applied);
    let mut entry = custody::receipt(warehouse, project, settings, held, made).await?;
    let Some(begun) = take_up(warehouse, now, &mut entry).await? else { return Ok(None) };
    entry.receipt.changes = begun.made(&now.observed);
    warehouse.keep(&entry).await?;
    Ok(Some(entry))
}

/// Makes `entry` the continuation of what was begun by the same apply, and settles all else.
async fn take_up<W: Execute>(
    warehouse: &mut W,
    now: &Compared,
    entry: &mut Entry,
) -> Result<Option<Entry>, Failure> {
    let mut taken = None;
    for begun in left(warehouse, now).await? {
        if taken.is_none() && begun.goes_on_as(&entry.receipt) {
            taken = Some(begun);
        } else {
            warehouse.keep(&begun.settled(&now.observed)).await?;
        }
    }
    entry.id = taken.as_ref().and_then(|begun| begun.id.clone());
    entry.id.get_or_insert_with(|| uuid::Uuid::new_v4().to_string());
    let begun_at = taken.as_ref().map_or(entry.stamp.at.as_str(), Entry::begun_at).to_owned();
    entry.receipt.begun_at = Some(begun_at);
    if let Some(begun) = &taken {
        for (name, role) in &begun.receipt.roles {
            entry.receipt.roles.entry(name.clone()).or_insert_with(|| role.clone());
        }
    }
    Ok(taken)
}
