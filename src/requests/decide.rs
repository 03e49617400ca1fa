//! An owner's answer: an entry in the owner's file, and the request marked.

use super::ask::{Standing, meets};
use super::{Wish, against, standing};
use crate::config::{
    Approval, Config, Decision, MemberEntry, Request, RequestFile, RequestState, SourceFile,
    is_team, parse, parse_request, suggest, unfit, unfit_reason,
};
use crate::edit::{self, Edited, Entry, EntryKind, Which, mark};
use crate::model::{Diagnostic, Diagnostics, Place};
use crate::receipts::iso;

/// Who answers. Claimed, as every name on a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decider {
    /// The name.
    pub by: String,
    /// Why.
    pub because: Option<String>,
    /// When, by the clock.
    pub clock: i64,
}

/// What an approval writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Approved {
    /// The owner's file; `None` where the entry stands in it already and only the mark was missing.
    pub members: Option<Edited>,
    /// The request's file.
    pub request: Edited,
    /// The entry.
    pub entry: Entry,
}

type Refused<T> = Result<T, Diagnostics>;

fn one<T>(error: Diagnostic) -> Refused<T> {
    Err([error].into_iter().collect())
}

/// The request of a name: with its folder and ending, or without.
///
/// # Errors
/// There is none.
pub fn find<'f>(files: &'f [RequestFile], named: &str) -> Refused<&'f RequestFile> {
    let plain = named.replace('\\', "/");
    let plain = plain.strip_prefix("./").unwrap_or(&plain);
    let plain = plain.strip_prefix("rolecall/requests/").unwrap_or(plain);
    let plain = plain.strip_suffix(".yml").or(plain.strip_suffix(".yaml")).unwrap_or(plain);
    let mut found = files.iter().filter(|file| file.id() == plain);
    match (found.next(), found.next()) {
        (Some(file), None) => Ok(file),
        (Some(first), Some(second)) => one(Diagnostic::error(
            "said-twice",
            format!("there are two requests named `{}`", plain.escape_debug()),
        )
        .with_help("keep one of the two")
        .with_place(Place::file(&second.path))
        .with_also(Place::file(&first.path), "the other one")),
        (None, _) => {
            let ids: Vec<String> = files.iter().map(RequestFile::id).collect();
            let help = suggest(plain, ids.iter().map(String::as_str), "there is none at all");
            let what = format!("there is no request `{}`", named.escape_debug());
            one(Diagnostic::error("unknown-request", what).with_help(help))
        }
    }
}

/// Lets somebody in. `now` is what expiry is judged by.
///
/// # Errors
/// Everything that is against it: the request, the one who approves, what stands already.
pub fn approve(
    files: &[SourceFile],
    file: &RequestFile,
    decider: &Decider,
    now: i64,
) -> Refused<Approved> {
    let (request, config) = both(files, file)?;
    let wish = Wish::from(&request);
    let again = is_orphan(&config, &request);
    let owner = may_decide(&config, &request, decider, again)?;
    let mut found = against(&config, &wish, now);
    for (what, name) in [("them", &wish.user), ("who asked", &wish.by)] {
        if config.may_be_one_person(&decider.by, name) || config.may_be_one_person(&owner, name) {
            let what = format!(
                "{} would approve it for themself: it names {what} as {}",
                decider.by.escape_debug(),
                name.escape_debug()
            );
            found.push(
                Diagnostic::error("self-approval", what).with_help("another owner must approve it"),
            );
            break;
        }
    }
    if found.has_errors() {
        return Err(at(&request, found));
    }
    let at = iso(decider.clock);
    let decision =
        Decision { by: owner.clone(), at: Some(at.clone()), because: decider.because.clone() };
    let marked = marked(file, &request, RequestState::Approved(decision))?;
    let approval = Approval { by: owner, at: Some(at), request: Some(request.id.clone()) };
    let entry = Entry {
        kind: EntryKind::User,
        who: wish.user.clone(),
        until: wish.until.clone(),
        reason: Some(wish.reason.clone()),
        environments: wish.environments.clone(),
        approval: Some(approval),
    };
    if again {
        let there = entries_of(&config, &wish).find(|(_, entry)| is_of(entry, &request.id));
        return match there {
            Some((old, there)) if says_the_same(&there, &entry) => {
                let is_owners = |by: &str| {
                    let product = config.products.get(&wish.product);
                    product.is_some_and(|product| product.owner_named(by).is_some())
                };
                // The entry was renewed, and the mark was not: what is left is done.
                if there.approval.as_ref().is_some_and(|it| is_owners(&it.by)) {
                    let marked = marked_by(file, &request, &there, decider)?;
                    return Ok(Approved { members: None, request: marked, entry: there });
                }
                let members = replaced(files, &wish, std::slice::from_ref(old), &entry)?;
                Ok(Approved { members: Some(members), request: marked, entry })
            }
            _ => one(Diagnostic::error(
                "request-decided",
                "it was approved, and its entry is gone, or says something else than it",
            )
            .with_place(Place::file(&request.path))
            .with_help("take the entry out by `rolecall member remove`, and ask anew")),
        };
    }
    let superseded = match standing(&config, &wish, now) {
        Standing::Out => Vec::new(),
        Standing::Longer(entries) => entries,
        Standing::Meets(place) => return one(meets(&wish, place)),
        Standing::In(place) => {
            // The entry was written, and the mark was not: what is left is done.
            let own = entries_of(&config, &wish).find(|(_, own)| is_of(own, &request.id));
            return match own {
                Some((_, entry)) => Ok(Approved { members: None, request: marked, entry }),
                None => one(Diagnostic::error(
                    "already-member",
                    format!(
                        "{} is in {}.{} already",
                        wish.user.escape_debug(),
                        wish.product,
                        wish.role
                    ),
                )
                .with_place(place)
                .with_help("there is nothing to approve: deny it, or remove its file")),
            };
        }
    };
    let members = replaced(files, &wish, &superseded, &entry)?;
    Ok(Approved { members: Some(members), request: marked, entry })
}

