//! From a grant's name to a product role.

use super::PRODUCT;
use crate::config::{Config, is_name};
use crate::declare::RoleRef;

/// The product role that a grant's name means.
///
/// # Errors
/// It means two, or nothing that could be a name.
pub(super) fn role_of(config: &Config, name: &str) -> Result<RoleRef, String> {
    let named = |product: &str, role: &str| RoleRef {
        product: Some(product.to_owned()),
        role: role.to_owned(),
    };
    let mut meant: Vec<RoleRef> = Vec::new();
    for (product_name, product) in &config.products {
        for role in config.product_roles.keys().chain(product.product_roles.keys()) {
            if name == format!("{product_name}.{role}") {
                return Ok(named(product_name, role));
            }
            let called = |by: &str| slug(&format!("{by} {role}")) == slug(name);
            if called(product_name) || product.title.as_deref().is_some_and(called) {
                meant.push(named(product_name, role));
            }
        }
    }
    meant.sort();
    meant.dedup();
    match meant.as_slice() {
        [] => {}
        [one] => return Ok(one.clone()),
        [one, other, ..] => return Err(format!("the grant `{name}` can mean {one} and {other}")),
    }
    let role = slug(name);
    if !is_name(&role) {
        return Err(format!(
            "the grant `{name}` has no letter a to z and no digit for a role's name"
        ));
    }
    Ok(named(PRODUCT, &role))
}

/// Letters and digits, in lower case, with one `_` for whatever stands between them.
fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('_') {
            slug.push('_');
        }
    }
    slug.trim_end_matches('_').to_owned()
}
