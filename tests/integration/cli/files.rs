//! Files for people and editors: `init`, `schema`, `completions`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{fixture, folders, rolecall, write};

/// Real projects' manifests, where they are.
pub fn real_manifests() -> Vec<PathBuf> {
    let named = std::env::var_os("ROLECALL_MANIFESTS").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/manifests");
    let folder = named.unwrap_or_else(beside);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: no manifests in {} (set ROLECALL_MANIFESTS)", folder.display());
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    files
}

#[test]
fn init_writes_what_validates_and_never_over_a_file() {
    let mut manifests = real_manifests();
    for target in ["dev", "prod"] {
        manifests.push(fixture("sales_analytics/target").join(target).join("manifest.json"));
    }
    for manifest in manifests {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        let manifest = manifest.to_str().unwrap();
        let written = rolecall(here, &["init", "--manifest", manifest]);
        assert_eq!((written.exit, written.stdout.as_str()), (0, ""), "{manifest}: {written:?}");
        assert!(written.stderr.contains("wrote"), "{written:?}");
        let text = std::fs::read_to_string(here.join("rolecall.yml")).unwrap();
        let shown = rolecall(here, &["init", "--stdout", "--manifest", manifest]);
        assert_eq!((shown.exit, shown.stdout.as_str()), (0, text.as_str()), "{manifest}");

        let again = rolecall(here, &["init", "--manifest", manifest]);
        assert_eq!(again.exit, 1);
        assert!(again.stderr.contains("rolecall.yml is there already"), "{again:?}");
        assert_eq!(std::fs::read_to_string(here.join("rolecall.yml")).unwrap(), text);

        // What the manifest declares already may not fit; a manifest that declares nothing does.
        let own = manifest.contains("sales_analytics");
        let validated = rolecall(
            here,
            &["validate", "--dialect", "postgres", "--format", "json", "--manifest", manifest],
        );
        let errors: Vec<Value> = validated.json()["findings"].as_array().unwrap().clone();
        let errors: Vec<&Value> =
            errors.iter().filter(|finding| finding["severity"] == "error").collect();
        let about_the_file: Vec<_> =
            errors.iter().filter(|e| e["place"]["file"] == "rolecall.yml").collect();
        assert!(about_the_file.is_empty(), "{manifest}: {about_the_file:#?}\n{text}");
        assert!(own || errors.is_empty(), "{manifest}: {errors:#?}\n{text}");
    }
}

#[test]
fn init_says_what_is_wrong_with_a_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let ended = rolecall(folder.path(), &["init"]);
    assert_eq!(ended.exit, 1);
    assert!(ended.stderr.contains("target/manifest.json"), "{ended:?}");
    write(&folder.path().join("target/manifest.json"), b"[]");
    let ended = rolecall(folder.path(), &["init"]);
    assert_eq!(ended.exit, 1);
    assert!(ended.stderr.contains("not-a-manifest"), "{ended:?}");
    assert!(!folder.path().join("rolecall.yml").exists());
}

/// Checks YAML files against schemas with another program than ours.
const CHECK: &str = r#"
import json, sys, yaml
from jsonschema.validators import validator_for
for case in json.load(sys.stdin):
    schema = case["schema"]
    validator = validator_for(schema)
    validator.check_schema(schema)
    errors = list(validator(schema).iter_errors(yaml.safe_load(case["text"])))
    if (not errors) != case["valid"]:
        sys.exit(f"{case['file']}: {[e.message for e in errors] or 'accepted'}")
"#;

#[test]
fn the_schemas_accept_the_fixtures_and_refuse_what_is_wrong() {
    let shop = fixture("sales_analytics");
    let schema = |name: &str| {
        let ended = rolecall(&shop, &["schema", name]);
        assert_eq!((ended.exit, ended.stderr.as_str()), (0, ""));
        ended.json()
    };
    let (platform, members) = (schema("rolecall"), schema("members"));
    assert_eq!(rolecall(&shop, &["schema"]).json(), platform);
    for schema in [&platform, &members] {
        let draft = schema["$schema"].as_str().unwrap();
        assert!(draft.starts_with("https://json-schema.org/draft/"), "{draft}");
        assert!(schema.get("title").is_some() && schema["type"] == "object", "{schema:#}");
    }
    for key in ["environments", "product_roles", "products", "version"] {
        assert!(platform["properties"].get(key).is_some(), "{key}");
    }
    let python = crate::dialect::oracle::python();
    let mut cases: Vec<Value> = Vec::new();
    let mut add = |file: &Path, valid: bool| {
        let is_members = file.components().any(|part| part.as_os_str() == "members");
        cases.push(json!({
            "file": file, "valid": valid, "text": std::fs::read_to_string(file).unwrap(),
            "schema": if is_members { &members } else { &platform },
        }));
    };
    let mut right = vec![shop.clone()];
    right.extend(folders(&fixture("real")).iter().map(|name| fixture("real").join(name)));
    for folder in right {
        for entry in walkdir::WalkDir::new(&folder) {
            let entry = entry.unwrap();
            let relative = entry.path().strip_prefix(&folder).unwrap();
            let ours = relative.starts_with("rolecall") || relative == Path::new("rolecall.yml");
            // A request is what its command writes; nobody edits one in an editor.
            let ours = ours && !relative.starts_with("rolecall/requests");
            if ours && entry.file_type().is_file() {
                add(entry.path(), true);
            }
        }
    }
    for wrong in ["failures/unknown_key", "bad_config/unknown_key"] {
        add(&fixture(wrong).join("rolecall.yml"), false);
    }
    add(&fixture("failures/members_in_the_wrong_place/rolecall/platform/people.yml"), false);
    let mut check = Command::new(python)
        .args(["-c", CHECK])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    serde_json::to_writer(check.stdin.take().unwrap(), &cases).unwrap();
    let output = check.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn completions_know_every_command_and_are_what_the_shell_reads() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = rolecall(folder.path(), &["completions", shell]);
        assert_eq!((ended.exit, ended.stderr.as_str()), (0, ""), "{shell}");
        for word in ["validate", "rehearse", "project-dir", "allow-revokes"] {
            assert!(ended.stdout.contains(word), "{shell}: {word}");
        }
        let script = folder.path().join(shell);
        write(&script, ended.stdout.as_bytes());
        // `-n` reads a script and runs nothing of it; a shell that is not here is passed by.
        if let Ok(checked) = Command::new(shell).arg("-n").arg(&script).output() {
            assert!(checked.status.success(), "{shell}: {checked:?}");
        }
    }
}
