//! Roles that the naming template explains, as product roles of products that the configuration does
//! not have yet, or has without them.
//!
//! Nothing is reckoned here that resolution and the planner know. What is proposed is resolved and
//! compared with what is there: a role for which anything more than its marker would be planned, or
//! of which anything would stay undeclared, is no product role, and the rest is tried again.

use std::collections::{BTreeMap, BTreeSet};

use super::attempt::Attempt;
use super::naming::{ByName, Reading, by_name};
use super::products::{Held, Proposed, propose};
use crate::config::{Config, Located, Member, MemberEntry, PERMISSION_WORDS, Product, ProductRole};
use crate::declare::Declarations;
use crate::edit::{Entry, EntryKind};
use crate::model::{Ident, MemberKind, ObservedState, Place, PrivilegeSet, Securable};
use crate::resolve::{Inputs, Resolved, resolve};

/// What is known when roles are explained.
pub struct Unexplained<'a> {
    /// The project, with the inventory that was seen.
    pub inputs: &'a Inputs<'a>,
    /// Every edge of these roles.
    pub state: &'a ObservedState,
    /// Roles that nobody manages and the configuration does not name.
    pub chosen: &'a BTreeSet<Ident>,
    /// Product roles of the configuration that are there.
    pub configured: &'a BTreeSet<Ident>,
    /// What everybody has on databases and schemas: nobody gains it by a declaration.
    pub everybody: &'a BTreeMap<Securable, PrivilegeSet>,
    /// How a member is written in a members file, and whether as a user; `Err` where it cannot be.
    pub entry: &'a dyn Fn(&Ident, bool) -> Result<Entry, String>,
}

/// Roles as product roles.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explained {
    /// Which product role each is.
    pub roles: BTreeMap<Ident, Reading>,
    /// What their products are to have.
    pub products: BTreeMap<String, NewProduct>,
    /// Members of theirs that have nothing but by them: they are written as groups.
    pub groups: BTreeSet<Ident>,
    /// Roles that every product gets, and that these do not have yet: they will be made, empty.
    pub made: BTreeSet<Ident>,
    /// Declarations of theirs, and of the product roles of the configuration.
    pub proposed: Proposed,
    /// Roles whose names are a product role's, and that are none all the same, and why.
    pub not: BTreeMap<Ident, String>,
    /// Roles that another environment's template explains better: (environment, product role).
    pub elsewhere: BTreeMap<Ident, (String, Reading)>,
}

/// A product, or what one of the configuration has not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewProduct {
    /// Where the configuration has it; `None` for a new one.
    pub place: Option<Place>,
    /// A selection of its nodes; without it, they name it themselves.
    pub outputs: Option<String>,
    /// By product role.
    pub roles: BTreeMap<String, NewRole>,
}

/// A product role that is there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewRole {
    /// What it may; `None` where it is a product role of every product.
    pub may: Option<Vec<String>>,
    /// Warehouses that it uses.
    pub warehouses: Vec<String>,
    /// Environments that were not looked at: it may nothing there until they are.
    pub elsewhere: Vec<String>,
    /// Who is in it.
    pub members: Vec<Entry>,
}

/// Roles that are none, and why.
pub(super) type Out = BTreeMap<Ident, String>;

