//! The platform's file for a product that nobody had declared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

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
    /// What the reading of another tool's files added to the configuration; `None` where nothing, or
    /// where the configuration declares the product itself.
    pub fn of(project: &Project, product: &str) -> Option<Self> {
        let declared = project.config.products.get(product)?;
        let may = |role: &crate::config::ProductRole| {
            role.may.iter().map(|word| word.value.clone()).collect()
        };
        let roles = declared.product_roles.iter().map(|(name, role)| (name.clone(), may(role)));
        Some(Self { product: product.to_owned(), roles: roles.collect(), ..Self::default() })
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
