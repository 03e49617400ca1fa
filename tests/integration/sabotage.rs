//! Servers that do not do as they are told: a rehearsal must see it.

use std::os::unix::fs::PermissionsExt;

use rolecall::apply::compare;
use rolecall::model::DialectKind;
use rolecall::plan::Options as PlanOptions;
use rolecall::project::{Places, Project};
use rolecall::rehearse::{prove, rehearse};
use rolecall::warehouse::engine::{Engine, native::Options};
use rolecall::warehouse::postgres::Postgres;
use serde_json::json;

use crate::engines::{bins, id, session};
use crate::rehearsals::Made;

/// Another `initdb`: the server that it makes has been tampered with.
fn tampered(sql: &str) -> tempfile::TempDir {
    let real = bins().into_iter().next().flatten().or_else(newest).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let real = real.display();
    write("sql", sql.replace('\n', " "));
    write("postgres", format!("#!/bin/sh\nexec '{real}/postgres' \"$@\"\n"));
    let data = "for data; do :; done";
    let then = format!("'{real}/postgres' --single -D \"$data\" template1 <\"$0.sql\" >/dev/null");
    write("initdb", format!("#!/bin/sh\nset -e\n'{real}/initdb' \"$@\"\n{data}\n{then}\n"));
    std::fs::rename(folder.path().join("sql"), folder.path().join("initdb.sql")).unwrap();
    folder
}

fn newest() -> Option<std::path::PathBuf> {
    let engine = Engine::native(&Options::default()).unwrap();
    engine.describe().rsplit_once(" from ").map(|(_, bin)| bin.into())
}

#[test]
fn a_server_that_gives_more_than_declared_is_exit_status_7() {
    let mut made = Made::new();
    made.model("a", [json!("d"), json!("s"), json!("a")], "table", json!({"analyst": ["read"]}));
    let open = tampered("alter default privileges grant select on tables to public;\n");
    let ended = made.with_server("rehearse", &["--engine", "native"], Some(open.path())).with(7);
    let rehearsed = ended.json();
    assert_eq!(rehearsed["proven"], false);
    let failures = rehearsed["failures"].to_string();
    assert!(failures.contains("everyone (PUBLIC) must not have SELECT on d.s.a"), "{failures}");
    assert!(failures.contains("p_owner must not have SELECT"), "{failures}");
    let cells = rehearsed["matrix"][0]["cells"].as_array().unwrap();
    let proven: Vec<bool> = cells.iter().map(|cell| cell["proven"].as_bool().unwrap()).collect();
    assert_eq!(proven, [true, false, false]);
}

#[test]
fn a_server_that_takes_grants_back_is_exit_status_7() {
    let mut made = Made::new();
    made.model("a", [json!("d"), json!("s"), json!("a")], "table", json!({"analyst": ["read"]}));
    let forgetful = tampered(
        "create function public.forget() returns event_trigger language plpgsql as '
           begin
             if not current_setting(''forget.inside'', true) = ''yes'' is true then
               set forget.inside = ''yes'';
               revoke select on all tables in schema s from p_analyst;
               set forget.inside = ''no'';
             end if;
           end';\ncreate event trigger forget on ddl_command_end when tag in ('GRANT') execute function public.forget();\n",
    );
    let bin = forgetful.path();
    let ended = made.with_server("rehearse", &["--engine", "native"], Some(bin)).with(7);
    assert!(ended.json()["failures"].to_string().contains("still to do"), "{}", ended.stdout);
}

#[test]
fn a_server_without_the_language_to_try_queries_together_is_asked_one_by_one() {
    let mut made = Made::new();
    let grants = json!({"analyst": ["read"], "engineer": ["write"], "owner": ["own"]});
    let config = std::fs::read_to_string(made.folder.path().join("rolecall.yml")).unwrap();
    made.write("rolecall.yml", &config.replace("{role_name", "{deploy_role: taylor, role_name"));
    made.model("a", [json!("d"), json!("s"), json!("a")], "table", grants);
    let poor = tampered("drop extension plpgsql;\n");
    let ended = made.with_server("rehearse", &["--engine", "native"], Some(poor.path())).with(0);
    let poor = ended.json();
    let rich = made.with_server("rehearse", &["--engine", "native"], None).with(0).json();
    assert_eq!((&poor["matrix"], &poor["asked"]), (&rich["matrix"], &rich["asked"]));
}

