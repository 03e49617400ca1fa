//! Which product role a role is by its name.
//!
//! No template is turned round: it is rendered with marks in place of names, what a role's name has in
//! the marks' places is tried, and only what renders to that very name again is a reading of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::config::is_name;
use crate::model::Ident;
use crate::resolve::{Inputs, Target, product_role_name};

/// Characters that no filter of a template changes, and nobody's name has.
const PRODUCT: char = '\u{e000}';
const ROLE: char = '\u{e001}';
const TITLE: char = '\u{e002}';

/// One way to read a role's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reading {
    /// The product.
    pub product: String,
    /// The product role.
    pub role: String,
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.product, self.role)
    }
}

/// What a role is by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByName {
    /// This product role.
    One(Reading),
    /// Any of these: nothing says which.
    Several(Vec<Reading>),
    /// Another environment's, whose template says more of the name.
    Elsewhere {
        /// Which.
        environment: String,
        /// What it would be there.
        reading: Reading,
    },
}

/// Reads each name by the templates of the environments; those that none explains are not there.
pub fn by_name<'n>(
    inputs: &Inputs<'_>,
    names: impl Iterator<Item = &'n Ident>,
) -> BTreeMap<Ident, ByName> {
    let known = Known::of(inputs);
    let here = Template::of(inputs, &known);
    let targets: Vec<(&str, Target)> = inputs
        .config
        .environments
        .values()
        .filter(|other| other.name != inputs.environment.name)
        .map(|other| {
            (
                other.name.as_str(),
                Target { name: other.target_name().to_owned(), ..Target::default() },
            )
        })
        .collect();
    let others: Vec<(&str, Template<'_>)> = targets
        .iter()
        .filter_map(|(name, target)| {
            let environment = inputs.config.environments.get(*name)?;
            Some((*name, Template::of(&Inputs { environment, target, ..*inputs }, &known)))
        })
        .filter(|(_, other)| other.said > here.said)
        .collect();
    let mut all = BTreeMap::new();
    for name in names {
        let elsewhere = others.iter().find_map(|(environment, other)| {
            let reading = other.readings(name).into_iter().next()?;
            Some(ByName::Elsewhere { environment: (*environment).to_owned(), reading })
        });
        let found = elsewhere.or_else(|| known.decide(here.readings(name)));
        all.extend(found.map(|found| (name.clone(), found)));
    }
    all
}

/// Names that the configuration and the manifest have.
struct Known {
    products: BTreeSet<String>,
    roles: BTreeSet<String>,
}

impl Known {
    fn of(inputs: &Inputs<'_>) -> Self {
        let config = inputs.config;
        let groups = inputs.manifest.nodes.values().filter_map(|node| node.group.clone());
        let products = config.products.keys().cloned().chain(groups.filter(|name| is_name(name)));
        let own = config.products.values().flat_map(|product| product.product_roles.keys());
        let roles = config.product_roles.keys().chain(own).cloned();
        Self { products: products.collect(), roles: roles.collect() }
    }

    /// The only reading; of several the one of which more is known than of each other.
    fn decide(&self, readings: BTreeSet<Reading>) -> Option<ByName> {
        let known =
            |one: &Reading| (self.products.contains(&one.product), self.roles.contains(&one.role));
        let is_best = |one: &&Reading| {
            let (product, role) = known(one);
            readings.iter().filter(|other| other != one).all(|other| {
                let (others_product, others_role) = known(other);
                product >= others_product
                    && role >= others_role
                    && (product, role) != (others_product, others_role)
            })
        };
        match readings.iter().find(is_best) {
            Some(best) => Some(ByName::One(best.clone())),
            None if readings.is_empty() => None,
            None => Some(ByName::Several(readings.into_iter().collect())),
        }
    }

    /// How a captured text may have been written: as it is known, else in lower case, else as it is.
    fn spellings(known: &BTreeSet<String>, captured: &str) -> Vec<String> {
        let mut all: Vec<String> =
            known.iter().filter(|name| name.eq_ignore_ascii_case(captured)).cloned().collect();
        all.extend([captured.to_ascii_lowercase(), captured.to_owned()]);
        all
    }
}

enum Piece {
    Text(String),
    Product,
    Role,
}

/// The template of one environment, ready to read names.
struct Template<'a> {
    inputs: Inputs<'a>,
    known: &'a Known,
    /// How much of a name is the template's own text.
    said: usize,
    /// For products that nobody knows; `None` where the template asks for their title.
    of_any: Option<Vec<Piece>>,
    /// For each product of the configuration.
    of_products: Vec<(String, Vec<Piece>)>,
    /// What known products with known roles are called.
    exact: BTreeMap<Ident, BTreeSet<Reading>>,
}

