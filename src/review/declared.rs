//! What a change does to declarations beside the models: blocks of `meta` in YAML, and `config()` in
//! SQL and Python.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Reviewed;
use crate::dbt::KEY;
use crate::declare::{Said, config_calls, in_config_call};
use crate::model::Place;

/// dbt's own grants are access too.
const DBT_GRANTS: [&str; 2] = ["grants", "+grants"];

/// What policies, and the products' `outputs`, choose nodes by.
const CHOSEN_BY: [&str; 8] =
    ["tags", "+tags", "group", "+group", "owner", "materialized", "+materialized", "access"];

/// Files of dbt's that decide for all nodes.
const OF_ALL: [&str; 6] = [
    "dbt_project.yml",
    "dbt_project.yaml",
    "packages.yml",
    "dependencies.yml",
    "package-lock.yml",
    "selectors.yml",
];

/// A declaration that a change touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Whose; `None` where it cannot be said.
    pub product: Option<String>,
    /// The file.
    pub place: Place,
}

/// The declarations of one file: where in it → what is said.
pub type Declared = BTreeMap<String, Value>;

/// `chosen`: there are policies before or after, which choose nodes by more than declarations.
pub(super) fn touched(change: &Reviewed, chosen: bool) -> Vec<Touched> {
    let paths: BTreeSet<&String> = change.base.dbt.keys().chain(change.head.dbt.keys()).collect();
    // What nobody can read from here may say anything.
    let unread = change.head.unread.iter().chain(&change.base.unread);
    let mut all: Vec<Touched> =
        unread.map(|path| Touched { product: None, place: Place::file(path) }).collect();
    for path in paths {
        let read = |side: &BTreeMap<String, String>| {
            side.get(path).map(|text| declared(path, text, chosen)).unwrap_or_default()
        };
        let (before, after) = (read(&change.base.dbt), read(&change.head.dbt));
        for at in before.keys().chain(after.keys()) {
            let (old, new) = (before.get(at), after.get(at));
            if old == new {
                continue;
            }
            let mut products: BTreeSet<String> =
                [old, new].into_iter().flatten().flat_map(named).collect();
            let own = change.products_of.get(path);
            products.extend(own.into_iter().flatten().cloned());
            // A role without a product is of the node's own, which only a manifest knows.
            let is_known = own.is_some() || [old, new].into_iter().flatten().all(says_product);
            let place = || Place::file(path);
            if is_known && !products.is_empty() {
                all.extend(
                    products
                        .into_iter()
                        .map(|product| Touched { product: Some(product), place: place() }),
                );
            } else {
                all.push(Touched { product: None, place: place() });
            }
        }
    }
    all.dedup();
    all
}

/// What one file says.
fn declared(path: &str, text: &str, chosen: bool) -> Declared {
    let mut found = Declared::new();
    let whole = || Value::from(text);
    // dbt takes them in any case.
    let path = path.to_lowercase();
    let name = path.rsplit('/').next().unwrap_or(&path);
    if path.ends_with(".yml") || path.ends_with(".yaml") {
        match serde_saphyr::from_str::<Value>(text) {
            Ok(mut value) => {
                walk(&value, String::new(), chosen, &mut found);
                if OF_ALL.contains(&name) {
                    // Paths, variables and macros decide for all; blocks say whose they are.
                    without_blocks(&mut value);
                    found.insert("all".to_owned(), value);
                }
            }
            // Where it is no YAML, whatever it says of us may have changed.
            Err(_) if chosen || text.contains(KEY) || text.contains("grants") => {
                found.insert(String::new(), whole());
            }
            Err(_) => {}
        }
        return found;
    }
    let is_macro = path.split('/').any(|folder| folder == "macros");
    match config_calls(text) {
        // What a macro makes of other files is not to be read from it.
        _ if is_macro => {
            found.insert("macro".to_owned(), whole());
        }
        Said::Made => {
            found.insert("config()".to_owned(), whole());
        }
        Said::Literal(calls) => {
            let said = in_config_call(text, KEY).or_else(|| in_config_call(text, "grants"));
            let hooks = calls.contains("hook").then(|| calls.clone());
            let said = said.or(hooks).or_else(|| chosen.then_some(calls));
            found.extend(said.map(|said| ("config()".to_owned(), Value::from(said))));
        }
        Said::Nothing => {}
    }
    if chosen {
        // One more node, or one less, is chosen too.
        found.insert("node".to_owned(), Value::Null);
    }
    found
}

fn without_blocks(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| key != KEY && !DBT_GRANTS.contains(&key.as_str()));
            map.values_mut().for_each(without_blocks);
            map.retain(|_, inner| !matches!(inner, Value::Object(map) if map.is_empty()));
        }
        Value::Array(items) => items.iter_mut().for_each(without_blocks),
        _ => {}
    }
}

fn walk(value: &Value, at: String, chosen: bool, found: &mut Declared) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let at = format!("{at}.{key}");
                let is_ours = key == KEY || DBT_GRANTS.contains(&key.as_str());
                // Jinja, which is another thing when dbt runs.
                let is_made = ["meta", "+meta", "config", "+config"].contains(&key.as_str())
                    && inner.is_string();
                let is_hook = key.contains("hook");
                let is_chosen = chosen && CHOSEN_BY.contains(&key.as_str());
                if is_ours || is_made || is_hook || is_chosen {
                    found.insert(at, inner.clone());
                } else {
                    walk(inner, at, chosen, found);
                }
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                // By name, so that one more before it changes nothing.
                let name = item.get("name").and_then(Value::as_str);
                let name = name.map_or_else(|| number.to_string(), str::to_owned);
                walk(item, format!("{at}[{name}]"), chosen, found);
            }
        }
        _ => {}
    }
}

/// The products that a block names itself.
fn named(block: &Value) -> Vec<String> {
    let own = block.get("product").and_then(Value::as_str).map(str::to_owned);
    let grants = block.get("grants").and_then(Value::as_object);
    let roles = grants.into_iter().flat_map(|grants| grants.keys());
    let others = roles.filter_map(|role| role.split_once('.')).map(|(of, _)| of.to_owned());
    own.into_iter().chain(others).collect()
}

fn says_product(block: &Value) -> bool {
    let grants = block.get("grants").and_then(Value::as_object);
    let in_full = |grants: &serde_json::Map<String, Value>| grants.keys().all(|r| r.contains('.'));
    block.get("product").is_some() || grants.is_some_and(in_full)
}
