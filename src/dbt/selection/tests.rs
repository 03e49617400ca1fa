//! Selections against what `dbt ls` of dbt 1.11 said: `dbt_fixtures/selection`, where `record.py`
//! asks real dbt again.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use super::*;
use crate::dbt::{Manifest, Wanted, read_manifest_for};

const MANIFEST: &[u8] = include_bytes!("../../../dbt_fixtures/selection/manifest.json");
const EXPECTED: &str = include_str!("../../../dbt_fixtures/selection/expected.json");
const SELECTORS: &str = include_str!("../../../dbt_fixtures/selection/selectors.yml");
const BESIDE: &[u8] =
    include_bytes!("../../../dbt_fixtures/sales_analytics/target/prod/manifest.json");
const BESIDE_EXPECTED: &str = include_str!("../../../dbt_fixtures/selection/sales_analytics.json");

#[derive(Debug, Deserialize)]
struct Case {
    #[serde(default)]
    select: String,
    #[serde(default)]
    exclude: String,
    selector: Option<String>,
    /// `None` where dbt answers with an error.
    nodes: Option<BTreeSet<String>>,
}

impl Case {
    fn selector(&self, selectors: &Selectors) -> Result<Selector, SelectorError> {
        if let Some(name) = &self.selector {
            return selectors.get(name).cloned();
        }
        let words = |text: &str| text.split_ascii_whitespace().map(str::to_owned).collect();
        let (select, exclude): (Vec<_>, Vec<_>) = (words(&self.select), words(&self.exclude));
        Ok(Selector::of(&select, &exclude)?.unwrap())
    }
}

fn manifest(bytes: &[u8], wanted: Wanted) -> Manifest {
    let (manifest, found) = read_manifest_for(bytes, Path::new("manifest.json"), wanted);
    assert!(!found.has_errors(), "{found:?}");
    manifest.unwrap()
}

const ALL: Wanted = Wanted { graph: true, config: true, owners: false };

fn selectors(text: &str) -> Selectors {
    let (selectors, found) = read_selectors(text, Path::new("selectors.yml"));
    assert!(found.is_empty(), "{found:?}");
    selectors.unwrap()
}

#[track_caller]
fn agrees(bytes: &[u8], selectors: &Selectors, expected: &str, at_least: usize) {
    let manifests = [
        manifest(bytes, Wanted::default()),
        manifest(bytes, Wanted { graph: true, ..Wanted::default() }),
        manifest(bytes, Wanted { config: true, ..Wanted::default() }),
        manifest(bytes, ALL),
    ];
    let cases: Vec<Case> = serde_json::from_str(expected).unwrap();
    let answered = cases.iter().filter_map(|case| case.nodes.as_ref());
    assert!(answered.filter(|nodes| !nodes.is_empty()).count() >= at_least);
    let mut wrong = String::new();
    for case in &cases {
        let Case { select: said, exclude, selector, nodes } = case;
        let said = format!("--select {said:?} --exclude {exclude:?} --selector {selector:?}");
        match (nodes, case.selector(selectors)) {
            (None, Err(_)) => {}
            (None, Ok(_)) => wrong += &format!("{said}: dbt refuses it\n"),
            (Some(_), Err(error)) => wrong += &format!("{said}: refused: {error}\n"),
            (Some(expected), Ok(selector)) => {
                // Read as far as it says that it looks, and further.
                let enough = manifests.iter().filter(|m| m.beyond.read().covers(selector.needs()));
                for manifest in enough {
                    let selected = super::select(&selector, manifest, None).unwrap();
                    if selected != *expected {
                        let (more, fewer) = (&selected - expected, expected - &selected);
                        let read = manifest.beyond.read();
                        wrong +=
                            &format!("{said} {read:?}: too many {more:?}, too few {fewer:?}\n");
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_selection_names_the_nodes_that_real_dbt_lists() {
    agrees(MANIFEST, &selectors(SELECTORS), EXPECTED, 300);
}

#[test]
fn so_it_does_in_a_project_as_a_team_has_it() {
    agrees(BESIDE, &Selectors::default(), BESIDE_EXPECTED, 120);
}

#[test]
fn nodes_that_depend_on_each_other_are_walked_once() {
    let mut manifest = manifest(MANIFEST, Wanted { graph: true, ..Wanted::default() });
    let orders = manifest.nodes.get_mut("model.shop.stg_orders").unwrap();
    orders.depends_on = vec!["model.shop.revenue".into()];
    let selected = |text| select(&parse_selector(text).unwrap(), &manifest, None).unwrap();
    for text in ["+revenue", "revenue+", "@revenue"] {
        assert!(selected(text).contains("model.shop.stg_orders"), "{text}");
    }
}

#[test]
fn a_manifest_that_was_not_read_far_enough_is_never_taken_for_one_that_has_nothing() {
    let manifest = manifest(MANIFEST, Wanted::default());
    for text in ["+revenue", "@revenue", "config.meta.pii:true", "fct_orders,+tag:mart"] {
        assert!(select(&parse_selector(text).unwrap(), &manifest, None).is_err(), "{text}");
    }
}

#[test]
fn a_part_that_selects_nothing_is_named() {
    let manifest = manifest(MANIFEST, ALL);
    let selector = Selector::of(&["fct_orders tag:nope,mart".into()], &["none".into()]);
    let selected = World::of(&manifest, None).select(&selector.unwrap().unwrap()).unwrap();
    assert_eq!(selected.empty, ["tag:nope,mart", "none"]);
}
