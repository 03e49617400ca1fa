//! A project with two environments on Snowflake: two databases of one account, or of two.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::account::site::equip;
use super::super::standin::Standin;
use crate::binary::rolecall;
use crate::rules::site::{Ran, write};

/// dev, and prod into which it is promoted.
pub const CONFIG: &str = r#"
version: 1
environments:
  dev: {role_name: "{{ env.name }}_{{ product.name }}_{{ role.name }}"}
  prod: {role_name: "{{ product.name }}_{{ role.name }}", promote_from: dev, <prod>}
product_roles:
  analyst: {may: [read]}
  engineer: {may: [read, write], environments: {prod: {may: [read]}}}
products:
  p: {}
"#;

/// The project folder, and the accounts of both environments.
pub struct Stage {
    pub dev: Arc<Standin>,
    pub prod: Arc<Standin>,
    folder: tempfile::TempDir,
}

impl Stage {
    /// In one account, and in two. Empty, and a message, where there is no Python for the stand-in.
    pub fn each() -> Vec<Self> {
        let Some(one) = account().map(Arc::new) else { return Vec::new() };
        let Some(two) = account().map(Arc::new) else { return Vec::new() };
        let other = account().map(Arc::new).unwrap_or_else(|| two.clone());
        vec![Self::on(one.clone(), one), Self::on(two, other)]
    }

    /// In one account.
    pub fn one() -> Option<Self> {
        let one = Arc::new(account()?);
        Some(Self::on(one.clone(), one))
    }

    /// `S.T` and `S.U` are in DEV and PROD, both analysts' to read and engineers' to write; TAYLOR is
    /// an analyst; nothing is applied yet.
    pub fn on(dev: Arc<Standin>, prod: Arc<Standin>) -> Self {
        let stage = Self { dev, prod, folder: tempfile::tempdir().unwrap() };
        stage.furnish();
        write(
            stage.folder.path(),
            "dbt_project.yml",
            "name: shop\nversion: '1.0'\nprofile: shop\nconfig-version: 2\n",
        );
        let output = |name: &str, port: u16| {
            json!({
                "type": "snowflake", "account": "standin", "user": "admin", "password": "standin",
                "role": "DEPLOYER", "warehouse": "WH", "database": name, "schema": "S",
                "host": "127.0.0.1", "port": port, "protocol": "http",
            })
        };
        let outputs = json!({
            "dev": output("dev", stage.dev.port), "prod": output("prod", stage.prod.port),
        });
        let profiles = json!({ "shop": { "target": "dev", "outputs": outputs } });
        write(stage.folder.path(), "profiles.yml", &profiles.to_string());
        stage.config("");
        stage.members("analyst: [{user: taylor}]\n");
        stage.models("dev", &["T", "U"]);
        stage.models("prod", &["T", "U"]);
        stage
    }

    fn furnish(&self) {
        for (account, database) in [(&self.dev, "DEV"), (&self.prod, "PROD")] {
            account.sql(&[
                &format!("CREATE DATABASE {database}"),
                &format!("CREATE SCHEMA {database}.S"),
                &format!("CREATE TABLE {database}.S.T (X NUMBER)"),
                &format!("CREATE TABLE {database}.S.U (X NUMBER)"),
                &format!("GRANT USAGE ON DATABASE {database} TO ROLE DEPLOYER"),
                &format!("GRANT CREATE SCHEMA ON DATABASE {database} TO ROLE DEPLOYER"),
                "CREATE USER IF NOT EXISTS TAYLOR PASSWORD = 'pw'",
                "CREATE USER IF NOT EXISTS SAM PASSWORD = 'pw'",
            ]);
        }
    }

    /// New accounts under the same addresses: nothing is applied yet.
    pub fn again(&self) {
        self.dev.tell("reset", &json!({}));
        self.prod.tell("reset", &json!({}));
        equip(&self.prod);
        if !Arc::ptr_eq(&self.dev, &self.prod) {
            equip(&self.dev);
        }
        self.furnish();
    }

    /// [`CONFIG`], with more said of prod.
    pub fn config(&self, prod: &str) {
        self.whole_config(&CONFIG.replace("<prod>", prod));
    }

    pub fn whole_config(&self, text: &str) {
        write(self.folder.path(), "rolecall.yml", text);
    }

