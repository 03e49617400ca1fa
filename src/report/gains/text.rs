//! Gains and losses as text.

use std::fmt::Write as _;

use super::{Cause, Change, Said, Summary, heads, sentence, thing_name};
use crate::effect::gains::What;
use crate::model::DialectKind;
use crate::report::count;
use crate::report::findings::one_line;

/// All of it, with at most so many changes; `head` says of what.
pub fn text(summary: &Summary, head: &str, most: usize) -> String {
    let mut out = String::new();
    let head = one_line(head);
    let said = sentence(&summary.gaining, &summary.losing);
    let _ = writeln!(out, "{head}: {said}{}", on_what(summary));
    let tagged = summary.changes.iter().take_while(|change| !change.tags.is_empty()).count();
    let tags = summary.first_tags.join(", ");
    for (at, change) in summary.changes.iter().take(most).enumerate() {
        if at == 0 && tagged > 0 {
            let part = &summary.tagged;
            let said = sentence(&part.gaining, &part.losing);
            let _ = writeln!(out, "\ntagged {}: {said}", one_line(&tags));
        } else if at == tagged {
            let _ = writeln!(out, "{}", if tagged > 0 { "\nthe rest" } else { "" });
        }
        out.push_str(&lines(change));
    }
    let more = summary.changes.len().saturating_sub(most);
    if more > 0 {
        let _ = writeln!(out, "  … and {more} more; --format json has all of them");
    }
    out
}

fn on_what(summary: &Summary) -> String {
    let parts = [
        (summary.nodes > 0).then(|| count(summary.nodes, "node")),
        (summary.others > 0).then(|| count(summary.others, "other object")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn lines(change: &Change) -> String {
    let mut out = String::new();
    let sign = match change.what {
        What::Gains => '+',
        What::Loses => '-',
        What::HoldsInVain => '·',
    };
    let names: Vec<String> = change.on.iter().take(4).map(thing_name).collect();
    let on = match change.on.len() {
        n if n <= 4 => names.join(", "),
        n => format!("{}: {}, …", count(n, "object"), names.join(", ")),
    };
    let vain = match (change.what, change.still_held) {
        (What::HoldsInVain, _) => ", held and of no use",
        (What::Loses, true) => ", held still and of no use any more",
        _ => "",
    };
    let what = format!("{} on {on}{vain}", change.permissions);
    let _ = writeln!(out, "  {sign} {}", one_line(&what));
    let named = change.named(8);
    let mut who: Vec<String> = named
        .names
        .into_iter()
        .map(|(prefix, name)| match prefix {
            Some(prefix) => format!("{prefix} {name}"),
            None => name,
        })
        .collect();
    if named.more > 0 {
        who.push(format!("and {} more", named.more));
    }
    let _ = writeln!(out, "      {}", one_line(&who.join(", ")));
    for cause in change.causes.iter().take(3) {
        let _ = writeln!(out, "      # {}", one_line(&self::cause(cause)));
    }
    if change.causes.len() > 3 {
        let _ = writeln!(out, "      # and {}", count(change.causes.len() - 3, "more reason"));
    }
    out
}

fn cause(cause: &Cause) -> String {
    let said: Vec<&str> = cause
        .what
        .iter()
        .map(|said| match said {
            Said::Words(text) | Said::Name(text) => text.as_str(),
        })
        .collect();
    let said = said.join(" ");
    match places(&cause.places) {
        places if places.is_empty() => said,
        places => format!("{said} [{places}]"),
    }
}

fn places(places: &[String]) -> String {
    let shown = places.iter().take(2).cloned().collect::<Vec<_>>().join(", ");
    match places.len().saturating_sub(2) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The same in a few lines, under a plan: what concerns most.
pub fn under_a_plan(summary: &Summary, dialect: DialectKind) -> String {
    if summary.changes.is_empty() {
        return "\nNobody gains or loses access by it.\n".to_owned();
    }
    // Of Snowflake no more was looked at.
    let head = match dialect {
        DialectKind::Postgres => "Access after it",
        DialectKind::Snowflake => "Access by managed roles after it",
    };
    let mut out = format!("\n{}", text(summary, head, 8));
    if let (Some(who), false) = (heads(&summary.tagged.gaining), summary.tagged.nodes == 0) {
        let tags = summary.first_tags.join(", ");
        let _ =
            writeln!(out, "Look twice: {} to what is tagged {}", one_line(&who), one_line(&tags));
    }
    out
}
