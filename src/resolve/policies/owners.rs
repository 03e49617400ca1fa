//! Who owns a node, for policies that admit its owners.

use std::collections::BTreeSet;

use super::super::Inputs;
use super::super::nodes::ManagedNode;
use super::actors::{Actor, Who};
use crate::config::policy::{OwnedBy, Policy};
use crate::dbt::Owner;
use crate::model::MemberKind;

/// The owners of a node that a policy admits: of its dbt group, else of its `meta`, else of its
/// product, as far as the policy asks for each.
pub(super) fn owners_of(inputs: &Inputs, policy: &Policy, node: &ManagedNode) -> BTreeSet<Actor> {
    let asked = &policy.actors.resource_owners;
    for by in OwnedBy::ALL {
        let Some(written) = asked.iter().find(|asked| asked.value == by) else { continue };
        let names = match by {
            OwnedBy::Group => {
                inputs.manifest.beyond.owners.of_group(inputs.manifest, &node.unique_id)
            }
            OwnedBy::Meta => inputs.manifest.beyond.owners.of_meta(&node.unique_id),
            OwnedBy::Product => product_owners(inputs, node),
        };
        if !names.is_empty() {
            let actor = |owner: Owner| Actor {
                who: match owner {
                    Owner::User(name) => Who::Named(MemberKind::User, name),
                    Owner::Group(name) => Who::Named(MemberKind::Group, name),
                },
                place: written.place.clone(),
                what: format!("an owner by its {}, for the policy {}", by.as_str(), policy.name),
            };
            return names.into_iter().map(actor).collect();
        }
    }
    BTreeSet::new()
}

fn product_owners(inputs: &Inputs, node: &ManagedNode) -> Vec<Owner> {
    let product = node.product.as_ref().and_then(|name| inputs.config.products.get(name));
    let owners = product.into_iter().flat_map(|product| &product.owners);
    owners.map(|owner| Owner::User(owner.value.clone())).collect()
}
