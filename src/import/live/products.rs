//! What product roles hold beyond what is declared, as declarations of the nodes.
//!
//! Nothing is reckoned here that resolution knows: what is proposed is resolved, and what would then
//! give anybody more than is there is taken out again, until nothing does.

use std::collections::{BTreeMap, BTreeSet};

use super::NotSaid;
use super::wider::never_wider;
use crate::config::{Located, Member};
use crate::declare::{Declaration, Declarations, NodeDeclarations, RoleRef};
use crate::effect::AccessState;
use crate::model::{
    Ident, Marker, MemberKind, ObjectClass, ObservedState, PrivilegeSet, Securable,
};
use crate::resolve::{Inputs, ManagedNode, Resolved, declarable, may_own, resolve};

/// What is known when declarations are proposed.
pub struct Held<'a> {
    /// The project, with the inventory that was seen.
    pub inputs: &'a Inputs<'a>,
    /// Every edge of these roles.
    pub state: &'a ObservedState,
    /// Product roles of the configuration that are there.
    pub roles: &'a BTreeSet<Ident>,
    /// What everybody has on databases and schemas: nobody gains it by a declaration.
    pub everybody: &'a BTreeMap<Securable, PrivilegeSet>,
}

/// A node's whole block, as it would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The node.
    pub unique_id: String,
    /// Whose output it is.
    pub product: Option<String>,
    /// What it declares now, and what is new.
    pub block: NodeDeclarations,
    /// The product roles for which something is new.
    pub new: BTreeSet<RoleRef>,
}

/// Declarations of what is there, and what of it none can say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Proposed {
    /// By node.
    pub blocks: Vec<Proposal>,
    /// The rest, and why.
    pub left: Vec<NotSaid>,
}

/// Why what is held beside what nodes need stays unsaid.
pub(super) const NO_WAY: &str = "a node's declarations do not lead there";
const NO_PRODUCT: &str = "the node belongs to no product: say `product: NAME` in its block, or let a product's `outputs` select it";

/// (node, role) → words.
pub(super) type Wanted = BTreeMap<(String, Ident), Vec<String>>;
pub(super) type Reasons = BTreeMap<(String, Ident), String>;

/// The product roles of the configuration, by name, as far as they are no policy's.
pub fn product_roles(resolved: &Resolved) -> BTreeMap<&Ident, &Marker> {
    let roles = resolved.desired.roles.iter().map(|(name, role)| (name, &role.marker));
    let is_a_product_s = |marker: &Marker| {
        marker.policy.is_none() && marker.playbook.is_none() && !marker.product.is_empty()
    };
    roles.filter(|(_, marker)| is_a_product_s(marker)).collect()
}

/// Who is named in members files or as a policy's actor: they stay users and groups.
pub fn named_members<'c>(
    entries: impl Iterator<Item = &'c Member>,
    actors: impl Iterator<Item = (&'c Vec<Located<String>>, &'c Vec<Located<String>>)>,
    name: &dyn Fn(&str, bool) -> Option<Ident>,
) -> BTreeSet<Ident> {
    let mut said: BTreeSet<(&str, bool)> = BTreeSet::new();
    for member in entries {
        if let Member::Named { kind, name } = member {
            said.insert((name, *kind == MemberKind::User));
        }
    }
    for (users, groups) in actors {
        let of = |names: &'c [Located<String>], is_user| {
            names.iter().map(move |one| (one.value.as_str(), is_user))
        };
        said.extend(of(users, true).chain(of(groups, false)));
    }
    said.into_iter().filter_map(|(written, is_user)| name(written, is_user)).collect()
}

/// What PUBLIC has on databases and schemas.
pub fn of_everybody(access: &AccessState) -> BTreeMap<Securable, PrivilegeSet> {
    let is_on_the_way =
        |on: &Securable| matches!(on.class(), ObjectClass::Database | ObjectClass::Schema);
    super::everybody::held(access).into_iter().filter(|(on, _)| is_on_the_way(on)).collect()
}

