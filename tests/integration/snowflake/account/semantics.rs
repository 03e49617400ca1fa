//! What Snowflake does differently, one thing at a time.

use rolecall::apply::Outcome;
use rolecall::model::Diagnostic;
use rolecall::plan::Options;
use rolecall::project::Project;
use rolecall::warehouse::snowflake::Snowflake;
use serde_json::json;

use super::super::standin::Standin;
use super::site::{account, apply_it, connect, fixture, furnish, plan, settings, steps};

/// An account in which the product is granted already.
async fn granted() -> Option<(Standin, Project, Snowflake)> {
    let standin = account()?;
    let project = fixture("sales_analytics", "prod");
    furnish(&standin, &project);
    let mut warehouse = connect(&standin).await;
    let done = apply_it(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert!(matches!(done, Outcome::Applied { .. }), "{done:#?}");
    Some((standin, project, warehouse))
}

/// Some table that is declared on, as it is written in SQL.
fn table(project: &Project) -> (String, String) {
    let found =
        project.resolve(None, &rolecall::model::Inventory::default(), false, None).0.unwrap();
    let on = found
        .desired
        .grants
        .keys()
        .map(|(on, _)| on)
        .find(|on| on.class() == rolecall::model::ObjectClass::Table)
        .unwrap();
    let parts = [on.database_name(), on.schema_name(), on.name()];
    (parts.map(|part| super::site::quoted(part.unwrap())).join("."), on.to_string())
}

fn codes(found: Vec<Diagnostic>) -> Vec<&'static str> {
    // What the fixture's own dbt grants are told is no news here.
    found.into_iter().map(|found| found.code).filter(|code| *code != "dbt-grants").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_table_is_granted_again_whatever_the_account_does_with_its_grants() {
    let Some((standin, project, mut warehouse)) = granted().await else { return };
    let (table, shown) = table(&project);
    let replace = format!("CREATE OR REPLACE TABLE {table} (ID NUMBER)");
    standin.sql(&[&replace]);
    let lost = steps(&plan(&mut warehouse, &project, &Options::default()).await.unwrap());
    assert!(!lost.is_empty() && lost.iter().all(|step| step.contains(&shown)), "{lost:#?}");
    let done = apply_it(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert!(matches!(done, Outcome::Applied { .. }), "{done:#?}");
    // BCR-2433: the replacement keeps what was granted.
    standin.tell("account", &json!({ "bundles": { "2026_08": "ENABLED" } }));
    standin.sql(&[&replace]);
    let kept = plan(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert_eq!(steps(&kept), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn future_grants_go_and_those_that_hide_others_are_named() {
    let Some((standin, project, mut warehouse)) = granted().await else { return };
    let (table, _) = table(&project);
    let mut place = table.split('.');
    let (database, schema) = (place.next().unwrap(), place.next().unwrap());
    standin.sql(&[
        "CREATE ROLE STRANGER",
        &format!(
            "GRANT SELECT ON FUTURE TABLES IN DATABASE {database} TO ROLE SALES_ANALYTICS_OWNER"
        ),
        &format!("GRANT SELECT ON FUTURE TABLES IN SCHEMA {database}.{schema} TO ROLE STRANGER"),
    ]);
    let now = plan(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert_eq!(
        steps(&now),
        ["revoke SELECT on future objects (table) in database shop from SALES_ANALYTICS_OWNER"]
    );
    assert_eq!(codes(now.findings().sorted()), ["future-grant-shadowed"]);
    let done = apply_it(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert!(matches!(done, Outcome::Applied { .. }), "{done:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_inherited_or_of_an_unknown_type_is_named_and_left() {
    let Some((standin, project, mut warehouse)) = granted().await else { return };
    let (table, _) = table(&project);
    let database = table.split('.').next().unwrap();
    let schema = table.rsplit_once('.').unwrap().0;
    standin.sql(&[
        "ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = 'ENABLED'",
        &format!("CREATE STANDIN THING {schema}.THING"),
        &format!("GRANT USAGE ON STANDIN THING {schema}.THING TO ROLE SALES_ANALYTICS_OWNER"),
        &format!(
            "GRANT INHERITED SELECT ON ALL TABLES IN DATABASE {database} TO ROLE SALES_ANALYTICS_ANALYST"
        ),
    ]);
    let now = plan(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert_eq!(steps(&now), Vec::<String>::new());
    let left: Vec<&str> = now.difference.left.iter().map(|left| left.what.as_str()).collect();
    assert!(left.iter().any(|what| what.contains("THING")), "{left:#?}");
    assert!(
        left.iter().any(|what| what.starts_with("inherited SELECT on every TABLE in ")),
        "{left:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn account_usage_shows_the_same_and_says_how_late_it_is() {
    let Some((standin, project, _)) = granted().await else { return };
    standin.sql(&["GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE DEPLOYER"]);
    let settings = rolecall::warehouse::snowflake::SnowflakeSettings {
        warehouse: Some("WH".to_owned()),
        ..settings(&standin)
    };
    let warehouse = Snowflake::connect(&settings, 4).await.unwrap();
    let mut warehouse = warehouse.reading_account_usage(true);
    let now = plan(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert_eq!(steps(&now), Vec::<String>::new());
    assert_eq!(codes(now.findings().sorted()), ["account-usage-lag"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_more_roles_than_show_gives_at_once_is_read_whole() {
    let Some(standin) = account() else { return };
    let project = fixture("sales_analytics", "prod");
    furnish(&standin, &project);
    let roles: Vec<String> = (0..10_050).map(|n| format!("CREATE ROLE A{n:05}")).collect();
    standin.sql(&roles.iter().map(String::as_str).collect::<Vec<_>>());
    let mut warehouse = connect(&standin).await;
    let done = apply_it(&mut warehouse, &project, &Options::default()).await.unwrap();
    let Outcome::Applied { after, .. } = done else { panic!("{done:#?}") };
    assert!(after.observed.roles.len() > 10_050);
    let again = apply_it(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert!(matches!(again, Outcome::InSync(_)), "{again:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said_before_anything_is_changed() {
    let Some((standin, project, mut warehouse)) = granted().await else { return };
    let (table, _) = table(&project);
    standin.sql(&[&format!("DROP TABLE {table}"), "DROP USER TAYLOR", "DROP ROLE AD_SALES"]);
    let without = plan(&mut warehouse, &project, &Options::default()).await;
    let Err(rolecall::apply::Failure::Found(found)) = without else { panic!("{without:#?}") };
    assert_eq!(codes(found.sorted()), ["missing-relation"]);
    standin.sql(&[&format!("CREATE TABLE {table} (ID NUMBER)")]);
    let now = plan(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert_eq!(codes(now.findings().sorted()), ["missing-member", "missing-member"]);
}

/// The product with roles of databases, granted, in an account that calls them so.
async fn spelt(account_role: &str, database_role: &str, usage: bool) {
    let Some(standin) = account() else { return };
    let (_kept, project) = super::site::changed("sales_analytics", "prod", |config| {
        config
            .replace("    promote_from: dev\n", "    promote_from: dev\n    role_kind: database\n")
    });
    furnish(&standin, &project);
    let words =
        json!({ "STANDIN_GRANTED_TO": account_role, "STANDIN_DATABASE_ROLE": database_role });
    standin.tell("account", &json!({ "parameters": words }));
    standin.sql(&["GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE DEPLOYER"]);
    let mut warehouse = connect(&standin).await;
    let done = apply_it(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert!(matches!(done, Outcome::Applied { .. }), "{account_role}, {database_role}: {done:#?}");
    let settings = rolecall::warehouse::snowflake::SnowflakeSettings {
        warehouse: Some("WH".to_owned()),
        ..settings(&standin)
    };
    let warehouse = Snowflake::connect(&settings, 4).await.unwrap();
    let mut warehouse = warehouse.reading_account_usage(usage);
    let now = plan(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert_eq!(steps(&now), Vec::<String>::new(), "{account_role}, {database_role}, {usage}");
    assert!(now.difference.left.is_empty(), "{:#?}", now.difference.left);
}

#[tokio::test(flavor = "multi_thread")]
async fn types_of_roles_are_read_however_they_are_spelt() {
    for account_role in ["ROLE", "ACCOUNT ROLE", "ACCOUNT_ROLE"] {
        for database_role in ["DATABASE_ROLE", "DATABASE ROLE"] {
            spelt(account_role, database_role, false).await;
        }
        spelt(account_role, "DATABASE ROLE", true).await;
    }
}
