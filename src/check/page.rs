//! The page of a check in the documents, from the check itself.

use std::fmt::Write as _;

use super::{Check, Example};

/// The page, in Markdown.
pub fn page(check: &Check) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "# `{}`: {}\n\n{}\n\nWhere nobody says anything it is of severity **{}**; \
         see [checks](../checks.md) for how to say it.\n\n**What to do**: {}\n",
        check.code,
        lower(check.title),
        check.description,
        check.level.as_str(),
        check.help
    );
    for (title, example) in [("What it finds", &check.bad), ("What it does not", &check.good)] {
        let _ = write!(out, "\n## {title}\n");
        show(&mut out, example);
    }
    out
}

/// The first letter small, as after a colon.
fn lower(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().map(|first| first.to_lowercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

fn show(out: &mut String, example: &Example) {
    let files: Vec<_> = example.files.iter().filter(|(file, _)| !file.starts_with('-')).collect();
    if files.is_empty() && example.by_hand.is_empty() {
        let _ = writeln!(out, "[The project of the examples](README.md) as it is.");
    }
    for (file, text) in files {
        let kind = if file.ends_with(".sql") { "sql" } else { "yaml" };
        let _ = write!(out, "\n`{file}`:\n```{kind}\n{text}```\n");
    }
    for (flag, value) in example.files.iter().filter(|(file, _)| file.starts_with('-')) {
        let _ = write!(out, "\nOn a certain day: `rolecall check {flag} {value}`.\n");
    }
    if !example.by_hand.is_empty() {
        let _ = write!(out, "\nBy hand, after the apply:\n```sql\n{}\n```\n", example.by_hand);
    }
    if !example.says.is_empty() {
        let _ = write!(out, "\nIt says: *{}*.\n", example.says);
    }
}
