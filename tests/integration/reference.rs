//! The documents that are written from the code, or list what is in it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rolecall::dialect::{privileges_markdown, snowflake_statements_markdown};
use rolecall::model::DialectKind;

/// Set, the test writes the files instead of comparing them.
const WRITE: &str = "ROLECALL_WRITE_REFERENCE";

const GENERATED: &str = "<!-- Written from the code. To write it again:\n     \
    ROLECALL_WRITE_REFERENCE=1 cargo test --test integration the_reference_is_fresh -->\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cli() -> String {
    format!(
        "# Command line\n{GENERATED}\nExit statuses are in [the README](../../README.md#exit-status).\n\n{}",
        rolecall::cli::reference()
    )
}

fn privileges() -> String {
    let mut text = format!(
        "# Privileges\n{GENERATED}\n\
         What the permission words become on each class of objects. `own` is ownership and no \
         privilege. Any privilege\nof the class may be declared by its SQL name.\n\n\
         A declaration is about a node's relation: a table, a view and their kin. The other \
         classes are here because a\nmanaged role can have been given something on them, and what \
         nobody declares is taken away.\n"
    );
    for (kind, name) in
        [(DialectKind::Postgres, "PostgreSQL"), (DialectKind::Snowflake, "Snowflake")]
    {
        let _ = write!(text, "\n## {name}\n{}", privileges_markdown(kind));
    }
    text
}

fn statements() -> String {
    format!(
        "# Statements on Snowflake\n{GENERATED}\n\
         What is sent to Snowflake to give something and to take it, for every type of object, as the \
         code writes it.\nNames are always quoted. A managed role is never given a grant option; one \
         that it was given by somebody\nelse is taken. `ON ALL` is never sent: it would give more than \
         the plan shows, so each object has a\nstatement of its own. Ownership is moved, never \
         revoked. Where a form is missing, Snowflake has none.\n{}",
        snowflake_statements_markdown()
    )
}

/// A page for each check, and the project that their examples begin with.
fn checks() -> Vec<(String, String)> {
    let page = |check: &&rolecall::check::Check| {
        let (first, rest) = rolecall::check::page(check)
            .split_once('\n')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        (format!("checks/{}.md", check.code), format!("{first}\n{GENERATED}{rest}"))
    };
    let mut pages: Vec<_> = rolecall::check::ALL.iter().map(page).collect();
    let mut base = format!(
        "# The project of the examples\n{GENERATED}\nEvery example of a check begins with this project and shows \
         only what is different. The people\nand roles ada, bob, jane, dbt and loader are there.\n"
    );
    for (file, text) in rolecall::check::BASE {
        let kind = if file.ends_with(".sql") { "sql" } else { "yaml" };
        let _ = write!(base, "\n`{file}`:\n```{kind}\n{text}```\n");
    }
    pages.push(("checks/README.md".to_owned(), base));
    pages
}

#[test]
fn every_check_is_in_the_list_of_the_document() {
    let list = std::fs::read_to_string(root().join("docs/checks.md")).unwrap();
    for check in rolecall::check::ALL {
        let line = format!("[`{0}`](checks/{0}.md) | {1} |", check.code, check.level.as_str());
        assert!(list.contains(&line), "docs/checks.md has no line {line}");
    }
}

#[test]
fn the_reference_is_fresh() {
    let reference = [
        ("reference/cli.md".to_owned(), cli()),
        ("reference/privileges.md".to_owned(), privileges()),
        ("reference/snowflake-statements.md".to_owned(), statements()),
    ];
    for (file, now) in reference.into_iter().chain(checks()) {
        let path = root().join("docs").join(&file);
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(&path, now).unwrap();
            continue;
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == now,
            "docs/{file} is not as the code writes it; to write it again:\n  \
             {WRITE}=1 cargo test --test integration the_reference_is_fresh"
        );
    }
}

/// Texts that look like codes and are none.
const NO_CODES: &[&str] = &[
    // Commands of git.
    "cat-file",
    "for-each-ref",
    "ls-tree",
    "merge-base",
    "rev-list",
    "rev-parse",
    "verify-commit",
    // Fields of playbooks, and what ends a secret's name.
    "api-key",
    "database-name",
    "include-all",
    "include-future",
    "object-name",
    "object-type",
    "post-hook",
    "pre-hook",
    "private-key",
    "revoke-other-grants",
    "role-owner",
    "schema-name",
    "unsupported-revoke-behavior",
    "kept-by-the-http-layer",
    "login-request",
    "macro-paths",
    "multi-factor",
    "query-request",
    "run-results",
    "verify-ca",
    "verify-full",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-customer-key",
];

/// Codes of one word, which no pattern tells from other texts.
const ONE_WORD: [&str; 3] = ["dependents", "protected", "stopped"];

#[test]
fn every_code_is_in_the_list_of_diagnostics_and_no_other() {
    let mut used: BTreeSet<String> = ONE_WORD.iter().map(ToString::to_string).collect();
    for file in sources(&root().join("src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        used.extend(lines.flat_map(|line| line.split('"').skip(1).step_by(2)).filter_map(is_code));
    }
    let list = std::fs::read_to_string(root().join("docs/reference/diagnostics.md")).unwrap();
    let listed: BTreeSet<String> = list
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned))
        .collect();
    let missing: Vec<&String> = used.difference(&listed).collect();
    let gone: Vec<&String> = listed.difference(&used).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "docs/reference/diagnostics.md lacks {missing:?}, and has {gone:?}, which no code says"
    );
}

/// A text in kebab case with a dash in it.
fn is_code(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split('-').collect();
    let word = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    let is = words.len() > 1 && words.iter().all(word) && !NO_CODES.contains(&text);
    is.then(|| text.to_owned())
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.contains("tests") {
            continue;
        }
        if path.is_dir() {
            files.extend(sources(&path));
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
    files
}
