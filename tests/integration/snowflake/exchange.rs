//! What is sent, what is repeated, and what is made of the answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rolecall::warehouse::snowflake::{Auth, QueryError, Rows, Secret, Sessions, SnowflakeSettings};
use serde_json::json;

use super::scripted::{Reply, Request, Scripted, done, error, logged_in, rows};
use super::settings;

async fn connect(server: &Scripted) -> Sessions {
    Sessions::connect(&settings(server.port), 2).await.unwrap()
}

/// Answers the n-th time with the n-th, and from then on with the last.
fn in_turn(replies: Vec<fn() -> Reply>) -> impl Fn(&Request) -> Reply + Send + Sync {
    let asked = AtomicUsize::new(0);
    move |_| {
        let n = asked.fetch_add(1, Ordering::SeqCst);
        replies[n.min(replies.len() - 1)]()
    }
}

fn table(columns: &[&str], rows: &[&[Option<&str>]]) -> Rows {
    Rows {
        columns: columns.iter().map(|&c| c.to_owned()).collect(),
        rows: rows.iter().map(|r| r.iter().map(|c| c.map(str::to_owned)).collect()).collect(),
    }
}

#[tokio::test]
async fn a_session_logs_in_is_set_up_and_returns_rows() {
    let server = Scripted::for_statements(|_| {
        Reply::Json(rows(&["name", "comment"], json!([["A", null], ["b\"", "x"]])))
    });
    let sessions = connect(&server).await;
    let found = sessions.query("SHOW ROLES").await.unwrap();
    assert_eq!(
        found,
        table(&["name", "comment"], &[&[Some("A"), None], &[Some("b\""), Some("x")]])
    );
    sessions.close().await;
    let requests = server.requests();
    let said: Vec<String> = requests
        .iter()
        .map(|r| if r.statement().is_empty() { r.path.clone() } else { r.statement().to_owned() })
        .collect();
    assert_eq!(
        said,
        [
            "/session/v1/login-request",
            "USE SECONDARY ROLES NONE",
            // AUTOCOMMIT and TIMEZONE were confirmed by the login, and so was the role.
            "ALTER SESSION SET MULTI_STATEMENT_COUNT = 1 QUOTED_IDENTIFIERS_IGNORE_CASE = FALSE \
             ROWS_PER_RESULTSET = 0",
            "SHOW ROLES",
            "/session",
        ]
    );
    assert_eq!(requests[3].header("authorization"), Some("Snowflake Token=\"s1\""));
    assert_eq!(requests[4].parameter("delete"), Some("true"));
}

#[tokio::test]
async fn a_slow_statement_is_waited_for() {
    let server = Scripted::for_statements(|request| match request.path.as_str() {
        "/queries/v1/query-request" => Reply::Json(json!({
            "success": true, "code": "333333", "message": "in progress",
            "data": {"getResultUrl": "/queries/01b/result?x=1", "queryId": "01b"},
        })),
        // Asked for the second time, it is there; a dropped connection in between is no matter.
        _ if request.method == "GET" && request.parameter("x") == Some("1") => {
            Reply::Json(json!({"success": true, "code": "333334", "message": null,
                "data": {"getResultUrl": "/queries/01b/result?x=2"}}))
        }
        _ if request.parameter("retryCount").is_none() => Reply::Drop,
        _ => Reply::Json(done()),
    });
    let sessions = connect(&server).await;
    sessions.query("CREATE ROLE R").await.unwrap();
    assert_eq!(server.sent("CREATE ROLE R").len(), 1);
    let asked: Vec<_> = server.requests().into_iter().filter(|r| r.method == "GET").collect();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0].header("authorization"), Some("Snowflake Token=\"s1\""));
}

#[tokio::test]
async fn a_result_is_not_fetched_from_another_server() {
    let server = Scripted::for_statements(|_| {
        Reply::Json(json!({"success": true, "code": "333334", "data": {
            "getResultUrl": "http://127.0.0.1:1/queries/01b/result",
        }}))
    });
    let error = connect(&server).await.query("CREATE ROLE R").await.unwrap_err();
    assert!(matches!(error, QueryError::Transport { may_have_run: true, .. }), "{error}");
}

