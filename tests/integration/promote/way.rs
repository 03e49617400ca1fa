//! From where to where, and what cannot be meant.

use super::stage::{CONFIG, Stage};
use crate::rules::site::model;

#[tokio::test]
async fn an_environment_is_not_promoted_into_itself() {
    let stage = Stage::one().await;
    stage.run(&["promote", "--from", "prod", "--to", "prod"]).ends(2).says("into itself");
    // Under the name of its dbt target, too.
    stage.config(
        &CONFIG.replace("    promote_from: dev", "    target: live\n    promote_from: dev"),
    );
    let manifest = stage.path("target/prod/manifest.json");
    let manifest = manifest.to_str().unwrap();
    let both = ["--from-manifest", manifest, "--to-manifest", manifest];
    stage
        .run(&[&["promote", "--from", "live", "--to", "prod"][..], &both].concat())
        .ends(2)
        .says("prod cannot be promoted into itself");
}

#[tokio::test]
async fn only_the_configured_way_is_gone() {
    let stage = Stage::one().await;
    stage.run(&["promote", "--from", "prod", "--to", "dev"]).ends(8).says("refused[not-the-way]");
    // What stands in the configuration need not be said.
    stage.run(&["promote", "--to", "prod"]).ends(0).says("Promotion from dev to prod");
    stage.run(&["promote", "-t", "prod"]).ends(0).says("Promotion from dev to prod");
    stage.run(&["promote"]).ends(2).says("give --to");
    stage.run(&["promote", "--to", "dev"]).ends(2).says("give --from");
    let chain = CONFIG.replace("promote_from: dev", "promote_from: test").replace(
        "  prod:\n",
        "  test: {role_name: \"<dev>t_{{ role.name }}\", promote_from: dev}\n  prod:\n",
    );
    stage.config(&chain);
    stage.promote(&[]).ends(8).says("refused[skipped-stage]").says("leads through test");
    stage.has_no_plan();
    stage.promote(&["--skip-stage"]).ends(0);
}

#[tokio::test]
async fn manifests_of_two_projects_are_refused() {
    let stage = Stage::one().await;
    stage.models_of("bakery", "prod", &Stage::plain());
    stage.promote(&[]).ends(1).says("error[different-projects]");
    stage.models("prod", &[model("other.t")]);
    stage.promote(&[]).ends(1).says("have no node in common");
    stage.has_no_plan();
}

#[tokio::test]
async fn one_manifest_is_not_taken_for_both() {
    let stage = Stage::one().await;
    let prod = stage.path("target/prod/manifest.json");
    std::fs::copy(prod, stage.path("target/manifest.json")).unwrap();
    std::fs::remove_dir_all(stage.path("target/dev")).unwrap();
    std::fs::remove_dir_all(stage.path("target/prod")).unwrap();
    stage.promote(&[]).ends(1).says("error[same-manifest]").says("--target-path target/prod");
}

#[tokio::test]
async fn flags_of_one_environment_are_not_taken_for_both() {
    let stage = Stage::one().await;
    stage.promote(&["--manifest", "m.json"]).ends(2).says("--from-manifest and --to-manifest");
    stage
        .promote(&["--target-schema", "x"])
        .ends(2)
        .says("--target-schema would be taken for both");
}

#[tokio::test]
async fn what_cannot_be_read_stops_it() {
    let stage = Stage::one().await;
    let mut command = stage.command(&["promote", "--to", "prod"]);
    command.env("ROLECALL_FROM_CONNECTION", "postgres://nobody:secret-word@127.0.0.1:1/x");
    command.env("ROLECALL_TO_CONNECTION", stage.prod.url(None));
    stage.ran(command).ends(1).says("dev: cannot connect to").never_says("secret-word");
    let mut command = stage.command(&["promote", "--to", "prod"]);
    command.env("ROLECALL_FROM_CONNECTION", stage.dev.url(None));
    stage.ran(command).ends(2).says("--to-connection");
    std::fs::write(stage.path("target/dev/manifest.json"), "{").unwrap();
    stage.promote(&[]).ends(1);
    stage.has_no_plan();
}

#[tokio::test]
async fn each_reason_why_the_source_cannot_be_read_is_told() {
    let stage = Stage::one().await;
    stage.dev.sql("create role ~looker login password 'pw'").await;
    let looker = stage.dev.url(Some("looker"));
    let promote = |source: &str| {
        let mut command = stage.command(&["promote", "--to", "prod"]);
        command.env("ROLECALL_FROM_CONNECTION", source);
        command.env("ROLECALL_TO_CONNECTION", stage.prod.url(None));
        stage.ran(command)
    };
    let wrong = looker.replace(":pw@", ":not-the-word@");
    promote(&wrong).ends(1).says("dev: ").says("password").never_says("not-the-word");
    let missing = looker.replace(&stage.dev.database, "no_such_place");
    promote(&missing).ends(1).says("dev: ").says("no_such_place");
    // Whoever has no USAGE reads the catalogs all the same: the gates are asked, and nothing else.
    promote(&looker).ends(0).says("Promotion from dev to prod");
    stage.dev.sql("grant ~p_analyst to ~sam").await;
    promote(&looker).ends(4).says("undeclared-member").says("let in by");
}

#[tokio::test]
async fn a_lock_timeout_is_taken_for_both_connections() {
    let stage = Stage::one().await;
    stage.promote(&["--lock-timeout", "1", "--sessions", "2"]).ends(0);
    stage.promote(&["--sessions", "0"]).ends(2).says("a number from 1 to 64");
}

#[tokio::test]
async fn a_manifest_that_was_written_for_another_target_is_not_promoted() {
    let stage = Stage::one().await;
    let output = |schema: &str| {
        format!(
            "{{type: postgres, host: h, port: 5432, user: u, password: p, dbname: d, schema: {schema}}}"
        )
    };
    let profiles = format!(
        "x:\n  target: dev\n  outputs:\n    dev: {}\n    prod: {}\n",
        output("s"),
        output("live")
    );
    std::fs::write(stage.path("profiles.yml"), profiles).unwrap();
    std::fs::write(stage.path("dbt_project.yml"), "name: shop\nprofile: x\n").unwrap();
    let profiles = stage.path("");
    let said = stage.promote(&["--profiles-dir", profiles.to_str().unwrap()]).ends(4);
    said.says("prod is not valid: manifest-of-another-target");
    stage.has_no_plan();
}
