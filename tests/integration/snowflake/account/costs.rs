//! What a plan costs, in statements. Never in time.

use std::collections::BTreeSet;

use rolecall::apply::Outcome;
use rolecall::plan::Options;
use rolecall::warehouse::snowflake::{Snowflake, SnowflakeSettings};
use serde_json::json;

use super::super::standin::Standin;
use super::site::{account, apply_it, changed, connect, fixture, furnish, plan, settings, steps};

/// The statements since the log was cleared, but for those that set sessions up.
fn said(standin: &Standin) -> Vec<String> {
    let said =
        standin.log().into_iter().filter_map(|entry| Some(entry["sql"].as_str()?.to_owned()));
    said.filter(|sql| !sql.starts_with("USE ") && !sql.starts_with("ALTER SESSION ")).collect()
}

fn only_reads(said: &[String]) {
    for sql in said {
        assert!(sql.starts_with("SHOW ") || sql.starts_with("SELECT "), "a plan says {sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_in_sync_reads_by_roles_schemas_and_databases_and_writes_nothing() {
    for database_roles in [false, true] {
        let Some(standin) = account() else { return };
        let (_kept, project) = match database_roles {
            false => (None, fixture("sales_analytics", "prod")),
            true => {
                let (kept, project) = changed("sales_analytics", "prod", |config| {
                    let from = "    promote_from: dev\n";
                    config.replace(from, &format!("{from}    role_kind: database\n"))
                });
                (Some(kept), project)
            }
        };
        furnish(&standin, &project);
        let mut warehouse = connect(&standin).await;
        let done = apply_it(&mut warehouse, &project, &Options::default()).await.unwrap();
        assert!(matches!(done, Outcome::Applied { .. }), "{done:#?}");
        drop(warehouse);
        let before = standin.tell("state", &json!({}));
        // Without a warehouse each schema is listed; with one, INFORMATION_SCHEMA is asked first.
        for warehouse in [None, Some("WH".to_owned())] {
            standin.tell("clear", &json!({}));
            let settings = SnowflakeSettings { warehouse, ..settings(&standin) };
            let mut warehouse = Snowflake::connect(&settings, 8).await.unwrap();
            let now = plan(&mut warehouse, &project, &Options::default()).await.unwrap();
            assert_eq!(steps(&now), Vec::<String>::new());
            let said = said(&standin);
            only_reads(&said);
            let all = warehouse.sessions().round_trips();
            let set_up = usize::try_from(all).unwrap() - said.len();
            assert!(set_up <= 2 * 8, "{set_up} statements set 8 sessions up");
            let schemas = &now.observed.inventory.schemas;
            let databases: BTreeSet<_> = schemas.iter().map(|(database, _)| database).collect();
            let ours = |sql: &&String| sql.starts_with("SHOW GRANTS TO ");
            let roles = said.iter().filter(ours).count();
            assert!(roles >= 3, "{said:#?}");
            let at_most = 3 * roles + schemas.len() + databases.len() + 10;
            assert!(said.len() <= at_most, "{} > {at_most}: {said:#?}", said.len());
            let once: BTreeSet<&String> = said.iter().collect();
            assert_eq!(once.len(), said.len(), "something is asked twice: {said:#?}");
        }
        // An apply that finds nothing to do does not even take the lock.
        standin.tell("clear", &json!({}));
        let mut warehouse = connect(&standin).await;
        let again = apply_it(&mut warehouse, &project, &Options::default()).await.unwrap();
        assert!(matches!(again, Outcome::InSync(_)), "{again:#?}");
        only_reads(&said(&standin));
        assert_eq!(standin.tell("state", &json!({})), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plan_costs_does_not_grow_with_the_objects() {
    let Some(standin) = account() else { return };
    let project = fixture("sales_analytics", "prod");
    furnish(&standin, &project);
    let mut warehouse = connect(&standin).await;
    apply_it(&mut warehouse, &project, &Options::default()).await.unwrap();
    let mut costs = Vec::new();
    for objects in [0, 300] {
        let more = plan(&mut warehouse, &project, &Options::default()).await.unwrap();
        let places = more.observed.inventory.schemas.clone();
        let statements: Vec<String> = places
            .iter()
            .flat_map(|(database, schema)| {
                let place =
                    format!("{}.{}", super::site::quoted(database), super::site::quoted(schema));
                (0..objects).flat_map(move |n| {
                    let table = format!("{place}.MORE_{n}");
                    let role = "SALES_ANALYTICS_ANALYST";
                    [
                        format!("CREATE TABLE {table} (ID NUMBER)"),
                        format!("GRANT SELECT ON TABLE {table} TO ROLE {role}"),
                    ]
                })
            })
            .collect();
        standin.sql(&statements.iter().map(String::as_str).collect::<Vec<_>>());
        standin.tell("clear", &json!({}));
        let seen = plan(&mut warehouse, &project, &Options::default()).await.unwrap();
        assert!(seen.observed.acl.len() >= objects);
        costs.push(said(&standin).len());
    }
    assert_eq!(costs[0], costs[1]);
}
