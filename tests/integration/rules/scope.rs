//! What is ours to change, and what is not.

use super::site::{CONFIG, Site, model};
use crate::engines::Ground;

#[tokio::test]
async fn two_deployments_on_one_server_never_touch_each_other() {
    for site in Site::each().await {
        site.sql("create role ~ann; create role ~bob").await;
        site.members("analyst: [{user: ~ann}]");
        site.run(&["apply"]).ends(0);
        let other = site.beside();
        other.config(&CONFIG.replace("~{{", "~other_{{"));
        other.members("analyst: [{user: ~bob}]");
        other.models(
            "~other",
            &[model("s.t").gives("analyst", &["read"]), model("s.u").gives("engineer", &["write"])],
        );
        other.run(&["apply"]).ends(0).never_says("p_engineer (");
        site.run(&["verify"]).ends(0);
        let ours = ["~p_analyst", "~p_engineer"];
        let before = [site.has(ours[0]).await, site.has(ours[1]).await];
        // The other one loses everything, and is left to itself.
        other.models("~other", &[model("s.t"), model("s.u")]);
        other.config(&CONFIG.replace("~{{", "~other_{{").replace("  p: {}", "  q: {}"));
        std::fs::remove_dir_all(other.path("rolecall")).unwrap();
        other.run(&["apply", "--allow-revokes", "100", "--drop-roles", "--prune"]).ends(0);
        assert_eq!(site.oid("~other_p_analyst").await, None);
        assert_eq!([site.has(ours[0]).await, site.has(ours[1]).await], before);
        site.run(&["verify"]).ends(0);
        site.must_have("~p_analyst", "CONNECT here, SELECT on s.t, USAGE on s, lets in ann").await;
    }
}

#[tokio::test]
async fn a_role_managed_by_another_deployment_is_refused_as_a_member() {
    for site in Site::each().await {
        let other = site.beside();
        other.config(&CONFIG.replace("~{{", "~other_{{"));
        other.models("~other", &[model("s.t").gives("analyst", &["read"])]);
        other.run(&["apply"]).ends(0);
        site.members("analyst: [{group: ~other_p_analyst}]");
        let before = site.everything().await;
        site.run(&["apply"]).ends(1).says("other_p_analyst");
        assert_eq!(site.everything().await, before);
        other.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn grants_to_strangers_and_to_everyone_stay() {
    for site in Site::each().await {
        site.sql(
            "create role ~stranger; grant all on s.t to ~stranger with grant option;
             grant select on s.t, s.u to public; grant usage on schema s to ~stranger, public;
             grant update (x) on s.t to ~stranger;
             alter default privileges in schema s grant select on tables to ~stranger",
        )
        .await;
        let stranger = site.has("~stranger").await;
        site.run(&["apply", "--prune", "--drop-roles"]).ends(0);
        site.run(&["verify", "--prune"]).ends(0);
        assert_eq!(site.has("~stranger").await, stranger);
        let public = "select has_table_privilege('public', 's.t', 'SELECT')::text
                      || has_table_privilege('public', 's.u', 'SELECT')::text
                      || has_schema_privilege('public', 's', 'USAGE')::text";
        assert_eq!(site.ground.ask(public).await, ["truetruetrue"]);
    }
}

#[tokio::test]
async fn grants_in_schemas_that_the_manifest_does_not_name_are_named_and_kept_until_prune() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.sql(
            "create schema z; create table z.a (x int); grant usage on schema z to ~p_analyst;
             grant select on z.a to ~p_analyst; grant update (x) on z.a to ~p_analyst;
             alter default privileges in schema z grant select on tables to ~p_analyst",
        )
        .await;
        site.run(&["verify"]).ends(0).says("SELECT on table db.z.a").says("--prune");
        site.run(&["apply"]).ends(0).says("USAGE on schema db.z");
        let kept = "CONNECT here, SELECT in future, SELECT on s.t, SELECT on z.a, UPDATE on z.a.x, USAGE on s, USAGE on z";
        site.must_have("~p_analyst", kept).await;
        site.run(&["verify", "--prune"]).ends(3);
        site.run(&["apply", "--prune"]).ends(0);
        site.must_have("~p_analyst", "CONNECT here, SELECT on s.t, USAGE on s").await;
        site.run(&["verify", "--prune"]).ends(0);
    }
}

const BY_SCHEMA: &str = r#"
version: 1
environments:
  dev: {role_name: "~{{ target.schema }}_{{ product.name }}_{{ role.name }}"}
product_roles:
  analyst: {may: [read]}
products:
  p: {}
"#;

#[tokio::test]
async fn developers_with_target_schema_in_the_template_have_roles_of_their_own() {
    for site in Site::each().await {
        site.sql("create schema anna; create schema bert; create table anna.t (x int); create table bert.t (x int)").await;
        site.config(BY_SCHEMA);
        site.models(&[model("anna.t").gives("analyst", &["read"])]);
        let bert = site.beside();
        bert.config(BY_SCHEMA);
        bert.models("~shop", &[model("bert.t").gives("analyst", &["read"])]);
        site.run(&["apply", "--target-schema", "anna"]).ends(0);
        bert.run(&["apply", "--target-schema", "bert"]).ends(0).never_says("anna");
        site.run(&["verify", "--target-schema", "anna"]).ends(0);
        let of_bert = site.has("~bert_p_analyst").await;
        assert_eq!(of_bert, "CONNECT here, SELECT on bert.t, USAGE on bert");
        // What one loses is no business of the other.
        site.models(&[model("anna.t")]);
        site.config(&BY_SCHEMA.replace("p: {}", "q: {}"));
        let flags = ["--target-schema", "anna", "--allow-revokes", "9", "--drop-roles", "--prune"];
        site.run(&[&["apply"], &flags[..]].concat()).ends(0);
        assert_eq!(site.oid("~anna_p_analyst").await, None);
        assert_eq!(site.has("~bert_p_analyst").await, of_bert);
        bert.run(&["verify", "--target-schema", "bert"]).ends(0);
    }
}

