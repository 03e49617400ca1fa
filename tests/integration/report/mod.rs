//! `rolecall report`: the page as a person sees it, in a headless Chromium, and the graphs as their
//! own programs read them.

mod big;
mod browser;
mod graphs;
mod looks;
mod page;
mod warehouse;

use std::path::{Path, PathBuf};

use crate::cli::{fixture, rolecall, write};
use browser::Browser;

/// The page of the fixture's declarations, of every environment.
fn declared() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("access.html");
    report(&fixture("sales_analytics"), &["--declared", "--out", file.to_str().unwrap()]);
    (folder, file)
}

fn report(folder: &Path, arguments: &[&str]) -> String {
    let all: Vec<&str> = ["report"].iter().chain(arguments).copied().collect();
    let ended = rolecall(folder, &all);
    assert_eq!(ended.exit, 0, "{ended:?}");
    ended.stdout
}

/// The names of the models that the matrix shows, all of them.
fn models_shown(browser: &mut Browser) -> Vec<String> {
    let names = browser.eval(
        "(() => { const grid = document.querySelector('#grid'); if (!grid) return [];
           return [...grid.querySelectorAll('[role=rowheader] b')].map(it => it.textContent); })()",
    );
    let count = browser.text("document.querySelector('#said').textContent");
    let names: Vec<String> =
        names.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect();
    assert!(names.is_empty() || count.starts_with(&format!("{} model", names.len())), "{count}");
    names
}

/// Writes into a field, as somebody does who types and leaves it.
fn fill(browser: &mut Browser, id: &str, text: &str) {
    browser.eval(&format!("document.querySelector('#{id}').value = ''"));
    browser.eval(&format!("document.querySelector('#{id}').focus()"));
    browser.write(text);
    browser.eval(&format!("document.querySelector('#{id}').dispatchEvent(new Event('change'))"));
}

fn choose(browser: &mut Browser, id: &str, option: &str) {
    let chosen = browser.eval(&format!(
        "(() => {{ const list = document.querySelector('#{id}');
           const option = [...list.options].find(it => it.textContent === '{option}');
           if (!option) return false;
           list.value = option.value; list.dispatchEvent(new Event('change')); return true; }})()"
    ));
    assert_eq!(chosen, true, "{id} has no {option}");
}
