//! Platform policies: privileges on databases, warehouses and the account, apart from nodes.

use schemars::JsonSchema;

use super::RoleRef;
use super::valid::{no_environment, read_rules, role_refs};
use crate::config::Located;
use crate::config::names::{PERMISSION_WORDS, check_fit, check_permission};
use crate::config::raw::Keys;
use crate::config::reader::{Reader, printable};
use crate::config::tree::Node;
use crate::directory::Rule;
use crate::model::diagnostic::nearest;
use crate::model::{Diagnostic, Diagnostics, Place};

/// A platform policy.
#[derive(Debug, Clone, PartialEq)]
pub struct PlatformPolicy {
    /// Its name, among all policies.
    pub name: String,
    /// Where the name is written.
    pub place: Place,
    /// For people.
    pub description: Option<String>,
    /// Without effect where it is false.
    pub active: bool,
    /// Raw privileges.
    pub privileges: Vec<Located<String>>,
    /// On what.
    pub on: On,
    /// By name, before the environment's template and the dialect's folding.
    pub users: Vec<Located<String>>,
    /// The same.
    pub groups: Vec<Located<String>>,
    /// Everyone of the directory who matches one of these.
    pub rules: Vec<Located<Rule>>,
    /// Roles of the warehouse, as they are named there.
    pub roles: Vec<Located<String>>,
    /// `product.role`.
    pub product_roles: Vec<Located<RoleRef>>,
    /// Only in these environments; empty for all.
    pub environments: Vec<Located<String>>,
    /// No plan takes from its role.
    pub immutable: bool,
}

/// What a platform policy gives privileges on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct On {
    /// The database that the environment deploys to.
    pub database: bool,
    /// Databases by name.
    pub databases: Vec<Located<String>>,
    /// Virtual warehouses by name (Snowflake).
    pub warehouses: Vec<Located<String>>,
    /// The whole account (Snowflake).
    pub account: bool,
}

/// Account- and database-level privileges, apart from nodes.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "platform_policy")]
pub(in crate::config) struct RawPlatformPolicy {
    /// Its name, among all policies: letters, digits, `_` and `-`.
    #[schemars(required, with = "String")]
    pub name: Option<Located<String>>,
    /// For people.
    pub description: Option<Located<String>>,
    /// Kept but without effect where it is false.
    pub active: Option<bool>,
    /// Raw privileges, such as CREATE or MONITOR.
    #[schemars(required, with = "Vec<String>")]
    pub privileges: Option<Vec<Located<String>>>,
    /// On what. Without it, on the database that the environment deploys to.
    pub on: Option<RawOn>,
    /// Who: any entry admits.
    pub actors: Option<RawPlatformActors>,
    /// Only in these environments. Without it, in all.
    #[schemars(length(min = 1))]
    pub environments: Option<Vec<Located<String>>>,
    /// No plan takes from its role.
    pub immutable: Option<bool>,
    /// Where it stands.
    #[schemars(skip)]
    pub place: Place,
}

/// What privileges are given on.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "platform_policy_on")]
pub(in crate::config) struct RawOn {
    /// The database that the environment deploys to.
    pub database: Option<bool>,
    /// Databases by name.
    pub databases: Option<Vec<Located<String>>>,
    /// Virtual warehouses by name (Snowflake).
    pub warehouses: Option<Vec<Located<String>>>,
    /// The whole account (Snowflake).
    pub account: Option<bool>,
}

/// Who: any entry admits.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "platform_policy_actors")]
pub(in crate::config) struct RawPlatformActors {
    /// Users by name.
    pub users: Option<Vec<Located<String>>>,
    /// Groups by name.
    pub groups: Option<Vec<Located<String>>>,
    /// Everyone of the directory who matches: `user.department == 'Sales'`.
    pub rules: Option<Vec<Located<String>>>,
    /// Roles of the warehouse that nothing here manages, as they are named there.
    pub roles: Option<Vec<Located<String>>>,
    /// Product roles, as `product.role`.
    pub product_roles: Option<Vec<Located<String>>>,
}

/// The raw privileges that a misspelt one was most likely meant to be.
const RAW: [&str; 8] =
    ["CREATE", "CONNECT", "TEMPORARY", "USAGE", "MONITOR", "OPERATE", "MODIFY", "CREATE SCHEMA"];

/// The keys of a platform policy.
pub(in crate::config) const PLATFORM_POLICY: Keys = Keys {
    of: "a platform policy",
    known: &[
        "name",
        "description",
        "active",
        "privileges",
        "on",
        "actors",
        "environments",
        "immutable",
    ],
};
/// The keys of what a platform policy is on.
pub(in crate::config) const PLATFORM_ON: Keys = Keys {
    of: "what a platform policy is on",
    known: &["database", "databases", "warehouses", "account"],
};
/// The keys of a platform policy's actors.
pub(in crate::config) const PLATFORM_ACTORS: Keys = Keys {
    of: "a platform policy's actors",
    known: &["users", "groups", "rules", "roles", "product_roles"],
};

