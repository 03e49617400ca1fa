//! Policies into roles of their own: which nodes each is about, whom it admits, and what happens
//! where always-required policies meet what others give.

mod actors;
mod asked;
mod gates;
#[cfg(test)]
mod law_tests;
mod names;
mod nodes;
mod owners;
mod parts;
mod people;
mod platform;
mod said;
#[cfg(test)]
mod said_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::Inputs;
use super::grants::{Power, bounds, expand, grant_with_way};
use super::nodes::ManagedNode;
use super::roles::RolesHere;
use crate::config::Located;
use crate::config::policy::{Combine, Policy};
use crate::model::{DesiredState, Diagnostic, Diagnostics, Ident, ObjectClass, Place, Reason};

pub use asked::{Asked, AskedActor, AskedPart, asked, people_of_groups, selected};
pub use gates::Gates;
pub(super) use gates::Source;
pub(super) use names::Namer;
use parts::Part;
pub(super) use people::People;
pub(super) use platform::grant_platform;
pub(super) use said::exclude_each_other;

/// What policies give on nodes: which role holds which permission words.
pub type NodeGrants = BTreeMap<String, Vec<(Ident, Vec<String>)>>;

/// The policies that hold in one environment, and the nodes that each is about.
pub(super) struct Chosen<'a> {
    policies: Vec<(&'a Policy, Vec<Part>)>,
}

/// Whether something for these environments is for this one.
fn is_here(inputs: &Inputs, environments: &[Located<String>]) -> bool {
    environments.is_empty() || environments.iter().any(|name| name.value == inputs.environment.name)
}

/// Which policies hold here, on which nodes, and for whom.
pub(super) fn choose<'a>(
    inputs: &Inputs<'a>,
    nodes: &[ManagedNode],
    found: &mut Diagnostics,
) -> Chosen<'a> {
    nodes::check_tags(inputs, nodes, found);
    let mut selection = nodes::Selection::new(inputs, nodes);
    let mut policies = Vec::new();
    for policy in inputs.config.policies.values() {
        // What is not active is read all the same: it will be switched on some day.
        let Some(selected) = selection.of(policy, found) else { continue };
        if !is_here(inputs, &policy.environments) {
            continue;
        }
        if !policy.active {
            found.extend(said::off(policy, nodes, &selected));
            continue;
        }
        found.extend(said::about_nothing(policy, &selected));
        let parts = parts::split(inputs, policy, nodes, &selected.nodes);
        policies.push((policy, parts));
    }
    selection.report_missing(found);
    Chosen { policies }
}

impl<'a> Chosen<'a> {
    /// Where the always-required ones are required.
    pub(super) fn gates(&self, nodes: &[ManagedNode]) -> Gates {
        let mut gates = Gates::default();
        for (policy, parts) in self.of(Combine::All) {
            for part in parts {
                for at in &part.nodes {
                    let relation = nodes[*at].relation.as_ref().and_then(|on| on.relation_key());
                    if let Some(relation) = relation {
                        gates.require(relation, &policy.name, part.label.as_deref());
                    }
                }
            }
        }
        gates
    }

    fn of(&self, combine: Combine) -> impl Iterator<Item = &(&'a Policy, Vec<Part>)> {
        self.policies.iter().filter(move |(policy, _)| policy.combine == combine)
    }

    /// Gives what sharing policies give: to a role for each, or where always-required ones are on
    /// the node, to the role for both. Returns what each node gets by them.
    pub(super) fn grant(
        &self,
        namer: &Namer,
        nodes: &[ManagedNode],
        gates: &mut Gates,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) -> (NodeGrants, PartRoles) {
        let mut by_node = NodeGrants::new();
        let mut roles = PartRoles::new();
        for (policy, parts) in self.of(Combine::Any) {
            check_words(namer.inputs, policy, found);
            let (mut about, mut gives) = (false, false);
            for part in parts {
                let role = namer.part(policy, part.label.as_deref(), desired, found);
                let Some(role) = role else { continue };
                let given = Given { namer, policy, part, role: &role };
                about |= !part.nodes.is_empty();
                gives |= given.grant(nodes, gates, &mut by_node, desired, found);
                roles.insert((policy.name.clone(), part.label.clone()), role);
            }
            if about && !gives {
                found.push(
                    Diagnostic::warning(
                        "policy-gives-nothing",
                        format!(
                            "what the policy {} gives is nothing on any node it is about",
                            policy.name
                        ),
                    )
                    .with_place(policy.place.clone())
                    .with_help(
                        "`write` gives nothing on views: say other `privileges` or `classes`",
                    ),
                );
            }
        }
        (by_node, roles)
    }

