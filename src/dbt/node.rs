//! The part of a manifest that decides about access.

use std::collections::BTreeMap;

/// A manifest, as far as access needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Who wrote it, when, for what.
    pub metadata: Metadata,
    /// Models, seeds, snapshots and sources, by `unique_id`; disabled ones left out.
    pub nodes: BTreeMap<String, Node>,
    /// Hooks whose text speaks of granting, by the `unique_id` of the node or of the `on-run-…` hook: what
    /// they give is not known.
    pub granting_hooks: BTreeMap<String, String>,
    /// What else was wanted of it, for selections.
    pub beyond: super::graph::Beyond,
}

/// The schema version that the manifest names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ManifestVersion(pub u32);

/// The manifest's `metadata`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// 1 to 12 (dbt Core), 20 (Fusion previews).
    pub schema_version: ManifestVersion,
    /// Such as `1.11.2`.
    pub dbt_version: Option<String>,
    /// The root project. Before dbt 1.6 it is missing; then the package of most nodes' own files
    /// is not guessed: the configuration must name the deployment.
    pub project_name: Option<String>,
    /// Such as `postgres`.
    pub adapter_type: Option<String>,
    /// RFC 3339, as written.
    pub generated_at: Option<String>,
    /// Of the dbt run that wrote it.
    pub invocation_id: Option<String>,
}

/// What kind of node it is: those that have a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum ResourceType {
    Model,
    Seed,
    Snapshot,
    Source,
}

impl ResourceType {
    /// `model`, `seed`, `snapshot` or `source`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Seed => "seed",
            Self::Snapshot => "snapshot",
            Self::Source => "source",
        }
    }
}

/// One part of a relation's name, not yet folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePart {
    /// The text without quotes.
    pub text: String,
    /// It was quoted, or `quoting` makes it exact: it must not be folded.
    pub exact: bool,
}

/// Where a node's relation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationName {
    /// `None` where dbt knows no database (null or empty).
    pub database: Option<NamePart>,
    /// The schema.
    pub schema: NamePart,
    /// The alias (or a source's identifier), never the node's name.
    pub identifier: NamePart,
}

/// What a node says to Raito, unread.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RaitoMeta {
    /// `meta.raito`, from whichever of the two places has it.
    pub block: Option<serde_json::Value>,
    /// Columns with a `meta.raito` of their own, by name.
    pub columns: BTreeMap<String, serde_json::Value>,
}

/// A model, seed, snapshot or source.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Such as `model.shop.fct_orders.v2`.
    pub unique_id: String,
    /// Its kind.
    pub resource_type: ResourceType,
    /// The package it belongs to.
    pub package_name: String,
    /// Its name in dbt; a source's is the table's.
    pub name: String,
    /// The source it is a table of.
    pub source_name: Option<String>,
    /// Where its relation is; `None` for ephemeral models.
    pub relation: Option<RelationName>,
    /// `config.materialized`; seeds and snapshots may lack it.
    pub materialized: Option<String>,
    /// Its file, relative to its package's root, with `/`.
    pub original_file_path: String,
    /// The YAML file that describes it, without `package://`. Not where folder-level meta stands.
    pub patch_path: Option<String>,
    /// Such as `["shop", "marts", "sales", "fct_orders"]`.
    pub fqn: Vec<String>,
    /// Its tags, sorted, each once.
    pub tags: Vec<String>,
    /// dbt's group (from 1.5).
    pub group: Option<String>,
    /// dbt's access: private, protected, public.
    pub access: Option<String>,
    /// Its version, where it is a versioned model.
    pub version: Option<String>,
    /// It is the latest version, where it is a versioned model.
    pub latest_version: Option<String>,
    /// `meta.rolecall`, from whichever of the two places has it.
    pub rolecall: Option<serde_json::Value>,
    /// Where in the node it stands: `config.meta.rolecall` or `meta.rolecall`.
    pub rolecall_key: Option<&'static str>,
    /// Raito's `meta.raito`, and the masks of columns that stand in theirs.
    pub raito: Option<RaitoMeta>,
    /// `config.grants` (or `+grants`): privilege → grantees, as dbt would use them.
    pub grants: BTreeMap<String, Vec<String>>,
    /// The `unique_id`s it depends on.
    pub depends_on: Vec<String>,
}

impl Node {
    /// The path of a key of this node in the manifest: `nodes.model.shop.a.alias`.
    pub fn json_path(&self, key: &str) -> String {
        let section = match self.resource_type {
            ResourceType::Source => "sources",
            ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot => "nodes",
        };
        format!("{section}.{}.{key}", self.unique_id)
    }

    /// The key that says the relation's name.
    pub fn identifier_key(&self) -> &'static str {
        identifier_key(self.resource_type)
    }
}

/// The key that says the name of a relation: dbt's sources have another one.
pub(super) fn identifier_key(kind: ResourceType) -> &'static str {
    match kind {
        ResourceType::Source => "identifier",
        ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot => "alias",
    }
}
