//! Finds and reads the files in `rolecall/requests/`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::request::RequestFile;
use crate::model::{Diagnostic, Diagnostics, Place};

/// The folder, from the project's.
const FOLDER: &str = "rolecall/requests";
/// A larger file is not read: a request takes a hundredth of it.
const LARGEST_FILE: u64 = 64 * 1024;

/// The texts of all requests, by name; what cannot be read is told, and the rest is there.
pub fn load_requests(project_dir: &Path) -> (Vec<RequestFile>, Diagnostics) {
    let mut files = Vec::new();
    let mut found = Diagnostics::default();
    let mut error = |path: &Path, code, message: String, help: &str| {
        found.push(Diagnostic::error(code, message).with_help(help).with_place(Place::file(path)));
    };
    let link = "this is a symbolic link, and links are not followed".to_owned();
    let own = "put the file itself here: a link would get round the review of its folder";
    for folder in ["rolecall", FOLDER] {
        let there = project_dir.join(folder).symlink_metadata();
        if there.is_ok_and(|there| there.is_symlink()) {
            error(Path::new(folder), "symbolic-link", link, own);
            return (files, found);
        }
    }
    let entries = match fs::read_dir(project_dir.join(FOLDER)) {
        Ok(entries) => entries,
        Err(problem) => {
            use std::io::ErrorKind::{NotADirectory, NotFound};
            if !matches!(problem.kind(), NotFound | NotADirectory) {
                let message = format!("this folder cannot be read: {problem}");
                error(Path::new(FOLDER), "unreadable-file", message, "look at its rights");
            }
            return (files, found);
        }
    };
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    // By request: `x` before `x-2`.
    names
        .sort_by_cached_key(|name| (Path::new(name).file_stem().map(OsString::from), name.clone()));
    for name in names {
        let shown = name.to_string_lossy();
        if shown.starts_with('.') || !(shown.ends_with(".yml") || shown.ends_with(".yaml")) {
            continue;
        }
        let path: PathBuf = Path::new(FOLDER).join(&name);
        let full = project_dir.join(&path);
        let said = match full.symlink_metadata() {
            Ok(there) if there.is_symlink() => Err(("symbolic-link", link.clone(), own)),
            Ok(there) if !there.is_file() || there.len() > LARGEST_FILE => Err((
                "unreadable-file",
                format!("this is no file of at most {LARGEST_FILE} bytes"),
                "put one request into one file",
            )),
            _ => fs::read_to_string(&full).map_err(|problem| {
                let message = format!("this file cannot be read: {problem}");
                ("unreadable-file", message, "save it as UTF-8, and look at its rights")
            }),
        };
        match said {
            Ok(text) => files.push(RequestFile { path, text }),
            Err((code, message, help)) => error(&path, code, message, help),
        }
    }
    (files, found)
}
