//! People and their attributes, and the rules that pick some of them.
//!
//! A [`Directory`] is read once, from whatever source, into columns; a [`Rule`] is parsed once and
//! asks whole columns at a time. Policies and members use both through this one interface.

mod build;
mod csv;
mod file;
mod json;
mod matching;
mod parse;
mod rows;
mod rule;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use file::{read_file, read_text};
pub use matching::Problem;
pub use rows::{People, from_people};
pub use rule::{Rule, RuleError};
pub use value::{Number, Value};

/// Everybody who is known, and what is known of them.
///
/// Its `Debug` shows no name and no value: both are people's data.
#[derive(Clone, PartialEq, Eq)]
pub struct Directory {
    names: Vec<Box<str>>,
    columns: BTreeMap<Box<str>, Column>,
}

/// One attribute of everybody.
#[derive(Clone, PartialEq, Eq, Default)]
struct Column {
    /// The values that somebody has, each once.
    values: Vec<Value>,
    /// Of each person: 0 for a missing attribute, else the value's number from 1.
    cells: Vec<u32>,
}

impl Directory {
    /// How many people there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The name of a person, by the number that a rule gives.
    pub fn name(&self, person: usize) -> &str {
        self.names.get(person).map_or("", |name| name)
    }

    /// The attributes that at least one person has, sorted.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(|(_, c)| !c.values.is_empty()).map(|(name, _)| &**name)
    }

    /// An attribute of a person; `None` where it is missing.
    pub fn attribute(&self, person: usize, attribute: &str) -> Option<&Value> {
        let column = self.columns.get(attribute)?;
        let id = *column.cells.get(person)?;
        column.values.get((id as usize).checked_sub(1)?)
    }
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let attributes: Vec<&str> = self.columns.keys().map(|name| &**name).collect();
        f.debug_struct("Directory")
            .field("people", &self.names.len())
            .field("attributes", &attributes)
            .finish()
    }
}

/// What is known of people where something is resolved.
#[derive(Debug, Clone, Default)]
pub enum Known {
    /// No directory is configured: a rule is an error.
    #[default]
    Nothing,
    /// A query says it, and no warehouse has been asked: rules are left open.
    Unasked,
    /// Everything.
    People(Arc<Directory>),
}
