//! Roles of an account, imported, adopted, and then nothing to plan.

use rolecall::apply::Outcome;
use rolecall::import::read::read;
use rolecall::model::Change;
use rolecall::plan::Options;

use super::account::site::{account, apply_it, connect, load_with, plan, steps};

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
