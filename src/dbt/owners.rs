//! Who owns a node, as dbt says it: the owner of its group, and `owner` in its `meta`. Read only
//! where a policy asks for owners.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::input;
use super::node::Manifest;
use super::raw::Entries;
use super::raw_value::Loose;
use crate::model::{Diagnostic, Diagnostics, Place};

/// Somebody who owns a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A person, by whatever name or address is written.
    User(String),
    /// A group.
    Group(String),
}

/// Owners by group and by node.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Owners {
    /// (package, group) → its owner.
    groups: BTreeMap<(String, String), Vec<Owner>>,
    /// `unique_id` → `meta.owner`.
    nodes: BTreeMap<String, Vec<Owner>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw<'a> {
    #[serde(borrow)]
    nodes: Section<'a>,
    #[serde(borrow)]
    sources: Section<'a>,
    #[serde(borrow)]
    groups: Section<'a>,
}

type Section<'a> = Option<Loose<Entries<'a, &'a RawValue>>>;

/// What a node says of itself, of whatever type.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawNode<'a> {
    #[serde(borrow)]
    meta: Option<&'a RawValue>,
    #[serde(borrow)]
    config: Option<&'a RawValue>,
}

impl Owners {
    /// Reads them of a manifest that has been read from the same bytes.
    pub(super) fn read(bytes: &[u8], file: &Path, found: &mut Diagnostics) -> Self {
        let mut owners = Self::default();
        let Ok(bytes) = input::text_of(bytes, file) else { return owners };
        let raw: Raw<'_> = match serde_json::from_slice(bytes) {
            Ok(raw) => raw,
            Err(error) => {
                found.push(input::not_readable(&error, bytes, file));
                return owners;
            }
        };
        let Raw { nodes, sources, groups } = raw;
        for (id, raw) in entries(groups) {
            owners.group(&id, raw, file, found);
        }
        for (section, entries_of) in [("nodes", nodes), ("sources", sources)] {
            for (id, raw) in entries(entries_of) {
                // Most nodes say nothing of the kind.
                if super::raw::has_relation(&id) && raw.get().contains("\"owner\"") {
                    owners.node(section, &id, raw, file, found);
                }
            }
        }
        owners
    }

    fn group(&mut self, id: &str, raw: &RawValue, file: &Path, found: &mut Diagnostics) {
        let Ok(group) = serde_json::from_str::<Value>(raw.get()) else { return };
        let text = |key: &str| group.get(key).and_then(Value::as_str).map(str::to_owned);
        let (Some(package), Some(name)) = (text("package_name"), text("name")) else { return };
        let Some(owner) = group.get("owner") else { return };
        // An address says who it is; a name may be a team's.
        let said = |key: &str| owner.get(key).filter(|value| !value.is_null());
        let Some(written) = said("email").or_else(|| said("name")) else { return };
        match people(written) {
            Some(people) => {
                self.groups.insert((package, name), people);
            }
            None => found.push(unread(file, &format!("groups.{id}.owner"), None)),
        }
    }

    fn node(
        &mut self,
        section: &str,
        id: &str,
        raw: &RawValue,
        file: &Path,
        found: &mut Diagnostics,
    ) {
        let Ok(node) = serde_json::from_str::<RawNode<'_>>(raw.get()) else { return };
        let value = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).ok();
        let config = node.config.and_then(value).and_then(|mut config| {
            config.get_mut("meta").map(Value::take).filter(|meta| !meta.is_null())
        });
        // dbt works with `config.meta` and copies it to `meta`.
        let meta = [("config.meta", config), ("meta", node.meta.and_then(value))];
        for (key, meta) in meta {
            let written = meta.as_ref().and_then(|meta| meta.get("owner"));
            let Some(written) = written.filter(|owner| !owner.is_null()) else { continue };
            match people(written) {
                Some(people) => {
                    self.nodes.insert(id.to_owned(), people);
                }
                None => {
                    found.push(unread(file, &format!("{section}.{id}.{key}.owner"), Some(id)));
                }
            }
            return;
        }
    }

    /// Who owns the dbt group that a node is in.
    pub fn of_group(&self, manifest: &Manifest, unique_id: &str) -> Vec<Owner> {
        let Some(node) = manifest.nodes.get(unique_id) else { return Vec::new() };
        let Some(group) = &node.group else { return Vec::new() };
        self.groups.get(&(node.package_name.clone(), group.clone())).cloned().unwrap_or_default()
    }

    /// Who owns dbt's groups, by name, of whatever package; users only.
    pub fn of_groups(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for ((_, group), owners) in &self.groups {
            let users = owners.iter().filter_map(|owner| match owner {
                Owner::User(name) => Some(name.clone()),
                Owner::Group(_) => None,
            });
            all.entry(group.clone()).or_default().extend(users);
        }
        all
    }

    /// Whom a node's `meta` names as its owner.
    pub fn of_meta(&self, unique_id: &str) -> Vec<Owner> {
        self.nodes.get(unique_id).cloned().unwrap_or_default()
    }
}

