//! `policies:` as it is written.

use schemars::JsonSchema;

use crate::config::Located;
use crate::config::raw::Keys;
use crate::config::reader::Reader;
use crate::config::tree::{Node, Value};
use crate::model::Place;

/// What a policy's owners can be: `true`, or a list of words.
#[derive(Debug)]
pub(in crate::config) enum RawOwners {
    /// All of them, or nobody.
    Truth(bool, Place),
    /// These.
    Words(Vec<Located<String>>),
}

/// Privileges × resources × actors, written once for many nodes.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "policy")]
pub(in crate::config) struct RawPolicy {
    /// Its name, among all policies: letters, digits, `_` and `-`.
    #[schemars(required, with = "String")]
    pub name: Option<Located<String>>,
    /// For people.
    pub description: Option<Located<String>>,
    /// Kept but without effect where it is false.
    pub active: Option<bool>,
    /// `any` shares responsibility (the default); `all` is always required and gives nothing.
    #[schemars(default, schema_with = "crate::config::schema::combine")]
    pub combine: Option<Located<String>>,
    /// read, write, admin, or raw privileges.
    pub privileges: Option<Vec<Located<String>>>,
    /// On which nodes. Without it, on all.
    pub resources: Option<RawResources>,
    /// Whom it admits: any entry does.
    pub actors: Option<RawActors>,
    /// People to nodes by an attribute of the one and a tag of the other.
    #[schemars(rename = "match")]
    pub matching: Option<RawMatch>,
    /// Only in these environments. Without it, in all.
    #[schemars(length(min = 1))]
    pub environments: Option<Vec<Located<String>>>,
    /// No plan takes from its roles.
    pub immutable: Option<bool>,
    /// Where it stands.
    #[schemars(skip)]
    pub place: Place,
}

/// Which nodes: what is left out leaves all.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "policy_resources")]
pub(in crate::config) struct RawResources {
    /// dbt node selection.
    pub select: Option<Located<String>>,
    /// Only relations of these classes: table, view, materialized_view and their like.
    pub classes: Option<Vec<Located<String>>>,
    /// Only outputs of products in one of these domains, or below one.
    pub domains: Option<Vec<Located<String>>>,
    /// Only outputs of one of these products.
    pub products: Option<Vec<Located<String>>>,
    /// Only nodes with one of these tags, or one below it; dots are a hierarchy.
    pub tags: Option<Vec<Located<String>>>,
}

/// Who: any entry admits.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "policy_actors")]
pub(in crate::config) struct RawActors {
    /// Users by name.
    pub users: Option<Vec<Located<String>>>,
    /// Groups by name.
    pub groups: Option<Vec<Located<String>>>,
    /// Everyone of the directory who matches: `user.department == 'Sales'`.
    pub rules: Option<Vec<Located<String>>>,
    /// Product roles, as `product.role`.
    pub product_roles: Option<Vec<Located<String>>>,
    /// Whoever owns the node: true, or which owners count: group, meta, product.
    #[schemars(default, schema_with = "crate::config::schema::resource_owners")]
    pub resource_owners: Option<RawOwners>,
}

/// People to nodes by what both carry.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "policy_match")]
pub(in crate::config) struct RawMatch {
    /// The person's attribute.
    #[schemars(required, with = "String")]
    pub user_attribute: Option<Located<String>>,
    /// The root of the node's tags.
    #[schemars(required, with = "String")]
    pub node_tag: Option<Located<String>>,
    /// Where it stands.
    #[schemars(skip)]
    pub place: Place,
}

