//! What can be done with the page: searched, narrowed, walked through by keyboard; and what cannot.

use super::*;
use crate::cli::copy_configuration;

#[test]
fn the_page_opens_without_a_complaint_and_asks_nobody_for_anything() {
    let (_folder, file) = declared();
    let mut browser = Browser::start();
    browser.open(&file);
    assert_eq!(browser.text("document.title"), "Access report: shop");
    for view in ["products", "roles", "people", "findings", "matrix"] {
        browser.eval(&format!("document.querySelector('#tab-{view}').click()"));
        let shown = browser.text("document.querySelector('#view').innerText");
        assert!(shown.len() > 40, "{view}: {shown}");
    }
    browser.eval("window.print = () => {}; document.querySelector('#print').click()");
    browser.eval("window.dispatchEvent(new Event('beforeprint'))");
    let paper = browser.text("document.querySelector('#paper').textContent");
    assert!(
        paper.contains("fct_orders") && paper.contains("sales_analytics_analyst (read)"),
        "{paper}"
    );
    browser.eval("window.dispatchEvent(new Event('afterprint'))");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    // Nor could it: what a script would load or run is refused by the page's own policy.
    browser.eval("new Image().src = 'https://example.com/x.png'; document.body.style.color");
    let refused = browser.eval(
        "(() => { try { document.body.innerHTML = '<p>'; return 'ran'; } catch (e) { return e.name; } })()",
    );
    assert_eq!(refused, "TypeError");
    assert!(browser.complaints().iter().any(|said| said.contains("Content Security Policy")));
}

#[test]
fn a_search_finds_models_by_name_tag_and_product_and_roles_where_no_model_fits() {
    let (_folder, file) = declared();
    let mut browser = Browser::start();
    browser.open(&file);
    choose(&mut browser, "environment", "prod");
    let all = models_shown(&mut browser).len();
    assert!(all > 10, "{all}");
    fill(&mut browser, "query", "fct_ord sales");
    assert_eq!(models_shown(&mut browser), ["fct_order_items", "fct_orders"]);
    fill(&mut browser, "query", "finance_auditor");
    assert_eq!(models_shown(&mut browser).len(), all);
    let heads = "[...document.querySelectorAll('.head')].map(it => it.title).join()";
    assert_eq!(browser.text(heads), "finance_auditor");
    fill(&mut browser, "query", "nothing is called so");
    assert!(models_shown(&mut browser).is_empty());
    browser.eval("document.querySelector('#clear').click()");
    assert_eq!(models_shown(&mut browser).len(), all);
    choose(&mut browser, "product", "Sales Analytics Data Product");
    let of_product = models_shown(&mut browser);
    assert!(of_product.len() < all && of_product.contains(&"fct_orders".to_owned()));
    // The address keeps what is looked at, for whoever it is sent to.
    let address = browser.text("location.hash");
    assert!(address.contains("product=sales_analytics"), "{address}");
}

