//! Declarations of a project that real dbt parsed (`dbt_fixtures/selection`), and of broken ones.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::dbt::read_manifest;
use crate::model::Severity;

macro_rules! fixture {
    ($($file:literal),* $(,)?) => {
        [$(($file, include_str!(concat!("../../dbt_fixtures/selection/", $file)))),*]
    };
}

fn texts() -> Vec<(&'static str, String)> {
    let files = fixture![
        "dbt_project.yml",
        "models/staging/_staging.yml",
        "models/staging/stg_orders.sql",
        "models/marts/sales/_sales.yml",
        "models/marts/sales/fct_orders.sql",
        "models/marts/finance/revenue.sql",
        "models/marts/finance/revenue_by_month.sql",
    ];
    files.into_iter().map(|(path, text)| (path, text.to_owned())).collect()
}

fn fixture_manifest() -> Manifest {
    let bytes = include_bytes!("../../dbt_fixtures/selection/manifest.json");
    read_manifest(bytes, Path::new("manifest.json")).0.unwrap()
}

fn place(place: &Option<Place>) -> String {
    let Some(Place { file, line, column, source }) = place else { return "nowhere".into() };
    let mut text = file.display().to_string();
    if let (Some(line), Some(column)) = (line, column) {
        text += &format!(":{line}:{column}");
    }
    source.iter().for_each(|source| text += &format!(" `{}`", source.trim()));
    text
}

pub(super) fn shown(declarations: &Declarations) -> String {
    let mut text = String::new();
    for (node, NodeDeclarations { product, place: at, grants, .. }) in declarations {
        text += &format!("{node} {} {}\n", product.as_deref().unwrap_or("-"), place(at));
        for Declaration { role: RoleRef { product, role }, permissions, place: at } in grants {
            let product = product.as_ref().map(|p| format!("{p}.")).unwrap_or_default();
            text += &format!("  {product}{role} {permissions:?} {}\n", place(at));
        }
    }
    text
}

pub(super) fn findings(diagnostics: Diagnostics) -> String {
    let mut text = String::new();
    for d in diagnostics.sorted() {
        let word = if d.severity == Severity::Error { "error" } else { "warning" };
        let (node, path) = (d.node.as_deref().unwrap_or("-"), d.path.as_deref().unwrap_or("-"));
        text += &format!("{word}[{}] {}\n  {node} {path}\n", d.code, d.message);
        text += &format!("  at {}\n", place(&d.place));
        if let Some((also, label)) = d.also {
            text += &format!("  also {}: {label}\n", place(&Some(also)));
        }
        text += &format!("  help: {}\n", d.help.unwrap_or_default());
    }
    text
}

