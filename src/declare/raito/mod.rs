//! `meta.raito` read like our own declarations, where the configuration says `compat: [raito]`.
//!
//! A grant block's name is one role for the whole project, as in Raito. It is the product role that
//! the name names, `sales_analytics.analyst` or `Sales Analytics - Analyst`; any other is a role of the
//! product `raito`, made of the name's letters and digits, which may what its blocks give and no more.

mod block;
mod names;
mod places;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::block::Grant;
use self::places::Places;
use super::{Declaration, Declarations, NodeDeclarations, ProjectSources, RoleRef};
use crate::config::{Config, Located, Product, ProductRole};
use serde_json::Value;

use crate::dbt::{Manifest, Node};
use crate::model::{Diagnostic, Diagnostics, Place};

/// The product of grants that name no product role.
pub const PRODUCT: &str = "raito";

/// What became of Raito's grants: the product role of each name, with what it is given, and by whom
/// it is owned where its blocks say so.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Raito {
    /// By the grant's name.
    pub grants: BTreeMap<String, Role>,
    /// What each node's block declares, by the node's `unique_id`.
    pub nodes: BTreeMap<String, Vec<(RoleRef, Vec<String>)>>,
}

/// What one name became.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// The product role; always with its product.
    pub role: RoleRef,
    /// Everything that its blocks give it anywhere, sorted.
    pub permissions: Vec<String>,
    /// Who owns it, as its blocks say, sorted.
    pub owners: Vec<String>,
    /// Where the first of its blocks stands.
    pub place: Option<Place>,
}

/// Reads the blocks of all nodes into declarations. Product roles that nobody declares are added to
/// the configuration.
///
/// Findings: `meta-type`, `unknown-permission`; `raito-differs` where two blocks of one name differ in
/// category or type; `raito-name` where a name becomes no role, or two become one; warnings for what
/// is not applied (`raito-not-applied`) and for owners whom the product does not have (`raito-owners`).
pub fn read_raito(
    manifest: &Manifest,
    sources: &ProjectSources,
    config: &mut Config,
    declarations: &mut Declarations,
) -> (Raito, Diagnostics) {
    let mut found = Diagnostics::default();
    let mut blocks: Vec<(&str, Vec<Grant>)> = Vec::new();
    for node in manifest.nodes.values().filter(|node| node.raito.is_some()) {
        let places = Places::of(manifest, sources, node);
        let grants = block::read(node, &places, &mut found);
        if !grants.is_empty() {
            blocks.push((&node.unique_id, grants));
        }
    }
    let mut raito = Raito::default();
    let mut said = Said::new();
    let every = blocks.iter().flat_map(|(node, grants)| grants.iter().map(move |g| (*node, g)));
    for (node, grant) in every {
        differs(node, grant, &mut said, &mut found);
        if !raito.grants.contains_key(&grant.name) {
            let role = match names::role_of(config, &grant.name) {
                Ok(role) => role,
                Err(why) => {
                    say(Diagnostic::error("raito-name", why).with_help("rename the grant, or declare the product role that is meant and name it as `product.role`"), node, grant, &mut found);
                    continue;
                }
            };
            let same = raito.grants.iter().find(|(_, other)| other.role == role);
            if let Some((other, first)) = same {
                let what = format!(
                    "the grants `{other}` and `{}` both become the role {role}",
                    grant.name
                );
                let error =
                    Diagnostic::error("raito-name", what).with_help("rename one of the two");
                let error = match &first.place {
                    Some(place) => error.with_also(place.clone(), format!("`{other}` stands here")),
                    None => error,
                };
                say(error, node, grant, &mut found);
                continue;
            }
            let place = grant.place.clone();
            let new = Role { role, permissions: Vec::new(), owners: Vec::new(), place };
            raito.grants.insert(grant.name.clone(), new);
        }
        let Some(role) = raito.grants.get_mut(&grant.name) else { continue };
        role.permissions.extend(grant.permissions.iter().cloned());
        role.owners.extend(grant.owners.iter().cloned());
    }
    for role in raito.grants.values_mut() {
        role.permissions.sort();
        role.permissions.dedup();
        role.owners.sort();
        role.owners.dedup();
    }
    for (node, grants) in &blocks {
        declare(node, grants, &mut raito, declarations, &mut found);
    }
    complete(config, &raito, &manifest_place(manifest, sources));
    for (name, role) in &raito.grants {
        check_owners(config, name, role, &mut found);
    }
    (raito, found)
}