    pub fn manifest(&self, environment: &str, manifest: &Value) {
        write(
            self.folder.path(),
            &format!("target/{environment}/manifest.json"),
            &manifest.to_string(),
        );
    }

    pub fn members(&self, text: &str) {
        write(self.folder.path(), "rolecall/members/p.yml", text);
    }

    /// The manifest of an environment: tables in the schema S of its database.
    pub fn models(&self, environment: &str, names: &[&str]) {
        let database = environment.to_uppercase();
        self.manifest(environment, &manifest("snowflake", &database, "S", names));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Statements in prod, by the role that applies, in a session with a warehouse.
    pub fn sql(&self, statements: &[&str]) -> Vec<Value> {
        let all = [&["USE WAREHOUSE WH"], statements].concat();
        let answer = self.prod.tell("sql", &json!({ "statements": all, "role": "DEPLOYER" }));
        assert!(answer.get("error").is_none(), "{answer}");
        answer["results"].as_array().unwrap()[1..].to_vec()
    }

    /// The receipts of prod, oldest first: outcome and body. None where there is no table.
    pub fn receipts(&self) -> Vec<(String, Value)> {
        let objects = self.prod.tell("state", &json!({}));
        let objects = objects["objects"].as_array().unwrap();
        if !objects.iter().any(|object| object["name"] == "PROD.ROLECALL.RECEIPTS") {
            return Vec::new();
        }
        let ask = "SELECT OUTCOME, BODY FROM PROD.ROLECALL.RECEIPTS ORDER BY KEPT_AT";
        let rows = self.sql(&[ask])[0]["rows"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        rows.iter()
            .map(|row| (text(&row[0]), serde_json::from_str(&text(&row[1])).unwrap()))
            .collect()
    }

    /// Who holds what on an object of prod, apart from its owner.
    pub fn grants_on(&self, name: &str) -> Vec<String> {
        let state = self.prod.tell("state", &json!({}));
        let grants = state["grants"].as_array().unwrap().iter();
        let on_it = grants.filter(|grant| grant["on"] == name);
        on_it.map(|grant| format!("{} {}", grant["privilege"], grant["grantee"])).collect()
    }

    /// A command in the project folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = rolecall();
        command
            .env("HOME", "/nowhere")
            .args(arguments)
            .args(["--project-dir".as_ref(), self.folder.path()])
            .args(["--profiles-dir".as_ref(), self.folder.path()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// In sync in dev, promoted, applied.
    pub fn promote_all(&self) {
        self.run(&["apply", "-t", "dev"]).ends(0);
        self.promote(&[]).ends(0);
        self.apply().ends(0);
    }

    /// Promotes into a file.
    pub fn promote(&self, more: &[&str]) -> Ran {
        let plan = self.path("plan.json");
        let plan = plan.to_str().unwrap();
        self.run(&[&["promote", "--from", "dev", "--to", "prod", "--out", plan], more].concat())
    }

    /// Applies what was promoted.
    pub fn apply(&self) -> Ran {
        let plan = self.path("plan.json");
        self.run(&["apply", plan.to_str().unwrap(), "-t", "prod"])
    }
}

/// An account whose role DEPLOYER may make roles and grant, as in the other tests.
pub fn account() -> Option<Standin> {
    super::super::account::site::account()
}

/// A manifest of tables, analysts' to read and engineers' to write.
pub fn manifest(adapter: &str, database: &str, schema: &str, names: &[&str]) -> Value {
    let nodes: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| {
            let grants = json!({ "analyst": ["read"], "engineer": ["read", "write"] });
            let plain = name.to_lowercase();
            let node = json!({
                "resource_type": "model", "package_name": "shop", "name": plain, "alias": name,
                "database": database, "schema": schema,
                "relation_name": format!("{database}.{schema}.{name}"),
                "original_file_path": format!("models/{plain}.sql"), "fqn": ["shop", plain],
                "tags": [],
                "config": {
                    "enabled": true, "materialized": "table", "grants": {},
                    "meta": { "rolecall": { "product": "p", "grants": grants } },
                },
            });
            (format!("model.shop.{plain}"), node)
        })
        .collect();
    json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "dbt_version": "1.11.0", "project_name": "shop", "adapter_type": adapter,
        },
        "nodes": nodes, "sources": {},
    })
}
