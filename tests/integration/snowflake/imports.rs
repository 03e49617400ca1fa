//! Roles of an account, imported, adopted, and then nothing to plan.

use rolecall::apply::Outcome;
use rolecall::import::read::read;
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
    insta::assert_snapshot!(left.join("\n"), @"");
    let text: Vec<&str> = seen.files.values().map(String::as_str).collect();
    insta::assert_snapshot!(text.join("---\n"), @"");
    let project = load();
    let adopt = Options { adopt: true, ..Options::default() };
    let planned = plan(&mut warehouse, &project, &adopt).await.unwrap();
    assert!(
        planned.is_clean(),
        "{:?} {:?}",
        planned.difference.refused,
        planned.findings().sorted()
    );
    insta::assert_snapshot!(steps(&planned).join("\n"), @"");
    let applied = apply_it(&mut warehouse, &project, &adopt).await.unwrap();
    assert!(matches!(applied, Outcome::Applied { .. }), "{applied:#?}");
    let again = plan(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert_eq!(steps(&again), Vec::<String>::new());
}
