//! Raito's blocks of a project that real dbt parsed (`dbt_fixtures/raito`), and broken ones.

use std::path::Path;

use serde_json::{Value, json};

use super::super::tests::{findings, shown};
use super::*;
use crate::config::{FileKind, SourceFile, parse};
use crate::dbt::read_manifest;

const CONFIG: &str = "version: 1\ncompat: [raito]\nenvironments: {dev: {role_name: \"{{ product.name }}_{{ role.name }}\"}}\n\
    product_roles: {analyst: {may: [read]}, engineer: {may: [read, write]}}\n\
    products: {sales: {title: Sales Data, owners: [jane@acme.example]}}\n";

fn config(text: &str) -> Config {
    let kind = FileKind::Root;
    let (config, found) =
        parse(&[SourceFile { path: "rolecall.yml".into(), text: text.into(), kind }]);
    assert!(!found.has_errors(), "{found:?}");
    config.unwrap()
}

/// Models `a`, `b`, … whose `meta.raito` is as given.
fn manifest(blocks: &[Value]) -> Manifest {
    let nodes = blocks.iter().enumerate().map(|(at, block)| {
        let name = char::from(b'a' + u8::try_from(at).unwrap());
        let node = json!({
            "resource_type": "model", "package_name": "shop", "name": name.to_string(),
            "database": "shop", "schema": "s", "alias": name.to_string(), "fqn": ["shop", name.to_string()],
            "original_file_path": format!("models/{name}.sql"), "config": {"meta": {"raito": block}},
        });
        (format!("model.shop.{name}"), node)
    });
    let manifest = json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "project_name": "shop", "adapter_type": "postgres",
        },
        "nodes": nodes.collect::<serde_json::Map<_, _>>(), "sources": {},
    });
    let (manifest, found) = read_manifest(manifest.to_string().as_bytes(), Path::new("m.json"));
    assert!(!found.has_errors(), "{found:?}");
    manifest.unwrap()
}

fn read(blocks: &[Value]) -> (String, String, Config) {
    let mut config = config(CONFIG);
    let mut declarations = Declarations::new();
    let none = ProjectSources::none();
    let (_, found) = read_raito(&manifest(blocks), &none, &mut config, &mut declarations);
    (shown(&declarations), findings(found), config)
}

