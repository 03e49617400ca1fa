//! What dbt wrote: manifests, and which nodes a selection names. Files in, typed values out.

mod build;
mod build_meta;
mod descriptions;
mod grantee;
mod graph;
mod hooks;
mod input;
#[cfg(test)]
mod input_tests;
pub mod manifest;
#[cfg(test)]
mod manifest_tests;
pub mod node;
mod owners;
pub mod profiles;
mod raw;
mod raw_value;
#[cfg(test)]
mod real_manifests;
mod relation;
mod run_results;
#[cfg(test)]
mod run_results_tests;
pub mod selection;
mod strict_json;

pub use descriptions::descriptions;
pub(crate) use grantee::{bare_grantee, is_public, plain_grantee};
pub use graph::{Beyond, Member, Wanted};
pub use manifest::{read_bytes, read_manifest, read_manifest_file, read_manifest_for};
pub use node::{
    Manifest, ManifestVersion, Metadata, NamePart, Node, RaitoMeta, RelationName, ResourceType,
};
pub use owners::{Owner, Owners};
pub(crate) use raw_value::{KEY, RAITO};
pub use run_results::{Built, read_run_results};
pub use selection::{
    Listed, Selected, Selector, SelectorError, Selectors, World, parse_selector, read_listed,
    read_selectors, select,
};
pub(crate) use strict_json::parse as parse_strict_json;
