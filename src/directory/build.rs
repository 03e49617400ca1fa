//! People, one at a time, into columns.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::{Column, Directory, Value};
use crate::config::unfit;
use crate::model::{Diagnostic, Diagnostics, Place};

/// Findings that are told; the rest is counted.
const TOLD: usize = 20;

/// Where people come from, for messages.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// A file.
    File(PathBuf),
    /// The query of the configuration, and where it stands.
    Query(Place),
}

impl Origin {
    /// A place in it. Never with the line's text: that is somebody's data.
    pub fn place(&self, line: Option<u32>) -> Place {
        match self {
            Self::File(path) => Place { line, ..Place::file(path) },
            Self::Query(place) => place.clone(),
        }
    }
}

/// Reads people into columns, and collects what is wrong with them.
pub(super) struct Builder<'k> {
    origin: Origin,
    key: &'k str,
    names: Vec<Box<str>>,
    /// Names without their case → where they were said: two that differ in case alone are one login
    /// in most warehouses.
    seen: HashMap<String, Option<u32>>,
    columns: Vec<(Box<str>, Column, HashMap<Value, u32>)>,
    by_name: HashMap<Box<str>, usize>,
    found: Diagnostics,
    untold: usize,
}

impl<'k> Builder<'k> {
    pub fn new(origin: Origin, key: &'k str) -> Self {
        Self {
            origin,
            key,
            names: Vec::new(),
            seen: HashMap::new(),
            columns: Vec::new(),
            by_name: HashMap::new(),
            found: Diagnostics::default(),
            untold: 0,
        }
    }

    /// Something is wrong at a line.
    pub fn wrong(&mut self, line: Option<u32>, code: &'static str, message: &str, help: &str) {
        if self.found.len() >= TOLD {
            self.untold += 1;
            return;
        }
        self.found.push(
            Diagnostic::error(code, message).with_place(self.origin.place(line)).with_help(help),
        );
    }

    /// Whether something was wrong so far.
    pub fn has_errors(&self) -> bool {
        self.found.has_errors()
    }

    /// The number of a column.
    pub fn column(&mut self, name: &str) -> usize {
        if let Some(at) = self.by_name.get(name) {
            return *at;
        }
        let at = self.columns.len();
        self.by_name.insert(name.into(), at);
        self.columns.push((name.into(), Column::default(), HashMap::new()));
        at
    }

    /// The columns of a table: each said once and not empty, and the key among them.
    pub fn header<'n>(&mut self, names: impl IntoIterator<Item = &'n str>, line: Option<u32>) {
        let mut count = 0_usize;
        for name in names {
            count += 1;
            let name = name.trim();
            if name.is_empty() {
                let what = format!("the column {count} has no name");
                self.wrong(line, "directory-columns", &what, "name it, or leave it out");
            } else if self.by_name.contains_key(name) {
                let what = format!("there are two columns {name:?}");
                self.wrong(line, "directory-columns", &what, "keep one of the two");
            }
            self.column(name);
        }
        if !self.by_name.contains_key(self.key) {
            let what = format!("there is no column {:?}, which is the key", self.key);
            let near = crate::model::diagnostic::nearest(
                self.key,
                self.columns.iter().map(|(name, _, _)| &**name),
            );
            let help = match near {
                Some(near) => format!("did you mean `{near}`? `directory:` names it as `key`"),
                None if count == 1 => {
                    "there is one column in all: separate columns by commas, not by semicolons or tabs"
                        .to_owned()
                }
                None => "`directory:` names the column of people's names as `key`".to_owned(),
            };
            self.wrong(line, "directory-key", &what, &help);
        }
    }

    /// A person begins. `None` where the name is no name or somebody has it already.
    pub fn person(&mut self, line: Option<u32>, key: Option<&Value>) -> Option<usize> {
        let name = match key {
            Some(Value::Text(name)) => name.clone(),
            Some(other) => {
                let what = format!("the key is {}, not text", other.kind());
                self.wrong(line, "directory-key", &what, "a person's name is text");
                return None;
            }
            None => {
                let what = "a person has no name: the key is empty";
                self.wrong(line, "directory-key", what, "fill it in, or leave the line out");
                return None;
            }
        };
        if let Some(why) = unfit(&name) {
            let what = format!("a person's name {why}");
            self.wrong(line, "directory-key", &what, "write the name as the warehouse has it");
            return None;
        }
        if let Some(first) = self.seen.insert(name.to_lowercase(), line) {
            let what = match first {
                Some(first) => format!("this person stands in line {first} already"),
                None => "a person is there twice".to_owned(),
            };
            let help = "keep one: names that differ in upper and lower case alone are one person's";
            self.wrong(line, "directory-person-twice", &what, help);
            return None;
        }
        self.names.push(name);
        Some(self.names.len() - 1)
    }

    /// An attribute of the person who began last.
    pub fn set(&mut self, column: usize, value: Value) {
        let person = self.names.len().saturating_sub(1);
        let Some((_, column, ids)) = self.columns.get_mut(column) else { return };
        let id = match ids.get(&value) {
            Some(id) => *id,
            None => {
                column.values.push(value.clone());
                let id = u32::try_from(column.values.len()).unwrap_or(u32::MAX);
                ids.insert(value, id);
                id
            }
        };
        column.cells.resize(person, 0);
        column.cells.push(id);
    }

    /// The directory, where nothing was wrong.
    pub fn finish(mut self) -> Result<Directory, Diagnostics> {
        if self.names.is_empty() && !self.found.has_errors() {
            let help = "an empty directory would take everybody out whom a rule has let in";
            self.wrong(None, "directory-empty", "nobody is in this directory", help);
        }
        if self.untold > 0 {
            let more = format!("{} more of the like", self.untold);
            self.found.push(
                Diagnostic::error("directory-more", more)
                    .with_place(self.origin.place(None))
                    .with_help("mend those that are told, and look again"),
            );
        }
        if self.found.has_errors() {
            return Err(self.found);
        }
        let people = self.names.len();
        let columns: BTreeMap<Box<str>, Column> = self
            .columns
            .into_iter()
            .map(|(name, mut column, _)| {
                column.cells.resize(people, 0);
                (name, column)
            })
            .collect();
        Ok(Directory { names: self.names, columns })
    }
}
