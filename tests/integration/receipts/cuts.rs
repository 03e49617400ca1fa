//! An apply that is cut anywhere and run again: the applied state, and exactly one receipt.

use std::time::Instant;

use rolecall::apply::{Custody, Outcome, Settings, apply};
use rolecall::plan::{Plan, Signature};
use rolecall::project::{Places, Project};
use rolecall::receipts::Store;
use rolecall::warehouse::memory::Memory;

use super::protected::{config, plan};
use super::table::receipts;
use crate::apply_compare;
use crate::rules::site::{Site, model};

const NOW: i64 = 1_800_000_000;

/// The fixture's protected environment, on a warehouse that has its relations and people.
pub fn shop() -> Project {
    let places = Places {
        project_dir: std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("dbt_fixtures/sales_analytics"),
        target: Some("prod".to_owned()),
        ..Places::default()
    };
    Project::load(&places, NOW).0.unwrap()
}

pub async fn planned(project: &Project, warehouse: &Memory) -> Plan {
    let options = rolecall::plan::Options::default();
    let mut warehouse = warehouse.clone();
    let compared = rolecall::apply::compare(&mut warehouse, project, &options, None).await.unwrap();
    assert!(compared.is_clean(), "{:?}", compared.findings());
    assert!(compared.difference.steps.len() > 20);
    let plan = compared.plan(project, &options, false).unwrap();
    plan.signed(Signature { made_at: NOW, ..Signature::default() })
}

pub fn settings<'a>(plan: &'a Plan, now: i64) -> Settings<'a> {
    let custody = Custody { plan_sha256: Some("00".repeat(32)), now, ..Custody::default() };
    Settings { plan: Some(plan), custody, ..Settings::default() }
}

#[tokio::test]
async fn every_cut_in_memory_is_finished_by_a_second_run_with_one_receipt() {
    let project = shop();
    let fresh = apply_compare::whole(&project);
    let plan = planned(&project, &fresh).await;
    let settings = settings(&plan, NOW);
    // One more than there are changes: the receipt is a step, too.
    for cut in 0..=plan.changes.len() {
        let mut warehouse = fresh.clone().dying_after(cut);
        let ended = apply(&mut warehouse, &project, &settings).await;
        assert!(ended.is_err(), "cut {cut}");
        assert_eq!(warehouse.state(), fresh.state(), "cut {cut}");
        assert!(warehouse.kept().is_empty(), "cut {cut}");
        let ended = apply(&mut warehouse, &project, &settings).await.unwrap();
        assert!(matches!(ended, Outcome::Applied { .. }), "cut {cut}: {ended:?}");
        assert_eq!(warehouse.kept().len(), 1);
        let ended = apply(&mut warehouse, &project, &settings).await.unwrap();
        assert!(matches!(ended, Outcome::InSync(_)), "cut {cut}: {ended:?}");
        assert_eq!(warehouse.kept().len(), 1);
    }
}

#[tokio::test]
async fn batches_that_are_cut_are_finished_with_the_same_plan() {
    let project = shop();
    let fresh = apply_compare::whole(&project);
    let plan = planned(&project, &fresh).await;
    let settings = Settings { batch: Some(7), ..settings(&plan, NOW) };
    for cut in [3, 8, 9, 20, plan.changes.len()] {
        let mut warehouse = fresh.clone().dying_after(cut);
        let ended = apply(&mut warehouse, &project, &settings).await;
        let all = matches!(ended, Ok(Outcome::Applied { .. }));
        assert!(!all, "cut {cut}: {ended:?}");
        let begun = Settings {
            custody: Custody { begin_receipts: true, ..settings.custody.clone() },
            ..settings.clone()
        };
        let ended = apply(&mut warehouse, &project, &begun).await.unwrap();
        assert!(matches!(ended, Outcome::Applied { .. }), "cut {cut}: {ended:?}");
        let kept = warehouse.kept();
        let whole = kept.iter().filter(|it| it.receipt.outcome.as_str() == "applied").count();
        assert_eq!(whole, 1, "cut {cut}");
        let changes: usize = kept.iter().map(|it| it.receipt.changes.len()).sum();
        assert_eq!(changes, plan.changes.len(), "each change stands in one receipt");
    }
}

#[tokio::test]
async fn a_warehouse_without_receipts_takes_no_plan_where_it_is_protected() {
    let project = shop();
    let closed = Store::Closed("this warehouse keeps none".to_owned());
    let mut warehouse = apply_compare::whole(&project).with_store(closed);
    let plan = planned(&project, &warehouse).await;
    let before = warehouse.state().clone();
    let ended = apply(&mut warehouse, &project, &settings(&plan, NOW)).await.unwrap();
    let Outcome::Refused(refused) = ended else { panic!("{ended:?}") };
    assert_eq!(refused[0].code, "receipts-closed");
    assert_eq!(*warehouse.state(), before);
    // The same without a plan, or with one and no clock: the default guards.
    let ended = apply(&mut warehouse, &project, &Settings::default()).await.unwrap();
    assert!(matches!(ended, Outcome::Refused(_)), "{ended:?}");
}

#[tokio::test]
async fn an_apply_that_is_killed_leaves_no_receipt_or_one() {
    for site in Site::each().await {
        site.sql("create role ~ann").await;
        let names: Vec<String> = (0..12).map(|n| format!("s.k{n}")).collect();
        for name in &names {
            site.sql(&format!("create table {name} (x int)")).await;
        }
        site.config(&config(""));
        let first = plan(&site, &[]);
        let started = Instant::now();
        site.run(&["apply", &first]).ends(0);
        let whole = started.elapsed();
        let mut count = receipts(&site).await.len();
        for cut in 0..8 {
            let models: Vec<_> = names
                .iter()
                .map(|name| {
                    model(name).gives("analyst", if cut % 2 == 0 { &["read"] } else { &[] })
                })
                .chain([model("s.t").gives("analyst", &["read"])])
                .collect();
            site.models(&models);
            site.members(if cut % 2 == 0 { "analyst: [{user: ~ann}]" } else { "analyst: []" });
            let file = plan(&site, &["--allow-revokes", "99"]);
            let mut child = site.command(&["apply", &file]).spawn().unwrap();
            std::thread::sleep(whole.mul_f64(f64::from(cut) * 1.1 / 8.0));
            child.kill().unwrap();
            child.wait().unwrap();
            site.gone().await;
            let now = receipts(&site).await.len();
            assert!(now == count || now == count + 1, "cut {cut}");
            site.run(&["apply", &file]).ends(0);
            site.run(&["verify"]).ends(0);
            count += 1;
            assert_eq!(receipts(&site).await.len(), count, "cut {cut}");
        }
    }
}

#[tokio::test]
async fn two_applies_of_one_plan_at_once_leave_one_receipt() {
    for site in Site::each().await {
        site.config(&config(""));
        let file = plan(&site, &[]);
        let one = site.command(&["apply", &file]).spawn().unwrap();
        let two = site.command(&["apply", &file]).spawn().unwrap();
        let one = site.ran(one.wait_with_output().unwrap());
        let two = site.ran(two.wait_with_output().unwrap());
        assert_eq!((one.code, two.code), (0, 0), "{one:?}\n{two:?}");
        assert_eq!(receipts(&site).await.len(), 1);
    }
}
