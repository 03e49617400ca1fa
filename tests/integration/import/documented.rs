//! The steps of docs/from/warehouse.md, word for word, with real dbt.

use std::process::Command;

use crate::binary::{Ended, repository, rolecall, run};
use crate::dbt_build::{Line, Site, dbt};

/// The commands of the section, by block.
fn blocks() -> Vec<Vec<String>> {
    let page = std::fs::read_to_string(repository("docs/from/warehouse.md")).unwrap();
    let section = page.split_once("\n## Step by step\n").unwrap().1;
    let section = section.split_once("\n## ").unwrap().0;
    let blocks = section.split("```console\n").skip(1);
    blocks
        .map(|block| {
            let lines = block.split_once("```").unwrap().0.lines();
            lines
                .filter_map(|line| line.strip_prefix("$ "))
                .map(|line| line.split('#').next().unwrap().trim().to_owned())
                .collect()
        })
        .collect()
}

fn say(site: &Site, line: &str) -> Ended {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.split_first() {
        Some((&"dbt", words)) => site.dbt(words).with(0),
        Some((&"rolecall", words)) => {
            let mut command = rolecall();
            command.args(words).args(["--target", site.target]).current_dir(site.path());
            run(command.env("ROLECALL_CONNECTION", site.engine.url(site.database))).with(0)
        }
        Some((&"rm", _)) => {
            run(Command::new("sh").args(["-c", line]).current_dir(site.path())).with(0)
        }
        _ => panic!("{line}"),
    }
}

/// What is to be done by hand, as the steps say it.
const BY_HAND: &str = r#"
import os, sys, yaml

def written(name):
    with open(name) as file:
        return file.read()

def put(name, value):
    with open(name, "w") as file:
        yaml.safe_dump(value, file, sort_keys=False)

def items(text):
    above = [line.strip()[2:] for line in text.splitlines() if line.startswith("  # ")]
    value = yaml.safe_load(text)
    below = [(kind, one) for kind in value for one in value[kind]]
    assert len(above) == len(below), (above, below)
    return zip(above, below)

for above, (_, product) in items(written("rolecall_product_roles.yml")):
    name = above.rsplit(":", 1)[0]
    config = yaml.safe_load(written(name))
    more = yaml.safe_load(written("rolecall_product_roles.yml"))["products"][product]
    there = config["products"][product].setdefault("product_roles", {})
    there.update(more["product_roles"])
    put(name, config)

for name, (kind, item) in items(written("rolecall_declarations.yml")):
    if name.endswith(".yml"):
        file = yaml.safe_load(written(name))
        [there] = [one for one in file[kind] if one["name"] == item["name"]]
        meta = there.setdefault("config", {}).setdefault("meta", {})
        meta["rolecall"] = item["config"]["meta"]["rolecall"]
    else:
        name = os.path.join(os.path.dirname(name), item["name"] + "_properties.yml")
        file = {kind: [item]}
    put(name, file)
"#;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_the_page_comes_to_an_empty_plan() {
    let Some(site) = Site::empty(Line::Current, "SHOP", "shop").await else { return };
    let output = serde_json::json!({
        "type": "postgres", "threads": 1, "host": "127.0.0.1",
        "port": "{{ env_var('SHOP_PORT') | as_number }}", "user": "postgres",
        "password": site.password, "dbname": site.database, "schema": "main",
    });
    let profile = serde_json::json!({"shop": {"target": "prod", "outputs": {"prod": output}}});
    site.write("profiles.yml", &profile.to_string());
    site.write("dbt_project.yml", "name: shop\nversion: 1.0.0\nprofile: shop\n");
    for folder in
        ["models", "models/finance", "models/other", "seeds", "rolecall", "rolecall/members"]
    {
        std::fs::create_dir(site.path().join(folder)).unwrap();
    }
    for (name, sql) in [
        ("models/finance/revenue.sql", "{{ config(materialized='table') }} select 1 as id"),
        ("models/finance/costs.sql", "select 1 as id"),
        ("models/other/orders.sql", "{{ config(materialized='table') }} select 1 as id"),
        ("seeds/countries.csv", "id,name\n1,here\n"),
        (
            "models/finance/_models.yml",
            "models:\n  - name: revenue\n    description: What came in.\n    config:\n      meta: {contains_pii: false}\n",
        ),
        (
            "rolecall.yml",
            "version: 1\nenvironments:\n  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}\n  dev: {role_name: \"dev_{{ product.name }}_{{ role.name }}\"}\nproduct_roles:\n  analyst: {may: [read]}\nproducts:\n  geo: {owners: [jane], outputs: \"resource_type:seed\"}\n",
        ),
        ("rolecall/members/geo.yml", "analyst:\n  - {user: jane, environments: [dev]}\n"),
    ] {
        site.write(name, sql);
    }
    site.build(&[]);
    site.sql(
        "create role finance_analyst; create role finance_loader; create role geo_loader;
         create role ops_reader; create role taylor login; create role ad_finance;
         create role ad_geo; create role geo_analyst; create table main.made_by_hand (id int);
         grant usage on schema main to finance_analyst, finance_loader, geo_loader, ops_reader;
         grant select on main.revenue, main.costs, main.orders to finance_analyst;
         grant select, insert, update, delete, truncate on main.revenue to finance_loader;
         grant select, insert on main.countries to geo_loader;
         grant select on main.orders, main.made_by_hand to ops_reader;
         grant finance_analyst to taylor, ad_finance; grant ad_finance to taylor;
         grant geo_loader to ad_geo; grant ops_reader to ad_geo;",
    )
    .await;
    let access = "select format('%s %s %s', c.relname, a.grantee::regrole, a.privilege_type)
        from pg_class c, aclexplode(c.relacl) a where c.relnamespace = 'main'::regnamespace
        union all select format('%s in %s', member::regrole, roleid::regrole)
        from pg_auth_members order by 1";
    let before = site.ask(access).await;
    let [first, then] = <[Vec<String>; 2]>::try_from(blocks()).unwrap();
    for line in &first {
        let ended = say(&site, line);
        if line.starts_with("rolecall import") {
            for role in ["finance_analyst", "finance_loader", "geo_loader"] {
                let line = format!("as a product role: {role}: ");
                assert!(ended.stderr.contains(&line), "{}", ended.stderr);
            }
            assert!(ended.stderr.contains("as a playbook role: ops_reader"), "{}", ended.stderr);
        }
    }
    let python = dbt(Line::Current).unwrap().with_file_name("python");
    run(Command::new(python).args(["-c", BY_HAND]).current_dir(site.path())).with(0);
    for line in &then {
        say(&site, line);
    }
    assert!(site.read("rolecall/members/geo.yml").contains("group: ad_geo"));
    assert!(then.last().unwrap().contains("plan --check"), "{then:?}");
    // Nobody gained and nobody lost.
    assert_eq!(site.ask(access).await, before);
}
