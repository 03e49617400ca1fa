//! The small projects of the checks' examples, with a manifest as dbt would write it.

use std::collections::BTreeMap;
use std::path::Path;

use rolecall::check::{BASE, Example};
use serde_json::{Map, Value, json};

use crate::rules::site::write;

/// An example's files over those of every example.
pub fn files(example: &Example) -> BTreeMap<&'static str, &'static str> {
    BASE.iter().chain(example.files).filter(|(file, _)| !file.starts_with('-')).copied().collect()
}

/// What the command line has beside.
pub fn flags(example: &Example) -> Vec<&'static str> {
    let flags = example.files.iter().filter(|(file, _)| file.starts_with('-'));
    flags.flat_map(|(flag, value)| [*flag, *value]).collect()
}

/// Writes the project with its manifest; returns the SQL that dbt would run.
pub fn lay_out(folder: &Path, files: &BTreeMap<&str, &str>) -> String {
    for (file, text) in files {
        write(folder, file, text);
    }
    if !files.contains_key("dbt_project.yml") {
        write(folder, "dbt_project.yml", "name: shop\n");
    }
    let (manifest, sql) = dbt(files);
    write(folder, "target/manifest.json", &manifest.to_string());
    sql
}

/// What dbt makes of these few files: models in a schema of their folder's name, `ref`, tags, and meta
/// merged key by key with that of the folder.
fn dbt(files: &BTreeMap<&str, &str>) -> (Value, String) {
    let yaml = |text: &str| -> Value { serde_saphyr::from_str(text).unwrap() };
    let mut described: BTreeMap<String, (Value, String)> = BTreeMap::new();
    for (file, text) in files.iter().filter(|(file, _)| file.ends_with("_models.yml")) {
        for model in yaml(text)["models"].as_array().unwrap() {
            let name = model["name"].as_str().unwrap().to_owned();
            described.insert(name, (model["config"].clone(), format!("shop://{file}")));
        }
    }
    let project = files.get("dbt_project.yml").map(|text| yaml(text)).unwrap_or_default();
    let mut nodes = Map::new();
    let mut sql = String::new();
    for (file, text) in files.iter().filter(|(file, _)| file.ends_with(".sql")) {
        let parts: Vec<&str> = file.trim_end_matches(".sql").split('/').collect();
        let [_, schema, name] = parts[..] else { panic!("{file} is not models/schema/name.sql") };
        let (own, patch) = described.get(name).cloned().unwrap_or_default();
        let mut meta = project["models"]["shop"][schema]["+meta"].as_object().cloned();
        let merged = meta.get_or_insert_default();
        merged.extend(own["meta"].as_object().cloned().unwrap_or_default());
        let materialized = own["materialized"].as_str().unwrap_or("view").to_owned();
        let mut parents = Vec::new();
        let mut query = (*text).to_owned();
        while let Some((before, rest)) = query.clone().split_once("{{ ref('") {
            let (parent, after) = rest.split_once("') }}").unwrap();
            parents.push(format!("model.shop.{parent}"));
            query = format!("{before}{schema}.{parent}{after}");
        }
        sql.push_str(&format!(
            "create schema if not exists {schema}; create {materialized} {schema}.{name} as {query};"
        ));
        let node = json!({
            "resource_type": "model",
            "package_name": "shop",
            "name": name,
            "alias": name,
            "database": "shop",
            "schema": schema,
            "relation_name": format!("\"shop\".\"{schema}\".\"{name}\""),
            "original_file_path": file,
            "patch_path": patch,
            "fqn": ["shop", schema, name],
            "tags": own["tags"].as_array().cloned().unwrap_or_default(),
            "config": {
                "enabled": true,
                "materialized": materialized,
                "tags": own["tags"].as_array().cloned().unwrap_or_default(),
                "meta": meta,
                "grants": own["grants"].as_object().cloned().unwrap_or_default(),
            },
            "depends_on": {"macros": [], "nodes": parents},
        });
        nodes.insert(format!("model.shop.{name}"), node);
    }
    let manifest = json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "dbt_version": "1.11.0",
            "project_name": "shop",
            "adapter_type": "postgres",
        },
        "nodes": nodes,
        "sources": {},
    });
    (manifest, sql)
}
