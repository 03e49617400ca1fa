//! What access tests ask about: their actors by name, and their nodes. The words are those of policies,
//! and so is the reading of them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Inputs;
use super::super::members::named;
use super::super::nodes::ManagedNode;
use super::actors::{Actor, Who};
use super::nodes::{Selection, fits};
use super::parts::split;
use super::people::People;
use crate::config::Located;
use crate::config::checks::{self, AccessTest};
use crate::config::policy::{Actors, Combine, Policy, Resources, RoleRef};
use crate::directory::Known;
use crate::model::{DesiredState, Diagnostic, Diagnostics, Ident, MemberKind, Place};

/// An access test in one environment.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The test.
    pub test: &'a AccessTest,
    /// Its nodes, by whom it is about there: owners differ from node to node.
    pub parts: Vec<AskedPart>,
}

/// Nodes on which a test is about the same people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedPart {
    /// Places in the list of nodes.
    pub nodes: Vec<usize>,
    /// Whom it is about; `None` for everybody.
    pub actors: Option<Vec<AskedActor>>,
    /// Whom it is not about.
    pub except: Vec<AskedActor>,
}

/// One actor of a test.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AskedActor {
    /// As it is written.
    pub written: String,
    /// Where.
    pub place: Place,
    /// What the environment calls it; several for a rule, none where nobody matches.
    pub names: BTreeSet<Ident>,
    /// It is a user or a group by name, which the warehouse must know.
    pub is_name: bool,
    /// The names are those of users.
    pub users: bool,
}

/// Reads the tests of an environment. A test that cannot be read is said and left out.
pub fn asked<'a>(
    inputs: &Inputs<'a>,
    desired: &DesiredState,
    nodes: &[ManagedNode],
) -> (Vec<Asked<'a>>, Diagnostics) {
    let mut found = Diagnostics::default();
    let selection = Selection::new(inputs, nodes);
    let mut people = People::new(inputs, &mut Diagnostics::default());
    let mut all = Vec::new();
    for test in inputs.config.checks.tests.values() {
        let whose = format!("the test {:?}", test.name);
        let Some(selected) = selection.named(test.resources.select.as_ref(), &whose, &mut found)
        else {
            continue;
        };
        if !test.is_of(&inputs.environment.name) {
            continue;
        }
        let chosen = |(at, node): (usize, &ManagedNode)| {
            let by_name = selected.as_ref().is_none_or(|ids| ids.contains(&node.unique_id));
            let is_it = node.relation.is_some() && by_name && fits(inputs, &test.resources, node);
            is_it.then_some(at)
        };
        let chosen: Vec<usize> = nodes.iter().enumerate().filter_map(chosen).collect();
        let mut reading = Reading { inputs, desired, people: &mut people, found: &mut found };
        let parts = reading.parts(test, nodes, &chosen);
        all.push(Asked { test, parts });
    }
    (all, found)
}

/// Nodes that a `select` of something names; `None` where it cannot be read, which is said.
pub fn selected(
    inputs: &Inputs,
    select: &Located<String>,
    whose: &str,
    found: &mut Diagnostics,
) -> Option<BTreeSet<String>> {
    Selection::new(inputs, &[]).named(Some(select), whose, found)?
}

/// The people of each group that the directory lists; `None` where nobody is known.
pub fn people_of_groups(inputs: &Inputs) -> Option<BTreeMap<Ident, BTreeSet<Ident>>> {
    let Known::People(_) = inputs.known else { return None };
    let mut ignored = Diagnostics::default();
    People::new(inputs, &mut ignored).groups(inputs, &mut ignored).cloned()
}

struct Reading<'x, 'a> {
    inputs: &'x Inputs<'a>,
    desired: &'x DesiredState,
    people: &'x mut People,
    found: &'x mut Diagnostics,
}

impl Reading<'_, '_> {
    fn parts(
        &mut self,
        test: &AccessTest,
        nodes: &[ManagedNode],
        chosen: &[usize],
    ) -> Vec<AskedPart> {
        let of_whom = test.actors.as_ref();
        let actors = of_whom.map(|actors| self.by_node(test, actors, nodes, chosen));
        let except = self.by_node(test, &test.except, nodes, chosen);
        let mut parts: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for at in chosen {
            let whom = actors.as_ref().map(|by_node| by_node.get(at).cloned().unwrap_or_default());
            let except = except.get(at).cloned().unwrap_or_default();
            parts.entry((whom, except)).or_default().push(*at);
        }
        let part = |((actors, except), nodes)| AskedPart { nodes, actors, except };
        parts.into_iter().map(part).collect()
    }

