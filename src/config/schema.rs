//! JSON Schema of the files, from the types that they are read into, for editors.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::Located;
use super::raw::{Named, RawEntry, RawPlatform};
use super::valid::VERSION;

/// The schema of `rolecall.yml`.
pub fn rolecall_schema() -> Value {
    let mut schema = platform_schema();
    if let Some(root) = schema.as_object_mut() {
        root.insert("required".to_owned(), Value::from(vec!["version"]));
    }
    schema
}

/// The schema of the files in `rolecall/platform/`, where `version` may be left out.
pub fn platform_schema() -> Value {
    without_null_scalars(SchemaGenerator::default().into_root_schema_for::<RawPlatform>())
}

/// The schema of `rolecall/members/<product>.yml`.
pub fn members_schema() -> Value {
    without_null_scalars(SchemaGenerator::default().into_root_schema_for::<MembersFile>())
}

/// Nothing after a key is an empty list or map; a text or a truth value is written or left out.
fn without_null_scalars(schema: Schema) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(object) => {
                if let Some(kind) = object.get_mut("type")
                    && let [only, null] = kind.as_array().map(Vec::as_slice).unwrap_or_default()
                    && null == "null"
                    && (only == "string" || only == "boolean")
                {
                    *kind = only.clone();
                }
                object.values_mut().for_each(walk);
            }
            Value::Array(items) => items.iter_mut().for_each(walk),
            _ => {}
        }
    }
    let mut value = schema.to_value();
    walk(&mut value);
    value
}

/// A members file: product role → members. Nothing after a role's name means that it has none.
#[derive(JsonSchema)]
#[schemars(transparent, rename = "rolecall/members/<product>.yml")]
#[allow(dead_code, reason = "its schema is all that is wanted of it")]
struct MembersFile(BTreeMap<String, Option<Vec<RawEntry>>>);

/// A place is of the text, not of what is written.
impl<T: JsonSchema> JsonSchema for Located<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}_by_name", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["object", "null"],
            "propertyNames": {"pattern": "^[A-Za-z0-9_-]+$"},
            "additionalProperties": generator.subschema_for::<T>(),
        })
    }
}

/// `version`.
pub(super) fn version(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "const": VERSION})
}

/// `dialect`.
pub(super) fn dialect(_: &mut SchemaGenerator) -> Schema {
    use crate::model::DialectKind::{Postgres, Snowflake};
    json_schema!({"type": "string", "enum": [Postgres.as_str(), Snowflake.as_str()]})
}

/// `compat` is a list of tools.
pub(super) fn compat(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["array", "null"], "items": { "enum": ["raito"] } })
}

/// `role_kind` is one of two words.
pub(super) fn role_kind(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["account", "database"] })
}

/// `combine` is one of two words.
pub(super) fn combine(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["any", "all"] })
}

/// `resource_owners` is a truth value, or a list of what says who owns a node.
pub(super) fn resource_owners(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [
        { "type": "boolean" },
        { "type": "array", "items": { "enum": ["group", "meta", "product"] } },
    ] })
}

/// A severity. An editor's YAML may take `off` for a truth value.
pub(super) fn level(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["error", "warning", "off", false] })
}

/// Severities by environment.
pub(super) fn levels(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["object", "null"], "additionalProperties": level(generator) })
}

#[cfg(test)]
mod tests {
    use super::super::{checks, playbook, policy, raw, raw_environment};
    use super::*;

    fn properties(schema: &Value) -> Vec<&str> {
        let mut keys: Vec<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }

