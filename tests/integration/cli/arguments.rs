//! What is asked for: arguments, dbt's variables, help.

use super::{Ended, fixture, rolecall, rolecall_with};

fn shop() -> std::path::PathBuf {
    fixture("sales_analytics")
}

#[test]
fn wrong_arguments_exit_with_2_and_say_why_on_stderr() {
    for arguments in [
        &[][..],
        &["nonsense"],
        &["validate", "--nope"],
        &["validate", "surplus"],
        &["validate", "--format", "xml"],
        &["validate", "--as-of", "tomorrow"],
        &["compile", "--as-of", "2026-02-30"],
        &["compile", "--dialect", "oracle"],
        &["plan", "--format", "sql"],
        &["validate", "--format", "sql"],
        &["plan", "--allow-revokes", "-1"],
        &["plan", "--allow-revokes"],
        &["apply", "--batches", "0"],
        &["schema", "profiles"],
        &["completions", "tcl"],
        &["completions"],
        &["rehearse", "--engine", "oracle"],
        &["compile", "-t", "dev", "-t", "prod"],
    ] {
        let ended = rolecall(&shop(), arguments);
        assert_eq!(ended.exit, 2, "{arguments:?}: {ended:?}");
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty(), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn help_and_version_exit_with_0_and_are_data() {
    for arguments in [&["--help"][..], &["-h"], &["help"], &["help", "plan"], &["plan", "--help"]] {
        let ended = rolecall(&shop(), arguments);
        assert_eq!((ended.exit, ended.stderr.as_str()), (0, ""), "{arguments:?}");
        assert!(ended.stdout.contains("Usage: rolecall"), "{arguments:?}: {ended:?}");
    }
    let version = rolecall(&shop(), &["--version"]);
    assert_eq!(version.stdout, format!("rolecall {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(version.exit, 0);
    let help = rolecall(&shop(), &["--help"]).stdout;
    for command in [
        "init",
        "validate",
        "compile",
        "plan",
        "apply",
        "promote",
        "verify",
        "log",
        "unlock",
        "rehearse",
        "schema",
        "completions",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{command}: {help}");
    }
    for exit in 0..9 {
        assert!(help.contains(&format!("\n  {exit}  ")), "{exit}: {help}");
    }
}

#[test]
fn a_password_in_the_environment_is_not_in_the_help() {
    let url = "postgres://u:secret-word@h/d";
    let help = rolecall_with(&shop(), &["plan", "--help"], &[("ROLECALL_CONNECTION", url)]);
    assert!(!help.stdout.contains("secret-word"), "{help:?}");
}

fn database_of(ended: &Ended) -> String {
    assert_eq!(ended.exit, 0, "{ended:?}");
    let json = ended.json();
    let grants = json["grants"].as_array().unwrap();
    let of_database = grants.iter().find(|grant| grant["on"]["class"] == "database").unwrap();
    of_database["on"]["name"].as_str().or(of_database["on"]["database"].as_str()).unwrap().into()
}

#[test]
fn dbt_s_variables_say_where_and_what() {
    let elsewhere = tempfile::tempdir().unwrap();
    let here = elsewhere.path();
    let project = shop().display().to_string();
    let variables = [("DBT_PROJECT_DIR", project.as_str()), ("DBT_TARGET", "dev")];
    assert_eq!(database_of(&rolecall_with(here, &["compile"], &variables)), "shop_dev");
    // An argument goes before its variable.
    let ended = rolecall_with(here, &["compile", "-t", "prod"], &variables);
    assert_eq!(database_of(&ended), "shop");
    let wrong = ("DBT_PROJECT_DIR", "/nowhere");
    let ended = rolecall_with(
        here,
        &["compile", "--project-dir", &project],
        &[wrong, ("DBT_TARGET", "prod")],
    );
    assert_eq!(database_of(&ended), "shop");
}

#[test]
fn the_manifest_is_looked_for_where_dbt_writes_it() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    super::copy_configuration(&shop(), here);
    let put = |from: &str, to: &str| {
        std::fs::create_dir_all(here.join(to).parent().unwrap()).unwrap();
        std::fs::copy(shop().join("target").join(from).join("manifest.json"), here.join(to))
            .unwrap();
    };
    let compile = |more: &[&str], variables: &[(&str, &str)]| {
        rolecall_with(here, &[&["compile", "-t", "prod"], more].concat(), variables)
    };
    let missing = compile(&[], &[]);
    assert_eq!((missing.exit, missing.stdout.as_str()), (1, ""));
    assert!(missing.stderr.contains("target/manifest.json"), "{missing:?}");

    put("dev", "out/manifest.json");
    assert_eq!(database_of(&compile(&["--target-path", "out"], &[])), "shop_dev");
    assert_eq!(database_of(&compile(&[], &[("DBT_TARGET_PATH", "out")])), "shop_dev");
    // The target's own folder goes before the one of all.
    put("prod", "out/prod/manifest.json");
    assert_eq!(database_of(&compile(&[], &[("DBT_TARGET_PATH", "out")])), "shop");
    // And --manifest before both.
    let named = compile(&["--manifest", "out/manifest.json"], &[("DBT_TARGET_PATH", "out")]);
    assert_eq!(database_of(&named), "shop_dev");
}

#[test]
fn a_target_is_an_environment_or_its_dbt_target() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let manifest = shop().join("target/prod/manifest.json").display().to_string();
    let roles = "product_roles: {analyst: {may: [read]}}\nproducts: {a: {}}\n";
    let text = format!(
        "version: 1\nenvironments:\n  live: {{target: prod, role_name: \"x_{{{{ role.name }}}}\"}}\n{roles}"
    );
    std::fs::write(here.join("rolecall.yml"), text).unwrap();
    for arguments in [&["-t", "live"][..], &["-t", "prod"], &[]] {
        let ended = rolecall(here, &[&["validate", "--manifest", &manifest], arguments].concat());
        assert!(!ended.stderr.contains("environment]"), "{arguments:?}: {ended:?}");
    }
    let unknown = rolecall(here, &["validate", "-t", "lve", "--manifest", &manifest]);
    assert_eq!(unknown.exit, 1);
    assert!(unknown.stderr.contains("no environment is named lve"), "{unknown:?}");
    // Not in its folder, where a profile would say which.
    let project = shop().display().to_string();
    let several = rolecall(here, &["compile", "--project-dir", &project]);
    assert_eq!(several.exit, 1);
    assert!(several.stderr.contains("give --target with one of dev, prod"), "{several:?}");
}

#[test]
fn a_place_that_is_not_there_is_named() {
    let ended = rolecall(&shop(), &["validate", "--project-dir", "nowhere"]);
    assert_eq!(ended.exit, 1);
    insta::assert_snapshot!(ended.stderr.trim_end(), @"
    error[no-configuration]: there is no such folder
     |
     = note: in nowhere
     = help: give --project-dir the folder of dbt_project.yml and rolecall.yml

    1 error
    ");
    let ended = rolecall(&shop(), &["compile", "-t", "prod", "--manifest", "models"]);
    assert_eq!(ended.exit, 1);
    insta::assert_snapshot!(ended.stderr.trim_end(), @"
    error[manifest-unreadable]: cannot read it: Is a directory (os error 21)
     |
     = note: in models
     = help: name a manifest.json that dbt wrote

    1 error
    ");
}

#[test]
fn without_a_connection_nothing_is_planned() {
    let (elsewhere, project) = (tempfile::tempdir().unwrap(), shop().display().to_string());
    for command in ["plan", "apply", "verify"] {
        let ended = rolecall(elsewhere.path(), &[command, "-t", "prod", "--project-dir", &project]);
        assert_eq!((ended.exit, ended.stdout.as_str()), (2, ""), "{ended:?}");
        assert!(ended.stderr.contains("ROLECALL_CONNECTION"), "{ended:?}");
        assert!(ended.stderr.contains("no profiles.yml in the working directory"), "{ended:?}");
    }
}

#[test]
fn an_environment_without_a_manifest_is_named_and_the_others_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    super::copy_configuration(&shop(), folder.path());
    let dev = std::fs::read(shop().join("target/dev/manifest.json")).unwrap();
    super::write(&folder.path().join("target/dev/manifest.json"), &dev);
    let ended = rolecall(folder.path(), &["validate"]);
    assert_eq!(ended.exit, 0, "{ended:?}");
    assert!(ended.stderr.contains("prod was not checked"), "{ended:?}");
}

/// Which target's folder the manifest is in, only a configuration that can be read says.
#[test]
fn a_playbook_that_cannot_be_read_is_no_reason_to_miss_a_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let config = "version: 1\nenvironments: {dev: {}}\nplaybooks: [books]\n";
    super::write(&here.join("rolecall.yml"), config.as_bytes());
    super::write(&here.join("books/one.yml"), b"roles:\n  a: {name: x\n");
    super::write(&here.join("target/dev/manifest.json"), b"{}");
    let ended = rolecall(here, &["validate", "-t", "dev"]);
    assert_eq!(ended.exit, 1);
    assert!(ended.stderr.contains("error[invalid-yaml]"), "{ended:?}");
    assert!(!ended.stderr.contains("manifest-unreadable"), "{ended:?}");
    // One that was named is missed.
    let named = rolecall(here, &["validate", "-t", "dev", "--manifest", "gone.json"]);
    assert!(named.stderr.contains("manifest-unreadable"), "{named:?}");
}

#[test]
fn an_argument_is_no_command_to_the_job_that_shows_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    for argument in ["--no\n::error::x", "no\n ::add-mask::x", "--no\u{1b}]0;x\u{7}", "##[error]x"]
    {
        let ended = rolecall(folder.path(), &[argument]);
        assert_eq!((ended.exit, ended.stdout.as_str()), (2, ""), "{ended:?}");
        let command = |line: &str| line.trim_start().starts_with("::");
        assert!(!ended.stderr.lines().any(command), "{ended:?}");
        assert!(!ended.stderr.contains("##[") && !ended.stderr.contains('\u{1b}'), "{ended:?}");
        assert!(
            ended.stderr.starts_with("error: ") && ended.stderr.contains("Usage:"),
            "{ended:?}"
        );
    }
}
