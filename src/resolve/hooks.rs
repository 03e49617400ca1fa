//! What a dbt hook may grant on each node: the declared privileges for every class that the node's
//! relation can turn out to be, since only the run says which it is.

use std::collections::{BTreeMap, BTreeSet};

use super::grants::{bounds, expand, find_role};
use super::roles::{RoleHere, name_roles};
use super::{Inputs, ManagedNode, Resolved};
use crate::dbt::ResourceType;
use crate::declare::NodeDeclarations;
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
        let Some(declared) = declared(inputs, node) else { continue };
        let mut power: BTreeMap<(&Ident, ObjectClass), PrivilegeSet> = BTreeMap::new();
        for declaration in &declared.grants {
            let role = find_role(inputs, node, declared, declaration, &roles, &mut said);
            let Some((_, role)) = role else { continue };
            for class in classes(inputs) {
                let given = given(inputs, role, &declaration.permissions, class);
                let slot = power.entry((&role.name, class)).or_default();
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

fn declared<'a>(inputs: &Inputs<'a>, node: &ManagedNode) -> Option<&'a NodeDeclarations> {
    let kind = inputs.manifest.nodes.get(&node.unique_id)?.resource_type;
    match kind {
        ResourceType::Source => None,
        ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot => {
            inputs.declarations.get(&node.unique_id)
        }
    }
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
    permissions
        .iter()
        .filter_map(|word| expand(inputs.dialect, word, class))
        .fold(PrivilegeSet::EMPTY, |all, power| all.union(power.privileges))
        .intersection(here.privileges)
}

/// As few rows as say it: first what a role has on the same classes, then the roles that have it.
fn rows(power: BTreeMap<(&Ident, ObjectClass), PrivilegeSet>) -> Vec<ClassGrant> {
    let mut classes: BTreeMap<(&Ident, Privilege), Vec<ObjectClass>> = BTreeMap::new();
    for ((role, class), privileges) in power {
        for privilege in privileges.iter() {
            classes.entry((role, privilege)).or_default().push(class);
        }
    }
    let mut privileges: BTreeMap<(Vec<ObjectClass>, &Ident), Vec<Privilege>> = BTreeMap::new();
    for ((role, privilege), classes) in classes {
        privileges.entry((classes, role)).or_default().push(privilege);
    }
    let mut roles: BTreeMap<(Vec<ObjectClass>, Vec<Privilege>), BTreeSet<&Ident>> = BTreeMap::new();
    for ((classes, role), privileges) in privileges {
        roles.entry((classes, privileges)).or_default().insert(role);
    }
    roles
        .into_iter()
        .map(|((classes, privileges), roles)| ClassGrant {
            classes,
            privileges,
            roles: roles.into_iter().cloned().collect(),
        })
        .collect()
}