/// Explains what the template explains, and proposes declarations.
pub fn explain(asked: &Unexplained<'_>) -> Explained {
    let mut not = Out::new();
    let mut elsewhere = BTreeMap::new();
    let mut candidates: BTreeMap<Ident, Reading> = BTreeMap::new();
    for (role, found) in by_name(asked.inputs, asked.chosen.iter()) {
        match found {
            ByName::One(reading) => {
                candidates.insert(role, reading);
            }
            ByName::Several(readings) => {
                let all: Vec<String> = readings.iter().map(Reading::to_string).collect();
                let why = format!(
                    "its name can be read as {}, and neither the configuration nor a group of the manifest says which",
                    all.join(" or ")
                );
                not.insert(role, why);
            }
            ByName::Elsewhere { environment, reading } => {
                elsewhere.insert(role, (environment, reading));
            }
        }
    }
    if let (Some(now), _) = resolve(asked.inputs) {
        while !candidates.is_empty() {
            let attempt = Attempt { asked, now: &now, candidates: &candidates };
            match attempt.made() {
                Ok(explained) => return Explained { not, elsewhere, ..explained },
                Err(out) => {
                    for (role, why) in out {
                        if let Some(reading) = candidates.remove(&role) {
                            not.insert(role, format!("by its name it is {reading}, but {why}"));
                        }
                    }
                }
            }
        }
    }
    let Unexplained { inputs, state, configured: roles, everybody, .. } = *asked;
    let proposed = match roles.is_empty() {
        true => Proposed::default(),
        false => propose(&Held { inputs, state, roles, everybody }),
    };
    Explained { not, elsewhere, proposed, ..Explained::default() }
}

/// What product roles may is what is declared of them, and no more.
pub(super) fn narrow(
    products: &mut BTreeMap<String, NewProduct>,
    declarations: &Declarations,
    resolved: &Resolved,
) {
    let of_nodes: BTreeMap<&str, Option<&str>> = resolved
        .nodes
        .iter()
        .map(|node| (node.unique_id.as_str(), node.product.as_deref()))
        .collect();
    let mut used: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for (node, block) in declarations {
        let own = of_nodes.get(node.as_str()).copied().flatten();
        for declared in &block.grants {
            let Some(product) = declared.role.product.as_deref().or(own) else { continue };
            let words = used.entry((product, declared.role.role.as_str())).or_default();
            words.extend(declared.permissions.iter().map(String::as_str));
        }
    }
    for (product, new) in products {
        for (name, role) in &mut new.roles {
            let words = used.remove(&(product.as_str(), name.as_str())).unwrap_or_default();
            let is_word = |word: &&&str| PERMISSION_WORDS.contains(*word);
            let words = (PERMISSION_WORDS.iter().filter(|word| words.contains(*word)))
                .chain(words.iter().filter(|word| !is_word(word)))
                .map(|word| (*word).to_owned());
            role.may = role.may.is_some().then(|| words.collect());
        }
    }
}

/// The configuration with what is proposed of products, product roles and members.
pub fn with_products(config: &Config, products: &BTreeMap<String, NewProduct>) -> Config {
    let mut config = config.clone();
    let nowhere = || Place::file(super::super::read::PRODUCTS);
    let located = |value: String| Located { value, place: nowhere() };
    for (name, new) in products {
        let product = config.products.entry(name.clone()).or_insert_with(|| Product {
            name: name.clone(),
            place: nowhere(),
            title: None,
            owners: Vec::new(),
            outputs: new.outputs.clone().map(located),
            offers: None,
            domain: None,
            product_roles: BTreeMap::new(),
        });
        for (name, role) in &new.roles {
            let Some(may) = &role.may else { continue };
            let role = ProductRole {
                name: name.clone(),
                place: nowhere(),
                may: may.iter().cloned().map(located).collect(),
                warehouses: role.warehouses.iter().cloned().map(located).collect(),
                environments: BTreeMap::new(),
            };
            product.product_roles.insert(name.clone(), role);
        }
        for (role, new) in new.roles.iter().filter(|(_, role)| !role.members.is_empty()) {
            let entry = |entry: &Entry| MemberEntry {
                place: nowhere(),
                member: Member::Named {
                    kind: match entry.kind {
                        EntryKind::Group => MemberKind::Group,
                        EntryKind::User | EntryKind::Rule => MemberKind::User,
                    },
                    name: entry.who.clone(),
                },
                environments: entry.environments.iter().cloned().map(located).collect(),
                until: None,
                reason: None,
                approval: None,
            };
            let of_product = config.members.entry(name.clone()).or_default();
            of_product.entry(role.clone()).or_default().extend(new.members.iter().map(entry));
        }
    }
    config
}
