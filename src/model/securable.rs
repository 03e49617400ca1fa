//! What can be granted on.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Ident, RelationKey, SchemaKey};

/// The class of a securable object. Both dialects share the words; a class that a dialect lacks has
/// no privileges there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ObjectClass {
    Account,
    Database,
    Schema,
    /// Ordinary and partitioned tables.
    Table,
    View,
    MaterializedView,
    DynamicTable,
    ExternalTable,
    IcebergTable,
    /// PostgreSQL's foreign tables.
    ForeignTable,
    /// A column of a relation.
    Column,
    Sequence,
    Function,
    Procedure,
    Type,
    Language,
    ForeignDataWrapper,
    ForeignServer,
    Tablespace,
    LargeObject,
    Parameter,
    Warehouse,
    Stage,
    FileFormat,
    Stream,
    Task,
    Pipe,
    Integration,
    Tag,
    MaskingPolicy,
    RowAccessPolicy,
    Agent,
    AggregationPolicy,
    Alert,
    AuthenticationPolicy,
    ComputePool,
    Connection,
    CortexSearchService,
    Dataset,
    DbtProject,
    EventTable,
    ExternalVolume,
    FailoverGroup,
    GitRepository,
    ImageRepository,
    JoinPolicy,
    Model,
    NetworkRule,
    Notebook,
    PackagesPolicy,
    PasswordPolicy,
    PrivacyPolicy,
    ProjectionPolicy,
    ReplicationGroup,
    ResourceMonitor,
    Secret,
    SemanticView,
    Service,
    SessionPolicy,
    Snapshot,
    StorageLifecyclePolicy,
    Streamlit,
    User,
    Workspace,
    NetworkPolicy,
}

impl ObjectClass {
    /// Every class, in order.
    pub const ALL: [ObjectClass; 65] = [
        Self::Account,
        Self::Database,
        Self::Schema,
        Self::Table,
        Self::View,
        Self::MaterializedView,
        Self::DynamicTable,
        Self::ExternalTable,
        Self::IcebergTable,
        Self::ForeignTable,
        Self::Column,
        Self::Sequence,
        Self::Function,
        Self::Procedure,
        Self::Type,
        Self::Language,
        Self::ForeignDataWrapper,
        Self::ForeignServer,
        Self::Tablespace,
        Self::LargeObject,
        Self::Parameter,
        Self::Warehouse,
        Self::Stage,
        Self::FileFormat,
        Self::Stream,
        Self::Task,
        Self::Pipe,
        Self::Integration,
        Self::Tag,
        Self::MaskingPolicy,
        Self::RowAccessPolicy,
        Self::Agent,
        Self::AggregationPolicy,
        Self::Alert,
        Self::AuthenticationPolicy,
        Self::ComputePool,
        Self::Connection,
        Self::CortexSearchService,
        Self::Dataset,
        Self::DbtProject,
        Self::EventTable,
        Self::ExternalVolume,
        Self::FailoverGroup,
        Self::GitRepository,
        Self::ImageRepository,
        Self::JoinPolicy,
        Self::Model,
        Self::NetworkRule,
        Self::Notebook,
        Self::PackagesPolicy,
        Self::PasswordPolicy,
        Self::PrivacyPolicy,
        Self::ProjectionPolicy,
        Self::ReplicationGroup,
        Self::ResourceMonitor,
        Self::Secret,
        Self::SemanticView,
        Self::Service,
        Self::SessionPolicy,
        Self::Snapshot,
        Self::StorageLifecyclePolicy,
        Self::Streamlit,
        Self::User,
        Self::Workspace,
        Self::NetworkPolicy,
    ];

