//! Who somebody is by what one revision says: by their names, by what its templates make of names, and
//! by its directory of people.

use std::collections::BTreeSet;

use super::Author;
use crate::config::Config;
use crate::directory::{Directory, Rule, Value};

/// The attribute that lists a person's groups.
const GROUPS: &str = "groups";

/// What one revision knows of people.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    pub config: &'a Config,
    pub directory: Option<&'a Directory>,
}

impl Sight<'_> {
    /// Whether a user's name is the author's, as it is written or as an environment's template writes
    /// it.
    pub fn is(self, author: &Author, name: &str) -> bool {
        author.is(name) || self.config.user_names(name).iter().any(|name| author.is(name))
    }

    /// Whether a rule admits the author.
    pub fn matches(self, author: &Author, rule: &Rule) -> bool {
        let Some(directory) = self.directory else { return false };
        let is_it = |person: &usize| self.is_person(author, directory, *person);
        directory.matching(rule).iter().any(is_it)
    }

    /// Whether a group is the author, where users and groups are both roles, or the directory lists the
    /// author in it.
    pub fn is_in(self, author: &Author, group: &str) -> bool {
        if author.is(group) || self.config.group_names(group).iter().any(|name| author.is(name)) {
            return true;
        }
        let is_it = |value: &String| value.to_lowercase() == group.to_lowercase();
        self.values(author, GROUPS).iter().any(is_it)
    }

    /// The author's values of an attribute.
    pub fn values(self, author: &Author, attribute: &str) -> BTreeSet<String> {
        let Some(directory) = self.directory else { return BTreeSet::new() };
        let those = (0..directory.len())
            .filter_map(|person| Some((person, directory.attribute(person, attribute)?)))
            .filter(|(person, _)| self.is_person(author, directory, *person));
        those.flat_map(|(_, value)| texts(value)).map(str::to_owned).collect()
    }

    /// By the name, or by an address that stands in any column: on the safe side.
    fn is_person(self, author: &Author, directory: &Directory, person: usize) -> bool {
        let has_address = || {
            directory
                .attributes()
                .filter_map(|name| directory.attribute(person, name))
                .flat_map(texts)
                .any(|text| text.contains('@') && author.is(text))
        };
        self.is(author, directory.name(person)) || has_address()
    }
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Text(text) => vec![text],
        Value::List(items) => items.iter().flat_map(texts).collect(),
        Value::Number(_) | Value::Truth(_) | Value::Other => Vec::new(),
    }
}
