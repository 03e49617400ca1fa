//! Roles of an account, imported, adopted, and then nothing to plan.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use rolecall::apply::Outcome;
use rolecall::import::live::block_json;
use rolecall::import::read::{DECLARATIONS, read};
use rolecall::model::Change;
use rolecall::plan::Options;
use rolecall::project::Project;
use serde_json::Value;

use super::account::site::{account, apply_it, connect, load_with, plan, steps};
use super::one_model::manifest;
use super::standin::Standin;
use super::who_can::{furnish, statement};

const CONFIG: &str =
    "version: 1\nenvironments:\n  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}\n";

/// A project that has nothing yet but its models.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(manifest: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("rolecall.yml", CONFIG);
        folder.write("manifest.json", manifest);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn load(&self) -> Project {
        let path = self.0.path();
        load_with(path.to_owned(), Some(path.join("manifest.json")), "prod")
    }
}

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
    let folder = Folder::new(&manifest(("d", "s"), &[]));
    let mut warehouse = connect(&standin).await;
    let patterns = ["READER", "LOADER", "odd*"].map(str::to_owned);
    let seen = read(&mut warehouse, &folder.load(), &patterns).await.unwrap();
    for (path, text) in &seen.files {
        folder.write(path, text);
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
    let project = folder.load();
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
    let worlds = (vec(statement(), 0..25), vec(explained(), 0..4))
        .prop_map(|(world, more)| world.into_iter().chain(more.into_iter().flatten()).collect());
    let seen = std::cell::Cell::new((0, 0));
    let result = TestRunner::new(config).run(&worlds, |world: Vec<String>| {
        let held = runtime.block_on(holds(&standin, &world)).map_err(TestCaseError::fail)?;
        seen.set((seen.get().0 + held.0, seen.get().1 + held.1));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let (grants, products) = seen.get();
    assert!(grants > ACCOUNTS as usize * 2, "hardly anything: {grants}");
    assert!(products > ACCOUNTS as usize / 4, "hardly any product role: {products}");
}

const PLACE: (&str, &str) = ("d", "s");
const MODELS: [(&str, &str, Option<&Value>); 2] = [("t", "table", None), ("w", "view", None)];

/// Roles that the template explains, with what a node's declarations can say, and now and then with
/// what they cannot.
fn explained() -> impl Strategy<Value = Vec<String>> {
    let role = select(&["FIN_READER", "FIN_LOADER", "FIN_ADMIN_X"][..]);
    let held = select(
        &[
            "GRANT SELECT ON TABLE D.S.T TO ROLE {}",
            "GRANT SELECT, INSERT ON TABLE D.S.T TO ROLE {}",
            "GRANT SELECT ON VIEW D.S.W TO ROLE {}",
            "GRANT USAGE ON WAREHOUSE WH TO ROLE {}",
            "GRANT ROLE {} TO USER V",
        ][..],
    );
    let spoils = select(
        &[
            "GRANT CREATE TABLE ON SCHEMA D.S TO ROLE {}",
            "GRANT SELECT ON FUTURE TABLES IN SCHEMA D.S TO ROLE {}",
            "GRANT ROLE {} TO ROLE A",
            "GRANT ROLE Z TO ROLE {}",
            "GRANT OPERATE ON WAREHOUSE WH TO ROLE {}",
            "REVOKE ROLE {} FROM ROLE SYSADMIN",
        ][..],
    );
    let all = (role, vec(held, 1..4), proptest::option::weighted(0.3, spoils));
    all.prop_map(|(role, held, spoils)| {
        let way = [
            "GRANT USAGE ON DATABASE D TO ROLE {}",
            "GRANT USAGE ON SCHEMA D.S TO ROLE {}",
            "GRANT SELECT ON TABLE D.S.T TO ROLE {}",
            "GRANT ROLE {} TO ROLE SYSADMIN",
        ];
        way.into_iter().chain(held).chain(spoils).map(|sql| sql.replace("{}", role)).collect()
    })
}

/// The number of grants that are imported, and of product roles.
async fn holds(standin: &Standin, world: &[String]) -> Result<(usize, usize), String> {
    let roles =
        ["FIN_READER", "FIN_LOADER", "FIN_ADMIN_X"].map(|role| format!("CREATE ROLE {role}"));
    let world: Vec<String> = roles.into_iter().chain(world.iter().cloned()).collect();
    furnish(standin, &world);
    // A comment is its owner's to write.
    let owned = ["A", "B", "C", "\"odd role\"", "FIN_READER", "FIN_LOADER", "FIN_ADMIN_X"]
        .map(|role| format!("GRANT OWNERSHIP ON ROLE {role} TO ROLE DEPLOYER COPY CURRENT GRANTS"));
    standin.sql(&owned.each_ref().map(String::as_str));
    let folder = Folder::new(&manifest(PLACE, &MODELS));
    let mut warehouse = connect(standin).await;
    let patterns = ["A", "B", "C", "odd role", "FIN_*"].map(str::to_owned);
    let seen = read(&mut warehouse, &folder.load(), &patterns).await.map_err(|e| e.to_string())?;
    if seen.files.is_empty() {
        return Ok((0, 0));
    }
    for (path, text) in &seen.files {
        folder.write(path, text);
    }
    // The declarations, put into the models.
    let blocks: BTreeMap<&str, Value> = seen
        .explained
        .proposed
        .blocks
        .iter()
        .map(|one| (one.unique_id.as_str(), block_json(&one.block)))
        .collect();
    let with_blocks = MODELS.map(|(name, materialized, _)| {
        (name, materialized, blocks.get(format!("model.shop.{name}").as_str()))
    });
    folder.write("manifest.json", &manifest(PLACE, &with_blocks));
    std::fs::remove_file(folder.0.path().join(DECLARATIONS)).ok();
    let text = seen.files.values().cloned().collect::<Vec<_>>().join("---\n");
    let project = folder.load();
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
        true => {
            let grants = seen.imported.roles.values().map(|role| role.grants.len()).sum();
            Ok((grants, seen.explained.roles.len()))
        }
        false => Err(format!("{again:#?}\n{text}")),
    }
}