/// The file of a node's block, and the line and column of each key that gave it: more than one where
/// dbt merges a version's into its model's. `None` where it is not found.
pub(crate) fn spots(
    manifest: &Manifest,
    sources: &ProjectSources,
    node: &Node,
) -> Option<(String, Vec<(u32, u32)>)> {
    Places::of(manifest, sources, node).spots()
}

/// What one block gives, in our words; `None` where it gives something to a name that is none.
pub(crate) fn translated(raito: &Raito, block: &Value) -> Option<BTreeMap<RoleRef, Vec<String>>> {
    let grants = block.get("grant").unwrap_or(block).as_array()?;
    let mut given: BTreeMap<RoleRef, Vec<String>> = BTreeMap::new();
    for grant in grants {
        let role = &raito.grants.get(grant.get("name")?.as_str()?)?.role;
        let words = given.entry(role.clone()).or_default();
        for word in block::words(grant)? {
            if !words.contains(&word) {
                words.push(word);
            }
        }
    }
    given.retain(|_, words| !words.is_empty());
    Some(given)
}

/// What to say where blocks stand that nobody reads.
pub fn unread(manifest: &Manifest, sources: &ProjectSources) -> Option<Diagnostic> {
    let mut nodes = manifest.nodes.values().filter(|node| node.raito.is_some());
    let first = nodes.next()?;
    let others = match nodes.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let what = format!("{}{others}: `meta.raito` is there, and nobody reads it", first.unique_id);
    let hint = Diagnostic::warning("raito-unread", what)
        .with_node(&first.unique_id)
        .with_help("`compat: [raito]` in rolecall.yml reads its grants, `rolecall import --from raito` rewrites them; filters and masks are for the warehouse to apply");
    Some(match Places::of(manifest, sources, first).block() {
        Some(place) => hint.with_place(place),
        None => hint,
    })
}

fn say(diagnostic: Diagnostic, node: &str, grant: &Grant, found: &mut Diagnostics) {
    let diagnostic = diagnostic.with_node(node).with_path(&grant.path);
    found.push(match &grant.place {
        Some(place) => diagnostic.with_place(place.clone()),
        None => diagnostic,
    });
}

/// Who said a grant's category or type first: name and key → node, grant, and what it said.
type Said<'g> = BTreeMap<(&'g str, &'static str), (&'g str, &'g Grant, &'g str)>;

/// Blocks of one name are one grant in Raito: it has one category and one type.
fn differs<'g>(node: &'g str, grant: &'g Grant, firsts: &mut Said<'g>, found: &mut Diagnostics) {
    for (key, other) in [("category", &grant.category), ("type", &grant.kind)] {
        let Some(other) = other else { continue };
        let (at, first, one) = *firsts.entry((&grant.name, key)).or_insert((node, grant, other));
        if one == other {
            continue;
        }
        let what = format!(
            "the grant `{}` has the {key} `{other}` here and `{one}` on {at}: it is one grant",
            grant.name
        );
        let error = Diagnostic::error("raito-differs", what)
            .with_help(format!("write one {key}, or give one of them another name"));
        let error = match &first.place {
            Some(place) => error.with_also(place.clone(), format!("the {key} `{one}` stands here")),
            None => error,
        };
        say(error, node, grant, found);
    }
}

