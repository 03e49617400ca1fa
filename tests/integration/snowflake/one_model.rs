//! A project of one configuration and few models of which nobody says anything, and a plan for it that
//! is made, applied and then empty.

use std::path::Path;

use rolecall::apply::Outcome;
use rolecall::plan::Options;
use rolecall::project::Project;
use rolecall::warehouse::snowflake::Snowflake;
use serde_json::{Value, json};

use super::account::site::{apply_it, load_with, plan, steps};

/// The project `shop`: its models are (name, materialized, its block), in one schema.
pub fn manifest(place: (&str, &str), models: &[(&str, &str, Option<&Value>)]) -> String {
    let (database, schema) = place;
    let node = |(name, materialized, block): &(&str, &str, Option<&Value>)| {
        let meta = block.map_or(json!({}), |block| json!({"rolecall": block}));
        let node = json!({
            "resource_type": "model", "package_name": "shop", "name": name, "alias": name,
            "database": database, "schema": schema,
            "relation_name": format!("{database}.{schema}.{name}"),
            "original_file_path": format!("models/{name}.sql"), "fqn": ["shop", name], "tags": [],
            "config": {"enabled": true, "materialized": materialized, "meta": meta},
        });
        (format!("model.shop.{name}"), node)
    };
    let nodes: serde_json::Map<String, Value> = models.iter().map(node).collect();
    json!({
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
                     "dbt_version": "1.11.0", "project_name": "shop", "adapter_type": "snowflake"},
        "nodes": nodes, "sources": {},
    })
    .to_string()
}

/// One with this configuration, and the model `t`.
pub fn project(folder: &Path, more: &str, place: (&str, &str)) -> Project {
    let config = format!(
        "version: 1\nenvironments:\n  prod: {{role_name: \"{{{{ product.name }}}}_{{{{ role.name }}}}\"}}\n{more}"
    );
    std::fs::write(folder.join("rolecall.yml"), config).unwrap();
    let file = folder.join("manifest.json");
    std::fs::write(&file, manifest(place, &[("t", "table", None)])).unwrap();
    load_with(folder.to_owned(), Some(file), "prod")
}

/// What the plan says; then it is applied, and nothing more is to do.
pub async fn comes_to_rest(
    warehouse: &mut Snowflake,
    project: &Project,
    options: &Options,
) -> Vec<String> {
    let first = plan(warehouse, project, options).await.unwrap();
    assert!(first.is_clean(), "{:?} {:?}", first.difference.refused, first.findings().sorted());
    let planned = steps(&first);
    match apply_it(warehouse, project, options).await.unwrap() {
        Outcome::Applied { after, .. } => assert_eq!(steps(&after), Vec::<String>::new()),
        Outcome::InSync(_) => assert_eq!(planned, Vec::<String>::new()),
        other => panic!("{other:#?}"),
    }
    let again = apply_it(warehouse, project, options).await.unwrap();
    assert!(matches!(again, Outcome::InSync(_)), "{again:#?}");
    planned
}
