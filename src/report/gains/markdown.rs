//! Gains and losses as a comment of a pull request: one screen, the rest folded. Names come from
//! models, files and servers: none of them may become Markdown, HTML, a link or a mention.

use std::fmt::Write as _;

use super::{Cause, Change, Said, Summary, sentence, thing_name};
use crate::effect::gains::What;
use crate::report::count;
use crate::report::findings::one_line;

/// Rows that are shown before the rest is folded, and rows that are shown at all.
const OPEN: usize = 8;
const FOLDED: usize = 100;
/// A comment holds 65,536 characters.
const LONGEST: usize = 60_000;
/// A name that is longer is cut.
const NAME: usize = 120;

/// The comment. `environment` is where; `sides` say of what.
pub fn text(summary: &Summary, environment: &str, sides: (&str, &str), notes: &[String]) -> String {
    let mut out = String::new();
    let said = sentence(&summary.gaining, &summary.losing);
    let _ = writeln!(out, "### Access in {}: {said}\n", code(environment));
    let (from, to) = (code(sides.0), code(sides.1));
    if summary.changes.is_empty() {
        let _ = writeln!(out, "Nobody gains or loses access from {from} to {to}.");
        out.push_str(&noted(notes));
        return out;
    }
    let tagged = summary.changes.iter().take_while(|change| !change.tags.is_empty()).count();
    let (first, rest) = summary.changes.split_at(tagged);
    if !summary.first_tags.is_empty() {
        let tags: Vec<String> = summary.first_tags.iter().map(|tag| code(tag)).collect();
        let tags = tags.join(", ");
        let part = &summary.tagged;
        let said = sentence(&part.gaining, &part.losing);
        let nodes =
            if tagged == 0 { String::new() } else { format!(" ({})", count(part.nodes, "node")) };
        let _ = writeln!(out, "**Tagged {tags}**: {said}{nodes}\n");
    }
    let (shown, folded) = first.split_at(first.len().min(OPEN));
    out.push_str(&table(shown, LONGEST));
    out.push_str(&fold(folded, "more with these tags", LONGEST - out.len()));
    let rest_open = rest.len() <= OPEN.saturating_sub(shown.len());
    if rest_open {
        if !first.is_empty() && !rest.is_empty() {
            out.push_str("**The rest**\n\n");
        }
        out.push_str(&table(rest, LONGEST.saturating_sub(out.len())));
    } else {
        let what = if first.is_empty() { "" } else { "without these tags" };
        out.push_str(&fold(rest, what, LONGEST.saturating_sub(out.len())));
    }
    let nodes = count(summary.nodes, "node");
    let others = match summary.others {
        0 => String::new(),
        n => format!(" and {}", count(n, "other object")),
    };
    let _ = writeln!(out, "<sub>{nodes}{others}, from {from} to {to}</sub>");
    out.push_str(&noted(notes));
    out
}

fn noted(notes: &[String]) -> String {
    notes.iter().map(|note| format!("\n> {}\n", escape(note))).collect()
}

fn fold(changes: &[Change], what: &str, longest: usize) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let nodes: std::collections::BTreeSet<String> =
        changes.iter().flat_map(|change| &change.on).map(thing_name).collect();
    let rows = count(changes.len(), "change");
    let on = count(nodes.len(), "object");
    let what = if what.is_empty() { String::new() } else { format!(" {what}") };
    let table = table(changes, longest.saturating_sub(500));
    format!("<details><summary>{rows} on {on}{what}</summary>\n\n{table}</details>\n\n")
}

fn table(changes: &[Change], longest: usize) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let mut out = "| | may | on | who | because |\n|:-:|---|---|---|---|\n".to_owned();
    let mut shown = 0;
    for change in changes.iter().take(FOLDED) {
        let row = row(change);
        if out.len() + row.len() > longest {
            break;
        }
        out.push_str(&row);
        shown += 1;
    }
    let more = changes.len() - shown;
    if more > 0 {
        let _ =
            writeln!(out, "\n… and {more} more: `rolecall diff --format json` has all of them.");
    }
    out.push('\n');
    out
}

fn row(change: &Change) -> String {
    let sign = match change.what {
        What::Gains => "➕",
        What::Loses => "➖",
        What::HoldsInVain => "⚪",
    };
    let mut may = change.permissions.list().join(", ");
    match (change.what, change.still_held) {
        (What::HoldsInVain, _) => may.push_str(", of no use"),
        (What::Loses, true) => may.push_str(", still held"),
        _ => {}
    }
    let names: Vec<String> =
        change.on.iter().take(4).map(|thing| code(&thing_name(thing))).collect();
    let on = match change.on.len() {
        n if n <= 4 => names.join(", "),
        n => format!("{n}: {}, …", names.join(", ")),
    };
    let named = change.named(6);
    let mut who: Vec<String> = named
        .names
        .iter()
        .map(|(prefix, name)| match prefix {
            Some(prefix) => format!("{prefix} {}", code(name)),
            None => code(name),
        })
        .collect();
    if named.more > 0 {
        who.push(format!("and {} more", named.more));
    }
    let mut because: Vec<String> = change.causes.iter().take(2).map(cause).collect();
    if change.causes.len() > 2 {
        because.push(format!("and {}", count(change.causes.len() - 2, "more reason")));
    }
    let (who, because) = (who.join(", "), because.join("; "));
    format!("| {sign} | {may} | {on} | {who} | {because} |\n")
}

fn cause(cause: &Cause) -> String {
    let said: Vec<String> = cause
        .what
        .iter()
        .map(|said| match said {
            Said::Words(text) => text.clone(),
            Said::Name(name) => code(name),
        })
        .collect();
    let mut said = said.join(" ");
    let places: Vec<String> = cause.places.iter().take(2).map(|place| code(place)).collect();
    if !places.is_empty() {
        let _ = write!(said, " ({}", places.join(", "));
        match cause.places.len().saturating_sub(2) {
            0 => said.push(')'),
            more => {
                let _ = write!(said, " and {more} more)");
            }
        }
    }
    said
}

/// A text as code, whatever is in it. Within code nothing is a mention or a link.
pub fn code(text: &str) -> String {
    let mut text = one_line(text);
    if text.chars().count() > NAME {
        text = text.chars().take(NAME).chain(['…']).collect();
    }
    // In a table a backslash or a bar ends what a backtick began.
    let plain = !text.is_empty()
        && !text.contains(['`', '|', '\\'])
        && !text.starts_with(' ')
        && !text.ends_with(' ');
    match plain {
        true => format!("`{text}`"),
        false => format!("<code>{}</code>", escape(&text)),
    }
}

/// Every sign that could mean anything as what it is in HTML.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text).chars() {
        match c {
            ' ' => out.push(' '),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
