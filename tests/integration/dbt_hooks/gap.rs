//! A rebuilt table and its readers: no moment without access with the post-hook, and one without it.

use std::process::Stdio;

use super::{POST_HOOK, install, start};
use crate::dbt_build::{Line, Site, connect};

const ROLECALL: &str = r#"
version: 1
environments:
  prod: {role_name: "gap_{{ role.name }}"}
product_roles:
  reader: {may: [read]}
products:
  gap: {}
"#;

const MODEL: &str = r#"
{{ config(
    materialized='table',
    meta={'rolecall': {'product': 'gap', 'grants': {'reader': ['read']}}},
) }}
select 1 as x
"#;

const STAYS: &str = r#"
{{ config(
    materialized='incremental',
    meta={'rolecall': {'product': 'gap', 'grants': {'reader': ['read']}}},
) }}
select 1 as x
"#;

/// What a session of the reader's met while dbt ran.
#[derive(Default)]
struct Met {
    denied: usize,
    /// The tables that it could read, in order: by OID, each once.
    read: Vec<u32>,
}

/// Queries again and again until dbt has ended, and once more.
async fn read_while_dbt_runs(site: &Site) -> Met {
    let reader = connect(&site.engine.url(site.database)).await;
    reader.batch_execute("set role gap_reader").await.unwrap();
    let mut dbt =
        site.dbt_command(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut met = Met::default();
    let mut ended = None;
    loop {
        // As text: a prepared statement would be bound to the table that it was prepared for.
        match reader.simple_query("select tableoid from main.t").await {
            Ok(rows) => {
                let oid = rows.iter().find_map(|message| match message {
                    tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                    _ => None,
                });
                let oid = oid.unwrap().parse().unwrap();
                if met.read.last() != Some(&oid) {
                    met.read.push(oid);
                }
            }
            Err(error) => {
                assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{error:?}");
                met.denied += 1;
            }
        }
        if ended.is_some() {
            break;
        }
        ended = dbt.try_wait().unwrap();
    }
    assert!(ended.unwrap().success());
    met
}

#[tokio::test]
async fn a_reader_of_a_rebuilt_table_is_never_denied_with_the_post_hook_and_is_without() {
    let Some(site) = Site::empty(Line::Current, "GAP", "gap").await else { return };
    start(&site, "gap", 1);
    site.write("models/t.sql", MODEL);
    site.write("rolecall.yml", ROLECALL);
    // After the commit that swaps the tables, and before dbt drops the old one: the very moment.
    // It is noted by dbt's own session, and long enough for a reader to come by.
    let after = "{sql: \"insert into moments select has_table_privilege('gap_reader', \
                 'main.t', 'SELECT'); select pg_sleep(0.3); commit\", transaction: false}";
    let project = |hooks: &str| {
        format!(
            "name: gap\nversion: 1.0.0\nprofile: gap\nmodels:\n  gap:\n    +post-hook:\n{hooks}      - {after}\n"
        )
    };
    site.sql("create table public.moments (readable bool)").await;
    install(&site);
    site.sql("create role gap_reader").await;
    site.write("dbt_project.yml", &project(""));
    site.build(&[]);
    site.sql("drop role gap_reader").await;
    site.rolecall(&["compile", "--format", "dbt"]).with(0);
    site.rolecall(&["apply"]).with(0);

    // With the hook, several tables come and go, and the reader sees one after another.
    let hooked = format!("      - {}\n", POST_HOOK.split_once(": ").unwrap().1);
    site.write("dbt_project.yml", &project(&hooked));
    for _ in 0..2 {
        site.sql("truncate moments").await;
        let met = read_while_dbt_runs(&site).await;
        assert_eq!((met.denied, met.read.len()), (0, 2), "the old table, then the new");
        assert_eq!(site.ask("select readable::text from moments").await, ["true"]);
    }
    site.rolecall(&["verify"]).with(0);

    // While an apply holds its lock, a table that stays is left to it, and nobody waits; a table of
    // this run's own cannot be in its way.
    site.write("models/stays.sql", STAYS);
    site.build(&["-s", "stays"]);
    site.rolecall(&["compile", "--format", "dbt"]).with(0);
    let apply = connect(&site.engine.url(site.database)).await;
    let lock = "begin; select pg_advisory_xact_lock(x'726f6c6563616c6c'::bigint)";
    apply.batch_execute(lock).await.unwrap();
    let run = site.dbt(&["run"]).with(0);
    assert!(run.stdout.contains("a `rolecall apply` is running: \"gap\".\"main\".\"stays\""));
    let readable = "select has_table_privilege('gap_reader', c.oid, 'SELECT')::text from pg_class c
                    where relname in ('t', 'stays') order by relname";
    assert_eq!(site.ask(readable).await, ["false", "true"]);
    apply.batch_execute("rollback").await.unwrap();
    site.build(&["-s", "stays"]);
    assert_eq!(site.ask(readable).await, ["true", "true"]);
    std::fs::remove_file(site.path().join("models/stays.sql")).unwrap();

    // Without it, from that moment on nobody may read, until the next apply.
    site.write("dbt_project.yml", &project(""));
    site.sql("truncate moments").await;
    let met = read_while_dbt_runs(&site).await;
    assert!(met.denied > 0);
    assert_eq!(met.read.len(), 1, "the old table alone");
    assert_eq!(site.ask("select readable::text from moments").await, ["false"]);
}