    fn sorted(keys: &raw::Keys) -> Vec<&'static str> {
        let mut keys = keys.known.to_vec();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn the_schemas_know_the_keys_that_the_reader_knows() {
        let schema = rolecall_schema();
        assert_eq!(properties(&schema), sorted(&raw::PLATFORM));
        for (name, keys) in [
            ("environment", &raw_environment::ENVIRONMENT),
            ("product_role", &raw::PRODUCT_ROLE),
            ("product_role_in_environment", &raw::PRODUCT_ROLE_IN),
            ("product", &raw::PRODUCT),
            ("policy", &policy::POLICY),
            ("policy_resources", &policy::RESOURCES),
            ("policy_actors", &policy::ACTORS),
            ("policy_match", &policy::MATCH),
            ("platform_policy", &policy::PLATFORM_POLICY),
            ("playbook_role", &playbook::ROLE),
            ("playbook_grant", &playbook::GRANT),
            ("platform_policy_on", &policy::PLATFORM_ON),
            ("platform_policy_actors", &policy::PLATFORM_ACTORS),
            ("test", &checks::TEST),
            ("test_body", &checks::TEST_BODY),
            ("check", &checks::CHECK),
            ("suppression", &checks::SUPPRESSION),
            ("pii", &checks::PII),
            ("pii_reason", &checks::REASON),
        ] {
            let definition = &schema["$defs"][name];
            assert_eq!(properties(definition), sorted(keys), "{name}");
            assert_eq!(definition["additionalProperties"], false, "{name}");
        }
        let schema = members_schema();
        assert_eq!(properties(&schema["$defs"]["member"]), sorted(&raw::ENTRY));
    }

    /// One line for each key: its path, its type, and whether it is required.
    fn outline(schema: &Value, at: &Value, path: &str, out: &mut String) {
        use std::fmt::Write;
        let target = at["$ref"].as_str().map(|name| &schema["$defs"][&name["#/$defs/".len()..]]);
        let at = target.unwrap_or(at);
        let kind = match &at["type"] {
            Value::Array(kinds) => {
                kinds.iter().map(|k| k.as_str().unwrap()).collect::<Vec<_>>().join("|")
            }
            kind => kind.as_str().unwrap_or("?").to_owned(),
        };
        writeln!(out, "{path}: {kind}").unwrap();
        for (key, value) in at["properties"].as_object().into_iter().flatten() {
            let required =
                at["required"].as_array().is_some_and(|all| all.contains(&key.as_str().into()));
            let mark = if required { "!" } else { "" };
            outline(schema, value, &format!("{path}.{key}{mark}"), out);
        }
        if at["additionalProperties"].is_object() {
            outline(schema, &at["additionalProperties"], &format!("{path}.*"), out);
        }
        if at["items"].is_object() {
            outline(schema, &at["items"], &format!("{path}[]"), out);
        }
    }

