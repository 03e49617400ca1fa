//! Roles whose names the template explains, and that the configuration does not have: product roles
//! where the manifest explains what they hold, playbook roles else.

use super::site::Site;
use crate::engines::Ground;

const NODES: &[(&str, &str, &str)] = &[
    ("model", "orders", "table"),
    ("model", "salaries", "table"),
    ("model", "seen", "view"),
    ("seed", "countries", "seed"),
];

const CONFIG: &str = r#"version: 1
environments:
  dev: {role_name: "~dev_{{ product.name }}_{{ role.name }}"}
  prod: {role_name: "~{{ product.name }}_{{ role.name }}"}
product_roles:
  analyst: {may: [read]}
products:
  shop:
    outputs: "resource_type:seed"
"#;

async fn site<'g>(ground: &'g Ground) -> Site<'g> {
    ground
        .sql(
            "create schema sales; create schema other;
             create table sales.orders (id int); create table sales.salaries (id int);
             create table sales.countries (id int); create view sales.seen as select 1 as id;
             create table other.t (id int);
             create role ~finance_analyst; create role ~finance_loader; create role ~shop_loader;
             create role ~shop_analyst; create role ~dev_finance_analyst; create role ~ops_reader;
             create role ~a_b_c; create role ~hr_boss login; create role ~web_reader;
             create role ~team; create role ~taylor login; create role ~sam login;
             grant usage on schema sales to ~finance_analyst, ~finance_loader, ~shop_loader,
                 ~ops_reader, ~a_b_c, ~hr_boss, ~web_reader, ~dev_finance_analyst;
             grant select on sales.orders, sales.seen, sales.countries to ~finance_analyst;
             grant select, insert, update, delete, truncate on sales.orders to ~finance_loader;
             grant references on sales.orders to ~finance_loader;
             grant select on sales.countries to ~shop_loader;
             grant insert on sales.countries to ~shop_loader;
             grant select on sales.orders, other.t to ~ops_reader;
             grant select on sales.salaries to ~a_b_c, ~hr_boss, ~dev_finance_analyst, ~web_reader;
             grant ~finance_analyst to ~taylor, ~team; grant ~team to ~sam;
             grant ~shop_loader to ~sam; grant ~web_reader to ~a_b_c;",
        )
        .await;
    let site = Site::new(ground);
    site.write("rolecall.yml", CONFIG);
    site.manifest(NODES, &[]);
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_that_the_template_and_the_manifest_explain_become_product_roles() {
    for ground in Ground::each().await {
        let site = site(&ground).await;
        let import = ["import", "-t", "prod"];
        let ended = site.rolecall(&[&import[..], &["--out", "."]].concat()).with(0);
        println!("{}", site.shown(&ended.stderr));
        println!("{}", site.read("rolecall/platform/imported_products.yml"));
        println!("{}", site.read("rolecall_product_roles.yml"));
        println!("{}", site.read("rolecall_declarations.yml"));
        println!("{}", site.read("rolecall/members/finance.yml"));
        println!("{}", site.read("rolecall/members/shop.yml"));
        println!("{}", site.read("rolecall/platform/imported.yml"));
        panic!();
    }
}
