//! Editing the owners' files: one entry in or out, comments, order and line ends kept.
//!
//! Pure: texts in, a text out. The text that comes out has been read again, and differs from the old
//! one in that entry alone; otherwise there is none.

mod entry;
mod import;
mod mark;
pub(crate) mod pairs;
mod splice;
#[cfg(test)]
mod tests;
mod tree;

use std::path::PathBuf;

pub use entry::{Entry, EntryKind};
pub(crate) use entry::{day, quoted, scalar};
pub(crate) use import::written as written_member;
pub use import::{Undeclared, undeclared};
pub use mark::mark;

use crate::config::{Config, FileKind, SourceFile, is_name, parse, playbook, suggest};
use crate::model::{Diagnostic, Diagnostics, Place};

/// A file as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// From the project's folder.
    pub path: PathBuf,
    /// What it held; `None` where it is new.
    pub before: Option<String>,
    /// What it holds now.
    pub text: String,
    /// Where the entry stands: in the new text where it was added, in the old one where removed.
    pub place: Place,
}

/// Which entry of a product role.
#[derive(Debug, Clone)]
pub struct Which {
    /// Of which kind.
    pub kind: EntryKind,
    /// The name, or the rule, as written.
    pub who: String,
    /// The environments it is limited to, where two entries have one name.
    pub environments: Vec<String>,
}

/// The files with one more entry.
///
/// # Errors
/// The files are wrong already; no such product or role; the entry is there; its name is another
/// kind's; the file cannot be edited.
pub fn add(
    files: &[SourceFile],
    product: &str,
    role: &str,
    new: &Entry,
) -> Result<Edited, Diagnostics> {
    let config = sound(files)?;
    known(&config, product, Some(role))?;
    let new = &Entry { environments: sorted(&new.environments), ..new.clone() };
    refuse_twice(&config, product, role, new)?;
    let file = members_of(files, product);
    let path = file.map_or_else(
        || PathBuf::from(format!("rolecall/members/{product}.yml")),
        |file| file.path.clone(),
    );
    let before = file.map(|file| file.text.as_str());
    let text = with_mark(before.unwrap_or_default(), |text| {
        splice::add(text, role, &new.block(), &new.flow())
    });
    let text = text.map_err(|why| cannot_edit(&path, why))?;
    let after = checked(files, product, &path, &text)?;
    let mut wanted = entries(&config);
    wanted.push((product.to_owned(), role.to_owned(), new.clone()));
    same(&path, wanted, entries(&after))?;
    // The last of its role: that is where it was put.
    let place = after.members.get(product).and_then(|roles| roles.get(role)?.last());
    let place = place.map_or_else(|| Place::file(&path), |entry| entry.place.clone());
    Ok(Edited { path, before: before.map(str::to_owned), text, place })
}

/// The files with one entry less.
///
/// # Errors
/// The files are wrong already; no such product, role or entry; more than one; the file cannot be
/// edited.
pub fn remove(
    files: &[SourceFile],
    product: &str,
    role: &str,
    which: &Which,
) -> Result<Edited, Diagnostics> {
    let config = sound(files)?;
    known(&config, product, Some(role))?;
    let there = config.members.get(product).and_then(|roles| roles.get(role));
    let there = there.map(Vec::as_slice).unwrap_or_default();
    let limits = sorted(&which.environments);
    let all = |is_named: &dyn Fn(&str) -> bool| -> Vec<usize> {
        let is_it = |entry: Entry| {
            entry.kind == which.kind
                && is_named(&entry.who)
                && (limits.is_empty() || entry.environments == limits)
        };
        (0..there.len()).filter(|at| there.get(*at).is_some_and(|e| is_it(e.into()))).collect()
    };
    let mut found = all(&|who| who == which.who);
    // As where one is added: names are one without case. A rule is as it is written.
    if found.is_empty() && which.kind != EntryKind::Rule {
        found = all(&|who| who.to_lowercase() == which.who.to_lowercase());
    }
    let [number] = found.as_slice() else {
        return Err(one(not_one(there, product, role, which, &found)));
    };
    let removed = &there[*number];
    let Some(file) = members_of(files, product) else {
        return Err(one(Diagnostic::error("unknown-member", "there is no such file")));
    };
    let text = with_mark(&file.text, |text| splice::remove(text, role, *number));
    let text = text.map_err(|why| cannot_edit(&file.path, why))?;
    let after = checked(files, product, &file.path, &text)?;
    let mut wanted = entries(&config);
    let gone = (product.to_owned(), role.to_owned(), Entry::from(removed));
    if let Some(at) = wanted.iter().position(|entry| *entry == gone) {
        wanted.remove(at);
    }
    same(&file.path, wanted, entries(&after))?;
    let before = Some(file.text.clone());
    Ok(Edited { path: file.path.clone(), before, text, place: removed.place.clone() })
}

/// What a product role's file is called, whether it is there or not.
fn members_of<'f>(files: &'f [SourceFile], name: &str) -> Option<&'f SourceFile> {
    files.iter().find(|file| matches!(&file.kind, FileKind::Members { product } if product == name))
}

/// A byte order mark stays where it is.
fn with_mark<E>(text: &str, edit: impl FnOnce(&str) -> Result<String, E>) -> Result<String, E> {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => edit(rest).map(|edited| format!("\u{feff}{edited}")),
        None => edit(text),
    }
}

fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names.dedup();
    names
}

fn one(diagnostic: Diagnostic) -> Diagnostics {
    Diagnostics::from_iter([diagnostic])
}

/// The configuration, where nothing is wrong with it.
fn sound(files: &[SourceFile]) -> Result<Config, Diagnostics> {
    match parse(files) {
        (Some(config), found) if !found.has_errors() => Ok(config),
        (_, found) => Err(found),
    }
}

