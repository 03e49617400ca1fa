//! What a change does to declarations beside the models: blocks of `meta` in YAML, and `config()` in
//! SQL and Python.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Reviewed;
use crate::dbt::KEY;
use crate::declare::in_config_call;
use crate::model::Place;

/// dbt's own grants are access too.
const DBT_GRANTS: [&str; 2] = ["grants", "+grants"];

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

pub(super) fn touched(change: &Reviewed) -> Vec<Touched> {
    let paths: BTreeSet<&String> = change.base.dbt.keys().chain(change.head.dbt.keys()).collect();
    let mut all = Vec::new();
    for path in paths {
        let read = |side: &BTreeMap<String, String>| {
            side.get(path).map(|text| declared(path, text)).unwrap_or_default()
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

fn declared(path: &str, text: &str) -> Declared {
    let mut found = Declared::new();
    if path.ends_with(".yml") || path.ends_with(".yaml") {
        match serde_saphyr::from_str::<Value>(text) {
            Ok(value) => walk(&value, String::new(), &mut found),
            // Where it is no YAML, whatever it says of us may have changed.
            Err(_) if text.contains(KEY) || text.contains("grants") => {
                found.insert(String::new(), Value::from(text));
            }
            Err(_) => {}
        }
    } else if let Some(said) = in_config_call(text, KEY).or_else(|| in_config_call(text, "grants"))
    {
        found.insert("config()".to_owned(), Value::from(said));
    }
    found
}

fn walk(value: &Value, at: String, found: &mut Declared) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let at = format!("{at}.{key}");
                if key == KEY || DBT_GRANTS.contains(&key.as_str()) {
                    found.insert(at, inner.clone());
                } else {
                    walk(inner, at, found);
                }
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                // By name, so that one more before it changes nothing.
                let name = item.get("name").and_then(Value::as_str);
                let name = name.map_or_else(|| number.to_string(), str::to_owned);
                walk(item, format!("{at}[{name}]"), found);
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
