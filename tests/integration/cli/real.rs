//! Law 2 and real input: the order of files, nodes and keys changes nothing in what is compiled,
//! and other people's manifests compile.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::files::real_manifests;
use super::{Ended, copy_configuration, fixture, folders, rolecall, write};

/// JSON text with the keys of every object the other way round.
fn backwards(value: &Value, out: &mut String) {
    let mut comma = "";
    match value {
        Value::Object(object) => {
            out.push('{');
            for (key, value) in object.iter().rev() {
                out.push_str(comma);
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                backwards(value, out);
                comma = ",";
            }
            out.push('}');
        }
        Value::Array(list) => {
            out.push('[');
            for value in list {
                out.push_str(comma);
                backwards(value, out);
                comma = ",";
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

fn turned_round(bytes: &[u8]) -> Vec<u8> {
    let value: Value = serde_json::from_slice(bytes).unwrap();
    let (forwards, mut turned) = (value.to_string(), String::new());
    backwards(&value, &mut turned);
    assert!(forwards != turned);
    turned.into_bytes()
}

fn compiles(folder: &Path, target: &str, manifest: &Path) -> Ended {
    let manifest = manifest.to_str().unwrap();
    let all = ["compile", "-t", target, "--as-of", "2026-11-22", "--manifest", manifest];
    let ended = rolecall(folder, &all);
    assert_eq!(ended.exit, 0, "{manifest}: {}", ended.stderr);
    ended
}

/// The same again, and with every key of the manifest in another order: stdout and stderr.
fn is_the_same_in_any_order(folder: &Path, target: &str, manifest: &Path) -> Ended {
    let elsewhere = tempfile::tempdir().unwrap();
    let here = elsewhere.path();
    copy_configuration(folder, here);
    for entry in walkdir::WalkDir::new(folder) {
        // What places are found in.
        let entry = entry.unwrap();
        let relative = entry.path().strip_prefix(folder).unwrap();
        let ours = ["models", "seeds", "snapshots", "dbt_project.yml"];
        if entry.file_type().is_file() && ours.iter().any(|name| relative.starts_with(name)) {
            write(&here.join(relative), &std::fs::read(entry.path()).unwrap());
        }
    }
    let copy = here.join("manifest.json");
    let bytes = std::fs::read(manifest).unwrap();
    write(&copy, &bytes);
    let once = compiles(here, target, &copy);
    let twice = compiles(here, target, &copy);
    write(&copy, &turned_round(&bytes));
    let turned = compiles(here, target, &copy);
    for other in [twice, turned] {
        for (one, other) in [(&once.stdout, &other.stdout), (&once.stderr, &other.stderr)] {
            // Line by line: the whole is too long to be looked at.
            let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
            assert_eq!(differs, None, "{}", manifest.display());
            assert!(one == other, "{}", manifest.display());
        }
    }
    once
}

#[test]
fn the_order_of_the_manifest_changes_nothing() {
    let shop = fixture("sales_analytics");
    for target in ["dev", "prod"] {
        let manifest = shop.join("target").join(target).join("manifest.json");
        is_the_same_in_any_order(&shop, target, &manifest);
    }
}

#[test]
fn the_order_of_the_platform_s_files_changes_nothing() {
    let shop = fixture("sales_analytics");
    let manifest = shop.join("target/prod/manifest.json");
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let parts = [
        "environments:\n  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}\n",
        "product_roles:\n  analyst: {may: [read]}\n  engineer: {may: [read, write]}\n",
        "product_roles:\n  owner: {may: [admin]}\n",
        "products:\n  finance: {product_roles: {auditor: {may: [read]}}}\n",
        "products:\n  sales_analytics: {outputs: \"path:models/marts/sales\"}\n",
    ];
    let compiled = |names: [&str; 5]| {
        let _ = std::fs::remove_dir_all(here.join("rolecall"));
        write(&here.join("rolecall.yml"), b"version: 1\n");
        for (name, part) in names.iter().zip(parts) {
            write(&here.join("rolecall/platform").join(name), part.as_bytes());
        }
        let ended = rolecall(
            here,
            &[
                "compile",
                "-t",
                "prod",
                "--format",
                "json",
                "--manifest",
                manifest.to_str().unwrap(),
            ],
        );
        assert_eq!(ended.exit, 0, "{ended:?}");
        ended.stdout
    };
    let once = compiled(["a.yml", "b.yml", "c.yml", "d.yml", "e.yml"]);
    assert_eq!(once, compiled(["e.yml", "d.yml", "c.yml", "b.yml", "a.yml"]));
    assert_eq!(once, compiled(["z/z.yml", "z.yml", "A.yaml", "m/a/b.yml", "é.yml"]));
}

/// A copy of a real manifest whose nodes declare access.
fn annotated(python: &Path, manifest: &Path, folder: &Path, to: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/annotate_manifest.py");
    let output = Command::new(python).arg(script).args([manifest, folder, to]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn real_manifests_compile_the_same_twice_and_in_any_order() {
    let manifests = real_manifests();
    if manifests.is_empty() {
        return;
    }
    let python = crate::dialect::oracle::python();
    let scratch = tempfile::tempdir().unwrap();
    let configurations = folders(&fixture("real"));
    assert!(configurations.len() > 10);
    for name in configurations {
        let file = format!("{name}.json");
        let named = |path: &&PathBuf| path.file_name().is_some_and(|n| n == file.as_str());
        let Some(manifest) = manifests.iter().find(named) else { continue };
        let folder = fixture("real").join(&name);
        let copy = scratch.path().join(&file);
        annotated(&python, manifest, &folder, &copy);
        let json = is_the_same_in_any_order(&folder, "prod", &copy).json();
        let count = |list: &str| json[list].as_array().unwrap().len();
        assert!(count("roles") > 0 && count("grants") > 0, "{name}");
        for arguments in [&[][..], &["--dialect", "snowflake"]] {
            let copy = copy.to_str().unwrap();
            let all =
                [&["compile", "-t", "prod", "--format", "sql", "--manifest", copy], arguments]
                    .concat();
            let sql = rolecall(&folder, &all);
            assert_eq!(sql.exit, 0, "{name}: {sql:?}");
            assert!(sql.stdout.contains("GRANT "), "{name}");
        }
    }
}
