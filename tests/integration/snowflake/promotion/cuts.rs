//! An apply that is cut at any statement and run again: the promoted state, and one receipt.

use std::collections::BTreeSet;

use rolecall::apply::{Custody, Outcome, Settings, apply, compare};
use rolecall::plan::{Options, Plan, Signature};
use rolecall::project::{Places, Project};
use rolecall::receipts::{Ask, Only};
use rolecall::warehouse::Observe;
use rolecall::warehouse::snowflake::{Snowflake, SnowflakeSettings};
use serde_json::{Value, json};

use super::stage::Stage;

const NOW: i64 = 1_800_000_000;
const WRITES: &str = "^(CREATE|GRANT|REVOKE|MERGE|ALTER TABLE|DROP)";

fn project(stage: &Stage) -> Project {
    let places = Places {
        project_dir: stage.path(""),
        target: Some("prod".to_owned()),
        ..Places::default()
    };
    let (project, found) = Project::load(&places, NOW);
    project.unwrap_or_else(|| panic!("{:?}", found.sorted()))
}

/// One session, so that statements come in one order.
async fn connect(stage: &Stage) -> Snowflake {
    let settings = SnowflakeSettings {
        role: Some("DEPLOYER".to_owned()),
        warehouse: Some("WH".to_owned()),
        ..stage.prod.settings()
    };
    Snowflake::connect(&settings, 1).await.unwrap().keeping_receipts_in("prod")
}

async fn planned(stage: &Stage, project: &Project) -> Plan {
    let options = Options::default();
    let compared = compare(&mut connect(stage).await, project, &options, None).await.unwrap();
    let plan = compared.plan(project, &options, false).unwrap();
    plan.signed(Signature { made_at: NOW, ..Signature::default() })
}

fn settings(plan: &Plan) -> Settings<'_> {
    let plan_sha256 = Some("00".repeat(32));
    let custody = Custody { plan_sha256, now: NOW, ..Custody::default() };
    Settings { plan: Some(plan), custody, ..Settings::default() }
}

/// As if the process had died there: nothing that it sends after has any effect.
async fn cut(stage: &Stage, project: &Project, settings: &Settings<'_>, at: usize, executed: bool) {
    let from = |nth: usize, times: u32, executed: bool| {
        json!({
            "kind": "drop", "match": WRITES, "nth": nth, "times": times, "executed": executed,
        })
    };
    let faults = match executed {
        // The first of the two that meets a statement decides what becomes of it.
        true => vec![from(at + 1, 0, false), from(at, 1, true)],
        false => vec![from(at, 0, false)],
    };
    let mut warehouse = connect(stage).await;
    stage.prod.tell("faults", &json!({ "faults": faults }));
    let _ = apply(&mut warehouse, project, settings).await;
    stage.prod.tell("faults", &json!({ "faults": [] }));
    let holder = warehouse.holder().to_owned();
    drop(warehouse);
    connect(stage).await.unlock(project.deployment().unwrap(), "prod", &holder).await.unwrap();
}

/// Everything that a whole apply leaves, but for receipts.
fn access(stage: &Stage) -> Value {
    let mut state = stage.prod.tell("state", &json!({}));
    let rows = state["objects"].as_array_mut().unwrap();
    rows.retain(|row| !row["name"].as_str().unwrap_or_default().contains("ROLECALL"));
    for object in rows {
        object["comment"].take();
    }
    state
}

