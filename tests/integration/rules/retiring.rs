//! Roles and environments that go.

use super::site::{CONFIG, Site, model};
use crate::engines::Ground;

/// Without the product role `engineer`.
fn without_engineer() -> String {
    CONFIG.replace("  engineer: {may: [read, write]}\n", "")
}

async fn with_engineer(site: &Site) {
    site.sql("create role ~ann").await;
    site.models(&[
        model("s.t").gives("analyst", &["read"]).gives("engineer", &["read"]),
        model("s.u").gives("engineer", &["write"]),
    ]);
    site.members("engineer: [{user: ~ann}]");
    site.run(&["apply"]).ends(0);
    let all = "CONNECT here, DELETE on s.u, INSERT on s.u, SELECT on s.t, TRUNCATE on s.u, UPDATE on s.u, USAGE on s, lets in ann";
    site.must_have("~p_engineer", all).await;
    site.models(&[model("s.t").gives("analyst", &["read"]), model("s.u")]);
    site.config(&without_engineer());
    std::fs::remove_file(site.path("rolecall/members/p.yml")).unwrap();
}

#[tokio::test]
async fn a_product_role_that_is_gone_is_emptied_and_kept_once_the_revokes_are_allowed() {
    for site in Site::each().await {
        with_engineer(&site).await;
        let before = site.everything().await;
        site.run(&["apply"]).ends(8).says("p_engineer would lose all");
        site.run(&["apply", "--allow-revokes", "7"]).ends(8).says("8 revokes are planned");
        assert_eq!(site.everything().await, before);
        site.run(&["apply", "--allow-revokes", "8"]).ends(0).says("--drop-roles");
        site.must_have("~p_engineer", "nothing").await;
        // Kept, named, and no drift.
        site.run(&["verify"]).ends(0).says("the role p_engineer itself");
        site.run(&["verify", "--drop-roles"]).ends(3);
        site.run(&["apply", "--drop-roles"]).ends(0);
        assert_eq!(site.oid("~p_engineer").await, None);
        site.run(&["verify", "--drop-roles"]).ends(0).never_says("p_engineer");
    }
}