    /// The word in JSON and messages, such as `materialized_view`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Database => "database",
            Self::Schema => "schema",
            Self::Table => "table",
            Self::View => "view",
            Self::MaterializedView => "materialized_view",
            Self::DynamicTable => "dynamic_table",
            Self::ExternalTable => "external_table",
            Self::IcebergTable => "iceberg_table",
            Self::ForeignTable => "foreign_table",
            Self::Column => "column",
            Self::Sequence => "sequence",
            Self::Function => "function",
            Self::Procedure => "procedure",
            Self::Type => "type",
            Self::Language => "language",
            Self::ForeignDataWrapper => "foreign_data_wrapper",
            Self::ForeignServer => "foreign_server",
            Self::Tablespace => "tablespace",
            Self::LargeObject => "large_object",
            Self::Parameter => "parameter",
            Self::Warehouse => "warehouse",
            Self::Stage => "stage",
            Self::FileFormat => "file_format",
            Self::Stream => "stream",
            Self::Task => "task",
            Self::Pipe => "pipe",
            Self::Integration => "integration",
            Self::Tag => "tag",
            Self::MaskingPolicy => "masking_policy",
            Self::RowAccessPolicy => "row_access_policy",
            Self::Agent => "agent",
            Self::AggregationPolicy => "aggregation_policy",
            Self::Alert => "alert",
            Self::AuthenticationPolicy => "authentication_policy",
            Self::ComputePool => "compute_pool",
            Self::Connection => "connection",
            Self::CortexSearchService => "cortex_search_service",
            Self::Dataset => "dataset",
            Self::DbtProject => "dbt_project",
            Self::EventTable => "event_table",
            Self::ExternalVolume => "external_volume",
            Self::FailoverGroup => "failover_group",
            Self::GitRepository => "git_repository",
            Self::ImageRepository => "image_repository",
            Self::JoinPolicy => "join_policy",
            Self::Model => "model",
            Self::NetworkRule => "network_rule",
            Self::Notebook => "notebook",
            Self::PackagesPolicy => "packages_policy",
            Self::PasswordPolicy => "password_policy",
            Self::PrivacyPolicy => "privacy_policy",
            Self::ProjectionPolicy => "projection_policy",
            Self::ReplicationGroup => "replication_group",
            Self::ResourceMonitor => "resource_monitor",
            Self::Secret => "secret",
            Self::SemanticView => "semantic_view",
            Self::Service => "service",
            Self::SessionPolicy => "session_policy",
            Self::Snapshot => "snapshot",
            Self::StorageLifecyclePolicy => "storage_lifecycle_policy",
            Self::Streamlit => "streamlit",
            Self::User => "user",
            Self::Workspace => "workspace",
            Self::NetworkPolicy => "network_policy",
        }
    }

    /// Whether a dbt node can be of this class: something with rows.
    pub fn is_relation(self) -> bool {
        matches!(
            self,
            Self::Table
                | Self::View
                | Self::MaterializedView
                | Self::DynamicTable
                | Self::ExternalTable
                | Self::IcebergTable
                | Self::ForeignTable
        )
    }

    /// Whether such objects stand in no schema: they are found by their name alone.
    pub fn is_global(self) -> bool {
        matches!(
            self,
            Self::Language
                | Self::ForeignDataWrapper
                | Self::ForeignServer
                | Self::Tablespace
                | Self::LargeObject
                | Self::Parameter
                | Self::Warehouse
                | Self::Integration
                | Self::ComputePool
                | Self::Connection
                | Self::ExternalVolume
                | Self::FailoverGroup
                | Self::ReplicationGroup
                | Self::NetworkPolicy
                | Self::ResourceMonitor
                | Self::User
        )
    }

    /// Whether grants on it only open the way to what is inside: a database or a schema.
    pub fn is_container(self) -> bool {
        matches!(self, Self::Database | Self::Schema)
    }
}

impl fmt::Display for ObjectClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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
    fn every_class_is_listed_once_and_named_as_in_json() {
        for class in ObjectClass::ALL {
            let json = serde_json::to_value(class).unwrap();
            assert_eq!(json, class.as_str());
        }
        assert!(ObjectClass::ALL.windows(2).all(|pair| pair[0] < pair[1]));
    }

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
