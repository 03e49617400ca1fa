//! What a dbt hook may grant on each node: the declared privileges for every class that the node's
//! relation can turn out to be, since only the run says which it is.

use std::collections::{BTreeMap, BTreeSet};

use super::grants::{bounds, expand, find_role};
use super::roles::{RoleHere, name_roles};
use super::{Inputs, ManagedNode, Resolved};
use crate::dbt::ResourceType;
use crate::model::{DesiredState, Diagnostics, Ident, ObjectClass, Privilege, PrivilegeSet};

/// Privileges of roles on a relation, where it is of one of these classes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClassGrant {
    /// Sorted.
    pub classes: Vec<ObjectClass>,
    /// Sorted.
    pub privileges: Vec<Privilege>,
    /// Sorted.
    pub roles: Vec<Ident>,
}

/// What each node gives, by `unique_id`; sources are left out, since dbt does not build them.
/// `resolved` is what the same inputs resolved to without an error.
pub fn relation_grants(inputs: &Inputs, resolved: &Resolved) -> BTreeMap<String, Vec<ClassGrant>> {
    // Whatever these could say has been said when `resolved` was made.
    let mut said = Diagnostics::default();
    let mut nobody = DesiredState::empty("", inputs.dialect.kind());
    let instance = resolved.instance.as_deref();
    let roles = name_roles(inputs, &resolved.deployment, instance, &mut nobody, &mut said);
    let mut by_node = BTreeMap::new();
    for node in &resolved.nodes {
        if !is_built(inputs, node) {
            continue;
        }
        let key = node.relation.as_ref().and_then(|on| on.relation_key());
        let mut power: BTreeMap<(Ident, ObjectClass), PrivilegeSet> = BTreeMap::new();
        let declared = inputs.declarations.get(&node.unique_id);
        for (declared, declaration) in
            declared.into_iter().flat_map(|all| all.grants.iter().map(move |one| (all, one)))
        {
            let role = find_role(inputs, node, declared, declaration, &roles, &mut said);
            let Some((_, role)) = role else { continue };
            // Where policies are required, a role of its own holds it, if it is there yet.
            let holder = match &key {
                Some(key) => resolved.gates.holder_of(&role.name, key),
                None => Some(role.name.clone()),
            };
            let Some(holder) = holder else { continue };
            for class in classes(inputs) {
                let given = given(inputs, role, &declaration.permissions, class);
                let slot = power.entry((holder.clone(), class)).or_default();
                *slot = slot.union(given);
            }
        }
        for (holder, words) in resolved.by_policy.get(&node.unique_id).into_iter().flatten() {
            for class in classes(inputs) {
                let given = words_give(inputs, words, class);
                let slot = power.entry((holder.clone(), class)).or_default();
                *slot = slot.union(given);
            }
        }
        let rows = rows(power);
        if !rows.is_empty() {
            by_node.insert(node.unique_id.clone(), rows);
        }
    }
    by_node
}

/// Whether dbt builds it.
fn is_built(inputs: &Inputs, node: &ManagedNode) -> bool {
    let node = inputs.manifest.nodes.get(&node.unique_id);
    node.is_some_and(|node| match node.resource_type {
        ResourceType::Source => false,
        ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot => true,
    })
}

/// What dbt can make a node's relation into.
fn classes(inputs: &Inputs) -> impl Iterator<Item = ObjectClass> {
    let dialect = inputs.dialect;
    ObjectClass::ALL
        .into_iter()
        .filter(move |class| class.is_relation() && !dialect.privileges_of(*class).is_empty())
}

/// Words that say nothing on a class give nothing there: an error where it is the node's own.
fn given(
    inputs: &Inputs,
    role: &RoleHere,
    permissions: &[String],
    class: ObjectClass,
) -> PrivilegeSet {
    let (_, here) = bounds(inputs, role.declared, class);
    words_give(inputs, permissions, class).intersection(here.privileges)
}

fn words_give(inputs: &Inputs, words: &[String], class: ObjectClass) -> PrivilegeSet {
    words
        .iter()
        .filter_map(|word| expand(inputs.dialect, word, class))
        .fold(PrivilegeSet::EMPTY, |all, power| all.union(power.privileges))
}

/// As few rows as say it: first what a role has on the same classes, then the roles that have it.
fn rows(power: BTreeMap<(Ident, ObjectClass), PrivilegeSet>) -> Vec<ClassGrant> {
    let mut classes: BTreeMap<(Ident, Privilege), Vec<ObjectClass>> = BTreeMap::new();
    for ((role, class), privileges) in power {
        for privilege in privileges.iter() {
            classes.entry((role.clone(), privilege)).or_default().push(class);
        }
    }
    let mut privileges: BTreeMap<(Vec<ObjectClass>, Ident), Vec<Privilege>> = BTreeMap::new();
    for ((role, privilege), classes) in classes {
        privileges.entry((classes, role)).or_default().push(privilege);
    }
    let mut roles: BTreeMap<(Vec<ObjectClass>, Vec<Privilege>), BTreeSet<Ident>> = BTreeMap::new();
    for ((classes, role), privileges) in privileges {
        roles.entry((classes, privileges)).or_default().insert(role);
    }
    roles
        .into_iter()
        .map(|((classes, privileges), roles)| ClassGrant {
            classes,
            privileges,
            roles: roles.into_iter().collect(),
        })
        .collect()
}