#[tokio::test]
async fn an_expired_token_is_renewed_and_the_statement_said_again() {
    let server = Scripted::for_statements(|request| {
        let token = request.header("authorization").unwrap_or_default();
        match request.path.as_str() {
            "/session/token-request" => {
                assert_eq!(token, "Snowflake Token=\"m1\"");
                assert_eq!(request.body, json!({"oldSessionToken": "s1", "requestType": "RENEW"}));
                Reply::Json(json!({"success": true, "data": {
                    "sessionToken": "s2", "masterToken": "m2", "sessionId": 1,
                    "validityInSecondsST": 3600, "validityInSecondsMT": 14400,
                }}))
            }
            _ if token.contains("s2") => Reply::Json(done()),
            _ => Reply::Json(error("390112", "Your session has expired.")),
        }
    });
    let sessions = connect(&server).await;
    sessions.query("CREATE ROLE R").await.unwrap();
    sessions.query("CREATE ROLE R2").await.unwrap();
    let sent = server.sent("CREATE ROLE R");
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].parameter("requestId"), sent[1].parameter("requestId"));
    assert_ne!(sent[0].parameter("request_guid"), sent[1].parameter("request_guid"));
    assert_eq!(server.sent("CREATE ROLE R2").len(), 1);
    let logins = server.requests().iter().filter(|r| r.path.ends_with("login-request")).count();
    assert_eq!(logins, 1);
}

#[tokio::test]
async fn a_session_that_cannot_be_renewed_is_made_anew_and_set_up_again() {
    let logins = AtomicUsize::new(0);
    let server = Scripted::start(move |request| match request.path.as_str() {
        "/session/v1/login-request" => match logins.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::Json(logged_in("s1", "m1")),
            _ => Reply::Json(logged_in("s2", "m2")),
        },
        "/session/token-request" => Reply::Json(error("390114", "Authentication token expired")),
        _ if request.statement() == "CREATE ROLE R"
            && request.header("authorization") == Some("Snowflake Token=\"s1\"") =>
        {
            Reply::Json(error("390112", "Your session has expired."))
        }
        _ => Reply::Json(done()),
    });
    let sessions = connect(&server).await;
    sessions.query("CREATE ROLE R").await.unwrap();
    let said: Vec<_> = server.requests().iter().map(|r| r.statement().to_owned()).collect();
    let after: Vec<_> = said.iter().skip_while(|s| *s != "CREATE ROLE R").collect();
    assert_eq!(after[1..4], ["", "", "USE SECONDARY ROLES NONE"]);
    assert!(after[4].starts_with("ALTER SESSION"));
    assert_eq!(after[5..], ["CREATE ROLE R"]);
}

#[tokio::test]
async fn what_was_refused_at_the_gate_is_sent_again_under_the_same_id() {
    for refusal in [429, 503] {
        let replies: Vec<fn() -> Reply> = match refusal {
            429 => vec![|| Reply::Status(429, "retry-after: 0\r\n"), || Reply::Json(done())],
            _ => vec![|| Reply::Status(503, ""), || Reply::Json(done())],
        };
        let server = Scripted::for_statements(in_turn(replies));
        let sessions = connect(&server).await;
        sessions.query("CREATE ROLE R").await.unwrap();
        let sent = server.sent("CREATE ROLE R");
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[0].parameter("requestId"), sent[1].parameter("requestId"));
        assert_eq!(sent[0].parameter("retryCount"), None);
        assert_eq!(sent[1].parameter("retryCount"), Some("1"));
        assert_eq!(sent[0].body["sequenceId"], sent[1].body["sequenceId"]);
    }
}

