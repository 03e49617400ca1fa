//! A real account, where `ROLECALL_SNOWFLAKE_*` is set: see docs/snowflake.md, "Live tests".

use std::future::Future;
use std::path::Path;

use rolecall::apply::Outcome;
use rolecall::plan::Options;
use rolecall::warehouse::snowflake::{Rows, Sessions, Snowflake, SnowflakeSettings};
use serde_json::json;

use super::account::site::{apply_it, load, plan, steps};
use super::standin::Standin;

/// Settings of the real account; `None`, and a message, where none is set.
pub(crate) fn settings() -> Option<SnowflakeSettings> {
    let read = SnowflakeSettings::from_environment(|name| std::env::var(name).ok());
    let settings = read.unwrap_or_else(|wrong| panic!("{}", wrong.join("\n")));
    if settings.is_none() {
        eprintln!("skipped: no Snowflake account (set ROLECALL_SNOWFLAKE_ACCOUNT and others)");
    }
    settings
}

#[tokio::test]
async fn a_session_on_a_real_account_is_as_it_must_be() {
    let Some(settings) = settings() else { return };
    let sessions = Sessions::connect(&settings, 2).await.unwrap();
    let one = |rows: Rows| rows.rows[0].clone();
    let who = sessions
        .query(
            "SELECT CURRENT_ACCOUNT(), CURRENT_USER(), CURRENT_ROLE(), CURRENT_SECONDARY_ROLES()",
        )
        .await
        .unwrap();
    let who = one(who);
    assert!(who.iter().all(Option::is_some), "{who:?}");
    assert!(who[3].as_deref().unwrap().contains("\"roles\":\"\""), "{who:?}");
    let parameters = sessions
        .query("SHOW PARAMETERS LIKE 'QUOTED_IDENTIFIERS_IGNORE_CASE' IN SESSION")
        .await
        .unwrap();
    assert_eq!(one(parameters)[1].as_deref(), Some("false"));
    let roles = sessions.query("SHOW ROLES").await.unwrap();
    assert!(roles.columns.iter().any(|name| name == "name"));
    sessions.close().await;
}

/// What a test makes in an account: everything is named after it, and it goes again.
struct Own {
    sessions: Sessions,
    prefix: String,
}

impl Own {
    async fn begin(settings: &SnowflakeSettings) -> Self {
        let unique = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
        let sessions = Sessions::connect(settings, 4).await.unwrap();
        Self { sessions, prefix: format!("ROLECALLTEST{}", &unique[..12]) }
    }

    /// Runs statements in which `$P` is the prefix.
    async fn say(&self, statements: &[&str]) {
        for statement in statements {
            let statement = statement.replace("$P", &self.prefix);
            self.sessions.query(&statement).await.unwrap_or_else(|e| panic!("{statement}: {e}"));
        }
    }

    /// A project of one product in the database of this test.
    fn project(&self, folder: &Path, environment: &str) {
        let prefix = &self.prefix;
        let config = format!(
            r#"version: 1
deployment: {prefix}
environments:
  prod: {{role_name: "{prefix}_{{{{ product.name }}}}_{{{{ role.name }}}}", parent_role: {prefix}_PARENT{environment}}}
product_roles:
  analyst: {{may: [read]}}
  engineer: {{may: [read, write]}}
products: {{shop: {{}}}}
"#
        );
        std::fs::create_dir_all(folder.join("rolecall/members")).unwrap();
        std::fs::create_dir_all(folder.join("target")).unwrap();
        std::fs::write(folder.join("rolecall.yml"), config).unwrap();
        let members = format!("analyst: [{{group: {prefix}_MEMBER}}]\n");
        std::fs::write(folder.join("rolecall/members/shop.yml"), members).unwrap();
        let mut nodes = serde_json::Map::new();
        for (alias, kind) in [("ORDERS", "table"), ("odd \"name\"", "table"), ("PEOPLE", "view")] {
            let grants = json!({ "analyst": ["read"], "engineer": ["read"] });
            let meta = json!({ "rolecall": { "product": "shop", "grants": grants } });
            let name = alias.to_lowercase().replace([' ', '"'], "_");
            let node = json!({
                "unique_id": format!("model.shop.{name}"), "resource_type": "model", "name": name,
                "alias": alias, "database": format!("{prefix}_DB"), "schema": "SALES",
                "package_name": "shop", "fqn": ["shop", name],
                "original_file_path": format!("models/{name}.sql"),
                "config": {
                    "materialized": kind, "enabled": true, "meta": meta,
                    "quoting": { "database": true, "schema": true, "identifier": true },
                },
                "meta": meta, "tags": [], "depends_on": { "nodes": [] }, "relation_name": null,
            });
            nodes.insert(format!("model.shop.{name}"), node);
        }
        let manifest = json!({
            "metadata": {
                "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
                "project_name": "shop", "adapter_type": "snowflake",
            },
            "nodes": nodes, "sources": {}, "disabled": {}, "macros": {},
        });
        std::fs::write(folder.join("target/manifest.json"), manifest.to_string()).unwrap();
    }

