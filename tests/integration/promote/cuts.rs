//! The apply of a promotion's plan, cut anywhere and run again: the promoted state, and one receipt.

use std::time::Instant;

use rolecall::apply::{Custody, Outcome, Settings, apply, compare};
use rolecall::plan::Signature;
use rolecall::project::{Places, Project};
use rolecall::promote::How;

use super::stage::Stage;
use crate::apply_compare;
use crate::rules::site::model;

const NOW: i64 = 1_800_000_000;

#[tokio::test]
async fn every_cut_in_memory_is_finished_by_a_second_run_with_one_receipt() {
    let places = Places {
        project_dir: std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("dbt_fixtures/sales_analytics"),
        target: Some("prod".to_owned()),
        ..Places::default()
    };
    let project = Project::load(&places, NOW).0.unwrap();
    let fresh = apply_compare::whole(&project);
    let options = How::default().options();
    let compared = compare(&mut fresh.clone(), &project, &options, None).await.unwrap();
    let plan = compared.plan(&project, &options, false).unwrap();
    let plan = plan.signed(Signature { made_at: NOW, ..Signature::default() });
    assert!(plan.allowed.only_adds && plan.changes.len() > 20);
    let custody = Custody { plan_sha256: Some("00".repeat(32)), now: NOW, ..Custody::default() };
    let settings = Settings {
        options: plan.allowed.options(),
        plan: Some(&plan),
        custody,
        ..Settings::default()
    };
    for cut in 0..=plan.changes.len() {
        let mut warehouse = fresh.clone().dying_after(cut);
        let ended = apply(&mut warehouse, &project, &settings).await;
        assert!(ended.is_err(), "cut {cut}");
        assert_eq!(warehouse.state(), fresh.state(), "cut {cut}");
        let ended = apply(&mut warehouse, &project, &settings).await.unwrap();
        assert!(matches!(ended, Outcome::Applied { .. }), "cut {cut}: {ended:?}");
        let ended = apply(&mut warehouse, &project, &settings).await.unwrap();
        assert!(matches!(ended, Outcome::InSync(_)), "cut {cut}: {ended:?}");
        assert_eq!(warehouse.kept().len(), 1, "cut {cut}");
    }
}

#[tokio::test]
async fn two_promotions_that_differ_at_once_end_as_both() {
    for stage in Stage::each().await {
        let (part, whole) = (stage.path("part.json"), stage.path("whole.json"));
        let files = [part.to_str().unwrap(), whole.to_str().unwrap()];
        for (file, more) in files.into_iter().zip([&["-s", "t"][..], &[]]) {
            let words = ["promote", "--from", "dev", "--to", "prod", "--out", file];
            stage.run(&[&words, more].concat()).ends(0);
        }
        let apply = |file| {
            let mut command = stage.command(&["apply", file, "-t", "prod"]);
            command.env("ROLECALL_CONNECTION", stage.prod.url(None)).spawn().unwrap()
        };
        for child in files.map(apply) {
            let ended = child.wait_with_output().unwrap();
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        }
        stage.run(&["verify", "-t", "prod"]).ends(0);
        let kept = stage.receipts().await;
        let changes: usize = kept.iter().map(|it| it["changes"].as_array().unwrap().len()).sum();
        assert_eq!(changes, 11, "each change stands in one receipt: {kept:#?}");
    }
}

#[tokio::test]
async fn a_killed_apply_run_again_ends_promoted_with_one_receipt() {
    for stage in Stage::each().await {
        let plan = stage.path("plan.json");
        let apply = ["apply", plan.to_str().unwrap(), "-t", "prod"];
        stage.promote(&[]).ends(0);
        let started = Instant::now();
        stage.apply().ends(0);
        let whole = started.elapsed();
        let mut models: Vec<_> = Stage::plain().into();
        let mut members = "analyst:\n  - {user: taylor}\n".to_owned();
        for cut in 0..7u32 {
            let name = format!("s.k{cut}");
            for ground in [&stage.dev, &stage.prod] {
                ground.sql(&format!("create table {name} (x int); create role ~m{cut}")).await;
            }
            models.push(model(name).gives("analyst", &["read"]).gives("engineer", &["read"]));
            members.push_str(&format!("  - {{user: m{cut}}}\n"));
            stage.members(&members);
            stage.models("dev", &models);
            stage.models("prod", &models);
            stage.apply_in_dev();
            stage.promote(&[]).ends(0).says("To add: 2 grants, 1 member.");
            let mut command = stage.command(&apply);
            command.env("ROLECALL_CONNECTION", stage.prod.url(None));
            let mut child = command.spawn().unwrap();
            std::thread::sleep(whole.mul_f64(f64::from(cut) / 6.0));
            child.kill().unwrap();
            child.wait().unwrap();
            stage.apply().ends(0);
            stage.run(&["verify", "-t", "prod"]).ends(0);
            assert_eq!(stage.receipts().await.len(), cut as usize + 2, "cut {cut}");
        }
    }
}
