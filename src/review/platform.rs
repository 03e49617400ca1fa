//! What a change does to `rolecall.yml` and `rolecall/platform/`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Reviewed, Side, Touched};
use crate::config::FileKind;
use crate::model::Place;

/// The keys of all platform files, products apart; comments and order are nothing.
#[derive(PartialEq, Default)]
struct Platform {
    whole: BTreeMap<String, Vec<Value>>,
    products: BTreeMap<String, Vec<(String, Value)>>,
    unread: Vec<String>,
    /// The same as `whole`, by file: where something stands decides nothing, and is said.
    stands: BTreeMap<String, BTreeMap<String, Value>>,
}

/// The first file, of those that are there now, whose keys for all products are not what they were.
fn changed(before: &Platform, after: &Platform) -> Option<String> {
    let differs = |key: &&String| before.whole.get(*key) != after.whole.get(*key);
    let keys: Vec<&String> =
        before.whole.keys().chain(after.whole.keys()).filter(differs).collect();
    let said = |side: &Platform, file: &str| -> Vec<Value> {
        let keys_of = side.stands.get(file);
        keys.iter().filter_map(|key| keys_of?.get(*key).cloned()).collect()
    };
    let mut files = after.stands.keys().chain(before.stands.keys());
    files.find(|file| said(before, file) != said(after, file)).cloned()
}

/// Whatever is said of a product touches that product; everything else may touch all of them.
pub(super) fn touched(change: &Reviewed) -> Vec<Touched> {
    let (before, after) = (read(change.base), read(change.head));
    let mut touched = Vec::new();
    let root = || Place::file("rolecall.yml");
    if before.whole != after.whole || before.unread != after.unread {
        let place = changed(&before, &after).map_or_else(root, Place::file);
        touched.push(Touched { product: None, place });
    }
    for product in before.products.keys().chain(after.products.keys()) {
        let (old, new) = (before.products.get(product), after.products.get(product));
        let said = |list: Option<&Vec<(String, Value)>>| -> Vec<Value> {
            list.into_iter().flatten().map(|(_, value)| value.clone()).collect()
        };
        if said(old) != said(new) {
            let file = new.or(old).and_then(|list| list.first());
            let place = file.map_or_else(root, |(file, _)| Place::file(file));
            touched.push(Touched { product: Some(product.clone()), place });
        }
    }
    touched
}

fn read(side: &Side) -> Platform {
    let mut out = Platform::default();
    let files = side.config.iter().filter(|f| !matches!(f.kind, FileKind::Members { .. }));
    for file in files {
        let path = file.path.to_string_lossy().into_owned();
        let Ok(Value::Object(keys)) = serde_saphyr::from_str::<Value>(&file.text) else {
            // What cannot be read is compared as it stands.
            out.unread.push(format!("{path}\0{}", file.text));
            continue;
        };
        for (key, value) in keys {
            match value {
                Value::Object(products) if key == "products" => {
                    for (product, value) in products {
                        out.products.entry(product).or_default().push((path.clone(), value));
                    }
                }
                value => {
                    let stands = out.stands.entry(path.clone()).or_default();
                    stands.insert(key.clone(), value.clone());
                    out.whole.entry(key).or_default().push(value);
                }
            }
        }
    }
    // In which file something stands decides nothing.
    for values in out.whole.values_mut() {
        values.sort_by_key(Value::to_string);
    }
    out
}