    #[test]
    fn the_schemas_in_outline() {
        let mut out = String::new();
        for schema in [rolecall_schema(), members_schema()] {
            outline(&schema, &schema, "$", &mut out);
        }
        insta::assert_snapshot!(out, @r#"
    $: object
    $.admin_role: string
    $.approved_plans: string
    $.break_glass: string
    $.checks: object|null
    $.checks.*: object
    $.checks.*.environments: object|null
    $.checks.*.environments.*: ?
    $.checks.*.severity: ?
    $.compat: array|null
    $.compat[]: ?
    $.deployment: string
    $.dialect: string
    $.directory: ?
    $.environments: object|null
    $.environments.*: object
    $.environments.*.admin_role: string
    $.environments.*.approved_plans: string
    $.environments.*.connection: ?
    $.environments.*.deploy_role: string
    $.environments.*.group_name: string
    $.environments.*.hook: boolean
    $.environments.*.parent_role: string
    $.environments.*.playbook_vars: string
    $.environments.*.policy_role_name: string
    $.environments.*.promote_from: string
    $.environments.*.protected: boolean
    $.environments.*.role_kind: string
    $.environments.*.role_name!: string
    $.environments.*.target: string
    $.environments.*.user_name: string
    $.environments.*.valid_for: string
    $.packages: array|null
    $.packages[]: string
    $.pii: ?
    $.platform_policies: array|null
    $.platform_policies[]: object
    $.platform_policies[].active: boolean
    $.platform_policies[].actors: ?
    $.platform_policies[].description: string
    $.platform_policies[].environments: array|null
    $.platform_policies[].environments[]: string
    $.platform_policies[].immutable: boolean
    $.platform_policies[].name!: string
    $.platform_policies[].on: ?
    $.platform_policies[].privileges!: array
    $.platform_policies[].privileges![]: string
    $.playbook_environments: array|null
    $.playbook_environments[]: string
    $.playbook_vars: string
    $.playbooks: array|null
    $.playbooks[]: string
    $.policies: array|null
    $.policies[]: object
    $.policies[].active: boolean
    $.policies[].actors: ?
    $.policies[].combine: string
    $.policies[].description: string
    $.policies[].environments: array|null
    $.policies[].environments[]: string
    $.policies[].immutable: boolean
    $.policies[].match: ?
    $.policies[].name!: string
    $.policies[].privileges: array|null
    $.policies[].privileges[]: string
    $.policies[].resources: ?
    $.product_roles: object|null
    $.product_roles.*: object
    $.product_roles.*.environments: object|null
    $.product_roles.*.environments.*: object
    $.product_roles.*.environments.*.may: array|null
    $.product_roles.*.environments.*.may[]: string
    $.product_roles.*.environments.*.warehouses: array|null
    $.product_roles.*.environments.*.warehouses[]: string
    $.product_roles.*.may: array|null
    $.product_roles.*.may[]: string
    $.product_roles.*.warehouses: array|null
    $.product_roles.*.warehouses[]: string
    $.products: object|null
    $.products.*: object
    $.products.*.domain: string
    $.products.*.offers: array|null
    $.products.*.offers[]: string
    $.products.*.outputs: string
    $.products.*.owners: array|null
    $.products.*.owners[]: string
    $.products.*.product_roles: object|null
    $.products.*.product_roles.*: object
    $.products.*.product_roles.*.environments: object|null
    $.products.*.product_roles.*.environments.*: object
    $.products.*.product_roles.*.environments.*.may: array|null
    $.products.*.product_roles.*.environments.*.may[]: string
    $.products.*.product_roles.*.environments.*.warehouses: array|null
    $.products.*.product_roles.*.environments.*.warehouses[]: string
    $.products.*.product_roles.*.may: array|null
    $.products.*.product_roles.*.may[]: string
    $.products.*.product_roles.*.warehouses: array|null
    $.products.*.product_roles.*.warehouses[]: string
    $.products.*.title: string
    $.role-owner: string
    $.roles: object|null
    $.roles.*: object
    $.roles.*.create: boolean
    $.roles.*.enable: boolean
    $.roles.*.grants: array|null
    $.roles.*.grants[]: object
    $.roles.*.grants[].database-name: string
    $.roles.*.grants[].enable: boolean
    $.roles.*.grants[].include-all: boolean
    $.roles.*.grants[].include-future: boolean
    $.roles.*.grants[].object-name: string
    $.roles.*.grants[].object-type!: string
    $.roles.*.grants[].privileges!: array
    $.roles.*.grants[].privileges![]: string
    $.roles.*.grants[].schema-name: string
    $.roles.*.name!: string
    $.roles.*.revoke-other-grants: boolean
    $.roles.*.role-owner: string
    $.suppress: array|null
    $.suppress[]: object
    $.suppress[].check!: string
    $.suppress[].environments: array|null
    $.suppress[].environments[]: string
    $.suppress[].node: string
    $.suppress[].product: string
    $.suppress[].reason!: string
    $.suppress[].role: string
    $.suppress[].until!: string
    $.suppress[].user: string
    $.tests: array|null
    $.tests[]: object
    $.tests[].always: ?
    $.tests[].at_most: ?
    $.tests[].description: string
    $.tests[].name!: string
    $.tests[].never: ?
    $.version!: integer
    $.warn_before: string
    $: object
    $.*: array|null
    $.*[]: object
    $.*[].approved_at: string
    $.*[].approved_by: string
    $.*[].environments: array|null
    $.*[].environments[]: string
    $.*[].group: string
    $.*[].reason: string
    $.*[].request: string
    $.*[].rule: string
    $.*[].until: string
    $.*[].user: string
    "#);
    }

    #[test]
    fn only_rolecall_yml_must_say_its_version() {
        assert_eq!(rolecall_schema()["required"], serde_json::json!(["version"]));
        assert_eq!(platform_schema()["required"], Value::Null);
    }
}
