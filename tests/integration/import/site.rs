//! A project beside a database whose roles somebody made by hand.

use crate::binary::{Ended, rolecall, run};
use crate::engines::Ground;

pub struct Site<'g> {
    pub ground: &'g Ground,
    pub folder: tempfile::TempDir,
}

impl<'g> Site<'g> {
    pub fn new(ground: &'g Ground) -> Self {
        Self { ground, folder: tempfile::tempdir().unwrap() }
    }

    pub fn rolecall(&self, words: &[&str]) -> Ended {
        let url = self.ground.engine.url(&self.ground.database);
        run(rolecall().args(words).args(["--connection", &url]).current_dir(self.folder.path()))
    }

    /// Writes a file of the project; `~` stands for what is this test's own.
    pub fn write(&self, name: &str, text: &str) {
        let text = text.replace('~', &self.ground.prefix);
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.folder.path().join(name));
        self.shown(&text.unwrap_or_else(|error| panic!("{name}: {error}")))
    }

    /// A manifest of nodes in the schema `sales`: (kind, name, materialized); these are their blocks.
    pub fn manifest(&self, nodes: &[(&str, &str, &str)], blocks: &[(&str, serde_json::Value)]) {
        let node = |(kind, name, materialized): &(&str, &str, &str)| {
            let block = blocks.iter().find(|(of, _)| of == name).map(|(_, block)| block.clone());
            let meta =
                block.map_or(serde_json::json!({}), |it| serde_json::json!({"rolecall": it}));
            let db = &self.ground.database;
            let node = serde_json::json!({
                "resource_type": kind, "package_name": "shop", "name": name, "alias": name,
                "database": db, "schema": "sales",
                "relation_name": format!("\"{db}\".\"sales\".\"{name}\""),
                "original_file_path": format!("models/{name}.sql"),
                "patch_path": (*name == "orders").then_some("shop://models/schema.yml"),
                "fqn": ["shop", name], "tags": [],
                "config": {"enabled": true, "materialized": materialized, "meta": meta},
            });
            (format!("{kind}.shop.{name}"), node)
        };
        let nodes: serde_json::Map<String, serde_json::Value> = nodes.iter().map(node).collect();
        let manifest = serde_json::json!({
            "metadata": {
                "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
                "dbt_version": "1.11.0", "project_name": "shop", "adapter_type": "postgres"
            },
            "nodes": nodes, "sources": {}
        });
        self.write("target/manifest.json", &manifest.to_string());
    }

    /// What was proposed, as it would be put into the models: each node's name with its block.
    pub fn blocks(&self, told: &serde_json::Value) -> Vec<(String, serde_json::Value)> {
        let all = told["declarations"].as_array().unwrap().iter();
        all.map(|one| {
            let node = one["node"].as_str().unwrap().rsplit('.').next().unwrap().to_owned();
            (node, one["rolecall"].clone())
        })
        .collect()
    }

    /// Without what is this test's own.
    pub fn shown(&self, text: &str) -> String {
        text.replace(&self.ground.prefix, "~").replace(&self.ground.database, "DB")
    }
}
