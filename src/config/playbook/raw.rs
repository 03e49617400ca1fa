//! `roles:` as it is written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::vars::{refers, unmasked};
use super::{ObjectType, Switch};
use crate::config::Located;
use crate::config::reader::{Entry, Fields, Keys, Reader, printable, suggest};
use crate::config::tree::{Node, Value};
use crate::model::{Diagnostic, Place};

/// Roles by their ids, in the order of the file.
#[derive(Debug, Default)]
pub(in crate::config) struct RawPlaybookRoles(pub Vec<(Located<String>, RawPlaybookRole)>);

/// A whole file of a playbook.
#[derive(Debug, Default)]
pub(in crate::config) struct RawPlaybook {
    pub role_owner: Option<Located<String>>,
    pub roles: RawPlaybookRoles,
}

/// A role beyond dbt's products, and all that it is given.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "playbook_role")]
pub(in crate::config) struct RawPlaybookRole {
    /// What the warehouse calls it.
    #[schemars(required, with = "String")]
    pub name: Option<Located<String>>,
    /// What it is given.
    pub grants: Option<Vec<RawGrant>>,
    /// Whether the role is made where it is missing. Without it, true.
    #[schemars(default, schema_with = "switch")]
    pub create: Option<Switch>,
    /// Whether grants that are not defined here are revoked. Without it, true.
    #[schemars(rename = "revoke-other-grants", default, schema_with = "switch")]
    pub revoke_other_grants: Option<Switch>,
    /// Whether the role is managed at all. Without it, true.
    #[schemars(default, schema_with = "switch")]
    pub enable: Option<Switch>,
    /// The owner of the role (Snowflake), in place of the playbook's.
    #[schemars(rename = "role-owner")]
    pub role_owner: Option<Located<String>>,
}

/// Privileges on one object, or by `*` on all of a schema or a database.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "playbook_grant")]
pub(in crate::config) struct RawGrant {
    /// database, schema, table, view, warehouse, role, account and their like.
    #[schemars(rename = "object-type", required, with = "String")]
    pub object_type: Option<Located<ObjectType>>,
    /// The object. `*` for all; a routine with the types of its arguments: `f(number)`.
    #[schemars(rename = "object-name")]
    pub object: Option<Located<String>>,
    /// The schema that it is in. `*` for all.
    #[schemars(rename = "schema-name")]
    pub schema: Option<Located<String>>,
    /// The database that it is in.
    #[schemars(rename = "database-name")]
    pub database: Option<Located<String>>,
    /// By their SQL names; `all`; `ownership`.
    #[schemars(required, with = "Vec<String>")]
    pub privileges: Option<Vec<Located<String>>>,
    /// Where `*` stands: objects that are yet to be made. Without it, true.
    #[schemars(rename = "include-future", default, schema_with = "switch")]
    pub include_future: Option<Switch>,
    /// Where `*` stands: objects that are there. Without it, true.
    #[schemars(rename = "include-all", default, schema_with = "switch")]
    pub include_all: Option<Switch>,
    /// Whether the grant is managed at all. Without it, true.
    #[schemars(default, schema_with = "switch")]
    pub enable: Option<Switch>,
    /// Where it stands.
    #[schemars(skip)]
    pub place: Place,
}

fn switch(generator: &mut SchemaGenerator) -> Schema {
    bool::json_schema(generator)
}

impl JsonSchema for RawPlaybookRoles {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "playbook_roles_by_id".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<BTreeMap<String, RawPlaybookRole>>::json_schema(generator)
    }
}

/// The keys of a playbook's file.
const FILE: Keys =
    Keys { of: "a playbook", known: &["role-owner", "roles", "unsupported-revoke-behavior"] };
/// The keys of a playbook role.
pub(in crate::config) const ROLE: Keys = Keys {
    of: "a playbook role",
    known: &["name", "grants", "create", "revoke-other-grants", "enable", "role-owner"],
};
/// The keys of a grant.
pub(in crate::config) const GRANT: Keys = Keys {
    of: "a grant",
    known: &[
        "object-type",
        "object-name",
        "schema-name",
        "database-name",
        "privileges",
        "include-future",
        "include-all",
        "enable",
    ],
};
/// A key of newer Data Fence: what happens to grants that cannot be revoked is decided here.
const OTHERS: &str = "unsupported-revoke-behavior";

