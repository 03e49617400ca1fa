//! Plans for a protected environment whose file was written by somebody who can seal it, too; and
//! ways round that need no plan.

use serde_json::json;

use super::protected::{config, edit, hash, plan, refused};
use crate::engines::Ground;
use crate::rules::site::{CONFIG, Site, model};

fn approve(site: &Site, file: &str, who: &str) {
    let line = format!("{} {who} 2026-11-22 DATA-112\n", hash(file));
    std::fs::write(site.path("approved.txt"), line).unwrap();
}

#[tokio::test]
async fn a_plan_that_says_it_changes_nothing_changes_nothing() {
    for site in Site::each().await {
        site.config(&config(", approved_plans: approved.txt"));
        let file = plan(&site, &["--by", "jane"]);
        approve(&site, &file, "kim");
        site.run(&["apply", &file]).ends(0);
        let before = site.everything().await;
        site.models(&[model("s.t").gives("analyst", &["read"]).gives("engineer", &["write"])]);
        let file = plan(&site, &["--by", "mallory"]);
        refused(&site, &["apply", &file], "plan-not-approved", "is not in approved.txt").await;
        // As if the table had been rebuilt since.
        let rebuilt = |plan: &mut serde_json::Value| {
            for relation in plan["relations"].as_array_mut().unwrap() {
                relation["incarnation"] = json!("1");
            }
        };
        edit(&file, true, |plan| {
            rebuilt(plan);
            plan["changes"] = json!([]);
        });
        site.run(&["apply", &file]).ends(6).says("not in the plan: grant");
        assert_eq!(site.everything().await, before);
        // Nor does the approval of another change cover it.
        let file = plan(&site, &["--by", "mallory"]);
        edit(&file, true, |plan| {
            rebuilt(plan);
            plan["changes"].as_array_mut().unwrap().truncate(1);
        });
        approve(&site, &file, "kim");
        site.run(&["apply", &file]).ends(6).says("not in the plan: grant");
        assert_eq!(site.everything().await, before);
    }
}

#[tokio::test]
async fn what_people_read_in_a_plan_is_what_it_does() {
    for site in Site::each().await {
        site.sql("create role ~eve; create role ~p_analyst; grant ~p_analyst to ~eve").await;
        site.config(&config(", approved_plans: approved.txt"));
        site.members("analyst: [{user: ~eve}]");
        let adopting = ["--by", "mallory", "--adopt"];
        let file = plan(&site, &adopting);
        edit(&file, true, |plan| {
            plan.as_object_mut().unwrap().remove("adopted_members").unwrap();
        });
        approve(&site, &file, "eve");
        let before = site.everything().await;
        site.run(&["apply", &file]).ends(6).says("is in p_analyst, which it adopts");
        let file = plan(&site, &adopting);
        edit(&file, true, |plan| plan["changes"][0]["sql"] = json!(["SELECT 1"]));
        approve(&site, &file, "kim");
        refused(&site, &["apply", &file], "plan-edited", "not those of its changes").await;
        assert_eq!(site.everything().await, before);
        let file = plan(&site, &adopting);
        approve(&site, &file, "kim");
        site.run(&["apply", &file]).ends(0);
        // More is allowed from now on, and the plan does not say so.
        let wider = config(", approved_plans: approved.txt").replace("[read]", "[read, write]");
        site.config(&wider);
        site.models(&[model("s.t").gives("analyst", &["read", "write"])]);
        let file = plan(&site, &["--by", "mallory"]);
        edit(&file, true, |plan| {
            plan.as_object_mut().unwrap().remove("gates_changed").unwrap();
        });
        approve(&site, &file, "kim");
        refused(&site, &["apply", &file], "gates-not-told", "may of analyst: read until now").await;
    }
}

#[tokio::test]
async fn an_environment_is_not_retired_from_where_nothing_is_known_of_it() {
    for site in Site::each().await {
        site.config(&config(", approved_plans: approved.txt"));
        site.sql("create role ~ann").await;
        site.members("analyst: [{user: ~ann}]");
        let file = plan(&site, &["--by", "jane"]);
        approve(&site, &file, "kim");
        site.run(&["apply", &file]).ends(0);
        let before = site.everything().await;
        // A branch without prod, and the connection of dev.
        site.config(&CONFIG.replace("  prod: {role_name: \"~{{", "  dev: {role_name: \"~dev_{{"));
        let other = Ground::on(site.ground.engine).await;
        let retire = ["apply", "--retire", "prod", "--allow-revokes", "99"];
        site.models(&[model("s.t").in_database(&other.database)]);
        site.run_on(&other.url(None), &retire)
            .ends(8)
            .says("refused[receipts-missing]")
            .says("whether it is protected is not known");
        assert_eq!(site.everything().await, before);
        // Where they were taken away, too.
        site.models(&[model("s.t").gives("analyst", &["read"])]);
        site.sql("alter schema rolecall rename to gone").await;
        site.run(&retire).ends(8).says("refused[receipts-missing]");
        site.run(&[&retire[..], &["--begin-receipts"]].concat()).ends(0);
    }
}

#[tokio::test]
async fn a_batch_that_somebody_has_undone_is_not_made_again() {
    for site in Site::each().await {
        site.config(&config(""));
        site.models(&[
            model("s.t").gives("analyst", &["read"]),
            model("s.u").gives("analyst", &["read"]),
        ]);
        let file = plan(&site, &[]);
        // The last batch fails, as long as somebody reads s.u.
        let blocked = site.blocked("lock table s.u").await;
        let cut = ["apply", &file, "--batches", "1", "--lock-timeout", "1"];
        site.run(&cut).ends(5);
        drop(blocked);
        site.sql("revoke select on s.t from ~p_analyst").await;
        let undone = site.everything().await;
        site.run(&cut[..4])
            .ends(8)
            .says("refused[plan-replayed]")
            .says("and is gone: grant SELECT");
        assert_eq!(site.everything().await, undone);
    }
}
