//! The files as they are written, each value with its place, before anything is checked against
//! anything else. The JSON Schema comes from these types.

use schemars::JsonSchema;

use super::Located;
use super::checks::{RawChecks, RawPii, RawSuppression, RawTest, read_checks};
use super::directory::RawDirectory;
use super::playbook::{self, RawPlaybookRoles};
use super::policy::{RawPlatformPolicy, RawPolicy, read_all};
pub(super) use super::raw_environment::{RawConnection, RawEnvironment};
pub(super) use super::reader::Keys;
use super::reader::{Reader, read_version};
use super::tree::{Node, Value};
use crate::model::{Diagnostics, Place};

/// Things by name, in the order of the file.
#[derive(Debug)]
pub(super) struct Named<T>(pub Vec<(Located<String>, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// The platform's side of access as code: environments, what product roles may, and products.
/// `rolecall.yml`, beside `dbt_project.yml`, and every file in `rolecall/platform/`.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "rolecall.yml")]
pub(super) struct RawPlatform {
    /// The version of this format: 1. Required in rolecall.yml.
    #[schemars(default, schema_with = "super::schema::version")]
    pub version: Option<Located<u32>>,
    /// Part of every managed role's marker, so that two projects on one server never touch each
    /// other. Without it, the dbt project's name.
    pub deployment: Option<Located<String>>,
    /// The SQL dialect. Without it, the manifest's adapter decides.
    #[schemars(default, schema_with = "super::schema::dialect")]
    pub dialect: Option<Located<String>>,
    /// The list of approved plans, from the project's folder, for protected environments.
    pub approved_plans: Option<Located<String>>,
    /// Who is known and what is known of them: what members' rules are asked of.
    pub directory: Option<RawDirectory>,
    /// How long before a member's entry ends `plan` and `validate` say so: `14d`, `36h`.
    pub warn_before: Option<Located<String>>,
    /// Other dbt packages whose nodes are managed too.
    pub packages: Option<Vec<Located<String>>>,
    /// Where models are deployed, by name: by default the dbt target of the same name.
    #[schemars(default)]
    pub environments: Named<RawEnvironment>,
    /// The kinds of role that every product has, by name.
    #[schemars(default)]
    pub product_roles: Named<RawProductRole>,
    /// The data products, by name.
    #[schemars(default)]
    pub products: Named<RawProduct>,
    /// Privileges × resources × actors, written once for many nodes.
    pub policies: Option<Vec<RawPolicy>>,
    /// Account- and database-level privileges.
    pub platform_policies: Option<Vec<RawPlatformPolicy>>,
    /// A role of the warehouse that no plan takes anything from: the way back in.
    pub break_glass: Option<Located<String>>,
    /// Whose declarations in dbt's `meta` are read like our own: `raito`.
    #[schemars(default, schema_with = "super::schema::compat")]
    pub compat: Option<Vec<Located<String>>>,
    /// Roles beyond dbt's products, by ids of their own.
    #[schemars(default)]
    pub roles: RawPlaybookRoles,
    /// The owner of these roles (Snowflake) that do not name their own.
    #[schemars(rename = "role-owner")]
    pub role_owner: Option<Located<String>>,
    /// Playbooks: files, or folders of files, from the project's folder.
    pub playbooks: Option<Vec<Located<String>>>,
    /// The file of variables of playbooks, from the project's folder.
    pub playbook_vars: Option<Located<String>>,
    /// Only in these environments are there playbook roles. Without it, in all.
    #[schemars(length(min = 1))]
    pub playbook_environments: Option<Vec<Located<String>>>,
    /// To whom ownership goes that is no longer declared. Without it, SECURITYADMIN on Snowflake.
    pub admin_role: Option<Located<String>>,
    /// Who may what, demanded of effective access.
    pub tests: Option<Vec<RawTest>>,
    /// How loud the built-in checks are, by code.
    #[schemars(default)]
    pub checks: RawChecks,
    /// Findings of built-in checks that are not counted until a day.
    pub suppress: Option<Vec<RawSuppression>>,
    /// What is personal data here, and who may read it why.
    pub pii: Option<RawPii>,
}

/// A kind of role, such as analyst, and the most that it can be given.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "product_role")]
pub(super) struct RawProductRole {
    /// The most that declarations can give it: read, write, admin, own, or raw privileges.
    pub may: Option<Vec<Located<String>>>,
    /// USAGE on these warehouses (Snowflake).
    pub warehouses: Option<Vec<Located<String>>>,
    /// Less in some environments, by the environment's name.
    #[schemars(default)]
    pub environments: Named<RawProductRoleIn>,
}

/// What a product role may in one environment, in place of what it may elsewhere. Never more.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "product_role_in_environment")]
pub(super) struct RawProductRoleIn {
    /// In place of the product role's `may`.
    pub may: Option<Vec<Located<String>>>,
    /// In place of the product role's `warehouses`.
    pub warehouses: Option<Vec<Located<String>>>,
}

/// A data product: a named set of dbt nodes, and who decides about its members.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "product")]
pub(super) struct RawProduct {
    /// For people.
    pub title: Option<Located<String>>,
    /// Who decides about its members.
    pub owners: Option<Vec<Located<String>>>,
    /// dbt node selection of its nodes, such as `path:models/marts/sales`.
    pub outputs: Option<Located<String>>,
    /// The product roles that people can ask for. Without it, all; with an empty list, none.
    pub offers: Option<Vec<Located<String>>>,
    /// What policies call the part of the company it belongs to; dots are a hierarchy.
    pub domain: Option<Located<String>>,
    /// Product roles of its own, beside those of every product.
    #[schemars(default)]
    pub product_roles: Named<RawProductRole>,
}

/// The product owner's side: product role → its members. `rolecall/members/<product>.yml`.
#[derive(Debug, Default)]
pub(super) struct RawMembers(pub Vec<(Located<String>, Vec<PlacedEntry>)>);

/// An entry and where it stands.
pub(super) type PlacedEntry = (Place, RawEntry);

/// Who is let in: exactly one of `user`, `group` and `rule`.
#[derive(Debug, JsonSchema)]
#[schemars(
    deny_unknown_fields,
    rename = "member",
    extend("oneOf" = [{"required": ["user"]}, {"required": ["group"]}, {"required": ["rule"]}])
)]
pub(super) struct RawEntry {
    /// A user by name.
    pub user: Option<Located<String>>,
    /// A group: a role that an identity provider makes.
    pub group: Option<Located<String>>,
    /// Everyone whose attributes match: `user.department == 'Sales'`.
    pub rule: Option<Located<String>>,
    /// The last day (`2027-01-31`, in UTC) or the moment (`2027-01-31T18:00:00Z`) it ends.
    pub until: Option<Located<String>>,
    /// Why, for people.
    pub reason: Option<Located<String>>,
    /// Only in these environments. Without it, in all.
    #[schemars(length(min = 1))]
    pub environments: Option<Vec<Located<String>>>,
    /// The owner who approved it: `rolecall approve` writes it.
    pub approved_by: Option<Located<String>>,
    /// When: a moment, or a day.
    pub approved_at: Option<Located<String>>,
    /// The request that was approved, by its name in rolecall/requests/.
    pub request: Option<Located<String>>,
}