impl RawPlaybook {
    /// Reads a file that holds nothing else.
    pub fn read(reader: &mut Reader<'_>, root: &Node) -> Self {
        let fields = reader.fields(root, &FILE);
        not_applied(reader, &fields);
        // A file that says nothing is warned of, and one that is no map is wrong already.
        if matches!(root.value, Value::Map(_)) && fields.get("roles").is_none() {
            let place = reader.source.whole();
            missing(
                reader,
                "roles",
                "a playbook",
                place,
                "write `roles:`, or move the file out of the folder: every YAML file in it is a playbook",
            );
        }
        Self {
            role_owner: optional(reader, &fields, "role-owner"),
            roles: fields
                .get("roles")
                .map(|node| RawPlaybookRoles::read(reader, node))
                .unwrap_or_default(),
        }
    }
}

fn not_applied(reader: &mut Reader<'_>, fields: &Fields<'_>) {
    let Some(node) = fields.get(OTHERS) else { return };
    let place = reader.source.place(node);
    reader.diagnostics.push(
        Diagnostic::warning("not-applied", format!("`{OTHERS}` is read and not applied"))
            .with_help("what cannot be revoked is left alone and named in every plan")
            .with_place(place),
    );
}

impl RawPlaybookRoles {
    /// Reads what stands under `roles:`.
    pub fn read(reader: &mut Reader<'_>, node: &Node) -> Self {
        if matches!(node.value, Value::List(_)) {
            let message = "`roles` must be a map of ids and roles, not a list".to_owned();
            let help = "give each role an id in place of the dash: `analysts: {name: …}`";
            reader.error(node, "wrong-type", message, help.to_owned());
            return Self::default();
        }
        let entries: Vec<Entry<'_>> = reader.entries(node, "`roles`");
        let read = entries.into_iter().map(|(id, node)| {
            let id = Located { value: unmasked(&id.value), place: id.place };
            let role = RawPlaybookRole::read(reader, node, &id);
            (id, role)
        });
        Self(read.collect())
    }
}

impl RawPlaybookRole {
    fn read(reader: &mut Reader<'_>, node: &Node, id: &Located<String>) -> Self {
        let fields = reader.fields(node, &Keys { known: KNOWN_IN_FILES, ..ROLE });
        not_applied(reader, &fields);
        let may_have = matches!(node.value, Value::Map(_) | Value::Null);
        if may_have && fields.get("name").is_none() {
            let of = format!("the playbook role `{}`", printable(&id.value));
            missing(
                reader,
                "name",
                &of,
                id.place.clone(),
                "write name: and what the warehouse calls it",
            );
        }
        let grants = fields.get("grants").and_then(|node| {
            reader.list(node, "`grants` of a playbook role", |_| {
                "grants: [{object-type: database, object-name: raw, privileges: [usage]}]"
                    .to_owned()
            })
        });
        Self {
            name: text(reader, &fields, "name"),
            grants: grants
                .map(|grants| grants.iter().filter_map(|g| RawGrant::read(reader, g)).collect()),
            create: truth(reader, &fields, "create"),
            revoke_other_grants: truth(reader, &fields, "revoke-other-grants"),
            enable: truth(reader, &fields, "enable"),
            role_owner: optional(reader, &fields, "role-owner"),
        }
    }
}

/// [`ROLE`], and what newer Data Fence has beside it.
const KNOWN_IN_FILES: &[&str] =
    &["name", "grants", "create", "revoke-other-grants", "enable", "role-owner", OTHERS];

