//! What dbt wrote: manifests, and which nodes a selection names. Files in, typed values out.

mod build;
mod build_meta;
pub mod fnmatch;
mod input;
#[cfg(test)]
mod input_tests;
pub mod manifest;
#[cfg(test)]
mod manifest_tests;
pub mod node;
pub mod profiles;
mod raw;
mod raw_value;
#[cfg(test)]
mod real_manifests;
mod relation;
mod select;
#[cfg(test)]
mod select_tests;
mod selector;
mod strict_json;

pub use manifest::{read_bytes, read_manifest, read_manifest_file};
pub use node::{Manifest, ManifestVersion, Metadata, NamePart, Node, RelationName, ResourceType};
pub(crate) use raw_value::KEY;
pub use select::select;
pub use selector::{Selector, SelectorError, parse_selector};
