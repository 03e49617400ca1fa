//! Round trips and time on the stand-in Snowflake with 200 ms a statement: reading, granting, and
//! what the tools before needed 10,160 statements for.
//!
//! `cargo bench --bench snowflake`. Needs Python 3.10 (`ROLECALL_PYTHON`, else `python3`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rolecall::model::*;
use rolecall::warehouse::snowflake::{
    Auth, Protocol, Secret, Sessions, Snowflake, SnowflakeSettings,
};
use rolecall::warehouse::{Execute, Look, Observe};
use serde_json::{Value, json};

const LATENCY: Duration = Duration::from_millis(200);
const SESSIONS: usize = 8;

struct Standin(Child, u16);

impl Standin {
    fn start() -> Self {
        let python = std::env::var_os("ROLECALL_PYTHON").unwrap_or_else(|| "python3".into());
        let mut process = Command::new(python)
            .args(["-m", "snowflake_standin", "--port", "0"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the stand-in starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self(process, line.trim().parse().unwrap())
    }

    fn tell(&self, what: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.1)).unwrap();
        write!(
            stream,
            "POST /standin/{what} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    fn sql(&self, statements: &[String]) {
        let answer = self.tell("sql", &json!({ "statements": statements }));
        assert!(answer.get("error").is_none(), "{answer}");
    }

    fn settings(&self) -> SnowflakeSettings {
        SnowflakeSettings {
            host: Some("127.0.0.1".to_owned()),
            port: Some(self.1),
            protocol: Protocol::Http,
            role: Some("ACCOUNTADMIN".to_owned()),
            warehouse: Some("WH".to_owned()),
            ..SnowflakeSettings::new("standin", "admin", Auth::Password(Secret::new("standin")))
        }
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

fn marker(role: usize) -> Marker {
    Marker {
        deployment: "shop".into(),
        environment: "prod".into(),
        instance: None,
        product: "sales".into(),
        role: format!("r{role}"),
        immutable: false,
    }
}

fn furnish(standin: &Standin, roles: usize, schemas: usize, tables: usize) -> Look {
    let mut said = vec!["CREATE WAREHOUSE WH".to_owned(), "CREATE DATABASE D".to_owned()];
    for role in 0..roles {
        let comment = marker(role).to_comment();
        said.push(format!("CREATE ROLE R{role} COMMENT = '{comment}'"));
        said.push(format!("GRANT ROLE R{role} TO ROLE SYSADMIN"));
        said.push(format!("GRANT USAGE ON DATABASE D TO ROLE R{role}"));
    }
    let mut look = Look {
        deployment: "shop".into(),
        environments: BTreeSet::from(["prod".to_owned()]),
        roles: (0..roles).map(|role| id(&format!("R{role}"))).collect(),
        ..Look::default()
    };
    for schema in 0..schemas {
        said.push(format!("CREATE SCHEMA D.S{schema}"));
        look.schemas.insert((id("D"), id(&format!("S{schema}"))));
        for table in 0..tables {
            said.push(format!("CREATE TABLE D.S{schema}.T{table} (ID NUMBER)"));
            look.relations.insert((id("D"), id(&format!("S{schema}")), id(&format!("T{table}"))));
        }
    }
    standin.sql(&said);
    look
}

async fn connect(standin: &Standin) -> (Sessions, Snowflake) {
    let sessions = Sessions::connect(&standin.settings(), SESSIONS).await.unwrap();
    let warehouse = Snowflake::over(sessions.clone());
    (sessions, warehouse)
}

/// Statements that were sent, but for those that set sessions up.
fn statements(standin: &Standin) -> usize {
    let log = standin.tell("log", &json!({}));
    let setup = |sql: &str| sql.starts_with("USE ") || sql.starts_with("ALTER SESSION");
    let log = log["log"].as_array().unwrap();
    log.iter().filter(|entry| !setup(entry["sql"].as_str().unwrap())).count()
}

fn report(what: &str, round_trips: usize, at_most: usize, took: Duration) {
    let ideal = LATENCY * u32::try_from(round_trips).unwrap() / u32::try_from(SESSIONS).unwrap();
    let ratio = took.as_secs_f64() / ideal.as_secs_f64();
    let ok = |holds: bool| if holds { "ok" } else { "TOO MUCH" };
    println!(
        "{what}: {round_trips} round trips (at most {at_most}: {}), {:.2} s, {ratio:.2} × (round trips × latency / {SESSIONS}) (at most 1.20: {})",
        ok(round_trips <= at_most),
        took.as_secs_f64(),
        ok(ratio <= 1.2),
    );
}

/// Reads an account as a plan does; sessions are opened in it, too.
async fn plan(roles: usize, schemas: usize) {
    let standin = Standin::start();
    let look = furnish(&standin, roles, schemas, 3);
    standin.tell("faults", &json!({ "latency_ms": LATENCY.as_millis() }));
    standin.tell("clear", &json!({}));
    let started = Instant::now();
    let (sessions, mut warehouse) = connect(&standin).await;
    let seen = warehouse.observe(&look).await.unwrap();
    let took = started.elapsed();
    assert_eq!(seen.inventory.relations.len(), schemas * 3);
    assert_eq!(seen.acl.len(), roles);
    let what = format!("plan over {roles} roles, {schemas} schemas");
    report(&what, statements(&standin), 3 * roles + schemas + 1 + 10, took);
    sessions.close().await;
}

async fn apply(grants: usize) {
    let standin = Standin::start();
    let tables = grants / 50;
    furnish(&standin, 50, 1, tables);
    let (sessions, mut warehouse) = connect(&standin).await;
    let changes: Vec<Change> = (0..grants)
        .map(|n| Change::Grant {
            on: Securable::in_schema(
                ObjectClass::Table,
                id("D"),
                id("S0"),
                id(&format!("T{}", n / 50)),
            ),
            role: id(&format!("R{}", n % 50)),
            privileges: PrivilegeSet::of(&[Privilege::SELECT]),
        })
        .collect();
    warehouse.identity().await.unwrap();
    standin.tell("faults", &json!({ "latency_ms": LATENCY.as_millis() }));
    standin.tell("clear", &json!({}));
    let started = Instant::now();
    warehouse.execute(&changes).await.unwrap();
    let took = started.elapsed();
    report(&format!("apply of {grants} grants"), statements(&standin), grants, took);
    sessions.close().await;
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        plan(100, 20).await;
        plan(50, 100).await;
        println!("(Permifrost for 50 roles and 100 schemas: 10,160 statements, one after another)");
        let grants = std::env::var("GRANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(5_000);
        apply(grants).await;
    });
}