#[tokio::test]
async fn a_role_is_emptied_and_dropped_in_one_go() {
    for site in Site::each().await {
        with_engineer(&site).await;
        site.sql("alter default privileges in schema s grant select on tables to ~p_engineer")
            .await;
        site.run(&["apply", "--drop-roles", "--allow-revokes", "9"]).ends(0);
        assert_eq!(site.oid("~p_engineer").await, None);
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn a_role_that_owns_something_is_kept_and_named() {
    for site in Site::each().await {
        with_engineer(&site).await;
        site.sql("create table s.mine (x int); alter table s.mine owner to ~p_engineer").await;
        let flags = ["apply", "--drop-roles", "--allow-revokes", "8"];
        site.run(&flags).ends(0).says("ownership of table db.s.mine");
        site.must_have("~p_engineer", "owns mine").await;
        site.run(&["verify", "--drop-roles"]).ends(0);
        site.sql("alter table s.mine owner to postgres; create function s.f() returns int language sql as 'select 1'; alter function s.f() owner to ~p_engineer").await;
        site.run(&["apply", "--drop-roles"]).ends(0).says("s.f()");
        assert!(site.oid("~p_engineer").await.is_some());
        site.sql("alter function s.f() owner to postgres").await;
        site.run(&["apply", "--drop-roles"]).ends(0);
        assert_eq!(site.oid("~p_engineer").await, None);
    }
}

#[tokio::test]
async fn a_role_with_a_policy_on_it_is_kept_and_named() {
    for site in Site::each().await {
        with_engineer(&site).await;
        site.sql("alter table s.u enable row level security; create policy only_theirs on s.u to ~p_engineer using (true)").await;
        let flags = ["apply", "--drop-roles", "--allow-revokes", "8"];
        site.run(&flags).ends(0).says("only_theirs");
        assert!(site.oid("~p_engineer").await.is_some());
        site.run(&["verify", "--drop-roles"]).ends(0);
    }
}

#[tokio::test]
async fn a_role_that_another_database_uses_is_emptied_kept_and_named() {
    for site in Site::each().await {
        with_engineer(&site).await;
        let elsewhere = Ground::on(site.ground.engine).await;
        let grant =
            format!("create table t (); grant select on t to {}", site.ground.own("~p_engineer"));
        elsewhere.sql(&grant).await;
        let flags = ["apply", "--drop-roles", "--allow-revokes", "8"];
        site.run(&flags).ends(0).says("used by 1 objects in other databases");
        site.must_have("~p_engineer", "nothing").await;
        site.run(&["verify", "--drop-roles"]).ends(0);
        let revoke = format!("revoke all on t from {}", site.ground.own("~p_engineer"));
        elsewhere.sql(&revoke).await;
        site.run(&["apply", "--drop-roles"]).ends(0);
        assert_eq!(site.oid("~p_engineer").await, None);
    }
}

const TWO: &str = r#"
version: 1
environments:
  dev: {role_name: "~dev_{{ product.name }}_{{ role.name }}"}
  prod: {role_name: "~{{ product.name }}_{{ role.name }}"}
product_roles:
  analyst: {may: [read]}
products:
  p: {}
"#;

fn only_prod() -> String {
    let dev = TWO.lines().find(|line| line.contains("  dev:")).unwrap();
    TWO.replace(&format!("{dev}\n"), "")
}

#[tokio::test]
async fn an_environment_that_is_gone_is_named_until_retire_empties_it() {
    for site in Site::each().await {
        site.sql("create role ~ann; create role ~bob").await;
        site.config(TWO);
        site.members("analyst: [{user: ~ann, environments: [dev]}, {user: ~bob}]");
        site.run(&["apply", "-t", "dev"]).ends(0).never_says("environment-gone");
        site.run(&["apply", "-t", "prod"]).ends(0).never_says("environment-gone");
        let prod = site.has("~p_analyst").await;
        site.sql("create schema z; create table z.a (x int); grant usage on schema z to ~dev_p_analyst; grant select on z.a to ~dev_p_analyst").await;
        let full = site.has("~dev_p_analyst").await;
        site.run(&["apply", "-t", "prod", "--retire", "dev"])
            .ends(2)
            .says("still in the configuration");
        site.config(&only_prod());
        site.members("analyst: [{user: ~bob}]");
        site.run(&["apply", "-t", "prod"]).ends(0).says("environment-gone").says("dev_p_analyst");
        assert_eq!(site.has("~dev_p_analyst").await, full);
        site.run(&["apply", "-t", "prod", "--retire", "dev"])
            .ends(8)
            .says("dev_p_analyst would lose all");
        let flags = ["-t", "prod", "--retire", "dev", "--allow-revokes", "7"];
        site.run(&[&["apply"], &flags[..]].concat()).ends(0);
        site.must_have("~dev_p_analyst", "nothing").await;
        assert_eq!(site.has("~p_analyst").await, prod);
        site.run(&["apply", "-t", "prod", "--retire", "dev", "--drop-roles"]).ends(0);
        assert_eq!(site.oid("~dev_p_analyst").await, None);
        site.run(&["verify", "-t", "prod"]).ends(0).never_says("environment-gone");
        assert_eq!(site.has("~p_analyst").await, prod);
    }
}

#[tokio::test]
async fn retire_empties_the_roles_of_every_developer_of_that_environment() {
    let by_schema = TWO.replace("~dev_", "~{{ target.schema }}_");
    for site in Site::each().await {
        site.config(&by_schema);
        site.run(&["apply", "-t", "dev", "--target-schema", "anna"]).ends(0);
        site.run(&["apply", "-t", "dev", "--target-schema", "bert"]).ends(0);
        site.run(&["apply", "-t", "prod"]).ends(0);
        site.config(&only_prod());
        let flags = ["-t", "prod", "--retire", "dev", "--allow-revokes", "6", "--drop-roles"];
        site.run(&[&["apply"], &flags[..]].concat()).ends(0);
        assert_eq!(site.oid("~anna_p_analyst").await, None);
        assert_eq!(site.oid("~bert_p_analyst").await, None);
        site.must_have("~p_analyst", "CONNECT here, SELECT on s.t, USAGE on s").await;
        site.run(&["verify", "-t", "prod"]).ends(0).never_says("environment-gone");
    }
}

#[tokio::test]
async fn what_a_retired_role_owns_is_not_given_to_another_environments_deploy_role() {
    let with_deploy = TWO.replace(
        "role.name }}\"}\nproduct_roles",
        "role.name }}\", deploy_role: ~prod_dbt}\nproduct_roles",
    );
    for site in Site::each().await {
        site.sql("create role ~prod_dbt").await;
        site.config(&with_deploy);
        site.run(&["apply", "-t", "dev"]).ends(0);
        site.sql("create table s.mine (x int); alter table s.mine owner to ~dev_p_analyst").await;
        let dev = with_deploy.lines().find(|line| line.contains("  dev:")).unwrap();
        site.config(&with_deploy.replace(&format!("{dev}\n"), ""));
        let flags =
            ["apply", "-t", "prod", "--retire", "dev", "--allow-revokes", "9", "--drop-roles"];
        site.run(&flags).ends(0).says("ownership of table db.s.mine");
        site.must_have("~dev_p_analyst", "owns mine").await;
    }
}

#[tokio::test]
async fn a_plan_that_retires_keeps_to_it() {
    for site in Site::each().await {
        site.config(TWO);
        site.run(&["apply", "-t", "dev"]).ends(0);
        site.config(&only_prod());
        let file = site.path("plan.json");
        let file = file.to_str().unwrap();
        let flags =
            ["plan", "-t", "prod", "--retire", "dev", "--allow-revokes", "3", "--out", file];
        site.run(&flags).ends(0);
        site.run(&["apply", "-t", "prod", file]).ends(0);
        site.must_have("~dev_p_analyst", "nothing").await;
        assert_eq!(site.oid("~p_analyst").await, None);
    }
}

#[tokio::test]
async fn an_environment_that_has_no_roles_is_nothing_to_retire_and_that_is_said() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        let before = site.everything().await;
        site.run(&["apply", "--retire", "prodd"]).ends(0).says("nothing-to-retire").says("prodd");
        assert_eq!(site.everything().await, before);
    }
}
