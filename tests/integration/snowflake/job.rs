//! `rolecall` itself on the stand-in, as a deploy job runs it: a project, a profile, an account.

use std::fs::write;

use serde_json::json;

use super::standin::Standin;
use crate::binary::{rolecall, run};

/// What a deploy job has.
pub(crate) struct Job {
    pub(crate) standin: Standin,
    pub(crate) folder: tempfile::TempDir,
    /// The profile's output, as JSON.
    pub(crate) output: serde_json::Value,
}

const CONFIG: &str = r#"version: 1
environments:
  prod: {role_name: "{{ product.name }}_{{ role.name }}"}
product_roles:
  analyst: {may: [read], warehouses: [BI_WH]}
  engineer: {may: [read, write]}
products: {shop: {}}
"#;

/// What a platform engineer has made beforehand.
const ACCOUNT: &[&str] = &[
    "CREATE ROLE DEPLOYER",
    "GRANT CREATE ROLE ON ACCOUNT TO ROLE DEPLOYER",
    "GRANT MANAGE GRANTS ON ACCOUNT TO ROLE DEPLOYER",
    "GRANT ROLE DEPLOYER TO USER ADMIN",
    "CREATE WAREHOUSE BI_WH",
    "GRANT USAGE ON WAREHOUSE BI_WH TO ROLE DEPLOYER",
    "CREATE ROLE TRANSFORMER",
    "GRANT ROLE TRANSFORMER TO ROLE SYSADMIN",
    "CREATE USER TAYLOR",
    "CREATE DATABASE SHOP",
    "CREATE SCHEMA SHOP.SALES",
    "CREATE TABLE SHOP.SALES.ORDERS (ID NUMBER)",
    "CREATE VIEW SHOP.SALES.PEOPLE AS SELECT 1 AS ID",
];

impl Job {
    pub(crate) fn begin() -> Option<Self> {
        let standin = Standin::start()?;
        standin.sql(ACCOUNT);
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("rolecall/members")).unwrap();
        let output = json!({
            "type": "snowflake", "account": "standin", "host": "127.0.0.1", "protocol": "http",
            "port": standin.port, "user": "admin", "password": "standin", "role": "DEPLOYER",
            "warehouse": "BI_WH", "database": "SHOP", "schema": "SALES",
        });
        let job = Self { standin, folder, output };
        job.write("rolecall.yml", CONFIG);
        job.write("rolecall/members/shop.yml", "analyst: [{user: taylor}]\n");
        job.write("dbt_project.yml", "name: shop\nprofile: shop\n");
        job.models(&[("ORDERS", "table"), ("PEOPLE", "view")]);
        Some(job)
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        write(self.folder.path().join(file), text).unwrap();
    }

    /// The manifest: models in SHOP.SALES that analysts read and engineers write.
    pub(crate) fn models(&self, models: &[(&str, &str)]) {
        let mut nodes = serde_json::Map::new();
        for (alias, kind) in models {
            let name = alias.to_lowercase();
            let grants = json!({ "analyst": ["read"], "engineer": ["read", "write"] });
            let grants = if *kind == "view" { json!({ "analyst": ["read"] }) } else { grants };
            let meta = json!({ "rolecall": { "product": "shop", "grants": grants } });
            let node = json!({
                "unique_id": format!("model.shop.{name}"), "resource_type": "model", "name": name,
                "alias": alias, "database": "SHOP", "schema": "SALES", "package_name": "shop",
                "fqn": ["shop", name], "original_file_path": format!("models/{name}.sql"),
                "config": {
                    "materialized": kind, "enabled": true, "meta": meta,
                    "quoting": { "database": true, "schema": true, "identifier": true },
                },
                "meta": meta, "tags": [], "depends_on": { "nodes": [] }, "relation_name": null,
            });
            nodes.insert(format!("model.shop.{name}"), node);
        }
        let manifest = json!({
            "metadata": {
                "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
                "project_name": "shop", "adapter_type": "snowflake",
            },
            "nodes": nodes, "sources": {}, "disabled": {}, "macros": {},
        });
        self.write("manifest.json", &manifest.to_string());
    }

    /// Runs a command; its exit status and everything it says.
    pub(crate) fn says(&self, words: &[&str]) -> String {
        let profile = json!({ "shop": { "target": "prod", "outputs": { "prod": self.output } } });
        self.write("profiles.yml", &profile.to_string());
        let folder = self.folder.path();
        let mut rolecall = rolecall();
        rolecall.args(words).arg("--project-dir").arg(folder).arg("--profiles-dir").arg(folder);
        rolecall.arg("--manifest").arg(folder.join("manifest.json"));
        rolecall.env("USER", "job").env("HOSTNAME", "ci");
        let ended = run(&mut rolecall);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        let said = format!("exit {}\n{}{}", ended.exit, ended.stdout, ended.stderr);
        let said = said.replace(&self.standin.port.to_string(), "PORT");
        steady(&said.replace(&*folder.to_string_lossy(), "FOLDER"))
    }
}

/// Without what is another at each run: ids of queries, processes, times.
fn steady(said: &str) -> String {
    let apart = |c: char| c.is_whitespace() || "()[]\"',/".contains(c);
    let word = |word: &str| match word {
        id if id.len() == 36 && id.split('-').count() == 5 => "ID".to_owned(),
        holder if holder.starts_with("job@ci:") => "job@ci".to_owned(),
        time if time.len() == 20 && time.starts_with("20") && time.ends_with('Z') => "NOW".into(),
        file if file.starts_with("journal-") => "JOURNAL".to_owned(),
        other => other.to_owned(),
    };
    said.split_inclusive(apart)
        .map(|part| match part.strip_suffix(apart) {
            Some(text) => word(text) + &part[text.len()..],
            None => word(part),
        })
        .collect()
}
