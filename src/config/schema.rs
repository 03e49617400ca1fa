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

#[cfg(test)]
mod tests {
    use super::super::raw;
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
            ("environment", &raw::ENVIRONMENT),
            ("product_role", &raw::PRODUCT_ROLE),
            ("product_role_in_environment", &raw::PRODUCT_ROLE_IN),
            ("product", &raw::PRODUCT),
        ] {
            let definition = &schema["$defs"][name];
            assert_eq!(properties(definition), sorted(keys), "{name}");
            assert_eq!(definition["additionalProperties"], false, "{name}");
        }
        let schema = members_schema();
        assert_eq!(properties(&schema["$defs"]["member"]), sorted(&raw::ENTRY));
    }

    #[test]
    fn the_schema_of_rolecall_yml() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&rolecall_schema()).unwrap(), @r##"
        {
          "$defs": {
            "environment": {
              "additionalProperties": false,
              "description": "Where models are deployed.",
              "properties": {
                "deploy_role": {
                  "description": "The role that runs dbt here, needed where ownership is declared.",
                  "type": "string"
                },
                "group_name": {
                  "description": "The template of group names. Without it, names are taken as members files write them.",
                  "type": "string"
                },
                "promote_from": {
                  "description": "The environment whose access is promoted into this one.",
                  "type": "string"
                },
                "protected": {
                  "description": "Guard rails are stricter here.",
                  "type": "boolean"
                },
                "role_name": {
                  "description": "The template of warehouse role names: `{{ env.name }}_{{ product.name }}_{{ role.name }}`.",
                  "type": "string"
                },
                "target": {
                  "description": "The dbt target, where it is not named like the environment.",
                  "type": "string"
                },
                "user_name": {
                  "description": "The template of user names. Without it, names are taken as members files write them.",
                  "type": "string"
                }
              },
              "required": [
                "role_name"
              ],
              "type": "object"
            },
            "product": {
              "additionalProperties": false,
              "description": "A data product: a named set of dbt nodes, and who decides about its members.",
              "properties": {
                "outputs": {
                  "description": "dbt node selection of its nodes, such as `path:models/marts/sales`.",
                  "type": "string"
                },
                "owners": {
                  "description": "Who decides about its members.",
                  "items": {
                    "type": "string"
                  },
                  "type": [
                    "array",
                    "null"
                  ]
                },
                "product_roles": {
                  "additionalProperties": {
                    "$ref": "#/$defs/product_role"
                  },
                  "description": "Product roles of its own, beside those of every product.",
                  "propertyNames": {
                    "pattern": "^[A-Za-z0-9_-]+$"
                  },
                  "type": [
                    "object",
                    "null"
                  ]
                },
                "title": {
                  "description": "For people.",
                  "type": "string"
                }
              },
              "type": "object"
            },
            "product_role": {
              "additionalProperties": false,
              "description": "A kind of role, such as analyst, and the most that it can be given.",
              "properties": {
                "environments": {
                  "additionalProperties": {
                    "$ref": "#/$defs/product_role_in_environment"
                  },
                  "description": "Less in some environments, by the environment's name.",
                  "propertyNames": {
                    "pattern": "^[A-Za-z0-9_-]+$"
                  },
                  "type": [
                    "object",
                    "null"
                  ]
                },
                "may": {
                  "description": "The most that declarations can give it: read, write, admin, own, or raw privileges.",
                  "items": {
                    "type": "string"
                  },
                  "type": [
                    "array",
                    "null"
                  ]
                },
                "warehouses": {
                  "description": "USAGE on these warehouses (Snowflake).",
                  "items": {
                    "type": "string"
                  },
                  "type": [
                    "array",
                    "null"
                  ]
                }
              },
              "type": "object"
            },
            "product_role_in_environment": {
              "additionalProperties": false,
              "description": "What a product role may in one environment, in place of what it may elsewhere. Never more.",
              "properties": {
                "may": {
                  "description": "In place of the product role's `may`.",
                  "items": {
                    "type": "string"
                  },
                  "type": [
                    "array",
                    "null"
                  ]
                },
                "warehouses": {
                  "description": "In place of the product role's `warehouses`.",
                  "items": {
                    "type": "string"
                  },
                  "type": [
                    "array",
                    "null"
                  ]
                }
              },
              "type": "object"
            }
          },
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "additionalProperties": false,
          "description": "The platform's side of access as code: environments, what product roles may, and products.\n`rolecall.yml`, beside `dbt_project.yml`, and every file in `rolecall/platform/`.",
          "properties": {
            "deployment": {
              "description": "Part of every managed role's marker, so that two projects on one server never touch each\nother. Without it, the dbt project's name.",
              "type": "string"
            },
            "dialect": {
              "description": "The SQL dialect. Without it, the manifest's adapter decides.",
              "enum": [
                "postgres",
                "snowflake"
              ],
              "type": "string"
            },
            "environments": {
              "additionalProperties": {
                "$ref": "#/$defs/environment"
              },
              "description": "Where models are deployed, by name: by default the dbt target of the same name.",
              "propertyNames": {
                "pattern": "^[A-Za-z0-9_-]+$"
              },
              "type": [
                "object",
                "null"
              ]
            },
            "packages": {
              "description": "Other dbt packages whose nodes are managed too.",
              "items": {
                "type": "string"
              },
              "type": [
                "array",
                "null"
              ]
            },
            "product_roles": {
              "additionalProperties": {
                "$ref": "#/$defs/product_role"
              },
              "description": "The kinds of role that every product has, by name.",
              "propertyNames": {
                "pattern": "^[A-Za-z0-9_-]+$"
              },
              "type": [
                "object",
                "null"
              ]
            },
            "products": {
              "additionalProperties": {
                "$ref": "#/$defs/product"
              },
              "description": "The data products, by name.",
              "propertyNames": {
                "pattern": "^[A-Za-z0-9_-]+$"
              },
              "type": [
                "object",
                "null"
              ]
            },
            "version": {
              "const": 1,
              "description": "The version of this format: 1. Required in rolecall.yml.",
              "type": "integer"
            }
          },
          "required": [
            "version"
          ],
          "title": "rolecall.yml",
          "type": "object"
        }
        "##);
    }

    #[test]
    fn the_schema_of_a_members_file() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&members_schema()).unwrap(), @r##"
        {
          "$defs": {
            "member": {
              "additionalProperties": false,
              "description": "Who is let in: exactly one of `user`, `group` and `rule`.",
              "oneOf": [
                {
                  "required": [
                    "user"
                  ]
                },
                {
                  "required": [
                    "group"
                  ]
                },
                {
                  "required": [
                    "rule"
                  ]
                }
              ],
              "properties": {
                "environments": {
                  "description": "Only in these environments. Without it, in all.",
                  "items": {
                    "type": "string"
                  },
                  "minItems": 1,
                  "type": [
                    "array",
                    "null"
                  ]
                },
                "group": {
                  "description": "A group: a role that an identity provider makes.",
                  "type": "string"
                },
                "reason": {
                  "description": "Why, for people.",
                  "type": "string"
                },
                "rule": {
                  "description": "Everyone whose attributes match. Not evaluated by this version.",
                  "type": "string"
                },
                "until": {
                  "description": "The last day (`2027-01-31`, in UTC) or the moment (`2027-01-31T18:00:00Z`) it ends.",
                  "type": "string"
                },
                "user": {
                  "description": "A user by name.",
                  "type": "string"
                }
              },
              "type": "object"
            }
          },
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "additionalProperties": {
            "items": {
              "$ref": "#/$defs/member"
            },
            "type": [
              "array",
              "null"
            ]
          },
          "description": "A members file: product role → members. Nothing after a role's name means that it has none.",
          "title": "rolecall/members/<product>.yml",
          "type": "object"
        }
        "##);
    }
}
