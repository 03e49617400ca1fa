//! The platform's file for a product that nobody had declared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::config::{Config, ProductRole};
use crate::edit::scalar;
use crate::project::Project;

/// A product and its roles.
#[derive(Debug, Default)]
pub(super) struct Implied {
    pub product: String,
    pub owners: BTreeSet<String>,
    /// What each may.
    pub roles: BTreeMap<String, Vec<String>>,
    /// What each was called.
    pub called: BTreeMap<String, String>,
}

impl Implied {
    /// What the reading of another tool's files added to the configuration that `written` is; `None`
    /// where nothing. `Err` where a role is lacking in a product that is declared there.
    pub fn of(project: &Project, product: &str, written: &Config) -> Result<Option<Self>, String> {
        let Some(read) = project.config.products.get(product) else { return Ok(None) };
        let may = |role: &ProductRole| role.may.iter().map(|word| word.value.clone()).collect();
        let there = written.products.get(product);
        let is_new = |name: &&String| there.is_none_or(|p| !p.product_roles.contains_key(*name));
        let new: Vec<&String> = read.product_roles.keys().filter(is_new).collect();
        if let (Some(_), Some(first)) = (there, new.first()) {
            return Err(format!(
                "the product {product} is declared, and has no product role {first}: declare it there, with what it may"
            ));
        }
        if there.is_some() {
            return Ok(None);
        }
        let roles = read.product_roles.iter().map(|(name, role)| (name.clone(), may(role)));
        let product = product.to_owned();
        Ok(Some(Self { product, roles: roles.collect(), ..Self::default() }))
    }

    pub fn text(&self, from: &str) -> String {
        let Self { product, owners, roles, called } = self;
        let mut text = format!(
            "# Written by `rolecall import --from {from}`: the roles that no product role was, and what\n# they may. Move them into products of their own, and let owners say who is in them.\nproducts:\n  {}:\n",
            scalar(product)
        );
        if !owners.is_empty() {
            let owners: Vec<String> = owners.iter().map(|owner| scalar(owner)).collect();
            let _ = writeln!(text, "    owners: [{}]", owners.join(", "));
        }
        if roles.is_empty() {
            let _ = writeln!(text, "    product_roles: {{}}");
            return text;
        }
        let _ = writeln!(text, "    product_roles:");
        for (role, may) in roles {
            let words: Vec<String> = may.iter().map(|word| scalar(word)).collect();
            let called = called
                .get(role)
                .filter(|called| *called != role)
                .map(|called| format!("  # {}", called.escape_debug()))
                .unwrap_or_default();
            let _ =
                writeln!(text, "      {}: {{may: [{}]}}{called}", scalar(role), words.join(", "));
        }
        text
    }
}
