//! Every check by its own examples, on a real server: of a bad one it finds what it says, and nothing
//! else is found; of a good one nothing is.

use std::path::Path;

use rolecall::check::{ALL, Example};
use rolecall::warehouse::engine::{Engine, native::Options};
use serde_json::Value;

use super::project::{files, flags, lay_out};
use crate::binary::{Ended, rolecall, run};

pub async fn sql(url: &str, text: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(text).await.unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    drop(client);
    let _ = connection.await;
}

/// What is looked at, without what examples before it left: roles are the whole server's.
pub const CLEAN: &str = "
do $$ declare r record; begin
  for r in select rolname from pg_roles where rolname !~ '^(pg_|postgres$)' loop
    execute format('drop role %I', r.rolname);
  end loop;
end $$;
create role ada login; create role bob login; create role jane login; create role dbt login;
create role loader login;";

pub fn command(folder: &Path, url: &str, arguments: &[&str]) -> Ended {
    let mut command = rolecall();
    command.args(["--project-dir", folder.to_str().unwrap(), "--target", "prod"]);
    command.args(arguments).env("ROLECALL_CONNECTION", url);
    run(&mut command)
}

fn told(ended: &Ended) -> Vec<(String, String)> {
    let json = ended.json();
    let findings = json["findings"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings.iter().map(|it| (text(&it["code"]), text(&it["message"]))).collect()
}

async fn looked_at(engine: &Engine, example: &Example) -> (Ended, Ended) {
    let postgres = engine.url("postgres");
    sql(&postgres, "drop database if exists shop with (force)").await;
    sql(&postgres, CLEAN).await;
    sql(&postgres, "create database shop").await;
    let folder = tempfile::tempdir().unwrap();
    let made = lay_out(folder.path(), &files(example));
    let shop = engine.url("shop");
    sql(&shop, &made).await;
    let plan = folder.path().join("plan.json");
    let plan = plan.to_str().unwrap();
    command(folder.path(), &shop, &["plan", "--out", plan]).with(0);
    command(folder.path(), &shop, &["apply", plan]).with(0);
    sql(&shop, example.by_hand).await;
    let flags = flags(example);
    let check = |more: &[&str]| {
        let all: Vec<&str> =
            ["check", "--format", "json"].iter().chain(&flags).chain(more).copied().collect();
        command(folder.path(), &shop, &all)
    };
    (check(&[]), check(&["--declared"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_check_finds_its_bad_example_and_nothing_else_does() {
    let bin = crate::engines::bins().pop().flatten();
    let engine = Engine::native(&Options { bin, ..Options::default() }).unwrap();
    for check in ALL {
        let (real, declared) = looked_at(&engine, &check.bad).await;
        let expected = vec![(check.code.to_owned(), check.bad.says.to_owned())];
        assert_eq!(told(&real), expected, "{}", real.stderr);
        let error = check.level == rolecall::config::checks::Level::Error;
        real.with(if error { 4 } else { 0 });
        // Without a warehouse less is seen, and nothing else.
        let seen = told(&declared);
        assert!(seen.is_empty() || seen == expected, "{}: {seen:?}", check.code);
        let (real, declared) = looked_at(&engine, &check.good).await;
        for ended in [real, declared] {
            assert_eq!(told(&ended), [], "the good example of {}", check.code);
            ended.with(0);
        }
    }
}
