//! Round trips and time on the stand-in Snowflake with 200 ms a statement: a plan in sync, an apply
//! of thousands of grants, and what the tools before needed 10,160 statements for.
//!
//! `cargo bench --bench snowflake [plan|apply]`. `GRANTS` is how many are applied (5,000). Needs
//! Python 3.10 (`ROLECALL_PYTHON`, else `python3`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rolecall::apply::{Outcome, Settings, apply, compare};
use rolecall::model::DialectKind;
use rolecall::plan::Options;
use rolecall::project::{Places, Project};
use rolecall::warehouse::snowflake::{Auth, Protocol, Secret, Snowflake, SnowflakeSettings};
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

/// A project of data products with two roles each, and a table for each of `relations`.
struct Site {
    project: Project,
    roles: usize,
    schemas: usize,
    _folder: tempfile::TempDir,
}

impl Site {
    /// Each table is granted to `readers` roles of other products, in turn.
    fn new(roles: usize, schemas: usize, tables: usize, readers: usize) -> Self {
        let products = roles / 2;
        let mut config = String::from(
            "version: 1\nenvironments:\n  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}\n\
             product_roles:\n  analyst: {may: [read]}\n  engineer: {may: [read]}\nproducts:\n",
        );
        for product in 0..products {
            config.push_str(&format!("  p{product}: {{}}\n"));
        }
        let mut nodes = serde_json::Map::new();
        let mut next = 0;
        for schema in 0..schemas {
            for table in 0..tables {
                let (schema, name) = (format!("S{schema}"), format!("T{table}"));
                let grants: serde_json::Map<String, Value> = (0..readers)
                    .map(|_| {
                        let role = ["analyst", "engineer"][next % 2];
                        let product = (next / 2) % products;
                        next += 1;
                        (format!("p{product}.{role}"), json!(["read"]))
                    })
                    .collect();
                nodes.insert(
                    format!("model.shop.{schema}_{name}"),
                    json!({
                        "resource_type": "model", "package_name": "shop", "name": name,
                        "alias": name, "database": "D", "schema": schema,
                        "relation_name": format!("D.{schema}.{name}"),
                        "original_file_path": format!("models/{schema}/{name}.sql"),
                        "fqn": ["shop", schema, name], "tags": [],
                        "config": {
                            "enabled": true, "materialized": "table",
                            "meta": {"rolecall": {"product": "p0", "grants": grants}},
                        },
                    }),
                );
            }
        }
        let manifest = json!({
            "metadata": {
                "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
                "dbt_version": "1.11.0", "project_name": "shop", "adapter_type": "snowflake",
            },
            "nodes": nodes, "sources": {},
        });
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("target")).unwrap();
        std::fs::write(folder.path().join("rolecall.yml"), config).unwrap();
        std::fs::write(folder.path().join("target/manifest.json"), manifest.to_string()).unwrap();
        let places = Places {
            project_dir: folder.path().to_owned(),
            target: Some("prod".to_owned()),
            dialect: Some(DialectKind::Snowflake),
            ..Places::default()
        };
        let (project, found) = Project::load(&places, 0);
        let project = project.unwrap_or_else(|| panic!("{:?}", found.sorted()));
        Self { project, roles, schemas, _folder: folder }
    }

    /// An account with the tables, and nothing of Rolecall's.
    fn account(&self, tables: usize) -> Standin {
        let standin = Standin::start();
        let mut said = vec!["CREATE WAREHOUSE WH".to_owned(), "CREATE DATABASE D".to_owned()];
        for schema in 0..self.schemas {
            said.push(format!("CREATE SCHEMA D.S{schema}"));
            said.extend((0..tables).map(|n| format!("CREATE TABLE D.S{schema}.T{n} (ID NUMBER)")));
        }
        standin.sql(&said);
        standin
    }

    /// What a plan may cost.
    fn at_most(&self) -> usize {
        3 * self.roles + self.schemas + 1 + 10
    }
}

async fn connect(standin: &Standin) -> Snowflake {
    Snowflake::connect(&standin.settings(), SESSIONS).await.unwrap()
}

/// The statements of a log, by what they are for.
#[derive(Default)]
struct Sent {
    set_up: usize,
    reads: usize,
    writes: usize,
}