impl<'a> Template<'a> {
    fn of(inputs: &Inputs<'a>, known: &'a Known) -> Self {
        let [product, role, title] = [PRODUCT, ROLE, TITLE].map(String::from);
        let marked = product_role_name(inputs, (&product, Some(&title)), &role);
        let text = marked.as_ref().map_or("", Ident::as_str);
        let said = text.chars().filter(|c| ![PRODUCT, ROLE, TITLE].contains(c)).count();
        let of_any = (!text.is_empty() && !text.contains(TITLE)).then(|| pieces(text));
        let mut of_products = Vec::new();
        let mut exact: BTreeMap<Ident, BTreeSet<Reading>> = BTreeMap::new();
        for product in &known.products {
            let title = title_of(inputs, product);
            if let Some(marked) = product_role_name(inputs, (product, title), &role) {
                of_products.push((product.clone(), pieces(marked.as_str())));
            }
            for role in &known.roles {
                if let Some(name) = product_role_name(inputs, (product, title), role) {
                    let reading = Reading { product: product.clone(), role: role.clone() };
                    exact.entry(name).or_default().insert(reading);
                }
            }
        }
        Self { inputs: *inputs, known, said, of_any, of_products, exact }
    }

    /// All that a name may be.
    fn readings(&self, name: &Ident) -> BTreeSet<Reading> {
        let mut found = self.exact.get(name).cloned().unwrap_or_default();
        let mut captured = BTreeSet::new();
        for (product, pieces) in &self.of_products {
            let mut roles = BTreeSet::new();
            capture(pieces, name.as_str(), (Some(product), None), &mut roles);
            captured.extend(roles);
        }
        if let Some(pieces) = &self.of_any {
            capture(pieces, name.as_str(), (None, None), &mut captured);
        }
        for (product, role) in captured {
            found.extend(self.verified(name, &product, &role));
        }
        found
    }

    /// As whatever spelling renders to that very name.
    fn verified(&self, name: &Ident, product: &str, role: &str) -> Option<Reading> {
        let Known { products, roles } = self.known;
        for product in Known::spellings(products, product) {
            let title = title_of(&self.inputs, &product);
            for role in Known::spellings(roles, role) {
                let is_it = is_name(&product)
                    && is_name(&role)
                    && product != crate::config::playbook::MEMBERS
                    && product_role_name(&self.inputs, (&product, title), &role).as_ref()
                        == Some(name);
                if is_it {
                    return Some(Reading { product, role });
                }
            }
        }
        None
    }
}

fn title_of<'a>(inputs: &Inputs<'a>, product: &str) -> Option<&'a str> {
    inputs.config.products.get(product).and_then(|product| product.title.as_deref())
}

fn pieces(marked: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for c in marked.chars() {
        match (c, pieces.last_mut()) {
            (PRODUCT, _) => pieces.push(Piece::Product),
            (ROLE, _) => pieces.push(Piece::Role),
            (c, Some(Piece::Text(text))) => text.push(c),
            (c, _) => pieces.push(Piece::Text(c.to_string())),
        }
    }
    pieces
}

/// Every way in which the pieces make the text, as far as letters go: case is looked at later.
fn capture(
    pieces: &[Piece],
    rest: &str,
    (product, role): (Option<&str>, Option<&str>),
    found: &mut BTreeSet<(String, String)>,
) {
    let Some((first, pieces)) = pieces.split_first() else {
        if let (true, Some(product), Some(role)) = (rest.is_empty(), product, role) {
            found.insert((product.to_owned(), role.to_owned()));
        }
        return;
    };
    let after = |text: &str| {
        let (start, after) = (rest.get(..text.len())?, rest.get(text.len()..)?);
        start.eq_ignore_ascii_case(text).then_some(after)
    };
    let bound = match first {
        Piece::Text(text) => Some(text.as_str()),
        Piece::Product => product,
        Piece::Role => role,
    };
    if let Some(text) = bound {
        if let Some(rest) = after(text) {
            capture(pieces, rest, (product, role), found);
        }
        return;
    }
    let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8());
    // A name has nothing else in it, and the last piece takes all that is left.
    let ends = ends.take_while(|end| rest.get(..*end).is_some_and(is_name));
    for end in ends.filter(|end| !pieces.is_empty() || *end == rest.len()) {
        let (text, rest) = rest.split_at(end);
        let bound = match first {
            Piece::Product => (Some(text), role),
            _ => (product, Some(text)),
        };
        capture(pieces, rest, bound, found);
    }
}