/// Refuses a request: its file is marked, and nothing else happens.
///
/// # Errors
/// It is decided already; who denies it is no owner.
pub fn deny(files: &[SourceFile], file: &RequestFile, decider: &Decider) -> Refused<Edited> {
    let (request, config) = both(files, file)?;
    let by = may_decide(&config, &request, decider, false)?;
    let at = Some(iso(decider.clock));
    let decision = Decision { by, at, because: decider.because.clone() };
    marked(file, &request, RequestState::Denied(decision))
}

/// The request and the configuration, where nothing is wrong with either.
fn both(files: &[SourceFile], file: &RequestFile) -> Refused<(Request, Config)> {
    let (config, found) = parse(files);
    let Some(config) = config.filter(|_| !found.has_errors()) else { return Err(found) };
    let (request, found) = parse_request(file);
    request.map(|request| (request, config)).ok_or(found)
}

fn at(request: &Request, found: Diagnostics) -> Diagnostics {
    let place = |d: Diagnostic| match &d.place {
        Some(_) => d,
        None => d.with_place(Place::file(&request.path)),
    };
    found.into_iter().map(place).collect()
}

/// The owner that the decider is: owners only, and open requests, unless it is decided `again`.
fn may_decide(
    config: &Config,
    request: &Request,
    decider: &Decider,
    again: bool,
) -> Refused<String> {
    let mut found = Diagnostics::default();
    if let Some(decision) = request.state.decision().filter(|_| !again) {
        let when = decision.at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
        let what = format!("it is {} already, by {}{when}", request.state.as_str(), decision.by);
        found.push(Diagnostic::error("request-decided", what).with_help(
            "to decide otherwise, edit the owner's file by `rolecall member`, or ask again",
        ));
    }
    if let Some(why) = unfit(&decider.by) {
        let what = format!("the name `{}` {why}", decider.by.escape_debug());
        found.push(Diagnostic::error("invalid-name", what).with_help("give --by a name"));
    }
    if let Some(why) = decider.because.as_deref().and_then(unfit_reason) {
        let because = decider.because.as_deref().unwrap_or_default();
        let what = format!("the reason, `{}`, {why}", because.escape_debug());
        found.push(Diagnostic::error("invalid-reason", what).with_help("write one line of text"));
    }
    let role = Some(request.role.value.as_str());
    let owner = match edit::known(config, &request.product.value, role) {
        Err(unknown) => {
            found.extend(unknown);
            None
        }
        Ok(()) => config.products.get(&request.product.value).and_then(|product| {
            let owner = product.owner_named(&decider.by);
            if owner.is_none() {
                let what = format!(
                    "{} is no owner of {}",
                    decider.by.escape_debug(),
                    product.name
                );
                let owners: Vec<&str> = product.approvers().collect();
                let help = match owners.as_slice() {
                    [] if product.owners.iter().any(|owner| is_team(&owner.value)) => {
                        "its owners are teams, and a team is nobody by name: name people under `owners`".to_owned()
                    }
                    [] => "it has no owner: the platform names one under `owners`".to_owned(),
                    owners => format!("its owners decide: {}", owners.join(", ")),
                };
                found.push(
                    Diagnostic::error("not-an-owner", what)
                        .with_place(product.place.clone())
                        .with_help(help),
                );
            }
            owner.map(|owner| owner.value.clone())
        }),
    };
    match owner {
        Some(owner) if !found.has_errors() => Ok(owner),
        _ => Err(at(request, found)),
    }
}

