//! Roles that were there before.

use super::site::Site;

#[tokio::test]
async fn an_existing_role_of_the_name_is_refused_until_adopt() {
    for site in Site::each().await {
        site.sql("create role ~p_analyst; create role ~old; grant ~p_analyst to ~old; comment on role ~p_analyst is 'by hand'").await;
        let before = site.everything().await;
        site.run(&["plan"]).ends(8).says("role-exists").says("--adopt");
        site.run(&["apply"]).ends(8).says("p_analyst");
        site.run(&["verify"]).ends(3);
        assert_eq!(site.everything().await, before);
    }
}

#[tokio::test]
async fn adopt_names_the_members_and_keeps_what_is_declared() {
    for site in Site::each().await {
        site.sql(
            "create role ~p_analyst login; create role ~ann; create role ~old;
             grant ~p_analyst to ~ann, ~old; grant select on s.t, s.u to ~p_analyst",
        )
        .await;
        site.members("analyst: [{user: ~ann}]");
        let oid = site.oid("~p_analyst").await;
        let flags = ["--adopt", "--allow-revokes", "9"];
        site.run(&[&["plan"], &flags[..]].concat())
            .ends(0)
            .says("existing role, adopted")
            .says("ann in p_analyst")
            .says("old in p_analyst")
            .never_says("SELECT on table db.s.t");
        let json = site.run(&[&["plan", "--format", "json"], &flags[..]].concat()).ends(0);
        let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
        let members = serde_json::json!([
            {"role": "p_analyst", "member": "ann"}, {"role": "p_analyst", "member": "old"}
        ]);
        assert_eq!(json["adopted_members"], members);
        site.run(&[&["apply"], &flags[..]].concat()).ends(0).says("  ann in p_analyst");
        assert_eq!(site.oid("~p_analyst").await, oid);
        // What nobody declares stays, and is named, until it is declared or taken by --prune.
        let after = "CONNECT here, SELECT on s.t, SELECT on s.u, USAGE on s, lets in ann";
        site.must_have("~p_analyst", after).await;
        site.run(&["verify"]).ends(0);
        site.run(&["plan"])
            .ends(0)
            .says("SELECT on table db.s.u")
            .says("since the role was adopted");
        site.must_have("~p_analyst", after).await;
        site.run(&["apply", "--prune", "--allow-revokes", "9"]).ends(0);
        let after = "CONNECT here, SELECT on s.t, USAGE on s, lets in ann";
        site.must_have("~p_analyst", after).await;
        site.run(&["plan"]).ends(0).never_says("since the role was adopted");
    }
}

#[tokio::test]
async fn a_marker_of_somebody_else_is_refused_even_with_adopt() {
    for site in Site::each().await {
        for (deployment, environment, instance) in [
            ("~another", "prod", ""),
            ("~shop", "dev", ""),
            ("~shop", "prod", r#","instance":"schema=x""#),
        ] {
            site.sql("drop role if exists ~p_analyst; create role ~p_analyst").await;
            let marker = format!(
                r#"rolecall:1 {{"deployment":"{deployment}","environment":"{environment}"{instance},"product":"p","role":"analyst"}}"#
            );
            site.sql(&format!("comment on role ~p_analyst is '{marker}'")).await;
            let before = site.everything().await;
            for arguments in [&["apply"][..], &["apply", "--adopt"]] {
                site.run(arguments).ends(8).says("p_analyst").says("its marker");
                assert_eq!(site.everything().await, before);
            }
        }
    }
}

#[tokio::test]
async fn a_superuser_and_the_role_of_the_session_are_never_adopted() {
    for site in Site::each().await {
        site.sql("create role ~p_analyst superuser").await;
        let before = site.everything().await;
        site.run(&["apply", "--adopt"]).ends(8).says("superuser");
        assert_eq!(site.everything().await, before);
        site.sql("alter role ~p_analyst nosuperuser login createrole password 'pw'").await;
        let before = site.everything().await;
        site.run_as("p_analyst", &["apply", "--adopt"]).ends(8).says("this session runs as");
        assert_eq!(site.everything().await, before);
    }
}
