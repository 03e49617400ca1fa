//! Plans as files: reviewed, kept, and applied only where they still fit.

use serde_json::Value;

use super::site::{CONFIG, Site, model};
use crate::engines::Ground;

/// Applied once, then `s.u` is declared too, and that is planned. The plan's file.
async fn planned(site: &Site) -> String {
    site.sql("create role ~ann").await;
    site.run(&["apply"]).ends(0);
    site.models(&[
        model("s.t").gives("analyst", &["read"]),
        model("s.u").gives("analyst", &["read"]).gives("engineer", &["read", "write"]),
    ]);
    site.members("analyst: [{user: ~ann}]");
    plan(site, &[])
}

fn plan(site: &Site, flags: &[&str]) -> String {
    let file = site.path("plan.json").to_str().unwrap().to_owned();
    site.run(&[&["plan", "--out", &file], flags].concat()).ends(0);
    file
}

/// Refused with this exit status and these words, and nothing changed.
async fn refused(site: &Site, file: &str, code: i32, words: &str) {
    let before = site.everything().await;
    site.run(&["apply", file]).ends(code).says(words);
    assert_eq!(site.everything().await, before);
}

fn edit(file: &str, change: impl FnOnce(&mut Value)) {
    let mut plan: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    change(&mut plan);
    std::fs::write(file, plan.to_string()).unwrap();
}

const AFTER: &str = "CONNECT here, SELECT on s.t, SELECT on s.u, USAGE on s, lets in ann";

#[tokio::test]
async fn a_plan_is_written_without_changing_anything_and_then_applied() {
    for site in Site::each().await {
        let before = site.everything().await;
        let first = plan(&site, &[]);
        assert_eq!(site.everything().await, before);
        site.run(&["apply", &first]).ends(0);
        let file = planned(&site).await;
        let before = site.everything().await;
        site.run(&["plan", "--check"]).ends(3);
        assert_eq!(site.everything().await, before);
        site.run(&["apply", &file]).ends(0);
        site.must_have("~p_analyst", AFTER).await;
        site.run(&["plan", "--check"]).ends(0);
        site.run(&["apply", &file]).ends(0).says("In sync");
    }
}

#[tokio::test]
async fn a_plan_file_holds_no_connection() {
    for site in Site::each().await {
        let file = planned(&site).await;
        let text = std::fs::read_to_string(&file).unwrap();
        let url = site.ground.url(None);
        let (_, password) = url.split_once("postgres:").unwrap().1.split_once(':').unwrap();
        let (password, place) = password.split_once('@').unwrap();
        let (place, _) = place.split_once('/').unwrap();
        assert!(
            password.len() > 8 && !text.contains(password) && !text.contains(place),
            "{url}\n{text}"
        );
    }
}

#[tokio::test]
async fn a_refused_plan_leaves_no_file() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.models(&[model("s.t"), model("s.u")]);
        let file = site.path("plan.json");
        site.run(&["plan", "--out", file.to_str().unwrap()]).ends(8);
        assert!(!file.exists());
    }
}