fn entries(section: Section<'_>) -> Vec<(Cow<'_, str>, &RawValue)> {
    match section {
        Some(Loose::Is(entries)) => entries.0,
        _ => Vec::new(),
    }
}

/// A text, `{user: …}`, `{group: …}`, or a list of these. Nothing else names anybody.
fn people(written: &Value) -> Option<Vec<Owner>> {
    match written {
        Value::Array(all) => {
            let all: Option<Vec<Vec<Owner>>> = all.iter().map(one).collect();
            Some(all?.into_iter().flatten().collect())
        }
        one_of => one(one_of),
    }
}

fn one(written: &Value) -> Option<Vec<Owner>> {
    match written {
        Value::String(name) if !name.trim().is_empty() => {
            Some(vec![Owner::User(name.trim().to_owned())])
        }
        Value::Object(map) if map.len() == 1 => {
            let (key, value) = map.iter().next()?;
            let name = value.as_str().map(str::trim).filter(|name| !name.is_empty())?.to_owned();
            match key.as_str() {
                "user" => Some(vec![Owner::User(name)]),
                "group" => Some(vec![Owner::Group(name)]),
                _ => None,
            }
        }
        _ => None,
    }
}

fn unread(file: &Path, path: &str, node: Option<&str>) -> Diagnostic {
    let warning = Diagnostic::warning("owner-unread", "this owner names nobody")
        .with_place(Place::file(file))
        .with_path(path)
        .with_help("write a name or an address, {user: NAME}, {group: NAME}, or a list of these");
    match node {
        Some(node) => warning.with_node(node),
        None => warning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_names_addresses_users_and_groups() {
        let user = |name: &str| Owner::User(name.into());
        for (written, wanted) in [
            (serde_json::json!("jane"), Some(vec![user("jane")])),
            (serde_json::json!(["jane", {"group": "bi"}]), {
                Some(vec![user("jane"), Owner::Group("bi".into())])
            }),
            (serde_json::json!({"user": "jane"}), Some(vec![user("jane")])),
            (serde_json::json!({"name": "jane"}), None),
            (serde_json::json!(["jane", 3]), None),
            (serde_json::json!(""), None),
            (serde_json::json!(true), None),
        ] {
            assert_eq!(people(&written), wanted, "{written}");
        }
    }

    #[test]
    fn a_group_s_address_goes_before_its_name() {
        let manifest = serde_json::json!({
            "groups": {"group.shop.fin": {"name": "fin", "package_name": "shop",
                "owner": {"name": "Finance", "email": "fin@acme.example"}}},
            "nodes": {"model.shop.a": {"config": {"meta": {"owner": "ann"}}, "meta": {"owner": "bob"}},
                      "model.shop.b": {"meta": {"owner": {"team": "x"}}}},
        });
        let mut found = Diagnostics::default();
        let owners = Owners::read(manifest.to_string().as_bytes(), Path::new("m.json"), &mut found);
        let fin = owners.groups.get(&("shop".into(), "fin".into()));
        assert_eq!(fin, Some(&vec![Owner::User("fin@acme.example".into())]));
        assert_eq!(owners.of_meta("model.shop.a"), [Owner::User("ann".into())]);
        let codes: Vec<_> = found.iter().map(|d| d.code).collect();
        assert_eq!(codes, ["owner-unread"]);
    }
}
