//! Finds and reads what `playbooks` and `playbook_vars` name: files that may belong to another tool.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::Located;
use super::load::LARGEST_FILE;
use super::parse::{FileKind, Named, SourceFile, named_outside};
use crate::model::{Diagnostic, Diagnostics, Place};

/// As deep as Data Fence looks into a folder.
const DEEPEST: usize = 20;

/// Files outside of `rolecall.yml` and `rolecall/`.
pub(super) struct Outside<'p> {
    project: &'p Path,
    named: Named,
    files: Vec<SourceFile>,
    seen: BTreeSet<(Option<String>, PathBuf)>,
    found: Diagnostics,
}

impl<'p> Outside<'p> {
    pub(super) fn new(project: &'p Path) -> Self {
        let named = Named::default();
        let (seen, found) = (BTreeSet::new(), Diagnostics::default());
        Self { project, named, files: Vec::new(), seen, found }
    }

    /// Collects what platform files name. Those that cannot name anything are not read twice.
    pub(super) fn named_by(&mut self, files: &[SourceFile]) {
        let platform = |file: &&SourceFile| {
            matches!(file.kind, FileKind::Root | FileKind::Platform)
                && (file.text.contains("playbooks") || file.text.contains("playbook_vars"))
        };
        for file in files.iter().filter(platform) {
            let Named { playbooks, variables } = named_outside(file);
            self.named.playbooks.extend(playbooks);
            self.named.variables.extend(variables);
        }
    }

    pub(super) fn read(mut self) -> (Vec<SourceFile>, Diagnostics) {
        for path in std::mem::take(&mut self.named.playbooks) {
            self.playbook(&path);
        }
        for (environment, path) in std::mem::take(&mut self.named.variables) {
            let kind = FileKind::Variables { environment: environment.clone() };
            self.file(Path::new(&path.value), kind, &path.place);
        }
        (self.files, self.found)
    }

    fn error(&mut self, place: &Place, code: &'static str, message: String, help: &str) {
        let error = Diagnostic::error(code, message).with_help(help).with_place(place.clone());
        self.found.push(error);
    }

    fn playbook(&mut self, named: &Located<String>) {
        let path = Path::new(&named.value);
        let full = self.project.join(path);
        let kind = || FileKind::Playbook { path: named.value.clone() };
        if !full.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
            self.file(path, kind(), &named.place);
            return;
        }
        let mut any = false;
        let walk = WalkDir::new(&full).max_depth(DEEPEST).follow_links(false);
        for entry in walk.sort_by_file_name() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let below = error.path().unwrap_or(&full);
                    let below = below.strip_prefix(self.project).unwrap_or(below);
                    let message = format!("{} cannot be read", below.display());
                    self.error(&named.place, "unreadable-file", message, "look at its rights");
                    continue;
                }
            };
            let name = entry.file_name().to_string_lossy();
            if entry.file_type().is_dir() || !(name.ends_with(".yml") || name.ends_with(".yaml")) {
                continue;
            }
            any = true;
            let below = entry.path().strip_prefix(&full).unwrap_or(entry.path());
            self.file(&path.join(below), kind(), &named.place);
        }
        if !any {
            let warning =
                Diagnostic::warning("empty-folder", format!("{} holds no YAML file", named.value));
            let help = "playbooks are the files there that end in .yml or .yaml";
            self.found.push(warning.with_help(help).with_place(named.place.clone()));
        }
    }

    /// Reads one file, once for each thing that it is named for.
    fn file(&mut self, path: &Path, kind: FileKind, named_at: &Place) {
        let of = match &kind {
            FileKind::Variables { environment } => {
                Some(format!("variables {}", environment.as_deref().unwrap_or_default()))
            }
            _ => None,
        };
        if !self.seen.insert((of, plain(path))) {
            return;
        }
        let full = self.project.join(path);
        let shown = path.display();
        let wrong = match full.symlink_metadata() {
            Err(error) => Some((
                "unreadable-file",
                format!("{shown} cannot be read: {error}"),
                "name a file or a folder by its path from the project's folder",
            )),
            Ok(metadata) if metadata.is_symlink() => Some((
                "symbolic-link",
                format!("{shown} is a symbolic link, and links are not followed"),
                "name the file itself: a link would get round the review of what it leads to",
            )),
            Ok(metadata) if !metadata.is_file() => {
                Some(("unreadable-file", format!("{shown} is not a file"), "name a YAML file"))
            }
            Ok(metadata) if metadata.len() > LARGEST_FILE => Some((
                "unreadable-file",
                format!(
                    "{shown} holds {} bytes, and files of at most {LARGEST_FILE} are read",
                    metadata.len()
                ),
                "split it",
            )),
            Ok(_) => None,
        };
        if let Some((code, message, help)) = wrong {
            self.error(named_at, code, message, help);
            return;
        }
        match fs::read(&full).map(String::from_utf8) {
            Ok(Ok(text)) => self.files.push(SourceFile { path: path.to_owned(), text, kind }),
            Ok(Err(_)) => {
                let message = format!("{shown} is not UTF-8 text");
                self.error(named_at, "unreadable-file", message, "save it as UTF-8");
            }
            Err(error) => {
                let message = format!("{shown} cannot be read: {error}");
                self.error(named_at, "unreadable-file", message, "look at its rights");
            }
        }
    }
}

/// Without the dots that only lead back to where they stand.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != std::path::Component::CurDir).collect()
}
