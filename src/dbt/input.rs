//! What is wrong with a file that should be a manifest, said so that its owner knows what to do.

use std::borrow::Cow;
use std::path::Path;

use serde_json::error::Category;

use crate::model::{Diagnostic, Place};

/// Lines longer than this are not shown: a manifest is often one line of many megabytes.
const LONGEST_LINE: usize = 200;

/// The bytes without a UTF-8 byte order mark, if they can be JSON text at all.
pub(super) fn text_of<'a>(bytes: &'a [u8], file: &Path) -> Result<&'a [u8], Box<Diagnostic>> {
    let error = |code, message: &str, help: &str| {
        let found = Diagnostic::error(code, message).with_place(Place::file(file));
        Err(Box::new(found.with_help(help)))
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => text_of(rest, file),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, b'{', ..] | [b'{', 0, ..] => error(
            "manifest-encoding",
            "it is UTF-16 text, and a manifest is UTF-8",
            "use the file as dbt wrote it; PowerShell's `>` changes the encoding",
        ),
        _ if bytes.iter().all(u8::is_ascii_whitespace) => error(
            "manifest-empty",
            "the file is empty",
            "run `dbt parse` to write it again; a full disk or a killed dbt leaves an empty file",
        ),
        _ => Ok(bytes),
    }
}

/// A place in the bytes. `column` counts bytes from 1, as serde_json does; 0 is a line's start.
pub(super) fn place(bytes: &[u8], file: &Path, line: usize, column: usize) -> Place {
    let mut place = Place::file(file);
    if line == 0 {
        return place;
    }
    let text = bytes.split(|b| *b == b'\n').nth(line - 1).unwrap_or_default();
    let before = &text[..column.saturating_sub(1).min(text.len())];
    let characters = before.iter().filter(|b| (**b & 0xc0) != 0x80).count() + 1;
    place.line = u32::try_from(line).ok();
    place.column = u32::try_from(characters).ok();
    place.source = (text.len() <= LONGEST_LINE)
        .then(|| String::from_utf8_lossy(text).trim_end_matches('\r').to_owned());
    place
}

/// What serde_json could not read.
pub(super) fn not_readable(error: &serde_json::Error, bytes: &[u8], file: &Path) -> Diagnostic {
    let at = place(bytes, file, error.line(), error.column());
    // Without serde_json's own " at line 1 column 2": the place says it.
    let found = error.to_string();
    let found = found.split(" at line ").next().unwrap_or_default();
    if let Err(invalid) = std::str::from_utf8(bytes) {
        let before = &bytes[..invalid.valid_up_to()];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
        return Diagnostic::error(
            "manifest-encoding",
            format!("it is not UTF-8: byte {} cannot stand there", invalid.valid_up_to() + 1),
        )
        .with_place(place(bytes, file, line, column))
        .with_help("use the file as dbt wrote it");
    }
    match error.classify() {
        Category::Eof => Diagnostic::error(
            "manifest-cut",
            format!("the file ends in the middle, after {} bytes: {found}", bytes.len()),
        )
        .with_place(at)
        .with_help(
            "dbt may still be writing it, or was stopped; run `dbt parse` to write it again",
        ),
        Category::Syntax | Category::Io => {
            Diagnostic::error("manifest-not-json", format!("it is not JSON: {found}"))
                .with_place(at)
                .with_help("name the manifest.json that dbt wrote, by default target/manifest.json")
        }
        Category::Data if found.starts_with("invalid type") => not_a_manifest(None, &[], file),
        Category::Data => {
            Diagnostic::error("manifest-shape", format!("it is not as dbt writes it: {found}"))
                .with_place(at)
                .with_help("run `dbt parse` to write it again; dbt writes every key once")
        }
    }
}

/// A file of another kind; `kind` is the artifact that its schema version names.
pub(super) fn not_a_manifest(kind: Option<&str>, keys: &[Cow<'_, str>], file: &Path) -> Diagnostic {
    let says = |key: &str| keys.iter().any(|k| k == key);
    let what = match kind {
        Some("catalog") => "it is dbt's catalog.json, not a manifest".to_owned(),
        Some("run-results") => "it is dbt's run_results.json, not a manifest".to_owned(),
        Some("sources") => "it is dbt's sources.json (freshness), not a manifest".to_owned(),
        Some("manifest") => "it has no `nodes`, which every manifest has".to_owned(),
        Some(other) => format!("it is a dbt artifact of the kind {other:?}, not a manifest"),
        None if says("project_configuration") && says("semantic_models") => {
            "it is dbt's semantic_manifest.json, not the manifest".to_owned()
        }
        None if keys.is_empty() => {
            "it is JSON, but not a manifest: a manifest is an object with `metadata` and `nodes`"
                .to_owned()
        }
        None => {
            let keys: Vec<_> =
                keys.iter().map(|k| k.chars().take(40).collect::<String>()).collect();
            format!(
                "it is JSON, but not a manifest: it lacks `metadata` or `nodes`, and has {}",
                keys.iter().map(|k| format!("{k:?}")).collect::<Vec<_>>().join(", ")
            )
        }
    };
    Diagnostic::error("not-a-manifest", what)
        .with_place(Place::file(file))
        .with_help("name the manifest.json that dbt wrote, by default target/manifest.json")
}

/// `metadata` without a version: nothing of the rest can be trusted to mean what it seems to.
pub(super) fn no_schema_version(file: &Path) -> Diagnostic {
    Diagnostic::error("not-a-manifest", "it does not say which version of dbt's manifest it is")
        .with_place(Place::file(file))
        .with_path("metadata.dbt_schema_version")
        .with_help("use a manifest.json as dbt 0.19 or later writes it")
}

/// A value of another type than dbt writes.
pub(super) fn wrong_type(file: &Path, path: &str, wanted: &str, found: &str) -> Diagnostic {
    Diagnostic::error("manifest-shape", format!("`{path}` should be {wanted}, and is {found}"))
        .with_place(Place::file(file))
        .with_path(path)
        .with_help("run `dbt parse` to write the manifest again")
}
