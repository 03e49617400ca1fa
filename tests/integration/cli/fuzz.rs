//! Broken input through the library's entry: whatever stands in the files, they are read or
//! refused, and nothing panics: not the reading, not the resolving, not the statements, not the
//! text of what was found.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use rolecall::dbt::{Wanted, World, parse_selector};
use rolecall::model::{Change, DialectKind, Inventory};
use rolecall::project::{Places, Project};
use rolecall::report::findings;
use serde_json::Value;

use super::odd::{odd, odd_json};
use super::{fixture, write};

const AS_OF: i64 = 1_795_305_600;

/// One thing done to a project's files. `Index` chooses a file, and a place in it.
#[derive(Debug, Clone)]
enum Harm {
    Byte(Index, Index, u8),
    Cut(Index, Index),
    Repeat(Index, Index, Index),
    /// A word of a text file becomes something else.
    Word(Index, Index, String),
    /// A value of the manifest becomes another.
    Value(Index, Value),
    /// A key of the manifest gets another name.
    Key(Index, String),
    Remove(Index),
}

fn harm() -> impl Strategy<Value = Harm> {
    let at = any::<Index>;
    prop_oneof![
        2 => (at(), at(), any::<u8>()).prop_map(|(file, at, byte)| Harm::Byte(file, at, byte)),
        1 => (at(), at()).prop_map(|(file, at)| Harm::Cut(file, at)),
        1 => (at(), at(), at()).prop_map(|(file, from, to)| Harm::Repeat(file, from, to)),
        3 => (at(), at(), odd()).prop_map(|(file, at, odd)| Harm::Word(file, at, odd)),
        4 => (at(), odd_json()).prop_map(|(at, value)| Harm::Value(at, value)),
        2 => (at(), odd()).prop_map(|(at, odd)| Harm::Key(at, odd)),
        1 => at().prop_map(Harm::Remove),
    ]
}

#[derive(Clone)]
struct File {
    name: String,
    bytes: Vec<u8>,
}

/// A fixture's files, read once.
fn project(name: &str) -> Vec<File> {
    static READ: LazyLock<BTreeMap<&str, Vec<File>>> =
        LazyLock::new(|| PROJECTS.iter().map(|name| (*name, read_project(name))).collect());
    READ[name].clone()
}

/// The configuration, the sources, and the manifest without what nobody reads.
fn read_project(name: &str) -> Vec<File> {
    let folder = fixture(name);
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(&folder).sort_by_file_name() {
        let entry = entry.unwrap();
        let name = entry.path().strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
        let kept = name.ends_with(".yml") && name != "profiles.yml";
        if entry.file_type().is_file() && kept {
            files.push(File { name, bytes: std::fs::read(entry.path()).unwrap() });
        }
    }
    let manifest = ["manifest.json", "target/prod/manifest.json"]
        .iter()
        .find_map(|name| std::fs::read(folder.join(name)).ok())
        .unwrap();
    let bytes = match serde_json::from_slice::<Value>(&manifest) {
        Ok(value) => {
            let kept: serde_json::Map<String, Value> = ["metadata", "nodes", "sources", "disabled"]
                .iter()
                .filter_map(|key| Some(((*key).to_owned(), value.get(key)?.clone())))
                .collect();
            serde_json::to_vec(&without_code(Value::Object(kept))).unwrap()
        }
        Err(_) => manifest,
    };
    files.push(File { name: "manifest.json".to_owned(), bytes });
    files
}

fn without_code(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .filter(|(key, _)| {
                    !["raw_code", "compiled_code", "columns", "checksum", "docs"]
                        .contains(&key.as_str())
                })
                .map(|(key, value)| (key, without_code(value)))
                .collect(),
        ),
        Value::Array(list) => list.into_iter().map(without_code).collect(),
        other => other,
    }
}

/// How many values there are in a value, itself included.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Object(object) => object.values().map(size).sum(),
        Value::Array(list) => list.iter().map(size).sum(),
        _ => 0,
    }
}

/// Visits the `at`-th value.
fn change(value: &mut Value, at: &mut usize, with: &mut dyn FnMut(&mut Value)) {
    if *at == 0 {
        with(value);
        *at = usize::MAX;
        return;
    }
    *at -= 1;
    match value {
        Value::Object(object) => {
            for value in object.values_mut() {
                change(value, at, with);
                if *at == usize::MAX {
                    return;
                }
            }
        }
        Value::Array(list) => {
            for value in list {
                change(value, at, with);
                if *at == usize::MAX {
                    return;
                }
            }
        }
        _ => {}
    }
}

fn in_manifest(files: &mut [File], at: &Index, with: &mut dyn FnMut(&mut Value)) {
    let Some(file) = files.iter_mut().find(|file| file.name == "manifest.json") else { return };
    let Ok(mut value) = serde_json::from_slice::<Value>(&file.bytes) else { return };
    let mut at = at.index(size(&value));
    change(&mut value, &mut at, with);
    file.bytes = serde_json::to_vec(&value).unwrap();
}

