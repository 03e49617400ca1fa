//! Manifests of real projects, dbt 0.19 to 2.0, through the real binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::binary::{Ended, repository, rolecall, run};

/// Where the manifests are, if they are here: `ROLECALL_MANIFESTS`, or a neighbour folder.
pub(crate) fn manifests() -> Vec<PathBuf> {
    let named = std::env::var_os("ROLECALL_MANIFESTS").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| repository("../shared/manifests"));
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: no manifests in {} (set ROLECALL_MANIFESTS)", folder.display());
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

/// A Python with PyYAML, if it is here: `ROLECALL_PYTHON`, `.test-env`, or the system's.
pub(crate) fn python() -> Option<PathBuf> {
    let named = std::env::var_os("ROLECALL_PYTHON").map(PathBuf::from);
    let own = repository(".test-env/bin/python");
    let candidates = [named, own.is_file().then_some(own), Some("python3".into())];
    let fits = |python: &PathBuf| {
        Command::new(python).args(["-c", "import yaml"]).output().is_ok_and(|o| o.status.success())
    };
    let found = candidates.into_iter().flatten().find(fits);
    if found.is_none() {
        eprintln!("skipped: no Python with PyYAML (set ROLECALL_PYTHON)");
    }
    found
}

pub(crate) fn name(file: &Path) -> &str {
    file.file_stem().unwrap().to_str().unwrap()
}

/// Writes the copy that declares access; returns how many nodes of it do.
pub(crate) fn annotate(python: &Path, manifest: &Path, config: &Path, out: &Path) -> u64 {
    let script = repository("tests/oracle/annotate_manifest.py");
    let mut command = Command::new(python);
    let done = run(command.arg(script).args([manifest, config, out])).with(0);
    done.json()["nodes"].as_u64().unwrap()
}

/// All of a rehearsal's cells that have something in them.
fn cells(rehearsed: &Value) -> usize {
    let rows = rehearsed["matrix"].as_array().unwrap();
    rows.iter()
        .flat_map(|row| row["cells"].as_array().unwrap())
        .filter(|cell| cell["privileges"] != "")
        .inspect(|cell| assert_eq!(cell["proven"], true))
        .count()
}

/// Does something with each file, two at a time: most of the time a server is being made.
fn for_each(files: &[PathBuf], what: impl Fn(&Path) + Sync) {
    let (even, odd): (Vec<_>, Vec<_>) = files.iter().enumerate().partition(|(at, _)| at % 2 == 0);
    std::thread::scope(|scope| {
        for half in [even, odd] {
            let what = &what;
            scope.spawn(move || half.into_iter().for_each(|(_, file)| what(file)));
        }
    });
}

fn rehearse(project: &Path, manifest: &Path, more: &[&str]) -> Ended {
    let mut command = rolecall();
    command.args(["rehearse", "--engine", "native", "--format", "json", "--target", "prod"]);
    command.arg("--project-dir").arg(project).arg("--manifest").arg(manifest).args(more);
    run(&mut command)
}

#[test]
fn every_postgres_manifest_rehearses_with_its_configuration() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let files = manifests();
    let files: Vec<_> =
        files.into_iter().filter(|file| name(file).ends_with("_postgres")).collect();
    for_each(&files, |file| {
        let config = repository("dbt_fixtures/real").join(name(file));
        assert!(config.is_dir(), "{} has no configuration in dbt_fixtures/real", name(file));
        let manifest = folder.path().join(file.file_name().unwrap());
        let declared = annotate(&python, file, &config, &manifest);
        let ended = rehearse(&config, &manifest, &[]).with(0);
        let rehearsed = ended.json();
        assert_eq!(rehearsed["proven"], true, "{}", name(file));
        assert_eq!(rehearsed["failures"], Value::Array(Vec::new()));
        assert!(cells(&rehearsed) > 0, "{}: {rehearsed:#}", name(file));
        assert!(rehearsed["applied"].as_u64().unwrap() > 3, "{}", name(file));
        // Sources may share a relation with what makes it; ephemerals have none.
        let rows = rehearsed["matrix"].as_array().unwrap().len() as u64;
        assert!(rows <= declared && rows * 4 >= declared * 3, "{}: {rows}, {declared}", name(file));
        // The same grants are in what `compile` says.
        let compiled = offline("compile", &config, &manifest, &[]).with(0).json();
        let grants = compiled["grants"].as_array().unwrap();
        let relations = grants.iter().filter(|grant| {
            !["database", "schema"].contains(&grant["on"]["class"].as_str().unwrap())
        });
        assert!(relations.count() >= cells(&rehearsed), "{}", name(file));
    });
}

fn offline(command: &str, project: &Path, manifest: &Path, more: &[&str]) -> Ended {
    let mut rolecall = rolecall();
    rolecall.args([command, "--format", "json", "--target", "prod", "--project-dir"]).arg(project);
    run(rolecall.arg("--manifest").arg(manifest).args(more))
}

#[test]
fn every_other_manifest_gets_a_sensible_answer() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let files = manifests();
    let files: Vec<_> =
        files.into_iter().filter(|file| !name(file).ends_with("_postgres")).collect();
    for_each(&files, |file| {
        let name = name(file);
        let project = folder.path().join(name);
        std::fs::create_dir(&project).unwrap();
        let text = std::fs::read_to_string(repository("dbt_fixtures/real/any/rolecall.yml"));
        std::fs::write(project.join("rolecall.yml"), text.unwrap()).unwrap();
        let manifest = project.join("manifest.json");
        assert!(annotate(&python, file, &project, &manifest) > 0, "{name}");

        let snowflake = name.ends_with("_snowflake");
        let plain = offline("validate", &project, &manifest, &[]).with(i32::from(!snowflake));
        let says = |code: &str| plain.stdout.contains(code);
        assert_eq!(says("unknown-dialect"), !snowflake, "{name}: {}", plain.stdout);
        let refused = rehearse(&project, &manifest, &[]).with(1);
        assert!(refused.stderr.contains("--dialect postgres"), "{name}: {}", refused.stderr);

        // As on PostgreSQL; what has no databases needs one named.
        let mut flags = vec!["--dialect", "postgres"];
        if name.ends_with("_clickhouse") {
            let nameless = rehearse(&project, &manifest, &flags).with(1);
            assert_eq!(nameless.stderr.matches("error[").count(), 1, "{}", nameless.stderr);
            assert!(nameless.stderr.contains("--target-database"), "{}", nameless.stderr);
            flags.extend(["--target-database", "xapi"]);
        }
        offline("validate", &project, &manifest, &flags).with(0);
        offline("compile", &project, &manifest, &flags).with(0);
        let rehearsed = rehearse(&project, &manifest, &flags).with(0).json();
        assert!(cells(&rehearsed) > 0, "{name}");
        flags[1] = "snowflake";
        let compiled = offline("compile", &project, &manifest, &flags).with(0).json();
        assert!(!compiled["grants"].as_array().unwrap().is_empty(), "{name}");
    });
}
