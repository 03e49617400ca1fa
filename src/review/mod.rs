//! Separation of duties: what a change of the project touches, and whom it lets in.
//!
//! Pure but for `git`, which reads revisions through the program of that name.

mod admitted;
pub mod approvals;
pub mod codeowners;
pub mod codeowners_file;
mod declared;
pub mod export;
pub mod git;
mod owners;
mod people;
mod platform;
mod policies;
mod sight;
mod signed;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Config, FileKind, RequestFile, SourceFile, parse};
use crate::directory::Directory;
use crate::edit::Entry;
use crate::model::{Diagnostic, Diagnostics, Place};

pub use approvals::{Evidence, Verified};
pub use declared::{Declared, Touched};
pub use people::{Author, Signature};
use sight::Sight;

/// The project's files at one revision: those of the configuration, and those of dbt that the change
/// touches.
#[derive(Debug, Clone, Default)]
pub struct Side {
    /// `rolecall.yml`, `rolecall/platform/`, `rolecall/members/`.
    pub config: Vec<SourceFile>,
    /// Changed files of dbt, by path from the project's folder.
    pub dbt: BTreeMap<String, String>,
    /// `rolecall/requests/`.
    pub requests: Vec<RequestFile>,
    /// Changed paths that dbt may read and that are no files of the project: links, other repositories,
    /// folders beside it.
    pub unread: Vec<String>,
}

/// A change: two revisions, and who made it.
#[derive(Debug, Clone)]
pub struct Reviewed<'a> {
    /// Before.
    pub base: &'a Side,
    /// After.
    pub head: &'a Side,
    /// Everybody who made a commit of it.
    pub authors: &'a [Author],
    /// Which products own the nodes of a file, where a manifest says it.
    pub products_of: &'a BTreeMap<String, BTreeSet<String>>,
    /// Who is known, for rules, before and after: two where the file is in the repository.
    pub directories: (Option<&'a Directory>, Option<&'a Directory>),
    /// Who owns dbt's groups after it, by the group's name, where a manifest says it.
    pub group_owners: &'a BTreeMap<String, BTreeSet<String>>,
    /// What there is for the approvals that it brings.
    pub evidence: &'a Evidence,
}

/// What a change does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Review {
    /// Products whose members it changes.
    pub members: BTreeSet<String>,
    /// Products whose permissions it touches, and where.
    pub permissions: BTreeMap<String, Place>,
    /// The approvals that it brings.
    pub approvals: Vec<Verified>,
    /// What may not be done in one change.
    pub found: Diagnostics,
}

/// Looks at a change.
pub fn review(change: &Reviewed) -> Review {
    let (before, _) = parse(&change.base.config);
    let (after, _) = parse(&change.head.config);
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let mut out = Review::default();
    let (old, new) = (entries(&before), entries(&after));
    for product in old.keys().chain(new.keys()).map(|(product, _)| product) {
        let of = |all: &Entries| -> Vec<(String, Entry)> {
            all.iter()
                .filter(|((p, _), _)| p == product)
                .flat_map(|((_, role), list)| list.iter().map(|(e, _)| (role.clone(), e.clone())))
                .collect()
        };
        if of(&old) != of(&new) {
            out.members.insert(product.clone());
        }
    }
    let products: BTreeSet<&String> =
        before.products.keys().chain(after.products.keys()).chain(&out.members).collect();
    let mut touched = platform::touched(change);
    let chosen = [&before, &after].iter().any(|config| !config.policies.is_empty());
    touched.extend(declared::touched(change, chosen));
    for Touched { product, place } in touched {
        match product {
            Some(product) => {
                out.permissions.entry(product).or_insert(place);
            }
            // Whose it is cannot be said, so it may be anybody's.
            None => {
                for product in &products {
                    out.permissions.entry((*product).clone()).or_insert_with(|| place.clone());
                }
            }
        }
    }
    out.found.extend(both(&out, &after));
    let (approvals, wrong) = approvals::verify(change, &before, &new, change.evidence);
    out.approvals = approvals;
    out.found.extend(wrong);
    let (was, is) = change.directories;
    let was = Sight { config: &before, directory: was };
    let is = Sight { config: &after, directory: is };
    out.found.extend(admitted::admitted(change, (was, &old), (is, &new), &out.approvals));
    out.found.extend(policies::admitted(change, was, is));
    out.found.extend(owners::admitted(change, was, is));
    out
}

type Entries = BTreeMap<(String, String), Vec<(Entry, Place)>>;

/// Entries by product and role, sorted.
fn entries(config: &Config) -> Entries {
    let mut all = Entries::new();
    for (product, roles) in &config.members {
        for (role, entries) in roles.iter().filter(|(_, entries)| !entries.is_empty()) {
            let mut list: Vec<_> =
                entries.iter().map(|entry| (Entry::from(entry), entry.place.clone())).collect();
            list.sort();
            all.insert((product.clone(), role.clone()), list);
        }
    }
    all
}

fn both(review: &Review, after: &Config) -> Diagnostics {
    let mut found = Diagnostics::default();
    for product in &review.members {
        let Some(place) = review.permissions.get(product) else { continue };
        let file = after.members.get(product).and_then(|roles| {
            roles.values().flatten().next().map(|entry| entry.place.file.clone())
        });
        let file = file.unwrap_or_else(|| format!("rolecall/members/{product}.yml").into());
        found.push(
            Diagnostic::error(
                "permissions-and-members",
                format!("the change touches both the permissions and the members of {product}"),
            )
            .with_place(place.clone())
            .with_also(Place::file(file), "its members")
            .with_help("make two changes of it, each reviewed by its own side"),
        );
    }
    found
}

/// Whether a path of the project's folder is a request's.
pub fn is_request(path: &str) -> bool {
    let name = path.strip_prefix("rolecall/requests/").filter(|name| !name.contains('/'));
    name.is_some_and(|name| name.ends_with(".yml") || name.ends_with(".yaml"))
}

/// What a path of the project's folder is to the configuration; `None` for other files.
pub fn kind_of(path: &str) -> Option<FileKind> {
    let is_yaml = path.ends_with(".yml") || path.ends_with(".yaml");
    if matches!(path, "rolecall.yml" | "rolecall.yaml") {
        return Some(FileKind::Root);
    }
    let inside = path.strip_prefix("rolecall/").filter(|_| is_yaml)?;
    if inside.starts_with("platform/") {
        return Some(FileKind::Platform);
    }
    let name = inside.strip_prefix("members/").filter(|name| !name.contains('/'))?;
    let product = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    Some(FileKind::Members { product: product.to_owned() })
}
