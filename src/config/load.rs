//! Finds and reads the configuration's files. The only I/O of this module.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::load_playbooks::Outside;
use super::owners::{check_approvers, gone};
use super::parse::{FileKind, SourceFile, parse, parse_unapproved};
use super::{Config, is_name, load_requests};
use crate::model::{Diagnostic, Diagnostics, Place};

/// A larger file is not read: a hundred thousand members take a tenth of it.
pub(super) const LARGEST_FILE: u64 = 64 * 1024 * 1024;
const ROOTS: [&str; 2] = ["rolecall.yml", "rolecall.yaml"];
const FOLDER: &str = "rolecall";

/// Reads the configuration of a dbt project: `rolecall.yml`, `rolecall/platform/` and
/// `rolecall/members/`. Places are relative to `project_dir`.
///
/// What comes back, and when, is said at [`parse`]; it is `None` as well where a file cannot be
/// read, is a link, or does not belong where it stands: who knows what it was to say.
pub fn load(project_dir: &Path) -> (Option<Config>, Diagnostics) {
    let (config, mut found) = load_with(project_dir, parse_unapproved);
    if let Some(config) = &config {
        // Requests decide nothing else: they are read only where an approver is no owner.
        let needed = gone(config).next().is_some();
        let requests = if needed { load_requests(project_dir).0 } else { Vec::new() };
        found.extend(check_approvers(config, Some(&requests)));
    }
    (config, found)
}

/// The same for commands that list, ask or edit: an approval by somebody who is no owner, which stops
/// whatever resolves, is only told.
pub fn load_to_edit(project_dir: &Path) -> (Option<Config>, Diagnostics) {
    load_with(project_dir, parse)
}

fn load_with(
    project_dir: &Path,
    parse: impl FnOnce(&[SourceFile]) -> (Option<Config>, Diagnostics),
) -> (Option<Config>, Diagnostics) {
    let (files, mut found) = load_files(project_dir);
    if !project_dir.is_dir() {
        return (None, found);
    }
    let (mut config, diagnostics) = parse(&files);
    if let Some(config) = &mut config {
        let shell = std::env::vars_os();
        let texts = shell.filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        config.playbooks.variables.of_shell(texts);
    }
    let unread = found.has_errors();
    // A root that is there but cannot be read is not also missing.
    let root_is_there = ROOTS.iter().any(|name| is_there(&project_dir.join(name)));
    found.extend(
        diagnostics.into_iter().filter(|d| !(root_is_there && d.code == "no-configuration")),
    );
    (config.filter(|_| !unread), found)
}

/// The texts of the same files, unread by anybody yet, with what is wrong where they stand.
pub fn load_files(project_dir: &Path) -> (Vec<SourceFile>, Diagnostics) {
    if !project_dir.is_dir() {
        let error = Diagnostic::error("no-configuration", "there is no such folder")
            .with_help("give --project-dir the folder of dbt_project.yml and rolecall.yml")
            .with_place(Place::file(project_dir));
        return (Vec::new(), [error].into_iter().collect());
    }
    let mut finder =
        Finder { project: project_dir, files: Vec::new(), diagnostics: Diagnostics::default() };
    finder.roots();
    finder.folder();
    let Finder { project: _, mut files, mut diagnostics } = finder;
    let mut outside = Outside::new(project_dir);
    outside.named_by(&files);
    let (more, found) = outside.read();
    files.extend(more);
    diagnostics.extend(found);
    (files, diagnostics)
}

struct Finder<'p> {
    project: &'p Path,
    files: Vec<SourceFile>,
    diagnostics: Diagnostics,
}

