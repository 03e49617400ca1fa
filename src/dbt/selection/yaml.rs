//! `selectors.yml`: selections with names, in all the forms that dbt 1.11 reads.

use std::collections::BTreeMap;
use std::path::Path;

use super::spec::{Selector, SelectorError, Spec};
use crate::config::tree::{self, Node, Source, Value};
use crate::model::diagnostic::nearest;
use crate::model::{Diagnostic, Diagnostics};

/// The selections of a `selectors.yml`, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selectors {
    by_name: BTreeMap<String, Selector>,
    /// The one that says `default: true`: what dbt runs where nothing is selected.
    pub default: Option<String>,
}

impl Selectors {
    /// The one of that name.
    ///
    /// # Errors
    /// There is none; the names that there are stand in the help.
    pub fn get(&self, name: &str) -> Result<&Selector, SelectorError> {
        self.by_name.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
            let help = match (nearest(name, names.iter().copied()), names.is_empty()) {
                (Some(near), _) => format!("did you mean {near}?"),
                (None, true) => "the file has none".to_owned(),
                (None, false) => format!("the file has {}", names.join(", ")),
            };
            super::spec::error(format!("no selector is named {name:?} in selectors.yml"), help)
        })
    }
}

/// Reads a file's text. Everything that is wrong is found at once, with its line.
pub fn read_selectors(text: &str, file: &Path) -> (Option<Selectors>, Diagnostics) {
    let source = Source::new(file, text);
    let mut reader = Reader { source: &source, found: Diagnostics::default(), copied: 0 };
    let selectors = match tree::read(text, &source) {
        Ok(root) => reader.file(&root),
        Err(error) => {
            reader.found.push(*error);
            Selectors::default()
        }
    };
    let found = reader.found;
    ((!found.has_errors()).then_some(selectors), found)
}

pub(super) struct Reader<'t> {
    pub source: &'t Source<'t>,
    pub found: Diagnostics,
    /// How many parts of selectors were taken into others.
    pub copied: usize,
}

pub(super) type Entries<'n> = Vec<(&'n str, &'n Node)>;

impl Reader<'_> {
    pub fn error(&mut self, at: &Node, message: impl Into<String>, help: impl Into<String>) {
        self.found.push(
            Diagnostic::error("bad-selectors-file", message)
                .with_place(self.source.place(at))
                .with_help(help),
        );
    }

    /// The entries of a map whose keys are texts, each once.
    pub fn entries<'n>(&mut self, node: &'n Node, what: &str) -> Option<Entries<'n>> {
        let Value::Map(pairs) = &node.value else {
            let message = format!("{what} must be a map, not {}", node.value.describe());
            self.error(node, message, "write `key: value` lines");
            return None;
        };
        let mut entries: Entries<'n> = Vec::new();
        for (key, value) in pairs {
            let Value::Text(name) = &key.value else {
                let message = format!("a key must be text, not {}", key.value.describe());
                self.error(key, message, "put it in quotes");
                return None;
            };
            if entries.iter().any(|(other, _)| other == name) {
                self.error(key, format!("the key `{name}` is said twice"), "say it once");
                return None;
            }
            entries.push((name, value));
        }
        Some(entries)
    }

    fn file(&mut self, root: &Node) -> Selectors {
        let mut selectors = Selectors::default();
        if matches!(root.value, Value::Null) {
            return selectors;
        }
        let Some(entries) = self.entries(root, "selectors.yml") else { return selectors };
        for (key, value) in &entries {
            if !["selectors", "version"].contains(key) {
                let message = format!("`{key}` is no key of selectors.yml");
                self.error(value, message, "it has `selectors:` (and `version: 2`)");
            }
        }
        let Some((_, list)) = entries.iter().find(|(key, _)| *key == "selectors") else {
            self.error(root, "there is no `selectors:`", "write `selectors:` and a list below it");
            return selectors;
        };
        let Value::List(items) = &list.value else {
            let message = format!("`selectors` must be a list, not {}", list.value.describe());
            self.error(list, message, "write `- name: …` and `definition: …` below it");
            return selectors;
        };
        for item in items {
            self.selector(item, &mut selectors);
        }
        selectors
    }

    fn selector(&mut self, item: &Node, selectors: &mut Selectors) {
        let Some(entries) = self.entries(item, "a selector") else { return };
        let get = |wanted: &str| entries.iter().find(|(key, _)| *key == wanted).map(|(_, v)| *v);
        for (key, value) in &entries {
            if !["name", "definition", "description", "default"].contains(key) {
                let message = format!("`{key}` is no key of a selector");
                let help = "a selector has `name`, `definition`, `description` and `default`";
                self.error(value, message, help);
            }
        }
        let name = match get("name").map(|node| &node.value) {
            Some(Value::Text(name)) => name.clone(),
            _ => {
                self.error(item, "a selector has no `name`", "write `name: …`");
                return;
            }
        };
        match get("default").map(|node| (node, &node.value)) {
            None | Some((_, Value::Bool(false))) => {}
            Some((node, Value::Bool(true))) => {
                if let Some(first) = selectors.default.replace(name.clone()) {
                    let message = format!("{first} and {name} are both the default");
                    self.error(node, message, "say `default: true` on one of them");
                }
            }
            Some((node, other)) => {
                let message = format!("`default` must be true or false, not {}", other.describe());
                self.error(node, message, "write `default: true`, or take it out");
            }
        }
        let Some(definition) = get("definition") else {
            self.error(item, format!("{name} has no `definition`"), "write `definition: …`");
            return;
        };
        let Some(spec) = self.definition(definition, true, selectors) else { return };
        let spec = Spec::Part(name.clone(), Box::new(spec));
        if selectors.by_name.insert(name.clone(), Selector { spec }).is_some() {
            self.error(item, format!("the selector {name} is said twice"), "give one another name");
        }
    }
}
