//! Approvals that a change carries, and whether they are more than a claim.
//!
//! An entry says who approved it, and anybody can write that. It counts where every commit that
//! brings it is signed by that owner, or where the owners' file is under their code-owner rule.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::people::is_address;
use super::{Entries, Reviewed, entries};
use crate::config::{Config, Request, RequestFile, RequestState, parse, parse_request};
use crate::edit::Entry;
use crate::model::{Diagnostic, Diagnostics, Place};
use crate::requests::Wish;

/// One entry that was approved: product, product role and what it says.
pub type Approved = (String, String, Entry);

/// A commit that brings an approval.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Carrier {
    /// The commit.
    pub commit: String,
    /// Who signed it, where git holds the signature for good: an address.
    pub signer: Option<String>,
}

/// Where approvals come from, as git and CODEOWNERS say it.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The commits that bring each approval. None: nobody knows where it is from.
    pub carriers: BTreeMap<Approved, Vec<Carrier>>,
    /// The products whose members file the owners' code-owner rule holds for, before the change.
    pub under_owners: BTreeSet<String>,
    /// Why no signature counts.
    pub distrust: Option<String>,
}

/// An approval of the change, and why it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The product.
    pub product: String,
    /// The product role.
    pub role: String,
    /// Who is let in.
    pub user: String,
    /// The owner who is said to have approved it.
    pub by: String,
    /// `signed` or `code_owners`; `None` where it is only claimed.
    pub how: Option<&'static str>,
}

/// The approvals that the owners' files hold.
pub fn approvals(config: &Config) -> BTreeSet<Approved> {
    entries(config)
        .into_iter()
        .flat_map(|((product, role), list)| {
            let own = list.into_iter().filter(|(entry, _)| entry.approval.is_some());
            own.map(move |(entry, _)| (product.clone(), role.clone(), entry))
        })
        .collect()
}

/// The approvals that a change brings.
pub fn brought(change: &Reviewed) -> BTreeSet<Approved> {
    let of = |side: &super::Side| approvals(&parse(&side.config).0.unwrap_or_default());
    let before = of(change.base);
    of(change.head).into_iter().filter(|one| !before.contains(one)).collect()
}

/// Looks at the approvals of a change.
pub(super) fn verify(
    change: &Reviewed,
    before: &Config,
    new: &Entries,
    evidence: &Evidence,
) -> (Vec<Verified>, Diagnostics) {
    let mut found = Diagnostics::default();
    let mut all = Vec::new();
    let requests = read(&change.head.requests);
    for one in brought(change) {
        let (product, role, entry) = &one;
        let Some(approval) = &entry.approval else { continue };
        let place = place_of(new, &one);
        let how = counts(before, &one, &approval.by, evidence);
        if how.is_none() {
            found.push(claimed(&one, &approval.by, evidence, before, place.clone()));
        }
        if let Some(id) = &approval.request
            && !requests.get(id).is_some_and(|request| is_of(request, &one))
        {
            let what =
                format!("there is no approved request `{}` that says the same", id.escape_debug());
            found.push(
                Diagnostic::error("approval-without-request", what).with_place(place).with_help(
                    "commit the request's file as `rolecall approve` wrote it, beside the entry",
                ),
            );
        }
        all.push(Verified {
            product: product.clone(),
            role: role.clone(),
            user: entry.who.clone(),
            by: approval.by.clone(),
            how,
        });
    }
    found.extend(alone(change, new, &requests));
    (all, found)
}

