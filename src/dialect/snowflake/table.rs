//! Snowflake's privileges per class of objects. Source: "Access control privileges" and the pages
//! of GRANT, GRANT OWNERSHIP and REVOKE. OWNERSHIP is no privilege here: it is transferred.

use super::super::privileges::Row;
use crate::model::ObjectClass;
use places::{ACCOUNT, SCHEMA};

pub(super) mod places;

/// The rights on rows, and REFERENCES. Not EVOLVE SCHEMA, MONITOR, OPERATE or APPLYBUDGET: they
/// change shape, refreshing and cost, not data; who needs them says so as raw privileges.
const DATA: &[&str] = &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES"];
const WRITE: &[&str] = &["INSERT", "UPDATE", "DELETE", "TRUNCATE"];
const LOOK: &[&str] = &["SELECT", "REFERENCES"];

/// What GRANT, GRANT OWNERSHIP and future grants call by one word.
const fn row(
    class: ObjectClass,
    keyword: &'static str,
    plural: Option<&'static str>,
    all: &'static [&'static str],
) -> Row {
    Row { class, keyword, owned_as: Some(keyword), plural, all, data: &[], write: &[] }
}

const fn relation(
    class: ObjectClass,
    keyword: &'static str,
    plural: &'static str,
    all: &'static [&'static str],
    data: &'static [&'static str],
    write: &'static [&'static str],
) -> Row {
    Row { class, keyword, owned_as: Some(keyword), plural: Some(plural), all, data, write }
}

/// What `GRANT OWNERSHIP ON FUTURE …` refuses, though other future grants are taken; and application
/// services, artifact repositories and DATASETS, whose ownership cannot be granted at all ("GRANT
/// OWNERSHIP", usage notes). It takes MODELS.
pub(super) const NO_FUTURE_OWNER: &[ObjectClass] = &[
    ObjectClass::ApplicationService,
    ObjectClass::ArtifactRepository,
    ObjectClass::AuthenticationPolicy,
    ObjectClass::Dataset,
    ObjectClass::Experiment,
    ObjectClass::Gateway,
    ObjectClass::Notebook,
    ObjectClass::PasswordPolicy,
    ObjectClass::PrivacyPolicy,
    ObjectClass::Service,
    ObjectClass::SnapshotPolicy,
    ObjectClass::SnapshotSet,
    ObjectClass::Streamlit,
];

/// What tables have and hybrid tables do not, which GRANT calls tables too.
pub(super) const NOT_ON_HYBRID: &[&str] = &["EVOLVE SCHEMA", "SELECT ERROR TABLE"];

