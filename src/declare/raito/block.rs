//! One `meta.raito` block as Raito's documentation has it: what is read of it, and what is not.
//!
//! Sources: docs.raito.io, "dbt" (a `grant` array; its first example writes the list itself) and
//! "Grants" (Read is SELECT, Write is INSERT, UPDATE, DELETE and TRUNCATE on a table).

use serde_json::{Map, Value};

use super::super::block::{is_known, kind_of};
use super::places::Places;
use crate::dbt::{Node, ResourceType};
use crate::model::{Diagnostic, Diagnostics, Place};

/// One element of `grant`, in our words.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub name: String,
    /// Permissions and raw privileges, each once.
    pub permissions: Vec<String>,
    pub owners: Vec<String>,
    pub category: Option<String>,
    pub kind: Option<String>,
    pub place: Option<Place>,
    /// Where it stands in the node: `meta.raito.grant[0]`.
    pub path: String,
}

const SHAPE: &str = "write it as `raito: {grant: [{name: …, global_permissions: [READ]}]}`";

/// What a node's block grants. What is not applied is named, each with its place.
pub(super) fn read(node: &Node, places: &Places<'_>, found: &mut Diagnostics) -> Vec<Grant> {
    let Some(meta) = &node.raito else { return Vec::new() };
    let mut reader = Reader { node, places, found };
    for (column, block) in &meta.columns {
        let what = match block.get("mask").and_then(|mask| mask.get("name")) {
            Some(Value::String(name)) => format!("the mask `{name}` on the column {column}"),
            _ => format!("Raito's block on the column {column}"),
        };
        let help = "what the column shows to whom stays as it is: mask it in the warehouse, or keep it in a model of its own";
        reader.not_applied(
            &what,
            help,
            &format!("columns.{column}.meta.raito"),
            places.column(column),
        );
    }
    let grants = match &meta.block {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(grants)) => reader.grants(grants, "meta.raito"),
        Some(Value::Object(block)) => reader.block(block),
        Some(other) => {
            reader.shape("meta.raito", "an object with `grant`", other, places.block());
            Vec::new()
        }
    };
    if node.resource_type == ResourceType::Source && !grants.is_empty() {
        let what = "a grant on a source";
        let help = "Raito reads models, seeds and snapshots alone; declare it in `meta.rolecall`";
        reader.not_applied(what, help, "meta.raito", places.block());
        return Vec::new();
    }
    grants
}

/// A permission in our words.
fn ours(word: &str, global: bool) -> Option<String> {
    let lower = word.to_ascii_lowercase();
    match lower.as_str() {
        "read" | "write" | "admin" => Some(lower),
        // Ownership is moved and never granted.
        "own" | "ownership" => None,
        _ if !global && is_known(word) => Some(word.to_ascii_uppercase()),
        _ => None,
    }
}

/// All permissions of one element of `grant`; `None` where one is none.
pub(super) fn words(grant: &Value) -> Option<Vec<String>> {
    let mut words = Vec::new();
    // In the order of the keys, as they are read.
    for (key, value) in grant.as_object()? {
        let global = key == "global_permissions";
        if !global && key != "permissions" {
            continue;
        }
        let one = std::slice::from_ref(value);
        let items = value.as_array().map_or(one, Vec::as_slice);
        for item in items.iter().filter(|item| !item.is_null()) {
            words.push(ours(item.as_str()?, global)?);
        }
    }
    Some(words)
}

struct Reader<'r> {
    node: &'r Node,
    places: &'r Places<'r>,
    found: &'r mut Diagnostics,
}

