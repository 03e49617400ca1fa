//! Asking for a product role, and an owner's answer. Pure: texts and the time in, texts out.
//!
//! A request gives nothing. What an approval makes of it is an entry in the owner's file, and that
//! alone is resolved.

mod ask;
pub mod catalog;
mod decide;
#[cfg(test)]
mod tests;

pub use ask::{Answer, Standing, ask, number};
pub use decide::{Approved, Decider, approve, deny, find};

use crate::config::{
    Config, Member, Request, RequestFile, RequestState, end_of_day, has_expired, moment,
    parse_request, unfit, unfit_reason,
};
use crate::dialect;
use crate::edit;
use crate::model::{Diagnostic, Diagnostics, DialectKind, MemberKind};

/// What somebody wants, as they say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The product.
    pub product: String,
    /// The product role.
    pub role: String,
    /// For whom: a user by name.
    pub user: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Option<String>,
    /// Only in these environments; empty for all.
    pub environments: Vec<String>,
    /// Who asks. Claimed.
    pub by: String,
}

impl From<&Request> for Wish {
    fn from(request: &Request) -> Self {
        let mut environments: Vec<String> =
            request.environments.iter().map(|one| one.value.clone()).collect();
        environments.sort();
        environments.dedup();
        Self {
            product: request.product.value.clone(),
            role: request.role.value.clone(),
            user: request.user.value.clone(),
            reason: request.reason.value.clone(),
            until: request.until.as_ref().map(|until| until.value.clone()),
            environments,
            by: request.requested_by.value.clone(),
        }
    }
}

/// Whether a wish can be granted by anybody at all: everything that is against it.
pub fn against(config: &Config, wish: &Wish, now: i64) -> Diagnostics {
    let mut found = Diagnostics::default();
    let mut say = |code, message: String, help: String| {
        found.push(Diagnostic::error(code, message).with_help(help));
    };
    for (what, name) in [("the user", &wish.user), ("who asks", &wish.by)] {
        if let Some(why) = unfit(name) {
            let help = "write the name as the warehouse has it".to_owned();
            say("invalid-name", format!("{what}, `{}`, {why}", name.escape_debug()), help);
        }
    }
    if let Some(why) = unfit_reason(&wish.reason) {
        let what = format!("the reason, `{}`, {why}", wish.reason.escape_debug());
        say("invalid-reason", what, "write one line of text".to_owned());
    }
    if let Some(why) = reserved(config, &wish.user) {
        let what = format!("`{}` cannot be a member: {why}", wish.user.escape_debug());
        say("bad-member", what, "ask for a person".to_owned());
    }
    if let Some(group) = group_named(config, &wish.user) {
        let what =
            format!("`{}` is a group, and only users can be asked for", wish.user.escape_debug());
        let help = format!("ask for a person; the owner lets groups in, as {group} says");
        say("user-and-group", what, help);
    }
    match wish.until.as_deref().map(|until| (until, moment(until))) {
        None => {}
        Some((until, Err(why))) => say(
            "invalid-until",
            format!("`until` is `{}`: {why}", until.escape_debug()),
            "write the last day, 2027-01-31 (in UTC), or a moment, 2027-01-31T18:00:00Z".to_owned(),
        ),
        Some((until, Ok(end))) if end <= now => say(
            "until-passed",
            format!("it would end before it begins: until {until}"),
            "ask for a later day".to_owned(),
        ),
        Some(_) => {}
    }
    for environment in &wish.environments {
        if !config.environments.contains_key(environment) {
            let known = config.environments.keys().map(String::as_str);
            say(
                "unknown-environment",
                format!("there is no environment `{}`", environment.escape_debug()),
                crate::config::suggest(environment, known, "none is declared"),
            );
        }
    }
    if let Err(unknown) = edit::known(config, &wish.product, Some(&wish.role)) {
        found.extend(unknown);
        return found;
    }
    let Some(product) = config.products.get(&wish.product) else { return found };
    if !config.offered(product).any(|role| role.name == wish.role) {
        let offered: Vec<&str> = config.offered(product).map(|role| role.name.as_str()).collect();
        let help = match offered.as_slice() {
            [] => "nothing of it can be asked for: speak to its owners".to_owned(),
            roles => format!("what can be asked for: {}", roles.join(", ")),
        };
        let what = format!("`{}.{}` is not offered", wish.product, wish.role);
        let mut error = Diagnostic::error("not-offered", what).with_help(help);
        if let Some(place) = product.offers.iter().flatten().map(|offer| &offer.place).next() {
            error = error.with_also(place.clone(), "what it offers");
        }
        found.push(error);
    }
    let may = |owner: &str| {
        !config.may_be_one_person(owner, &wish.user) && !config.may_be_one_person(owner, &wish.by)
    };
    if !product.approvers().any(may) {
        let what = format!("nobody can approve it: `{}` has no other owner", wish.product);
        found.push(
            Diagnostic::error("no-approver", what)
                .with_place(product.place.clone())
                .with_help("the platform names one more person under `owners`; a team is nobody by name, and nobody approves for themself. Or whoever reviews the members' file lets them in there: rolecall member add"),
        );
    }
    found
}

