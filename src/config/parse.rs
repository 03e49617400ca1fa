//! Texts in, a configuration out. No I/O.

use std::path::PathBuf;

use super::owners::check_approvers;
use super::playbook::{Book, RawPlaybook, Variables, masked, read_variables};
use super::raw::RawPlatform;
use super::reader::{Reader, said_twice};
use super::tree::{self, Node, Source, Value};
use super::{Config, Located, members, valid};
use crate::model::{Diagnostic, Diagnostics, Place, Severity};
use std::collections::BTreeMap;

/// Which of the configuration's files a text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// `rolecall.yml`.
    Root,
    /// A file in `rolecall/platform/`.
    Platform,
    /// `rolecall/members/<product>.yml`.
    Members {
        /// The file's name without its ending.
        product: String,
    },
    /// A file of a playbook, which `playbooks:` names.
    Playbook {
        /// The path that names it, or the folder that it is in.
        path: String,
    },
    /// A file of variables, which `playbook_vars` names.
    Variables {
        /// Of this environment only.
        environment: Option<String>,
    },
}

/// One file of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the project, for messages and for the order of merging.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
    /// Which file it is.
    pub kind: FileKind,
}

/// Reads and checks a whole configuration. The order of the files does not matter.
///
/// The configuration comes back whenever every file is YAML, even where something in it is wrong:
/// so that declarations can be checked against it and everything wrong is shown at once. **Nothing
/// may be compiled, planned or applied from it while the diagnostics have errors**: what was wrong
/// is left out of it.
///
/// Whether a request bears out an approval by somebody who is no owner is only known to
/// [`load`](super::load): here that is a warning.
pub fn parse(files: &[SourceFile]) -> (Option<Config>, Diagnostics) {
    let (config, mut found) = parse_unapproved(files);
    found.extend(config.iter().flat_map(|config| check_approvers(config, None)));
    (config, found)
}

/// The same, and whoever approved entries is not looked at.
pub(super) fn parse_unapproved(files: &[SourceFile]) -> (Option<Config>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut files: Vec<&SourceFile> = files.iter().collect();
    files.sort_by(|a, b| {
        let key = |file: &SourceFile| file.path.as_os_str().as_encoded_bytes().to_vec();
        key(a).cmp(&key(b))
    });
    let mut platform = Vec::new();
    let mut owners: Vec<(&str, Source<'_>, Node)> = Vec::new();
    let mut root: Option<Place> = None;
    let mut all_read = true;
    let mut books: BTreeMap<&str, Book> = BTreeMap::new();
    let mut variables = Variables::default();
    let mut outside = Vec::new();
    for SourceFile { path, text, kind } in files {
        let source = Source::new(path, text);
        let read = match kind {
            FileKind::Playbook { .. } => tree::read(&masked(text), &source),
            _ => tree::read(text, &source),
        };
        let node = match read {
            Ok(node) => node,
            Err(diagnostic) => {
                diagnostics.push(match kind {
                    FileKind::Variables { .. } => without_values(*diagnostic),
                    _ => *diagnostic,
                });
                all_read = false;
                // It is there, only broken: not also missing.
                if *kind == FileKind::Root {
                    root = Some(source.whole());
                }
                continue;
            }
        };
        if matches!(node.value, Value::Null) && *kind != FileKind::Root {
            diagnostics.push(
                Diagnostic::warning("empty-file", "this file says nothing")
                    .with_help("remove it, or write what it is for")
                    .with_place(source.whole()),
            );
        }
        let mut reader = Reader { source: &source, diagnostics: &mut diagnostics };
        match kind {
            FileKind::Root => {
                let raw = RawPlatform::read(&mut reader, &node, "rolecall.yml");
                match &root {
                    Some(first) => {
                        diagnostics.push(said_twice("rolecall.yml", source.whole(), first));
                    }
                    None => root = Some(source.whole()),
                }
                valid::require_version(&raw, source.whole(), &mut diagnostics);
                platform.push(raw);
            }
            FileKind::Platform => {
                platform.push(RawPlatform::read(&mut reader, &node, "a platform file"));
            }
            FileKind::Members { product } => {
                match owners.iter().find(|(name, _, _)| name == product) {
                    Some((_, first, _)) => diagnostics.push(said_twice(
                        &format!("who the members of `{product}` are"),
                        source.whole(),
                        &first.whole(),
                    )),
                    None => owners.push((product, source, node)),
                }
            }
            FileKind::Playbook { path: named } => {
                outside.push(path.clone());
                let raw = RawPlaybook::read(&mut reader, &node);
                books.entry(named).or_default().0.push(raw);
            }
            FileKind::Variables { environment } => {
                outside.push(path.clone());
                let mut said = Diagnostics::default();
                let mut reader = Reader { source: &source, diagnostics: &mut said };
                let read = read_variables(&mut reader, &node);
                variables.add(environment.as_deref(), read);
                diagnostics.extend(said.into_iter().map(without_values));
            }
        }
    }
    let Some(root) = root else {
        diagnostics.push(missing_root());
        return (None, diagnostics);
    };
    if !all_read {
        // Names would be missing that are only unread.
        return (None, diagnostics);
    }
    let books = books.into_values().collect();
    let mut config = valid::merge(platform, books, &mut diagnostics);
    config.playbooks.variables = variables;
    config.playbooks.files = outside;
    let only_missing = |d: &Diagnostic| d.severity != Severity::Error || d.code == "missing-key";
    if config.environments.is_empty() && diagnostics.iter().all(only_missing) {
        diagnostics.push(
            Diagnostic::error("no-environment", "no environment is declared")
                .with_help("declare one under `environments`, named like your dbt target")
                .with_place(root),
        );
    }
    for (product, source, node) in owners {
        let mut reader = Reader { source: &source, diagnostics: &mut diagnostics };
        members::add(&mut config, product, &mut reader, &node);
    }
    (Some(config), diagnostics)
}

/// What a platform file says of files elsewhere: `playbooks`, and each `playbook_vars` with its
/// environment. What is wrong with it is said by [`parse`].
pub(super) fn named_outside(file: &SourceFile) -> Named {
    let source = Source::new(&file.path, &file.text);
    let mut said = Diagnostics::default();
    let mut named = Named::default();
    let Ok(node) = tree::read(&file.text, &source) else { return named };
    let mut reader = Reader { source: &source, diagnostics: &mut said };
    let raw = RawPlatform::read(&mut reader, &node, "a platform file");
    named.playbooks = raw.playbooks.unwrap_or_default();
    named.variables.extend(raw.playbook_vars.map(|path| (None, path)));
    for (environment, raw) in raw.environments.0 {
        let own = raw.playbook_vars.map(|path| (Some(environment.value), path));
        named.variables.extend(own);
    }
    named
}

/// Files that a platform file names.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Files or folders.
    pub playbooks: Vec<Located<String>>,
    /// Of an environment, or of all.
    pub variables: Vec<(Option<String>, Located<String>)>,
}

/// A line of a file of variables is never shown, nor what a reader makes of it.
fn without_values(mut found: Diagnostic) -> Diagnostic {
    if found.code == "invalid-yaml" {
        found.message = "this file of variables is not YAML that can be read".to_owned();
    }
    for place in found.place.iter_mut().chain(found.also.iter_mut().map(|(place, _)| place)) {
        place.source = None;
    }
    found
}

/// There is nothing to read.
pub(super) fn missing_root() -> Diagnostic {
    Diagnostic::error("no-configuration", "there is no rolecall.yml here")
        .with_help("`rolecall init` writes a first one, beside dbt_project.yml")
        .with_place(Place::file("rolecall.yml"))
}
