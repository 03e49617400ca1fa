//! The classes of what can be granted on.

use std::fmt;

use serde::{Deserialize, Serialize};

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
    InteractiveTable,
    Contact,
    McpServer,
    Gateway,
    Experiment,
    OnlineFeatureTable,
    RestrictedSessionScope,
    ArtifactRepository,
    ApplicationService,
    SnapshotPolicy,
    SnapshotSet,
    ApplicationPackage,
}

impl ObjectClass {
    /// Every class, in order.
    pub const ALL: [ObjectClass; 77] = [
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
        Self::InteractiveTable,
        Self::Contact,
        Self::McpServer,
        Self::Gateway,
        Self::Experiment,
        Self::OnlineFeatureTable,
        Self::RestrictedSessionScope,
        Self::ArtifactRepository,
        Self::ApplicationService,
        Self::SnapshotPolicy,
        Self::SnapshotSet,
        Self::ApplicationPackage,
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
            Self::InteractiveTable => "interactive_table",
            Self::Contact => "contact",
            Self::McpServer => "mcp_server",
            Self::Gateway => "gateway",
            Self::Experiment => "experiment",
            Self::OnlineFeatureTable => "online_feature_table",
            Self::RestrictedSessionScope => "restricted_session_scope",
            Self::ArtifactRepository => "artifact_repository",
            Self::ApplicationService => "application_service",
            Self::SnapshotPolicy => "snapshot_policy",
            Self::SnapshotSet => "snapshot_set",
            Self::ApplicationPackage => "application_package",
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

    /// Whether no other object of such a class may have a relation's name in its schema: what may be a
    /// relation under another word.
    pub fn shares_names_with_relations(self) -> bool {
        self.is_relation()
            || matches!(
                self,
                Self::EventTable
                    | Self::InteractiveTable
                    | Self::OnlineFeatureTable
                    | Self::SemanticView
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
                | Self::ApplicationPackage
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
}
