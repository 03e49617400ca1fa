//! What people see: products, roles of products, and how to ask. Never a warehouse role.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::{Config, Located, Product, ProductRole};

/// A product, as whoever looks for data sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// Its name.
    pub product: String,
    /// For people.
    pub title: Option<String>,
    /// Who decides.
    pub owners: Vec<String>,
    /// The product roles that can be asked for.
    pub roles: Vec<OfferedRole>,
    /// What is in it; `None` where no manifest says it.
    pub outputs: Option<Vec<Output>>,
}

/// A product role that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfferedRole {
    /// Its name.
    pub role: String,
    /// The most that it may do: `read`, `write`, `admin`, `own`, or privileges.
    pub may: Vec<String>,
    /// What it may in single environments, where that is less.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<String, Vec<String>>,
    /// The line that asks for it.
    pub ask: String,
}

/// A model of a product, or a seed, a snapshot or a source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Output {
    /// Its name in dbt, with its version where it has one.
    pub name: String,
    /// `model`, `seed`, `snapshot` or `source`.
    pub kind: &'static str,
    /// What its author says of it.
    pub description: Option<String>,
}

/// All products, or one. `outputs` are by product, where a manifest was at hand.
pub fn catalog(
    config: &Config,
    only: Option<&str>,
    outputs: Option<&BTreeMap<String, Vec<Output>>>,
) -> Vec<Offer> {
    let products = config.products.values();
    products
        .filter(|product| only.is_none_or(|only| product.name == only))
        .map(|product| Offer {
            product: product.name.clone(),
            title: product.title.clone(),
            owners: product.owners.iter().map(|owner| owner.value.clone()).collect(),
            roles: roles(config, product),
            outputs: outputs.map(|outputs| outputs.get(&product.name).cloned().unwrap_or_default()),
        })
        .collect()
}

fn roles(config: &Config, product: &Product) -> Vec<OfferedRole> {
    // Nobody can approve, so nothing can be asked for.
    if product.approvers().next().is_none() {
        return Vec::new();
    }
    let mut roles: Vec<&ProductRole> = config.offered(product).collect();
    roles.sort_by(|a, b| a.name.cmp(&b.name));
    roles
        .into_iter()
        .map(|role| OfferedRole {
            role: role.name.clone(),
            may: words(&role.may),
            environments: role
                .environments
                .iter()
                .filter_map(|(name, within)| Some((name.clone(), words(within.may.as_deref()?))))
                .collect(),
            ask: format!("rolecall request {} {} --reason \"why\"", product.name, role.name),
        })
        .collect()
}

fn words(may: &[Located<String>]) -> Vec<String> {
    may.iter().map(|word| word.value.clone()).collect()
}