/// Whether there is such a product, and such a role of it.
///
/// # Errors
/// There is none; the nearest name is said.
pub fn known(config: &Config, product: &str, role: Option<&str>) -> Result<(), Diagnostics> {
    if product == playbook::MEMBERS {
        let Some(role) = role.filter(|role| config.playbooks.role(role).is_none()) else {
            return Ok(());
        };
        let what = format!("there is no playbook role `{}`", role.escape_debug());
        let known: Vec<&str> = config.playbooks.roles.iter().map(|one| one.id.as_str()).collect();
        let help = suggest(role, known, "none is defined");
        return Err(one(Diagnostic::error("unknown-playbook-role", what).with_help(help)));
    }
    let Some(declared) = config.products.get(product).filter(|_| is_name(product)) else {
        let what = format!("there is no product `{}`", product.escape_debug());
        let help = suggest(product, config.products.keys().map(String::as_str), "none is declared");
        return Err(one(Diagnostic::error("unknown-product", what).with_help(help)));
    };
    let roles = || config.product_roles.keys().chain(declared.product_roles.keys());
    if let Some(role) = role
        && !roles().any(|known| known == role)
    {
        let what = format!("the product `{product}` has no product role `{}`", role.escape_debug());
        let known: Vec<&str> = roles().map(String::as_str).collect();
        let help = suggest(role, known, "none is declared");
        return Err(one(Diagnostic::error("unknown-product-role", what).with_help(help)));
    }
    Ok(())
}

/// A name that is there already, for the same environments, or as another kind.
fn refuse_twice(
    config: &Config,
    product: &str,
    role: &str,
    new: &Entry,
) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::default();
    for (of, roles) in &config.members {
        for (in_role, entries) in roles {
            for there in entries {
                let old = Entry::from(there);
                let is_same = old.who.to_lowercase() == new.who.to_lowercase();
                let kinds = (old.kind, new.kind);
                if is_same
                    && matches!(
                        kinds,
                        (EntryKind::User, EntryKind::Group) | (EntryKind::Group, EntryKind::User)
                    )
                {
                    let what = format!(
                        "{} is a {} already, in {of}.{in_role}",
                        new.who.escape_debug(),
                        old.kind.as_str()
                    );
                    found.push(
                        Diagnostic::error("user-and-group", what)
                            .with_place(there.place.clone())
                            .with_help("a name is a user's or a group's"),
                    );
                }
                let meet = old.environments.is_empty()
                    || new.environments.is_empty()
                    || old.environments.iter().any(|name| new.environments.contains(name));
                if is_same
                    && old.kind == new.kind
                    && meet
                    && (of, in_role) == (&product.to_owned(), &role.to_owned())
                {
                    let what = format!(
                        "{} {} is in {of}.{in_role} already",
                        new.kind.as_str(),
                        new.who.escape_debug()
                    );
                    found.push(
                        Diagnostic::error("already-member", what)
                            .with_place(there.place.clone())
                            .with_help("remove that entry first, where it ends too early or is for other environments"),
                    );
                }
            }
        }
    }
    if found.has_errors() { Err(found) } else { Ok(()) }
}

fn not_one(
    there: &[crate::config::MemberEntry],
    product: &str,
    role: &str,
    which: &Which,
    found: &[usize],
) -> Diagnostic {
    let (kind, who) = (which.kind.as_str(), which.who.escape_debug());
    if let [first, second, ..] = found
        && let (Some(first), Some(second)) = (there.get(*first), there.get(*second))
    {
        let what = format!("{kind} {who} is in {product}.{role} more than once");
        return Diagnostic::error("more-than-one", what)
            .with_place(first.place.clone())
            .with_also(second.place.clone(), "and here")
            .with_help("say which by --environment");
    }
    let same: Vec<String> = there
        .iter()
        .map(Entry::from)
        .filter(|entry| entry.kind == which.kind)
        .map(|entry| entry.who)
        .collect();
    let what = format!("{kind} {who} is not in {product}.{role}");
    let help = suggest(&which.who, same.iter().map(String::as_str), "nobody of that kind is");
    Diagnostic::error("unknown-member", what).with_help(help)
}

fn cannot_edit(path: &std::path::Path, why: &str) -> Diagnostics {
    one(Diagnostic::error("cannot-edit", format!("this file is not edited: {why}"))
        .with_place(Place::file(path))
        .with_help("write the entry by hand; files with roles and entries in lines of their own are edited"))
}

/// The configuration with the new text, where nothing is wrong with it.
fn checked(
    files: &[SourceFile],
    product: &str,
    path: &std::path::Path,
    text: &str,
) -> Result<Config, Diagnostics> {
    let mut files: Vec<SourceFile> =
        files.iter().filter(|file| file.path != path).cloned().collect();
    let kind = FileKind::Members { product: product.to_owned() };
    files.push(SourceFile { path: path.to_owned(), text: text.to_owned(), kind });
    sound(&files)
}

/// Everything that members files say: product, role and entry.
fn entries(config: &Config) -> Vec<(String, String, Entry)> {
    let mut all = Vec::new();
    for (product, roles) in &config.members {
        for (role, entries) in roles {
            let each = entries.iter().map(Entry::from);
            all.extend(each.map(|entry| (product.clone(), role.clone(), entry)));
        }
    }
    all
}

/// The new text must say what was wanted, and nothing else.
fn same<T: Ord>(
    path: &std::path::Path,
    mut wanted: Vec<T>,
    mut read: Vec<T>,
) -> Result<(), Diagnostics> {
    wanted.sort();
    read.sort();
    if wanted == read { Ok(()) } else { Err(cannot_edit(path, "more than the entry would change")) }
}
