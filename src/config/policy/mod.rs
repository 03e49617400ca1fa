//! Policies: privileges × resources × actors, written once for many nodes.

mod platform;
mod raw;
mod valid;

use std::collections::BTreeSet;

use super::Located;
use crate::directory::Rule;
use crate::model::{ObjectClass, Place};

pub(super) use platform::RawPlatformPolicy;
pub use platform::{On, PlatformPolicy};
#[cfg(test)]
pub(super) use platform::{PLATFORM_ACTORS, PLATFORM_ON, PLATFORM_POLICY};
pub(super) use raw::{ACTORS, RESOURCES, RawActors, RawPolicy, RawResources, read_all};
#[cfg(test)]
pub(super) use raw::{MATCH, POLICY};
pub(super) use valid::{add_all, check_all, check_references, read_actors, read_resources};

/// What the tags and attributes that rolecall gives by itself begin with.
pub const RESERVED: &str = "rolecall_product";

/// Whether a tag or an attribute is one that only rolecall gives: nobody may write it by hand.
pub fn is_reserved(name: &str) -> bool {
    name.get(..RESERVED.len()).is_some_and(|head| head.eq_ignore_ascii_case(RESERVED))
}

/// Whether a tag is `root` or stands below it: dots are a hierarchy.
pub fn is_under(tag: &str, root: &str) -> bool {
    tag.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// A metadata policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its name, among all policies.
    pub name: String,
    /// Where the name is written.
    pub place: Place,
    /// For people.
    pub description: Option<String>,
    /// Without effect where it is false.
    pub active: bool,
    /// What it does where it meets others on one node.
    pub combine: Combine,
    /// Permission words and raw privileges; none where it is always required.
    pub privileges: Vec<Located<String>>,
    /// On which nodes.
    pub resources: Resources,
    /// Whom it admits.
    pub actors: Actors,
    /// Whom it admits to which node by what both carry.
    pub matching: Option<Match>,
    /// Only in these environments; empty for all.
    pub environments: Vec<Located<String>>,
    /// No plan takes from its roles.
    pub immutable: bool,
}

/// What a policy does where several meet on one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Combine {
    /// It shares responsibility: whoever it admits has its privileges.
    #[default]
    Any,
    /// Always required: whoever it does not admit has nothing there, whatever else says so.
    All,
}

/// Which nodes: what is left out leaves all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resources {
    /// dbt node selection.
    pub select: Option<Located<String>>,
    /// Only relations of these classes.
    pub classes: BTreeSet<ObjectClass>,
    /// Only nodes of products in one of these domains, or below one.
    pub domains: Vec<Located<String>>,
    /// Only outputs of one of these products.
    pub products: Vec<Located<String>>,
    /// Only nodes with one of these tags, or one below it.
    pub tags: Vec<Located<String>>,
}

/// Who: any entry admits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Actors {
    /// By name, before the environment's template and the dialect's folding.
    pub users: Vec<Located<String>>,
    /// The same.
    pub groups: Vec<Located<String>>,
    /// Everyone of the directory who matches one of these.
    pub rules: Vec<Located<Rule>>,
    /// `product.role`.
    pub product_roles: Vec<Located<RoleRef>>,
    /// Whoever owns the node, by these; empty for nobody.
    pub resource_owners: Vec<Located<OwnedBy>>,
}

impl Policy {
    /// Whether it has to be known who people are, beyond their names.
    pub fn needs_people(&self) -> bool {
        let matches = |found: &Match| found.user_attribute.value != RESERVED;
        self.combine == Combine::All
            || !self.actors.rules.is_empty()
            || self.matching.as_ref().is_some_and(matches)
    }
}

impl Actors {
    /// Whether nobody is named at all.
    pub fn is_empty(&self) -> bool {
        let Self { users, groups, rules, product_roles, resource_owners } = self;
        users.is_empty()
            && groups.is_empty()
            && rules.is_empty()
            && product_roles.is_empty()
            && resource_owners.is_empty()
    }
}

/// A product role of a product.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleRef {
    /// The product.
    pub product: String,
    /// The product role.
    pub role: String,
}

/// What says who owns a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnedBy {
    /// The owner of its dbt group.
    Group,
    /// `meta.owner`, which stands beside the model.
    Meta,
    /// The `owners` of its product.
    Product,
}

impl OwnedBy {
    /// In the order in which they are asked: the first that names somebody decides.
    pub const ALL: [Self; 3] = [Self::Group, Self::Meta, Self::Product];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Meta => "meta",
            Self::Product => "product",
        }
    }
}

/// People to nodes by what both carry.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The person's attribute.
    pub user_attribute: Located<String>,
    /// The root of the node's tags.
    pub node_tag: Located<String>,
}