pub(super) const ROWS: &[Row] = &[
    Row {
        class: ObjectClass::Account,
        keyword: "ACCOUNT",
        owned_as: None,
        plural: None,
        all: ACCOUNT,
        data: &[],
        write: &[],
    },
    // IMPORTED PRIVILEGES on databases made from a share. REFERENCE_USAGE goes to shares only.
    row(
        ObjectClass::Database,
        "DATABASE",
        None,
        &[
            "APPLYBUDGET",
            "CREATE DATABASE ROLE",
            "CREATE SCHEMA",
            "EXECUTE AUTO CLASSIFICATION",
            "IMPORTED PRIVILEGES",
            "MANAGE GRANTS",
            "MODIFY",
            "MONITOR",
            "USAGE",
        ],
    ),
    row(ObjectClass::Schema, "SCHEMA", Some("SCHEMAS"), SCHEMA),
    relation(
        ObjectClass::Table,
        "TABLE",
        "TABLES",
        &[
            "SELECT",
            "INSERT",
            "UPDATE",
            "DELETE",
            "TRUNCATE",
            "REFERENCES",
            "EVOLVE SCHEMA",
            "APPLYBUDGET",
            "SELECT ERROR TABLE",
        ],
        DATA,
        WRITE,
    ),
    relation(ObjectClass::View, "VIEW", "VIEWS", LOOK, LOOK, &[]),
    // «There is no separate GRANT OWNERSHIP ON MATERIALIZED VIEW statement.»
    Row {
        owned_as: Some("VIEW"),
        ..relation(
            ObjectClass::MaterializedView,
            "MATERIALIZED VIEW",
            "MATERIALIZED VIEWS",
            &["SELECT", "REFERENCES", "APPLYBUDGET"],
            LOOK,
            &[],
        )
    },
    relation(
        ObjectClass::DynamicTable,
        "DYNAMIC TABLE",
        "DYNAMIC TABLES",
        &["SELECT", "MONITOR", "OPERATE"],
        &["SELECT"],
        &[],
    ),
    relation(ObjectClass::ExternalTable, "EXTERNAL TABLE", "EXTERNAL TABLES", LOOK, LOOK, &[]),
    relation(
        ObjectClass::IcebergTable,
        "ICEBERG TABLE",
        "ICEBERG TABLES",
        &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "APPLYBUDGET"],
        DATA,
        WRITE,
    ),
    row(ObjectClass::Sequence, "SEQUENCE", Some("SEQUENCES"), &["USAGE"]),
    row(ObjectClass::Function, "FUNCTION", Some("FUNCTIONS"), &["USAGE"]),
    row(ObjectClass::Procedure, "PROCEDURE", Some("PROCEDURES"), &["USAGE"]),
    row(
        ObjectClass::Warehouse,
        "WAREHOUSE",
        None,
        &["APPLYBUDGET", "MANAGE ATTACHED TABLES", "MODIFY", "MONITOR", "OPERATE", "USAGE"],
    ),
    row(ObjectClass::Stage, "STAGE", Some("STAGES"), &["READ", "USAGE", "WRITE"]),
    row(ObjectClass::FileFormat, "FILE FORMAT", Some("FILE FORMATS"), &["USAGE"]),
    row(ObjectClass::Stream, "STREAM", Some("STREAMS"), &["SELECT"]),
    row(ObjectClass::Task, "TASK", Some("TASKS"), &["APPLYBUDGET", "MONITOR", "OPERATE"]),
    row(ObjectClass::Pipe, "PIPE", Some("PIPES"), &["APPLYBUDGET", "MONITOR", "OPERATE"]),
    row(ObjectClass::Integration, "INTEGRATION", None, &["USAGE", "USE_ANY_ROLE"]),
    row(ObjectClass::Tag, "TAG", None, &["APPLY", "READ"]),
    row(ObjectClass::MaskingPolicy, "MASKING POLICY", None, &["APPLY"]),
    row(ObjectClass::RowAccessPolicy, "ROW ACCESS POLICY", None, &["APPLY"]),
    // Future grants on what has no plural here cannot be defined (GRANT <privileges> … TO ROLE,
    // restrictions); what has no owner here cannot be transferred (GRANT OWNERSHIP, usage notes).
    row(ObjectClass::Agent, "AGENT", Some("AGENTS"), &["MODIFY", "MONITOR", "USAGE"]),
    row(ObjectClass::AggregationPolicy, "AGGREGATION POLICY", None, &["APPLY"]),
    row(ObjectClass::Alert, "ALERT", Some("ALERTS"), &["MONITOR", "OPERATE"]),
    row(
        ObjectClass::AuthenticationPolicy,
        "AUTHENTICATION POLICY",
        Some("AUTHENTICATION POLICIES"),
        &["APPLY"],
    ),
    row(ObjectClass::ComputePool, "COMPUTE POOL", None, &["MODIFY", "MONITOR", "OPERATE", "USAGE"]),
    Row { owned_as: None, ..row(ObjectClass::Connection, "CONNECTION", None, &["FAILOVER"]) },
    row(
        ObjectClass::CortexSearchService,
        "CORTEX SEARCH SERVICE",
        Some("CORTEX SEARCH SERVICES"),
        &["MONITOR", "OPERATE", "USAGE"],
    ),
    Row { owned_as: None, ..row(ObjectClass::Dataset, "DATASET", Some("DATASETS"), &["USAGE"]) },
    row(ObjectClass::DbtProject, "DBT PROJECT", Some("DBT PROJECTS"), &["MONITOR", "USAGE"]),
    row(
        ObjectClass::EventTable,
        "EVENT TABLE",
        Some("EVENT TABLES"),
        &["APPLYBUDGET", "DELETE", "INGEST TELEMETRY", "REFERENCES", "SELECT", "TRUNCATE"],
    ),
    row(ObjectClass::ExternalVolume, "EXTERNAL VOLUME", None, &["USAGE"]),
    row(
        ObjectClass::FailoverGroup,
        "FAILOVER GROUP",
        None,
        &["FAILOVER", "MODIFY", "MONITOR", "REPLICATE"],
    ),
    row(ObjectClass::GitRepository, "GIT REPOSITORY", Some("GIT REPOSITORIES"), &["READ", "WRITE"]),
    row(ObjectClass::ImageRepository, "IMAGE REPOSITORY", None, &["READ", "WRITE"]),
    row(ObjectClass::JoinPolicy, "JOIN POLICY", None, &["APPLY"]),
    Row { owned_as: None, ..row(ObjectClass::Model, "MODEL", Some("MODELS"), &["READ", "USAGE"]) },
    row(ObjectClass::NetworkRule, "NETWORK RULE", Some("NETWORK RULES"), &["USAGE"]),
    row(ObjectClass::NetworkPolicy, "NETWORK POLICY", None, &["USAGE"]),
    row(ObjectClass::Notebook, "NOTEBOOK", Some("NOTEBOOKS"), &["USAGE"]),
    row(ObjectClass::PackagesPolicy, "PACKAGES POLICY", None, &["APPLY", "USAGE"]),
    row(ObjectClass::PasswordPolicy, "PASSWORD POLICY", Some("PASSWORD POLICIES"), &["APPLY"]),
    row(ObjectClass::PrivacyPolicy, "PRIVACY POLICY", Some("PRIVACY POLICIES"), &["APPLY"]),
    row(ObjectClass::ProjectionPolicy, "PROJECTION POLICY", None, &["APPLY"]),
    row(
        ObjectClass::ReplicationGroup,
        "REPLICATION GROUP",
        None,
        &["MODIFY", "MONITOR", "REPLICATE"],
    ),
    row(ObjectClass::ResourceMonitor, "RESOURCE MONITOR", None, &["MODIFY", "MONITOR"]),
    row(ObjectClass::Secret, "SECRET", Some("SECRETS"), &["MODIFY", "READ", "USAGE"]),
    row(
        ObjectClass::SemanticView,
        "SEMANTIC VIEW",
        Some("SEMANTIC VIEWS"),
        &["MONITOR", "REFERENCES", "SELECT"],
    ),
    Row {
        owned_as: None,
        ..row(ObjectClass::Service, "SERVICE", Some("SERVICES"), &["DROP", "MONITOR", "OPERATE"])
    },
    row(ObjectClass::SessionPolicy, "SESSION POLICY", None, &["APPLY"]),
    row(ObjectClass::Snapshot, "SNAPSHOT", None, &["USAGE"]),
    row(ObjectClass::StorageLifecyclePolicy, "STORAGE LIFECYCLE POLICY", None, &["APPLY"]),
    Row {
        owned_as: None,
        ..row(ObjectClass::Streamlit, "STREAMLIT", Some("STREAMLITS"), &["EMBED", "USAGE"])
    },
    row(
        ObjectClass::User,
        "USER",
        None,
        &["IMPERSONATE", "MODIFY PROGRAMMATIC AUTHENTICATION METHODS", "MONITOR"],
    ),
    row(ObjectClass::Workspace, "WORKSPACE", Some("WORKSPACES"), &["READ", "WRITE"]),
    row(ObjectClass::Type, "TYPE", Some("TYPES"), &["USAGE"]),
    // GRANT OWNERSHIP lists neither of these; ON FUTURE it takes both.
    Row {
        owned_as: None,
        ..row(
            ObjectClass::InteractiveTable,
            "INTERACTIVE TABLE",
            Some("INTERACTIVE TABLES"),
            &["MONITOR", "REFERENCES", "SELECT"],
        )
    },
    Row {
        owned_as: None,
        ..row(ObjectClass::Contact, "CONTACT", Some("CONTACTS"), &["APPLY", "MODIFY"])
    },
    row(ObjectClass::McpServer, "MCP SERVER", Some("MCP SERVERS"), &["MODIFY", "USAGE"]),
    row(ObjectClass::Gateway, "GATEWAY", Some("GATEWAYS"), &["MODIFY", "USAGE"]),
    row(ObjectClass::Experiment, "EXPERIMENT", Some("EXPERIMENTS"), &["MODIFY", "USAGE"]),
    row(
        ObjectClass::OnlineFeatureTable,
        "ONLINE FEATURE TABLE",
        Some("ONLINE FEATURE TABLES"),
        &["MONITOR", "SELECT"],
    ),
    // Nothing says that future grants are taken.
    row(
        ObjectClass::RestrictedSessionScope,
        "RESTRICTED SESSION SCOPE",
        None,
        &["MODIFY", "USAGE"],
    ),
    Row {
        owned_as: None,
        ..row(
            ObjectClass::ArtifactRepository,
            "ARTIFACT REPOSITORY",
            Some("ARTIFACT REPOSITORIES"),
            &["READ"],
        )
    },
    Row {
        owned_as: None,
        ..row(
            ObjectClass::ApplicationService,
            "APPLICATION SERVICE",
            Some("APPLICATION SERVICES"),
            &["MONITOR", "OPERATE", "USAGE"],
        )
    },
    row(ObjectClass::SnapshotPolicy, "SNAPSHOT POLICY", Some("SNAPSHOT POLICIES"), &["USAGE"]),
    row(ObjectClass::SnapshotSet, "SNAPSHOT SET", Some("SNAPSHOT SETS"), &["USAGE"]),
    Row {
        owned_as: None,
        ..row(
            ObjectClass::ApplicationPackage,
            "APPLICATION PACKAGE",
            None,
            &["ATTACH LISTING", "DEVELOP", "INSTALL", "MANAGE RELEASES", "MANAGE VERSIONS"],
        )
    },
];
