//! What can be wrong inside one block.

use serde_json::{Value, json};

use super::tests::{findings, one, shown};

fn found(block: Value, yaml: &str) -> String {
    findings(one(block, yaml, "").1)
}

#[test]
fn everything_that_is_wrong_in_a_block_is_said_at_once() {
    let yaml = "models:\n  - name: a\n    config:\n      meta:\n        rolecall:\n          products: sales\n          grants:\n            analyst: [raed, SELEKT, Read, read, read, select, SELECT]\n            a.b.c: read\n            engineer: 3\n            owner: null\n            nobody: []\n            auditor: [read, 1, [own]]\n";
    let block = json!({"products": "sales", "grants": {
        "analyst": ["raed", "SELEKT", "Read", "read", "read", "select", "SELECT"],
        "a.b.c": "read", "engineer": 3, "owner": null, "nobody": [], "auditor": ["read", 1, ["own"]]}});
    let (declarations, diagnostics) = one(block, yaml, "");
    insta::assert_snapshot!(findings(diagnostics), @r#"
    error[unknown-key] `rolecall` knows no key `products`
      model.shop.a meta.rolecall.products
      at models/m.yml:6:11 `products: sales`
      help: did you mean `product`?
    error[unknown-permission] "raed" is no permission
      model.shop.a meta.rolecall.grants.analyst[0]
      at models/m.yml:8:13 `analyst: [raed, SELEKT, Read, read, read, select, SELECT]`
      help: did you mean `read`? permissions are read, write, admin, own, or a privilege by its SQL name
    error[unknown-permission] "SELEKT" is no permission
      model.shop.a meta.rolecall.grants.analyst[1]
      at models/m.yml:8:13 `analyst: [raed, SELEKT, Read, read, read, select, SELECT]`
      help: did you mean `SELECT`? permissions are read, write, admin, own, or a privilege by its SQL name
    error[unknown-permission] "Read" is no permission
      model.shop.a meta.rolecall.grants.analyst[2]
      at models/m.yml:8:13 `analyst: [raed, SELEKT, Read, read, read, select, SELECT]`
      help: did you mean `read`? permissions are read, write, admin, own, or a privilege by its SQL name
    warning[duplicate-permission] `analyst` gets `read` twice here
      model.shop.a meta.rolecall.grants.analyst[4]
      at models/m.yml:8:13 `analyst: [raed, SELEKT, Read, read, read, select, SELECT]`
      help: write it once
    warning[duplicate-permission] `analyst` gets `SELECT` twice here
      model.shop.a meta.rolecall.grants.analyst[6]
      at models/m.yml:8:13 `analyst: [raed, SELEKT, Read, read, read, select, SELECT]`
      help: write it once
    error[role-name] "a.b.c" names no product role
      model.shop.a meta.rolecall.grants.a.b.c
      at models/m.yml:9:13 `a.b.c: read`
      help: write `analyst`, or another product's role as `finance.analyst`
    error[meta-type] `rolecall.grants.engineer` should be a permission or a list of them, and is the number 3
      model.shop.a meta.rolecall.grants.engineer
      at models/m.yml:10:13 `engineer: 3`
      help: write it as `rolecall: {grants: {analyst: [read]}}`
    error[meta-type] `rolecall.grants.owner` should be a permission or a list of them, and is null
      model.shop.a meta.rolecall.grants.owner
      at models/m.yml:11:13 `owner: null`
      help: write it as `rolecall: {grants: {analyst: [read]}}`
    warning[empty-permissions] `nobody` gets nothing here
      model.shop.a meta.rolecall.grants.nobody
      at models/m.yml:12:13 `nobody: []`
      help: take the role out, or write a permission such as `read`
    error[meta-type] `rolecall.grants.auditor[1]` should be a permission such as `read`, and is the number 1
      model.shop.a meta.rolecall.grants.auditor[1]
      at models/m.yml:13:13 `auditor: [read, 1, [own]]`
      help: write it as `rolecall: {grants: {analyst: [read]}}`
    error[meta-type] `rolecall.grants.auditor[2]` should be a permission such as `read`, and is a list
      model.shop.a meta.rolecall.grants.auditor[2]
      at models/m.yml:13:13 `auditor: [read, 1, [own]]`
      help: write it as `rolecall: {grants: {analyst: [read]}}`
    "#);
    insta::assert_snapshot!(shown(&declarations), @r#"
    model.shop.a - models/m.yml:5:9 `rolecall:`
      analyst ["read", "select"] models/m.yml:8:13 `analyst: [raed, SELEKT, Read, read, read, select, SELECT]`
      auditor ["read"] models/m.yml:13:13 `auditor: [read, 1, [own]]`
    "#);
}

#[test]
fn a_block_of_another_type_is_no_block() {
    let mut all = String::new();
    for block in [
        json!(null),
        json!([]),
        json!("read"),
        json!(7),
        json!(true),
        json!({"grants": ["read"]}),
        json!({"grants": null}),
        json!({"product": 3}),
        json!({"product": ""}),
    ] {
        all += &found(block, "");
    }
    insta::assert_snapshot!(all, @r#"
    error[meta-type] `rolecall` should be an object with `product` and `grants`, and is null
      model.shop.a meta.rolecall
      at nowhere
      help: write it as `rolecall: {grants: {analyst: [read]}}`
    error[meta-type] `rolecall` should be an object with `product` and `grants`, and is a list
      model.shop.a meta.rolecall
      at nowhere
      help: write it as `rolecall: {grants: {analyst: [read]}}`
    error[meta-type] `rolecall` should be an object with `product` and `grants`, and is the text "read"
      model.shop.a meta.rolecall
      at nowhere
      help: write it as `rolecall: {grants: {analyst: [read]}}`
    error[meta-type] `rolecall` should be an object with `product` and `grants`, and is the number 7
      model.shop.a meta.rolecall
      at nowhere
      help: write it as `rolecall: {grants: {analyst: [read]}}`
    error[meta-type] `rolecall` should be an object with `product` and `grants`, and is the boolean true
      model.shop.a meta.rolecall
      at nowhere
      help: write it as `rolecall: {grants: {analyst: [read]}}`
    error[meta-type] `rolecall.grants` should be an object of product roles (`grants: {}` for none), and is a list
      model.shop.a meta.rolecall.grants
      at nowhere
      help: write it as `rolecall: {grants: {analyst: [read]}}`
    error[meta-type] `rolecall.grants` should be an object of product roles (`grants: {}` for none), and is null
      model.shop.a meta.rolecall.grants
      at nowhere
      help: write it as `rolecall: {grants: {analyst: [read]}}`
    error[meta-type] `rolecall.product` should be the name of a product, and is the number 3
      model.shop.a meta.rolecall.product
      at nowhere
      help: write it as `rolecall: {grants: {analyst: [read]}}`
    error[meta-type] `rolecall.product` should be the name of a product, and is an empty text
      model.shop.a meta.rolecall.product
      at nowhere
      help: write it as `rolecall: {grants: {analyst: [read]}}`
    "#);
}

#[test]
fn a_block_that_gives_nothing_is_valid() {
    for block in [json!({}), json!({"grants": {}}), json!({"product": "sales"})] {
        let (declarations, diagnostics) = one(block, "", "");
        assert!(diagnostics.is_empty() && declarations["model.shop.a"].grants.is_empty());
    }
}

#[test]
fn one_role_under_two_names_is_said() {
    let block =
        json!({"product": "sales", "grants": {"analyst": "read", "sales.analyst": ["write"]}});
    insta::assert_snapshot!(found(block, ""), @"
    warning[duplicate-role] `analyst` and `sales.analyst` are the same role here; it gets what both say
      model.shop.a meta.rolecall.grants.sales.analyst
      at nowhere
      help: write it once
    ");
}