/// Requests that turned approved and let nobody in.
fn alone(change: &Reviewed, new: &Entries, after: &BTreeMap<String, Request>) -> Diagnostics {
    let before = read(&change.base.requests);
    let is_approved = |request: &Request| matches!(request.state, RequestState::Approved(_));
    let mut found = Diagnostics::default();
    for (id, request) in after.iter().filter(|(_, request)| is_approved(request)) {
        if before.get(id).is_some_and(is_approved) {
            continue;
        }
        let key = (request.product.value.clone(), request.role.value.clone());
        let is_it = |entry: &Entry| is_of(request, &(key.0.clone(), key.1.clone(), entry.clone()));
        if !new.get(&key).into_iter().flatten().any(|(entry, _)| is_it(entry)) {
            let what = format!(
                "it is marked as approved, and no entry of {}.{} says the same",
                key.0, key.1
            );
            found.push(
                Diagnostic::error("approval-without-entry", what)
                    .with_place(Place::file(&request.path))
                    .with_help("approve it by `rolecall approve`, which writes both; where the entry was taken out again, remove the request, too"),
            );
        }
    }
    found
}

fn read(files: &[RequestFile]) -> BTreeMap<String, Request> {
    files.iter().filter_map(|file| Some((file.id(), parse_request(file).0?))).collect()
}

/// Whether a request says what an entry says.
fn is_of(request: &Request, (product, role, entry): &Approved) -> bool {
    let Wish { product: of, role: in_role, user, until, environments, reason: _, by: _ } =
        Wish::from(request);
    let RequestState::Approved(decision) = &request.state else { return false };
    let Some(approval) = &entry.approval else { return false };
    (&of, &in_role, &user, &until, &environments)
        == (product, role, &entry.who, &entry.until, &entry.environments)
        && decision.by == approval.by
        && approval.request.as_ref() == Some(&request.id)
}

/// Why an approval counts.
fn counts(before: &Config, one: &Approved, by: &str, evidence: &Evidence) -> Option<&'static str> {
    // Who owned it before: nobody becomes an owner by the change that they approve in.
    let owner = before.products.get(&one.0)?.owner_named(by)?;
    let carriers = evidence.carriers.get(one).map(Vec::as_slice).unwrap_or_default();
    let by_owner = |carrier: &Carrier| {
        carrier.signer.as_ref().is_some_and(|signer| is_address(&owner.value, signer))
    };
    if evidence.distrust.is_none() && !carriers.is_empty() && carriers.iter().all(by_owner) {
        return Some("signed");
    }
    evidence.under_owners.contains(&one.0).then_some("code_owners")
}

fn claimed(
    one: &Approved,
    by: &str,
    evidence: &Evidence,
    before: &Config,
    place: Place,
) -> Diagnostic {
    let carriers = evidence.carriers.get(one).map(Vec::as_slice).unwrap_or_default();
    let short = |commit: &str| commit.chars().take(10).collect::<String>();
    let is_owner_before =
        before.products.get(&one.0).is_some_and(|product| product.owner_named(by).is_some());
    let why = if !is_owner_before {
        format!("{by} did not own {} before this change", one.0)
    } else if let Some(distrust) = &evidence.distrust {
        distrust.clone()
    } else {
        let said = carriers.iter().map(|carrier| match &carrier.signer {
            Some(signer) => format!("{} is signed by {signer}", short(&carrier.commit)),
            None => format!("{} is not signed by anybody known", short(&carrier.commit)),
        });
        let said = said.collect::<Vec<_>>().join(", ");
        if said.is_empty() { "no commit brings it".to_owned() } else { said }
    };
    let what =
        format!("the approval by {} is only claimed: {}", by.escape_debug(), why.escape_debug());
    let help = if is_owner_before {
        format!(
            "either {by} signs the commit that brings it (git commit -S, with a key that the checker's git knows by that very name), or the file is under the owners' rule: put the line for {} that `rolecall codeowners` prints into CODEOWNERS first",
            one.0
        )
    } else {
        format!(
            "change the `owners` of {} in a change of its own first; after it, {by} approves",
            one.0
        )
    };
    Diagnostic::error("approval-not-verified", what).with_place(place).with_help(help)
}

fn place_of(new: &Entries, (product, role, entry): &Approved) -> Place {
    let list = new.get(&(product.clone(), role.clone())).into_iter().flatten();
    let place = list.into_iter().find(|(one, _)| one == entry).map(|(_, place)| place.clone());
    place.unwrap_or_else(|| Place::file(format!("rolecall/members/{product}.yml")))
}
