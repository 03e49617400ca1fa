//! What product roles hold already, as declarations; groups that stay groups; what PUBLIC holds.

use super::site::Site;
use crate::engines::Ground;

const NODES: &[(&str, &str, &str)] = &[
    ("model", "orders", "table"),
    ("model", "seen", "view"),
    ("model", "salaries", "table"),
    ("seed", "countries", "seed"),
];

const CONFIG: &str = r#"version: 1
environments:
  prod: {role_name: "~{{ product.name }}_{{ role.name }}"}
products:
  shop:
    owners: [sam]
    outputs: "package:shop"
    product_roles:
      analyst: {may: [read]}
      loader: {may: [read, write]}
"#;

async fn site(ground: &Ground) -> Site<'_> {
    ground
        .sql(
            "create schema sales; create schema other;
             create table sales.orders (id int); create table sales.salaries (id int);
             create table sales.countries (id int); create view sales.seen as select 1 as id;
             create table other.t (id int);
             create role ~shop_analyst; create role ~shop_loader; create role ~team;
             create role ~loose; create role ~taylor login;
             grant usage on schema sales to ~shop_analyst, ~shop_loader, ~team, ~loose;
             grant select on sales.orders, sales.seen to ~shop_analyst;
             grant update on sales.orders to ~shop_analyst;
             grant select on sales.countries to ~shop_analyst with grant option;
             grant select on other.t to ~shop_analyst;
             grant select on sales.orders to ~shop_loader;
             grant select, insert, update, delete, truncate on sales.countries to ~shop_loader;
             grant insert on sales.salaries to ~shop_loader;
             grant select on sales.orders to ~team, ~loose;
             grant select on sales.seen to public; grant usage on schema other to public;
             grant ~shop_analyst to ~team; grant ~loose to ~team;",
        )
        .await;
    let site = Site::new(ground);
    site.write("rolecall.yml", CONFIG);
    site.write("rolecall/members/shop.yml", "analyst:\n  - group: ~team\n");
    site.manifest(NODES, &[("orders", serde_json::json!({"grants": {"loader": ["read"]}}))]);
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_product_role_holds_and_nobody_declares_is_proposed_and_nothing_wider() {
    for ground in Ground::each().await {
        let site = site(&ground).await;
        let pattern = format!("{}*", ground.prefix);
        let import = ["import", "-t", "prod", "--role", &pattern];
        let ended = site.rolecall(&[&import[..], &["--out", "."]].concat()).with(0);
        let said = site.shown(&ended.stderr);
        for line in [
            "not said: ~shop_analyst: SELECT WITH GRANT OPTION on table DB.sales.countries: a managed role has no right to pass privileges on",
            "not said: ~shop_analyst: UPDATE on table DB.sales.orders: its product role's `may` has no word that says just that",
            "not said: ~shop_analyst: SELECT on table DB.other.t: no node of the manifest is there",
            // The group of a members file stays one, although it holds something of its own.
            "not imported: ~team: the configuration names it as a user or a group, and it stays one",
            "4 nodes with what product roles hold and nobody declares: put each block into its node's `meta`",
        ] {
            assert!(said.lines().any(|one| one == line), "{line}\n{said}");
        }
        let public = said.lines().find(|line| line.starts_with("what everybody has")).unwrap();
        for part in [
            "what everybody has (PUBLIC) is no role's, and is not written: SELECT on view DB.sales.seen; ",
            " on database DB; ",
            "USAGE on schema DB.other; ",
        ] {
            assert!(public.contains(part), "{public}");
        }
        crate::engines::snapshot!(site.read("rolecall_declarations.yml"), @r"
        # Written by `rolecall import` from prod: what product roles hold there, and no node declares
        # yet. Each block is the whole `meta.rolecall` of its node, and takes the place of the one in the file
        # named above it. dbt gives it to every environment: it is their access, too.
        models:
          # models/schema.yml
          - name: orders
            config:
              meta:
                rolecall:
                  grants:
                    analyst: [read]  # new
                    loader: [read]
          # models/salaries.sql
          - name: salaries
            config:
              meta:
                rolecall:
                  grants:
                    loader: [insert]  # new
          # models/seen.sql
          - name: seen
            config:
              meta:
                rolecall:
                  grants:
                    analyst: [read]  # new
        seeds:
          # models/countries.sql
          - name: countries
            config:
              meta:
                rolecall:
                  grants:
                    loader: [read, write]  # new
        ");
        assert!(
            !site.read("rolecall/platform/imported.yml").contains("team:"),
            "a role of a group"
        );
        assert_eq!(
            site.read("rolecall/members/playbook_roles.yml").lines().skip(1).collect::<Vec<_>>(),
            ["~loose:", "  - group: ~team"]
        );
        // As it would be put into the models.
        let json = site.rolecall(&[&import[..], &["--format", "json"]].concat()).json();
        std::fs::remove_file(site.folder.path().join("rolecall_declarations.yml")).unwrap();
        let blocks = site.blocks(&json);
        let blocks: Vec<(&str, serde_json::Value)> =
            blocks.iter().map(|(node, block)| (node.as_str(), block.clone())).collect();
        assert_eq!(blocks.len(), 4, "{json:#}");
        site.manifest(NODES, &blocks);
        let planned =
            site.rolecall(&["plan", "-t", "prod", "--adopt", "--format", "json"]).with(0).json();
        let changes = planned["plan"]["changes"].as_array().unwrap();
        // CONNECT is by name what PUBLIC gives already: nobody gains by it.
        let is_no_gain = |one: &serde_json::Value| {
            let one = one.to_string();
            one.contains("COMMENT ON ROLE") || one.contains("GRANT CONNECT ON DATABASE")
        };
        assert!(!changes.is_empty() && changes.iter().all(is_no_gain), "{changes:#?}");
        site.rolecall(&["apply", "-t", "prod", "--adopt"]).with(0);
        site.rolecall(&["plan", "-t", "prod", "--check"]).with(0);
        // What is declared is not proposed again, of an adopted role either.
        let again = site.rolecall(&[&import[..], &["--format", "json"]].concat()).json();
        assert_eq!(again["declarations"].as_array().unwrap().len(), 0, "{again:#}");
        // What was adopted and got more since by hand is.
        ground.sql("grant select on sales.salaries to ~shop_analyst").await;
        let again = site.rolecall(&[&import[..], &["--format", "json"]].concat()).json();
        assert_eq!(again["declarations"][0]["node"], "model.shop.salaries", "{again:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_open_a_schema_is_not_proposed_but_named() {
    let ground = Ground::each().await.remove(0);
    let site = site(&ground).await;
    ground.sql("revoke usage on schema sales from ~shop_analyst").await;
    let role = format!("{}shop_analyst", ground.prefix);
    let ended = site.rolecall(&["import", "-t", "prod", "--role", &role]).with(0);
    let said = site.shown(&ended.stderr);
    let line = "not said: ~shop_analyst: SELECT, UPDATE on table DB.sales.orders: declared, ~shop_analyst would be given USAGE on schema DB.sales";
    assert!(said.lines().any(|one| one == line), "{said}");
    assert!(!ended.stdout.contains("rolecall_declarations"), "{}", ended.stdout);
}
