//! `directory:`, checked in itself.

use schemars::JsonSchema;

use super::Located;
use super::guards::is_inside;
use super::raw::Keys;
use super::reader::{Reader, printable, said_twice};
use super::tree::{Node, Value};
use crate::model::{Diagnostic, Diagnostics, Place};

/// A directory of people: exactly one of `path` and `query`.
#[derive(Debug, JsonSchema)]
#[schemars(
    deny_unknown_fields,
    rename = "directory",
    extend("oneOf" = [{"required": ["path"]}, {"required": ["query"]}])
)]
pub(super) struct RawDirectory {
    /// A CSV or JSON file, from the project's folder.
    pub path: Option<Located<String>>,
    /// One SELECT over the connection that plans.
    pub query: Option<Located<String>>,
    /// The column or attribute that is a person's name.
    #[schemars(required, with = "String")]
    pub key: Option<Located<String>>,
    /// Where it stands.
    #[schemars(skip)]
    pub place: Place,
}

/// The keys of a directory.
const DIRECTORY: Keys = Keys { of: "a directory", known: &["path", "query", "key"] };
impl RawDirectory {
    /// Reads the block.
    pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let is_map = matches!(node.value, Value::Map(_) | Value::Null);
        let fields = reader.fields(node, &DIRECTORY);
        // Whatever else it is has been said.
        is_map.then(|| Self {
            path: reader.text(&fields, "path"),
            query: reader.text(&fields, "query"),
            key: reader.text(&fields, "key"),
            place: reader.source.place(node),
        })
    }
}

/// Where people and their attributes come from.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectorySource {
    /// From where.
    pub from: PeopleFrom,
    /// The column or attribute that is a person's name.
    pub key: Located<String>,
    /// Where it is declared.
    pub place: Place,
}

/// A file or a query.
#[derive(Debug, Clone, PartialEq)]
pub enum PeopleFrom {
    /// CSV or JSON, from the project's folder.
    File(Located<String>),
    /// One SELECT over the warehouse's own connection.
    Query(Located<String>),
}

/// Takes what one file says; it is said once.
pub(super) fn once(
    slot: &mut Option<DirectorySource>,
    new: Option<RawDirectory>,
    diagnostics: &mut Diagnostics,
) {
    let Some(RawDirectory { path, query, key, place }) = new else { return };
    if let Some(first) = slot {
        diagnostics.push(said_twice("`directory`", place, &first.place));
        return;
    }
    let error = |code, message: String, help: &str, place: &Place| {
        Diagnostic::error(code, message).with_help(help).with_place(place.clone())
    };
    let from = match (path, query) {
        (Some(path), None) => {
            if !is_inside(&path.value) {
                diagnostics.push(error(
                    "outside-the-project",
                    format!("`{}` is not in the project's folder", printable(&path.value)),
                    "keep the file in the project, or name it on the command line by --directory",
                    &path.place,
                ));
            }
            PeopleFrom::File(path)
        }
        (None, Some(query)) => {
            if let Some(what) = not_a_query(&query.value) {
                let help = "write one SELECT; it runs in a transaction that only reads";
                diagnostics.push(error("invalid-query", what.to_owned(), help, &query.place));
            }
            PeopleFrom::Query(query)
        }
        (None, None) => {
            let what = "the directory has neither `path` nor `query`".to_owned();
            let help = "write directory: {path: people.csv, key: name}";
            diagnostics.push(error("missing-key", what, help, &place));
            return;
        }
        (Some(_), Some(query)) => {
            let what = "the directory has both `path` and `query`".to_owned();
            diagnostics.push(error("said-twice", what, "keep one of the two", &query.place));
            return;
        }
    };
    let Some(key) = key else {
        let what = "the directory has no `key`".to_owned();
        let help = "name the column of people's names: key: name";
        diagnostics.push(error("missing-key", what, help, &place));
        return;
    };
    *slot = Some(DirectorySource { from, key, place });
}

/// What is not a query at first sight. The server decides about the rest: one statement, which only
/// reads.
fn not_a_query(written: &str) -> Option<&'static str> {
    let word: String = written.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    let reads = ["select", "with", "values", "table"];
    (!reads.contains(&word.to_ascii_lowercase().as_str()))
        .then_some("the query does not begin with SELECT, WITH, VALUES or TABLE")
}