#[test]
fn blocks_that_real_dbt_wrote_are_declarations_with_their_lines() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/dbt_fixtures/raito");
    let folder = Path::new(folder);
    let bytes = std::fs::read(folder.join("target/dev/manifest.json")).unwrap();
    let manifest = read_manifest(&bytes, Path::new("manifest.json")).0.unwrap();
    let sources = ProjectSources::read(folder, &manifest);
    let mut config = config(&std::fs::read_to_string(folder.join("rolecall.yml")).unwrap());
    let mut declarations = Declarations::new();
    let (_, found) = read_raito(&manifest, &sources, &mut config, &mut declarations);
    insta::assert_snapshot!(shown(&declarations), @r#"
    model.market.invoices - models/finance/invoices.sql:5:18 `{'name': 'Finance Readers', 'global_permissions': ['READ']},`
      raito.finance_readers ["read"] models/finance/invoices.sql:5:18 `{'name': 'Finance Readers', 'global_permissions': ['READ']},`
      raito.sales_analysis_dbt ["read"] models/finance/invoices.sql:6:18 `{'name': 'sales_analysis_dbt', 'global_permissions': ['READ']}`
    model.market.orders - models/sales/_sales.yml:19:15 `- name: sales_analysis_dbt`
      raito.sales_analysis_dbt ["SELECT", "REFERENCES"] models/sales/_sales.yml:19:15 `- name: sales_analysis_dbt`
      sales_analytics.analyst ["read"] models/sales/_sales.yml:12:15 `- name: "Sales Analytics Data Product - Analyst"  # the one of the product`
      sales_analytics.engineer ["read", "write"] models/sales/_sales.yml:17:15 `- name: "Sales Analytics Data Product - Engineer"`
    model.market.returns - models/sales/_sales.yml:33:28 `meta: {raito: {grant: [{name: sales_analysis_dbt, global_permissions: [Read], category: data_product}]}}`
      raito.sales_analysis_dbt ["read"] models/sales/_sales.yml:33:28 `meta: {raito: {grant: [{name: sales_analysis_dbt, global_permissions: [Read], category: data_product}]}}`
    model.market.revenue - dbt_project.yml:14:15 `- name: Finance Readers`
      raito.finance_readers ["read"] dbt_project.yml:14:15 `- name: Finance Readers`
    seed.market.countries - seeds/_seeds.yml:7:15 `- {name: sales_analysis_dbt, permissions: [SELECT]}`
      raito.sales_analysis_dbt ["SELECT"] seeds/_seeds.yml:7:15 `- {name: sales_analysis_dbt, permissions: [SELECT]}`
    "#);
    insta::assert_snapshot!(findings(found), @r#"
    warning[raito-not-applied] the filter `country_filter_eu` is not applied
      model.market.orders meta.raito.filter[0]
      at models/sales/_sales.yml:22:15 `- name: country_filter_eu`
      help: whoever may read the relation sees all of it: filter in the warehouse, or in a view that is granted in its place
    warning[raito-not-applied] the mask `email_masking` on the column email is not applied
      model.market.orders columns.email.meta.raito
      at models/sales/_sales.yml:27:11 `raito:`
      help: what the column shows to whom stays as it is: mask it in the warehouse, or keep it in a model of its own
    "#);
}

#[test]
fn one_name_is_one_role_whatever_the_models() {
    let (declared, found, config) = read(&[
        json!({"grant": [{"name": "Everyone reads", "global_permissions": ["READ"]}]}),
        json!({"grant": [{"name": "Everyone reads", "global_permissions": "Write", "permissions": ["TRIGGER"]}]}),
        // The list itself, as the documentation's first example has it.
        json!([{"name": "sales.analyst", "global_permissions": ["Read"]}, {"name": "Sales Data - Engineer", "global_permissions": ["Admin"]}]),
    ]);
    insta::assert_snapshot!(declared, @r#"
    model.shop.a - nowhere
      raito.everyone_reads ["read"] nowhere
    model.shop.b - nowhere
      raito.everyone_reads ["write", "TRIGGER"] nowhere
    model.shop.c - nowhere
      sales.analyst ["read"] nowhere
      sales.engineer ["admin"] nowhere
    "#);
    assert_eq!(found, "");
    let role = &config.products[PRODUCT].product_roles["everyone_reads"];
    let may: Vec<&str> = role.may.iter().map(|word| word.value.as_str()).collect();
    assert_eq!(may, ["TRIGGER", "read", "write"], "no more than its blocks give");
}

#[test]
fn another_category_or_type_under_one_name_is_an_error_that_names_both_places() {
    let (_, found, _) = read(&[
        json!({"grant": [{"name": "g", "category": "product", "type": "role", "global_permissions": ["READ"]}]}),
        json!({"grant": [{"name": "g", "category": "purpose", "type": "databaseRole", "global_permissions": ["READ"]}]}),
        json!({"grant": [{"name": "g", "global_permissions": ["READ"]}]}),
    ]);
    insta::assert_snapshot!(found, @r#"
    error[raito-differs] the grant `g` has the category `purpose` here and `product` on model.shop.a: it is one grant
      model.shop.b meta.raito.grant[0]
      at nowhere
      help: write one category, or give one of them another name
    error[raito-differs] the grant `g` has the type `databaseRole` here and `role` on model.shop.a: it is one grant
      model.shop.b meta.raito.grant[0]
      at nowhere
      help: write one type, or give one of them another name
    warning[raito-not-applied] the type `databaseRole` of the grant `g` is not applied
      model.shop.b meta.raito.grant[0]
      at nowhere
      help: an environment's `role_kind` says which roles hold grants
    "#);
}

#[test]
fn what_is_not_applied_or_not_understood_is_named() {
    let (declared, found, _) = read(&[
        json!({
            "grant": [
                {"name": "g", "permissions": ["SELECT", "roles/viewer", "own"], "global_permissions": ["Read", "usage"], "colour": 1, "owners": ["sam@acme.example"]},
                {"permissions": []}, "g", {"name": "ü!"},
            ],
            "filter": [{"name": "eu", "policy_rule": "country = 'BE'"}, {}],
            "mask": {"name": "hidden"},
            "purpose": [],
        }),
        json!({"grant": {"name": "g"}}),
        json!("g"),
        json!({"grant": [{"name": "G", "global_permissions": ["READ"]}]}),
    ]);
    insta::assert_snapshot!(declared, @r#"
    model.shop.a - nowhere
      raito.g ["read", "SELECT"] nowhere
    "#);
    insta::assert_snapshot!(found, @r#"
    warning[raito-owners] the grant `g` is owned by sam@acme.example, who decide about nobody here: the owners of raito do
      - -
      at nowhere
      help: name them under `owners` of the product raito, in rolecall.yml
    warning[raito-not-applied] the filter `eu` is not applied
      model.shop.a meta.raito.filter[0]
      at nowhere
      help: whoever may read the relation sees all of it: filter in the warehouse, or in a view that is granted in its place
    warning[raito-not-applied] a filter is not applied
      model.shop.a meta.raito.filter[1]
      at nowhere
      help: whoever may read the relation sees all of it: filter in the warehouse, or in a view that is granted in its place
    warning[raito-not-applied] `colour` of the grant `g` is not applied
      model.shop.a meta.raito.grant[0].colour
      at nowhere
      help: rolecall knows nothing of it
    error[unknown-permission] "usage" of the grant `g` is no permission
      model.shop.a meta.raito.grant[0].global_permissions
      at nowhere
      help: global permissions are Read, Write and Admin
    error[unknown-permission] "own" of the grant `g` is no permission
      model.shop.a meta.raito.grant[0].permissions
      at nowhere
      help: permissions are privileges of the warehouse by their SQL names, such as SELECT
    error[unknown-permission] "roles/viewer" of the grant `g` is no permission
      model.shop.a meta.raito.grant[0].permissions
      at nowhere
      help: permissions are privileges of the warehouse by their SQL names, such as SELECT
    error[meta-type] `meta.raito.grant[1].name` should be the grant's name, and is null
      model.shop.a meta.raito.grant[1].name
      at nowhere
      help: write it as `raito: {grant: [{name: …, global_permissions: [READ]}]}`
    error[meta-type] `meta.raito.grant[2]` should be an object with `name`, and is the text "g"
      model.shop.a meta.raito.grant[2]
      at nowhere
      help: write it as `raito: {grant: [{name: …, global_permissions: [READ]}]}`
    error[raito-name] the grant `ü!` has no letter a to z and no digit for a role's name
      model.shop.a meta.raito.grant[3]
      at nowhere
      help: rename the grant, or declare the product role that is meant and name it as `product.role`
    warning[raito-not-applied] the mask `hidden` is not applied
      model.shop.a meta.raito.mask
      at nowhere
      help: whoever may read the relation sees all of it: filter in the warehouse, or in a view that is granted in its place
    warning[raito-not-applied] `purpose` is not applied
      model.shop.a meta.raito.purpose
      at nowhere
      help: rolecall knows nothing of it
    error[meta-type] `meta.raito.grant` should be a list of grants, and is an object
      model.shop.b meta.raito.grant
      at nowhere
      help: write it as `raito: {grant: [{name: …, global_permissions: [READ]}]}`
    error[meta-type] `meta.raito` should be an object with `grant`, and is the text "g"
      model.shop.c meta.raito
      at nowhere
      help: write it as `raito: {grant: [{name: …, global_permissions: [READ]}]}`
    error[raito-name] the grants `g` and `G` both become the role raito.g
      model.shop.d meta.raito.grant[0]
      at nowhere
      help: rename one of the two
    "#);
}
