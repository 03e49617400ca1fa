//! What can be granted on.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Ident, ObjectClass, RelationKey, SchemaKey};

/// One object that privileges are granted on. Ordered containers first, then by name.
///
/// In JSON: `class`, then what names it: `database`, `schema`, `name` (always the object's own
/// name: a schema's `name` is its `schema` too), and `column` or `signature` where it has one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Securable {
    class: ObjectClass,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    database: Option<Ident>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<Ident>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<Ident>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    column: Option<Ident>,
    /// The argument types of a routine as the server prints them, without parentheses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

impl Securable {
    fn bare(class: ObjectClass) -> Self {
        Self { class, database: None, schema: None, name: None, column: None, signature: None }
    }

    /// The whole account (Snowflake).
    pub fn account() -> Self {
        Self::bare(ObjectClass::Account)
    }

    /// A database.
    pub fn database(name: Ident) -> Self {
        Self { database: Some(name.clone()), name: Some(name), ..Self::bare(ObjectClass::Database) }
    }

    /// A schema of a database.
    pub fn schema(database: Ident, name: Ident) -> Self {
        Self {
            database: Some(database),
            schema: Some(name.clone()),
            name: Some(name),
            ..Self::bare(ObjectClass::Schema)
        }
    }

    /// Anything that lives in a schema: a relation, a sequence, a stage.
    pub fn in_schema(class: ObjectClass, database: Ident, schema: Ident, name: Ident) -> Self {
        Self {
            database: Some(database),
            schema: Some(schema),
            name: Some(name),
            ..Self::bare(class)
        }
    }

    /// A column of a relation.
    pub fn column(database: Ident, schema: Ident, relation: Ident, column: Ident) -> Self {
        Self {
            column: Some(column),
            ..Self::in_schema(ObjectClass::Column, database, schema, relation)
        }
    }

    /// A function or procedure; `signature` is its argument types as the server prints them.
    pub fn routine(
        class: ObjectClass,
        database: Ident,
        schema: Ident,
        name: Ident,
        signature: String,
    ) -> Self {
        Self { signature: Some(signature), ..Self::in_schema(class, database, schema, name) }
    }

    /// What stands in no schema: a warehouse, a language, a foreign server, an integration.
    pub fn global(class: ObjectClass, name: Ident) -> Self {
        Self { name: Some(name), ..Self::bare(class) }
    }

    /// The class.
    pub fn class(&self) -> ObjectClass {
        self.class
    }

    /// The database it is in, or is.
    pub fn database_name(&self) -> Option<&Ident> {
        self.database.as_ref()
    }

    /// The schema it is in, or is.
    pub fn schema_name(&self) -> Option<&Ident> {
        self.schema.as_ref()
    }

    /// The schema it is in, or is, with its database.
    pub fn schema_key(&self) -> Option<SchemaKey> {
        self.database.clone().zip(self.schema.clone())
    }

    /// Database, schema and name of what lives in a schema.
    pub fn relation_key(&self) -> Option<RelationKey> {
        Some((self.database.clone()?, self.schema.clone()?, self.name.clone()?))
    }

    /// Its own name; for a column, its relation's.
    pub fn name(&self) -> Option<&Ident> {
        self.name.as_ref()
    }

    /// The column's name, of a column.
    pub fn column_name(&self) -> Option<&Ident> {
        self.column.as_ref()
    }

    /// The argument types, of a routine.
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// The same object under another class, as the warehouse calls it.
    pub fn with_class(mut self, class: ObjectClass) -> Self {
        self.class = class;
        self
    }
}

/// For messages: names joined by dots, without quotes. Never for SQL.
impl fmt::Display for Securable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = match self.class {
            ObjectClass::Account => return f.write_str("the account"),
            ObjectClass::Database | ObjectClass::Schema => None,
            _ => self.name.as_ref(),
        };
        let mut first = true;
        for part in
            [&self.database, &self.schema, &own.cloned(), &self.column].into_iter().flatten()
        {
            if !first {
                f.write_str(".")?;
            }
            first = false;
            write!(f, "{part}")?;
        }
        if let Some(signature) = &self.signature {
            write!(f, "({signature})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_each_part_once_more_by_its_kind() {
        let id = |s| Ident::new(s).unwrap();
        insta::assert_json_snapshot!(
            [
                Securable::database(id("shop")),
                Securable::schema(id("shop"), id("sales")),
                Securable::in_schema(ObjectClass::Table, id("shop"), id("sales"), id("fct_orders")),
            ],
            @r#"
        [
          {
            "class": "database",
            "database": "shop",
            "name": "shop"
          },
          {
            "class": "schema",
            "database": "shop",
            "schema": "sales",
            "name": "sales"
          },
          {
            "class": "table",
            "database": "shop",
            "schema": "sales",
            "name": "fct_orders"
          }
        ]
        "#
        );
    }
}
