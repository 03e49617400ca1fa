//! Roles of an account, imported, adopted, and then nothing to plan.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rolecall::apply::Outcome;
use rolecall::import::read::read;
use rolecall::model::Change;
use rolecall::plan::Options;

use super::account::site::{account, apply_it, connect, load_with, plan, steps};
use super::standin::Standin;
use super::who_can::{furnish, statement};

const MANIFEST: &str = r#"{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
    "dbt_version": "1.11.0", "project_name": "shop", "adapter_type": "snowflake"}, "nodes": {}, "sources": {}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_account_s_roles_are_imported_adopted_and_then_there_is_nothing_to_plan() {
    let Some(standin) = account() else { return };
    standin.sql(&[
        "CREATE DATABASE SHOP",
        "CREATE SCHEMA SHOP.SALES",
        "CREATE TABLE SHOP.SALES.ORDERS (ID NUMBER)",
        "CREATE TABLE SHOP.SALES.SALARIES (ID NUMBER)",
        "CREATE ROLE READER",
        "CREATE ROLE LOADER",
        "CREATE ROLE \"Odd Name\"",
        "CREATE USER TAYLOR",
        "GRANT USAGE ON DATABASE SHOP TO ROLE READER",
        "GRANT USAGE ON SCHEMA SHOP.SALES TO ROLE READER",
        "GRANT SELECT ON TABLE SHOP.SALES.ORDERS TO ROLE READER",
        "GRANT USAGE ON WAREHOUSE WH TO ROLE READER",
        "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA SHOP.SALES TO ROLE LOADER",
        "GRANT SELECT ON FUTURE TABLES IN SCHEMA SHOP.SALES TO ROLE LOADER",
        "GRANT UPDATE ON FUTURE TABLES IN SCHEMA SHOP.SALES TO ROLE LOADER",
        "GRANT ROLE READER TO ROLE LOADER",
        "GRANT ROLE READER TO USER TAYLOR",
        "GRANT ROLE LOADER TO ROLE TRANSFORMER",
        "GRANT OWNERSHIP ON TABLE SHOP.SALES.SALARIES TO ROLE \"Odd Name\" COPY CURRENT GRANTS",
        // A comment is its owner's to write.
        "GRANT OWNERSHIP ON ROLE READER TO ROLE DEPLOYER COPY CURRENT GRANTS",
        "GRANT OWNERSHIP ON ROLE LOADER TO ROLE DEPLOYER COPY CURRENT GRANTS",
        "GRANT OWNERSHIP ON ROLE \"Odd Name\" TO ROLE DEPLOYER COPY CURRENT GRANTS",
    ]);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "rolecall.yml",
        "version: 1\nenvironments:\n  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}\n",
    );
    write("manifest.json", MANIFEST);
    let load =
        || load_with(folder.path().to_owned(), Some(folder.path().join("manifest.json")), "prod");
    let mut warehouse = connect(&standin).await;
    let patterns = ["READER", "LOADER", "odd*"].map(str::to_owned);
    let seen = read(&mut warehouse, &load(), &patterns).await.unwrap();
    for (path, text) in &seen.files {
        write(path, text);
    }
    let left: Vec<String> = seen
        .imported
        .left
        .iter()
        .map(|one| format!("{}: {} ({})", one.role, one.what, one.why))
        .collect();
    assert_eq!(left, Vec::<String>::new());
    let text: Vec<&str> = seen.files.values().map(String::as_str).collect();
    let text = text.join("---\n");
    for part in [
        "READER:\n  - user: TAYLOR\n",
        "LOADER:\n  - group: TRANSFORMER\n",
        "    name: \"Odd Name\"\n",
        "object-name: \"*\"\n        privileges: [select]\n",
        "object-name: \"*\"\n        privileges: [update]\n        include-all: false\n",
        "object-type: warehouse\n        object-name: WH\n        privileges: [usage]\n",
        "object-type: role\n        object-name: READER\n",
        "privileges: [ownership]",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let project = load();
    let adopt = Options { adopt: true, ..Options::default() };
    let planned = plan(&mut warehouse, &project, &adopt).await.unwrap();
    assert!(
        planned.is_clean(),
        "{:?} {:?}",
        planned.difference.refused,
        planned.findings().sorted()
    );
    let marks = |step: &rolecall::plan::Step| matches!(step.change, Change::AdoptRole { .. });
    assert!(planned.difference.steps.iter().all(marks), "{:#?}\n{text}", steps(&planned));
    let applied = apply_it(&mut warehouse, &project, &adopt).await.unwrap();
    assert!(matches!(applied, Outcome::Applied { .. }), "{applied:#?}");
    let again = plan(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert_eq!(steps(&again), Vec::<String>::new());
}

/// How many random accounts there are in a run.
const ACCOUNTS: u32 = 30;

#[test]
fn what_is_imported_and_adopted_leaves_an_empty_plan_on_random_accounts() {
    let Some(standin) = account() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config {
        cases: ACCOUNTS,
        max_shrink_iters: 100,
        failure_persistence: None,
        ..Config::default()
    };
    let worlds = proptest::collection::vec(statement(), 0..25);
    let seen = std::cell::Cell::new(0);
    let result = TestRunner::new(config).run(&worlds, |world| {
        let grants = runtime.block_on(holds(&standin, &world)).map_err(TestCaseError::fail)?;
        seen.set(seen.get() + grants);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(seen.get() > ACCOUNTS as usize * 2, "hardly anything: {}", seen.get());
}

/// The number of grants that are imported.
async fn holds(standin: &Standin, world: &[String]) -> Result<usize, String> {
    furnish(standin, world);
    // A comment is its owner's to write.
    let owned = ["A", "B", "C", "\"odd role\""]
        .map(|role| format!("GRANT OWNERSHIP ON ROLE {role} TO ROLE DEPLOYER COPY CURRENT GRANTS"));
    standin.sql(&owned.each_ref().map(String::as_str));
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "rolecall.yml",
        "version: 1\nenvironments:\n  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}\n",
    );
    write("manifest.json", MANIFEST);
    let load =
        || load_with(folder.path().to_owned(), Some(folder.path().join("manifest.json")), "prod");
    let mut warehouse = connect(standin).await;
    let patterns = ["A", "B", "C", "odd role"].map(str::to_owned);
    let seen = read(&mut warehouse, &load(), &patterns).await.map_err(|e| e.to_string())?;
    if seen.files.is_empty() {
        return Ok(0);
    }
    for (path, text) in &seen.files {
        write(path, text);
    }
    let text = seen.files.values().cloned().collect::<Vec<_>>().join("---\n");
    let project = load();
    let adopt = Options { adopt: true, ..Options::default() };
    let planned =
        plan(&mut warehouse, &project, &adopt).await.map_err(|e| format!("{e}\n{text}"))?;
    let marks = |step: &rolecall::plan::Step| matches!(step.change, Change::AdoptRole { .. });
    let only_marks = planned.difference.steps.iter().all(marks);
    if !planned.is_clean() || !only_marks {
        let found = planned.findings().sorted();
        let refused = &planned.difference.refused;
        return Err(format!("{text}\n{:#?}\n{refused:?} {found:?}", steps(&planned)));
    }
    let applied = apply_it(&mut warehouse, &project, &adopt).await.map_err(|e| e.to_string())?;
    if !matches!(applied, Outcome::Applied { .. }) {
        return Err(format!("{applied:#?}\n{text}"));
    }
    let again = plan(&mut warehouse, &project, &Options::default()).await;
    let again = steps(&again.map_err(|e| e.to_string())?);
    match again.is_empty() {
        true => Ok(seen.imported.roles.values().map(|role| role.grants.len()).sum()),
        false => Err(format!("{again:#?}\n{text}")),
    }
}
