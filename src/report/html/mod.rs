//! `rolecall report`: one page that holds everything, and loads nothing.
//!
//! The page's own source stands beside this file, in plain HTML, CSS and JavaScript. Its content
//! security policy allows that script and that style by their hashes and nothing else, so that no
//! name of a model or a person can run or load anything; the data stand in it as JSON.

mod actors;
mod data;
mod environment;
mod found;
mod interned;
mod level;
mod models;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

pub use data::{Data, Drift, Finding, LeftOut};
pub use environment::Seen;

use interned::shown;
use models::Listed;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");

/// In the order in which they use each other.
const SCRIPTS: [&str; 8] = [
    include_str!("data.js"),
    include_str!("dom.js"),
    include_str!("filter.js"),
    include_str!("matrix.js"),
    include_str!("chart.js"),
    include_str!("panel.js"),
    include_str!("lists.js"),
    include_str!("page.js"),
];

/// What a page says, of one or several environments of a project. `made_at` is for people.
pub fn data(deployment: &str, made_at: &str, seen: Vec<Seen<'_>>, left_out: Vec<LeftOut>) -> Data {
    let listed = Listed::of(&seen);
    let environments = seen.into_iter().map(|seen| environment::told(seen, &listed)).collect();
    Data {
        version: super::json::VERSION,
        title: shown(deployment),
        made_at: made_at.to_owned(),
        tool: concat!("rolecall ", env!("CARGO_PKG_VERSION")),
        tags: listed.tags,
        products: listed.products,
        models: listed.models,
        left_out,
        environments,
    }
}

/// The page.
pub fn page(data: &Data) -> Result<String, serde_json::Error> {
    let script = script();
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        source(&script),
        source(STYLE)
    );
    let json = inert(&serde_json::to_string(data)?);
    let parts = [
        ("{{policy}}", policy.as_str()),
        ("{{style}}", STYLE),
        ("{{data}}", json.as_str()),
        ("{{script}}", script.as_str()),
    ];
    // Each place is looked for in what is left of the page's own source: never in what was put in.
    let mut page = String::with_capacity(PAGE.len() + STYLE.len() + script.len() + json.len());
    let mut rest = PAGE;
    for (place, text) in parts {
        if let Some((before, after)) = rest.split_once(place) {
            page.push_str(before);
            page.push_str(text);
            rest = after;
        }
    }
    page.push_str(rest);
    Ok(page)
}

/// One script, whose names are its own.
fn script() -> String {
    format!("(() => {{\n'use strict';\n{}}})();\n", SCRIPTS.concat())
}

/// What a content security policy calls a text that stands in the page.
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

/// JSON that ends no element and begins no comment: what HTML or JavaScript could take for its own
/// is written as an escape, which only strings can hold.
fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty(title: &str) -> Data {
        data(title, "now", Vec::new(), Vec::new())
    }

    #[test]
    fn no_text_of_the_data_ends_the_element_that_it_stands_in() {
        let title = "</script><script>alert(1)</script><!-- \u{2028}{{script}}\"'&amp;";
        let page = page(&empty(title)).unwrap();
        assert_eq!(page.matches("</script>").count(), 2, "its own two");
        assert!(!page.contains("<!--") && !page.contains('\u{2028}'));
        let json = page.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
        let read: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(read["title"], shown(title));
    }

    #[test]
    fn the_policy_allows_the_page_s_own_script_and_style_and_nothing_else() {
        let page = page(&empty("shop")).unwrap();
        let policy = page.split("content=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        let script = page.rsplit_once("<script>").unwrap().1.split("</script>").next().unwrap();
        let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        for text in [script, style] {
            assert!(policy.contains(&source(text)), "{policy}");
        }
    }

    #[test]
    fn the_page_s_own_source_neither_loads_anything_nor_reads_text_as_markup() {
        let source = [PAGE, STYLE, &script()].concat();
        let own = source.replace("http://www.w3.org/2000/svg", "");
        for never in [
            "http:",
            "https:",
            "//cdn",
            "@import",
            "url(",
            "src=",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "fetch(",
            "XMLHttpRequest",
            "import(",
        ] {
            let found = own.replace("url(#arrow)", "");
            assert!(!found.contains(never), "{never}");
        }
    }
}
