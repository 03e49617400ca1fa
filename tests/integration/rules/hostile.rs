//! Markers and grants that somebody else made, to see what harm they do.

use super::site::{CONFIG, Site, model};

fn mark(role: &str) -> String {
    format!(
        r#"rolecall:1 {{"deployment":"~shop","environment":"prod","product":"p","role":"{role}"}}"#
    )
}

#[tokio::test]
async fn a_marker_on_a_role_that_logs_in_takes_nothing_from_it() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        let sql = format!(
            "create role ~staff; create role ~alice login createdb; grant ~staff to ~alice; \
             comment on role ~alice is '{}'",
            mark("gone")
        );
        site.sql(&sql).await;
        let before = site.everything().await;
        for flags in [&["apply"][..], &["apply", "--drop-roles", "--allow-revokes", "99"]] {
            site.run(flags).ends(8).says("marker-on-a-stranger").says("alice");
        }
        assert_eq!(site.everything().await, before);
    }
}

#[tokio::test]
async fn a_marker_makes_no_product_role_of_a_role_that_logs_in() {
    for site in Site::each().await {
        let sql = format!("create role ~bob login; comment on role ~bob is '{}'", mark("analyst"));
        site.sql(&sql).await;
        let before = site.everything().await;
        site.run(&["apply"]).ends(8).says("marker-on-a-stranger").says("bob");
        assert_eq!(site.everything().await, before);
    }
}

#[tokio::test]
async fn a_marker_on_the_deploy_role_is_refused() {
    for site in Site::each().await {
        let config = CONFIG.replace("prod: {", "prod: {deploy_role: ~dbt, ");
        site.config(&config);
        site.sql("create role ~dbt").await;
        site.run(&["apply"]).ends(0);
        site.sql(&format!("comment on role ~dbt is '{}'", mark("gone"))).await;
        let before = site.everything().await;
        site.run(&["apply"]).ends(8).says("marker-on-a-stranger").says("deploy_role");
        assert_eq!(site.everything().await, before);
    }
}

#[tokio::test]
async fn a_managed_role_that_owns_the_database_ends_in_sync() {
    for site in Site::each().await {
        site.models(&[
            model("s.t").gives("analyst", &["read"]),
            model("s.u").gives("engineer", &["read"]),
        ]);
        site.run(&["apply"]).ends(0);
        let own = "do $$ begin execute format('alter database %I owner to ~p_engineer', \
                   current_database()); end $$";
        site.sql(own).await;
        site.run(&["apply"]).ends(0);
        site.run(&["verify"]).ends(0);
        let back = "do $$ begin execute format('alter database %I owner to %I', \
                    current_database(), session_user); end $$";
        site.sql(back).await;
    }
}

#[tokio::test]
async fn members_that_all_go_at_once_are_refused() {
    for site in Site::each().await {
        site.sql("create role ~ann; create role ~ben").await;
        site.members("analyst: [{user: ~ann}, {user: ~ben}]");
        site.run(&["apply"]).ends(0);
        site.members("analyst: []");
        let before = site.everything().await;
        site.run(&["apply"]).ends(8).says("role-loses-all").says("2 members");
        assert_eq!(site.everything().await, before);
        site.run(&["apply", "--allow-revokes", "2"]).ends(0);
        site.run(&["verify"]).ends(0);
    }
}
