//! Whom policies let in because they own what a change touches: by `owners` of a product, by the owner
//! of a dbt group, by `owner` in `meta`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::admitted::finding;
use super::sight::Sight;
use super::{Author, Reviewed};
use crate::config::Config;
use crate::config::policy::{OwnedBy, Policy};
use crate::declare::{Said, config_calls};
use crate::model::{Diagnostic, Diagnostics, Place};

/// Who is said to own something, and where in a file.
type Facts = BTreeMap<(String, OwnedBy), Names>;

/// Who owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Names {
    /// These, by name or address.
    People(BTreeSet<String>),
    /// Whoever owns the dbt group.
    Group(String),
    /// Only dbt can tell.
    Made(String),
}

/// Owners that are new, and whom a policy lets in as such, among those who made the change.
pub(super) fn admitted(change: &Reviewed, was: Sight<'_>, is: Sight<'_>) -> Diagnostics {
    let mut found = Diagnostics::default();
    let asked = asked(is.config);
    if asked.is_empty() {
        return found;
    }
    found.extend(newly_asked(change, was, is));
    if let Some(policy) = asked.get(&OwnedBy::Product) {
        found.extend(of_products(change, was, is, policy));
    }
    let paths: BTreeSet<&String> = change.base.dbt.keys().chain(change.head.dbt.keys()).collect();
    for path in paths {
        // What is gone is nobody's.
        let Some(text) = change.head.dbt.get(path) else { continue };
        let before = change.base.dbt.get(path).map(|text| facts(path, text)).unwrap_or_default();
        let after = facts(path, text);
        for key @ (_, by) in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            let (old, new) = (before.get(key), after.get(key));
            if old == new {
                continue;
            }
            for author in change.authors {
                let owner = Owner { change, was, is, asked: &asked, path, author };
                found.extend(owner.by(*by, old, new));
            }
        }
    }
    found
}

/// By what owners are let in, and the first policy that does.
fn asked(config: &Config) -> BTreeMap<OwnedBy, &Policy> {
    let mut asked = BTreeMap::new();
    for policy in config.policies.values().filter(|policy| policy.active) {
        for by in &policy.actors.resource_owners {
            asked.entry(by.value).or_insert(policy);
        }
    }
    asked
}

/// Policies that ask for owners now, and did not, where the author owns something already.
fn newly_asked(change: &Reviewed, was: Sight<'_>, is: Sight<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for policy in is.config.policies.values().filter(|policy| policy.active) {
        let had = was.config.policies.get(&policy.name).filter(|had| had.active);
        for by in &policy.actors.resource_owners {
            if had.is_some_and(|had| had.actors.resource_owners.iter().any(|b| b.value == by.value))
            {
                continue;
            }
            for author in change.authors {
                let owns = match by.value {
                    OwnedBy::Product => is.config.products.values().any(|product| {
                        product.owners.iter().any(|owner| is.is(author, &owner.value))
                    }),
                    OwnedBy::Group => {
                        change.group_owners.values().flatten().any(|owner| is.is(author, owner))
                    }
                    OwnedBy::Meta => false,
                };
                if owns {
                    let what = format!("the policy {}, by `resource_owners`,", policy.name);
                    found.push(finding(&what, author, by.place.clone()));
                }
            }
        }
    }
    found
}

fn of_products(
    change: &Reviewed,
    was: Sight<'_>,
    is: Sight<'_>,
    policy: &Policy,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for product in is.config.products.values() {
        for author in change.authors {
            let Some(owner) = product.owners.iter().find(|owner| is.is(author, &owner.value))
            else {
                continue;
            };
            let before = was.config.products.get(&product.name);
            let mut before = before.into_iter().flat_map(|product| &product.owners);
            if !before.any(|owner| was.is(author, &owner.value)) {
                let what =
                    format!("the policy {}, by the owners of {},", policy.name, product.name);
                found.push(finding(&what, author, owner.place.clone()));
            }
        }
    }
    found
}

/// Somebody who may have become an owner by what a file says.
struct Owner<'r, 'a> {
    change: &'r Reviewed<'a>,
    was: Sight<'r>,
    is: Sight<'r>,
    asked: &'r BTreeMap<OwnedBy, &'r Policy>,
    path: &'r str,
    author: &'r Author,
}

