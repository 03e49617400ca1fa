//! Sessions that are no superusers.

use super::drift::may_lock;
use super::site::{CONFIG, Site, model};

/// A session with CREATEROLE that owns the database, its schema and its tables.
async fn deploy(site: &Site) {
    let owner = format!("alter database {} owner to ~deploy", site.ground.database);
    site.sql(
        "create role ~deploy login createrole password 'pw'; alter schema s owner to ~deploy;
         alter table s.t owner to ~deploy; alter table s.u owner to ~deploy;
         create role ~ann; create role ~bob",
    )
    .await;
    site.sql(&owner).await;
    may_lock(site).await;
    site.members("analyst: [{user: ~ann}]");
}

#[tokio::test]
async fn whoever_creates_roles_and_owns_the_schemas_needs_no_superuser() {
    for site in Site::each().await {
        deploy(&site).await;
        site.run_as("deploy", &["apply"]).ends(0);
        let after = "CONNECT here, SELECT on s.t, USAGE on s, lets in ann";
        site.must_have("~p_analyst", after).await;
        // From 16 on the creator has an admin option that it cannot give up: that is no drift.
        for command in ["verify", "plan"] {
            site.run_as("deploy", &[command]).ends(0).says("in sync");
            site.run(&[command]).ends(0).says("in sync");
        }
        // Everything that follows is done by it as well.
        site.members("analyst: [{user: ~bob}]");
        site.models(&[model("s.u").gives("analyst", &["read"]).gives("engineer", &["write"])]);
        site.config(&CONFIG.replace("~{{", "~new_{{"));
        site.run_as("deploy", &["apply", "--allow-revokes", "2"]).ends(0);
        site.must_have("~new_p_analyst", "CONNECT here, SELECT on s.u, USAGE on s, lets in bob")
            .await;
        site.run_as("deploy", &["verify"]).ends(0);
        site.sql("alter role ~new_p_engineer login createdb").await;
        let reset = site.run_as("deploy", &["apply"]);
        if reset.code != 0 {
            // From 16 on CREATEDB can be taken only by who has it.
            reset.ends(1).says("CREATEDB");
            site.sql("alter role ~new_p_engineer nocreatedb").await;
            site.run_as("deploy", &["apply"]).ends(0);
        }
        site.config(
            &CONFIG.replace("~{{", "~new_{{").replace("  engineer: {may: [read, write]}\n", ""),
        );
        site.models(&[model("s.u").gives("analyst", &["read"])]);
        site.run_as("deploy", &["apply", "--drop-roles", "--allow-revokes", "9"]).ends(0);
        assert_eq!(site.oid("~new_p_engineer").await, None);
        site.run_as("deploy", &["verify"]).ends(0);
    }
}

#[tokio::test]
async fn a_server_that_lets_creators_into_their_roles_changes_nothing_about_it() {
    for site in Site::each().await {
        if site.ground.version().await < 16 {
            continue;
        }
        deploy(&site).await;
        site.sql("alter role ~deploy set createrole_self_grant = 'set, inherit'").await;
        site.run_as("deploy", &["apply"]).ends(0);
        site.must_have("~p_analyst", "CONNECT here, SELECT on s.t, USAGE on s, lets in ann").await;
        site.run_as("deploy", &["verify"]).ends(0);
    }
}

#[tokio::test]
async fn roles_that_another_session_made_are_named_and_nothing_is_half_done() {
    for site in Site::each().await {
        if site.ground.version().await < 16 {
            continue;
        }
        deploy(&site).await;
        site.run(&["apply"]).ends(0);
        site.models(&[
            model("s.t").gives("analyst", &["read"]),
            model("s.u").gives("analyst", &["read"]),
        ]);
        site.members("analyst: [{user: ~ann}, {user: ~bob}]");
        let before = site.everything().await;
        site.run_as("deploy", &["apply"]).ends(1).says("p_analyst").says("ADMIN option");
        assert_eq!(site.everything().await, before);
    }
}

#[tokio::test]
async fn members_that_a_superuser_let_in_are_named_where_the_session_cannot_take_them_out() {
    for site in Site::each().await {
        deploy(&site).await;
        site.run_as("deploy", &["apply"]).ends(0);
        site.sql("create role ~eve; grant ~p_analyst to ~eve; grant ~p_engineer to ~ann").await;
        site.run_as("deploy", &["verify"]).ends(3).says("member eve");
        let before = site.everything().await;
        let ran = site.run_as("deploy", &["apply"]);
        if site.ground.version().await >= 16 {
            ran.ends(1).says("eve").says("postgres");
            assert_eq!(site.everything().await, before);
            site.run(&["apply"]).ends(0);
        } else {
            ran.ends(0);
        }
        site.run_as("deploy", &["verify"]).ends(0);
        site.must_have("~p_analyst", "CONNECT here, SELECT on s.t, USAGE on s, lets in ann").await;
    }
}

#[tokio::test]
async fn a_session_that_may_not_read_all_sees_the_same_drift() {
    for site in Site::each().await {
        site.sql("create role ~looker login password 'pw'").await;
        site.run(&["apply"]).ends(0);
        site.run_as("looker", &["verify"]).ends(0);
        site.sql("create role ~eve; grant insert on s.u to ~p_analyst; grant ~p_analyst to ~eve; alter role ~p_engineer login").await;
        let ordinary = site.run_as("looker", &["verify"]).ends(3);
        let superuser = site.run(&["verify"]).ends(3);
        assert_eq!(ordinary.out, superuser.out);
    }
}
