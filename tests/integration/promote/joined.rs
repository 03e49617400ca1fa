//! The two manifests, joined by `unique_id`, and results of a run.

use super::stage::Stage;
use crate::rules::site::model;

#[tokio::test]
async fn what_the_source_does_not_have_is_named_and_left_out() {
    let stage = Stage::one().await;
    stage.prod.sql("create table s.untried (x int)").await;
    let new = model("s.untried").gives("analyst", &["read"]).gives("engineer", &["read"]);
    stage.models("prod", &Stage::plain().into_iter().chain([new]).collect::<Vec<_>>());
    let said = stage.promote(&[]).ends(0);
    said.says("s_untried (not in the manifest of dev, so nobody has tried it there)")
        .says("To add: 2 roles, 8 grants, 1 member.");
    stage.apply().ends(0);
    stage.promote(&["--check"]).ends(0).says("Nothing to add");
    let analyst =
        stage.prod.ask("select has_table_privilege('~p_analyst', 's.untried', 'select')::text");
    assert_eq!(analyst.await, ["false"]);
    // Nor where it is selected.
    stage.promote(&["-s", "untried", "--check"]).ends(0).says("Nothing to add");
    // It is no secret to an ordinary plan.
    stage.run(&["plan", "-t", "prod"]).ends(0).says("s.untried");
}

#[tokio::test]
async fn a_model_that_is_one_relation_in_both_is_warned_of() {
    let stage = Stage::one().await;
    // By mistake, prod's connection and manifest are dev's.
    let text = std::fs::read_to_string(stage.path("target/dev/manifest.json")).unwrap();
    std::fs::write(stage.path("target/prod/manifest.json"), format!("{text}\n")).unwrap();
    let mut command = stage.command(&["promote", "--to", "prod"]);
    command.env("ROLECALL_FROM_CONNECTION", stage.dev.url(None));
    command.env("ROLECALL_TO_CONNECTION", stage.dev.url(None));
    let said = stage.ran(command).ends(0);
    said.says("warning[same-relation]: model.dev:shop.s_t is dev_db.s.t in dev and in prod, and 1 more so");
}

#[tokio::test]
async fn what_is_declared_in_the_target_alone_is_warned_of() {
    let stage = Stage::one().await;
    stage.promote(&[]).ends(0).never_says("not-tried");
    stage.models("dev", &[model("s.t").gives("analyst", &["read"]), model("s.u")]);
    stage.run(&["apply", "-t", "dev", "--allow-revokes", "99"]).ends(0);
    let said = stage.promote(&["-s", "t"]).ends(0);
    said.says(
        "warning[not-tried]: model.dev:shop.s_t gives engineer read, write in prod, and not in dev",
    )
    .never_says("gives analyst");
}

#[tokio::test]
async fn two_schemas_of_one_database_are_two_environments() {
    let stage = Stage::one().await;
    let prod = &stage.prod;
    prod.sql("create schema dev_s; create table dev_s.t (x int); create table dev_s.u (x int)")
        .await;
    let manifest = std::fs::read_to_string(stage.path("target/prod/manifest.json")).unwrap();
    let manifest = manifest.replace(r#""schema":"s""#, r#""schema":"dev_s""#);
    let manifest = manifest.replace(r#"\".\"s\".\""#, r#"\".\"dev_s\".\""#);
    std::fs::write(stage.path("target/dev/manifest.json"), manifest).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = stage.command(arguments);
        for name in ["", "FROM_", "TO_"] {
            command.env(format!("ROLECALL_{name}CONNECTION"), prod.url(None));
        }
        stage.ran(command)
    };
    run(&["apply", "-t", "dev"]).ends(0);
    let plan = stage.path("plan.json");
    let plan = plan.to_str().unwrap();
    run(&["promote", "-t", "prod", "--out", plan]).ends(0).never_says("same-relation");
    run(&["apply", plan, "-t", "prod"]).ends(0);
    run(&["verify", "-t", "dev"]).ends(0);
    run(&["verify", "-t", "prod"]).ends(0);
    let reads = "select string_agg(distinct table_schema || ' ' || table_name, ', ')
        from information_schema.role_table_grants where grantee = '~p_analyst'";
    assert_eq!(prod.ask(reads).await, ["s t, s u"]);
    assert_eq!(stage.dev.ask(&reads.replace("~", &prod.prefix)).await, ["NULL"]);
}

#[tokio::test]
async fn a_day_of_the_past_brings_nobody_back() {
    let stage = Stage::one().await;
    stage.members("analyst: [{user: taylor}, {user: sam, until: 2020-01-31}]\n");
    stage.run(&["apply", "-t", "dev", "--as-of", "2020-01-01"]).ends(8).says("ended-since");
    stage.apply_in_dev();
    stage.dev.sql("grant ~p_analyst to ~sam").await;
    stage.promote(&["--as-of", "2020-01-01"]).ends(0).says("member prod:sam");
    // It is another day when it is applied: whoever looked at the plan expects something else.
    stage.apply().ends(6).says("prod:sam into prod:p_analyst by an entry that has ended since");
    std::fs::remove_file(stage.path("plan.json")).unwrap();
    stage.apply_in_dev();
    stage.promote(&[]).ends(0).never_says("sam");
    stage.apply().ends(0);
    stage.run(&["verify", "-t", "prod"]).ends(0);
}

#[tokio::test]
async fn excluded_nodes_stay_as_they_are() {
    let stage = Stage::one().await;
    stage.promote(&["--exclude", "u"]).ends(0).says("To add: 2 roles, 6 grants, 1 member.");
    stage.apply().ends(0);
    let said = stage.promote(&["--exclude", "u", "--check"]).ends(0).says("Nothing to add");
    said.says("Limited to the access of 1 node; 2 changes lie outside of them.");
}

#[tokio::test]
async fn results_that_another_run_wrote_promote_nothing() {
    let stage = Stage::one().await;
    let id = format!("model.{}shop.s_t", stage.dev.prefix);
    let results = serde_json::json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",
            "generated_at": "2026-11-22T00:00:00.000000Z",
            "invocation_id": "of another run",
        },
        "args": {"which": "build", "target": "prod"},
        "results": [{"unique_id": id, "status": "success"}],
    });
    let file = stage.path("target/prod/run_results.json");
    let write = |results: &serde_json::Value| std::fs::write(&file, results.to_string()).unwrap();
    write(&results);
    let with = ["--run-results", file.to_str().unwrap()];
    stage.promote(&with).ends(1).says("error[other-invocation]").says("--to-manifest");
    stage.has_no_plan();
    // Nor those of the source's run.
    let manifest = stage.path("target/prod/manifest.json");
    let mut text: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&manifest).unwrap()).unwrap();
    text["metadata"]["invocation_id"] = "this one".into();
    std::fs::write(&manifest, text.to_string()).unwrap();
    let mut results = results;
    results["metadata"]["invocation_id"] = "this one".into();
    results["args"]["target"] = "dev".into();
    write(&results);
    stage.promote(&with).ends(1).says("error[other-target]");
    results["args"]["target"] = "prod".into();
    results["results"]
        .as_array_mut()
        .unwrap()
        .push(serde_json::json!({"unique_id": id.replace("s_t", "s_u"), "status": "error"}));
    write(&results);
    let said = stage.promote(&with).ends(0).says("To add: 2 roles, 6 grants, 1 member.");
    said.says("warning[not-built]: error by dbt: model.dev:shop.s_u");
}
