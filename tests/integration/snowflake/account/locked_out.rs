//! The proof of identity stops counting while an apply is under way.

use rolecall::apply::{Failure, Outcome};
use rolecall::plan::Options;
use rolecall::warehouse::snowflake::Snowflake;
use serde_json::{Value, json};

use super::super::standin::Standin;
use super::site::{account, apply_it, connect, fixture, furnish, plan, steps};

/// Applies with sessions that are there, while nobody can log in; says how often that was tried.
async fn without_logins(fault: Value) -> Option<(Standin, Snowflake, Result<Outcome, Failure>)> {
    let standin = account()?;
    let project = fixture("sales_analytics", "prod");
    furnish(&standin, &project);
    let mut warehouse = connect(&standin).await;
    plan(&mut warehouse, &project, &Options::default()).await.unwrap();
    standin.sql(&["ALTER USER ADMIN SET PASSWORD = 'another'"]);
    standin.tell("clear", &json!({}));
    standin.tell("faults", &json!({ "faults": [fault] }));
    let outcome = apply_it(&mut warehouse, &project, &Options::default()).await;
    let log = standin.tell("log", &json!({}));
    assert_eq!(log["counters"]["/session/v1/login-request"], 1, "refusals lock the user");
    standin.tell("faults", &json!({ "faults": [] }));
    standin.sql(&["ALTER USER ADMIN SET PASSWORD = 'standin'"]);
    Some((standin, warehouse, outcome))
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_session_the_rest_is_left_and_the_next_run_finishes_it() {
    let fault = json!({ "kind": "lost", "match": "^GRANT", "nth": 5, "times": 0 });
    let Some((standin, lost, outcome)) = without_logins(fault).await else { return };
    let Ok(Outcome::Partly { done, failure: Failure::Found(found) }) = outcome else {
        panic!("{outcome:#?}")
    };
    let said: Vec<String> = found.sorted().into_iter().map(|found| found.message).collect();
    let says = |text: &str| said.iter().any(|said| said.contains(text));
    assert!(!done.is_empty() && says("(code 390100)"), "{said:#?}");
    assert!(says("that depend on them were not sent"), "{said:#?}");
    // Nobody was left to give the lock back.
    assert!(says("rolecall unlock --holder"), "{said:#?}");
    let project = fixture("sales_analytics", "prod");
    let mut warehouse = connect(&standin).await;
    let scope = plan(&mut warehouse, &project, &Options::default()).await.unwrap().scope;
    let (deployment, environment) = (&scope.deployment, &scope.environment);
    assert!(warehouse.unlock(deployment, environment, lost.holder()).await.unwrap());
    let again = apply_it(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert!(matches!(again, Outcome::Applied { .. }), "{again:#?}");
    let now = plan(&mut warehouse, &project, &Options::default()).await.unwrap();
    assert_eq!(steps(&now), Vec::<String>::new());
}