#[test]
fn narrowed_to_a_person_the_matrix_is_what_who_can_says_of_them() {
    let (_folder, file) = declared();
    let mut browser = Browser::start();
    for (environment, person) in [("prod", "taylor"), ("prod", "robin"), ("dev", "sam")] {
        browser.open(&file);
        choose(&mut browser, "environment", environment);
        let all = models_shown(&mut browser);
        fill(&mut browser, "person", person);
        let theirs = models_shown(&mut browser);
        assert!(!theirs.is_empty() && theirs.len() < all.len(), "{person}: {theirs:?}");
        for model in all.iter().filter(|name| !name.contains("raw_")) {
            let arguments =
                ["explain", person, model, "--declared", "-t", environment, "--format", "json"];
            let explained = rolecall(&fixture("sales_analytics"), &arguments).json();
            let reads = explained["may"].as_array().is_some_and(|may| !may.is_empty());
            assert_eq!(
                theirs.contains(model),
                reads,
                "{person} on {model} in {environment}: {explained}"
            );
        }
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_cell_opens_the_chain_from_the_person_to_the_line_that_declares_it() {
    let (_folder, file) = declared();
    let mut browser = Browser::start();
    browser.open(&file);
    choose(&mut browser, "environment", "prod");
    fill(&mut browser, "person", "taylor");
    browser.eval(
        "[...document.querySelectorAll('[role=gridcell]')]
           .find(it => it.getAttribute('aria-label') === 'fct_orders, taylor: read').click()",
    );
    let ways = browser.text("document.querySelector('#ways').textContent");
    insta::assert_snapshot!(ways, @"in sales_analytics_analyst [rolecall/members/sales_analytics.yml:2] → has SELECT [read, models/marts/sales/_models.yml:12]");
    let drawn = browser.text("[...document.querySelectorAll('.chart g')].map(it => it.getAttribute('aria-label')).join(' / ')");
    insta::assert_snapshot!(drawn, @"person taylor / product role sales_analytics_analyst / model fct_orders");
    // What is drawn leads on, by keyboard too.
    browser.eval("document.querySelectorAll('.chart g')[1].focus()");
    browser.press("Enter");
    let title = browser.text("document.querySelector('#panel h2').textContent");
    assert_eq!(title, "sales_analytics_analyst");
    let panel = browser.text("document.querySelector('#panel').innerText");
    for said in ["taylor", "ad_sales", "defined in", "rolecall.yml:"] {
        assert!(panel.contains(said), "{said}: {panel}");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn everything_can_be_reached_by_keyboard() {
    let (_folder, file) = declared();
    let mut browser = Browser::start();
    browser.open(&file);
    let focus = "(() => { const it = document.activeElement; return it.id || it.className || it.tagName; })()";
    let mut walked = Vec::new();
    for _ in 0..13 {
        browser.press("Tab");
        walked.push(browser.text(focus));
    }
    insta::assert_snapshot!(walked.join(" "), @"skip environment theme print query tag product person clear tab-matrix columns grid BODY");
    browser.eval("document.querySelector('#query').blur()");
    browser.press("/");
    assert_eq!(browser.text(focus), "query");
    browser.eval("document.querySelector('#grid').focus()");
    let here = "(() => { const grid = document.querySelector('#grid');
        return document.getElementById(grid.getAttribute('aria-activedescendant')).getAttribute('aria-label') || 'a name'; })()";
    assert_eq!(browser.text(here), "a name");
    for key in ["ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp"] {
        browser.press(key);
    }
    let second = browser.text("document.querySelectorAll('[role=rowheader] b')[1].textContent");
    let first_head = browser.text("document.querySelector('.head').title");
    let cell = browser.text(here);
    assert!(cell.starts_with(&format!("{second}, {first_head}: ")), "{cell}");
    browser.press("End");
    browser.press("Home");
    assert_eq!(browser.text(here), "a name");
    browser.press("Enter");
    let title = browser.text("document.activeElement.textContent");
    assert_eq!(title, second, "the details have the focus");
    browser.press("Escape");
    assert_eq!(browser.text(focus), "grid");
    assert_eq!(browser.eval("document.querySelector('#panel').hidden"), true);
    browser.eval("document.querySelector('#tab-matrix').focus()");
    browser.press("ArrowRight");
    assert_eq!(browser.text(focus), "tab-products");
    let chosen = "document.querySelector('[aria-selected=true]').textContent";
    assert_eq!(browser.text(chosen), "Products");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_name_that_looks_like_markup_or_a_script_is_a_name() {
    let from = fixture("sales_analytics");
    let folder = tempfile::tempdir().unwrap();
    copy_configuration(&from, folder.path());
    let attack = "</script><img src=x onerror=pwned()><script>pwned()</script>";
    let change = |file: &str, from: &str, to: &str| {
        let path = folder.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        write(&path, text.replace(from, to).as_bytes());
    };
    change("rolecall.yml", "Sales Analytics Data Product", &format!("'{attack}'"));
    change("rolecall.yml", "jane@acme.example", &format!("'{attack}@acme.example'"));
    let members = format!(
        "analyst:\n  - user: '\"{}\"'\n    reason: \"{attack}\\u2028\\u202e<!--\"",
        "<svg onload=pwned()>"
    );
    change("rolecall/members/sales_analytics.yml", "analyst:", &members);
    let manifest = std::fs::read_to_string(from.join("target/prod/manifest.json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let node = &mut manifest["nodes"]["model.shop.fct_orders"];
    node["alias"] = attack.into();
    node["relation_name"] = format!("\"shop\".\"sales\".\"{attack}\"").into();
    node["tags"] = serde_json::json!([attack, "javascript:pwned()"]);
    node["config"]["tags"] = node["tags"].clone();
    write(&folder.path().join("target/prod/manifest.json"), manifest.to_string().as_bytes());
    let file = folder.path().join("access.html");
    let out = file.to_str().unwrap();
    report(folder.path(), &["--declared", "-t", "prod", "--out", out]);
    let html = std::fs::read_to_string(&file).unwrap();
    assert_eq!(html.matches("</script>").count(), 2);
    let mut browser = Browser::start();
    browser.open(&file);
    browser.eval("window.pwned = () => { window.ran = true; }; 1");
    for view in ["products", "roles", "people", "findings", "matrix"] {
        browser.eval(&format!("document.querySelector('#tab-{view}').click()"));
    }
    choose(&mut browser, "tag", attack);
    fill(&mut browser, "person", "<svg onload=pwned()>");
    browser.eval("[...document.querySelectorAll('[role=gridcell]')].find(it => it.getAttribute('aria-label').startsWith('fct_orders, <svg')).click()");
    let panel = browser.text("document.querySelector('#panel').innerText");
    assert!(panel.contains("<svg onload=pwned()>") && panel.contains(attack), "{panel}");
    // A letter that turns the order of what follows is written out.
    assert!(panel.contains("\\u{2028}\\u{202e}<!--"), "{panel}");
    assert_eq!(browser.eval("window.ran === undefined"), true);
    assert_eq!(browser.eval("document.querySelectorAll('img, svg[onload], script').length"), 2);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn without_a_file_or_for_a_wrong_format_the_arguments_are_wrong() {
    let folder = fixture("sales_analytics");
    for (arguments, said) in [
        (&["report", "--declared"][..], "--out access.html"),
        (&["report", "--declared", "--with-models", "--out", "x"], "--with-models is for"),
        (&["report", "--declared", "--format", "sql"], "--format sql is for `compile`"),
        (&["plan", "--format", "dot"], "--format dot is for `report`"),
    ] {
        let ended = rolecall(&folder, arguments);
        assert_eq!(ended.exit, 2, "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(said), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn an_environment_whose_project_is_wrong_is_named_in_the_page() {
    let from = fixture("sales_analytics");
    let folder = tempfile::tempdir().unwrap();
    copy_configuration(&from, folder.path());
    let manifest = std::fs::read(from.join("target/prod/manifest.json")).unwrap();
    write(&folder.path().join("target/prod/manifest.json"), &manifest);
    let file = folder.path().join("access.html");
    report(folder.path(), &["--declared", "--out", file.to_str().unwrap()]);
    let mut browser = Browser::start();
    browser.open(&file);
    let foot = browser.text("document.querySelector('#foot').textContent");
    assert!(foot.contains("dev is not in this page: "), "{foot}");
    assert!(browser.text("document.querySelector('#about').textContent").starts_with("prod"));
}
