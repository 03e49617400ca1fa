//! Names, read by templates.

use std::collections::BTreeSet;
use std::path::Path;

use super::declarations_file;
use super::naming::{ByName, by_name};
use super::products::Proposal;
use crate::config::{self, FileKind, SourceFile};
use crate::dbt::read_manifest;
use crate::declare::{Declaration, Declarations, NodeDeclarations, RoleRef};
use crate::dialect;
use crate::directory::Known;
use crate::model::{DialectKind, Ident, Inventory};
use crate::resolve::{Inputs, Target};

/// What each name is in `prod`, in words; a model of the manifest has the group `crm`.
fn read(dialect: DialectKind, config: &str, names: &[&str]) -> Vec<String> {
    let file =
        SourceFile { path: "rolecall.yml".into(), text: config.to_owned(), kind: FileKind::Root };
    let (config, found) = config::parse(&[file]);
    assert!(!found.has_errors(), "{:#?}", found.sorted());
    let config = config.unwrap();
    let manifest = serde_json::json!({
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
                     "project_name": "shop", "adapter_type": "postgres"},
        "nodes": {"model.shop.m": {
            "resource_type": "model", "package_name": "shop", "name": "m", "alias": "m",
            "database": "d", "schema": "s", "relation_name": "\"d\".\"s\".\"m\"", "group": "crm",
            "original_file_path": "models/m.sql", "fqn": ["shop", "m"], "tags": [],
            "config": {"enabled": true, "materialized": "table", "meta": {}, "group": "crm"},
        }},
        "sources": {}
    });
    let manifest = read_manifest(manifest.to_string().as_bytes(), Path::new("m.json")).0.unwrap();
    let target = Target { name: "prod".into(), ..Target::default() };
    let inputs = Inputs {
        manifest: &manifest,
        declarations: &Declarations::new(),
        config: &config,
        environment: &config.environments["prod"],
        dialect: dialect::of(dialect),
        project: Some("shop"),
        target: &target,
        database: None,
        inventory: &Inventory::default(),
        skip_missing: true,
        only: None,
        as_of: 0,
        known: &Known::default(),
    };
    let idents: BTreeSet<Ident> = names.iter().map(|name| Ident::new(*name).unwrap()).collect();
    let read = by_name(&inputs, idents.iter());
    let said = |name: &&str| match read.get(&Ident::new(*name).unwrap()) {
        None => "nothing".to_owned(),
        Some(ByName::One(one)) => one.to_string(),
        Some(ByName::Several(all)) => {
            all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
        }
        Some(ByName::Elsewhere { environment, reading }) => format!("{reading} in {environment}"),
    };
    names.iter().map(said).collect()
}

fn with_template(template: &str, more: &str) -> String {
    format!("version: 1\nenvironments:\n  prod: {{role_name: '{template}'}}\n{more}")
}

fn on_postgres(template: &str, names: &[&str]) -> Vec<String> {
    read(DialectKind::Postgres, &with_template(template, ""), names)
}

#[test]
fn a_name_is_read_back_out_of_what_the_template_puts_around_it() {
    let template = "{{ env.name }}.{{ product.name }}__{{ role.name }}!";
    let names = ["prod.sales__analyst!", "prod.sales__analyst", "dev.sales__analyst!", "prod.__a!"];
    assert_eq!(on_postgres(template, &names), ["sales.analyst", "nothing", "nothing", "nothing"]);
}

#[test]
fn filters_and_branches_are_rendered_and_never_turned_round() {
    let upper = "{{ product.name | upper }}_{{ role.name | title }}";
    assert_eq!(on_postgres(upper, &["SALES_Analyst"]), ["nothing"], "it is folded to lower case");
    let upper = "\"{{ product.name | upper }}_{{ role.name | title }}\"";
    let names = ["SALES_Analyst", "sales_Analyst", "SALES_analyst"];
    assert_eq!(on_postgres(upper, &names), ["sales.analyst", "nothing", "nothing"]);
    let replaced = "{{ product.name | replace(\"_\", \"-\") }}:{{ role.name }}";
    let names = ["sales-eu:analyst", "sales_eu:analyst"];
    assert_eq!(on_postgres(replaced, &names), ["sales-eu.analyst", "nothing"]);
    let branch = "{% if role.name == \"owner\" %}own_{{ product.name }}{% else %}{{ product.name }}_{{ role.name }}{% endif %}";
    assert_eq!(on_postgres(branch, &["sales_analyst"]), ["sales.analyst"]);
    let twice = "{{ product.name }}_{{ role.name }}_{{ product.name }}";
    assert_eq!(on_postgres(twice, &["a_b_a", "a_b_c"]), ["a.b", "nothing"]);
}

#[test]
fn names_that_no_product_could_have_are_read_as_nothing() {
    let names = [
        "Sales_Analyst",
        "a.b_c",
        "a\"b_c",
        "a\nb_c",
        "ü_c",
        "a _c",
        "_c",
        "a_",
        "_",
        "",
        "pg_read",
        "playbook_roles_x",
    ];
    let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    let read = on_postgres("{{ product.name }}_{{ role.name }}", &names);
    let (last, first) = read.split_last().unwrap();
    assert!(first.iter().all(|one| one == "nothing"), "{read:?}");
    assert_eq!(last, "playbook.roles_x", "a members file of its own is no product's");
}