impl Finder<'_> {
    fn error(&mut self, path: &Path, code: &'static str, message: String, help: &str) {
        self.diagnostics
            .push(Diagnostic::error(code, message).with_help(help).with_place(Place::file(path)));
    }

    fn roots(&mut self) {
        let there: Vec<&str> =
            ROOTS.into_iter().filter(|name| is_there(&self.project.join(name))).collect();
        if let [first, second] = there.as_slice() {
            self.diagnostics.push(
                Diagnostic::error("said-twice", format!("both {first} and {second} are there"))
                    .with_help("keep one of the two")
                    .with_place(Place::file(*second))
                    .with_also(Place::file(*first), "the other one"),
            );
        }
        if let Some(name) = there.first() {
            self.read(Path::new(name), FileKind::Root);
        }
    }

    fn folder(&mut self) {
        let folder = self.project.join(FOLDER);
        match folder.symlink_metadata() {
            Err(_) if !is_there(&folder) => return,
            Err(error) => {
                let message = format!("this folder cannot be read: {error}");
                self.error(Path::new(FOLDER), "unreadable-file", message, "look at its rights");
                return;
            }
            Ok(metadata) if metadata.is_symlink() => {
                self.refuse_link(Path::new(FOLDER));
                return;
            }
            // A program of that name beside the project is nothing of ours.
            Ok(metadata) if !metadata.is_dir() => return,
            Ok(_) => {}
        }
        let mut entries: Vec<_> = WalkDir::new(&folder)
            .min_depth(1)
            .follow_links(false)
            .into_iter()
            .filter_entry(|entry| !passed_over(entry))
            .collect();
        entries.sort_by_cached_key(|entry| match entry {
            Ok(entry) => entry.path().as_os_str().as_encoded_bytes().to_vec(),
            Err(error) => {
                let path = error.path().map(|path| path.as_os_str().as_encoded_bytes().to_vec());
                path.unwrap_or_default()
            }
        });
        for entry in entries {
            match entry {
                Ok(entry) => self.entry(&entry),
                Err(error) => {
                    let path = error.path().unwrap_or(&folder);
                    let path = self.relative(path);
                    let reason = error
                        .io_error()
                        .map_or_else(|| "for no known reason".to_owned(), ToString::to_string);
                    let message = format!("this cannot be read: {reason}");
                    self.error(&path, "unreadable-file", message, "look at its rights");
                }
            }
        }
    }

    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.project).unwrap_or(path).to_owned()
    }

    fn refuse_link(&mut self, path: &Path) {
        let message = "this is a symbolic link, and links are not followed".to_owned();
        let help = "put the file itself here: a link would get round the review of its folder";
        self.error(path, "symbolic-link", message, help);
    }

    fn entry(&mut self, entry: &DirEntry) {
        let path = self.relative(entry.path());
        let inside: Vec<Option<&str>> =
            path.components().skip(1).map(|part| part.as_os_str().to_str()).collect();
        if entry.path_is_symlink() {
            self.refuse_link(&path);
            return;
        }
        let is_dir = entry.file_type().is_dir();
        match inside.as_slice() {
            [Some("platform" | "members")] if is_dir => {}
            [Some("platform"), ..] if is_dir => {}
            [Some("members"), _] if is_dir => {
                let message = "this is a folder inside rolecall/members/".to_owned();
                let help = "put one file for each product right into rolecall/members/";
                self.error(&path, "unexpected-file", message, help);
            }
            // Said of the folder already.
            [Some("members"), _, _, ..] => {}
            [Some("platform"), .., Some(name)] if is_yaml(name) => {
                self.read(&path, FileKind::Platform);
            }
            [Some("members"), Some(name)] if is_yaml(name) => self.members(&path, name),
            [Some("platform" | "members"), ..] => {
                let message = "this is no YAML file".to_owned();
                let help = "name it *.yml or *.yaml, or move it out of here";
                self.error(&path, "unexpected-file", message, help);
            }
            [_] => {
                let what = if is_dir { "folder" } else { "file" };
                let message = format!("this {what} is in neither platform/ nor members/");
                let help = "platform settings stand in rolecall/platform/, members in \
                            rolecall/members/<product>.yml";
                self.error(&path, "unexpected-file", message, help);
            }
            // Said of the folder already.
            _ => {}
        }
    }

    fn members(&mut self, path: &Path, name: &str) {
        let product = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        if !is_name(product) {
            let message = format!("{product:?} cannot be the name of a product");
            let help = "name the file after the product: rolecall/members/<product>.yml";
            self.error(path, "invalid-name", message, help);
            return;
        }
        self.read(path, FileKind::Members { product: product.to_owned() });
    }

    fn read(&mut self, path: &Path, kind: FileKind) {
        let full = self.project.join(path);
        let metadata = match full.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) => {
                let message = format!("this file cannot be read: {error}");
                self.error(path, "unreadable-file", message, "look at its rights");
                return;
            }
        };
        if metadata.is_symlink() {
            self.refuse_link(path);
            return;
        }
        if !metadata.is_file() {
            let message = "this is not a file".to_owned();
            self.error(path, "unreadable-file", message, "put a YAML file here");
            return;
        }
        if metadata.len() > LARGEST_FILE {
            let message = format!("this file holds {} bytes", metadata.len());
            let help = format!("files of at most {LARGEST_FILE} bytes are read: split it");
            self.error(path, "unreadable-file", message, &help);
            return;
        }
        match fs::read(&full).map(String::from_utf8) {
            Ok(Ok(text)) => self.files.push(SourceFile { path: path.to_owned(), text, kind }),
            Ok(Err(error)) => {
                let valid = error.utf8_error().valid_up_to();
                let bytes = error.as_bytes();
                let before = bytes.get(..valid).unwrap_or_default();
                let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
                let mut place = Place::file(path);
                place.line = u32::try_from(line).ok();
                self.diagnostics.push(
                    Diagnostic::error("unreadable-file", "this file is not UTF-8 text")
                        .with_help("save it as UTF-8")
                        .with_place(place),
                );
            }
            Err(error) => {
                let message = format!("this file cannot be read: {error}");
                self.error(path, "unreadable-file", message, "look at its rights");
            }
        }
    }
}

/// Something that may not be looked at is there; it is told when it is read.
fn is_there(path: &Path) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    !matches!(path.symlink_metadata(), Err(error) if matches!(error.kind(), NotFound | NotADirectory))
}

/// Hidden files and notes for people are nobody's configuration; `requests/` is of a later version.
fn passed_over(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    name.starts_with('.')
        || (name.ends_with(".md") && entry.file_type().is_file())
        || (name == "requests" && entry.depth() == 1 && entry.file_type().is_dir())
}

fn is_yaml(name: &str) -> bool {
    name.ends_with(".yml") || name.ends_with(".yaml")
}
