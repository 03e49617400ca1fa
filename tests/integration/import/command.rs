//! `rolecall import` of a live PostgreSQL, from the first look to the empty plan.

use super::site::Site;
use crate::engines::Ground;

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
    let site = Site::new(ground);
    site.write(
        "rolecall.yml",
        "version: 1\nenvironments:\n  dev: {role_name: \"dev_{{ product.name }}_{{ role.name }}\"}\n  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}\n",
    );
    site.manifest(&[], &[]);
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warehouse_s_roles_are_written_adopted_and_then_there_is_nothing_to_plan() {
    for ground in Ground::each().await {
        let site = site(&ground).await;
        let roles = ["reader", "loader", "Odd*"].map(|name| format!("{}{name}", ground.prefix));
        let [one, two, three] = roles.each_ref().map(String::as_str);
        let import = ["import", "-t", "prod", "--role", one, "--role", two, "--role", three];
        let to_stdout = site.rolecall(&import).with(0).stdout;
        assert!(to_stdout.starts_with("# --- rolecall/members/playbook_roles.yml"), "{to_stdout}");
        assert!(!site.folder.path().join("rolecall").exists());
        // What is there is not written over.
        let elsewhere = [&import[..], &["--out", "elsewhere"]].concat();
        site.rolecall(&elsewhere).with(0);
        let again = site.rolecall(&elsewhere).with(1);
        assert!(again.stderr.contains("is there already: nothing is written"), "{}", again.stderr);
        let ended = site.rolecall(&[&import[..], &["--out", "."]].concat()).with(0);
        let said = site.shown(&ended.stderr);
        for line in [
            "not said: ~loader: ~group as a member: it comes with the admin option; who is in the role stays undeclared",
            "not said: ~reader: SELECT on column DB.sales.salaries.id: grants on columns are not declared in playbooks",
        ] {
            assert!(said.lines().any(|one| one == line), "{said}");
        }
        crate::engines::snapshot!(site.read("rolecall/platform/imported.yml"), @r#"
        playbook_environments: [prod]
        # Written by `rolecall import` from prod. Review it, put it into the project, then
        # `rolecall plan --adopt`: it changes nobody's access.
        roles:
          ~Odd_Name:
            name: "~Odd Name"
            grants:
              - object-type: table
                database-name: DB
                schema-name: sales
                object-name: salaries
                privileges: [ownership]
              - object-type: role
                object-name: ~reader
                privileges: [usage]
          ~loader:
            name: ~loader
            # not said here: ~group as a member (it comes with the admin option; who is in the role stays undeclared)
            grants:
              - object-type: schema
                database-name: DB
                schema-name: sales
                privileges: [usage]
              - object-type: table
                database-name: DB
                schema-name: sales
                object-name: "*"
                privileges: [insert, select]
              - object-type: table
                database-name: DB
                schema-name: sales
                object-name: "*"
                privileges: [update]
                include-all: false
          ~reader:
            name: ~reader
            # not said here: SELECT on column DB.sales.salaries.id (grants on columns are not declared in playbooks)
            grants:
              - object-type: schema
                database-name: DB
                schema-name: sales
                privileges: [usage]
              - object-type: table
                database-name: DB
                schema-name: sales
                object-name: orders
                privileges: [select]
        "#);
        crate::engines::snapshot!(site.read("rolecall/members/playbook_roles.yml"), @r#"
        # Written by `rolecall import`: who is in which playbook role.
        ~reader:
          - user: ~taylor
          - group: ~group
        "#);
        let planned =
            site.rolecall(&["plan", "-t", "prod", "--adopt", "--format", "json"]).with(0).json();
        let changes = planned["plan"]["changes"].as_array().unwrap();
        assert_eq!(changes.len(), 3, "{changes:#?}");
        let is_marker = |one: &serde_json::Value| one.to_string().contains("COMMENT ON ROLE");
        assert!(changes.iter().all(is_marker), "{changes:#?}");
        site.rolecall(&["apply", "-t", "prod", "--adopt"]).with(0);
        site.rolecall(&["plan", "-t", "prod", "--check"]).with(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fits_nothing_or_cannot_be_managed_is_said() {
    let ground = Ground::each().await.remove(0);
    let site = site(&ground).await;
    let empty = format!("{}empty", ground.prefix);
    let words =
        ["import", "-t", "prod", "--role", "nobody*", "--role", "postgres", "--role", &empty];
    let ended = site.rolecall(&words).with(0);
    let said = site.shown(&ended.stderr);
    for part in [
        "no role fits nobody*",
        "not imported: postgres: it is the role that this session runs as",
        "not imported: ~empty: it has nothing here",
        "no role to import",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let wrong = site.rolecall(&["import", "--members", "--role", "x"]).with(2);
    assert!(wrong.stdout.is_empty());
}