/// What is done to a server after a rehearsal, what is then said, and how it is undone.
const SABOTAGE: [(&str, &str, &str); 14] = [
    (
        "revoke select on s.t from p_analyst",
        "p_analyst must have SELECT",
        "grant select on s.t to p_analyst",
    ),
    (
        "revoke usage on schema s from p_analyst",
        "as taylor",
        "grant usage on schema s to p_analyst",
    ),
    (
        "grant insert on s.t to p_analyst",
        "p_analyst must not have INSERT",
        "revoke insert on s.t from p_analyst",
    ),
    (
        "grant select on s.t to public",
        "everyone (PUBLIC) must not have",
        "revoke select on s.t from public",
    ),
    (
        "grant select on s.t to p_analyst with grant option",
        "p_analyst must not pass on SELECT",
        "revoke grant option for select on s.t from p_analyst",
    ),
    (
        "grant select (id) on s.t to p_engineer",
        "p_engineer must not have SELECT on a column of d.s.t",
        "revoke select (id) on s.t from p_engineer",
    ),
    (
        "grant create on schema s to p_analyst",
        "p_analyst must not have CREATE on d.s",
        "revoke create on schema s from p_analyst",
    ),
    (
        "grant create on database d to jane",
        "jane must not have CREATE on d",
        "revoke create on database d from jane",
    ),
    (
        "grant truncate on s.t to taylor",
        "as taylor, `truncate",
        "revoke truncate on s.t from taylor",
    ),
    ("revoke p_analyst from ad_sales", "ad_sales must have SELECT", "grant p_analyst to ad_sales"),
    ("alter role taylor noinherit", "taylor must have SELECT", "alter role taylor inherit"),
    ("grant p_owner to p_engineer", "p_engineer must not have", "revoke p_owner from p_engineer"),
    ("alter table s.t owner to jane", "jane must not have", "alter table s.t owner to postgres"),
    ("grant pg_read_all_data to jane", "as jane, `select", "revoke pg_read_all_data from jane"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_proof_sees_whatever_is_missing_or_too_much() {
    let mut made = Made::new();
    let grants = json!({"analyst": ["read"], "owner": ["INSERT"]});
    made.model("t", [json!("d"), json!("s"), json!("t")], "table", grants);
    made.write(
        "rolecall/members/p.yml",
        "analyst: [{user: taylor}, {group: AD_SALES}]\nowner: [{user: jane}]\n",
    );
    made.rolecall("validate", &[]).with(0);
    let places = Places {
        project_dir: made.folder.path().to_owned(),
        manifest: Some(made.folder.path().join("manifest.json")),
        dialect: Some(DialectKind::Postgres),
        ..Places::default()
    };
    let (project, found) = Project::load(&places, 0);
    let project = project.unwrap_or_else(|| panic!("{found:?}"));
    for bin in bins() {
        let engine = Engine::native(&Options { bin, ..Options::default() }).unwrap();
        let rehearsed = rehearse(&project, &engine, &mut |_| {}).await.unwrap();
        assert_eq!(rehearsed.failures, Vec::<String>::new(), "{}", engine.describe());
        let admin = session(&engine.url("d")).await;
        let mut warehouse = Postgres::connect(&engine.url("d")).await.unwrap();
        let after = compare(&mut warehouse, &project, &PlanOptions::default(), None).await.unwrap();
        let ask = async || prove(&engine, &id("d"), &after).await.unwrap().failures;
        for (sabotage, seen, undo) in SABOTAGE {
            // Before 16 inheritance is the role's; from then on the membership's.
            if sabotage.contains("noinherit") && !engine.describe().contains(" 15") {
                continue;
            }
            admin.batch_execute(sabotage).await.unwrap();
            let failures = ask().await;
            assert!(
                failures.iter().any(|failure| failure.contains(seen)),
                "{sabotage} on {}: {failures:#?}",
                engine.describe()
            );
            admin.batch_execute(undo).await.unwrap();
            assert_eq!(ask().await, Vec::<String>::new(), "after {undo}");
        }
    }
}