/// The keys of a policy.
pub(in crate::config) const POLICY: Keys = Keys {
    of: "a policy",
    known: &[
        "name",
        "description",
        "active",
        "combine",
        "privileges",
        "resources",
        "actors",
        "match",
        "environments",
        "immutable",
    ],
};
/// The keys of a policy's resources.
pub(in crate::config) const RESOURCES: Keys = Keys {
    of: "a policy's resources",
    known: &["select", "classes", "domains", "products", "tags"],
};
/// The keys of a policy's actors.
pub(in crate::config) const ACTORS: Keys = Keys {
    of: "a policy's actors",
    known: &["users", "groups", "rules", "product_roles", "resource_owners"],
};
/// The keys of a policy's match.
pub(in crate::config) const MATCH: Keys =
    Keys { of: "a policy's match", known: &["user_attribute", "node_tag"] };

/// The items of a list of policies.
pub(in crate::config) fn read_all<T>(
    reader: &mut Reader<'_>,
    node: &Node,
    key: &str,
    read: impl Fn(&mut Reader<'_>, &Node) -> T,
) -> Vec<T> {
    let what = format!("`{key}`");
    let items = reader.list(node, &what, |item| format!("{key}: [{{name: {item}, …}}]"));
    let mut all = Vec::new();
    for item in items.unwrap_or_default() {
        if let Value::Map(_) = item.value {
            all.push(read(reader, item));
        } else {
            let message = format!("a policy must be a map, not {}", item.value.describe());
            reader.error(
                item,
                "wrong-type",
                message,
                "write - name: NAME and the rest below it".to_owned(),
            );
        }
    }
    all
}

impl RawPolicy {
    pub(in crate::config) fn read(reader: &mut Reader<'_>, node: &Node) -> Self {
        let fields = reader.fields(node, &POLICY);
        let resources = fields.get("resources");
        let resources = resources.map(|node| RawResources::read(reader, node, &RESOURCES));
        let actors = fields.get("actors").map(|node| RawActors::read(reader, node, &ACTORS));
        let matching = fields.get("match").map(|node| {
            let fields = reader.fields(node, &MATCH);
            RawMatch {
                user_attribute: reader.text(&fields, "user_attribute"),
                node_tag: reader.text(&fields, "node_tag"),
                place: reader.source.place(node),
            }
        });
        Self {
            name: reader.text(&fields, "name"),
            description: reader.text(&fields, "description"),
            active: reader.truth(&fields, "active"),
            combine: reader.text(&fields, "combine"),
            privileges: reader.texts(&fields, "privileges"),
            resources,
            actors,
            matching,
            environments: reader.texts(&fields, "environments"),
            immutable: reader.truth(&fields, "immutable"),
            place: reader.source.place(node),
        }
    }
}

impl RawResources {
    /// With the keys of whatever has them: a policy or a test.
    pub(in crate::config) fn read(reader: &mut Reader<'_>, node: &Node, keys: &Keys) -> Self {
        let fields = reader.fields(node, keys);
        let mut some = |key: &str| {
            let texts = reader.texts(&fields, key)?;
            // It would mean all, where it was meant to mean none.
            if let (true, Some(node)) = (texts.is_empty(), fields.get(key)) {
                let message = format!("`{key}` of {} names nothing", keys.of);
                let help = format!("leave `{key}` out where it holds for all");
                reader.error(node, "invalid-policy", message, help);
            }
            Some(texts)
        };
        Self {
            classes: some("classes"),
            domains: some("domains"),
            products: some("products"),
            tags: some("tags"),
            select: reader.text(&fields, "select"),
        }
    }
}

impl RawActors {
    /// With the keys of whatever has them: a policy or a test.
    pub(in crate::config) fn read(reader: &mut Reader<'_>, node: &Node, keys: &Keys) -> Self {
        let fields = reader.fields(node, keys);
        Self {
            users: reader.texts(&fields, "users"),
            groups: reader.texts(&fields, "groups"),
            rules: reader.texts(&fields, "rules"),
            product_roles: reader.texts(&fields, "product_roles"),
            resource_owners: fields.get("resource_owners").and_then(|node| match node.value {
                Value::Bool(truth) => Some(RawOwners::Truth(truth, reader.source.place(node))),
                _ => reader.texts(&fields, "resource_owners").map(RawOwners::Words),
            }),
        }
    }
}