#[tokio::test]
async fn a_plan_that_is_half_done_goes_on() {
    for site in Site::each().await {
        let file = planned(&site).await;
        site.sql("grant select, insert on s.u to ~p_engineer; grant ~p_analyst to ~ann").await;
        site.run(&["apply", &file]).ends(0);
        site.must_have("~p_analyst", AFTER).await;
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn a_relation_that_was_rebuilt_since_is_granted_on_again() {
    for site in Site::each().await {
        let file = planned(&site).await;
        // s.t is not in the plan, since it was as declared.
        site.sql("drop table s.t, s.u; create table s.t (x int); create table s.u (x int)").await;
        site.run(&["apply", &file]).ends(0);
        site.must_have("~p_analyst", AFTER).await;
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn a_relation_that_became_another_class_spoils_the_plan() {
    for site in Site::each().await {
        let file = planned(&site).await;
        site.sql("drop table s.t; create view s.t as select 1 x").await;
        refused(&site, &file, 6, "not in the plan: grant SELECT on view db.s.t").await;
        site.sql("drop view s.t; create materialized view s.t as select 1 x").await;
        refused(&site, &file, 6, "materialized_view db.s.t").await;
    }
}

#[tokio::test]
async fn a_relation_that_was_rebuilt_by_another_owner_spoils_the_plan() {
    for site in Site::each().await {
        let file = planned(&site).await;
        site.sql("create role ~other; drop table s.t; create table s.t (x int); alter table s.t owner to ~other").await;
        refused(&site, &file, 6, "table db.s.t").await;
    }
}

#[tokio::test]
async fn a_grant_that_was_taken_by_hand_since_spoils_the_plan() {
    for site in Site::each().await {
        let file = planned(&site).await;
        site.sql("revoke select on s.t from ~p_analyst").await;
        refused(&site, &file, 6, "not in the plan: grant SELECT on table db.s.t").await;
    }
}

#[tokio::test]
async fn new_drift_spoils_the_plan() {
    for site in Site::each().await {
        let file = planned(&site).await;
        site.sql("grant insert on s.t to ~p_analyst").await;
        refused(&site, &file, 6, "not in the plan: revoke INSERT on table db.s.t").await;
        site.sql(
            "revoke insert on s.t from ~p_analyst; create role ~eve; grant ~p_engineer to ~eve",
        )
        .await;
        refused(&site, &file, 6, "eve").await;
        site.sql("revoke ~p_engineer from ~eve; alter role ~p_engineer login").await;
        refused(&site, &file, 6, "p_engineer").await;
        site.sql("alter role ~p_engineer nologin").await;
        site.run(&["apply", &file]).ends(0);
    }
}

#[tokio::test]
async fn drift_that_a_guard_refuses_does_not_get_past_the_plan() {
    for site in Site::each().await {
        let file = planned(&site).await;
        site.sql(
            "create role ~x superuser; drop role ~p_engineer; alter role ~x rename to ~p_engineer",
        )
        .await;
        let before = site.everything().await;
        let ran = site.run(&["apply", &file]);
        assert!([6, 8].contains(&ran.code), "{ran:?}");
        assert_eq!(site.everything().await, before);
    }
}

#[tokio::test]
async fn a_new_declaration_spoils_the_plan() {
    for site in Site::each().await {
        let file = planned(&site).await;
        site.models(&[
            model("s.t").gives("analyst", &["read"]).gives("engineer", &["read"]),
            model("s.u").gives("analyst", &["read"]).gives("engineer", &["read", "write"]),
        ]);
        refused(&site, &file, 6, "not in the plan: grant SELECT on table db.s.t to p_engineer")
            .await;
        // A change of the same kind that goes further than what was reviewed.
        site.models(&[
            model("s.t").gives("analyst", &["read"]),
            model("s.u").gives("analyst", &["read"]).gives("engineer", &["write"]),
        ]);
        site.run(&["apply", &file]).ends(0);
    }
}

#[tokio::test]
async fn a_plan_does_not_cover_more_of_the_same_than_was_reviewed() {
    for site in Site::each().await {
        site.models(&[model("s.u").gives("engineer", &["read"])]);
        let file = plan(&site, &[]);
        site.models(&[model("s.u").gives("engineer", &["read", "write"])]);
        refused(&site, &file, 6, "p_engineer").await;
    }
}

#[tokio::test]
async fn a_plan_for_another_database_or_server_is_stale() {
    let sites = Site::each().await;
    for site in &sites {
        let file = planned(site).await;
        let other = Ground::on(site.ground.engine).await;
        site.run_on(&other.url(None), &["apply", &file]).ends(6).says("another server");
        for elsewhere in &sites {
            if elsewhere.ground.database != site.ground.database {
                let url = elsewhere.ground.url(None);
                site.run_on(&url, &["apply", &file]).ends(6).says("another server");
            }
        }
        edit(&file, |plan| plan["target"]["system"] = "7".into());
        refused(site, &file, 6, "another server").await;
    }
}

#[tokio::test]
async fn a_plan_for_another_environment_or_deployment_is_stale() {
    let two = CONFIG.replace(
        "  prod: {",
        "  dev: {role_name: \"~dev_{{ product.name }}_{{ role.name }}\"}\n  prod: {",
    );
    for site in Site::each().await {
        site.config(&two);
        let file = plan(&site, &["-t", "prod"]);
        let before = site.everything().await;
        site.run(&["apply", "-t", "dev", &file])
            .ends(6)
            .says("it was made for prod")
            .says("give --target prod");
        assert_eq!(site.everything().await, before);
        site.config(&format!("deployment: another\n{}", two.trim_start()));
        site.run(&["apply", "-t", "prod", &file]).ends(6).says("deployment");
        assert_eq!(site.everything().await, before);
    }
}

#[tokio::test]
async fn a_file_that_is_no_whole_plan_of_this_version_is_refused() {
    for site in Site::each().await {
        let file = planned(&site).await;
        let whole = std::fs::read_to_string(&file).unwrap();
        for cut in [0, 1, whole.len() / 3, whole.len() / 2, whole.len() - 3] {
            let at = (cut..).find(|at| whole.is_char_boundary(*at)).unwrap();
            std::fs::write(&file, &whole[..at]).unwrap();
            refused(&site, &file, 1, "plan.json").await;
        }
        for other in
            ["[]", "null", "{}", "\u{0}", r#"{"version": 1}"#, r#"{"version":"1","changes":[]}"#]
        {
            std::fs::write(&file, other).unwrap();
            refused(&site, &file, 1, "not a plan").await;
        }
        std::fs::write(&file, &whole).unwrap();
        edit(&file, |plan| plan["version"] = 2.into());
        refused(&site, &file, 1, "version 2").await;
        std::fs::write(&file, &whole).unwrap();
        edit(&file, |plan| plan["changes"][0]["more"] = 2.into());
        refused(&site, &file, 1, "more").await;
        std::fs::write(&file, &whole).unwrap();
        edit(&file, |plan| plan["changes"][0]["change"] = Value::Null);
        refused(&site, &file, 1, "not a plan").await;
        let gone = site.path("gone.json").to_str().unwrap().to_owned();
        refused(&site, &gone, 1, "gone.json").await;
    }
}

#[tokio::test]
async fn a_change_that_was_cut_out_of_the_file_is_missed() {
    for site in Site::each().await {
        let file = planned(&site).await;
        let whole = std::fs::read_to_string(&file).unwrap();
        let count =
            serde_json::from_str::<Value>(&whole).unwrap()["changes"].as_array().unwrap().len();
        assert!(count > 3);
        for at in 0..count {
            std::fs::write(&file, &whole).unwrap();
            edit(&file, |plan| drop(plan["changes"].as_array_mut().unwrap().remove(at)));
            refused(&site, &file, 6, "not in the plan").await;
        }
    }
}

#[tokio::test]
async fn sql_and_changes_that_were_written_into_the_file_are_never_run() {
    for site in Site::each().await {
        let file = planned(&site).await;
        edit(&file, |plan| {
            for change in plan["changes"].as_array_mut().unwrap() {
                change["sql"] = serde_json::json!(["drop table s.t", "grant all on s.t to public"]);
                change["reverse_sql"] = change["sql"].clone();
            }
            let mut more = plan["changes"]
                .as_array()
                .unwrap()
                .iter()
                .find(|change| {
                    change["change"].to_string().contains("p_engineer")
                        && change.to_string().contains("\"u\"")
                })
                .unwrap()
                .clone();
            let text = more["change"].to_string().replace("\"u\"", "\"t\"");
            more["change"] = serde_json::from_str(&text).unwrap();
            plan["changes"].as_array_mut().unwrap().push(more);
        });
        site.run(&["apply", &file]).ends(0);
        site.must_have("~p_analyst", AFTER).await;
        assert!(!site.has("~p_engineer").await.contains("s.t"));
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn the_flags_of_a_plan_hold_when_it_is_applied() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.models(&[model("s.t"), model("s.u")]);
        let file = plan(&site, &["--allow-revokes", "3"]);
        site.run(&["apply", &file]).ends(0);
        site.must_have("~p_analyst", "nothing").await;
        // And those of the command do not widen it.
        site.models(&[model("s.t").gives("analyst", &["read"])]);
        let file = plan(&site, &[]);
        site.sql("create schema z; create table z.a (x int); grant select on z.a to ~p_analyst")
            .await;
        site.run(&["apply", "--prune", &file]).ends(0).says("z.a");
        assert!(site.has("~p_analyst").await.contains("SELECT on z.a"));
    }
}