#[test]
fn of_several_readings_only_what_is_known_decides() {
    let template = "{{ product.name }}_{{ role.name }}";
    let read = |more: &str, name: &str| {
        let mut all = read(DialectKind::Postgres, &with_template(template, more), &[name]);
        all.remove(0)
    };
    assert_eq!(read("", "a_b_c"), "a.b_c or a_b.c");
    assert_eq!(read("products: {a_b: {}}\n", "a_b_c"), "a_b.c");
    assert_eq!(read("products: {a: {}, a_b: {}}\n", "a_b_c"), "a.b_c or a_b.c");
    assert_eq!(read("product_roles: {c: {}}\n", "a_b_c"), "a_b.c");
    assert_eq!(read("product_roles: {c: {}}\nproducts: {a: {}}\n", "a_b_c"), "a.b_c or a_b.c");
    assert_eq!(read("product_roles: {c: {}}\nproducts: {x: {}}\n", "a_b_c"), "a_b.c");
    // A group of the manifest is known, too.
    assert_eq!(read("", "crm_b_c"), "crm.b_c");
}

#[test]
fn a_name_of_another_environment_s_is_left_to_it() {
    let config = "version: 1\nenvironments:\n  dev: {role_name: 'dev_{{ product.name }}_{{ role.name }}'}\n  prod: {role_name: '{{ product.name }}_{{ role.name }}'}\n";
    let names = ["dev_sales_analyst", "sales_analyst", "dev_sales"];
    assert_eq!(
        read(DialectKind::Postgres, config, &names),
        ["sales.analyst in dev", "sales.analyst", "dev.sales"]
    );
    // One template for two servers says nothing of either.
    let same = "version: 1\nenvironments:\n  dev: {role_name: '{{ product.name }}_{{ role.name }}'}\n  prod: {role_name: '{{ product.name }}_{{ role.name }}'}\n";
    assert_eq!(read(DialectKind::Postgres, same, &names[1..2]), ["sales.analyst"]);
}

#[test]
fn case_is_as_the_warehouse_folds_and_as_it_is_known() {
    let template = "{{ product.name }}_{{ role.name }}";
    let snowflake = |more: &str, names: &[&str]| {
        read(DialectKind::Snowflake, &with_template(template, more), names)
    };
    assert_eq!(snowflake("", &["SALES_ANALYST", "sales_analyst"]), ["sales.analyst", "nothing"]);
    assert_eq!(snowflake("products: {Sales: {}}\n", &["SALES_ANALYST"]), ["Sales.analyst"]);
}

#[test]
fn a_title_is_nothing_that_a_name_tells() {
    let template = "{{ product.title | lower }}/{{ role.name }}";
    let more = "products: {sales: {title: Sales EU}}\n";
    let read = read(
        DialectKind::Postgres,
        &with_template(template, more),
        &["sales eu/analyst", "other/analyst"],
    );
    assert_eq!(read, ["sales.analyst", "nothing"]);
}

#[test]
fn the_versions_of_a_model_are_one_item_as_dbt_has_it() {
    let node = |name: &str, version: Option<&str>| {
        let id = version.map_or(String::new(), |version| format!(".v{version}"));
        let node = serde_json::json!({
            "resource_type": "model", "package_name": "shop", "name": name, "alias": name,
            "database": "d", "schema": "s", "relation_name": format!("\"d\".\"s\".\"{name}{id}\""),
            "original_file_path": format!("models/{name}.sql"), "version": version,
            "patch_path": version.map(|_| "shop://models/m.yml"), "fqn": ["shop", name], "tags": [],
            "config": {"enabled": true, "materialized": "table", "meta": {}},
        });
        (format!("model.shop.{name}{id}"), node)
    };
    let nodes =
        [node("m", Some("1")), node("m", Some("2")), node("mm", None), node("o", Some("x"))];
    let nodes: serde_json::Map<String, serde_json::Value> = nodes.into_iter().collect();
    let manifest = serde_json::json!({
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
                     "project_name": "shop", "adapter_type": "postgres"},
        "nodes": nodes, "sources": {}
    });
    let manifest = read_manifest(manifest.to_string().as_bytes(), Path::new("m.json")).0.unwrap();
    let proposals: Vec<Proposal> = nodes
        .keys()
        .map(|id| {
            let role = RoleRef { product: None, role: "analyst".to_owned() };
            let permissions = vec!["read".to_owned()];
            let grants = vec![Declaration { role, permissions, place: None }];
            let block = NodeDeclarations { grants, ..NodeDeclarations::empty() };
            Proposal { unique_id: id.clone(), product: None, block, new: BTreeSet::new() }
        })
        .collect();
    insta::assert_snapshot!(declarations_file(&proposals, &manifest, "head"), @r"
    # head
    models:
      # models/m.yml
      - name: m
        versions:
          - v: 1
            config:
              meta:
                rolecall:
                  grants:
                    analyst: [read]
          - v: 2
            config:
              meta:
                rolecall:
                  grants:
                    analyst: [read]
      # models/mm.sql
      - name: mm
        config:
          meta:
            rolecall:
              grants:
                analyst: [read]
      # models/m.yml
      - name: o
        versions:
          - v: x
            config:
              meta:
                rolecall:
                  grants:
                    analyst: [read]
    ");
}
