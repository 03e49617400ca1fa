//! A page of 5,000 models and 500 roles: how large it is, and how quick. Printed, never asserted:
//! whoever looks decides (`cargo test --test integration a_large -- --nocapture`).

use std::time::Instant;

use serde_json::json;

use super::*;

const MODELS: usize = 5_000;
const PRODUCTS: usize = 125;
const PEOPLE: usize = 2_000;

/// Four roles each product; each model is read and written by its own product's, and read by three of
/// other products; each person is in one group, each group in three roles.
fn project(folder: &Path) {
    let mut config = String::from(
        "version: 1\nenvironments:\n  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}\n\
         product_roles:\n  analyst: {may: [read]}\n  auditor: {may: [read]}\n  \
         engineer: {may: [read, write]}\n  owner: {may: [admin]}\nproducts:\n",
    );
    for product in 0..PRODUCTS {
        config += &format!(
            "  product_{product}: {{title: Product {product}, owners: [jane@acme.example]}}\n"
        );
        let mut members = String::new();
        for (at, role) in ["analyst", "auditor", "engineer", "owner"].iter().enumerate() {
            members += &format!("{role}:\n");
            members += &format!(
                "  - group: group_{}\n  - group: group_{}\n",
                (product * 3 + at) % 200,
                (product * 3 + at + 50) % 200
            );
            for person in 0..PEOPLE / PRODUCTS / 4 {
                members += &format!(
                    "  - user: person_{}\n",
                    (product * 4 + at) * (PEOPLE / PRODUCTS / 4) + person
                );
            }
        }
        write(&folder.join(format!("rolecall/members/product_{product}.yml")), members.as_bytes());
    }
    write(&folder.join("rolecall.yml"), config.as_bytes());
    let mut nodes = serde_json::Map::new();
    for at in 0..MODELS {
        let name = format!("fct_{at}");
        let mut grants =
            json!({"analyst": ["read"], "engineer": ["read", "write"], "owner": ["admin"]});
        for other in 1..4 {
            grants[format!("product_{}.auditor", (at * other * 13 + other) % PRODUCTS)] =
                json!(["read"]);
        }
        let of = format!("product_{}", at % PRODUCTS);
        let tags = [["core"], ["pii"], ["daily"]][at % 3];
        nodes.insert(
            format!("model.shop.{name}"),
            json!({
                "resource_type": "model", "package_name": "shop", "name": name, "alias": name,
                "database": "shop", "schema": format!("s{}", at % 50),
                "relation_name": format!("\"shop\".\"s{}\".\"{name}\"", at % 50),
                "original_file_path": format!("models/{name}.sql"), "fqn": ["shop", name], "tags": tags,
                "config": {"enabled": true, "materialized": "table", "tags": tags,
                    "meta": {"rolecall": {"product": of, "grants": grants}}},
            }),
        );
    }
    let manifest = json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "dbt_version": "1.11.0", "project_name": "shop", "adapter_type": "postgres",
        },
        "nodes": nodes, "sources": {},
    });
    write(&folder.join("target/manifest.json"), manifest.to_string().as_bytes());
}

#[test]
fn a_large_page_holds_only_what_is_seen_and_answers_a_search() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let file = folder.path().join("access.html");
    let started = Instant::now();
    report(folder.path(), &["--declared", "-t", "prod", "--out", file.to_str().unwrap()]);
    eprintln!("made in {:.1?} (unoptimised, all of the command)", started.elapsed());
    let size = std::fs::metadata(&file).unwrap().len();
    eprintln!("{:.2} MB", size as f64 / 1e6);
    let mut browser = Browser::start();
    browser.open(&file);
    // Without a window nothing is painted before somebody looks.
    browser.screenshot();
    let ready = browser.eval(
        "(() => { const t = performance.getEntriesByType('navigation')[0];
           const paint = performance.getEntriesByName('first-contentful-paint')[0];
           return [t.domContentLoadedEventEnd, paint ? paint.startTime : null]; })()",
    );
    eprintln!("script done and first paint after (ms): {ready}");
    let said = browser.text("document.querySelector('#said').textContent");
    assert_eq!(said, "5,000 models, 500 roles.");
    let elements = "document.querySelectorAll('*').length";
    assert!(browser.eval(elements).as_u64().unwrap() < 4_000, "{}", browser.eval(elements));
    for (query, wanted) in [
        ("fct_4999", "1 model, 6 roles fit."),
        ("product_7_analyst", "5,000 models, 1 role fit."),
        ("pii", "1,667 models, 500 roles fit."),
    ] {
        let told = browser.eval(&format!(
            "(() => {{ const field = document.querySelector('#query'); field.value = '{query}';
               const from = performance.now(); field.dispatchEvent(new Event('input'));
               document.body.offsetHeight;
               return [document.querySelector('#said').textContent, performance.now() - from]; }})()"
        ));
        eprintln!("search for {query} (ms): {}", told[1]);
        assert_eq!(told[0], wanted, "{query}");
    }
    fill(&mut browser, "query", "");
    browser.eval("document.querySelector('#query').dispatchEvent(new Event('input'))");
    // At the other end of it there is something, too.
    browser.eval("document.querySelector('#grid').focus()");
    browser.call(
        "Input.dispatchKeyEvent",
        json!({"type": "keyDown", "key": "End", "windowsVirtualKeyCode": 35, "modifiers": 2}),
    );
    let last = browser.text(
        "document.getElementById(document.querySelector('#grid').getAttribute('aria-activedescendant')).getAttribute('aria-label')",
    );
    assert!(last.contains(", product_"), "{last}");
    assert!(browser.eval(elements).as_u64().unwrap() < 4_000);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
