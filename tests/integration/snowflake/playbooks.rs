//! The examples of Data Fence's documentation, as they stand there, on the stand-in.

use rolecall::plan::Options;
use rolecall::project::Project;

use super::account::site::{account, connect};
use super::one_model;
use super::standin::Standin;
use crate::binary::repository;

/// A project with one playbook, and a model of which nobody says anything.
fn project(folder: &std::path::Path, playbook: &str, more: &str) -> Project {
    let path = repository("dbt_fixtures/playbooks").join(playbook);
    let more = format!("playbooks: ['{}']\n{more}", path.display());
    one_model::project(folder, &more, ("analytics_db", "public"))
}

fn databases(standin: &Standin, names: &[&str]) {
    for name in names {
        standin.sql(&[
            &format!("CREATE DATABASE {name}"),
            &format!("CREATE SCHEMA IF NOT EXISTS {name}.PUBLIC"),
            &format!("CREATE SCHEMA {name}.LANDING"),
            &format!("CREATE TABLE {name}.PUBLIC.T (ID NUMBER)"),
            &format!("CREATE TABLE {name}.LANDING.RAW (ID NUMBER)"),
            &format!("CREATE VIEW {name}.LANDING.SEEN AS SELECT 1 AS ID"),
        ]);
    }
}

async fn comes_to_rest(standin: &Standin, project: &Project, options: &Options) -> Vec<String> {
    one_model::comes_to_rest(&mut connect(standin).await, project, options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_of_data_fence_runs_from_plan_to_empty_plan() {
    let Some(standin) = account() else { return };
    databases(&standin, &["ANALYTICS_DB", "RAW_DATA", "SHARED_DATA", "APP_DATA"]);
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), "data_fence", "");
    let options = Options::default();
    let planned = comes_to_rest(&standin, &project, &options).await;
    assert!(!planned.is_empty());
    let role = |name: &str| planned.iter().filter(|step| step.contains(name)).count();
    assert!(role("DATA_ANALYST") > 3 && role("DATA_ENGINEER") > 5, "{planned:#?}");
    assert_eq!(role("EXTERNAL_SYSTEM_ROLE"), 0, "it is not there, and never made: {planned:#?}");
    // New tables have it from the start; a grant that is missing is one grant; one too many goes.
    standin.sql(&["CREATE TABLE RAW_DATA.LANDING.NEW (ID NUMBER)"]);
    assert_eq!(comes_to_rest(&standin, &project, &options).await, Vec::<String>::new());
    standin.sql(&[
        "REVOKE SELECT ON TABLE RAW_DATA.LANDING.NEW FROM ROLE DATA_ENGINEER",
        "GRANT DELETE ON TABLE RAW_DATA.LANDING.NEW TO ROLE DATA_ENGINEER",
        "GRANT SELECT ON TABLE APP_DATA.LANDING.RAW TO ROLE HYBRID_MANAGED_ROLE",
    ]);
    let drift = comes_to_rest(&standin, &project, &options).await;
    assert_eq!(drift.len(), 2, "{drift:#?}");
    // The role that another system makes.
    standin.sql(&[
        "CREATE ROLE EXTERNAL_SYSTEM_ROLE",
        "GRANT OWNERSHIP ON ROLE EXTERNAL_SYSTEM_ROLE TO ROLE DEPLOYER",
    ]);
    let adopt = Options { adopt: true, ..Options::default() };
    let adopted = comes_to_rest(&standin, &project, &adopt).await;
    assert!(adopted.iter().any(|step| step.contains("EXTERNAL_SYSTEM_ROLE")), "{adopted:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_one_id_run_each_by_itself() {
    for (file, made_before, adopt) in [
        ("alone/03_future_only.yml", false, false),
        ("alone/06_created_another_way.yml", false, false),
        ("alone/06_created_another_way.yml", true, true),
        ("alone/07_provided_another_way.yml", true, true),
    ] {
        let Some(standin) = account() else { return };
        databases(&standin, &["ANALYTICS_DB", "MY_DB"]);
        if made_before {
            standin.sql(&[
                "CREATE ROLE RBAC_EXAMPLE_1",
                "GRANT OWNERSHIP ON ROLE RBAC_EXAMPLE_1 TO ROLE DEPLOYER",
                "GRANT SELECT ON TABLE MY_DB.LANDING.RAW TO ROLE RBAC_EXAMPLE_1",
            ]);
        }
        let folder = tempfile::tempdir().unwrap();
        let project = project(folder.path(), file, "");
        let options = Options { adopt, ..Options::default() };
        let planned = comes_to_rest(&standin, &project, &options).await;
        match (file, made_before) {
            ("alone/06_created_another_way.yml", false) => {
                assert_eq!(planned, Vec::<String>::new());
            }
            _ => assert!(!planned.is_empty(), "{file}"),
        }
        assert!(!planned.iter().any(|step| step.contains("revoke")), "{file}: {planned:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_stage_is_decided_by_what_the_account_says_it_is() {
    let Some(standin) = account() else { return };
    databases(&standin, &["ANALYTICS_DB", "MY_DB"]);
    standin.sql(&[
        "CREATE STAGE MY_DB.LANDING.INSIDE",
        "CREATE STAGE MY_DB.LANDING.BUCKET URL = 's3://bucket/'",
    ]);
    let folder = tempfile::tempdir().unwrap();
    let more = "roles:\n  loader:\n    name: loader\n    grants:\n      - {object-type: stage, database-name: my_db, schema-name: \"*\", object-name: \"*\", privileges: [all]}\n";
    let project = project(folder.path(), "alone/03_future_only.yml", more);
    let planned = comes_to_rest(&standin, &project, &Options::default()).await;
    let stages: Vec<&String> =
        planned.iter().filter(|step| step.contains("on stage MY_DB")).collect();
    assert_eq!(stages.len(), 2, "{planned:#?}");
    assert!(stages[0].contains("USAGE on stage MY_DB.LANDING.BUCKET"), "{stages:?}");
    assert!(stages[1].contains("READ, WRITE on stage MY_DB.LANDING.INSIDE"), "{stages:?}");
    // New ones have it by what is to come, each what its kind has.
    standin.sql(&[
        "CREATE STAGE MY_DB.PUBLIC.NEW",
        "CREATE STAGE MY_DB.PUBLIC.NEW_BUCKET URL = 's3://new/'",
    ]);
    let again = comes_to_rest(&standin, &project, &Options::default()).await;
    assert_eq!(again, Vec::<String>::new());
}
