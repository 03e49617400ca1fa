//! Whom entries of members files let in, by themselves, by a changed directory, or by a changed
//! template of names.

use super::sight::Sight;
use super::{Author, Entries, Reviewed, Verified};
use crate::directory::Rule;
use crate::edit::{Entry, EntryKind};
use crate::model::{Diagnostic, Diagnostics, Place};

/// What nobody does alone.
const ALONE: &str = "let somebody else propose it: nobody lets themselves in";

/// The finding that whoever made the change is let in by it.
pub(super) fn finding(what: &str, author: &Author, place: Place) -> Diagnostic {
    Diagnostic::error("author-admitted", format!("{what} lets in {author}, who made the change"))
        .with_place(place)
        .with_help(ALONE)
}

/// Entries that let in whoever made the change, and did not before: they are new, say something else,
/// or mean somebody else now.
pub(super) fn admitted(
    change: &Reviewed,
    (was, old): (Sight<'_>, &Entries),
    (is, new): (Sight<'_>, &Entries),
    approvals: &[Verified],
) -> Diagnostics {
    let mut found = Diagnostics::default();
    for (key @ (product, role), list) in new {
        let mut before: Vec<&Entry> =
            old.get(key).into_iter().flatten().map(|(entry, _)| entry).collect();
        for (entry, place) in list {
            let is_new = match before.iter().position(|one| *one == entry) {
                Some(at) => {
                    before.remove(at);
                    false
                }
                None => true,
            };
            // Whoever asked may have written the request, where an owner has verifiably approved it.
            let approved = |one: &Verified| {
                one.how.is_some()
                    && (&one.product, &one.role, &one.user) == (product, role, &entry.who)
            };
            if is_new && entry.approval.is_some() && approvals.iter().any(approved) {
                continue;
            }
            let what = |by: &str| {
                let kind = if entry.kind == EntryKind::Rule { "rule" } else { "entry" };
                format!("the {kind} in {product}.{role}{by}")
            };
            for author in change.authors.iter().filter(|author| admits(is, entry, author)) {
                if is_new {
                    found.push(finding(&what(""), author, place.clone()));
                } else if !admits(was, entry, author) {
                    let (by, at) = meaning(is, entry.kind == EntryKind::User);
                    let seen = finding(&what(by), author, at.unwrap_or_else(|| place.clone()));
                    found.push(seen.with_also(place.clone(), "the entry"));
                }
            }
        }
    }
    found
}

/// What changed where the same words mean somebody else.
pub(super) fn meaning(is: Sight<'_>, by_name: bool) -> (&'static str, Option<Place>) {
    if by_name {
        let mut all = is.config.environments.values();
        let template = all.find_map(|environment| environment.user_name.as_ref());
        return (", by the changed `user_name`,", template.map(|template| template.place.clone()));
    }
    let file = is.config.directory.as_ref().map(|directory| match &directory.from {
        crate::config::PeopleFrom::File(path) => Place::file(&path.value),
        crate::config::PeopleFrom::Query(query) => query.place.clone(),
    });
    (", by the changed directory,", file)
}

fn admits(sight: Sight<'_>, entry: &Entry, author: &Author) -> bool {
    match entry.kind {
        EntryKind::User => sight.is(author, &entry.who),
        // Who else is in a group only its identity provider knows.
        EntryKind::Group => sight.is_in(author, &entry.who),
        EntryKind::Rule => Rule::parse(&entry.who).is_ok_and(|rule| sight.matches(author, &rule)),
    }
}
