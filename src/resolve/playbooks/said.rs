//! What is said of playbooks: at once, where it is the same for many grants.

use std::collections::BTreeMap;

use super::super::Inputs;
use super::super::roles::RolesHere;
use crate::config::playbook::PlaybookRole;
use crate::model::{Diagnostic, Diagnostics, Ident, Marker, Place, Securable};

/// What many grants can have in common.
#[derive(Debug, Default)]
pub(super) struct Said {
    unsupported: BTreeMap<String, Vec<Place>>,
    not_expanded: Vec<Place>,
    not_ahead: BTreeMap<&'static str, Vec<Place>>,
    elsewhere: BTreeMap<Ident, Vec<Place>>,
    shares: BTreeMap<Ident, Vec<Place>>,
    owners: Vec<Place>,
    nothing: Vec<Place>,
    disabled: BTreeMap<Ident, Vec<Place>>,
    /// Objects that are not there, and who asks for each.
    missing: BTreeMap<String, Vec<Place>>,
}

impl Said {
    pub(super) fn unsupported(&mut self, what: &str, place: &Place) {
        self.unsupported.entry(what.to_owned()).or_default().push(place.clone());
    }

    /// A wildcard, where no warehouse was looked at.
    pub(super) fn not_expanded(&mut self, place: &Place) {
        self.not_expanded.push(place.clone());
    }

    /// A wildcard whose objects cannot be given before they are there.
    pub(super) fn not_ahead(&mut self, why: &'static str, place: &Place) {
        self.not_ahead.entry(why).or_default().push(place.clone());
    }

    pub(super) fn elsewhere(&mut self, database: &Ident, place: &Place) {
        self.elsewhere.entry(database.clone()).or_default().push(place.clone());
    }

    pub(super) fn of_a_share(&mut self, database: &Ident, place: &Place) {
        self.shares.entry(database.clone()).or_default().push(place.clone());
    }

    pub(super) fn no_owners(&mut self, place: &Place) {
        if !self.owners.contains(place) {
            self.owners.push(place.clone());
        }
    }

    /// Neither what is there nor what is to come.
    pub(super) fn nothing(&mut self, place: &Place) {
        self.nothing.push(place.clone());
    }

    pub(super) fn disabled(&mut self, role: &Ident, place: &Place) {
        self.disabled.entry(role.clone()).or_default().push(place.clone());
    }

    pub(super) fn missing(&mut self, what: String, place: &Place) {
        self.missing.entry(what).or_default().push(place.clone());
    }

    pub(super) fn say(self, inputs: &Inputs, found: &mut Diagnostics) {
        let Self {
            unsupported,
            not_expanded,
            not_ahead,
            elsewhere,
            shares,
            owners,
            nothing,
            disabled,
            missing,
        } = self;
        let warn = |code, message: String, help: &str, places: &[Place]| {
            let mut warning =
                Diagnostic::warning(code, format!("{message}{}", more(places))).with_help(help);
            warning.place = places.first().cloned();
            warning
        };
        for (what, places) in unsupported {
            found.push(warn(
                "unsupported-grant",
                format!("{what} is not managed here: read, and left alone"),
                "what is granted there stays as it is, and nothing is granted; do it by hand",
                &places,
            ));
        }
        if !not_expanded.is_empty() {
            found.push(warn(
                "not-expanded",
                "without a warehouse, `*` stands only for what the manifest names".to_owned(),
                "`plan` looks at the warehouse, and expands it to every object there",
                &not_expanded,
            ));
        }
        for (why, places) in not_ahead {
            found.push(warn(
                "not-ahead",
                format!("what is yet to come cannot be granted ahead: {why}"),
                "new ones get it by the next apply",
                &places,
            ));
        }
        for (database, places) in elsewhere {
            let here = inputs.database.map(Ident::to_string).unwrap_or_default();
            found.push(warn(
                "other-database",
                format!("what is in {database} is left alone: the connection is to {here}"),
                "a connection reaches one database: run again for each of the others",
                &places,
            ));
        }
        for (database, places) in shares {
            found.push(warn(
                "unsupported-grant",
                format!(
                    "{database} is made of a share, and privileges on it are imported: left alone"
                ),
                "grant IMPORTED PRIVILEGES on the database by hand",
                &places,
            ));
        }
        if !owners.is_empty() {
            found.push(warn(
                "no-role-owner",
                "roles have no owner on postgres: `role-owner` is not applied".to_owned(),
                "whoever has the role with ADMIN OPTION administers it there",
                &owners,
            ));
        }
        if !nothing.is_empty() {
            found.push(warn(
                "grants-nothing",
                "include-all and include-future are both false: nothing is granted".to_owned(),
                "take the grant out, or let one of the two be true",
                &nothing,
            ));
        }
        for (role, places) in disabled {
            found.push(warn(
                "disabled-role",
                format!("{role} is disabled, and nobody is let into it"),
                "enable that role, or take the grant out",
                &places,
            ));
        }
        for (what, places) in missing {
            let message = format!("{what} is not in the warehouse{}", more(&places));
            let mut one = match inputs.skip_missing {
                true => Diagnostic::warning("missing-object", format!("{message}: skipped")),
                false => Diagnostic::error("missing-object", message).with_help(
                    "mend the name, make it first, or go on without it by --skip-missing: a name in double quotes is taken to the letter",
                ),
            };
            one.place = places.first().cloned();
            found.push(one);
        }
    }
}

