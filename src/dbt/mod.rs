//! What dbt wrote: manifests, and which nodes a selection names. Files in, typed values out.

pub mod node;

pub use node::{Manifest, ManifestVersion, Metadata, NamePart, Node, RelationName, ResourceType};
