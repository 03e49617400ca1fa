//! Sessions on the stand-in: the whole protocol, and every failure that it can be told to make.

use std::time::Duration;

use futures::StreamExt;
use rolecall::warehouse::snowflake::{Auth, QueryError, Rows, Secret, Sessions, SnowflakeSettings};
use serde_json::json;

use super::standin::Standin;

/// The values of a column.
fn column(rows: &Rows, name: &str) -> Vec<String> {
    let at = rows.columns.iter().position(|c| c == name).unwrap();
    rows.rows.iter().map(|row| row[at].clone().unwrap_or_default()).collect()
}

async fn roles(sessions: &Sessions) -> Vec<String> {
    column(&sessions.query("SHOW ROLES").await.unwrap(), "name")
}

/// How often sessions sent this statement.
fn sent(standin: &Standin, statement: &str) -> usize {
    standin.log().iter().filter(|s| s["sql"] == statement).count()
}

#[tokio::test]
async fn roles_are_made_granted_and_shown() {
    let Some(standin) = Standin::start() else { return };
    let sessions = Sessions::connect(&standin.settings(), 3).await.unwrap();
    for role in ["R1", "R2", "mixed \"Case\""] {
        let role = role.replace('"', "\"\"");
        sessions.query(&format!("CREATE ROLE \"{role}\"")).await.unwrap();
    }
    sessions.query("GRANT ROLE \"R1\" TO ROLE \"R2\"").await.unwrap();
    let found = roles(&sessions).await;
    assert!(found.contains(&"mixed \"Case\"".to_owned()), "{found:?}");
    let grants = sessions.query("SHOW GRANTS OF ROLE \"R1\"").await.unwrap();
    assert_eq!(column(&grants, "grantee_name"), ["R2"]);
    let who = sessions.query("SELECT CURRENT_ROLE()").await.unwrap();
    assert_eq!(who.rows, [[Some("ACCOUNTADMIN".to_owned())]]);
    sessions.close().await;
}

#[tokio::test]
async fn an_expired_or_lost_session_is_not_noticed_by_who_uses_it() {
    let Some(standin) = Standin::start() else { return };
    let sessions = Sessions::connect(&standin.settings(), 2).await.unwrap();
    for kind in ["expired", "lost"] {
        let role = format!("R_{kind}");
        let statement = format!("CREATE ROLE {role}");
        standin.tell("faults", &json!({"faults": [{"kind": kind, "match": "CREATE ROLE"}]}));
        sessions.query(&statement).await.unwrap();
        assert!(roles(&sessions).await.contains(&role.to_uppercase()));
    }
    standin.tell("expire", &json!({"lost": true}));
    let found = sessions.query("SELECT CURRENT_ROLE()").await.unwrap();
    assert_eq!(found.rows, [[Some("ACCOUNTADMIN".to_owned())]]);
}

#[tokio::test]
async fn a_slow_statement_is_waited_for_under_either_code() {
    let Some(standin) = Standin::start() else { return };
    let sessions = Sessions::connect(&standin.settings(), 1).await.unwrap();
    for code in ["333333", "333334"] {
        let statement = format!("CREATE ROLE R_{code}");
        standin.tell(
            "faults",
            &json!({"faults": [{"kind": "slow", "code": code, "ms": 200, "match": "CREATE"}]}),
        );
        sessions.query(&statement).await.unwrap();
    }
    assert!(roles(&sessions).await.contains(&"R_333334".to_owned()));
}

#[tokio::test]
async fn what_a_gate_refused_is_sent_again() {
    let Some(standin) = Standin::start() else { return };
    let sessions = Sessions::connect(&standin.settings(), 1).await.unwrap();
    for status in [429, 503] {
        standin.tell(
            "faults",
            &json!({"faults": [{"kind": "http", "status": status, "times": 2, "match": "CREATE"}]}),
        );
        sessions.query(&format!("CREATE ROLE R_{status}")).await.unwrap();
    }
    assert!(roles(&sessions).await.contains(&"R_503".to_owned()));
}

