//! What PUBLIC has in the target: directly, through roles, and on what is yet to be made.

use super::stage::Stage;

/// Applies in dev, makes a mess in prod, and promotes.
#[track_caller]
fn is_closed(stage: &Stage, statements: &[&str], says: &str) {
    stage.prod.sql(statements);
    let ran = stage.promote(&[]);
    assert!(ran.code == 4 && ran.err.contains("grant-to-public"), "{statements:?}: {ran:?}");
    assert!(ran.err.contains(says), "{statements:?}: {ran:?}");
    assert!(!stage.path("plan.json").exists());
}

#[test]
fn what_everybody_has_on_what_is_promoted_closes_the_gate() {
    let Some(stage) = Stage::one() else { return };
    stage.run(&["apply", "-t", "dev"]).ends(0);
    stage.prod.sql(&["CREATE ROLE CROWD", "GRANT ROLE CROWD TO ROLE PUBLIC"]);
    stage
        .prod
        .sql(&["CREATE DATABASE ROLE PROD.ALL", "GRANT DATABASE ROLE PROD.ALL TO ROLE CROWD"]);
    // What it has elsewhere is nobody's business here.
    stage.prod.sql(&[
        "CREATE SCHEMA PROD.OTHER",
        "CREATE TABLE PROD.OTHER.X (X NUMBER)",
        "GRANT SELECT ON TABLE PROD.OTHER.X TO ROLE PUBLIC",
        "GRANT USAGE ON SCHEMA PROD.S TO ROLE PUBLIC",
        "GRANT SELECT ON FUTURE VIEWS IN SCHEMA PROD.S TO ROLE PUBLIC",
        "GRANT SELECT ON FUTURE TABLES IN SCHEMA PROD.OTHER TO ROLE PUBLIC",
    ]);
    stage.promote(&[]).ends(0);
    std::fs::remove_file(stage.path("plan.json")).unwrap();
    for (grant, says) in [
        ("SELECT ON TABLE PROD.S.T TO ROLE PUBLIC", "PUBLIC has SELECT on table PROD.S.T in prod"),
        ("INSERT ON TABLE PROD.S.U TO ROLE CROWD", "PUBLIC has INSERT on table PROD.S.U in prod"),
        (
            "SELECT ON TABLE PROD.S.T TO DATABASE ROLE PROD.ALL",
            "PUBLIC has SELECT on table PROD.S.T in prod",
        ),
        (
            "SELECT ON FUTURE TABLES IN SCHEMA PROD.S TO ROLE CROWD",
            "PUBLIC gets SELECT on every table that is made in PROD.S in prod",
        ),
        (
            "SELECT ON FUTURE TABLES IN DATABASE PROD TO ROLE PUBLIC",
            "PUBLIC gets SELECT on every table that is made in PROD.S in prod",
        ),
    ] {
        is_closed(&stage, &[&format!("GRANT {grant}")], says);
        stage.prod.sql(&[&format!("REVOKE {}", grant.replace(" TO ", " FROM "))]);
        stage.promote(&[]).ends(0);
        std::fs::remove_file(stage.path("plan.json")).unwrap();
    }
    // A schema's future grant, whoever's, hides the database's.
    stage.prod.sql(&[
        "GRANT SELECT ON FUTURE TABLES IN DATABASE PROD TO ROLE PUBLIC",
        "GRANT INSERT ON FUTURE TABLES IN SCHEMA PROD.S TO ROLE SYSADMIN",
    ]);
    stage.promote(&[]).ends(0);
}

#[test]
fn an_inherited_grant_to_everybody_closes_the_gate() {
    let Some(stage) = Stage::one() else { return };
    stage.run(&["apply", "-t", "dev"]).ends(0);
    stage.prod.sql(&["ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = TRUE"]);
    stage.promote(&[]).ends(0);
    std::fs::remove_file(stage.path("plan.json")).unwrap();
    let grant = "GRANT INHERITED SELECT ON ALL TABLES IN SCHEMA PROD.S TO ROLE PUBLIC";
    is_closed(&stage, &[grant], "PUBLIC has SELECT on every table in PROD.S in prod");
}

#[test]
fn reading_what_everybody_has_costs_the_same_however_many_objects_there_are() {
    let Some(stage) = Stage::one() else { return };
    stage.run(&["apply", "-t", "dev"]).ends(0);
    let statements = || {
        stage.prod.tell("clear", &serde_json::json!({}));
        stage.promote(&[]).ends(0);
        stage.prod.log().len()
    };
    let few = statements();
    for n in 0..50 {
        stage.prod.sql(&[
            &format!("CREATE TABLE PROD.S.MORE_{n} (X NUMBER)"),
            &format!("GRANT SELECT ON TABLE PROD.S.MORE_{n} TO ROLE PUBLIC"),
        ]);
    }
    assert_eq!(statements(), few);
}