impl RawPlatformPolicy {
    pub(in crate::config) fn read(reader: &mut Reader<'_>, node: &Node) -> Self {
        let fields = reader.fields(node, &PLATFORM_POLICY);
        let on = fields.get("on").map(|node| {
            let fields = reader.fields(node, &PLATFORM_ON);
            RawOn {
                database: reader.truth(&fields, "database"),
                databases: reader.texts(&fields, "databases"),
                warehouses: reader.texts(&fields, "warehouses"),
                account: reader.truth(&fields, "account"),
            }
        });
        let actors = fields.get("actors").map(|node| {
            let fields = reader.fields(node, &PLATFORM_ACTORS);
            RawPlatformActors {
                users: reader.texts(&fields, "users"),
                groups: reader.texts(&fields, "groups"),
                rules: reader.texts(&fields, "rules"),
                roles: reader.texts(&fields, "roles"),
                product_roles: reader.texts(&fields, "product_roles"),
            }
        });
        Self {
            name: reader.text(&fields, "name"),
            description: reader.text(&fields, "description"),
            active: reader.truth(&fields, "active"),
            privileges: reader.texts(&fields, "privileges"),
            on,
            actors,
            environments: reader.texts(&fields, "environments"),
            immutable: reader.truth(&fields, "immutable"),
            place: reader.source.place(node),
        }
    }
}

pub(super) fn read(
    name: Located<String>,
    raw: RawPlatformPolicy,
    diagnostics: &mut Diagnostics,
) -> PlatformPolicy {
    let RawPlatformPolicy {
        name: _,
        description,
        active,
        privileges,
        on,
        actors,
        environments,
        immutable,
        place: _,
    } = raw;
    if privileges.as_ref().is_none_or(Vec::is_empty) {
        diagnostics.push(missing(&name, "gives no `privileges`", "write privileges: [CREATE]"));
    }
    for word in privileges.iter().flatten() {
        if PERMISSION_WORDS.contains(&word.value.as_str()) {
            diagnostics.push(
                Diagnostic::error(
                    "invalid-policy",
                    format!("`{}` is a permission on nodes", word.value),
                )
                .with_help("a platform policy gives raw privileges, such as CREATE or MONITOR; nodes are for `policies`")
                .with_place(word.place.clone()),
            );
        } else {
            let near = nearest(&word.value.to_ascii_uppercase(), RAW);
            let near = near.map(|near| format!("did you mean `{near}`?"));
            diagnostics.extend(check_permission(word).map(|found| match near {
                Some(near) => found.with_help(near),
                None => {
                    found.with_help(
                        "a platform policy gives raw privileges, such as CREATE or MONITOR",
                    )
                }
            }));
        }
    }
    if actors.is_none() {
        diagnostics.push(missing(&name, "has no `actors`", "write actors: {users: [NAME]}"));
    }
    if environments.as_ref().is_some_and(Vec::is_empty) {
        diagnostics.push(no_environment(&name));
    }
    let RawPlatformActors { users, groups, rules, roles, product_roles } =
        actors.unwrap_or_default();
    let rules = rules.unwrap_or_default();
    let on = match on {
        None => On { database: true, ..On::default() },
        Some(RawOn { database, databases, warehouses, account }) => On {
            database: database.unwrap_or(false),
            databases: databases.unwrap_or_default(),
            warehouses: warehouses.unwrap_or_default(),
            account: account.unwrap_or(false),
        },
    };
    if on == On::default() {
        let help = "write on: {database: true}, or leave `on` out";
        diagnostics.push(missing(&name, "is on nothing", help));
    }
    let (users, groups) = (users.unwrap_or_default(), groups.unwrap_or_default());
    let roles = roles.unwrap_or_default();
    for (what, names) in [
        ("the user", &users),
        ("the group", &groups),
        ("the role", &roles),
        ("the database", &on.databases),
        ("the warehouse", &on.warehouses),
    ] {
        for name in names {
            diagnostics.extend(check_fit(what, name));
        }
    }
    PlatformPolicy {
        name: name.value,
        place: name.place,
        description: description.map(|text| text.value),
        active: active.unwrap_or(true),
        privileges: privileges.unwrap_or_default(),
        on,
        users,
        groups,
        rules: read_rules(&rules, diagnostics),
        roles,
        product_roles: role_refs(product_roles.unwrap_or_default(), diagnostics),
        environments: environments.unwrap_or_default(),
        immutable: immutable.unwrap_or(false),
    }
}

fn missing(name: &Located<String>, what: &str, help: &str) -> Diagnostic {
    Diagnostic::error(
        "missing-key",
        format!("the platform policy `{}` {what}", printable(&name.value)),
    )
    .with_help(help)
    .with_place(name.place.clone())
}
