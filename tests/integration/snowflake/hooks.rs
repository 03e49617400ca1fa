//! The dbt package's hooks in real dbt-snowflake: what they grant lands, and is what `rolecall apply`
//! would grant.

use std::fs::write;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::standin::Standin;
use crate::binary::{Ended, repository, rolecall, run};
use crate::dbt_build::{Line, dbt};

/// A project of two models on the stand-in, with both hooks.
struct Project {
    standin: Standin,
    folder: tempfile::TempDir,
    dbt: std::path::PathBuf,
}

const ACCOUNT: &[&str] = &[
    "CREATE ROLE TRANSFORMER",
    "CREATE USER DBT PASSWORD = 'secret' DEFAULT_ROLE = TRANSFORMER",
    "GRANT ROLE TRANSFORMER TO USER DBT",
    "GRANT ROLE TRANSFORMER TO ROLE SYSADMIN",
    "CREATE WAREHOUSE WH",
    "GRANT USAGE ON WAREHOUSE WH TO ROLE TRANSFORMER",
    "CREATE DATABASE ANALYTICS",
    "GRANT USAGE, CREATE SCHEMA ON DATABASE ANALYTICS TO ROLE TRANSFORMER",
    "CREATE ROLE DEPLOYER",
    "GRANT CREATE ROLE ON ACCOUNT TO ROLE DEPLOYER",
    "GRANT MANAGE GRANTS ON ACCOUNT TO ROLE DEPLOYER",
    "GRANT CREATE DATABASE ROLE ON DATABASE ANALYTICS TO ROLE DEPLOYER",
    "GRANT ROLE DEPLOYER TO USER ADMIN",
    "CREATE ROLE STRANGER",
];

fn has_snowflake(dbt: &Path) -> bool {
    let mut python = Command::new(dbt.with_file_name("python"));
    python.args(["-c", "import dbt.adapters.snowflake"]);
    let has = python.output().is_ok_and(|output| output.status.success());
    if !has {
        eprintln!("skipped: no dbt-snowflake beside {}", dbt.display());
    }
    has
}

impl Project {
    fn begin(environment: &str) -> Option<Self> {
        let dbt = dbt(Line::Current).filter(|dbt| has_snowflake(dbt))?;
        let standin = Standin::start()?.of_others_too();
        standin.sql(ACCOUNT);
        let folder = tempfile::tempdir().unwrap();
        let project = Self { standin, folder, dbt };
        std::fs::create_dir_all(project.path().join("models")).unwrap();
        std::fs::create_dir_all(project.path().join("macros")).unwrap();
        let output = |user: &str, password: &str, role: &str| {
            json!({
                "type": "snowflake", "account": "standin", "host": "127.0.0.1", "protocol": "http",
                "port": project.standin.port, "user": user, "password": password, "role": role,
                "warehouse": "WH", "database": "ANALYTICS", "schema": "MARTS", "threads": 2,
            })
        };
        let outputs = json!({
            "prod": output("dbt", "secret", "TRANSFORMER"),
            "admin": output("admin", "standin", "DEPLOYER"),
        });
        let profiles = json!({ "shop": { "target": "prod", "outputs": outputs } });
        project.write("profiles.yml", &profiles.to_string());
        project.write(
            "dbt_project.yml",
            r#"name: shop
version: 1.0.0
profile: shop
flags: {send_anonymous_usage_stats: false}
models:
  +post-hook: "{{ rolecall.grant_this() }}"
on-run-end: "{{ rolecall.apply_access(results) }}"
"#,
        );
        let packages = json!({ "packages": [{ "local": repository("") }] });
        project.write("packages.yml", &packages.to_string());
        project.write(
            "rolecall.yml",
            &format!(
                r#"version: 1
environments:
  prod: {{role_name: "{{{{ product.name }}}} {{{{ role.name }}}}", connection: {{target: admin}}{environment}}}
product_roles:
  analyst: {{may: [read]}}
  engineer: {{may: [read, write]}}
products: {{shop: {{}}}}
"#
            ),
        );
        let meta = "meta={'rolecall': {'product': 'shop', 'grants': {'analyst': ['read'], 'engineer': ['read']}}}";
        let orders = format!("{{{{ config({meta}) }}}}\nselect 1 as id\n");
        let items = format!(
            "{{{{ config(materialized='table', {meta}) }}}}\nselect id, 2 as n from {{{{ ref('orders') }}}}\n"
        );
        project.write("models/orders.sql", &orders);
        project.write("models/items.sql", &items);
        project.dbt(&["deps"]);
        project.dbt(&["parse"]);
        Some(project)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, file: &str, text: &str) {
        write(self.path().join(file), text).unwrap();
    }