impl Owner<'_, '_> {
    fn by(&self, by: OwnedBy, old: Option<&Names>, new: Option<&Names>) -> Option<Diagnostic> {
        let Self { change: _, was, is, asked, path, author } = self;
        let owns = |sight: &Sight<'_>, names: Option<&Names>| match names {
            Some(Names::People(names)) => names.iter().any(|name| sight.is(author, name)),
            Some(Names::Group(group)) => self.owns_group(sight, group),
            Some(Names::Made(_)) => true,
            None => false,
        };
        let how = match (old, new) {
            // A new node in one's own group was nobody else's.
            (None, Some(Names::Group(_))) => return None,
            (_, Some(_)) if asked.contains_key(&by) => {
                let had = old.is_some_and(|old| !matches!(old, Names::Made(_))) && owns(was, old);
                (owns(is, new) && !had).then(|| (by, by.as_str().to_owned()))
            }
            // Where nobody else is named, it is the product's owners.
            (Some(_), None) => asked
                .contains_key(&OwnedBy::Product)
                .then(|| self.own_product())
                .flatten()
                .map(|product| (OwnedBy::Product, format!("product {product}, and no other"))),
            _ => None,
        };
        let (by, how) = how?;
        let policy = asked.get(&by)?;
        let what = format!("the policy {}, by an owner by its {how},", policy.name);
        Some(finding(&what, author, Place::file(path)))
    }

    fn owns_group(&self, sight: &Sight<'_>, group: &str) -> bool {
        let owners = self.change.group_owners.get(group);
        owners.into_iter().flatten().any(|owner| sight.is(self.author, owner))
    }

    /// A product of the author's that the file's nodes are of, or may be.
    fn own_product(&self) -> Option<&str> {
        let of = self.change.products_of.get(self.path);
        let mut all = self.is.config.products.values().filter(|product| {
            of.is_none_or(|of| of.contains(&product.name))
                && product.owners.iter().any(|owner| self.is.is(self.author, &owner.value))
        });
        all.next().map(|product| product.name.as_str())
    }
}

/// What a file of dbt's says of owners.
fn facts(path: &str, text: &str) -> Facts {
    let mut facts = Facts::new();
    let name = path.to_lowercase();
    if name.ends_with(".yml") || name.ends_with(".yaml") {
        if let Ok(value) = serde_saphyr::from_str::<Value>(text) {
            walk(&value, String::new(), &mut facts);
        }
        return facts;
    }
    let made = |call: String| [("config()".to_owned(), Names::Made(call))];
    let said = match config_calls(text) {
        Said::Literal(call) if call.contains("owner") => {
            let names = Names::People(quoted(&call));
            vec![(("config()".to_owned(), OwnedBy::Meta), names)]
        }
        Said::Made if text.contains("owner") => {
            made(text.to_owned()).map(|(at, names)| ((at, OwnedBy::Meta), names)).into()
        }
        _ => Vec::new(),
    };
    facts.extend(said);
    facts
}

/// Every quoted text: on the safe side.
fn quoted(call: &str) -> BTreeSet<String> {
    let each = |quote: char| call.split(quote).skip(1).step_by(2).map(str::to_owned);
    each('\'').chain(each('"')).filter(|name| !name.trim().is_empty()).collect()
}

fn walk(value: &Value, at: String, facts: &mut Facts) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let at = format!("{at}.{key}");
                match (key.as_str(), inner) {
                    ("owner" | "+owner", inner) => {
                        let by =
                            if at.starts_with(".groups[") { OwnedBy::Group } else { OwnedBy::Meta };
                        facts.insert((at, by), people(inner));
                    }
                    ("group" | "+group", Value::String(group)) => {
                        facts.insert((at, OwnedBy::Group), Names::Group(group.clone()));
                    }
                    // A whole block that dbt makes.
                    ("meta" | "+meta" | "config" | "+config", Value::String(made)) => {
                        facts.insert((at, OwnedBy::Meta), Names::Made(made.clone()));
                    }
                    _ => walk(inner, at, facts),
                }
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                let name = item.get("name").and_then(Value::as_str);
                let name = name.map_or_else(|| number.to_string(), str::to_owned);
                walk(item, format!("{at}[{name}]"), facts);
            }
        }
        _ => {}
    }
}

fn people(written: &Value) -> Names {
    fn texts(value: &Value, all: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => {
                all.insert(text.trim().to_owned());
            }
            Value::Array(items) => items.iter().for_each(|item| texts(item, all)),
            Value::Object(map) => map.values().for_each(|value| texts(value, all)),
            _ => {}
        }
    }
    let mut all = BTreeSet::new();
    texts(written, &mut all);
    match all.iter().find(|text| text.contains("{{") || text.contains("{%")) {
        Some(made) => Names::Made(made.clone()),
        None => Names::People(all),
    }
}
