//! Selections against what `dbt ls` of dbt 1.11 said: `dbt_fixtures/selection`, where `record.py`
//! asks real dbt again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;

const MANIFEST: &[u8] = include_bytes!("../../dbt_fixtures/selection/manifest.json");
const EXPECTED: &str = include_str!("../../dbt_fixtures/selection/expected.json");

#[test]
fn a_selection_names_the_nodes_that_real_dbt_lists() {
    let (manifest, diagnostics) = read_manifest(MANIFEST, Path::new("manifest.json"));
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let manifest = manifest.unwrap();
    let expected: BTreeMap<String, BTreeSet<String>> = serde_json::from_str(EXPECTED).unwrap();
    assert!(expected.values().filter(|nodes| !nodes.is_empty()).count() > 80);
    let mut wrong = String::new();
    for (expression, expected) in &expected {
        let selected = select(&parse_selector(expression).unwrap(), &manifest, None);
        if selected != *expected {
            let (more, fewer) = (&selected - expected, expected - &selected);
            wrong += &format!("{expression}: too many {more:?}, too few {fewer:?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn nodes_that_depend_on_each_other_are_walked_once() {
    let (manifest, _) = read_manifest(MANIFEST, Path::new("manifest.json"));
    let mut manifest = manifest.unwrap();
    let orders = manifest.nodes.get_mut("model.shop.stg_orders").unwrap();
    orders.depends_on = vec!["model.shop.revenue".into()];
    let selected = |text| select(&parse_selector(text).unwrap(), &manifest, None);
    for text in ["+revenue", "revenue+"] {
        assert!(selected(text).contains("model.shop.stg_orders"), "{text}");
    }
}
