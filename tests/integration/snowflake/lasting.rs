//! Sessions that last as long as the work does: used in turn, renewed, made anew.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use rolecall::warehouse::snowflake::{QueryError, Sessions};
use serde_json::json;

use super::standin::Standin;

fn logins(standin: &Standin) -> u64 {
    let answer = standin.tell("log", &json!({}));
    answer["counters"]["/session/v1/login-request"].as_u64().unwrap_or_default()
}

/// Opens all of them.
async fn all(standin: &Standin, size: usize) -> Sessions {
    let sessions = Sessions::connect(&standin.settings(), size).await.unwrap();
    sessions.open_all();
    // One that is quick could answer for those whose login is still on its way.
    while logins(standin) < size as u64 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let asked = (0..size).map(|_| sessions.query("SHOW ROLES"));
    assert!(join_all(asked).await.iter().all(Result::is_ok));
    sessions
}

#[tokio::test]
async fn statements_one_after_the_other_keep_every_session_in_use() {
    let Some(standin) = Standin::start() else { return };
    let sessions = all(&standin, 4).await;
    assert_eq!(logins(&standin), 4, "sessions are opened once");
    standin.tell("clear", &json!({}));
    for n in 0..12 {
        sessions.query(&format!("CREATE ROLE R{n}")).await.unwrap();
    }
    let mut used: BTreeMap<u64, usize> = BTreeMap::new();
    for entry in standin.log() {
        *used.entry(entry["session"].as_u64().unwrap()).or_default() += 1;
    }
    assert_eq!(used.into_values().collect::<Vec<_>>(), [3, 3, 3, 3]);
    sessions.close().await;
}

#[tokio::test]
async fn sessions_that_nobody_used_for_too_long_are_made_anew_one_by_one() {
    let Some(standin) = Standin::start() else { return };
    let sessions = all(&standin, 4).await;
    for lost in [false, true] {
        standin.tell("clear", &json!({}));
        standin.tell("expire", &json!({ "lost": lost }));
        let statements: Vec<String> = (0..8).map(|n| format!("CREATE ROLE R{n}_{lost}")).collect();
        let results = join_all(statements.iter().map(|sql| sessions.query(sql))).await;
        assert!(results.iter().all(Result::is_ok), "{results:#?}");
        assert_eq!(logins(&standin), if lost { 4 } else { 0 });
        for statement in &statements {
            let sent = standin.log().iter().filter(|s| s["sql"] == **statement).count();
            assert_eq!(sent, 1, "{statement} was begun once");
        }
    }
}

#[tokio::test]
async fn what_was_running_when_its_session_ended_is_said_again_only_if_that_does_no_harm() {
    let Some(standin) = Standin::start() else { return };
    let sessions = Sessions::connect(&standin.settings(), 1).await.unwrap();
    for (statement, again) in [("SHOW ROLES", true), ("CREATE ROLE R", false)] {
        standin.tell("clear", &json!({}));
        standin.tell("faults", &json!({ "faults": [{ "kind": "slow", "ms": 60_000 }] }));
        let ending = async {
            while standin.log().iter().all(|entry| entry["sql"] != statement) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            standin.tell("expire", &json!({ "lost": true }));
        };
        let (result, ()) = futures::join!(sessions.query(statement), ending);
        match result {
            Ok(_) if again => {}
            Err(QueryError::Transport { may_have_run: true, .. }) if !again => {}
            other => panic!("{statement}: {other:?}"),
        }
        let sent = standin.log().iter().filter(|s| s["sql"] == statement).count();
        assert_eq!(sent, if again { 2 } else { 1 }, "{statement}");
    }
}

#[tokio::test]
async fn a_login_that_is_refused_half_way_is_not_tried_by_every_session() {
    let Some(standin) = Standin::start() else { return };
    let sessions = all(&standin, 4).await;
    standin.tell("clear", &json!({}));
    standin.sql(&["ALTER USER ADMIN SET PASSWORD = 'another'"]);
    standin.tell("expire", &json!({ "lost": true }));
    for _ in 0..3 {
        let asked = (0..8).map(|n| sessions.query(["SHOW ROLES", "CREATE ROLE R"][n % 2]));
        for result in join_all(asked).await {
            match result.unwrap_err() {
                QueryError::Transport { cause, may_have_run: false } => {
                    assert!(cause.contains("390100"), "{cause}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(logins(&standin), 1, "five refusals would lock the user");
}
