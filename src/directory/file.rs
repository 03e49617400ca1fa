//! A directory from a file: the only I/O of this module.

use std::path::Path;

use super::build::Origin;
use super::{Directory, csv, json};
use crate::model::{Diagnostic, Diagnostics, Place};

/// A hundred thousand people with twenty attributes take a tenth of it.
const LARGEST: u64 = 512 * 1024 * 1024;

/// Reads a file of people: JSON where its name ends in `.json`, else CSV. `shown` is what messages
/// call it.
///
/// # Errors
/// Everything that is wrong with it, each with its line.
pub fn read_file(path: &Path, shown: &Path, key: &str) -> Result<Directory, Diagnostics> {
    let wrong = |message: String, help: &str| {
        let error = Diagnostic::error("unreadable-directory", message).with_help(help);
        Err(Diagnostics::from_iter([error.with_place(Place::file(shown))]))
    };
    let there = "name the file of people by `directory: {path: …}`, or by --directory";
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return wrong(format!("this directory cannot be read: {error}"), there),
    };
    if !metadata.is_file() {
        return wrong("this is not a file".to_owned(), there);
    }
    if metadata.len() > LARGEST {
        let what = format!("this file holds {} bytes", metadata.len());
        return wrong(what, "export people with fewer attributes");
    }
    match std::fs::read(path) {
        Err(error) => wrong(format!("this directory cannot be read: {error}"), there),
        Ok(bytes) => read_text(&bytes, shown, key),
    }
}

/// The same, of what a file holds.
///
/// # Errors
/// Everything that is wrong with it, each with its line.
pub fn read_text(bytes: &[u8], shown: &Path, key: &str) -> Result<Directory, Diagnostics> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let place = Place { line: u32::try_from(line).ok(), ..Place::file(shown) };
            let error = Diagnostic::error("unreadable-directory", "this is not UTF-8 text")
                .with_help("save it as UTF-8")
                .with_place(place);
            return Err(Diagnostics::from_iter([error]));
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let origin = Origin::File(shown.to_owned());
    let is_json = shown.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if is_json { json::read(text, origin, key) } else { csv::read(text, origin, key) }
}
