//! `compile --format dbt` and what `validate` says of the file: no dbt, no server.

use std::path::Path;

use crate::binary::{Ended, copy_folder, repository, rolecall, run};

const FILE: &str = "macros/rolecall_access.sql";

/// The fixture, with the manifests that dbt wrote.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let fixture = repository("dbt_fixtures/group_insurance");
    copy_folder(&fixture, folder.path());
    for target in ["dev", "prod"] {
        let place = format!("target/{target}");
        copy_folder(&fixture.join(&place), &folder.path().join(&place));
    }
    folder
}

fn command(folder: &Path, words: &[&str]) -> Ended {
    run(rolecall().args(words).arg("--project-dir").arg(folder))
}

fn compile(folder: &Path, more: &[&str]) -> Ended {
    command(folder, &[&["compile", "--format", "dbt"], more].concat())
}

fn edit(folder: &Path, file: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    assert!(text.contains(from), "{file}");
    std::fs::write(folder.join(file), text.replace(from, to)).unwrap();
}

#[test]
fn the_file_is_written_only_when_it_changes_and_has_the_same_bytes() {
    let folder = project();
    let folder = folder.path();
    let jo = ["--target-schema", "Jo"];
    assert!(compile(folder, &jo).with(0).stderr.contains("wrote "));
    let written = std::fs::metadata(folder.join(FILE)).unwrap().modified().unwrap();
    let text = std::fs::read_to_string(folder.join(FILE)).unwrap();
    assert!(text.is_ascii());
    assert!(compile(folder, &jo).with(0).stderr.contains("is as declared"));
    assert_eq!(std::fs::metadata(folder.join(FILE)).unwrap().modified().unwrap(), written);
    let shown = compile(folder, &[&jo[..], &["--out", "-"]].concat()).with(0);
    assert_eq!(shown.stdout, text);
    let other = folder.join("elsewhere/access.sql");
    compile(folder, &[&jo[..], &["--out", other.to_str().unwrap()]].concat()).with(0);
    assert_eq!(std::fs::read_to_string(other).unwrap(), text);

    // Where dbt looks for macros.
    edit(folder, "dbt_project.yml", "macro-paths: [macros]", "macro-paths: [jinja, macros]");
    compile(folder, &jo).with(0);
    assert_eq!(std::fs::read_to_string(folder.join("jinja/rolecall_access.sql")).unwrap(), text);
}

#[test]
fn nothing_is_written_where_anything_is_wrong() {
    let folder = project();
    let folder = folder.path();
    edit(folder, "rolecall.yml", "handler: {may: [admin]}", "handler: {may: [raed]}");
    compile(folder, &["--target-schema", "Jo"]).with(1);
    assert!(!folder.join(FILE).exists());
    let wrong = command(folder, &["compile", "--out", "x.json"]).with(2);
    assert!(wrong.stderr.contains("--out is for --format dbt"), "{}", wrong.stderr);
    let wrong = command(folder, &["plan", "--format", "dbt"]).with(2);
    assert!(wrong.stderr.contains("--format dbt is for `compile`"), "{}", wrong.stderr);
}

#[test]
fn an_environment_of_an_unknown_target_schema_is_left_out() {
    let folder = project();
    let found = compile(folder.path(), &[]).with(0);
    assert!(found.stderr.contains("warning[not-compiled]: dev is left out"), "{}", found.stderr);
    let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
    assert!(text.contains(r#""targets":{"prod":"prod"}"#), "{text}");
}

#[test]
fn validate_says_when_the_file_is_older_than_the_declarations() {
    let folder = project();
    let folder = folder.path();
    let validate = || command(folder, &["validate", "--target-schema", "Jo"]);
    // Who has no hooks has no file.
    validate().with(0);
    compile(folder, &["--target-schema", "Jo"]).with(0);
    validate().with(0);
    // Members are not the hooks' business.
    std::fs::remove_file(folder.join("rolecall/members/claims.yml")).unwrap();
    validate().with(0);

    let old = |names: &str| {
        let found = validate().with(1);
        let said = format!(
            "error[compiled-access-old]: the dbt hooks would not grant what is declared in {names}:"
        );
        assert!(found.stderr.contains(&said), "{}", found.stderr);
        assert!(found.stderr.contains("run `rolecall compile --format dbt`"));
    };
    // Narrowed in one environment, in both; a hook switched off; a role renamed; a target.
    for (from, to, names) in [
        (
            "handler: {may: [admin]}",
            "handler: {may: [admin], environments: {prod: {may: [read]}}}",
            "prod",
        ),
        ("hook: true", "hook: false", "prod"),
        ("title: Schäden", "title: Claims", "dev, prod"),
        ("promote_from: dev", "target: production", "prod"),
        ("version: 1", "version: 1\ndeployment: other", "dev, prod"),
    ] {
        edit(folder, "rolecall.yml", from, to);
        old(names);
        edit(folder, "rolecall.yml", to, from);
        validate().with(0);
    }
    // Another developer's own schema says nothing about the file.
    command(folder, &["validate", "--target-schema", "Kim"]).with(0);
    edit(
        folder,
        "rolecall.yml",
        "{{ role.name }}\"\n  prod:",
        "{{ role.name }}\"\n    hook: false\n  prod:",
    );
    old("dev");
    compile(folder, &["--target-schema", "Jo"]).with(0);
    let text = std::fs::read_to_string(folder.join(FILE)).unwrap();
    compile(folder, &["--target-schema", "Kim"]).with(0);
    assert_eq!(std::fs::read_to_string(folder.join(FILE)).unwrap(), text);
    edit(folder, "rolecall.yml", "    hook: false\n", "");
    compile(folder, &["--target-schema", "Jo"]).with(0);
    // Edited by hand, or not to be read at all.
    edit(folder, FILE, r#"["SELECT"],["Reference"#, r#"["SELECT","DELETE"],["Reference"#);
    old("prod");
    std::fs::write(folder.join(FILE), "{% macro rolecall_access() %}{% endmacro %}").unwrap();
    old("dev, prod");
    compile(folder, &["--target-schema", "Jo"]).with(0);
    validate().with(0);
    // An environment that is gone would still be granted in.
    edit(folder, FILE, "\"targets\":{", "\"targets\":{\"uat\":\"uat\",");
    edit(folder, FILE, "\"environments\":{\n", "\"environments\":{\n\"uat\":{},\n");
    old("uat");
}
