//! `meta.rolecall` of every node, read into declarations with the place each was written.

use std::collections::BTreeMap;

use crate::model::Place;

/// What one node's `meta.rolecall` says.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeDeclarations {
    /// `product:`, where the block names one.
    pub product: Option<String>,
    /// Where the block stands in the project's sources, or as near as is known.
    pub place: Option<Place>,
    /// `grants:`, sorted by role.
    pub grants: Vec<Declaration>,
}

/// One product role's permissions on one node.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// The product role: `analyst`, or another product's as `finance.analyst`.
    pub role: RoleRef,
    /// As written: `read`, `write`, `admin`, `own`, or a raw privilege. Not empty, no doubles.
    pub permissions: Vec<String>,
    /// Where it stands, or as near as is known; never guessed.
    pub place: Option<Place>,
}

/// A product role as an engineer writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleRef {
    /// `None` for the node's own product.
    pub product: Option<String>,
    /// The product role.
    pub role: String,
}

/// All declarations of a project, by the node's `unique_id`.
pub type Declarations = BTreeMap<String, NodeDeclarations>;
