//! Every mistake of the fixtures through the real binary: the exit status, and what its user sees.
//!
//! What is seen is in `snapshots/failures` and `snapshots/bad_config`, one file for each mistake.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::{Ended, fixture, folders, rolecall, snapshot};

/// What a fixture's first comment says.
struct Expectation {
    wrong: String,
    expected: String,
    exit: i32,
    /// `file:line`, wherever the expectation names one.
    places: Vec<String>,
}

impl Expectation {
    fn of(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join("rolecall.yml")).unwrap();
        let comment: Vec<&str> = text
            .lines()
            .map_while(|line| line.strip_prefix('#'))
            .flat_map(str::split_whitespace)
            .collect();
        let comment = comment.join(" ");
        let (wrong, expected) = comment
            .strip_prefix("Wrong: ")
            .and_then(|rest| rest.split_once(" Expected: "))
            .unwrap_or_else(|| panic!("{}: says no expectation", folder.display()));
        let exit = expected
            .strip_prefix("exit ")
            .and_then(|rest| rest.get(..1)?.parse().ok())
            .unwrap_or_else(|| panic!("{}: expects no exit status", folder.display()));
        let mut places: Vec<String> = Vec::new();
        for word in expected.split_whitespace() {
            let word = word.trim_end_matches([',', '.', ';', ':']);
            let Some((file, line)) = word.rsplit_once(':') else { continue };
            if line.parse::<u32>().is_err() {
                continue;
            }
            // `:14` is in the file that was named before it.
            let before = places.last().and_then(|place| place.rsplit_once(':'));
            let file = if file.is_empty() { before.unwrap().0 } else { file };
            places.push(format!("{file}:{line}"));
        }
        Self { wrong: wrong.to_owned(), expected: expected.to_owned(), exit, places }
    }
}

/// All of them, so that one that is wrong does not hide the next.
fn each(names: &[String], check: impl Fn(&str)) {
    let failed: Vec<&String> = names
        .iter()
        .filter(|name| catch_unwind(AssertUnwindSafe(|| check(name))).is_err())
        .collect();
    assert!(failed.is_empty(), "not as expected: {failed:?}");
}

fn is_plain(ended: &Ended) {
    assert!(!ended.stderr.contains('\u{1b}'), "colour where there is no terminal: {ended:?}");
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    let here = env!("CARGO_MANIFEST_DIR");
    assert!(!ended.stderr.contains(here), "a path that is not relative: {ended:?}");
}

#[test]
fn every_mistake_is_told_as_its_fixture_expects() {
    let all = folders(&fixture("failures"));
    assert!(all.len() > 40, "{all:?}");
    each(&all, |name| {
        let folder = fixture("failures").join(name);
        let expectation = Expectation::of(&folder);
        let ended = rolecall(&folder, &["validate", "--manifest", "manifest.json"]);
        is_plain(&ended);
        assert_eq!(ended.stdout, "", "{name}: findings are no data");
        assert_eq!(ended.exit, expectation.exit, "{name}: {}", ended.stderr);
        for place in &expectation.places {
            assert!(ended.stderr.contains(place), "{name}: {place} is not in {}", ended.stderr);
        }
        let Expectation { wrong, expected, .. } = expectation;
        let description = format!("{wrong} Expected: {expected}");
        snapshot("failures", name, &description, ended.stderr.trim_end());

        let compiled = rolecall(&folder, &["compile", "-t", "prod", "--manifest", "manifest.json"]);
        assert_eq!(compiled.exit, ended.exit, "{name}: compile and validate disagree");
        assert_eq!(compiled.stdout.is_empty(), ended.exit != 0, "{name}: {compiled:?}");
    });
}

#[test]
fn every_wrong_configuration_is_told() {
    let all = folders(&fixture("bad_config"));
    assert!(all.len() > 20, "{all:?}");
    let manifest = "../../failures/declares_nothing/manifest.json";
    each(&all, |name| {
        let folder = fixture("bad_config").join(name);
        let ended = rolecall(&folder, &["validate", "--manifest", manifest]);
        is_plain(&ended);
        assert_eq!(ended.stdout, "", "{name}: findings are no data");
        assert_eq!(ended.exit, i32::from(name != "right"), "{name}: {}", ended.stderr);
        snapshot("bad_config", name, "", ended.stderr.trim_end());
    });
}

#[test]
fn the_list_of_failures_says_what_the_fixtures_say() {
    let list = std::fs::read_to_string(fixture("failures/README.md")).unwrap();
    each(&folders(&fixture("failures")), |name| {
        let Expectation { wrong, expected, .. } = Expectation::of(&fixture("failures").join(name));
        let row = format!("| `{name}` | {wrong} | {expected} |");
        assert!(list.contains(&row), "{row}");
    });
}

#[test]
fn no_snapshot_is_of_a_mistake_that_is_gone() {
    for group in ["failures", "bad_config"] {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/cli/snapshots");
        let there: BTreeSet<String> = folders(&fixture(group)).into_iter().collect();
        for entry in std::fs::read_dir(here.join(group)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let Some(name) = name.strip_suffix(".snap") else { continue };
            assert!(there.contains(name), "{group}/{name}");
        }
    }
}

/// Whoever reads a finding must be able to go there and know what to do.
#[test]
fn every_error_has_a_place_and_a_way_out() {
    for (group, manifest) in [
        ("failures", "manifest.json"),
        ("bad_config", "../../failures/declares_nothing/manifest.json"),
    ] {
        each(&folders(&fixture(group)), |name| {
            let folder = fixture(group).join(name);
            let arguments = ["validate", "--format", "json", "--manifest", manifest];
            for finding in rolecall(&folder, &arguments).json()["findings"].as_array().unwrap() {
                let said = |key: &str| finding.get(key).is_some();
                assert!(said("help"), "{name}: no help: {finding:#}");
                assert!(said("place"), "{name}: no place: {finding:#}");
                let line = finding["place"].get("line").is_some();
                let whole = finding["code"] == "manifest-unreadable"
                    || !said("node") && finding["place"]["file"] != "";
                assert!(line || said("path") || whole, "{name}: where in it? {finding:#}");
            }
        });
    }
}