impl RawGrant {
    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            let message = format!("a grant must be a map, not {}", node.value.describe());
            let help = "write `- object-type: …`, the names and `privileges:` below it".to_owned();
            reader.error(node, "wrong-type", message, help);
            return None;
        }
        let fields = reader.fields(node, &GRANT);
        let place = reader.source.place(node);
        for (key, help) in [
            ("object-type", "write the kind of object: database, schema, table, warehouse, role …"),
            ("privileges", "write privileges: [usage], or whichever it gives"),
        ] {
            if fields.get(key).is_none() {
                missing(reader, key, "a grant", place.clone(), help);
            }
        }
        let object_type = text(reader, &fields, "object-type").and_then(|w| kind(reader, &w));
        let listed = fields.get("privileges").and_then(|node| {
            reader.list(node, "`privileges`", |item| format!("privileges: [{item}]"))
        });
        if listed.is_some_and(<[Node]>::is_empty) {
            let help = "name what it gives; to switch it off, write enable: false";
            missing(reader, "privileges", "a grant", place.clone(), help);
        }
        let privileges = listed
            .map(|items| items.iter().filter_map(|n| text_of(reader, n, "privileges")).collect());
        Some(Self {
            object_type,
            object: optional(reader, &fields, "object-name"),
            schema: optional(reader, &fields, "schema-name"),
            database: optional(reader, &fields, "database-name"),
            privileges,
            include_future: truth(reader, &fields, "include-future"),
            include_all: truth(reader, &fields, "include-all"),
            enable: truth(reader, &fields, "enable"),
            place,
        })
    }
}

fn missing(reader: &mut Reader<'_>, key: &str, of: &str, place: Place, help: &str) {
    reader.diagnostics.push(
        Diagnostic::error("missing-key", format!("{of} has no `{key}`"))
            .with_help(help)
            .with_place(place),
    );
}

fn kind(reader: &mut Reader<'_>, written: &Located<String>) -> Option<Located<ObjectType>> {
    match ObjectType::parse(&written.value) {
        Ok(value) => Some(Located { value, place: written.place.clone() }),
        Err(near) => {
            let words: Vec<&str> = ObjectType::words().collect();
            let help = suggest(near, words.iter().copied(), "");
            let help = help.replacen(&format!("did you mean `{near}`? "), "", 1);
            reader.diagnostics.push(
                Diagnostic::error(
                    "unknown-object-type",
                    format!("`{}` is no kind of object", printable(&written.value)),
                )
                .with_help(format!("did you mean `{near}`? {help}"))
                .with_place(written.place.clone()),
            );
            None
        }
    }
}

/// A text that must be one.
fn text(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str) -> Option<Located<String>> {
    let mut found = reader.text(fields, key)?;
    found.value = unmasked(&found.value);
    Some(found)
}

/// A text, or nothing: an empty one says nothing, as generated files have it.
pub(in crate::config) fn optional(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    key: &str,
) -> Option<Located<String>> {
    match &fields.get(key)?.value {
        Value::Null => None,
        Value::Text(empty) if empty.is_empty() => None,
        _ => text(reader, fields, key),
    }
}

fn text_of(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Located<String>> {
    match &node.value {
        Value::Text(text) if !text.trim().is_empty() => {
            Some(Located { value: unmasked(text), place: reader.source.place(node) })
        }
        other => {
            let message = match other {
                Value::Text(_) => format!("an entry of `{what}` is empty"),
                other => format!("an entry of `{what}` must be text, not {}", other.describe()),
            };
            reader.error(
                node,
                "wrong-type",
                message,
                "write select, usage or their like".to_owned(),
            );
            None
        }
    }
}

fn truth(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str) -> Option<Switch> {
    let node = fields.get(key)?;
    match &node.value {
        Value::Null => None,
        Value::Bool(truth) => Some(Switch::Is(*truth)),
        Value::Text(text) => {
            let value = unmasked(text);
            let place = reader.source.place(node);
            match Switch::of(&value) {
                Some(truth) => Some(Switch::Is(truth)),
                None if refers(&value) => Some(Switch::Said(Located { value, place })),
                None => reader.truth(fields, key).map(Switch::Is),
            }
        }
        _ => reader.truth(fields, key).map(Switch::Is),
    }
}
