//! What is not there, and who may not.

use super::drift::may_lock;
use super::site::{CONFIG, Site, model};
use crate::engines::Ground;

#[tokio::test]
async fn a_missing_relation_is_named_and_skip_missing_goes_on() {
    for site in Site::each().await {
        site.models(&[
            model("s.t").gives("analyst", &["read"]),
            model("s.not_built").gives("analyst", &["read"]),
            model("nowhere.x").gives("analyst", &["read"]),
        ]);
        let before = site.everything().await;
        for command in ["plan", "apply", "verify"] {
            site.run(&[command])
                .ends(1)
                .says("db.s.not_built")
                .says("db.nowhere.x")
                .says("dbt build")
                .says("--skip-missing");
        }
        assert_eq!(site.everything().await, before);
        site.run(&["apply", "--skip-missing"]).ends(0).says("s.not_built");
        site.must_have("~p_analyst", "CONNECT here, SELECT on s.t, USAGE on s").await;
        site.run(&["verify", "--skip-missing"]).ends(0);
        site.run(&["verify"]).ends(1);
        site.sql("create table s.not_built (x int); create schema nowhere; create view nowhere.x as select 1 x").await;
        site.run(&["apply"]).ends(0);
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn a_model_that_declares_nothing_may_be_missing() {
    for site in Site::each().await {
        site.models(&[model("s.t").gives("analyst", &["read"]), model("s.not_built")]);
        site.run(&["apply"]).ends(0).never_says("not_built");
    }
}

#[tokio::test]
async fn a_missing_member_is_named_and_skip_missing_goes_on() {
    for site in Site::each().await {
        site.sql("create role ~ann").await;
        site.members("analyst:\n  - user: ~ann\n  - user: ~nobody\n  - group: ~no_group\n");
        let before = site.everything().await;
        for command in ["plan", "apply", "verify"] {
            site.run(&[command]).ends(1).says("user nobody").says("group no_group").says("p.yml:3");
        }
        assert_eq!(site.everything().await, before);
        site.run(&["apply", "--skip-missing"]).ends(0).says("user nobody");
        site.must_have("~p_analyst", "CONNECT here, SELECT on s.t, USAGE on s, lets in ann").await;
        site.run(&["verify", "--skip-missing"]).ends(0);
    }
}

#[tokio::test]
async fn without_createrole_it_says_so_and_changes_nothing() {
    for site in Site::each().await {
        site.sql(
            "create role ~deploy login password 'pw'; alter schema s owner to ~deploy;
             alter table s.t owner to ~deploy; alter table s.u owner to ~deploy",
        )
        .await;
        let before = site.everything().await;
        site.run_as("deploy", &["plan"]).ends(0);
        site.run_as("deploy", &["apply"]).ends(1).says("CREATEROLE").says("deploy");
        assert_eq!(site.everything().await, before);
        // Where only grants are to be made, it needs none.
        site.run(&["apply"]).ends(0);
        site.models(&[
            model("s.t").gives("analyst", &["read"]),
            model("s.u").gives("analyst", &["read"]),
        ]);
        site.run_as("deploy", &["apply"]).ends(0);
        site.run_as("deploy", &["verify"]).ends(0);
    }
}

#[tokio::test]
async fn the_wrong_database_is_named_before_anything_changes() {
    for site in Site::each().await {
        let other = Ground::on(site.ground.engine).await;
        let before = site.everything().await;
        let url = other.url(None);
        for command in ["plan", "apply", "verify"] {
            site.run_on(&url, &[command]).ends(1).says("wrong-database").says(&other.database);
        }
        assert_eq!(site.everything().await, before);
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_named_without_the_password() {
    for site in Site::each().await {
        let url = "postgres://someone:secret-word@127.0.0.1:1/shop";
        site.run_on(url, &["apply"]).ends(1).says("127.0.0.1").never_says("secret-word");
    }
}

#[tokio::test]
async fn reserved_names_are_refused_as_role_and_as_member() {
    for site in Site::each().await {
        let before = site.everything().await;
        for name in ["public", "none", "pg_read_all_data", "rolecall_lock"] {
            let template =
                format!("\"{{% if role.name == 'analyst' %}}{name}{{% else %}}~x{{% endif %}}\"");
            let config = CONFIG.replace("\"~{{ product.name }}_{{ role.name }}\"", &template);
            assert_ne!(config, CONFIG);
            site.config(&config);
            site.run(&["apply", "--adopt"]).ends(1).says("reserved-name").says(name);
            site.config(CONFIG);
            for kind in ["user", "group"] {
                for written in [name.to_owned(), format!("'\"{name}\"'")] {
                    site.members(&format!("analyst: [{{{kind}: {written}}}]"));
                    site.run(&["apply"]).ends(1).says("cannot be a member").says(name);
                }
            }
            std::fs::remove_file(site.path("rolecall/members/p.yml")).unwrap();
        }
        assert_eq!(site.everything().await, before);
    }
}

#[tokio::test]
async fn a_deploy_session_that_owns_only_its_schemas_is_told_what_it_lacks() {
    for site in Site::each().await {
        site.sql(
            "create role ~deploy login createrole password 'pw'; alter schema s owner to ~deploy;
             alter table s.t owner to ~deploy",
        )
        .await;
        may_lock(&site).await;
        let before = site.everything().await;
        let ran = site.run_as("deploy", &["apply"]);
        assert_eq!(site.everything().await, before);
        // It may connect as everyone may, which is nothing to pass on.
        ran.ends(1).says("GRANT CONNECT ON DATABASE").says("WITH GRANT OPTION").says("deploy");
        let mut may = format!("grant connect on database {} to ~deploy", site.ground.database);
        may.push_str(" with grant option");
        site.sql(&may).await;
        site.run_as("deploy", &["apply"]).ends(0);
        site.run_as("deploy", &["verify"]).ends(0);
    }
}