    /// Whom actors come down to, for each node.
    fn by_node(
        &mut self,
        test: &AccessTest,
        actors: &Actors,
        nodes: &[ManagedNode],
        chosen: &[usize],
    ) -> BTreeMap<usize, Vec<AskedActor>> {
        let mut actors = actors.clone();
        actors.product_roles = actors.product_roles.iter().flat_map(|p| self.matching(p)).collect();
        // Each node once, with all who are meant there: as of a policy that is always required.
        let policy = Policy {
            name: test.name.clone(),
            place: test.place.clone(),
            description: None,
            active: true,
            combine: Combine::All,
            privileges: Vec::new(),
            resources: Resources::default(),
            actors,
            matching: None,
            environments: Vec::new(),
            immutable: false,
        };
        let mut by_node = BTreeMap::new();
        for part in split(self.inputs, &policy, nodes, chosen) {
            let actors: Vec<AskedActor> =
                part.actors.iter().map(|actor| self.actor(actor)).collect();
            by_node.extend(part.nodes.into_iter().map(|at| (at, actors.clone())));
        }
        by_node
    }

    /// The product roles that fit a pattern; the one that it names, where it is none.
    fn matching(&self, pattern: &Located<RoleRef>) -> Vec<Located<RoleRef>> {
        let RoleRef { product, role } = &pattern.value;
        if product != "*" && role != "*" {
            return vec![pattern.clone()];
        }
        let written = format!("{product}.{role}");
        let config = self.inputs.config;
        let all = config.products.iter().flat_map(|(product, declared)| {
            let roles = config.product_roles.keys().chain(declared.product_roles.keys());
            roles.map(move |role| (product, role))
        });
        let fit = all.filter(|(product, role)| checks::fits(&written, product, role));
        let place = &pattern.place;
        fit.map(|(product, role)| Located {
            value: RoleRef { product: product.clone(), role: role.clone() },
            place: place.clone(),
        })
        .collect()
    }

    fn actor(&mut self, actor: &Actor) -> AskedActor {
        let Self { inputs, desired, people, found } = self;
        let place = &actor.place;
        let of = |written: String, names: BTreeSet<Ident>, is_name| AskedActor {
            written,
            place: place.clone(),
            names,
            is_name,
            users: matches!(actor.who, Who::Rule(_) | Who::Named(MemberKind::User, _)),
        };
        match &actor.who {
            Who::Named(kind, name) => {
                let member = named(inputs, *kind, name, place, found);
                let managed = member.as_ref().filter(|name| desired.roles.contains_key(*name));
                if let Some(managed) = managed {
                    found.push(
                        Diagnostic::error(
                            "managed-role-as-member",
                            format!("{managed} is a managed role, and no {}", kind.as_str()),
                        )
                        .with_place(place.clone())
                        .with_help("name the product role instead: product_roles: [product.role]"),
                    );
                }
                let what = if *kind == MemberKind::Group { "the group" } else { "the user" };
                of(format!("{what} {name}"), member.into_iter().collect(), true)
            }
            Who::Rule(rule) => {
                let matching = people.matching(inputs, rule, place, found);
                of(format!("the rule {rule:?}"), matching.into_iter().collect(), false)
            }
            Who::ProductRole(RoleRef { product, role }) => {
                // Where policies are always required, what it is given is held by another role.
                let is_it = |marker: &crate::model::Marker| {
                    (&marker.product, &marker.role) == (product, role)
                };
                let names = desired.roles.iter().filter(|(_, role)| is_it(&role.marker));
                of(
                    format!("{product}.{role}"),
                    names.map(|(name, _)| name.clone()).collect(),
                    false,
                )
            }
            // No test says these.
            Who::Role(name) | Who::Approved(name) => of(name.clone(), BTreeSet::new(), false),
            Who::Carrying { attribute, .. } => of(attribute.clone(), BTreeSet::new(), false),
        }
    }
}