impl Reader<'_> {
    fn block(&mut self, block: &Map<String, Value>) -> Vec<Grant> {
        let mut grants = Vec::new();
        for (key, value) in block {
            let path = format!("meta.raito.{key}");
            match (key.as_str(), value) {
                ("grant", Value::Array(items)) => grants = self.grants(items, &path),
                ("grant", Value::Null) => {}
                ("grant", other) => {
                    self.shape(&path, "a list of grants", other, self.places.key(key));
                }
                ("filter" | "mask", value) => self.filters(key, value, &path),
                (other, _) => {
                    let what = format!("`{other}`");
                    self.not_applied(
                        &what,
                        "rolecall knows nothing of it",
                        &path,
                        self.places.key(key),
                    );
                }
            }
        }
        grants
    }

    /// Rows and values that are hidden are no matter of roles and grants: each is named.
    fn filters(&mut self, key: &str, value: &Value, path: &str) {
        let one = std::slice::from_ref(value);
        let items = value.as_array().map_or(one, Vec::as_slice);
        for (at, item) in items.iter().enumerate() {
            let name = item.get("name").and_then(Value::as_str);
            let place = name.and_then(|name| self.places.named(key, name));
            let place = place.or_else(|| self.places.key(key));
            let what = match name {
                Some(name) => format!("the {key} `{name}`"),
                None => format!("a {key}"),
            };
            let path = if value.is_array() { format!("{path}[{at}]") } else { path.to_owned() };
            let help = "whoever may read the relation sees all of it: filter in the warehouse, or in a view that is granted in its place";
            self.not_applied(&what, help, &path, place);
        }
    }

    fn grants(&mut self, items: &[Value], path: &str) -> Vec<Grant> {
        let each = |(at, item): (usize, &Value)| self.grant(item, format!("{path}[{at}]"));
        items.iter().enumerate().filter_map(each).collect()
    }

    fn grant(&mut self, item: &Value, path: String) -> Option<Grant> {
        let Value::Object(item) = item else {
            self.shape(&path, "an object with `name`", item, self.places.block());
            return None;
        };
        let name = match item.get("name") {
            Some(Value::String(name)) if !name.trim().is_empty() => name.clone(),
            other => {
                let other = other.unwrap_or(&Value::Null);
                self.shape(&format!("{path}.name"), "the grant's name", other, self.places.block());
                return None;
            }
        };
        let place = self.places.named("grant", &name).or_else(|| self.places.block());
        let mut grant = Grant {
            name,
            permissions: Vec::new(),
            owners: Vec::new(),
            category: None,
            kind: None,
            place,
            path,
        };
        for (key, value) in item {
            let path = format!("{}.{key}", grant.path);
            match key.as_str() {
                "name" => {}
                "permissions" | "global_permissions" => {
                    for word in self.texts(value, &path, &grant) {
                        self.permission(&word, key == "global_permissions", &path, &mut grant);
                    }
                }
                "owners" => grant.owners = self.texts(value, &path, &grant),
                "category" => grant.category = self.text(value, &path, &grant),
                "type" => grant.kind = self.text(value, &path, &grant),
                other => {
                    let what = format!("`{other}` of the grant `{}`", grant.name);
                    self.not_applied(
                        &what,
                        "rolecall knows nothing of it",
                        &path,
                        grant.place.clone(),
                    );
                }
            }
        }
        Some(grant)
    }

    fn permission(&mut self, word: &str, global: bool, path: &str, grant: &mut Grant) {
        let Some(known) = ours(word, global) else {
            let message = format!("{word:?} of the grant `{}` is no permission", grant.name);
            let help = if global {
                "global permissions are Read, Write and Admin"
            } else {
                "permissions are privileges of the warehouse by their SQL names, such as SELECT"
            };
            let found = Diagnostic::error("unknown-permission", message).with_help(help);
            self.say(found, path, grant.place.clone());
            return;
        };
        if !grant.permissions.contains(&known) {
            grant.permissions.push(known);
        }
    }

    fn text(&mut self, value: &Value, path: &str, grant: &Grant) -> Option<String> {
        match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => {
                self.shape(path, "a text", other, grant.place.clone());
                None
            }
        }
    }

    fn texts(&mut self, value: &Value, path: &str, grant: &Grant) -> Vec<String> {
        let one = std::slice::from_ref(value);
        let items = match value {
            Value::Null => return Vec::new(),
            Value::Array(items) => items.as_slice(),
            Value::String(_) => one,
            other => {
                self.shape(path, "a list of texts", other, grant.place.clone());
                return Vec::new();
            }
        };
        items.iter().filter_map(|item| self.text(item, path, grant)).collect()
    }

    fn shape(&mut self, path: &str, wanted: &str, value: &Value, place: Option<Place>) {
        let what = format!("`{path}` should be {wanted}, and is {}", kind_of(value));
        self.say(Diagnostic::error("meta-type", what).with_help(SHAPE), path, place);
    }

    fn not_applied(&mut self, what: &str, help: &str, path: &str, place: Option<Place>) {
        let message = format!("{what} is not applied");
        self.say(Diagnostic::warning("raito-not-applied", message).with_help(help), path, place);
    }

    fn say(&mut self, diagnostic: Diagnostic, path: &str, place: Option<Place>) {
        let diagnostic = diagnostic.with_node(&self.node.unique_id).with_path(path);
        let place = place.or_else(|| self.places.block());
        self.found.push(match place {
            Some(place) => diagnostic.with_place(place),
            None => diagnostic,
        });
    }
}