fn declare(
    node: &str,
    grants: &[Grant],
    raito: &mut Raito,
    declarations: &mut Declarations,
    found: &mut Diagnostics,
) {
    let mut given: BTreeMap<RoleRef, (Vec<String>, Option<Place>)> = BTreeMap::new();
    for grant in grants {
        let Some(role) = raito.grants.get(&grant.name) else { continue };
        if let Some(kind) = grant.kind.as_ref().filter(|kind| !kind.eq_ignore_ascii_case("role")) {
            let what = format!("the type `{kind}` of the grant `{}` is not applied", grant.name);
            let warning = Diagnostic::warning("raito-not-applied", what)
                .with_help("an environment's `role_kind` says which roles hold grants");
            say(warning, node, grant, found);
        }
        let (permissions, _) =
            given.entry(role.role.clone()).or_insert_with(|| (Vec::new(), grant.place.clone()));
        for permission in &grant.permissions {
            if !permissions.contains(permission) {
                permissions.push(permission.clone());
            }
        }
    }
    given.retain(|_, (permissions, _)| !permissions.is_empty());
    if given.is_empty() {
        return;
    }
    let list = given.iter().map(|(role, (words, _))| (role.clone(), words.clone())).collect();
    raito.nodes.insert(node.to_owned(), list);
    let place = given.values().find_map(|(_, place)| place.clone());
    let own = declarations.entry(node.to_owned()).or_insert_with(|| NodeDeclarations {
        product: None,
        product_place: None,
        place,
        grants: Vec::new(),
        fallback: None,
    });
    own.fallback = Some(PRODUCT.to_owned());
    own.grants.extend(given.into_iter().map(|(role, (permissions, place))| Declaration {
        role,
        permissions,
        place,
    }));
    own.grants.sort_by(|a, b| a.role.cmp(&b.role));
}

/// The product and the roles that nobody declares: they may what their blocks give.
fn complete(config: &mut Config, raito: &Raito, whole: &Place) {
    if raito.nodes.is_empty() {
        return;
    }
    let place_of = |role: &Role| role.place.clone().unwrap_or_else(|| whole.clone());
    let first = raito.grants.values().next().map_or_else(|| whole.clone(), place_of);
    let product = config.products.entry(PRODUCT.to_owned()).or_insert_with(|| Product {
        name: PRODUCT.to_owned(),
        place: first,
        title: None,
        owners: Vec::new(),
        outputs: None,
        offers: None,
        domain: None,
        product_roles: BTreeMap::new(),
    });
    for role in raito.grants.values() {
        let RoleRef { product: of, role: name } = &role.role;
        if of.as_deref() != Some(PRODUCT) || config.product_roles.contains_key(name) {
            continue;
        }
        let place = place_of(role);
        let may = |word: &String| Located { value: word.clone(), place: place.clone() };
        product.product_roles.entry(name.clone()).or_insert_with(|| ProductRole {
            name: name.clone(),
            may: role.permissions.iter().map(may).collect(),
            place: place.clone(),
            warehouses: Vec::new(),
            environments: BTreeMap::new(),
        });
    }
}

/// Who owns a grant says in Raito who is let in; here the product's owners do, who stand where no
/// engineer's change reaches.
fn check_owners(config: &Config, name: &str, role: &Role, found: &mut Diagnostics) {
    let product = role.role.product.as_deref().and_then(|product| config.products.get(product));
    let owns =
        |owner: &&String| product.is_some_and(|p| p.owners.iter().any(|o| o.value == **owner));
    let strange: Vec<&str> =
        role.owners.iter().filter(|owner| !owns(owner)).map(String::as_str).collect();
    if strange.is_empty() {
        return;
    }
    let product = role.role.product.as_deref().unwrap_or(PRODUCT);
    let what = format!(
        "the grant `{name}` is owned by {}, who decide about nobody here: the owners of {product} do",
        strange.join(", ")
    );
    let warning = Diagnostic::warning("raito-owners", what)
        .with_help(format!("name them under `owners` of the product {product}, in rolecall.yml"));
    found.push(match &role.place {
        Some(place) => warning.with_place(place.clone()),
        None => warning,
    });
}

fn manifest_place(manifest: &Manifest, sources: &ProjectSources) -> Place {
    let mut nodes = manifest.nodes.values().filter(|node| node.raito.is_some());
    let place = nodes.next().and_then(|node| Places::of(manifest, sources, node).block());
    place.unwrap_or_else(|| Place::file("manifest.json"))
}
