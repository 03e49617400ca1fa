//! What the authors of nodes say of them: read apart, for people who look and for nothing else.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::input;

#[derive(Deserialize)]
struct Described {
    #[serde(default)]
    nodes: BTreeMap<String, One>,
    #[serde(default)]
    sources: BTreeMap<String, One>,
}

#[derive(Deserialize)]
struct One {
    #[serde(default)]
    description: Value,
}

/// `unique_id` → description, of those that have one. A manifest that cannot be read describes
/// nothing: whoever reads it for more says what is wrong.
pub fn descriptions(bytes: &[u8]) -> BTreeMap<String, String> {
    let Ok(text) = input::text_of(bytes, Path::new("")) else { return BTreeMap::new() };
    let Ok(read) = serde_json::from_slice::<Described>(text) else { return BTreeMap::new() };
    let all = read.nodes.into_iter().chain(read.sources);
    all.filter_map(|(id, one)| match one.description {
        Value::String(text) if !text.trim().is_empty() => Some((id, text)),
        _ => None,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_and_sources_are_described_and_what_says_nothing_is_left_out() {
        let manifest = br#"{"metadata": {}, "nodes": {"model.a": {"description": "A"},
            "model.b": {"description": " "}, "model.c": {}, "model.d": {"description": null}},
            "sources": {"source.s": {"description": "S"}}}"#;
        let read = descriptions(manifest);
        let read: Vec<(&str, &str)> = read.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(read, [("model.a", "A"), ("source.s", "S")]);
        for bad in [&b""[..], b"[]", b"{\"nodes\": 1}", b"{"] {
            assert!(descriptions(bad).is_empty());
        }
    }
}
