//! What of a receipt that was begun is made: told by what is in effect.

use rolecall::apply::apply;
use rolecall::dialect;
use rolecall::model::DialectKind;
use rolecall::receipts::{ChangeReceipt, Entry, Extent};
use rolecall::warehouse::Execute;

use super::cuts::{planned, settings, shop};
use crate::apply_compare;

fn entry(kept: &Entry, changes: &[rolecall::model::Change]) -> Entry {
    let mut entry = kept.clone();
    let planned = |change: &rolecall::model::Change| ChangeReceipt {
        change: change.clone(),
        sql: Vec::new(),
        outcome: "planned".to_owned(),
        at: None,
    };
    entry.receipt.changes = changes.iter().map(planned).collect();
    entry.receipt.outcome = Extent::Begun;
    entry
}

#[tokio::test]
async fn a_change_is_in_effect_once_it_is_made_and_not_before_and_not_once_it_is_undone() {
    let project = shop();
    let fresh = apply_compare::whole(&project);
    let plan = planned(&project, &fresh).await;
    let changes: Vec<_> = plan.changes.iter().map(|it| it.change.clone()).collect();
    let mut warehouse = fresh.clone();
    apply(&mut warehouse, &project, &settings(&plan, 1_800_000_000)).await.unwrap();
    let kept = warehouse.kept()[0].clone();
    let begun = entry(&kept, &changes);
    assert!(begun.made(fresh.state()).is_empty());
    let made = begun.made(warehouse.state());
    assert_eq!(made.len(), changes.len());
    assert!(made.iter().all(|it| it.outcome == "done" && it.at.as_ref() == Some(&kept.stamp.at)));
    let mut undone = 0;
    for change in &changes {
        let Some(back) = dialect::of(DialectKind::Postgres).reverse(change) else { continue };
        let mut warehouse = warehouse.clone();
        warehouse.begin().await.unwrap();
        if warehouse.execute(std::slice::from_ref(&back)).await.is_err() {
            continue;
        }
        warehouse.commit().await.unwrap();
        let one = |change| entry(&kept, std::slice::from_ref(change));
        assert!(one(change).made(warehouse.state()).is_empty(), "{change:?}");
        assert_eq!(one(&back).made(warehouse.state()).len(), 1, "{back:?}");
        // What is known to have been made was made, though it is not so any more.
        let mut known = one(change);
        known.receipt.changes[0].outcome = "done".to_owned();
        assert_eq!(known.made(warehouse.state()).len(), 1);
        undone += 1;
    }
    assert!(undone > 10, "{undone}");
}

#[tokio::test]
async fn a_receipt_is_gone_on_with_by_the_same_plan_and_by_no_other() {
    let project = shop();
    let mut warehouse = apply_compare::whole(&project);
    let plan = planned(&project, &warehouse).await;
    apply(&mut warehouse, &project, &settings(&plan, 1_800_000_000)).await.unwrap();
    let kept = warehouse.kept()[0].clone();
    let begun = entry(&kept, &[]);
    assert!(begun.goes_on_as(&kept.receipt));
    assert!(!kept.goes_on_as(&kept.receipt), "it is finished");
    let other = |change: fn(&mut Entry)| {
        let mut other = kept.clone();
        change(&mut other);
        begun.goes_on_as(&other.receipt)
    };
    assert!(!other(|it| it.receipt.plan.as_mut().unwrap().sha256 = "11".repeat(32)));
    assert!(!other(|it| it.receipt.plan = None));
    assert!(!other(|it| it.receipt.instance = Some("jane".to_owned())));
    // Without plans, by what they were made from.
    let mut plain = kept.clone();
    plain.receipt.plan = None;
    let begun = entry(&plain, &[]);
    assert!(begun.goes_on_as(&plain.receipt));
    plain.receipt.config_sha256 = "22".repeat(32);
    assert!(!begun.goes_on_as(&plain.receipt));
}