/// Whether it was approved by somebody who owns the product no more.
fn is_orphan(config: &Config, request: &Request) -> bool {
    let RequestState::Approved(decision) = &request.state else { return false };
    let product = config.products.get(&request.product.value);
    product.is_some_and(|product| product.owner_named(&decision.by).is_none())
}

/// Entries that let the same user in for as long, whoever approved them.
fn says_the_same(one: &Entry, other: &Entry) -> bool {
    let of = |entry: &Entry| {
        (entry.kind, entry.who.clone(), entry.until.clone(), entry.environments.clone())
    };
    of(one) == of(other)
}

/// The request's file, where its entry says who has approved it.
fn marked_by(
    file: &RequestFile,
    request: &Request,
    entry: &Entry,
    decider: &Decider,
) -> Refused<Edited> {
    let (by, at) = match &entry.approval {
        Some(Approval { by, at, request: _ }) => (by.clone(), at.clone()),
        None => (decider.by.clone(), None),
    };
    let decision = Decision { by, at, because: decider.because.clone() };
    marked(file, request, RequestState::Approved(decision))
}

fn entries_of<'c>(
    config: &'c Config,
    wish: &Wish,
) -> impl Iterator<Item = (&'c MemberEntry, Entry)> + 'c {
    let roles = config.members.get(&wish.product);
    let entries = roles.and_then(|roles| roles.get(&wish.role)).into_iter().flatten();
    entries.map(|entry| (entry, Entry::from(entry)))
}

fn is_of(entry: &Entry, id: &str) -> bool {
    entry.approval.as_ref().is_some_and(|approval| approval.request.as_deref() == Some(id))
}

/// The owner's file with the new entry, and without those that it replaces.
fn replaced(
    files: &[SourceFile],
    wish: &Wish,
    superseded: &[MemberEntry],
    entry: &Entry,
) -> Refused<Edited> {
    let mut files = files.to_vec();
    let mut before = None;
    for old in superseded {
        let Entry { kind, who, environments, .. } = Entry::from(old);
        let which = Which { kind, who, environments };
        let edited = edit::remove(&files, &wish.product, &wish.role, &which)?;
        for file in files.iter_mut().filter(|file| file.path == edited.path) {
            file.text.clone_from(&edited.text);
        }
        before = before.or(edited.before);
    }
    let added = edit::add(&files, &wish.product, &wish.role, entry)?;
    Ok(Edited { before: before.or(added.before), ..added })
}

/// The request's file with its new state; it says that and nothing else anew.
fn marked(file: &RequestFile, request: &Request, state: RequestState) -> Refused<Edited> {
    let cannot = |why: &str| {
        Diagnostic::error("cannot-edit", format!("this file is not edited: {why}"))
            .with_place(Place::file(&file.path))
            .with_help("write one key in each line, as `rolecall request` does")
    };
    let Some(decision) = state.decision() else { return one(cannot("nothing is decided")) };
    let text = match mark(&file.text, state.as_str(), decision) {
        Ok(text) => text,
        Err(why) => return one(cannot(why)),
    };
    let again = RequestFile { path: file.path.clone(), text: text.clone() };
    let wanted = (Wish::from(request), state.clone());
    match parse_request(&again).0 {
        Some(read) if (Wish::from(&read), read.state.clone()) == wanted => Ok(Edited {
            path: file.path.clone(),
            before: Some(file.text.clone()),
            text,
            place: Place::file(&file.path),
        }),
        _ => one(cannot("more than the decision would change")),
    }
}