/// The keys of rolecall.yml and of the files in rolecall/platform/.
pub(super) const PLATFORM: Keys = Keys {
    of: "a platform file",
    known: &[
        "version",
        "deployment",
        "dialect",
        "approved_plans",
        "directory",
        "warn_before",
        "packages",
        "environments",
        "product_roles",
        "products",
        "policies",
        "platform_policies",
        "break_glass",
        "compat",
        "roles",
        "role-owner",
        "playbooks",
        "playbook_vars",
        "playbook_environments",
        "admin_role",
        "tests",
        "checks",
        "suppress",
        "pii",
    ],
};
/// The keys of a product role.
pub(super) const PRODUCT_ROLE: Keys =
    Keys { of: "a product role", known: &["may", "warehouses", "environments"] };
/// The keys of a product role in one environment.
pub(super) const PRODUCT_ROLE_IN: Keys =
    Keys { of: "a product role's environment", known: &["may", "warehouses"] };
/// The keys of a product.
pub(super) const PRODUCT: Keys = Keys {
    of: "a product",
    known: &["title", "owners", "outputs", "offers", "domain", "product_roles"],
};
/// The keys of a member.
pub(super) const ENTRY: Keys = Keys {
    of: "a member",
    known: &[
        "user",
        "group",
        "rule",
        "until",
        "reason",
        "environments",
        "approved_by",
        "approved_at",
        "request",
    ],
};

impl RawPlatform {
    /// Reads the root of a file that messages call `of`.
    pub fn read(reader: &mut Reader<'_>, root: &Node, of: &'static str) -> Self {
        let fields = reader.fields(root, &Keys { of, ..PLATFORM });
        let mut named =
            |key, what| fields.get(key).map(|node| reader.entries(node, what)).unwrap_or_default();
        let environments = named("environments", "`environments`");
        let product_roles = named("product_roles", "`product_roles`");
        let products = named("products", "`products`");
        Self {
            version: read_version(reader, fields.get("version")),
            deployment: reader.text(&fields, "deployment"),
            dialect: reader.text(&fields, "dialect"),
            approved_plans: reader.text(&fields, "approved_plans"),
            directory: fields.get("directory").and_then(|node| RawDirectory::read(reader, node)),
            warn_before: reader.text(&fields, "warn_before"),
            packages: reader.texts(&fields, "packages"),
            environments: Named(
                environments
                    .into_iter()
                    .map(|(name, node)| (name, RawEnvironment::read(reader, node)))
                    .collect(),
            ),
            product_roles: read_roles(reader, product_roles),
            products: Named(
                products
                    .into_iter()
                    .map(|(name, node)| (name, RawProduct::read(reader, node)))
                    .collect(),
            ),
            policies: fields
                .get("policies")
                .map(|node| read_all(reader, node, "policies", RawPolicy::read)),
            platform_policies: fields
                .get("platform_policies")
                .map(|node| read_all(reader, node, "platform_policies", RawPlatformPolicy::read)),
            break_glass: reader.text(&fields, "break_glass"),
            compat: reader.texts(&fields, "compat"),
            roles: fields
                .get("roles")
                .map(|node| RawPlaybookRoles::read(reader, node))
                .unwrap_or_default(),
            role_owner: playbook::optional(reader, &fields, "role-owner"),
            playbooks: reader.texts(&fields, "playbooks"),
            playbook_vars: reader.text(&fields, "playbook_vars"),
            playbook_environments: reader.texts(&fields, "playbook_environments"),
            admin_role: reader.text(&fields, "admin_role"),
            tests: fields.get("tests").map(|node| RawTest::read_all(reader, node)),
            checks: fields.get("checks").map(|n| read_checks(reader, n)).unwrap_or_default(),
            suppress: fields.get("suppress").map(|n| RawSuppression::read_all(reader, n)),
            pii: fields.get("pii").map(|node| RawPii::read(reader, node)),
        }
    }
}

