//! `rolecall import` of a live PostgreSQL, from the first look to the empty plan.

use crate::binary::{Ended, rolecall, run};
use crate::engines::Ground;

const MANIFEST: &str = r#"{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
    "project_name": "shop", "adapter_type": "postgres"}, "nodes": {}, "sources": {}}"#;

struct Site<'g> {
    ground: &'g Ground,
    folder: tempfile::TempDir,
}

impl Site<'_> {
    fn rolecall(&self, words: &[&str]) -> Ended {
        let url = self.ground.engine.url(&self.ground.database);
        run(rolecall().args(words).args(["--connection", &url]).current_dir(self.folder.path()))
    }

    /// Without what is this test's own.
    fn shown(&self, text: &str) -> String {
        text.replace(&self.ground.prefix, "~").replace(&self.ground.database, "DB")
    }
}

async fn site(ground: &Ground) -> Site<'_> {
    ground
        .sql(
            "create schema sales; create table sales.orders (id int, secret int);
             create table sales.salaries (id int); create view sales.seen as select 1 as id;
             create role ~reader; create role ~loader; create role ~empty; create role ~taylor login;
             create role ~group; create role \"~Odd Name\";
             grant usage on schema sales to ~reader, ~loader;
             grant select on sales.orders to ~reader;
             grant select (id) on sales.salaries to ~reader;
             grant select, insert on all tables in schema sales to ~loader;
             alter default privileges in schema sales grant select, insert on tables to ~loader;
             alter default privileges in schema sales grant update on tables to ~loader;
             grant ~reader to ~taylor, ~group; grant ~loader to ~group with admin option;
             grant ~reader to \"~Odd Name\"; grant select on sales.orders to ~taylor;
             alter table sales.salaries owner to \"~Odd Name\";",
        )
        .await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "rolecall.yml",
        "version: 1\nenvironments:\n  dev: {role_name: \"dev_{{ product.name }}_{{ role.name }}\"}\n  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}\n",
    );
    std::fs::create_dir(folder.path().join("target")).unwrap();
    write("target/manifest.json", MANIFEST);
    Site { ground, folder }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warehouse_s_roles_are_written_adopted_and_then_there_is_nothing_to_plan() {
    for ground in Ground::each().await {
        let site = site(&ground).await;
        let pattern = format!("{}*", ground.prefix);
        let ended =
            site.rolecall(&["import", "-t", "prod", "--role", &pattern, "--out", "."]).with(0);
        let mut said: Vec<String> = site.shown(&ended.stderr).lines().map(str::to_owned).collect();
        said.sort();
        crate::engines::snapshot!(said.join("\n"), @"");
        let read = |name: &str| {
            let text = std::fs::read_to_string(site.folder.path().join(name)).unwrap();
            site.shown(&text)
        };
        crate::engines::snapshot!(read("rolecall/platform/imported.yml"), @"");
        crate::engines::snapshot!(read("rolecall/members/playbook_roles.yml"), @"");
        // What is there is not written over.
        let again =
            site.rolecall(&["import", "-t", "prod", "--role", &pattern, "--out", "."]).with(1);
        assert!(again.stderr.contains("is there already: nothing is written"), "{}", again.stderr);
        let planned =
            site.rolecall(&["plan", "-t", "prod", "--adopt", "--format", "json"]).with(0).json();
        let changes = planned["plan"]["changes"].as_array().unwrap();
        assert_eq!(changes.len(), 6, "{changes:#?}");
        assert!(
            changes.iter().all(|one| one["change"]["kind"] == "adopt_role"
                || one.to_string().contains("COMMENT ON ROLE")),
            "{changes:#?}"
        );
        site.rolecall(&["apply", "-t", "prod", "--adopt"]).with(0);
        site.rolecall(&["plan", "-t", "prod", "--check"]).with(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_pattern_users_are_no_roles_and_stdout_is_all_that_is_written() {
    let ground = Ground::each().await.remove(0);
    let site = site(&ground).await;
    let ended = site.rolecall(&["import", "-t", "prod"]).with(0);
    let text = site.shown(&ended.stdout);
    assert!(text.contains("# --- rolecall/platform/imported.yml"), "{text}");
    assert!(text.contains("  ~reader:\n") && !text.contains("  ~taylor:\n"), "{text}");
    assert!(!site.folder.path().join("rolecall").exists());
    let none = site.rolecall(&["import", "-t", "prod", "--role", "nobody*"]).with(0);
    assert!(none.stderr.contains("no role fits nobody*"), "{}", none.stderr);
}