    fn dbt(&self, words: &[&str]) -> Ended {
        let mut dbt = Command::new(&self.dbt);
        dbt.args(words)
            .arg("--project-dir")
            .arg(self.path())
            .arg("--profiles-dir")
            .arg(self.path());
        dbt.env("NO_COLOR", "1");
        run(&mut dbt).with(0)
    }

    fn rolecall(&self, words: &[&str]) -> Ended {
        let mut rolecall = rolecall();
        rolecall.args(words).arg("--project-dir").arg(self.path());
        run(rolecall.arg("--profiles-dir").arg(self.path()))
    }

    /// What roles hold below the database: privilege, object, grantee.
    fn grants(&self) -> Vec<String> {
        let state = self.standin.tell("state", &json!({}));
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let rows = state["grants"].as_array().unwrap().iter();
        let rows = rows.filter(|row| text(row, "grantee").contains("shop"));
        let line = |row: &Value| {
            format!("{} {} {}", text(row, "privilege"), text(row, "on"), text(row, "grantee"))
        };
        rows.map(line).collect()
    }
}

#[test]
fn what_the_hooks_grant_is_what_apply_grants() {
    let Some(project) = Project::begin("") else { return };
    project.rolecall(&["compile", "--format", "dbt"]).with(0);
    // Roles are the command's: before anything is built they are made, and hold nothing.
    project.rolecall(&["apply", "--skip-missing"]).with(0);
    let before = project.grants();
    let built = project.dbt(&["run"]);
    assert!(built.stdout.contains("PASS=3"), "{}", built.stdout);
    let by_hooks = project.grants();
    let wanted = [
        "SELECT ANALYTICS.MARTS.ITEMS \"shop analyst\"",
        "SELECT ANALYTICS.MARTS.ITEMS \"shop engineer\"",
        "SELECT ANALYTICS.MARTS.ORDERS \"shop analyst\"",
        "SELECT ANALYTICS.MARTS.ORDERS \"shop engineer\"",
        "USAGE ANALYTICS.MARTS \"shop analyst\"",
        "USAGE ANALYTICS.MARTS \"shop engineer\"",
    ];
    for line in wanted {
        assert!(!before.contains(&line.to_owned()), "{before:#?}");
        assert!(by_hooks.contains(&line.to_owned()), "{line}: {by_hooks:#?}\n{}", built.stdout);
    }
    // The database is not dbt's own: the hook says who grants USAGE on it, and nothing else is left.
    assert!(built.stdout.contains("USAGE on the database"), "{}", built.stdout);
    project.rolecall(&["apply"]).with(0);
    let mut by_apply = project.grants();
    by_apply.retain(|line| !line.starts_with("USAGE ANALYTICS \""));
    assert_eq!(by_apply, by_hooks);
    // A table that is replaced loses its grants, and has them again when the run has ended.
    let again = project.dbt(&["run"]);
    assert!(!again.stdout.contains("rolecall: "), "{}", again.stdout);
    project.rolecall(&["verify"]).with(0);
}

#[test]
fn the_hooks_leave_roles_of_databases_to_apply() {
    let Some(project) = Project::begin(", role_kind: database") else { return };
    project.rolecall(&["compile", "--format", "dbt"]).with(0);
    project.rolecall(&["apply", "--skip-missing"]).with(0);
    let before = project.grants();
    project.dbt(&["run"]);
    assert_eq!(project.grants(), before, "a hook has granted to a role of a database");
    project.rolecall(&["apply"]).with(0);
    let after = project.grants();
    assert!(
        after.contains(&"SELECT ANALYTICS.MARTS.ITEMS ANALYTICS.\"shop analyst\"".to_owned()),
        "{after:#?}"
    );
    project.rolecall(&["verify"]).with(0);
}