/// Proposes declarations for what product roles hold on nodes.
pub fn propose(asked: &Held<'_>) -> Proposed {
    let Held { inputs, state, roles, .. } = asked;
    let (Some(now), _) = resolve(inputs) else { return Proposed::default() };
    let markers = product_roles(&now);
    let mut held: BTreeMap<(Securable, Ident), PrivilegeSet> = BTreeMap::new();
    let mut left: Vec<NotSaid> = Vec::new();
    for entry in state.acl.iter().filter(|entry| roles.contains(&entry.grantee)) {
        if state.owned.get(&entry.on) == Some(&entry.grantee) {
            continue;
        }
        let sum = held.entry((entry.on.clone(), entry.grantee.clone())).or_default();
        *sum = sum.union(entry.privileges);
        if !entry.grantable.is_empty() {
            left.push(NotSaid {
                role: entry.grantee.clone(),
                what: format!(
                    "{} WITH GRANT OPTION on {} {}",
                    entry.grantable,
                    entry.on.class(),
                    entry.on
                ),
                why: super::grants::OPTION.to_owned(),
            });
        }
    }
    for entry in state.acl.iter().filter(|entry| !entry.grantable.is_empty()) {
        if let Some(sum) = held.get_mut(&(entry.on.clone(), entry.grantee.clone())) {
            *sum = sum.minus(entry.grantable);
        }
    }
    let nodes: BTreeMap<&Securable, &ManagedNode> =
        now.nodes.iter().filter_map(|node| Some((node.relation.as_ref()?, node))).collect();
    let mut wanted = Wanted::new();
    let mut reasons = Reasons::new();
    for ((on, role), privileges) in &held {
        let (Some(node), Some(marker)) = (nodes.get(on), markers.get(role)) else { continue };
        let missing = privileges.minus(given(&now, on, role));
        if missing.is_empty() {
            continue;
        }
        let key = (node.unique_id.clone(), role.clone());
        if node.product.is_none() {
            reasons.insert(key, NO_PRODUCT.to_owned());
            continue;
        }
        let words = declarable(inputs, &marker.product, &marker.role, on.class());
        let chosen = smallest(&words, *privileges, missing);
        if !chosen.is_empty() {
            wanted.insert(key, chosen);
        }
    }
    let owned = owned_nodes(asked, &now, &nodes, &mut reasons);
    wanted.extend(owned.into_iter().map(|key| (key, vec!["own".to_owned()])));
    let after = never_wider(asked, &now, &held, &mut wanted, &mut reasons);
    for ((on, role), privileges) in &held {
        let rest = privileges.minus(given(after.as_ref().unwrap_or(&now), on, role));
        if rest.is_empty() {
            continue;
        }
        let node = nodes.get(on).map(|node| (node.unique_id.clone(), role.clone()));
        let why = match (&node, on.class()) {
            (Some(key), _) => reasons.get(key).cloned().unwrap_or_else(|| {
                "its product role's `may` has no word that says just that".to_owned()
            }),
            (None, ObjectClass::Column) => "grants on columns are not declared".to_owned(),
            (None, class) if class.is_relation() => "no node of the manifest is there".to_owned(),
            (None, _) => NO_WAY.to_owned(),
        };
        let what = format!("{rest} on {} {on}", on.class());
        left.push(NotSaid { role: role.clone(), what, why });
    }
    let owners = &after.as_ref().unwrap_or(&now).desired.owners;
    for (on, owner) in state.owned.iter().filter(|(_, owner)| roles.contains(*owner)) {
        if state.inventory.follows.contains_key(on)
            || owners.get(on).is_some_and(|wanted| wanted.role == *owner)
        {
            continue;
        }
        let node = nodes.get(on).map(|node| (node.unique_id.clone(), owner.clone()));
        let why = node.and_then(|key| reasons.get(&key).cloned());
        let why = why.unwrap_or_else(|| "no node of the manifest is there".to_owned());
        left.push(NotSaid {
            role: owner.clone(),
            what: format!("ownership of {} {on}", on.class()),
            why,
        });
    }
    for default in state.defaults.iter().filter(|default| roles.contains(&default.grantee)) {
        let what = super::grants::said(default);
        let why = "a node's declarations are about what is there".to_owned();
        left.push(NotSaid { role: default.grantee.clone(), what, why });
    }
    let held_roles = state.memberships.iter().filter(|one| {
        roles.contains(&one.member) && one.kind != MemberKind::User && !one.automatic
    });
    for membership in held_roles {
        let what = format!("being in the role {}", membership.role);
        let why = "a product role is declared to be in no role".to_owned();
        left.push(NotSaid { role: membership.member.clone(), what, why });
    }
    for (role, what) in state.unsupported.iter().filter(|(role, _)| roles.contains(role)) {
        let why = "rolecall does not know how to declare it".to_owned();
        left.push(NotSaid { role: role.clone(), what: what.clone(), why });
    }
    left.sort();
    left.dedup();
    let (_, by_node) = with(inputs, &now, &wanted);
    let products: BTreeMap<&str, &Option<String>> =
        now.nodes.iter().map(|node| (node.unique_id.as_str(), &node.product)).collect();
    let blocks = by_node.into_iter().map(|(unique_id, (block, new))| {
        let product = products.get(unique_id.as_str()).and_then(|product| (*product).clone());
        Proposal { unique_id, product, block, new }
    });
    Proposed { blocks: blocks.collect(), left }
}