impl Sent {
    fn since_cleared(standin: &Standin) -> Self {
        let log = standin.tell("log", &json!({}));
        let mut sent = Self::default();
        for entry in log["log"].as_array().unwrap() {
            let begins = |with: &str| entry["sql"].as_str().unwrap().starts_with(with);
            if begins("USE ") || begins("ALTER SESSION ") {
                sent.set_up += 1;
            } else if begins("SHOW ") || begins("SELECT ") {
                sent.reads += 1;
            } else {
                sent.writes += 1;
            }
        }
        sent
    }
}

/// What is measured, and where there is a bound, whether it holds.
fn judged<T: PartialOrd + std::fmt::Display>(measured: T, at_most: Option<T>) -> String {
    match at_most {
        None => format!("{measured:.2}"),
        Some(most) if measured <= most => format!("{measured:.2} (at most {most:.2}: ok)"),
        Some(most) => format!("{measured:.2} (at most {most:.2}: TOO MUCH)"),
    }
}

/// The statements that set sessions up are round trips too, but not of the work: figures are given
/// with and without them.
fn report(what: &str, sent: &Sent, trips: Option<usize>, ratio: Option<f64>, took: Duration) {
    let statements = sent.reads + sent.writes;
    let all = statements + sent.set_up;
    let over = |statements: usize| {
        let least = LATENCY * u32::try_from(statements).unwrap() / u32::try_from(SESSIONS).unwrap();
        judged(took.as_secs_f64() / least.as_secs_f64(), ratio)
    };
    println!("{what}: {:.2} s, {} statements that write", took.as_secs_f64(), sent.writes);
    println!("  round trips {}; with set-up {}", judged(statements, trips), judged(all, trips));
    println!(
        "  time / (round trips x latency / {SESSIONS}) {}; with set-up {}",
        over(statements),
        over(all)
    );
}

fn slow(standin: &Standin, yes: bool) {
    let latency = if yes { LATENCY } else { Duration::ZERO };
    standin.tell("faults", &json!({ "latency_ms": latency.as_millis() }));
    standin.tell("clear", &json!({}));
}

async fn apply_all(warehouse: &mut Snowflake, project: &Project) -> Outcome {
    apply(warehouse, project, &Settings::default()).await.unwrap()
}

/// A plan in sync, sessions opened in it too.
async fn plan(roles: usize, schemas: usize, ratio: Option<f64>) {
    let site = Site::new(roles, schemas, 3, roles.div_ceil(schemas * 3).max(1));
    let standin = site.account(3);
    let done = apply_all(&mut connect(&standin).await, &site.project).await;
    assert!(matches!(done, Outcome::Applied { .. }), "{done:?}");
    slow(&standin, true);
    let started = Instant::now();
    let mut warehouse = connect(&standin).await;
    let seen = compare(&mut warehouse, &site.project, &Options::default(), None).await.unwrap();
    let took = started.elapsed();
    let sent = Sent::since_cleared(&standin);
    assert!(seen.difference.steps.is_empty() && seen.is_clean() && sent.writes == 0);
    let what = format!("plan in sync, {roles} roles, {schemas} schemas");
    report(&what, &sent, Some(site.at_most()), ratio, took);
    slow(&standin, false);
    warehouse.sessions().clone().close().await;
}

/// An apply from nothing: lock, looking twice, the statements, reading back.
async fn apply_grants(grants: usize) {
    let (roles, tables) = (50, grants / 50);
    let site = Site::new(roles, 1, tables, roles);
    let standin = site.account(tables);
    slow(&standin, true);
    let started = Instant::now();
    let mut warehouse = connect(&standin).await;
    let done = apply_all(&mut warehouse, &site.project).await;
    let took = started.elapsed();
    assert!(matches!(done, Outcome::Applied { .. }), "{done:?}");
    let sent = Sent::since_cleared(&standin);
    report(&format!("apply of {grants} grants to {roles} roles"), &sent, None, Some(1.2), took);
    slow(&standin, false);
    warehouse.sessions().clone().close().await;
}

fn main() {
    let only = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let wanted = |what: &str| only.as_deref().is_none_or(|only| only == what);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if wanted("plan") {
            plan(100, 20, Some(1.2)).await;
            plan(50, 100, None).await;
            println!("  (Permifrost for 50 roles and 100 schemas: 10,160 statements, one by one)");
        }
        if wanted("apply") {
            let grants = std::env::var("GRANTS").ok().and_then(|n| n.parse().ok());
            apply_grants(grants.unwrap_or(5_000)).await;
        }
    });
}
