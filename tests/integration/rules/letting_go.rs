//! Adopted roles that log in, and what becomes of them once nobody declares them; and what hangs on what a
//! plan takes.

use super::site::{Site, model};

const HEAD: &str = r#"
version: 1
deployment: "~books"
environments:
  prod: {role_name: "~{{ product.name }}_{{ role.name }}"}
product_roles: {}
"#;

fn config(site: &Site, roles: &str) {
    let roles = roles.replace("DB", &site.ground.database);
    site.config(&format!("{HEAD}{roles}"));
}

const SERVICE: &str = r#"roles:
  other: {name: "~other"}
  svc:
    name: "~svc"
    grants: [{object-type: table, database-name: DB, schema-name: s, object-name: t, privileges: [select]}]
"#;

const ALL: &str = "SELECT on s.t, SELECT on s.u, USAGE on s";

#[tokio::test(flavor = "multi_thread")]
async fn an_adopted_role_that_logs_in_is_let_go_of_as_the_plan_says() {
    for site in Site::each().await {
        site.models(&[model("s.t")]);
        site.sql(
            "create role ~svc login; grant usage on schema s to ~svc; grant select on s.u to ~svc",
        )
        .await;
        config(&site, SERVICE);
        site.run(&["apply", "--adopt"]).ends(0);
        site.must_have("~svc", ALL).await;
        // Gone from the file: nothing is taken, by no flag, and nothing is refused.
        config(&site, "roles:\n  other: {name: \"~other\"}\n");
        for flags in [&[][..], &["--prune"], &["--prune", "--drop-roles"]] {
            site.run(&[&["plan"], flags].concat())
                .ends(0)
                .says("can log in")
                .says("declare it once more with `grants: []` and plan with --prune")
                .says("COMMENT ON ROLE \"svc\" IS NULL")
                .says("SELECT on table db.s.u")
                .never_says("declare it, or --prune takes it")
                .never_says("marker-on-a-stranger");
            site.run(&[&["apply", "--allow-revokes", "9"], flags].concat()).ends(0);
            site.must_have("~svc", ALL).await;
        }
        // Let go of: it keeps all, and is nobody's any more.
        site.sql("comment on role ~svc is null").await;
        site.run(&["plan", "--prune"]).ends(0).never_says("svc");
        // Or everything is taken first.
        config(&site, SERVICE);
        site.run(&["apply", "--adopt"]).ends(0);
        config(&site, "roles:\n  other: {name: \"~other\"}\n  svc: {name: \"~svc\", grants: []}\n");
        site.run(&["apply", "--prune", "--allow-revokes", "9"]).ends(0);
        site.must_have("~svc", "nothing").await;
        config(&site, "roles:\n  other: {name: \"~other\"}\n");
        site.run(&["plan"])
            .ends(8)
            .says("marker-on-a-stranger")
            .says("COMMENT ON ROLE \"svc\" IS NULL");
        site.sql("comment on role ~svc is null").await;
        site.run(&["plan", "--check"]).ends(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn letting_others_in_is_named_where_an_adopted_role_keeps_it() {
    for site in Site::each().await {
        site.models(&[model("s.t")]);
        site.sql(
            "create role ~svc; create role ~held; create role ~also; create role ~deputy;
             grant ~held, ~also to ~svc with admin option; grant ~svc to ~deputy with admin option",
        )
        .await;
        config(
            &site,
            "roles:\n  svc:\n    name: \"~svc\"\n    grants: [{object-type: role, object-name: \"~held\", privileges: [usage]}]\n",
        );
        site.run(&["plan", "--adopt"])
            .ends(0)
            .says("letting others into the role held (ADMIN)")
            .says("being in the role also, and letting others into it (ADMIN)")
            .says("the admin option of deputy, who may let anybody in")
            .says("since the role was adopted");
        site.run(&["apply", "--adopt"]).ends(0);
        site.run(&["plan", "--check"]).ends(0).says("letting others into the role held (ADMIN)");
        // As it says: pruned, it is a member that lets in nobody.
        site.run(&["apply", "--prune", "--allow-revokes", "9"]).ends(0);
        site.run(&["plan", "--check"]).ends(0).never_says("letting others into");
    }
}

const HANGS: &str = r#"
version: 1
deployment: "~books"
environments:
  prod: {role_name: "~{{ product.name }}_{{ role.name }}"}
product_roles: {analyst: {may: [read]}}
products: {p: {}}
roles:
  giver: {name: "~giver"}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_one_of_ours_keeps_out_of_reach_holds_up_the_grant_that_it_hangs_on() {
    for site in Site::each().await {
        site.config(HANGS);
        site.models(&[model("s.t").gives("analyst", &["read"])]);
        site.run(&["apply"]).ends(0);
        // The manifest does not name that schema: what the product role has there stays.
        site.sql(
            "create schema far; create table far.away (x int); grant usage on schema far to ~giver;
             grant select on far.away to ~giver with grant option; set role ~giver;
             grant select on far.away to ~p_analyst; reset role",
        )
        .await;
        let before = site.everything().await;
        site.run(&["plan"])
            .ends(8)
            .says("dependents")
            .says("p_analyst holds SELECT on table db.far.away from giver, who is to lose it");
        site.run(&["apply", "--allow-revokes", "9"]).ends(8);
        assert_eq!(site.everything().await, before);
        // Within reach both go, the one that hangs first.
        site.run(&["apply", "--prune", "--allow-revokes", "9"]).ends(0);
        site.must_have("~giver", "nothing").await;
        site.run(&["plan", "--check"]).ends(0);
    }
}