/// Nodes that a product role owns and nobody declares it to, as far as it may.
fn owned_nodes(
    asked: &Held<'_>,
    now: &Resolved,
    nodes: &BTreeMap<&Securable, &ManagedNode>,
    reasons: &mut Reasons,
) -> Vec<(String, Ident)> {
    let Held { inputs, state, roles, .. } = asked;
    let markers = product_roles(now);
    let mut owned = Vec::new();
    for (on, owner) in state.owned.iter().filter(|(_, owner)| roles.contains(*owner)) {
        let (Some(node), Some(marker)) = (nodes.get(on), markers.get(owner)) else { continue };
        if now.desired.owners.get(on).is_some_and(|wanted| wanted.role == *owner) {
            continue;
        }
        let key = (node.unique_id.clone(), owner.clone());
        let why = if node.product.is_none() {
            NO_PRODUCT
        } else if !may_own(inputs, &marker.product, &marker.role, on.class()) {
            "its product role's `may` has no `own`"
        } else if now.deploy_role.is_none() {
            "dbt makes it, and could not make it again: the environment has no deploy_role"
        } else {
            owned.push(key);
            continue;
        };
        reasons.insert(key, why.to_owned());
    }
    owned
}

/// What is declared, or known to be somebody else's doing.
fn given(resolved: &Resolved, on: &Securable, role: &Ident) -> PrivilegeSet {
    let key = (on.clone(), role.clone());
    let declared = resolved.desired.grants.get(&key).map(|grant| grant.privileges);
    let known = resolved.desired.known.get(&key).copied();
    declared.unwrap_or_default().union(known.unwrap_or_default())
}

/// Words that give what is missing and nothing that is not held, none of them for nothing.
fn smallest(
    words: &[(String, PrivilegeSet)],
    held: PrivilegeSet,
    missing: PrivilegeSet,
) -> Vec<String> {
    let mut rest = missing;
    let mut chosen: Vec<&(String, PrivilegeSet)> = Vec::new();
    for word in words.iter().filter(|(_, gives)| held.contains_all(*gives)) {
        if !rest.intersection(word.1).is_empty() {
            rest = rest.minus(word.1);
            chosen.push(word);
        }
    }
    let covered = missing.minus(rest);
    let mut at = 0;
    while at < chosen.len() {
        let others = chosen.iter().enumerate().filter(|(other, _)| *other != at);
        let without = others.fold(PrivilegeSet::EMPTY, |all, (_, word)| all.union(word.1));
        match without.contains_all(covered) {
            true => drop(chosen.remove(at)),
            false => at += 1,
        }
    }
    chosen.into_iter().map(|(word, _)| word.clone()).collect()
}

pub(super) type Blocks = BTreeMap<String, (NodeDeclarations, BTreeSet<RoleRef>)>;

/// The declarations with what is wanted, and the blocks that it changes.
pub(super) fn with(inputs: &Inputs<'_>, now: &Resolved, wanted: &Wanted) -> (Declarations, Blocks) {
    let markers = product_roles(now);
    let products: BTreeMap<&str, Option<&str>> =
        now.nodes.iter().map(|node| (node.unique_id.as_str(), node.product.as_deref())).collect();
    let mut blocks = Blocks::new();
    for ((node, role), words) in wanted {
        let Some(marker) = markers.get(role) else { continue };
        let own = products.get(node.as_str()).copied().flatten();
        let (block, new) = blocks.entry(node.clone()).or_insert_with(|| {
            let there = inputs.declarations.get(node).cloned();
            (there.unwrap_or_else(NodeDeclarations::empty), BTreeSet::new())
        });
        let is_meant = |declared: &&mut Declaration| {
            let product = declared.role.product.as_deref().or(own);
            product == Some(marker.product.as_str()) && declared.role.role == marker.role
        };
        match block.grants.iter_mut().find(is_meant) {
            Some(declared) => {
                let more = words.iter().filter(|word| !declared.permissions.contains(word));
                let more: Vec<String> = more.cloned().collect();
                declared.permissions.extend(more);
                new.insert(declared.role.clone());
            }
            None => {
                let product =
                    Some(marker.product.clone()).filter(|product| own != Some(product.as_str()));
                let role = RoleRef { product, role: marker.role.clone() };
                new.insert(role.clone());
                let permissions = words.clone();
                block.grants.push(Declaration { role, permissions, place: None });
            }
        }
        block.grants.sort_by(|one, other| one.role.cmp(&other.role));
    }
    let mut declarations = inputs.declarations.clone();
    declarations.extend(blocks.iter().map(|(node, (block, _))| (node.clone(), block.clone())));
    (declarations, blocks)
}