fn read_roles(
    reader: &mut Reader<'_>,
    entries: Vec<super::reader::Entry<'_>>,
) -> Named<RawProductRole> {
    Named(
        entries
            .into_iter()
            .map(|(name, node)| (name, RawProductRole::read(reader, node)))
            .collect(),
    )
}

impl RawProductRole {
    fn read(reader: &mut Reader<'_>, node: &Node) -> Self {
        let fields = reader.fields(node, &PRODUCT_ROLE);
        let environments = fields
            .get("environments")
            .map(|node| reader.entries(node, "`environments` of a product role"))
            .unwrap_or_default();
        Self {
            may: reader.texts(&fields, "may"),
            warehouses: reader.texts(&fields, "warehouses"),
            environments: Named(
                environments
                    .into_iter()
                    .map(|(name, node)| {
                        let fields = reader.fields(node, &PRODUCT_ROLE_IN);
                        let within = RawProductRoleIn {
                            may: reader.texts(&fields, "may"),
                            warehouses: reader.texts(&fields, "warehouses"),
                        };
                        (name, within)
                    })
                    .collect(),
            ),
        }
    }
}

impl RawProduct {
    fn read(reader: &mut Reader<'_>, node: &Node) -> Self {
        let fields = reader.fields(node, &PRODUCT);
        let roles = fields
            .get("product_roles")
            .map(|node| reader.entries(node, "`product_roles` of a product"))
            .unwrap_or_default();
        Self {
            title: reader.text(&fields, "title"),
            owners: reader.texts(&fields, "owners"),
            outputs: reader.text(&fields, "outputs"),
            offers: reader.texts(&fields, "offers"),
            domain: reader.text(&fields, "domain"),
            product_roles: read_roles(reader, roles),
        }
    }
}

impl RawMembers {
    /// Reads a file's root. What stands under a key that `is_role` refuses is not looked at.
    pub fn read(
        reader: &mut Reader<'_>,
        root: &Node,
        mut is_role: impl FnMut(&Located<String>, &mut Diagnostics) -> bool,
    ) -> Self {
        let mut roles = reader.entries(root, "a members file");
        roles.retain(|(role, _)| is_role(role, reader.diagnostics));
        let read = |reader: &mut Reader<'_>, role: &str, node| {
            let example = |item: &str| format!("{role}: [{{user: {item}}}]");
            let items = reader.list(node, &format!("`{role}`"), example).unwrap_or_default();
            items.iter().filter_map(|item| RawEntry::read(reader, item)).collect()
        };
        Self(
            roles
                .into_iter()
                .map(|(role, node)| {
                    let entries = read(reader, &role.value, node);
                    (role, entries)
                })
                .collect(),
        )
    }
}

impl RawEntry {
    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<PlacedEntry> {
        if let Value::Map(_) = node.value {
            let fields = reader.fields(node, &ENTRY);
            let entry = Self {
                user: reader.text(&fields, "user"),
                group: reader.text(&fields, "group"),
                rule: reader.text(&fields, "rule"),
                until: reader.text(&fields, "until"),
                reason: reader.text(&fields, "reason"),
                environments: reader.texts(&fields, "environments"),
                approved_by: reader.text(&fields, "approved_by"),
                approved_at: reader.text(&fields, "approved_at"),
                request: reader.text(&fields, "request"),
            };
            // Who it lets in was said, only wrongly: one message is enough.
            let said = [("user", &entry.user), ("group", &entry.group), ("rule", &entry.rule)]
                .iter()
                .all(|(key, value)| value.is_some() == fields.get(key).is_some());
            return said.then(|| (reader.source.place(node), entry));
        }
        let message = format!("a member must be a map, not {}", node.value.describe());
        let name = match &node.value {
            Value::Text(text) => text.as_str(),
            _ => "…",
        };
        let help = format!("write {{user: {name}}} or {{group: {name}}}");
        reader.error(node, "wrong-type", message, help);
        None
    }
}
