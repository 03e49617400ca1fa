//! The table of receipts: made by the first apply, never written to once somebody has changed it.

use rolecall::receipts::{Ask, Only, Store};
use rolecall::warehouse::Observe;
use rolecall::warehouse::snowflake::{Snowflake, SnowflakeSettings};
use serde_json::json;

use super::stage::Stage;

#[test]
fn the_first_apply_makes_it_for_itself_alone_and_a_plan_makes_nothing() {
    let Some(stage) = Stage::one() else { return };
    stage.prod.sql(&[
        "GRANT INSERT, SELECT ON FUTURE TABLES IN DATABASE PROD TO ROLE SYSADMIN",
        "GRANT ALL ON FUTURE SCHEMAS IN DATABASE PROD TO ROLE SYSADMIN",
        "CREATE DATABASE ROLE PROD.DR",
        "GRANT UPDATE ON FUTURE TABLES IN DATABASE PROD TO DATABASE ROLE PROD.DR",
        "GRANT OWNERSHIP ON FUTURE TABLES IN DATABASE PROD TO ROLE TRANSFORMER",
        "GRANT OWNERSHIP ON FUTURE SCHEMAS IN DATABASE PROD TO ROLE TRANSFORMER",
    ]);
    stage.run(&["plan", "-t", "prod"]).ends(0);
    stage.run(&["verify", "-t", "prod"]).ends(3);
    assert!(stage.receipts().is_empty());
    let file = stage.path("receipt.json");
    stage
        .run(&["apply", "-t", "prod", "--by", "jane", "--receipt", file.to_str().unwrap()])
        .ends(0);
    let receipts = stage.receipts();
    assert_eq!(receipts.len(), 1);
    let (outcome, body) = &receipts[0];
    assert_eq!((outcome.as_str(), &body["applied_by"]), ("applied", &json!("jane")));
    let written: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(written["changes"], body["changes"]);
    assert_eq!(
        (&written["session_user"], &written["current_role"]),
        (&json!("ADMIN"), &json!("DEPLOYER"))
    );
    assert_eq!(stage.grants_on("PROD.ROLECALL.RECEIPTS"), Vec::<String>::new());
    assert_eq!(stage.grants_on("PROD.ROLECALL"), Vec::<String>::new());
    stage.run(&["apply", "-t", "prod"]).ends(0).says("In sync");
    assert_eq!(stage.receipts().len(), 1);
}

