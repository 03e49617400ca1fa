//! The rules of the reader, one by one.

use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::model::{Diagnostics, Severity};

pub(super) fn manifest(nodes: Value) -> Value {
    json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "dbt_version": "1.11.2", "project_name": "shop", "adapter_type": "postgres"
        },
        "nodes": nodes, "sources": {}, "macros": {"macro.dbt.x": {"macro_sql": "…"}},
        "disabled": {"model.shop.off": [{"unique_id": "model.shop.off"}]},
    })
}

pub(super) fn node(changes: Value) -> Value {
    let mut node = json!({
        "resource_type": "model", "package_name": "shop", "name": "a", "unique_id": "model.shop.a",
        "database": "db", "schema": "sales", "alias": "a", "relation_name": "\"db\".\"sales\".\"a\"",
        "original_file_path": "models\\marts\\a.sql", "patch_path": "shop://models/_m.yml",
        "fqn": ["shop", "marts", "a"], "tags": ["x"], "depends_on": {"nodes": [], "macros": []},
        "config": {"materialized": "table", "enabled": true}, "meta": {}, "raw_code": "select 1"
    });
    for (key, value) in changes.as_object().unwrap() {
        node[key] = value.clone();
    }
    node
}

pub(super) fn read(json: &Value) -> (Option<Manifest>, Diagnostics) {
    read_manifest(json.to_string().as_bytes(), Path::new("target/manifest.json"))
}

/// The one node, read without a word.
pub(super) fn one(changes: Value) -> Node {
    let (manifest, diagnostics) = read(&manifest_of(changes));
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    manifest.unwrap().nodes.remove("model.shop.a").unwrap()
}

pub(super) fn manifest_of(changes: Value) -> Value {
    manifest(json!({"model.shop.a": node(changes)}))
}

pub(super) fn shown(diagnostics: Diagnostics) -> String {
    let mut text = String::new();
    for d in diagnostics.sorted() {
        let word = if d.severity == Severity::Error { "error" } else { "warning" };
        text += &format!("{word}[{}] {}", d.code, d.message);
        if let Some(place) = &d.place {
            text += &format!(" at {}", place.file.display());
            if let (Some(line), Some(column)) = (place.line, place.column) {
                text += &format!(":{line}:{column}");
            }
        }
        for (word, value) in [("node", d.node), ("path", d.path), ("help", d.help)] {
            if let Some(value) = value {
                text += &format!("\n  {word}: {value}");
            }
        }
        text.push('\n');
    }
    text
}

pub(super) fn findings(changes: Value) -> String {
    shown(read(&manifest_of(changes)).1)
}