    /// Every role of this test, the lock's among them, and its database.
    async fn remove(&self) {
        let drop = format!("DROP DATABASE IF EXISTS {}_DB", self.prefix);
        let _ = self.sessions.query(&drop).await;
        let like = format!("SHOW ROLES LIKE '%{}%'", self.prefix);
        let Ok(rows) = self.sessions.query(&like).await else { return };
        let at = rows.columns.iter().position(|name| name == "name").unwrap();
        for name in rows.rows.iter().filter_map(|row| row[at].as_deref()) {
            assert!(name.contains(&self.prefix));
            let _ = self.sessions.query(&format!("DROP ROLE \"{name}\"")).await;
        }
    }

    /// What is left of it.
    async fn left(&self) -> usize {
        let mut left = 0;
        for what in ["ROLES", "DATABASES"] {
            let show = format!("SHOW {what} LIKE '%{}%'", self.prefix);
            left += self.sessions.query(&show).await.unwrap().rows.len();
        }
        left
    }
}

/// Runs a test in an account, and cleans up after it, whatever became of it.
async fn cleanly<F: Future<Output = ()> + Send + 'static>(
    settings: SnowflakeSettings,
    test: impl FnOnce(std::sync::Arc<Own>) -> F,
) {
    let own = std::sync::Arc::new(Own::begin(&settings).await);
    let ended = tokio::spawn(test(std::sync::Arc::clone(&own))).await;
    own.remove().await;
    let left = own.left().await;
    if let Err(failed) = ended {
        std::panic::resume_unwind(failed.into_panic());
    }
    assert_eq!(left, 0, "something of {} is left in the account", own.prefix);
}

/// The whole job: plan, apply, nothing to do, drift, a replaced table, and everything given back.
async fn the_whole_job(own: std::sync::Arc<Own>, environment: &'static str) {
    own.say(&[
        "CREATE DATABASE $P_DB",
        "CREATE SCHEMA $P_DB.SALES",
        "CREATE TABLE $P_DB.SALES.ORDERS (ID NUMBER)",
        "CREATE TABLE $P_DB.SALES.\"odd \"\"name\"\"\" (ID NUMBER)",
        "CREATE VIEW $P_DB.SALES.PEOPLE AS SELECT 1 AS ID",
        "CREATE ROLE $P_PARENT",
        "CREATE ROLE $P_MEMBER",
    ])
    .await;
    let folder = tempfile::tempdir().unwrap();
    own.project(folder.path(), environment);
    let project = load(folder.path().to_owned(), "prod");
    // With roles of a database, that of the account holds nothing but what drift gives it.
    let options = Options { allow_revokes: Some(10), ..Options::default() };
    let mut warehouse = Snowflake::over(own.sessions.clone());
    let rest = Vec::<String>::new();

    let first = plan(&mut warehouse, &project, &options).await.unwrap();
    assert!(first.is_clean(), "{:?} {:?}", first.difference.refused, first.findings().sorted());
    let done = apply_it(&mut warehouse, &project, &options).await.unwrap();
    assert!(matches!(done, Outcome::Applied { .. }), "{done:#?}");
    assert_eq!(steps(&plan(&mut warehouse, &project, &options).await.unwrap()), rest);

    // Drift, of what the account alone knows: future grants, a grant option, a stranger's member.
    own.say(&[
        "GRANT ROLE $P_SHOP_ENGINEER TO ROLE $P_MEMBER",
        "GRANT SELECT ON FUTURE TABLES IN SCHEMA $P_DB.SALES TO ROLE $P_SHOP_ANALYST",
        "GRANT INSERT ON TABLE $P_DB.SALES.ORDERS TO ROLE $P_SHOP_ANALYST WITH GRANT OPTION",
        "CREATE OR REPLACE TABLE $P_DB.SALES.\"odd \"\"name\"\"\" (ID NUMBER)",
    ])
    .await;
    let drift = steps(&plan(&mut warehouse, &project, &options).await.unwrap());
    assert!(drift.len() >= 3, "{drift:#?}");
    let done = apply_it(&mut warehouse, &project, &options).await.unwrap();
    assert!(matches!(done, Outcome::Applied { .. }), "{done:#?}");
    assert_eq!(steps(&plan(&mut warehouse, &project, &options).await.unwrap()), rest);
}

/// The account that is set, and the stand-in, which says whether the test itself is right.
async fn wherever(environment: &'static str) {
    if let Some(standin) = Standin::start() {
        let own = standin.of_others_too();
        cleanly(own.settings(), move |own| the_whole_job(own, environment)).await;
    }
    if let Some(settings) = settings() {
        cleanly(settings, move |own| the_whole_job(own, environment)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_job_in_a_database_of_its_own() {
    wherever("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_job_with_roles_of_a_database_of_its_own() {
    wherever(", role_kind: database").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_a_test_that_fails() {
    let Some(standin) = Standin::start() else { return };
    let standin = standin.of_others_too();
    let failing = cleanly(standin.settings(), |own| async move {
        own.say(&["CREATE DATABASE $P_DB", "CREATE ROLE $P_PARENT"]).await;
        panic!("as it should");
    });
    assert!(tokio::spawn(failing).await.is_err());
    let state = standin.tell("state", &json!({})).to_string();
    assert!(!state.contains("ROLECALLTEST"), "{state}");
}
