//! What roles and objects are called, so that both sides mean the same by it: names in a warehouse are
//! made by templates and differ between environments.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::compiled::Effect;
use crate::model::{
    Ident, Marker, MarkerReading, MemberKind, ObjectClass, RelationKey, Scope, Securable,
};
use crate::resolve::Resolved;

/// What a state's names stand for.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Whose markers are meant. A role with another marker, or none, is known by its name.
    pub scope: Option<Scope>,
    /// What members are called in owners' files, where the environment calls them something else.
    pub written: BTreeMap<Ident, String>,
    /// What members are.
    pub kinds: BTreeMap<Ident, MemberKind>,
    /// dbt's nodes by their relations.
    pub nodes: BTreeMap<RelationKey, String>,
}

/// What somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// PUBLIC.
    Everyone,
    /// A user; on a server, a role that can log in.
    Person,
    /// A group of an identity provider: who is in it is not known here.
    Group,
    /// A managed role: a product role, or a policy's.
    ProductRole,
    /// Any other role.
    Role,
}

/// Somebody who gains or loses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Subject {
    /// What they are.
    pub kind: SubjectKind,
    /// Their name: of a managed role, whose it is (`sales.analyst`); of a member, as an owner's file
    /// says it.
    pub name: String,
}

/// Something that is gained or lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Thing {
    /// The dbt node that it is the relation of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The object before; `None` where it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Securable>,
    /// The object after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Securable>,
}

impl Thing {
    /// The object, as it is or was last.
    pub fn on(&self) -> Option<&Securable> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

/// What is one thing on both sides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Node(String, Option<Ident>),
    Relation(RelationKey, Option<Ident>),
    Other(Securable),
}

impl Names {
    /// Of what was resolved.
    pub fn of(resolved: &Resolved) -> Self {
        let mut nodes: BTreeMap<RelationKey, String> = BTreeMap::new();
        for node in &resolved.nodes {
            let Some(key) = node.relation.as_ref().and_then(Securable::relation_key) else {
                continue;
            };
            // What makes a relation goes before a source that reads it.
            let is_source = node.unique_id.starts_with("source.");
            if !is_source || !nodes.contains_key(&key) {
                nodes.insert(key, node.unique_id.clone());
            }
        }
        let memberships = resolved.desired.memberships.iter();
        let kinds = memberships.map(|((_, member), it)| (member.clone(), it.kind)).collect();
        Self { scope: Some(resolved.scope(None)), written: BTreeMap::new(), kinds, nodes }
    }

    pub(super) fn key(&self, on: &Securable) -> Key {
        match on.relation_key() {
            Some(key) if on.class().is_relation() || on.class() == ObjectClass::Column => {
                let column = on.column_name().cloned();
                match self.nodes.get(&key) {
                    Some(node) => Key::Node(node.clone(), column),
                    None => Key::Relation(key, column),
                }
            }
            _ => Key::Other(on.clone()),
        }
    }

    /// Whose role it is, of a managed one of this scope.
    fn whose<'m>(&self, marker: &'m MarkerReading) -> Option<&'m Marker> {
        let MarkerReading::Marker(marker) = marker else { return None };
        self.scope.as_ref().is_some_and(|scope| scope.holds(marker)).then_some(marker)
    }

    /// Every role of a state, by number.
    pub(super) fn subjects(&self, effect: &Effect<'_>) -> Vec<Subject> {
        let mut taken = std::collections::BTreeSet::new();
        let roles = effect.names.iter().zip(&effect.roles);
        roles
            .map(|(name, role)| {
                let whose = self.whose(&role.marker).map(Marker::whose);
                // Two roles of one product role, by whatever mistake: each by its name.
                if let Some(whose) = whose.filter(|whose| taken.insert(whose.clone())) {
                    return Subject { kind: SubjectKind::ProductRole, name: whose };
                }
                let kind = match self.kinds.get(*name) {
                    _ if role.attributes.login => SubjectKind::Person,
                    Some(MemberKind::User) => SubjectKind::Person,
                    Some(MemberKind::Group) => SubjectKind::Group,
                    Some(MemberKind::Role) | None => SubjectKind::Role,
                };
                let written = self.written.get(*name).cloned();
                Subject { kind, name: written.unwrap_or_else(|| name.to_string()) }
            })
            .collect()
    }
}