pub(super) fn relation(node: &Node) -> String {
    let Some(RelationName { database, schema, identifier }) = &node.relation else {
        return "none".into();
    };
    let part = |p: &NamePart| format!("{}{}", p.text, if p.exact { "!" } else { "" });
    let parts = database.iter().chain([schema, identifier]).map(part);
    parts.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_decides_about_access_is_read_and_the_rest_is_not() {
    let node = one(
        json!({"version": 2, "latest_version": 3, "group": "finance", "access": "public",
        "config": {"materialized": "table", "tags": ["b", "a"], "grants": {"select": "reporter", "+insert": ["etl", "etl"]}},
        "alias": "a_v2", "relation_name": "\"db\".\"sales\".\"a_v2\""}),
    );
    assert_eq!(relation(&node), "db! sales! a_v2!");
    assert_eq!((node.version.as_deref(), node.latest_version.as_deref()), (Some("2"), Some("3")));
    assert_eq!(node.tags, ["a", "b", "x"]);
    assert_eq!(node.original_file_path, "models/marts/a.sql");
    assert_eq!(node.patch_path.as_deref(), Some("models/_m.yml"));
    assert_eq!(node.grants["select"], ["reporter"]);
    assert_eq!(node.grants["insert"], ["etl"]);
}

#[test]
fn the_relation_is_composed_where_dbt_wrote_none() {
    let bare = json!({"relation_name": null, "database": "", "alias": "b"});
    assert_eq!(relation(&one(bare.clone())), "sales! b!");
    let mut snowflake = manifest_of(bare);
    snowflake["metadata"]["adapter_type"] = "snowflake".into();
    let composed = |json: &Value| relation(&read(json).0.unwrap().nodes["model.shop.a"]);
    assert_eq!(composed(&snowflake), "sales b");
    snowflake["nodes"]["model.shop.a"]["config"]["quoting"] = json!({"identifier": true});
    assert_eq!(composed(&snowflake), "sales b!");
    snowflake["metadata"]["quoting"] = json!({"schema": true, "identifier": false, "column": null});
    assert_eq!(composed(&snowflake), "sales! b!");
}

#[test]
fn an_ephemeral_has_no_relation_and_a_disabled_node_is_not_there() {
    assert_eq!(
        relation(&one(json!({"config": {"materialized": "ephemeral"}, "relation_name": null}))),
        "none"
    );
    let (manifest, diagnostics) = read(&manifest_of(json!({"config": {"enabled": false}})));
    assert!(manifest.unwrap().nodes.is_empty() && diagnostics.is_empty());
}

#[test]
fn names_that_disagree_are_said() {
    insta::assert_snapshot!(findings(json!({"alias": "other"})), @r#"
    warning[relation-name] relation_name is "db"."sales"."a", but database, schema and alias say db.sales.other at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.relation_name
      help: check what the plan grants on for this node
    "#);
    insta::assert_snapshot!(findings(json!({"relation_name": "read_csv('x')"})), @r#"
    warning[relation-name] relation_name "read_csv('x')" is not a name that can be granted on at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.relation_name
      help: check what the plan grants on for this node
    "#);
}

#[test]
fn a_block_is_found_in_either_place_and_in_both() {
    let block = json!({"rolecall": {"grants": {"analyst": ["read"]}}});
    for changes in [
        json!({"meta": block}),
        json!({"config": {"meta": block}}),
        json!({"meta": block, "config": {"meta": block}}),
        json!({"meta": {}, "config": {"meta": block}}),
        json!({"meta": null, "config": {"meta": block}}),
    ] {
        assert_eq!(one(changes).rolecall.as_ref(), Some(&block["rolecall"]));
    }
    assert_eq!(one(json!({"meta": {"owner": "x"}})).rolecall, None);
    assert_eq!(one(json!({"meta": {"rolecall": null}})).rolecall, Some(Value::Null));
}

#[test]
fn blocks_that_differ_give_nothing() {
    let changes = json!({"meta": {"rolecall": {"grants": {"a": "read"}}}, "config": {"meta": {"rolecall": {}}}});
    let (manifest, _) = read(&manifest_of(changes.clone()));
    assert_eq!(manifest.unwrap().nodes["model.shop.a"].rolecall, None);
    insta::assert_snapshot!(findings(changes), @"
    error[meta-conflict] `config.meta.rolecall` and `meta.rolecall` of this node differ; neither is used at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.config.meta and nodes.model.shop.a.meta
      help: say it in one place (config: meta:), then run `dbt parse`
    ");
    insta::assert_snapshot!(findings(json!({"meta": {"rolecall": {}}, "config": {"meta": {"owner": "x"}}})), @"
    warning[meta-conflict] `meta` of this node has a rolecall block, and `config.meta`, which is not empty, has none; the block is used at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.config.meta and nodes.model.shop.a.meta
      help: say it in one place (config: meta:), then run `dbt parse`
    ");
}

#[test]
fn a_block_on_a_column_is_not_passed_over_in_silence() {
    let columns = json!({"id": {"name": "id", "meta": {"rolecall": {}}}, "b": {"config": {"meta": {"rolecall": 1}}}, "c": {"description": "rolecall"}});
    insta::assert_snapshot!(findings(json!({"columns": columns})), @r#"
    warning[column-meta-ignored] the rolecall block of column "b" is ignored: columns are not supported yet at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.columns.b.config.meta.rolecall
      help: declare on the node; keep columns that not all may see in a model of their own
    warning[column-meta-ignored] the rolecall block of column "id" is ignored: columns are not supported yet at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.columns.id.meta.rolecall
      help: declare on the node; keep columns that not all may see in a model of their own
    "#);
}

#[test]
fn a_key_said_twice_is_refused() {
    let text =
        manifest_of(json!({"meta": {"rolecall": {"grants": {"a": "read", "b": "@"}}}})).to_string();
    let (_, diagnostics) =
        read_manifest(text.replace("\"b\":\"@\"", "\"a\":\"own\"").as_bytes(), Path::new("m"));
    insta::assert_snapshot!(shown(diagnostics), @r#"
    error[manifest-shape] the block cannot be read: the key "a" is said twice at m
      node: model.shop.a
      path: nodes.model.shop.a.meta.rolecall
      help: write the block with each key once, then run `dbt parse`
    "#);
    let text = manifest(json!({"model.shop.a": node(json!({})), "model.shop.b": node(json!({}))}))
        .to_string();
    let (_, diagnostics) =
        read_manifest(text.replace("model.shop.b\"", "model.shop.a\"").as_bytes(), Path::new("m"));
    insta::assert_snapshot!(shown(diagnostics), @"
    error[duplicate-node] the manifest has this node twice at m
      node: model.shop.a
      path: nodes.model.shop.a
      help: run `dbt parse` to write the manifest again
    ");
}

#[test]
fn names_with_escapes_are_read() {
    let text = manifest_of(json!({}))
        .to_string()
        .replace("model.shop.a", r"model.shop.gr\u00f6\u00dfe")
        .replace("\"a\"", r#""gr\u00f6\u00dfe""#);
    let text = text.replace(r#"\"a\""#, r#"\"gr\u00f6\u00dfe\""#);
    let (manifest, diagnostics) = read_manifest(text.as_bytes(), Path::new("m"));
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    assert_eq!(relation(&manifest.unwrap().nodes["model.shop.größe"]), "db! sales! größe!");
}

#[test]
fn every_wrong_type_is_said_with_its_path() {
    insta::assert_snapshot!(findings(json!({
        "schema": 3, "name": ["a"], "tags": "one", "fqn": [1, null], "meta": [], "group": {},
        "depends_on": [], "columns": "rolecall",
        "config": {"materialized": {}, "grants": {"select": 1, "insert": [null]}, "meta": "x"}
    })), @"
    error[manifest-shape] `nodes.model.shop.a.columns` should be an object, and is something else at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.columns
      help: run `dbt parse` to write the manifest again
    error[manifest-shape] `nodes.model.shop.a.config.grants.insert` should be a list of texts, and is a list that holds null at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.config.grants.insert
      help: run `dbt parse` to write the manifest again
    error[manifest-shape] `nodes.model.shop.a.config.grants.select` should be a list of texts, and is a number at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.config.grants.select
      help: run `dbt parse` to write the manifest again
    error[manifest-shape] `nodes.model.shop.a.config.materialized` should be a text, and is an object at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.config.materialized
      help: run `dbt parse` to write the manifest again
    error[manifest-shape] `nodes.model.shop.a.config.meta` should be an object, and is a text at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.config.meta
      help: run `dbt parse` to write the manifest again
    error[manifest-shape] `nodes.model.shop.a.depends_on` should be an object, and is a list at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.depends_on
      help: run `dbt parse` to write the manifest again
    error[manifest-shape] `nodes.model.shop.a.group` should be a text, and is an object at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.group
      help: run `dbt parse` to write the manifest again
    error[manifest-shape] `nodes.model.shop.a.meta` should be an object, and is a list at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.meta
      help: run `dbt parse` to write the manifest again
    error[manifest-shape] `nodes.model.shop.a.name` should be a text, and is a list at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.name
      help: run `dbt parse` to write the manifest again
    error[manifest-shape] `nodes.model.shop.a.schema` should be a text, and is a number at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.schema
      help: run `dbt parse` to write the manifest again
    ");
    insta::assert_snapshot!(findings(json!({"config": [], "resource_type": "seed"})), @r#"
    error[manifest-shape] `nodes.model.shop.a.config` should be an object, and is a list at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.config
      help: run `dbt parse` to write the manifest again
    error[manifest-shape] `nodes.model.shop.a.resource_type` should be "model", and is "seed" at target/manifest.json
      node: model.shop.a
      path: nodes.model.shop.a.resource_type
      help: run `dbt parse` to write the manifest again
    "#);
    insta::assert_snapshot!(shown(read(&manifest(json!({"model.a.b": 3, "test.a.b": 3}))).1), @"
    error[manifest-shape] `nodes.model.a.b` should be an object, and is a number at target/manifest.json
      node: model.a.b
      path: nodes.model.a.b
      help: run `dbt parse` to write the manifest again
    ");
}

#[test]
fn a_newer_manifest_is_read_with_a_warning() {
    let mut json = manifest_of(json!({}));
    json["metadata"]["dbt_schema_version"] =
        "https://schemas.getdbt.com/dbt/manifest/v13.json".into();
    let (manifest, diagnostics) = read(&json);
    assert_eq!(manifest.unwrap().nodes.len(), 1);
    insta::assert_snapshot!(shown(diagnostics), @"
    warning[newer-manifest] its schema version is 13, which is not known yet at target/manifest.json
      path: metadata.dbt_schema_version
      help: it is read as version 12; look at the plan before applying it, and look for a newer rolecall
    ");
}
