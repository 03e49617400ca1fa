//! A request's file.

use super::{Wish, against, day_of, standing};
use crate::config::{Config, Member, MemberEntry};
use crate::directory::Known;
use crate::edit::{day, quoted, scalar};
use crate::model::{Diagnostic, Diagnostics, Place};
use crate::receipts::iso;

/// Where somebody stands already.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Not in.
    Out,
    /// In, for at least as long and as wide.
    In(Place),
    /// In, but not for as long or as wide: these entries give way to the new one.
    Longer(Vec<MemberEntry>),
    /// In by an entry that is partly for other environments.
    Meets(Place),
}

/// What becomes of a wish.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A file: its name without number and ending, and its text.
    Ask {
        /// The name.
        id: String,
        /// The content.
        text: String,
    },
    /// They are in already, by that entry.
    Already(Place),
}

/// The longest part of a name that a person's name is.
const LONGEST: usize = 40;

/// A request for a wish. `clock` is when it is asked, `now` what expiry is judged by.
///
/// # Errors
/// Nobody could grant it; everything against it is said.
pub fn ask(
    config: &Config,
    known: &Known,
    wish: &Wish,
    clock: i64,
    now: i64,
) -> Result<Answer, Diagnostics> {
    let found = against(config, wish, now);
    if found.has_errors() {
        return Err(found);
    }
    match standing(config, wish, now) {
        Standing::In(place) => return Ok(Answer::Already(place)),
        Standing::Meets(place) => return Err([meets(wish, place)].into_iter().collect()),
        Standing::Out | Standing::Longer(_) => {}
    }
    if let Some(place) = by_rule(config, known, wish) {
        return Ok(Answer::Already(place));
    }
    let id = format!("{}-{}-{}-{}", day_of(clock), slug(&wish.user), wish.product, wish.role);
    Ok(Answer::Ask { id, text: text(wish, clock) })
}

/// The same name for the n-th time: `-2`, `-3`; the first has none.
pub fn number(id: &str, n: u32) -> String {
    if n < 2 { id.to_owned() } else { format!("{id}-{n}") }
}

pub(super) fn meets(wish: &Wish, place: Place) -> Diagnostic {
    let Wish { user, product, role, .. } = wish;
    let what = format!("{} is in {product}.{role} already", user.escape_debug());
    Diagnostic::error("already-member", what).with_place(place).with_help(
        "that entry is for other environments, too: let the owner edit it by `rolecall member`",
    )
}

/// Somebody whom a rule lets in without an end.
fn by_rule(config: &Config, known: &Known, wish: &Wish) -> Option<Place> {
    let Known::People(directory) = known else { return None };
    let entries = config.members.get(&wish.product)?.get(&wish.role)?;
    let unlimited = |entry: &&MemberEntry| entry.until.is_none() && entry.environments.is_empty();
    entries.iter().filter(unlimited).find_map(|entry| {
        let Member::Rule(rule) = &entry.member else { return None };
        let matched = directory.matching(rule).into_iter();
        let is_it = |name: &str| name.to_lowercase() == wish.user.to_lowercase();
        matched.map(|person| directory.name(person)).any(is_it).then(|| entry.place.clone())
    })
}

/// A person's name as part of a file's: letters and digits of any script.
fn slug(name: &str) -> String {
    let local = name.trim_matches('"').trim_start_matches('@');
    let local = local.split('@').next().unwrap_or_default();
    let mut out = String::new();
    for c in local.to_lowercase().chars() {
        if out.chars().count() == LONGEST {
            break;
        }
        if c.is_alphanumeric() || c == '_' {
            out.push(c);
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
    }
    let out = out.trim_end_matches('-');
    if out.is_empty() { "user".to_owned() } else { out.to_owned() }
}

fn text(wish: &Wish, clock: i64) -> String {
    let Wish { product, role, user, reason, until, environments, by } = wish;
    let mut out = format!(
        "product: {}\nrole: {}\nuser: {}\nreason: {}\n",
        scalar(product),
        scalar(role),
        scalar(user),
        quoted(reason.trim())
    );
    if let Some(until) = until {
        out.push_str(&format!("until: {}\n", day(until)));
    }
    if !environments.is_empty() {
        let names: Vec<String> = environments.iter().map(|name| scalar(name)).collect();
        out.push_str(&format!("environments: [{}]\n", names.join(", ")));
    }
    out.push_str(&format!("requested_by: {}\n", scalar(by)));
    out.push_str(&format!("requested_at: {}\n", quoted(&iso(clock))));
    out.push_str("state: open\n");
    out
}