#[tokio::test]
async fn a_dropped_connection_is_in_doubt_for_what_cannot_be_said_twice() {
    let Some(standin) = Standin::start() else { return };
    let sessions = Sessions::connect(&standin.settings(), 2).await.unwrap();
    for executed in [true, false] {
        standin.tell(
            "faults",
            &json!({"faults": [{"kind": "drop", "executed": executed, "match": "CREATE|GRANT"}]}),
        );
        let role = if executed { "R_DONE" } else { "R_NOT_DONE" };
        match sessions.query(&format!("CREATE ROLE {role}")).await {
            Err(QueryError::Transport { may_have_run: true, .. }) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(roles(&sessions).await.contains(&role.to_owned()), executed);
        standin.sql(&["CREATE ROLE IF NOT EXISTS M"]);
        standin.tell(
            "faults",
            &json!({"faults": [{"kind": "drop", "executed": executed, "match": "GRANT"}]}),
        );
        sessions.query("GRANT ROLE M TO ROLE SYSADMIN").await.unwrap();
        let grants = sessions.query("SHOW GRANTS OF ROLE M").await.unwrap();
        assert_eq!(column(&grants, "grantee_name"), ["SYSADMIN"]);
        standin.sql(&["REVOKE ROLE M FROM ROLE SYSADMIN"]);
    }
}

#[tokio::test]
async fn many_statements_run_over_a_bounded_number_of_sessions() {
    let Some(standin) = Standin::start() else { return };
    let sessions = Sessions::connect(&standin.settings(), 8).await.unwrap();
    let statements: Vec<String> = (0..100).map(|n| format!("CREATE ROLE MANY_{n}")).collect();
    let results: Vec<_> = futures::stream::iter(&statements)
        .map(|statement| sessions.query(statement))
        .buffer_unordered(8)
        .collect()
        .await;
    assert!(results.iter().all(Result::is_ok));
    let found = roles(&sessions).await;
    assert_eq!(found.iter().filter(|role| role.starts_with("MANY_")).count(), 100);
    let set_up = sessions.round_trips() - 101;
    assert!(set_up <= 8 * 3, "{set_up} statements to set up 8 sessions");
    for statement in &statements {
        assert_eq!(sent(&standin, statement), 1, "{statement}");
    }
}

#[tokio::test]
async fn an_error_of_the_server_comes_through() {
    let Some(standin) = Standin::start() else { return };
    let sessions = Sessions::connect(&standin.settings(), 1).await.unwrap();
    sessions.query("CREATE ROLE R").await.unwrap();
    match sessions.query("CREATE ROLE R").await.unwrap_err() {
        QueryError::Server(error) => {
            assert_eq!(error.code, "002002");
            assert!(error.message.contains("already exists"), "{error}");
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_proof_of_identity_opens_a_session() {
    let Some(standin) = Standin::start() else { return };
    let public: String =
        include_str!("keys/public.pub").lines().filter(|line| !line.starts_with('-')).collect();
    standin.sql(&[&format!("ALTER USER ADMIN SET RSA_PUBLIC_KEY = '{public}'")]);
    standin.tell(
        "user",
        &json!({
            "user": "ADMIN", "oauth": {"an-oauth-token": null}, "pats": {"a-pat": null},
        }),
    );
    for auth in [
        Auth::Password(Secret::new("standin")),
        Auth::OAuth(Secret::new("an-oauth-token")),
        Auth::ProgrammaticAccessToken(Secret::new("a-pat")),
        Auth::KeyPair {
            pem: Secret::new(include_str!("keys/des3.p8")),
            passphrase: Some(Secret::new("opensesame")),
        },
    ] {
        let settings = SnowflakeSettings { auth, ..standin.settings() };
        let sessions = Sessions::connect(&settings, 1).await.unwrap();
        let who = sessions.query("SELECT CURRENT_USER()").await.unwrap();
        assert_eq!(who.rows, [[Some("ADMIN".to_owned())]]);
    }
}

#[tokio::test]
async fn a_wrong_proof_role_or_warehouse_is_told() {
    let Some(standin) = Standin::start() else { return };
    type Case = (fn(&mut SnowflakeSettings), &'static [&'static str]);
    let cases: [Case; 6] = [
        (
            |s| s.auth = Auth::Password(Secret::new("wrong")),
            &["(code 390100)", "The user or the password is wrong"],
        ),
        (
            |s| {
                let pem = Secret::new(include_str!("keys/plain.p8"));
                s.auth = Auth::KeyPair { pem, passphrase: None };
            },
            &["(code 390144)", "fingerprint SHA256:", "RSA_PUBLIC_KEY_FP"],
        ),
        (|s| s.auth = Auth::OAuth(Secret::new("wrong")), &["(code 390303)", "get a new one"]),
        (|s| s.user = "nobody".to_owned(), &["(code 390100)"]),
        (
            |s| s.role = Some("NO_SUCH_ROLE".to_owned()),
            &["(code 390189)", "The role NO_SUCH_ROLE does not exist or is not granted"],
        ),
        (
            |s| s.warehouse = Some("NO_SUCH_WH".to_owned()),
            &["(code 390201)", "warehouse NO_SUCH_WH does not exist"],
        ),
    ];
    for (change, expected) in cases {
        let mut settings = standin.settings();
        change(&mut settings);
        let error = Sessions::connect(&settings, 1).await.unwrap_err().to_string();
        for text in expected {
            assert!(error.contains(text), "{text} is not in {error}");
        }
    }
}

#[tokio::test]
async fn a_role_in_lower_case_can_be_the_executing_role() {
    let Some(standin) = Standin::start() else { return };
    standin.sql(&["CREATE ROLE \"deployer\"", "GRANT ROLE \"deployer\" TO USER ADMIN"]);
    let settings = SnowflakeSettings {
        role: Some("\"deployer\"".to_owned()),
        statement_timeout: Duration::from_secs(10),
        ..standin.settings()
    };
    let sessions = Sessions::connect(&settings, 1).await.unwrap();
    let who = sessions.query("SELECT CURRENT_ROLE()").await.unwrap();
    assert_eq!(who.rows, [[Some("deployer".to_owned())]]);
}
