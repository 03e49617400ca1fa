//! What decides about gates, as a receipt keeps it, so that a change of it is seen in the next plan.

use std::collections::BTreeMap;

use crate::config::{Config, Environment, Located, ProductRole};

/// Setting → its value, both in words.
pub type Gates = BTreeMap<String, String>;

/// The settings of an environment that decide what must happen before anything is granted in it.
pub fn gates(config: &Config, environment: &Environment) -> Gates {
    let Environment {
        name,
        place: _,
        role_name: _,
        user_name: _,
        group_name: _,
        policy_role_name: _,
        promote_from,
        protected,
        valid_for,
        approved_plans: _,
        deploy_role: _,
        parent_role: _,
        admin_role: _,
        role_kind: _,
        target: _,
        connection: _,
        hook,
    } = environment;
    let mut gates = Gates::new();
    gates.insert("protected".to_owned(), protected.to_string());
    gates.insert("valid_for".to_owned(), format!("{valid_for} seconds"));
    gates.insert("hook".to_owned(), hook.to_string());
    let said = |value: Option<&Located<String>>| {
        value.map_or_else(|| "none".to_owned(), |value| value.value.clone())
    };
    gates.insert("promote_from".to_owned(), said(promote_from.as_ref()));
    gates.insert("approved_plans".to_owned(), said(config.approved_plans_of(environment)));
    for role in config.product_roles.values() {
        gates.insert(format!("may of {}", role.name), may(role, name));
    }
    for product in config.products.values() {
        for role in product.product_roles.values() {
            gates.insert(format!("may of {}.{}", product.name, role.name), may(role, name));
        }
    }
    gates
}

fn may(role: &ProductRole, environment: &str) -> String {
    let narrowed = role.environments.get(environment).and_then(|within| within.may.as_ref());
    let words = narrowed.unwrap_or(&role.may).iter().map(|word| word.value.as_str());
    let mut words: Vec<&str> = words.collect();
    words.sort_unstable();
    words.dedup();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

/// One line for each setting that is not what it was.
pub fn gates_changed(was: &Gates, now: &Gates) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = was.keys().chain(now.keys()).collect();
    let shown = |gates: &Gates, name: &String| match gates.get(name) {
        None => "not there".to_owned(),
        Some(value) => match value.strip_suffix(" seconds").map(str::parse) {
            Some(Ok(seconds)) => super::span(seconds),
            _ => value.clone(),
        },
    };
    names
        .into_iter()
        .filter(|name| was.get(*name) != now.get(*name))
        .map(|name| {
            format!("{name}: {} until now, {} from now on", shown(was, name), shown(now, name))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_that_changed_is_a_line() {
        let gates = |of: &[(&str, &str)]| -> Gates {
            of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let was = gates(&[("protected", "true"), ("may of analyst", "read"), ("valid_for", "9")]);
        let now = gates(&[("protected", "false"), ("may of owner", "admin"), ("valid_for", "9")]);
        insta::assert_snapshot!(gates_changed(&was, &now).join("\n"), @r"
        may of analyst: read until now, not there from now on
        may of owner: not there until now, admin from now on
        protected: true until now, false from now on
        ");
        assert!(gates_changed(&was, &was).is_empty());
    }
}