#[tokio::test]
async fn roles_from_a_template_that_told_developers_apart_are_named_when_it_no_longer_does() {
    for site in Site::each().await {
        site.config(BY_SCHEMA);
        site.run(&["apply"]).ends(1).says("target.schema");
        site.run(&["apply", "--target-schema", "s"]).ends(0).never_says("template-changed");
        let own = site.has("~s_p_analyst").await;
        site.config(&BY_SCHEMA.replace("{{ target.schema }}_", "all_"));
        site.run(&["apply"]).ends(0).says("template-changed").says("s_p_analyst");
        assert_eq!(site.has("~s_p_analyst").await, own);
    }
}

#[tokio::test]
async fn developers_without_it_share_roles_and_keep_to_the_schemas_of_their_manifests() {
    let config = CONFIG.replace("prod:", "dev:");
    for site in Site::each().await {
        site.sql("create schema anna; create schema bert; create table anna.t (x int); create table bert.t (x int)").await;
        site.config(&config);
        site.models(&[model("anna.t").gives("analyst", &["read"])]);
        let bert = site.beside();
        bert.config(&config);
        bert.models("~shop", &[model("bert.t").gives("analyst", &["read"])]);
        site.run(&["apply"]).ends(0);
        bert.run(&["apply"]).ends(0).never_says("- SELECT");
        let both = "CONNECT here, SELECT on anna.t, SELECT on bert.t, USAGE on anna, USAGE on bert";
        site.must_have("~p_analyst", both).await;
        site.run(&["apply"]).ends(0);
        // Anna takes hers back; Bert's stays, and so does the way to it.
        site.models(&[model("anna.t"), model("anna.u").gives("analyst", &["read"])]);
        site.sql("create table anna.u (x int)").await;
        site.run(&["apply"]).ends(0);
        let after =
            "CONNECT here, SELECT on anna.u, SELECT on bert.t, USAGE on anna, USAGE on bert";
        site.must_have("~p_analyst", after).await;
        bert.run(&["verify"]).ends(0);
        site.models(&[model("anna.t"), model("anna.u")]);
        site.run(&["apply", "--allow-revokes", "2"]).ends(0);
        let left = "CONNECT here, SELECT on bert.t, USAGE on bert";
        site.must_have("~p_analyst", left).await;
        bert.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn two_environments_that_give_one_name_on_one_server_are_refused() {
    let both = CONFIG.replace(
        "  prod: {",
        "  dev: {role_name: \"~{{ product.name }}_{{ role.name }}\"}\n  prod: {",
    );
    for site in Site::each().await {
        site.config(&both);
        site.run(&["apply", "-t", "dev"]).ends(0);
        let before = site.everything().await;
        for flags in [&["apply", "-t", "prod"][..], &["apply", "-t", "prod", "--adopt"]] {
            site.run(flags).ends(8).says("p_analyst").says(" in dev");
            assert_eq!(site.everything().await, before);
        }
        site.run(&["verify", "-t", "dev"]).ends(0);
    }
}

#[tokio::test]
async fn grants_that_dbt_makes_to_a_managed_role_are_known_and_stay() {
    for site in Site::each().await {
        site.models(&[
            model("s.t").gives("analyst", &["read"]),
            model("s.u").dbt_gives("select", &["~p_analyst"]),
        ]);
        site.run(&["apply"]).ends(0);
        site.must_have("~p_analyst", "CONNECT here, SELECT on s.t, USAGE on s").await;
        site.sql("grant select on s.u to ~p_analyst; grant insert on s.u to ~p_analyst").await;
        site.run(&["apply"]).ends(0).says("INSERT");
        site.must_have("~p_analyst", "CONNECT here, SELECT on s.t, SELECT on s.u, USAGE on s")
            .await;
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn a_manifest_of_two_databases_is_applied_to_each_without_harm_to_the_other() {
    for site in Site::each().await {
        let other = Ground::on(site.ground.engine).await;
        other.sql("create schema s; create table s.far (x int)").await;
        let both = |far: &[&str]| {
            [
                model("s.t").gives("analyst", &["read"]),
                model("s.far").in_database(&other.database).gives("analyst", far),
            ]
        };
        site.models(&both(&["read"]));
        site.run(&["apply"]).ends(0).says("other-database");
        let here = "CONNECT here, SELECT on s.t, USAGE on s";
        site.must_have("~p_analyst", here).await;
        site.run_on(&other.url(None), &["apply"]).ends(0);
        let far = "select has_table_privilege('ROLE', 's.far', 'SELECT')::text";
        let far = far.replace("ROLE", &site.ground.own("~p_analyst"));
        assert_eq!(other.ask(&far).await, ["true"]);
        for url in [site.ground.url(None), other.url(None)] {
            site.run_on(&url, &["verify"]).ends(0);
        }
        site.must_have("~p_analyst", here).await;
        // The role goes from both only when both have been emptied.
        let gone = CONFIG.replace("  p: {}", "  q: {}");
        site.config(&gone);
        site.models(&[model("s.t"), model("s.far").in_database(&other.database)]);
        let flags = ["apply", "--drop-roles", "--allow-revokes", "3"];
        site.run(&flags).ends(0).says("in other databases");
        assert_eq!(other.ask(&far).await, ["true"]);
        site.run_on(&other.url(None), &flags).ends(0);
        assert_eq!(site.oid("~p_analyst").await, None);
    }
}
