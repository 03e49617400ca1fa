//! What a careless or hostile hand writes, and what must not come of it.

use std::path::Path;

use super::{fixture, rolecall};

/// A copy of a fixture in which one file has another text in one place.
fn changed(name: &str, file: &str, from: &str, to: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let source = fixture(name);
    for entry in walkdir::WalkDir::new(&source).into_iter().flatten() {
        let target = folder.path().join(entry.path().strip_prefix(&source).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
    replace(&folder.path().join(file), from, to);
    folder
}

fn replace(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from:?} is not in {}", file.display());
    std::fs::write(file, text.replacen(from, to, 1)).unwrap();
}

const DBT_GRANTS: &str = "failures/dbt_grants_beyond_may";

#[test]
fn dbts_own_grants_are_held_to_may_however_they_are_spelled() {
    for grants in [
        r#"{"all": ["sales_analytics_analyst"]}"#,
        r#"{"all privileges": ["sales_analytics_analyst"]}"#,
        r#"{"select, insert": ["sales_analytics_analyst"]}"#,
        r#"{"insert": ["reporting, sales_analytics_analyst"]}"#,
        r#"{"INSERT": [" sales_analytics_analyst"]}"#,
        r#"{"nonsense": ["sales_analytics_analyst"]}"#,
        r#"{"insert": ["SALES_ANALYTICS_ANALYST with grant option"]}"#,
        r#"{"insert": ["group sales_analytics_analyst"]}"#,
        r#"{"insert": ["GROUP \"sales_analytics_analyst\" with grant option"]}"#,
        r#"{"insert": ["role sales_analytics_analyst"]}"#,
    ] {
        let from = r#"{"insert": ["sales_analytics_analyst"]}"#;
        let folder = changed(DBT_GRANTS, "manifest.json", from, grants);
        let ended = rolecall(folder.path(), &["validate", "--manifest", "manifest.json"]);
        assert_eq!(ended.exit, 1, "{grants}: {ended:?}");
        assert!(ended.stderr.contains("beyond-may"), "{grants}: {ended:?}");
    }
}

#[test]
fn an_option_in_a_selection_is_refused_and_never_taken_for_a_name() {
    let from = r#"outputs: "path:models/sales""#;
    let to = r#"outputs: "path:models/sales --exclude tag:pii""#;
    let folder = changed(DBT_GRANTS, "rolecall.yml", from, to);
    let ended = rolecall(folder.path(), &["validate", "--manifest", "manifest.json"]);
    assert_eq!(ended.exit, 1, "{ended:?}");
    assert!(ended.stderr.contains("bad-selector"), "{ended:?}");
    assert!(ended.stderr.contains("--exclude"), "{ended:?}");
}

#[test]
fn a_node_of_no_product_gives_nobody_access_by_a_full_name_either() {
    let folder = changed(DBT_GRANTS, "rolecall.yml", "path:models/sales", "path:models/other");
    let manifest = folder.path().join("manifest.json");
    replace(&manifest, r#"{"analyst": ["read"]}"#, r#"{"sales_analytics.analyst": ["read"]}"#);
    let ended = rolecall(folder.path(), &["validate", "--manifest", "manifest.json"]);
    assert_eq!(ended.exit, 1, "{ended:?}");
    assert!(ended.stderr.contains("no-product"), "{ended:?}");
}

#[test]
fn a_target_that_could_be_two_environments_is_an_error() {
    let from = "  prod: {role_name";
    let to = "  staging: {role_name: \"s_{{ product.name }}_{{ role.name }}\", target: prod}\n  prod: {target: live, role_name";
    let folder = changed(DBT_GRANTS, "rolecall.yml", from, to);
    let ended = rolecall(folder.path(), &["compile", "-t", "prod", "--manifest", "manifest.json"]);
    assert_eq!((ended.exit, ended.stdout.as_str()), (1, ""), "{ended:?}");
    assert!(ended.stderr.contains("ambiguous-target"), "{ended:?}");
}

#[test]
fn access_to_the_servers_own_tables_is_not_declared_in_dbt() {
    let from = r#""insert": ["sales_analytics_analyst"]"#;
    let folder = changed(DBT_GRANTS, "manifest.json", from, "");
    let manifest = std::fs::read_to_string(folder.path().join("manifest.json")).unwrap();
    let manifest = manifest.replace(r#""schema": "sales""#, r#""schema": "pg_catalog""#);
    let manifest = manifest.replace(r#"\"sales\""#, r#"\"pg_catalog\""#);
    std::fs::write(folder.path().join("manifest.json"), manifest).unwrap();
    let ended = rolecall(folder.path(), &["validate", "--manifest", "manifest.json"]);
    assert_eq!(ended.exit, 1, "{ended:?}");
    assert!(ended.stderr.contains("server-schema"), "{ended:?}");
}

#[test]
fn no_piece_of_a_password_is_shown_where_a_url_was_split_wrongly() {
    let url = "postgres://u:SE@CRET@localhost/db";
    let folder = fixture("sales_analytics");
    let ended = rolecall(&folder, &["plan", "-t", "prod", "--connection", url]);
    assert_eq!(ended.exit, 1, "{ended:?}");
    assert!(!ended.stderr.contains("CRET"), "{ended:?}");
}

#[test]
fn a_view_is_owned_only_by_who_may_read_what_it_reads() {
    let from = "  prod: {role_name";
    let to = "  prod: {deploy_role: dbt, role_name";
    let folder = changed("failures/own_without_deploy_role", "rolecall.yml", from, to);
    let manifest = folder.path().join("manifest.json");
    let validate = || rolecall(folder.path(), &["validate", "--manifest", "manifest.json"]);
    assert_eq!(validate().exit, 0, "{:?}", validate());
    replace(&manifest, r#""materialized": "table""#, r#""materialized": "view""#);
    replace(&manifest, r#""nodes": []}"#, r#""nodes": ["source.shop.raw.orders"]}"#);
    let ended = validate();
    assert_eq!(ended.exit, 1, "{ended:?}");
    assert!(ended.stderr.contains("own-blinds-view"), "{ended:?}");
    assert!(ended.stderr.contains("source.shop.raw.orders"), "{ended:?}");
}
