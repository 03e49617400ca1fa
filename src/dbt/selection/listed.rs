//! What `dbt ls` has printed, as a list of nodes: for what only dbt can select.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::dbt::node::{Manifest, Node, ResourceType};
use crate::model::{Diagnostic, Diagnostics, Place};

/// The nodes that a list names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// `unique_id`s of those that can have a relation.
    pub nodes: BTreeSet<String>,
    /// How many of the lines name something without one, such as a test.
    pub others: usize,
}

/// Reads what `dbt ls` printed: names as it prints them by default, `--output name`, `path` or
/// `json`. Whatever is no node of the manifest, or could be several, is an error.
///
/// The manifest must have been read with its [graph](crate::dbt::Wanted::graph), to tell a test
/// from a node that is not there.
pub fn read_listed(text: &str, file: &Path, manifest: &Manifest) -> (Listed, Diagnostics) {
    let names = Names::of(manifest);
    let (mut listed, mut found) = (Listed::default(), Diagnostics::default());
    for (number, line) in text.lines().enumerate() {
        let written = line.trim().trim_start_matches('\u{feff}');
        if written.is_empty() || is_log(written) {
            continue;
        }
        match names.find(written) {
            Ok(Some(id)) => {
                listed.nodes.insert(id.to_owned());
            }
            Ok(None) => listed.others += 1,
            Err((message, help)) => {
                let mut place = Place::file(file);
                place.line = u32::try_from(number + 1).ok();
                place.source = (line.len() <= 400).then(|| line.to_owned());
                found.push(
                    Diagnostic::error("bad-node-list", message).with_place(place).with_help(help),
                );
            }
        }
    }
    (listed, found)
}

/// dbt's own messages, which go to stdout too without `--quiet`: `19:30:46  Running with dbt=…`.
fn is_log(line: &str) -> bool {
    // Colours: `ESC [ 0 m`.
    let line = line.strip_prefix("\u{1b}[0m").unwrap_or(line);
    let bytes = line.as_bytes();
    bytes.len() > 8
        && [0, 1, 3, 4, 6, 7].iter().all(|at| bytes[*at].is_ascii_digit())
        && bytes[2] == b':'
        && bytes[5] == b':'
        && matches!(bytes[8], b' ' | b'.')
}

/// Every way in which `dbt ls` can name something → what it may be. `None` is something that has
/// no relation.
struct Names<'m> {
    by_id: BTreeSet<&'m str>,
    others: BTreeSet<&'m str>,
    names: BTreeMap<String, BTreeSet<Option<&'m str>>>,
}

#[derive(Deserialize)]
struct Line {
    unique_id: Option<String>,
}

impl<'m> Names<'m> {
    fn of(manifest: &'m Manifest) -> Self {
        let mut names: BTreeMap<String, BTreeSet<Option<&'m str>>> = BTreeMap::new();
        for node in manifest.nodes.values() {
            for name in names_of(node) {
                names.entry(name).or_default().insert(Some(&node.unique_id));
            }
        }
        for member in manifest.beyond.members() {
            let name = [&*member.package_name, &*member.name].join(".");
            let selector = match member.resource_type.as_str() {
                "test" | "analysis" | "operation" | "sql_operation" | "function" => {
                    member.fqn.join(".")
                }
                kind => format!("{kind}:{name}"),
            };
            for name in [selector, member.name.clone(), member.original_file_path.clone()] {
                names.entry(name).or_default().insert(None);
            }
        }
        Self {
            by_id: manifest.nodes.keys().map(String::as_str).collect(),
            others: manifest.beyond.members().map(|member| &*member.unique_id).collect(),
            names,
        }
    }

    fn find(&self, written: &str) -> Result<Option<&'m str>, (String, String)> {
        if written.starts_with('{') {
            return self.json(written);
        }
        if let Some(id) = self.by_id.get(written) {
            return Ok(Some(id));
        }
        let candidates: Vec<Option<&str>> = match self.names.get(written) {
            Some(candidates) => candidates.iter().copied().collect(),
            None if self.others.contains(written) => return Ok(None),
            None => return Err(unknown(written)),
        };
        match candidates[..] {
            [one] => Ok(one),
            // What has no relation has no access: only nodes that have one can be mixed up.
            _ => {
                let nodes: Vec<&str> = candidates.iter().flatten().copied().collect();
                Err((
                    format!("{written:?} can be several things: {}", several(&nodes)),
                    "list with `dbt --quiet ls --output json --output-keys unique_id`".to_owned(),
                ))
            }
        }
    }

    fn json(&self, written: &str) -> Result<Option<&'m str>, (String, String)> {
        let help = "list with `dbt --quiet ls --output json --output-keys unique_id`";
        let line: Line = serde_json::from_str(written)
            .map_err(|error| (format!("this is not JSON: {error}"), help.to_owned()))?;
        let Some(id) = line.unique_id else {
            return Err(("this line has no `unique_id`".to_owned(), help.to_owned()));
        };
        match self.by_id.get(&*id) {
            Some(id) => Ok(Some(id)),
            None if self.others.contains(&*id) => Ok(None),
            None => Err(unknown(&id)),
        }
    }
}

fn several(nodes: &[&str]) -> String {
    match nodes {
        [] => "none of them has a relation".to_owned(),
        [one] => format!("{one}, and something that has no relation"),
        more => more.join(", "),
    }
}

fn unknown(written: &str) -> (String, String) {
    (
        format!("no node of the manifest is {written:?}"),
        "list and plan with the same manifest; `dbt --quiet ls` prints nothing but nodes"
            .to_owned(),
    )
}

/// As `dbt ls` prints a node, with and without `--output name` and `--output path`.
fn names_of(node: &Node) -> [String; 3] {
    let path = node.original_file_path.clone();
    match (node.resource_type, node.source_name.as_deref(), node.version.as_deref()) {
        (ResourceType::Source, Some(source), _) => [
            format!("source:{}.{source}.{}", node.package_name, node.name),
            format!("{source}.{}", node.name),
            path,
        ],
        (_, _, Some(version)) => [node.fqn.join("."), format!("{}.v{version}", node.name), path],
        _ => [node.fqn.join("."), node.name.clone(), path],
    }
}