/// Where a name is a group's.
fn group_named(config: &Config, name: &str) -> Option<String> {
    let is_it = |member: &Member| match member {
        Member::Named { kind: MemberKind::Group, name: group } => {
            group.to_lowercase() == name.to_lowercase()
        }
        _ => false,
    };
    let mut found = config.entries().filter(|entry| is_it(&entry.member));
    found.next().map(|entry| entry.place.file.to_string_lossy().replace('\\', "/"))
}

/// The open request that wants the same, whoever asked and why.
pub fn asked_already(files: &[RequestFile], wish: &Wish) -> Option<Request> {
    let same = |one: &Wish| {
        (&one.product, &one.role, &one.user, &one.until, &one.environments)
            == (&wish.product, &wish.role, &wish.user, &wish.until, &wish.environments)
    };
    let open = files.iter().filter_map(|file| parse_request(file).0);
    let mut open = open.filter(|request| request.state == RequestState::Open);
    open.find(|request| same(&Wish::from(request)))
}

/// Why no warehouse that is meant can have a user of that name.
fn reserved(config: &Config, user: &str) -> Option<&'static str> {
    let kinds = match &config.dialect {
        Some(said) => vec![said.value],
        None => vec![DialectKind::Postgres, DialectKind::Snowflake],
    };
    // Where a template makes another name of it, resolving says so.
    kinds.into_iter().find_map(|kind| {
        let dialect = dialect::of(kind);
        dialect.reserved(&dialect.fold(user).ok()?)
    })
}

/// The entry that is in already, and what it has to do with the wish.
fn standing(config: &Config, wish: &Wish, now: i64) -> Standing {
    let end = wish.until.as_deref().and_then(|until| moment(until).ok());
    let entries =
        config.members.get(&wish.product).and_then(|roles| roles.get(&wish.role)).into_iter();
    let mut superseded = Vec::new();
    for there in entries.flatten() {
        let Member::Named { kind: MemberKind::User, name } = &there.member else {
            continue;
        };
        let environments: Vec<&String> = there.environments.iter().map(|one| &one.value).collect();
        let meet = environments.is_empty()
            || wish.environments.is_empty()
            || environments.iter().any(|one| wish.environments.contains(*one));
        if name.to_lowercase() != wish.user.to_lowercase() || !meet {
            continue;
        }
        let wider = environments.is_empty()
            || !wish.environments.is_empty()
                && wish.environments.iter().all(|one| environments.contains(&one));
        let narrower = wish.environments.is_empty()
            || !environments.is_empty()
                && environments.iter().all(|one| wish.environments.contains(*one));
        let old = crate::config::expires(there);
        let ended = has_expired(there, now);
        let outlasts = match (old, end) {
            (None, _) => true,
            (Some(old), Some(new)) => old >= new,
            (Some(_), None) => false,
        };
        if !ended && outlasts && wider {
            return Standing::In(there.place.clone());
        }
        if narrower && (ended || !outlasts || old == end) {
            superseded.push(there.clone());
        } else {
            return Standing::Meets(there.place.clone());
        }
    }
    if superseded.is_empty() { Standing::Out } else { Standing::Longer(superseded) }
}

/// The day of a moment, as it stands in a request's name.
fn day_of(now: i64) -> String {
    let day: String = crate::receipts::iso(now).chars().take("YYYY-MM-DD".len()).collect();
    debug_assert!(end_of_day(&day).is_some());
    day
}
