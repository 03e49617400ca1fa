//! Rehearsals of manifests as others may have them.

use std::path::Path;

use serde_json::{Value, json};

use crate::binary::{Ended, rolecall, run};

/// A manifest of made-up nodes, and the project around it.
pub struct Made {
    pub folder: tempfile::TempDir,
    nodes: serde_json::Map<String, Value>,
    sources: serde_json::Map<String, Value>,
    adapter: &'static str,
}

const CONFIG: &str = r#"version: 1
environments:
  prod: {role_name: "{{ product.name }}_{{ role.name }}"}
product_roles:
  analyst: {may: [read]}
  engineer: {may: [read, write]}
  owner: {may: [admin, own]}
products: {p: {}}
"#;

impl Made {
    pub fn new() -> Self {
        let made = Self {
            folder: tempfile::tempdir().unwrap(),
            nodes: serde_json::Map::new(),
            sources: serde_json::Map::new(),
            adapter: "postgres",
        };
        std::fs::create_dir_all(made.folder.path().join("rolecall/members")).unwrap();
        made.write("rolecall.yml", CONFIG);
        made.write(
            "rolecall/members/p.yml",
            "analyst: [{user: taylor}, {group: AD_SALES}]\nowner: [{user: jane}, {user: taylor}]\n",
        );
        made
    }

    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.path().join(file), text).unwrap();
    }

    /// A model; `grants` of null declares nothing.
    pub fn model(
        &mut self,
        name: &str,
        [database, schema, alias]: [Value; 3],
        kind: &str,
        grants: Value,
    ) {
        let id = format!("model.made.{name}");
        let block = json!({"rolecall": {"product": "p", "grants": grants}});
        let meta = if grants.is_null() { json!({}) } else { block };
        let node = json!({
            "unique_id": id, "resource_type": "model", "name": name, "alias": alias,
            "database": database, "schema": schema, "package_name": "made",
            "fqn": ["made", name], "original_file_path": format!("models/{name}.sql"),
            "config": {"materialized": kind, "enabled": true, "meta": meta}, "meta": meta,
            "tags": [], "depends_on": {"nodes": []}, "relation_name": null,
        });
        self.nodes.insert(id, node);
    }

    fn source(&mut self, name: &str, [database, schema, table]: [&str; 3], grants: Value) {
        let id = format!("source.made.{name}.{table}");
        let block = json!({"rolecall": {"product": "p", "grants": grants}});
        let meta = if grants.is_null() { json!({}) } else { block };
        let node = json!({
            "unique_id": id, "resource_type": "source", "name": table, "identifier": table,
            "source_name": name, "database": database, "schema": schema, "package_name": "made",
            "fqn": ["made", name, table], "original_file_path": "models/_sources.yml",
            "config": {"enabled": true, "meta": meta}, "meta": meta, "tags": [],
            "relation_name": null,
        });
        self.sources.insert(id, node);
    }

    pub fn rolecall(&self, command: &str, more: &[&str]) -> Ended {
        self.with_server(command, more, None)
    }

    pub fn with_server(&self, command: &str, more: &[&str], bin: Option<&Path>) -> Ended {
        let manifest = json!({
            "metadata": {
                "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
                "project_name": "made", "adapter_type": self.adapter,
            },
            "nodes": self.nodes, "sources": self.sources, "disabled": {}, "macros": {},
        });
        self.write("manifest.json", &manifest.to_string());
        let mut rolecall = rolecall();
        rolecall.args([command, "--format", "json", "--project-dir"]).arg(self.folder.path());
        rolecall.arg("--manifest").arg(self.folder.path().join("manifest.json")).args(more);
        if let Some(bin) = bin {
            rolecall.env("ROLECALL_PG_BIN", bin);
        }
        run(&mut rolecall)
    }

    fn rehearse(&self, more: &[&str]) -> Ended {
        self.rolecall("rehearse", &[&["--engine", "native"], more].concat())
    }

    /// A rehearsal that proves everything.
    #[track_caller]
    fn proves(&self, more: &[&str]) -> Value {
        let ended = self.rehearse(more).with(0).json();
        assert_eq!(ended["proven"], true);
        ended
    }
}

