//! Alongside models: `--run-results` touches what a run of dbt has built, and what is gone.

use serde_json::json;

use super::site::{Site, model};

/// Writes the results of a run; the manifest becomes that run's, unless it is another's.
fn results(site: &Site, run: &str, results: &[(&str, &str)]) -> String {
    let path = site.path("target/manifest.json");
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    if run == "one" {
        manifest["metadata"]["invocation_id"] = json!("one");
    }
    manifest["metadata"]["generated_at"] = json!("2026-11-22T12:00:00.000000Z");
    std::fs::write(&path, manifest.to_string()).unwrap();
    let results: Vec<_> = results
        .iter()
        .map(|(node, status)| json!({"unique_id": site.ground.own(&format!("model.~shop.{node}")), "status": status}))
        .collect();
    let at = if run == "older" { "2026-11-22T11:00:00Z" } else { "2026-11-22T13:00:00Z" };
    let text = json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",
            "invocation_id": run, "generated_at": at,
        },
        "args": {"which": "build"},
        "results": results,
    });
    let file = site.path("run_results.json");
    std::fs::write(&file, text.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

/// Three models whose readers have been let in, and then lost or gained something by hand.
async fn three(site: &Site) {
    site.sql("create table s.v (x int)").await;
    site.models(&[
        model("s.t").gives("analyst", &["read"]),
        model("s.u").gives("analyst", &["read"]),
        model("s.v").gives("analyst", &["read"]),
    ]);
    site.run(&["apply"]).ends(0);
    site.sql(
        "revoke select on s.t, s.u, s.v from ~p_analyst; grant insert on s.t, s.u, s.v to ~p_analyst",
    )
    .await;
}

const WAY: &str = "CONNECT here, ";

#[tokio::test]
async fn what_was_built_gets_its_access_and_what_was_not_keeps_what_it_has() {
    for site in Site::each().await {
        three(&site).await;
        let ran = [("s_t", "success"), ("s_u", "error"), ("s_v", "skipped")];
        let file = results(&site, "one", &ran);
        let before = site.everything().await;
        let planned = site.run(&["plan", "--run-results", &file]).ends(0);
        let planned = planned.says("1 node and those that are gone; 4 changes lie outside");
        planned.says("error by dbt: model.shop.s_u").says("skipped by dbt: model.shop.s_v");
        assert_eq!(site.everything().await, before);
        site.run(&["apply", "--run-results", &file]).ends(0).says("s_u").says("s_v");
        let has = format!("{WAY}INSERT on s.u, INSERT on s.v, SELECT on s.t, USAGE on s");
        site.must_have("~p_analyst", &has).await;
        site.run(&["verify", "--run-results", &file]).ends(0);
        site.run(&["apply", "--run-results", &file]).ends(0).says("In sync");
        site.run(&["verify"]).ends(3);
    }
}

#[tokio::test]
async fn what_nodes_that_are_gone_have_left_is_taken() {
    for site in Site::each().await {
        three(&site).await;
        site.sql(
            "grant select on s.v to ~p_analyst; create schema other; create table other.o ();
                  grant usage on schema other to ~p_analyst; grant select on other.o to ~p_analyst",
        )
        .await;
        let ours = || model("s.t").gives("analyst", &["read"]);
        site.models(&[ours(), model("s.u").gives("analyst", &["read"])]);
        let file = results(&site, "one", &[("s_t", "success"), ("s_u", "error")]);
        // With a selection: what is in both, and nothing that is gone.
        site.run(&["apply", "--run-results", &file, "-s", "u"])
            .ends(0)
            .says("no node is meant")
            .says("s_u");
        site.run(&["apply", "--run-results", &file, "-s", "t"])
            .ends(0)
            .never_says("s_u")
            .never_says("s.v");
        site.run(&["apply", "--run-results", &file]).ends(0).says("on table db.s.v from p_analyst");
        let has = format!(
            "{WAY}INSERT on s.u, SELECT on other.o, SELECT on s.t, USAGE on other, USAGE on s"
        );
        site.must_have("~p_analyst", &has).await;
    }
}

#[tokio::test]
async fn a_first_build_that_fails_in_part_does_not_hold_up_the_rest() {
    for site in Site::each().await {
        site.models(&[
            model("s.t").gives("analyst", &["read"]),
            model("s.never").gives("engineer", &["write"]),
        ]);
        let file = results(&site, "one", &[("s_t", "success"), ("s_never", "error")]);
        site.run(&["apply", "--run-results", &file]).ends(0).says("s_never");
        site.must_have("~p_analyst", "CONNECT here, SELECT on s.t, USAGE on s").await;
        assert_eq!(site.oid("~p_engineer").await, None);
    }
}

#[tokio::test]
async fn results_that_are_not_of_this_manifest_are_refused() {
    let site = Site::each().await.remove(0);
    three(&site).await;
    let before = site.everything().await;
    let file = results(&site, "older", &[("s_t", "success")]);
    site.run(&["apply", "--run-results", &file])
        .ends(1)
        .says("stale-run-results")
        .says("straight after");
    let file = results(&site, "one", &[("nobody", "success")]);
    site.run(&["apply", "--run-results", &file]).ends(1).says("other-run-results");
    let file = results(&site, "one", &[("s_t", "success")]);
    let elsewhere = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, elsewhere.replace(r#""which""#, r#""target": "dev", "which""#)).unwrap();
    site.run(&["apply", "--run-results", &file])
        .ends(1)
        .says("other-target")
        .says("the run built the target dev");
    site.run(&["apply", "--run-results", "nowhere.json"]).ends(1).says("cannot read nowhere.json");
    let manifest = site.path("target/manifest.json");
    site.run(&["apply", "--run-results", manifest.to_str().unwrap()])
        .ends(1)
        .says("not-run-results");
    assert_eq!(site.everything().await, before);
    let plan = site.path("plan.json");
    let plan = plan.to_str().unwrap();
    let file = results(&site, "one", &[("s_t", "success")]);
    site.run(&["plan", "--run-results", &file, "--out", plan]).ends(0);
    site.run(&["apply", plan, "--run-results", &file]).ends(2);
    site.run(&["apply", plan])
        .ends(0)
        .says("Limited to the access of 1 node and those that are gone");
    // Newer results of another run: nothing is taken for gone.
    site.models(&[model("s.t").gives("analyst", &["read"])]);
    let file = results(&site, "newer", &[("s_t", "success")]);
    let ran = site.run(&["apply", "--run-results", &file]).ends(0).says("other-invocation");
    ran.never_says("those that are gone");
    assert!(site.has("~p_analyst").await.contains("INSERT on s.u"));
}