#[test]
fn a_table_that_somebody_has_changed_is_not_written_to() {
    let Some(stage) = Stage::one() else { return };
    for (mess, says) in [
        ("GRANT INSERT ON TABLE PROD.ROLECALL.RECEIPTS TO ROLE SYSADMIN", "SYSADMIN may INSERT"),
        ("GRANT DELETE ON TABLE PROD.ROLECALL.RECEIPTS TO ROLE PUBLIC", "PUBLIC may DELETE"),
        (
            "GRANT CREATE VIEW ON SCHEMA PROD.ROLECALL TO ROLE SYSADMIN",
            "SYSADMIN may CREATE VIEW in its schema",
        ),
        (
            "GRANT UPDATE ON FUTURE TABLES IN SCHEMA PROD.ROLECALL TO ROLE SYSADMIN",
            "SYSADMIN may UPDATE on tables that are made in its schema",
        ),
        (
            "GRANT INHERITED INSERT ON ALL TABLES IN DATABASE PROD TO ROLE SYSADMIN",
            "SYSADMIN may INSERT",
        ),
        ("DROP", "it has other columns"),
        ("VIEW", "it is no ordinary table"),
    ] {
        stage.again();
        stage.prod.sql(&["ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = TRUE"]);
        stage.models("prod", &["T"]);
        stage.run(&["apply", "-t", "prod"]).ends(0);
        match mess {
            "DROP" => {
                stage.sql(&["CREATE OR REPLACE TABLE PROD.ROLECALL.RECEIPTS (ID VARCHAR(64))"]);
            }
            "VIEW" => {
                stage.sql(&[
                    "DROP TABLE PROD.ROLECALL.RECEIPTS",
                    "CREATE VIEW PROD.ROLECALL.RECEIPTS AS SELECT 1 AS ID",
                ]);
            }
            grant => {
                stage.prod.sql(&[grant]);
            }
        }
        stage.models("prod", &["T", "U"]);
        let before = stage.prod.tell("state", &json!({}));
        let ran = stage.run(&["apply", "-t", "prod"]).ends(8).says("receipts-not-ours").says(says);
        assert_eq!(stage.prod.tell("state", &json!({})), before, "{mess}: {ran:?}");
        stage.run(&["log", "-t", "prod"]).ends(1).says("it is not read");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_it_asks_and_who_owns_it_now_is_named() {
    let Some(stage) = Stage::one() else { return };
    stage.config("protected: true");
    stage.promote_all();
    stage.prod.sql(&[
        "GRANT SELECT ON TABLE PROD.ROLECALL.RECEIPTS TO ROLE SYSADMIN",
        "GRANT USAGE ON SCHEMA PROD.ROLECALL TO ROLE SYSADMIN",
        "GRANT USAGE ON DATABASE PROD TO ROLE SYSADMIN",
        "GRANT USAGE ON WAREHOUSE WH TO ROLE SYSADMIN",
        "CREATE ROLE NOBODY",
        "GRANT ROLE NOBODY TO USER ADMIN",
        "GRANT USAGE ON WAREHOUSE WH TO ROLE NOBODY",
    ]);
    let ask =
        Ask { deployment: "shop".to_owned(), environment: "prod".to_owned(), only: Only::All };
    for (role, receipts) in [("SYSADMIN", 1), ("NOBODY", 0)] {
        let settings = SnowflakeSettings {
            role: Some(role.to_owned()),
            warehouse: Some("WH".to_owned()),
            ..stage.prod.settings()
        };
        let warehouse = Snowflake::connect(&settings, 2).await.unwrap();
        let mut warehouse = warehouse.keeping_receipts_in("prod");
        assert_eq!(warehouse.receipts(&ask).await.unwrap().len(), receipts, "{role}");
        let store = warehouse.store().await.unwrap();
        assert!(!matches!(store, Store::Ready), "{role}: {store:?}");
    }
    stage.models("prod", &["T"]);
    stage.models("dev", &["T"]);
    stage
        .run(&[
            "plan",
            "-t",
            "prod",
            "--out",
            stage.path("plan.json").to_str().unwrap(),
            "--allow-revokes",
            "9",
        ])
        .ends(0);
    stage.prod.sql(&[
        "GRANT OWNERSHIP ON TABLE PROD.ROLECALL.RECEIPTS TO ROLE SYSADMIN COPY CURRENT GRANTS",
    ]);
    stage.apply().ends(8).says("receipts-closed").says("belongs to SYSADMIN, not to DEPLOYER");
}

#[test]
fn where_it_cannot_be_made_an_unprotected_apply_warns_and_a_protected_one_is_refused() {
    let Some(stage) = Stage::one() else { return };
    stage.prod.sql(&["REVOKE CREATE SCHEMA ON DATABASE PROD FROM ROLE DEPLOYER"]);
    stage.config("protected: true");
    stage.run(&["plan", "-t", "prod", "--out", stage.path("plan.json").to_str().unwrap()]).ends(0);
    let before = stage.prod.tell("state", &json!({}));
    stage
        .apply()
        .ends(8)
        .says("receipts-closed")
        .says("GRANT USAGE, CREATE SCHEMA ON DATABASE \"PROD\" TO ROLE \"DEPLOYER\"");
    assert_eq!(stage.prod.tell("state", &json!({})), before);
    stage.config("protected: false");
    stage.run(&["apply", "-t", "prod"]).ends(0).says("no-receipt");
    // Later it may be made; what was applied before is said to be so.
    stage.prod.sql(&["GRANT CREATE SCHEMA ON DATABASE PROD TO ROLE DEPLOYER"]);
    stage.config("protected: true");
    stage.models("prod", &["T"]);
    let file = stage.path("plan.json");
    let file = file.to_str().unwrap();
    stage.run(&["plan", "-t", "prod", "--allow-revokes", "9", "--out", file]).ends(0);
    stage.apply().ends(8).says("receipts-missing");
    stage.run(&["apply", file, "-t", "prod", "--begin-receipts"]).ends(0);
    assert_eq!(stage.receipts().len(), 1);
}

#[test]
fn a_receipt_that_no_statement_can_hold_is_kept_in_pieces() {
    let Some(stage) = Stage::one() else { return };
    let names: Vec<String> = (0..1400).map(|n| format!("M{n:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let tables: Vec<String> =
        names.iter().map(|name| format!("CREATE TABLE PROD.S.{name} (X NUMBER)")).collect();
    stage.prod.sql(&tables.iter().map(String::as_str).collect::<Vec<_>>());
    stage.models("prod", &names);
    stage.run(&["apply", "-t", "prod"]).ends(0);
    let outcomes = "SELECT OUTCOME, LENGTH(BODY) FROM PROD.ROLECALL.RECEIPTS";
    let rows = stage.sql(&[outcomes])[0]["rows"].as_array().unwrap().clone();
    assert!(rows.iter().filter(|row| row[0] == "piece").count() > 2, "{rows:?}");
    assert_eq!(rows.iter().filter(|row| row[0] == "applied").count(), 1, "{rows:?}");
    let log = stage.run(&["log", "-t", "prod", "--person", "taylor", "--model", "m1399"]).ends(0);
    assert!(log.out.contains("TAYLOR has SELECT on PROD.S.M1399 since"), "{log:?}");
    // In batches each has its own.
    stage.again();
    stage.prod.sql(&tables.iter().map(String::as_str).collect::<Vec<_>>());
    stage.run(&["apply", "-t", "prod", "--batches", "2000"]).ends(0);
    let log = stage.run(&["log", "-t", "prod", "--format", "json"]).ends(0);
    let log: serde_json::Value = serde_json::from_str(&log.out).unwrap();
    assert_eq!(log["receipts"].as_array().unwrap().len(), 2);
    // Where a piece is gone, it is not read as if it were whole.
    stage.sql(&["DELETE FROM PROD.ROLECALL.RECEIPTS WHERE ID LIKE '%#1'"]);
    stage.run(&["log", "-t", "prod"]).ends(1).says("a piece of a receipt is missing");
}

#[test]
fn what_receipts_cost_does_not_grow_with_what_is_applied() {
    let Some(stage) = Stage::one() else { return };
    let cost = |arguments: &[&str]| {
        stage.prod.tell("clear", &json!({}));
        stage.run(&[arguments, &["-t", "prod"]].concat()).ends(0);
        let log = stage.prod.log();
        let of_it = |sql: &&str| sql.contains("\"ROLECALL\"") || sql.contains("SYSDATE()");
        log.iter().filter_map(|it| it["sql"].as_str()).filter(of_it).count()
    };
    let first = cost(&["apply"]);
    let in_sync = cost(&["apply"]);
    let plan = cost(&["plan"]);
    stage.prod.sql(&["REVOKE SELECT ON TABLE PROD.S.T FROM ROLE P_ANALYST"]);
    let one = cost(&["apply"]);
    stage.prod.sql(&[
        "REVOKE SELECT ON TABLE PROD.S.T FROM ROLE P_ANALYST",
        "REVOKE SELECT ON TABLE PROD.S.U FROM ROLE P_ANALYST",
        "REVOKE SELECT ON TABLE PROD.S.T FROM ROLE P_ENGINEER",
    ]);
    assert_eq!(cost(&["apply"]), one);
    // Of a look at the table five are side by side; see docs/protected.md.
    assert_eq!((plan, in_sync, one, first), (6, 12, 23, 42));
}