fn reads() -> Value {
    json!({"analyst": ["read"], "engineer": ["read", "write"], "owner": ["admin"]})
}

/// The rows of the matrix, as `schema.name: a | b | c`.
fn shown(rehearsed: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |row: &Value| {
        let on = &row["on"];
        let cells = row["cells"].as_array().unwrap().iter();
        let cells: Vec<String> = cells.map(|cell| text(&cell["privileges"])).collect();
        let names = ["database", "schema", "name"].map(|part| text(&on[part]));
        format!("{} {}: {}\n", text(&on["class"]), names.join("."), cells.join(" | "))
    };
    rehearsed["matrix"].as_array().unwrap().iter().map(row).collect()
}

#[test]
fn several_databases_are_rehearsed_one_after_the_other() {
    let mut made = Made::new();
    made.model("a", [json!("one"), json!("s"), json!("a")], "table", reads());
    made.model("b", [json!("Two 2"), json!("s"), json!("b")], "view", json!({"analyst": ["read"]}));
    made.model("c", [json!("three"), json!("public"), json!("c")], "incremental", Value::Null);
    let rehearsed = made.proves(&[]);
    insta::assert_snapshot!(shown(&rehearsed), @r"
    view Two 2.s.b: read |  | 
    table one.s.a: read | read write | admin
    table three.public.c:  |  | 
    ");
    assert_eq!(rehearsed["findings"], json!([]));
}

#[test]
fn names_of_any_letters_are_rehearsed_as_they_are() {
    let mut made = Made::new();
    let odd =
        ["it's", "a \"quoted\" one", "dots.and spaces", "🦀", "UPPER", "select", "100%", "a\\b"];
    for (nth, name) in odd.iter().enumerate() {
        let parts = [json!("my \"db\""), json!(format!("s {name}")), json!(name)];
        made.model(&format!("m{nth}"), parts, "table", reads());
    }
    let rehearsed = made.proves(&[]);
    assert_eq!(rehearsed["matrix"].as_array().unwrap().len(), odd.len());
    // dbt quotes every name on PostgreSQL.
    assert!(shown(&rehearsed).contains("s UPPER.UPPER: read"), "{}", shown(&rehearsed));
}

#[test]
fn a_manifest_without_databases_needs_one_named() {
    let mut made = Made::new();
    for nth in 0..5 {
        let name = json!(format!("m{nth}"));
        made.model(&format!("m{nth}"), [Value::Null, json!("s"), name], "view", reads());
    }
    made.model("e", [json!(""), json!("s"), json!("e")], "table", reads());
    let refused = made.rehearse(&[]).with(1);
    assert!(refused.stderr.contains("and 4 others name no database"), "{}", refused.stderr);
    let rehearsed = made.proves(&["--target-database", "Home"]);
    assert_eq!(shown(&rehearsed).lines().count(), 6);
    assert!(shown(&rehearsed).starts_with("table home.s.e"), "{}", shown(&rehearsed));
}

#[test]
fn two_nodes_of_one_relation_give_what_both_say() {
    let mut made = Made::new();
    let grants = json!({"analyst": ["read"]});
    made.model("v", [json!("d"), json!("s"), json!("orders")], "view", grants);
    made.source("raw", ["d", "s", "orders"], json!({"owner": ["read"]}));
    insta::assert_snapshot!(shown(&made.proves(&[])), @"view d.s.orders: read |  | read");
    // Without a warehouse, too, it is one relation of one class.
    let compiled = made.rolecall("compile", &[]).with(0).json();
    let grants = compiled["grants"].as_array().unwrap().iter();
    let classes: Vec<&Value> =
        grants.map(|g| &g["on"]["class"]).filter(|c| *c == "table" || *c == "view").collect();
    assert_eq!(classes, ["view", "view"]);
}

#[test]
fn sources_alone_and_those_of_the_server_itself() {
    let mut made = Made::new();
    made.source("raw", ["d", "landing", "events"], json!({"analyst": ["read"]}));
    made.source("raw", ["d", "landing", "people"], Value::Null);
    made.source("stats", ["d", "pg_catalog", "pg_stat_activity"], Value::Null);
    insta::assert_snapshot!(shown(&made.proves(&[])), @r"
    table d.landing.events: read |  | 
    table d.landing.people:  |  | 
    ");
    made.source("stats", ["d", "information_schema", "tables"], json!({"analyst": ["read"]}));
    let rehearsed = made.proves(&[]);
    assert_eq!(rehearsed["findings"][0]["code"], "not-rehearsed", "{rehearsed}");
}

#[test]
fn a_name_that_the_server_would_cut_is_an_error_only_where_access_is_declared() {
    let mut made = Made::new();
    made.model("ok", [json!("d"), json!("s"), json!("ok")], "table", reads());
    made.model("long", [json!("d"), json!("s"), json!("x".repeat(64))], "table", Value::Null);
    made.proves(&[]);
    made.model("long", [json!("d"), json!("s"), json!("ü".repeat(32))], "table", reads());
    let refused = made.rehearse(&[]).with(1);
    assert!(refused.stderr.contains("bad-relation-name"), "{}", refused.stderr);
}

#[test]
fn an_owned_relation_can_still_be_rebuilt_by_the_deploy_role() {
    let mut made = Made::new();
    let config = CONFIG.replace("_{{ role.name }}\"", "_{{ role.name }}\", deploy_role: deployer");
    made.write("rolecall.yml", &config);
    made.write("rolecall/members/p.yml", "owner: [{user: deployer}, {user: jane}]\n");
    let grants = json!({"owner": ["own"], "analyst": ["read"]});
    for (name, kind) in [("t", "table"), ("v", "view"), ("m", "materialized_view")] {
        made.model(name, [json!("d"), json!("s"), json!(name)], kind, grants.clone());
    }
    made.model("dbts", [json!("d"), json!("s"), json!("dbts")], "table", reads());
    insta::assert_snapshot!(shown(&made.proves(&[])), @r"
    table d.s.dbts: read | read write | admin
    table d.s.t: read |  | own
    view d.s.v: read |  | own
    materialized_view d.s.m: read |  | own
    ");
    // A member that is the engine's own superuser cannot be proven to have no more.
    made.write(
        "rolecall/members/p.yml",
        "owner: [{user: deployer}]\nanalyst: [{user: postgres}]\n",
    );
    let rehearsed = made.proves(&[]);
    let message = rehearsed["findings"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("postgres is a superuser"), "{rehearsed}");
}

#[test]
fn an_adapter_that_is_not_ours_says_what_to_give() {
    let mut made = Made::new();
    made.adapter = "redshift";
    made.model("a", [json!("d"), json!("s"), json!("a")], "table", reads());
    for command in ["validate", "compile", "rehearse"] {
        let ended = made.rolecall(command, &[]).with(1);
        let said = ended.stderr + &ended.stdout;
        assert!(said.contains("redshift") && said.contains("--dialect postgres"), "{said}");
    }
    made.proves(&["--dialect", "postgres"]);
}

#[test]
fn a_thousand_relations_are_proven_in_seconds() {
    let mut made = Made::new();
    for nth in 0..1000 {
        let kind = ["table", "view", "incremental"][nth % 3];
        let name = format!("model_{nth:04}");
        let schema = json!(format!("s{}", nth % 7));
        made.model(&name, [json!("d"), schema, json!(name)], kind, reads());
    }
    let started = std::time::Instant::now();
    let rehearsed = made.rehearse(&[]).json();
    assert_eq!(rehearsed["matrix"].as_array().unwrap().len(), 1000);
    // Asked one by one, this took over two minutes.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn without_any_engine_it_says_what_to_install() {
    let made = {
        let mut made = Made::new();
        made.model("a", [json!("d"), json!("s"), json!("a")], "table", reads());
        made
    };
    let nowhere = made.folder.path().join("nowhere");
    let mut rolecall = rolecall();
    made.rolecall("validate", &[]).with(0);
    rolecall.args(["rehearse", "--engine", "native", "--project-dir"]).arg(made.folder.path());
    rolecall.arg("--manifest").arg(made.folder.path().join("manifest.json"));
    let ended = run(rolecall.env("PATH", "").env("ROLECALL_PG_BIN", nowhere)).with(1);
    for word in ["nowhere", "apt install postgresql", "--features embedded"] {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
    assert!(ended.stdout.is_empty());
}