fn changes(receipt: &Value) -> BTreeSet<String> {
    let changes = receipt["changes"].as_array().unwrap();
    assert!(changes.iter().all(|it| it["outcome"] == "done"), "{receipt:#}");
    let set: BTreeSet<String> = changes.iter().map(|it| it["change"].to_string()).collect();
    assert_eq!(set.len(), changes.len(), "no change stands there twice");
    set
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cut_is_finished_by_a_second_run_with_one_receipt() {
    let Some(stage) = Stage::one() else { return };
    for protected in [true, false] {
        stage.again();
        stage.config(if protected { "protected: true" } else { "protected: false" });
        // Others would be let in when the table is made.
        let inviting = [
            "GRANT INSERT, SELECT ON FUTURE TABLES IN DATABASE PROD TO ROLE SYSADMIN",
            "GRANT CREATE TABLE ON FUTURE SCHEMAS IN DATABASE PROD TO ROLE SYSADMIN",
            "GRANT OWNERSHIP ON FUTURE TABLES IN DATABASE PROD TO ROLE TRANSFORMER",
        ];
        stage.prod.sql(&inviting);
        let project = project(&stage);
        let plan = planned(&stage, &project).await;
        let with_plan = settings(&plan);
        let without =
            Settings { custody: Custody { now: NOW, ..Custody::default() }, ..Settings::default() };
        let settings = if protected { &with_plan } else { &without };
        let wanted: BTreeSet<String> = plan
            .changes
            .iter()
            .map(|it| serde_json::to_value(&it.change).unwrap().to_string())
            .collect();
        stage.prod.tell("clear", &json!({}));
        let whole = apply(&mut connect(&stage).await, &project, settings).await.unwrap();
        assert!(matches!(whole, Outcome::Applied { .. }), "{whole:?}");
        let is_write =
            |sql: &str| WRITES[2..WRITES.len() - 1].split('|').any(|it| sql.starts_with(it));
        let log = stage.prod.log();
        let said = log.iter().filter_map(|it| it["sql"].as_str().or(it["text"].as_str()));
        let writes = said.filter(|sql| is_write(sql)).count();
        assert!(writes > 20, "{writes}");
        let end = access(&stage);
        for executed in [false, true] {
            // Without a plan it goes the same way: a few will do.
            for at in (1..=writes).step_by(if protected { 1 } else { 5 }) {
                let what = format!("cut at {at} of {writes}, executed: {executed}");
                stage.again();
                stage.prod.sql(&inviting);
                cut(&stage, &project, settings, at, executed).await;
                let mut second = connect(&stage).await;
                let ended = apply(&mut second, &project, settings).await;
                let ended = ended.unwrap_or_else(|error| panic!("{what}: {error:?}"));
                assert!(
                    matches!(ended, Outcome::Applied { .. } | Outcome::InSync(_)),
                    "{what}: {ended:?}"
                );
                assert_eq!(access(&stage), end, "{what}");
                let receipts = stage.receipts();
                assert_eq!(receipts.len(), 1, "{what}: {receipts:#?}");
                assert_eq!(receipts[0].0, "applied", "{what}");
                assert_eq!(changes(&receipts[0].1), wanted, "{what}");
                assert_eq!(
                    stage.grants_on("PROD.ROLECALL.RECEIPTS"),
                    Vec::<String>::new(),
                    "{what}"
                );
                let ended = apply(&mut second, &project, settings).await.unwrap();
                assert!(matches!(ended, Outcome::InSync(_)), "{what}: {ended:?}");
                assert_eq!(stage.receipts().len(), 1, "{what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_of_something_else_settles_what_was_cut() {
    let Some(stage) = Stage::one() else { return };
    let first = project(&stage);
    let plan = planned(&stage, &first).await;
    cut(&stage, &first, &settings(&plan), 12, false).await;
    let ask = Ask {
        deployment: first.deployment().unwrap().to_owned(),
        environment: "prod".to_owned(),
        only: Only::Begun,
    };
    let mut warehouse = connect(&stage).await;
    assert_eq!(warehouse.receipts(&ask).await.unwrap().len(), 1);
    // Begun and not finished is told as such, and nobody is said to have what was only planned.
    let log = stage.run(&["log", "-t", "prod", "--person", "taylor", "--model", "t"]).ends(0);
    assert!(log.out.contains("begun and not finished"), "{log:?}");
    assert!(log.out.contains("planned: let TAYLOR into P_ANALYST"), "{log:?}");
    assert!(log.out.contains("taylor has nothing on t now"), "{log:?}");
    // The owner has thought better of it meanwhile.
    stage.members("analyst: [{user: sam}]\n");
    let second = project(&stage);
    let settings =
        Settings { custody: Custody { now: NOW, ..Custody::default() }, ..Settings::default() };
    let ended = apply(&mut warehouse, &second, &settings).await.unwrap();
    assert!(matches!(ended, Outcome::Applied { .. }), "{ended:?}");
    let receipts = stage.receipts();
    let outcomes: Vec<&str> = receipts.iter().map(|(outcome, _)| outcome.as_str()).collect();
    assert_eq!(outcomes, ["part", "applied"]);
    let (made, rest) = (changes(&receipts[0].1), changes(&receipts[1].1));
    assert!(!made.is_empty() && made.is_disjoint(&rest), "{made:#?} {rest:#?}");
    let let_in = |set: &BTreeSet<String>, who: &str| {
        set.iter().any(|it| it.contains("add_member") && it.contains(who))
    };
    assert!(!let_in(&made, "TAYLOR") && !let_in(&rest, "TAYLOR") && let_in(&rest, "SAM"));
    assert!(warehouse.receipts(&ask).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_is_lied_about_is_no_receipt() {
    let Some(stage) = Stage::one() else { return };
    let project = project(&stage);
    let settings =
        Settings { custody: Custody { now: NOW, ..Custody::default() }, ..Settings::default() };
    // Begun: nothing was changed. Finished: everything was, and the next apply finishes it.
    for (nth, changed) in [(1, false), (2, true)] {
        stage.again();
        stage.prod.tell(
            "faults",
            &json!({ "faults": [{ "kind": "lie", "match": "^MERGE", "nth": nth }] }),
        );
        let mut warehouse = connect(&stage).await;
        let ended = apply(&mut warehouse, &project, &settings).await;
        match changed {
            false => assert!(ended.is_err(), "{ended:?}"),
            true => assert!(matches!(ended, Ok(Outcome::Partly { .. })), "{ended:?}"),
        }
        let roles = access(&stage)["objects"].to_string().contains("P_ANALYST");
        assert_eq!(roles, changed);
        stage.prod.tell("faults", &json!({ "faults": [] }));
        let ended = apply(&mut warehouse, &project, &settings).await.unwrap();
        assert!(matches!(ended, Outcome::Applied { .. }), "{ended:?}");
        assert_eq!(stage.receipts().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_on_the_way_is_begun_still_and_finished_by_the_next_run() {
    let Some(stage) = Stage::one() else { return };
    let project = project(&stage);
    let plan = planned(&stage, &project).await;
    let settings = settings(&plan);
    for (fault, known) in [
        (json!({ "kind": "error", "match": "^GRANT SELECT", "nth": 2, "code": "000603" }), true),
        (json!({ "kind": "partial", "match": "^GRANT USAGE", "nth": 1 }), true),
        (json!({ "kind": "lie", "match": "^GRANT SELECT", "nth": 1 }), false),
    ] {
        stage.again();
        let mut warehouse = connect(&stage).await;
        stage.prod.tell("faults", &json!({ "faults": [fault] }));
        let ended = apply(&mut warehouse, &project, &settings).await.unwrap();
        stage.prod.tell("faults", &json!({ "faults": [] }));
        assert!(
            matches!(ended, Outcome::Partly { .. } | Outcome::DoneButDiffers { .. }),
            "{fault}: {ended:?}"
        );
        let receipts = stage.receipts();
        assert_eq!((receipts.len(), receipts[0].0.as_str()), (1, "begun"), "{fault}");
        // What is known to be done is said to be so, where anything failed.
        let outcomes = receipts[0].1["changes"].as_array().unwrap().iter();
        let done = outcomes.filter(|it| it["outcome"] == "done").count();
        assert!(if known { done > 0 && done < plan.changes.len() } else { done == 0 }, "{done}");
        let ended = apply(&mut warehouse, &project, &settings).await.unwrap();
        assert!(matches!(ended, Outcome::Applied { .. }), "{fault}: {ended:?}");
        let receipts = stage.receipts();
        assert_eq!((receipts.len(), receipts[0].0.as_str()), (1, "applied"), "{fault}");
        assert_eq!(changes(&receipts[0].1).len(), plan.changes.len(), "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_applies_of_one_plan_at_once_leave_one_receipt() {
    let Some(stage) = Stage::one() else { return };
    let project = project(&stage);
    let plan = planned(&stage, &project).await;
    let settings = settings(&plan);
    let (mut one, mut two) = (connect(&stage).await, connect(&stage).await);
    let both =
        futures::join!(apply(&mut one, &project, &settings), apply(&mut two, &project, &settings));
    // The second one finds the lock, or nothing to do; never half of the work.
    assert!(both.0.is_ok() || both.1.is_ok(), "{both:?}");
    apply(&mut one, &project, &settings).await.unwrap();
    let receipts = stage.receipts();
    assert_eq!((receipts.len(), receipts[0].0.as_str()), (1, "applied"));
    assert_eq!(changes(&receipts[0].1).len(), plan.changes.len());
}