    /// Lets the actors in: into the roles of sharing policies, and into the roles for both where
    /// always-required policies are met.
    pub(super) fn admit(
        &self,
        inputs: &Inputs,
        (nodes, here): (&[ManagedNode], &RolesHere),
        part_roles: &PartRoles,
        (people, gates): (&mut People, &mut Gates),
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) {
        for (policy, parts) in self.of(Combine::Any) {
            let mut anybody = false;
            for part in parts {
                let Some(role) = part_roles.get(&(policy.name.clone(), part.label.clone())) else {
                    // Its name is wrong, which has been said.
                    anybody = true;
                    continue;
                };
                for actor in &part.actors {
                    bound(inputs, policy, part, actor, nodes, here, found);
                    let members = actors::members(inputs, actor, here, people, desired, found);
                    anybody |= !members.is_empty();
                    actors::let_in(role, members, desired, found);
                }
            }
            // Without a part there is nothing to match by, which has been said.
            let nothing_to_match = parts.is_empty() && policy.matching.is_some();
            if !anybody && !nothing_to_match {
                found.push(said::nobody(
                    policy,
                    format!("the policy {} admits nobody", policy.name),
                ));
            }
        }
        for (policy, parts) in self.of(Combine::All) {
            for part in parts {
                let mut members = actors::Members::new();
                for actor in &part.actors {
                    let more = actors::members(inputs, actor, here, people, desired, found);
                    for (member, wanted) in more {
                        members.entry(member).or_insert(wanted);
                    }
                }
                if members.is_empty() && !part.nodes.is_empty() {
                    let message = format!(
                        "the policy {} is always required on {}, and admits nobody: nobody gets access there",
                        policy.name,
                        said::count(part.nodes.len())
                    );
                    found.push(said::nobody(policy, message));
                }
                gates.admits(&policy.name, part.label.as_deref(), &policy.place, members);
            }
        }
    }
}

/// (policy, part) → its role.
pub(super) type PartRoles = BTreeMap<(String, Option<String>), Ident>;

/// A word that is no privilege of any class of relations is a mistake; one that is none of some
/// class only gives nothing there.
fn check_words(inputs: &Inputs, policy: &Policy, found: &mut Diagnostics) {
    for word in &policy.privileges {
        let mut classes = ObjectClass::ALL.into_iter().filter(|class| class.is_relation());
        if classes.any(|class| expand(inputs.dialect, &word.value, class).is_some()) {
            continue;
        }
        found.push(
            Diagnostic::error(
                "no-such-privilege",
                format!(
                    "{:?} is no privilege of any relation on {}",
                    word.value,
                    inputs.dialect.kind()
                ),
            )
            .with_help("one of read, write, admin, or a raw privilege; what is on databases and warehouses is for `platform_policies`")
            .with_place(word.place.clone()),
        );
    }
}

/// The role that no plan takes anything from, as the warehouse names it.
pub(super) fn break_glass(
    inputs: &Inputs,
    desired: &DesiredState,
    found: &mut Diagnostics,
) -> Option<Ident> {
    let written = inputs.config.break_glass.as_ref()?;
    let name = inputs.dialect.fold(&written.value).map_err(|error| error.to_string());
    let name = name.and_then(|name| match desired.roles.contains_key(&name) {
        true => Err("that is a managed role, which comes and goes with the files".to_owned()),
        false => inputs.dialect.longest_name(&name).map(|()| name),
    });
    match name {
        Ok(name) => Some(name),
        Err(why) => {
            found.push(
                Diagnostic::error(
                    "bad-break-glass",
                    format!("break_glass {:?}: {why}", written.value),
                )
                .with_place(written.place.clone())
                .with_help("name a role that is there whatever these files say"),
            );
            None
        }
    }
}