fn words(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices().chain([(text.len(), ' ')]) {
        match (letter.is_alphanumeric() || letter == '_', start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    words
}

fn apply(harm: &Harm, files: &mut Vec<File>) {
    match harm {
        Harm::Byte(file, at, byte) => {
            let bytes = &mut file.get_mut(files).bytes;
            if !bytes.is_empty() {
                *at.get_mut(bytes) = *byte;
            }
        }
        Harm::Cut(file, at) => {
            let bytes = &mut file.get_mut(files).bytes;
            bytes.truncate(at.index(bytes.len() + 1));
        }
        Harm::Repeat(file, from, to) => {
            let bytes = &mut file.get_mut(files).bytes;
            let (from, to) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
            let part = bytes[from.min(to)..from.max(to)].to_vec();
            bytes.extend(part);
        }
        Harm::Word(file, at, odd) => {
            let bytes = &mut file.get_mut(files).bytes;
            let Ok(mut text) = String::from_utf8(bytes.clone()) else { return };
            let words = words(&text);
            if !words.is_empty() {
                text.replace_range(at.get(&words).clone(), odd);
                *bytes = text.into_bytes();
            }
        }
        Harm::Value(at, value) => in_manifest(files, at, &mut |slot| *slot = value.clone()),
        Harm::Key(at, odd) => in_manifest(files, at, &mut |slot| {
            if let Value::Object(object) = slot
                && !object.is_empty()
            {
                let key = at.get(&object.keys().cloned().collect::<Vec<_>>()).clone();
                let value = object.remove(&key).unwrap_or_default();
                object.insert(odd.clone(), value);
            }
        }),
        Harm::Remove(file) => {
            if files.len() > 1 {
                files.remove(file.index(files.len()));
            }
        }
    }
}

/// Everything that is done without a warehouse.
fn read(folder: &Path, target: Option<&str>, dialect: Option<DialectKind>) {
    let places = Places {
        project_dir: folder.to_owned(),
        manifest: Some(folder.join("manifest.json")),
        target: target.map(str::to_owned),
        dialect,
        wanted: Wanted { graph: true, config: true, owners: true },
        ..Places::default()
    };
    let (project, found) = Project::load(&places, AS_OF);
    assert!(project.is_some() || found.has_errors(), "refused without a word");
    let (checked, also) = Project::check(&places, AS_OF);
    assert!(checked.is_some() || also.has_errors(), "refused without a word");
    assert!(project.is_some() || checked.is_none(), "checked, though it cannot be loaded");
    let shown = findings::text(&also.sorted(), false);
    assert!(!shown.contains(['\u{1b}', '\0']), "control characters are shown: {shown:?}");
    findings::text(&found.sorted(), true);
    let Some(project) = project else { return };
    let nodes = World::of(&project.manifest, project.name.as_deref());
    for text in ["@tag:*", "2+config.meta.owner:x+1", "version:old", "path:**", "+exposure:*"] {
        let selected = nodes.select(&parse_selector(text).unwrap()).unwrap();
        assert!(selected.nodes.iter().all(|id| project.manifest.nodes.contains_key(id)));
    }
    let (resolved, found) = project.resolve(None, &Inventory::default(), true, None);
    assert!(resolved.is_some() || found.has_errors(), "refused without a word");
    let Some(resolved) = resolved else { return };
    let grants = resolved.desired.grants.iter().map(|((on, role), grant)| Change::Grant {
        on: on.clone(),
        role: role.clone(),
        privileges: grant.privileges,
    });
    let roles = resolved.desired.roles.iter().map(|(role, desired)| Change::CreateRole {
        role: role.clone(),
        marker: desired.marker.clone(),
    });
    let changes: Vec<Change> = roles.chain(grants).collect();
    // What cannot be written is refused, which is right; what is written is one line of SQL.
    let _ = project.dialect().statements(&changes, &Default::default());
}

/// Each a little project of its own kind.
const PROJECTS: &[&str] = &[
    "sales_analytics",
    "failures/odd_names",
    "failures/two_owners",
    "failures/reserved_members",
    "failures/unknown_permission",
    "failures/meta_of_a_wrong_type",
    "failures/product_defined_twice",
    "failures/dbt_grants_beyond_may",
    "failures/wider_in_an_environment",
];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 600,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_input_makes_it_panic(
        name in select(PROJECTS),
        harms in prop::collection::vec(harm(), 1..6),
        target in prop_oneof![Just(None), Just(Some("prod"))],
        dialect in prop_oneof![
            Just(None),
            Just(Some(DialectKind::Postgres)),
            Just(Some(DialectKind::Snowflake)),
        ],
    ) {
        let mut files = project(name);
        for harm in &harms {
            apply(harm, &mut files);
        }
        let folder = tempfile::tempdir().unwrap();
        for file in &files {
            write(&folder.path().join(&file.name), &file.bytes);
        }
        read(folder.path(), target, dialect);
    }
}

/// The property is worth something only if most of what it makes is still read.
#[test]
fn unharmed_projects_resolve() {
    for name in ["sales_analytics", "failures/odd_names"] {
        let folder = tempfile::tempdir().unwrap();
        for file in project(name) {
            write(&folder.path().join(&file.name), &file.bytes);
        }
        let places = Places {
            project_dir: folder.path().to_owned(),
            manifest: Some(folder.path().join("manifest.json")),
            target: Some("prod".to_owned()),
            ..Places::default()
        };
        let (checked, found) = Project::check(&places, AS_OF);
        let (_, resolved) = checked.unwrap_or_else(|| panic!("{name}: {found:?}"));
        assert!(!resolved.desired.grants.is_empty());
    }
}
