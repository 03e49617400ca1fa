//! People as a warehouse answers.

use super::build::{Builder, Origin};
use super::{Directory, Value};
use crate::model::{Diagnostics, Place};

/// The answer to a query: columns, and a row for each person. Its `Debug` shows no value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct People {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each as wide as `columns`; `None` for a missing attribute.
    pub rows: Vec<Vec<Option<Value>>>,
}

/// A directory out of what a query brought. `query` is where it stands in the configuration.
///
/// # Errors
/// No key, two columns of one name, a person twice, nobody.
pub fn from_people(people: &People, key: &str, query: &Place) -> Result<Directory, Diagnostics> {
    let mut builder = Builder::new(Origin::Query(query.clone()), key);
    builder.header(people.columns.iter().map(String::as_str), None);
    if builder.has_errors() {
        return builder.finish();
    }
    let at_key = people.columns.iter().position(|name| name.trim() == key).unwrap_or_default();
    for row in &people.rows {
        let name = row.get(at_key).and_then(Option::as_ref);
        if builder.person(None, name).is_none() {
            continue;
        }
        for (column, value) in row.iter().enumerate() {
            if let Some(value) = value {
                builder.set(column, value.clone());
            }
        }
    }
    builder.finish()
}