/// What a reason says of a policy.
fn reason(place: &Place, node: Option<&str>, what: String) -> Reason {
    Reason {
        node: node.map(str::to_owned),
        file: Some(place.file.to_string_lossy().replace('\\', "/")),
        line: place.line,
        permission: Some(what),
    }
}

struct Given<'x, 'a> {
    namer: &'x Namer<'x, 'a>,
    policy: &'x Policy,
    part: &'x Part,
    role: &'x Ident,
}

impl Given<'_, '_> {
    /// Whether anything is given.
    fn grant(
        &self,
        nodes: &[ManagedNode],
        gates: &mut Gates,
        by_node: &mut NodeGrants,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) -> bool {
        let mut gives = false;
        let Self { namer, policy, part, role } = *self;
        let dialect = namer.inputs.dialect;
        let source = Source::policy(role, &policy.name, part.label.as_deref(), policy.immutable);
        for at in &part.nodes {
            let node = &nodes[*at];
            let Some(on) = &node.relation else { continue };
            let given: Vec<_> = policy
                .privileges
                .iter()
                .filter_map(|word| Some((word, expand(dialect, &word.value, on.class())?)))
                .filter(|(_, power)| !power.privileges.is_empty())
                .collect();
            let words: Vec<String> =
                policy.privileges.iter().map(|word| word.value.clone()).collect();
            if given.is_empty() {
                // A run of dbt can make it a relation of another class.
                let key = on.relation_key();
                if let Some(holder) = key.and_then(|key| gates.holder_of(role, &key)) {
                    by_node.entry(node.unique_id.clone()).or_default().push((holder, words));
                }
                continue;
            }
            gives = true;
            let Some(holder) = gates.holder(namer, &source, on, desired, found) else { continue };
            for (word, power) in given {
                let what = format!("{} by the policy {}", word.value, policy.name);
                let reason = reason(&policy.place, Some(&node.unique_id), what);
                grant_with_way(dialect, desired, on, &holder, power.privileges, &reason);
            }
            by_node.entry(node.unique_id.clone()).or_default().push((holder, words));
        }
        gives
    }
}

/// What a policy gives a product role stays within that role's `may`.
fn bound(
    inputs: &Inputs,
    policy: &Policy,
    part: &Part,
    actor: &actors::Actor,
    nodes: &[ManagedNode],
    here: &RolesHere,
    found: &mut Diagnostics,
) {
    let Some(role) = actor.product_role(here) else { return };
    let mut beyond: Option<(Power, &ManagedNode)> = None;
    let mut count = 0_usize;
    for node in part.nodes.iter().map(|at| &nodes[*at]) {
        let Some(on) = &node.relation else { continue };
        let (_, may) = bounds(inputs, role.declared, on.class());
        let given = policy
            .privileges
            .iter()
            .filter_map(|word| expand(inputs.dialect, &word.value, on.class()))
            .fold(Power::default(), Power::union);
        let over = given.minus(may);
        if !over.is_empty() {
            count += 1;
            beyond.get_or_insert((over, node));
        }
    }
    let Some((over, node)) = beyond else { return };
    let more = match count {
        1 => String::new(),
        _ => format!(" and {} more nodes", count - 1),
    };
    found.push(
        Diagnostic::error(
            "beyond-may",
            format!(
                "the policy {} gives {}.{} more than its `may` in {} on {}{more}: {}",
                policy.name,
                role.product,
                role.declared.name,
                inputs.environment.name,
                node.unique_id,
                over.words()
            ),
        )
        .with_place(actor.place.clone())
        .with_also(role.declared.place.clone(), "the role's `may` stands here")
        .with_help("give less, name fewer `environments`, or let `may` say it"),
    );
}
