//! The graphs, read by Graphviz and by Mermaid themselves.

use std::io::Write;
use std::process::{Command, Stdio};

use rolecall::report::graph::{Edge, Graph, Kind};
use serde_json::json;

use super::*;

/// What must come out as it went in, or with a backslash before what would break a line.
const ODD: [&str; 6] = [
    "a\"]; click n0 \"javascript:pwned()\"",
    "`**bold**` <img src=x onerror=pwned()> &lt; %% ;",
    "back\\slash\\n \\N \\l #35; #quot;",
    "end subgraph --> n1 -.-> style classDef",
    "{{ }} [[ ]] (( )) || ///",
    "Łódź 東京 'quoted' $x$",
];

fn odd() -> Graph {
    let mut graph = Graph::default();
    for (at, name) in ODD.iter().enumerate() {
        let kind = [Kind::Person, Kind::Group, Kind::Role, Kind::Model][at % 4];
        graph.nodes.push((kind, (*name).to_owned(), String::new()));
        if at > 0 {
            let label = if at % 2 == 0 { (*name).to_owned() } else { String::new() };
            graph.edges.push(Edge { from: at - 1, to: at, label, by_set_role: at == 1 });
        }
    }
    graph
}

fn of_the_fixture(format: &str) -> String {
    let arguments = ["--declared", "-t", "prod", "--with-models", "--format", format];
    report(&fixture("sales_analytics"), &arguments)
}

const NAMES: [&str; 4] = ["taylor", "sales_analytics.analyst", "ad_sales", "shop.sales.fct_orders"];

#[test]
fn graphviz_draws_every_name_as_it_is() {
    let svg = |dot: &str| {
        let mut child = Command::new("dot")
            .arg("-Tsvg")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Graphviz: `. scripts/env` installs it");
        child.stdin.take().unwrap().write_all(dot.as_bytes()).unwrap();
        let drawn = child.wait_with_output().unwrap();
        let complaint = String::from_utf8_lossy(&drawn.stderr).into_owned();
        assert!(drawn.status.success() && !complaint.contains("syntax"), "{complaint}\n{dot}");
        let svg = String::from_utf8(drawn.stdout).unwrap();
        let entities = [
            ("&#160;", " "),
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&quot;", "\""),
            ("&#39;", "'"),
            ("&#45;", "-"),
            ("&amp;", "&"),
        ];
        entities.iter().fold(svg, |svg, (entity, letter)| svg.replace(entity, letter))
    };
    let drawn = svg(&odd().dot());
    for name in ODD {
        assert!(drawn.contains(&format!(">{name}<")), "{name}: {drawn}");
    }
    let drawn = svg(&of_the_fixture("dot"));
    for name in NAMES {
        assert!(drawn.contains(&format!(">{name}<")), "{name}: {drawn}");
    }
}

#[test]
fn mermaid_draws_every_name_as_it_is() {
    let Some(script) = std::env::var_os("ROLECALL_MERMAID").filter(|path| !path.is_empty()) else {
        eprintln!("passed by: ROLECALL_MERMAID names no mermaid.min.js");
        return;
    };
    let script = std::fs::read_to_string(script).unwrap();
    let mut browser = Browser::start();
    let folder = tempfile::tempdir().unwrap();
    let blank = folder.path().join("blank.html");
    write(&blank, b"<!doctype html><title>x</title><body></body>");
    browser.open(&blank);
    browser.eval(&format!("{script}; window.pwned = () => {{ window.ran = true; }}; 1"));
    let mut drawn = |text: &str| {
        browser.eval("mermaid.initialize({startOnLoad: false, securityLevel: 'strict'})");
        let drawn = browser.eval(&format!(
            "mermaid.render('g', {}).then(({{svg}}) => {{
               document.body.innerHTML = svg;
               return {{ nodes: [...document.querySelectorAll('.node')].map(it => it.textContent.trim()),
                        edges: document.querySelectorAll('.edgePaths path').length,
                        labels: [...document.querySelectorAll('.edgeLabel')].map(it => it.textContent.trim()),
                        more: document.querySelectorAll('img, a, script').length, ran: window.ran === true }}; }})",
            json!(text)
        ));
        assert_eq!((&drawn["more"], &drawn["ran"]), (&json!(0), &json!(false)), "{drawn}");
        drawn
    };
    let told = drawn(&odd().mermaid());
    assert_eq!(told["nodes"], json!(ODD), "{told}");
    assert_eq!(told["edges"], json!(ODD.len() - 1));
    for label in ["SET ROLE", ODD[2], ODD[4]] {
        assert!(told["labels"].as_array().unwrap().contains(&json!(label)), "{label}: {told}");
    }
    let told = drawn(&of_the_fixture("mermaid"));
    let nodes = told["nodes"].to_string();
    for name in NAMES {
        assert!(nodes.contains(name), "{name}: {nodes}");
    }
}