#[test]
fn every_declaration_of_a_real_project_has_the_line_that_made_it() {
    let sources = ProjectSources::from_texts(texts());
    let (declarations, diagnostics) = read_declarations(&fixture_manifest(), &sources);
    insta::assert_snapshot!(shown(&declarations), @r#"
    model.extra.ext_base - dbt_project.yml:21:7 `rolecall: {grants: {analyst: read}}`
      analyst ["read"] dbt_project.yml:21:27 `rolecall: {grants: {analyst: read}}`
    model.extra.ext_sales - dbt_project.yml:21:7 `rolecall: {grants: {analyst: read}}`
      analyst ["read"] dbt_project.yml:21:27 `rolecall: {grants: {analyst: read}}`
    model.shop.dim_customers.v1 - models/marts/sales/_sales.yml:17:9 `rolecall:`
      analyst ["read"] models/marts/sales/_sales.yml:18:20 `grants: {analyst: [read]}`
    model.shop.dim_customers.v2 - models/marts/sales/_sales.yml:26:13 `rolecall:`
      analyst ["write", "read"] models/marts/sales/_sales.yml:29:17 `analyst: [write]`
      engineer ["read"] models/marts/sales/_sales.yml:28:17 `engineer: [read]`
    model.shop.fct_orders sales models/marts/sales/_sales.yml:8:9 `rolecall:`
      analyst ["read"] models/marts/sales/_sales.yml:11:13 `analyst: [read]`
      engineer ["read", "write"] models/marts/sales/_sales.yml:12:13 `engineer: [read, write]`
    model.shop.orders.daily - dbt_project.yml:11:9 `rolecall:`
      analyst ["read"] dbt_project.yml:13:13 `analyst: [read]`
      auditor ["read"] dbt_project.yml:14:13 `auditor: [read]`
    model.shop.revenue - models/marts/finance/revenue.sql:6:7 `'rolecall': {`
      controller ["read"] models/marts/finance/revenue.sql:7:20 `'grants': {'controller': ['read']}`
    model.shop.revenue_by_month - dbt_project.yml:11:9 `rolecall:`
      analyst ["read"] dbt_project.yml:13:13 `analyst: [read]`
      auditor ["read"] dbt_project.yml:14:13 `auditor: [read]`
    source.shop.crm.orders - dbt_project.yml:26:13 `+meta: {rolecall: {grants: {loader: [write]}}}`
      loader ["write"] dbt_project.yml:26:33 `+meta: {rolecall: {grants: {loader: [write]}}}`
    source.shop.raw.customers - models/staging/_staging.yml:13:13 `rolecall:`
      finance.analyst ["read"] models/staging/_staging.yml:15:17 `"finance.analyst": read`
    source.shop.raw.orders - models/staging/_staging.yml:5:7 `rolecall: {grants: {engineer: [read]}}`
      engineer ["read"] models/staging/_staging.yml:5:27 `rolecall: {grants: {engineer: [read]}}`
    "#);
    insta::assert_snapshot!(findings(diagnostics), @"
    warning[meta-shadowed] this block replaces that of the folder or source above it, which also gives `analyst: [read]`, `auditor: [read]`
      model.shop.revenue meta.rolecall
      at models/marts/finance/revenue.sql:6:7 `'rolecall': {`
      also dbt_project.yml:11:9 `rolecall:`: this block is replaced whole
      help: dbt merges `meta` key by key and not deeper: repeat here what should stay, or take it out above
    warning[meta-shadowed] this block replaces that of the folder or source above it, which also gives `auditor: [read]`
      model.shop.fct_orders meta.rolecall
      at models/marts/sales/_sales.yml:8:9 `rolecall:`
      also dbt_project.yml:11:9 `rolecall:`: this block is replaced whole
      help: dbt merges `meta` key by key and not deeper: repeat here what should stay, or take it out above
    warning[meta-shadowed] this block replaces that of the folder or source above it, which also gives `auditor: [read]`
      model.shop.dim_customers.v1 meta.rolecall
      at models/marts/sales/_sales.yml:17:9 `rolecall:`
      also dbt_project.yml:11:9 `rolecall:`: this block is replaced whole
      help: dbt merges `meta` key by key and not deeper: repeat here what should stay, or take it out above
    warning[meta-shadowed] this block replaces that of the folder or source above it, which also gives `auditor: [read]`
      model.shop.dim_customers.v2 meta.rolecall
      at models/marts/sales/_sales.yml:26:13 `rolecall:`
      also dbt_project.yml:11:9 `rolecall:`: this block is replaced whole
      help: dbt merges `meta` key by key and not deeper: repeat here what should stay, or take it out above
    warning[meta-shadowed] this block replaces that of the folder or source above it, which also gives `loader: [write]`
      - -
      at models/staging/_staging.yml:5:7 `rolecall: {grants: {engineer: [read]}}`
      also dbt_project.yml:26:13 `+meta: {rolecall: {grants: {loader: [write]}}}`: this block is replaced whole
      help: dbt merges `meta` key by key and not deeper: repeat here what should stay, or take it out above
    warning[meta-shadowed] this block replaces that of the folder or source above it, which also gives `engineer: [read]`
      source.shop.raw.customers meta.rolecall
      at models/staging/_staging.yml:13:13 `rolecall:`
      also models/staging/_staging.yml:5:7 `rolecall: {grants: {engineer: [read]}}`: this block is replaced whole
      help: dbt merges `meta` key by key and not deeper: repeat here what should stay, or take it out above
    warning[meta-shadowed] this block replaces that of the folder or source above it, which also gives `loader: [write]`
      source.shop.raw.customers meta.rolecall
      at models/staging/_staging.yml:13:13 `rolecall:`
      also dbt_project.yml:26:13 `+meta: {rolecall: {grants: {loader: [write]}}}`: this block is replaced whole
      help: dbt merges `meta` key by key and not deeper: repeat here what should stay, or take it out above
    ");
}

#[test]
fn without_the_project_the_describing_file_is_all_that_is_said() {
    let (declarations, diagnostics) =
        read_declarations(&fixture_manifest(), &ProjectSources::none());
    assert!(diagnostics.is_empty());
    insta::assert_snapshot!(shown(&declarations), @r#"
    model.extra.ext_base - nowhere
      analyst ["read"] nowhere
    model.extra.ext_sales - nowhere
      analyst ["read"] nowhere
    model.shop.dim_customers.v1 - models/marts/sales/_sales.yml
      analyst ["read"] models/marts/sales/_sales.yml
    model.shop.dim_customers.v2 - models/marts/sales/_sales.yml
      analyst ["write", "read"] models/marts/sales/_sales.yml
      engineer ["read"] models/marts/sales/_sales.yml
    model.shop.fct_orders sales models/marts/sales/_sales.yml
      analyst ["read"] models/marts/sales/_sales.yml
      engineer ["read", "write"] models/marts/sales/_sales.yml
    model.shop.orders.daily - models/marts/sales/_sales.yml
      analyst ["read"] models/marts/sales/_sales.yml
      auditor ["read"] models/marts/sales/_sales.yml
    model.shop.revenue - nowhere
      controller ["read"] nowhere
    model.shop.revenue_by_month - nowhere
      analyst ["read"] nowhere
      auditor ["read"] nowhere
    source.shop.crm.orders - models/staging/_staging.yml
      loader ["write"] models/staging/_staging.yml
    source.shop.raw.customers - models/staging/_staging.yml
      finance.analyst ["read"] models/staging/_staging.yml
    source.shop.raw.orders - models/staging/_staging.yml
      engineer ["read"] models/staging/_staging.yml
    "#);
}

#[test]
fn a_file_that_says_something_else_is_not_claimed() {
    let edit = |from: &str, to: &str| {
        let edited = texts().into_iter().map(|(path, text)| (path, text.replace(from, to)));
        let sources = ProjectSources::from_texts(edited);
        let (mut declarations, _) = read_declarations(&fixture_manifest(), &sources);
        declarations.retain(|node, _| node.ends_with("fct_orders") || node.ends_with("revenue"));
        shown(&declarations)
    };
    // Edited since: the role still stands there.
    insta::assert_snapshot!(edit("[read, write]", "[read]"), @r#"
    model.shop.fct_orders sales models/marts/sales/_sales.yml:8:9 `rolecall:`
      analyst ["read"] models/marts/sales/_sales.yml:11:13 `analyst: [read]`
      engineer ["read", "write"] models/marts/sales/_sales.yml:12:13 `engineer: [read]`
    model.shop.revenue - models/marts/finance/revenue.sql:6:7 `'rolecall': {`
      controller ["read"] models/marts/finance/revenue.sql:7:20 `'grants': {'controller': ['read']}`
    "#);
    // Another role: nothing is claimed.
    insta::assert_snapshot!(edit("engineer", "enginer"), @r#"
    model.shop.fct_orders sales models/marts/sales/_sales.yml
      analyst ["read"] models/marts/sales/_sales.yml
      engineer ["read", "write"] models/marts/sales/_sales.yml
    model.shop.revenue - models/marts/finance/revenue.sql:6:7 `'rolecall': {`
      controller ["read"] models/marts/finance/revenue.sql:7:20 `'grants': {'controller': ['read']}`
    "#);
    // Not in the file, or in doubt.
    insta::assert_snapshot!(edit("controller", "comptroller"), @r#"
    model.shop.fct_orders sales models/marts/sales/_sales.yml:8:9 `rolecall:`
      analyst ["read"] models/marts/sales/_sales.yml:11:13 `analyst: [read]`
      engineer ["read", "write"] models/marts/sales/_sales.yml:12:13 `engineer: [read, write]`
    model.shop.revenue - nowhere
      controller ["read"] nowhere
    "#);
    insta::assert_snapshot!(edit("['daily', 'pii']", "['controller']"), @r#"
    model.shop.fct_orders sales models/marts/sales/_sales.yml:8:9 `rolecall:`
      analyst ["read"] models/marts/sales/_sales.yml:11:13 `analyst: [read]`
      engineer ["read", "write"] models/marts/sales/_sales.yml:12:13 `engineer: [read, write]`
    model.shop.revenue - models/marts/finance/revenue.sql:6:7 `'rolecall': {`
      controller ["read"] models/marts/finance/revenue.sql:7:20 `'grants': {'controller': ['read']}`
    "#);
    insta::assert_snapshot!(edit("{{ config(", "{{ config(note='controller', "), @r#"
    model.shop.fct_orders sales models/marts/sales/_sales.yml:8:9 `rolecall:`
      analyst ["read"] models/marts/sales/_sales.yml:11:13 `analyst: [read]`
      engineer ["read", "write"] models/marts/sales/_sales.yml:12:13 `engineer: [read, write]`
    model.shop.revenue - models/marts/finance/revenue.sql:6:7 `'rolecall': {`
      controller ["read"] models/marts/finance/revenue.sql:7:20 `'grants': {'controller': ['read']}`
    "#);
    insta::assert_snapshot!(edit("\n) }}", ", note='controller') }}"), @r#"
    model.shop.fct_orders sales models/marts/sales/_sales.yml:8:9 `rolecall:`
      analyst ["read"] models/marts/sales/_sales.yml:11:13 `analyst: [read]`
      engineer ["read", "write"] models/marts/sales/_sales.yml:12:13 `engineer: [read, write]`
    model.shop.revenue - nowhere
      controller ["read"] nowhere
    "#);
}

/// One model with a block, described in `models/m.yml`.
pub(super) fn one(block: Value, yaml: &str, project: &str) -> (Declarations, Diagnostics) {
    let manifest = json!({
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "project_name": "shop"},
        "nodes": {"model.shop.a": {
            "package_name": "shop", "name": "a", "schema": "s", "alias": "a", "fqn": ["shop", "marts", "a"],
            "original_file_path": "models/a.sql", "patch_path": "shop://models/m.yml",
            "config": {"materialized": "table", "meta": {"rolecall": block}}}},
    });
    let (manifest, found) = read_manifest(manifest.to_string().as_bytes(), Path::new("m"));
    assert!(found.is_empty(), "{found:?}");
    let sources =
        ProjectSources::from_texts([("models/m.yml", yaml), ("dbt_project.yml", project)]);
    read_declarations(&manifest.unwrap(), &sources)
}

#[test]
fn a_block_of_a_folder_that_is_replaced_is_named_with_what_is_lost() {
    let project = "models:\n  +meta: {rolecall: {product: p, grants: {root: read}}}\n  shop:\n    marts:\n      +meta:\n        rolecall:\n          grants:\n            analyst: [read, write]\n            auditor: read\n";
    let yaml = "models:\n  - name: a\n    meta:\n      rolecall:\n        grants:\n          analyst: [read]\n";
    let block = json!({"grants": {"analyst": ["read"]}});
    let (_, diagnostics) = one(block, yaml, project);
    insta::assert_snapshot!(findings(diagnostics), @"
    warning[meta-shadowed] this block replaces that of the folder or source above it, which also gives `analyst: [write]`, `auditor: [read]`
      model.shop.a meta.rolecall
      at models/m.yml:4:7 `rolecall:`
      also dbt_project.yml:6:9 `rolecall:`: this block is replaced whole
      help: dbt merges `meta` key by key and not deeper: repeat here what should stay, or take it out above
    warning[meta-shadowed] this block replaces that of the folder or source above it, which also gives `product: p`, `root: [read]`
      model.shop.a meta.rolecall
      at models/m.yml:4:7 `rolecall:`
      also dbt_project.yml:2:11 `+meta: {rolecall: {product: p, grants: {root: read}}}`: this block is replaced whole
      help: dbt merges `meta` key by key and not deeper: repeat here what should stay, or take it out above
    ");
    // Nothing is lost where the node's own block says it all again.
    let block = json!({"product": "p", "grants": {"analyst": ["write", "read"], "auditor": ["read"], "root": "read"}});
    assert!(one(block, "", project).1.is_empty());
    // One folder inside another: a finding about both, not about each node.
    let block = json!({"grants": {"analyst": ["read", "write"], "auditor": "read"}});
    insta::assert_snapshot!(findings(one(block, "", project).1), @"
    warning[meta-shadowed] this block replaces that of the folder or source above it, which also gives `product: p`, `root: [read]`
      - -
      at dbt_project.yml:6:9 `rolecall:`
      also dbt_project.yml:2:11 `+meta: {rolecall: {product: p, grants: {root: read}}}`: this block is replaced whole
      help: dbt merges `meta` key by key and not deeper: repeat here what should stay, or take it out above
    ");
}

proptest! {
    #[test]
    fn no_block_and_no_file_make_it_fail(
        words in prop::collection::vec("[a-z.\\[\\]{}:'\"&*<! \n-]{0,12}", 0..12),
        at in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let noise = words.concat();
        let block = json!({"grants": {&noise: [&noise], "analyst": [noise.len()]}, &noise: &noise});
        let spoilt = |text: String| {
            let keep = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect::<Vec<_>>();
            let (at, cut) = (keep[at.index(keep.len())], keep[cut.index(keep.len())]);
            format!("{}{noise}{}", &text[..at], &text[cut..])
        };
        let sources = texts().into_iter().map(|(path, text)| (path, spoilt(text)));
        let sources = ProjectSources::from_texts(sources);
        read_declarations(&fixture_manifest(), &sources);
        one(block, &noise, &noise);
    }
}