/// How many other places say the same.
fn more(places: &[Place]) -> String {
    match places.len() {
        0 | 1 => String::new(),
        2 => " (and in 1 more place)".to_owned(),
        many => format!(" (and in {} more places)", many - 1),
    }
}

pub(super) fn name_twice(name: &Ident, first: &PlaybookRole, second: &PlaybookRole) -> Diagnostic {
    Diagnostic::error(
        "role-name-twice",
        format!("the playbook roles {} and {} both get the name {name}", first.id, second.id),
    )
    .with_help("give one of the two another name, or write their grants under one id")
    .with_place(second.name.place.clone())
    .with_also(first.name.place.clone(), format!("{} is named here", first.id))
}

/// A playbook's role has the name of a product's or a policy's.
pub(super) fn defined_twice(
    inputs: &Inputs,
    products: &RolesHere,
    name: &Ident,
    role: &PlaybookRole,
    other: &Marker,
) -> Diagnostic {
    let declared = products
        .get(other.product.as_str())
        .and_then(|roles| roles.get(other.role.as_str()))
        .filter(|_| other.policy.is_none());
    let policy = other.policy.as_ref().and_then(|policy| {
        let first = policy.split(['&', '/']).next()?;
        let of = inputs.config.policies.get(first).map(|policy| &policy.place);
        of.or_else(|| inputs.config.platform_policies.get(first).map(|policy| &policy.place))
    });
    let place = declared.map(|role| &role.declared.place).or(policy);
    let place = place.unwrap_or(&inputs.environment.role_name.place).clone();
    Diagnostic::error(
        "role-name-twice",
        format!("the playbook role {} has the name {name}, which is that of {}", role.id, other.whose()),
    )
    .with_help("a role is defined in one place: rename the playbook's, or declare its grants where the other is defined")
    .with_place(role.name.place.clone())
    .with_also(place, "the other one is defined here")
}

/// An always-required policy would be got round.
pub(super) fn round(
    policies: &str,
    on: &Securable,
    role: &Ident,
    place: &Place,
    policy: Option<&Place>,
    ahead: bool,
) -> Diagnostic {
    let what = if ahead { "what is yet to come beside" } else { "its grant on" };
    let error = Diagnostic::error(
        "round-policy",
        format!("the playbook role {role} would get round the policy {policies}, which is always required: {what} {on}"),
    )
    .with_help("declare that access in `meta.rolecall` or in a policy; let the playbook name other objects one by one, or other schemas")
    .with_place(place.clone());
    match policy {
        Some(policy) => error.with_also(policy.clone(), "the policy"),
        None => error,
    }
}

/// A schema that the server has for itself.
pub(super) fn system_schema(
    name: &Ident,
    place: &Place,
    all_in_it: bool,
    postgres: bool,
) -> Diagnostic {
    let what = format!("{name} is the server's own schema");
    let found = match (postgres, all_in_it) {
        (false, _) => Diagnostic::error(
            "system-schema",
            format!("{what}: nothing is granted there"),
        )
        .with_help(
            "take the grant out: whoever may use the database sees there what concerns them",
        ),
        (true, true) => {
            Diagnostic::error("system-schema", format!("{what}: no `*` stands for what is in it"))
                .with_help(
                    "name what is needed one by one: all of it would be power over the server",
                )
        }
        (true, false) => Diagnostic::warning("system-schema", what).with_help(
            "what is granted there is power over the server: make sure that it is meant",
        ),
    };
    found.with_place(place.clone())
}