#[tokio::test]
async fn an_error_that_may_come_from_the_first_attempt_leaves_it_in_doubt() {
    let server = Scripted::for_statements(in_turn(vec![|| Reply::Status(503, ""), || {
        Reply::Json(error("002002", "SQL compilation error: Object 'R' already exists."))
    }]));
    let sessions = connect(&server).await;
    match sessions.query("CREATE ROLE R").await {
        Err(QueryError::Transport { cause, may_have_run: true }) => {
            assert!(cause.contains("already exists"), "{cause}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn it_gives_up_after_as_many_times_as_it_was_told() {
    let server = Scripted::for_statements(|_| Reply::Status(503, ""));
    let error = connect(&server).await.query("CREATE ROLE R").await.unwrap_err();
    assert_eq!(server.sent("CREATE ROLE R").len(), 4);
    insta::assert_snapshot!(error, @"the server answered HTTP 503 Service Unavailable (tried 4 times); the statement was not executed");
}

#[tokio::test]
async fn after_a_dropped_connection_only_what_does_no_harm_is_sent_again() {
    for (statement, again) in [
        ("SHOW ROLES", true),
        ("GRANT ROLE A TO ROLE B", true),
        ("REVOKE ROLE A FROM ROLE B", true),
        ("CREATE ROLE R", false),
        ("DROP ROLE R", false),
        ("GRANT OWNERSHIP ON TABLE T TO ROLE R COPY CURRENT GRANTS", false),
    ] {
        let server =
            Scripted::for_statements(in_turn(vec![|| Reply::Drop, || Reply::Json(done())]));
        let sessions = connect(&server).await;
        match sessions.query(statement).await {
            Ok(_) if again => {}
            Err(QueryError::Transport { may_have_run: true, .. }) if !again => {}
            other => panic!("{statement}: {other:?}"),
        }
        assert_eq!(server.sent(statement).len(), if again { 2 } else { 1 }, "{statement}");
        // The pool goes on with a session that nothing is known against.
        sessions.query("SHOW ROLES").await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_went_away_has_not_run_the_statement() {
    let server = Scripted::for_statements(|_| Reply::Json(done()));
    let sessions = connect(&server).await;
    let port = server.port;
    // A pool that has not begun: nothing listens where it is sent.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_ne!(port, nobody);
    let error = Sessions::connect(&settings(nobody), 1).await.unwrap_err().to_string();
    assert!(error.contains("refused") && error.contains("cannot be reached"), "{error}");
    drop(sessions);
}

#[tokio::test]
async fn a_statement_without_an_answer_is_stopped_and_in_doubt() {
    let server = Scripted::for_statements(|request| match request.path.as_str() {
        "/queries/v1/abort-request" => Reply::Json(json!({"success": true, "data": null})),
        _ => Reply::Silence,
    });
    let settings = SnowflakeSettings {
        statement_timeout: Duration::from_millis(300),
        ..settings(server.port)
    };
    let sessions = Sessions::connect(&settings, 1).await.unwrap();
    let error = sessions.query("SHOW ROLES").await.unwrap_err();
    assert!(matches!(error, QueryError::Transport { may_have_run: true, .. }), "{error}");
    let stopped = server.requests().into_iter().find(|r| r.path.ends_with("abort-request"));
    let sent = server.sent("SHOW ROLES");
    assert_eq!(
        stopped.unwrap().body["requestId"].as_str(),
        sent[0].parameter("requestId"),
        "the statement is named by the id that it was sent under"
    );
}

#[tokio::test]
async fn a_refused_statement_says_code_state_and_query() {
    let server = Scripted::for_statements(|_| {
        Reply::Json(error("003001", "SQL access control error:\nInsufficient privileges"))
    });
    let sessions = connect(&server).await;
    match sessions.query("CREATE ROLE R").await.unwrap_err() {
        QueryError::Server(error) => {
            assert_eq!(error.code, "003001");
            assert_eq!(error.sqlstate.as_deref(), Some("42000"));
            assert_eq!(error.query_id.as_deref(), Some("01e"));
            insta::assert_snapshot!(error, @r"
            SQL access control error:
            Insufficient privileges (code 003001) (query 01e)
            ");
        }
        other => panic!("{other}"),
    }
    assert_eq!(server.sent("CREATE ROLE R").len(), 1);
}

#[tokio::test]
async fn statements_run_side_by_side_in_as_many_sessions_as_allowed() {
    let meet = Arc::new(std::sync::Barrier::new(2));
    let server = Scripted::for_statements(move |request| {
        if request.statement().starts_with("SHOW") {
            // Both must be under way at once, or this never ends.
            meet.wait();
        }
        Reply::Json(done())
    });
    let sessions = connect(&server).await;
    let (a, b) = tokio::join!(sessions.query("SHOW A"), sessions.query("SHOW B"));
    assert!(a.is_ok() && b.is_ok());
    let more = (0..6).map(|_| sessions.query("SELECT 1"));
    for result in futures::future::join_all(more).await {
        result.unwrap();
    }
    let logins = server.requests().iter().filter(|r| r.path.ends_with("login-request")).count();
    assert_eq!(logins, 2);
    // Two statements to set each session up, and eight of ours.
    assert_eq!(sessions.round_trips(), 12);
    sessions.close().await;
    let closed = server.requests().iter().filter(|r| r.path == "/session").count();
    assert_eq!(closed, 2);
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let elsewhere = Scripted::start(|_| Reply::Json(logged_in("x", "y")));
    let location: &'static str =
        format!("location: http://127.0.0.1:{}/\r\n", elsewhere.port).leak();
    let server = Scripted::start(move |_| Reply::Status(307, location));
    let error = Sessions::connect(&settings(server.port), 1).await.unwrap_err().to_string();
    assert!(error.contains("HTTP 307"), "{error}");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn nothing_that_is_secret_is_shown() {
    let pem = include_str!("keys/plain.p8");
    for auth in [
        Auth::Password(Secret::new("swordfish")),
        Auth::OAuth(Secret::new("swordfish")),
        Auth::ProgrammaticAccessToken(Secret::new("swordfish")),
        Auth::KeyPair {
            pem: Secret::new(format!("{pem}swordfish")),
            passphrase: Some(Secret::new("swordfish")),
        },
    ] {
        let settings = SnowflakeSettings { auth, ..settings(1) };
        let shown = format!("{settings:?}");
        assert!(!shown.contains("swordfish") && !shown.contains("MIIE"), "{shown}");
        let error = Sessions::connect(&settings, 1).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("swordfish") && !shown.contains("MIIE"), "{shown}");
    }
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_any_more_takes_its_session_along() {
    let server = Scripted::for_statements(|request| match request.statement() {
        "SHOW SLOW" => Reply::Silence,
        _ => Reply::Json(done()),
    });
    let sessions = Sessions::connect(&settings(server.port), 1).await.unwrap();
    let given_up = tokio::time::timeout(Duration::from_millis(100), sessions.query("SHOW SLOW"));
    given_up.await.unwrap_err();
    sessions.query("SHOW ROLES").await.unwrap();
    let logins = server.requests().iter().filter(|r| r.path.ends_with("login-request")).count();
    assert_eq!(logins, 2, "the first session is still busy");
}

/// What was logged with the word `probe` in it, by any crate.
static LOGGED: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

struct Listening;

impl log::Log for Listening {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }

    fn log(&self, record: &log::Record) {
        let line = record.args().to_string();
        if line.contains("probe") {
            LOGGED.lock().unwrap().push(line);
        }
    }

    fn flush(&self) {}
}

#[tokio::test]
async fn nothing_that_is_secret_is_logged_by_any_crate() {
    log::set_logger(&Listening).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let server = Scripted::start(|request| match request.path.as_str() {
        "/session/v1/login-request" => Reply::Json(logged_in("probe-session", "probe-master")),
        "/session/token-request" => Reply::Json(logged_in("probe-renewed", "probe-master-2")),
        _ if request
            .header("authorization")
            .is_some_and(|token| token.contains("probe-session"))
            && request.statement().starts_with("SHOW") =>
        {
            Reply::Json(error("390112", "Your session has expired."))
        }
        _ => Reply::Json(done()),
    });
    let auth = Auth::Password(Secret::new("probe-password"));
    let settings = SnowflakeSettings { auth, ..settings(server.port) };
    let sessions = Sessions::connect(&settings, 1).await.unwrap();
    sessions.query("SHOW ROLES LIKE 'probe-statement'").await.unwrap();
    sessions.close().await;
    let logged = LOGGED.lock().unwrap().clone();
    assert!(logged.iter().any(|line| line.contains("probe-statement")), "the logs are heard");
    for secret in ["probe-password", "probe-session", "probe-renewed", "probe-master"] {
        assert!(!logged.iter().any(|line| line.contains(secret)), "{secret}: {logged:?}");
    }
}
