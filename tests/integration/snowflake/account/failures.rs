//! Whatever fails on the way, the next run ends where it should.

use std::time::Duration;

use rolecall::apply::{Failure, Outcome};
use rolecall::plan::Options;
use rolecall::warehouse::snowflake::Lock;
use rolecall::warehouse::{Execute, Observe, WarehouseError};
use serde_json::{Value, json};

use super::super::standin::Standin;
use super::site::{account, apply_it, connect, fixture, furnish, plan, steps};

async fn faulty(fault: Value) -> Option<(Standin, Result<Outcome, Failure>)> {
    let standin = account()?;
    let project = fixture("sales_analytics", "prod");
    furnish(&standin, &project);
    // Something to be taken away, too.
    standin.sql(&["CREATE ROLE STRANGER"]);
    let mut warehouse = connect(&standin).await;
    standin.tell("faults", &json!({ "faults": [fault] }));
    let outcome = apply_it(&mut warehouse, &project, &Options::default()).await;
    standin.tell("faults", &json!({ "faults": [] }));
    let mut warehouse = connect(&standin).await;
    let again = apply_it(&mut warehouse, &project, &Options::default()).await;
    let again = again.unwrap_or_else(|error| panic!("{error:#?} after {outcome:#?}"));
    assert!(matches!(again, Outcome::Applied { .. } | Outcome::InSync(_)), "{again:#?}");
    let now = plan(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert_eq!(steps(&now), Vec::<String>::new());
    Some((standin, outcome))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_session_mends_is_no_failure() {
    for fault in [
        json!({ "kind": "expired", "match": "^GRANT", "nth": 3 }),
        json!({ "kind": "lost", "match": "^GRANT", "nth": 3 }),
        json!({ "kind": "slow", "match": "^GRANT", "nth": 2, "ms": 300, "code": "333334" }),
        json!({ "kind": "http", "match": "^GRANT", "nth": 2, "times": 2, "status": 503 }),
        json!({ "kind": "http", "match": "^GRANT", "nth": 2, "status": 429 }),
        json!({ "kind": "drop", "match": "^GRANT", "nth": 4, "executed": true }),
        json!({ "kind": "drop", "match": "^GRANT", "nth": 4 }),
    ] {
        let Some((_, outcome)) = faulty(fault.clone()).await else { return };
        assert!(matches!(outcome, Ok(Outcome::Applied { .. })), "{fault}: {outcome:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_stops_only_what_depends_on_it_and_the_next_run_does_the_rest() {
    for fault in [
        json!({ "kind": "error", "match": "^GRANT SELECT", "nth": 2, "code": "000603", "message": "incident 1" }),
        json!({ "kind": "partial", "match": "^GRANT SELECT", "nth": 1 }),
        json!({ "kind": "error", "match": "^CREATE ROLE \"SALES_ANALYTICS_ANALYST", "code": "000603", "message": "incident 2" }),
    ] {
        let Some((_, outcome)) = faulty(fault.clone()).await else { return };
        let Ok(Outcome::Partly { done, failure }) = outcome else {
            panic!("{fault}: {outcome:#?}")
        };
        assert!(done.len() > 5, "{fault}: {done:#?} {failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoke_that_lies_is_seen() {
    let Some(standin) = account() else { return };
    let project = fixture("sales_analytics", "prod");
    furnish(&standin, &project);
    let mut warehouse = connect(&standin).await;
    apply_it(&mut warehouse, &project, &Options::default()).await.unwrap();
    standin.sql(&["GRANT USAGE ON WAREHOUSE WH TO ROLE SALES_ANALYTICS_OWNER"]);
    let lie = json!({ "faults": [{ "kind": "lie", "match": "^REVOKE" }] });
    standin.tell("faults", &lie);
    let outcome = apply_it(&mut warehouse, &project, &Options::default()).await.unwrap();
    let Outcome::DoneButDiffers { done, after } = outcome else { panic!("{outcome:#?}") };
    assert_eq!(done.len(), 1);
    assert_eq!(steps(&after), ["revoke USAGE on warehouse WH from SALES_ANALYTICS_OWNER"]);
    let outcome = apply_it(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_applies_the_second_is_refused_and_a_dead_one_is_broken_by_name_only() {
    let Some(standin) = account() else { return };
    let project = fixture("sales_analytics", "prod");
    furnish(&standin, &project);
    let mut first = connect(&standin).await;
    let compared = plan(&mut first, &project, &Options::default()).await.unwrap();
    first.prepare(&compared.scope).unwrap();
    first.begin().await.unwrap();
    let holder = first.holder().to_owned();

    let mut second = connect(&standin).await;
    let refused = apply_it(&mut second, &project, &Options::default()).await;
    let Err(Failure::Warehouse(WarehouseError::Locked(said))) = refused else {
        panic!("{refused:#?}")
    };
    assert!(said.contains(&holder) && said.contains("rolecall unlock --holder"), "{said}");
    // It changed nothing, and asked who it is.
    assert_eq!(second.identity().await.unwrap().acting_as.as_str(), "DEPLOYER");

    // The first one dies in the middle: nobody gives its lock back.
    drop(first);
    let (deployment, environment) = (&compared.scope.deployment, &compared.scope.environment);
    let wrong = second.unlock(deployment, environment, "somebody else").await;
    assert!(matches!(wrong, Err(WarehouseError::Locked(_))), "{wrong:?}");
    assert!(second.unlock(deployment, environment, &holder).await.unwrap());
    assert!(!second.unlock(deployment, environment, &holder).await.unwrap());
    let done = apply_it(&mut second, &project, &Options::default()).await.unwrap();
    assert!(matches!(done, Outcome::Applied { .. }), "{done:#?}");
    let lock = Lock::of(deployment, environment).unwrap();
    assert!(lock.held(second.sessions()).await.unwrap().is_none(), "the lock was given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_is_killed_is_finished_by_the_next() {
    let Some(standin) = account() else { return };
    let project = fixture("sales_analytics", "prod");
    furnish(&standin, &project);
    let mut warehouse = connect(&standin).await;
    // Every grant from the tenth on takes its time.
    let slow = json!({ "kind": "latency", "match": "^GRANT", "nth": 10, "times": 0, "ms": 2_000 });
    standin.tell("faults", &json!({ "faults": [slow] }));
    let options = Options::default();
    let in_the_middle = async {
        while !standin.log().iter().any(|entry| entry["faults"] == json!(["latency"])) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        ended = apply_it(&mut warehouse, &project, &options) => panic!("it ended: {ended:#?}"),
        () = in_the_middle => {}
    }
    standin.tell("faults", &json!({ "faults": [] }));
    let holder = warehouse.holder().to_owned();
    drop(warehouse);
    let mut warehouse = connect(&standin).await;
    let scope = plan(&mut warehouse, &project, &options).await.unwrap().scope;
    warehouse.unlock(&scope.deployment, &scope.environment, &holder).await.unwrap();
    let done = apply_it(&mut warehouse, &project, &options).await.unwrap();
    assert!(matches!(done, Outcome::Applied { .. }), "{done:#?}");
    assert_eq!(
        steps(&plan(&mut warehouse, &project, &options).await.unwrap()),
        Vec::<String>::new()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_is_told_what_it_lacks() {
    let Some(standin) = account() else { return };
    let project = fixture("sales_analytics", "prod");
    furnish(&standin, &project);
    standin.sql(&["REVOKE MANAGE GRANTS ON ACCOUNT FROM ROLE DEPLOYER"]);
    let mut warehouse = connect(&standin).await;
    let without = apply_it(&mut warehouse, &project, &Options::default()).await;
    let said = format!("{without:?}");
    assert!(said.contains("GRANT MANAGE GRANTS ON ACCOUNT TO ROLE"), "{said}");
    standin.sql(&[
        "GRANT MANAGE GRANTS ON ACCOUNT TO ROLE DEPLOYER",
        "REVOKE CREATE ROLE ON ACCOUNT FROM ROLE DEPLOYER",
    ]);
    let mut warehouse = connect(&standin).await;
    let without = apply_it(&mut warehouse, &project, &Options::default()).await;
    let Err(Failure::Warehouse(WarehouseError::Forbidden(said))) = without else {
        panic!("{without:#?}")
    };
    assert!(said.contains("GRANT CREATE ROLE ON ACCOUNT TO ROLE \"DEPLOYER\""), "{said}");
}
