//! Who gets what by policies, against a model that asks one person and one node at a time.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::super::Resolved;
use super::tests::{knowing, node};
use crate::directory::{Known, read_text};
use crate::model::{MemberKind, Privilege};

const PEOPLE: usize = 4;
const NODES: usize = 4;
const PRODUCTS: [&str; 2] = ["sales", "fin"];

/// Bits say which people, nodes and products are meant.
type Bits = u8;

fn has(bits: Bits, at: usize) -> bool {
    bits >> at & 1 == 1
}

#[derive(Debug, Clone)]
struct Rule {
    all: bool,
    active: bool,
    write: bool,
    /// Nodes that carry the policy's tag.
    nodes: Bits,
    users: Bits,
    /// Whose analysts.
    analysts: Bits,
    group: bool,
    owners: bool,
    matched: bool,
}

#[derive(Debug, Clone)]
struct World {
    /// Which node is of the second product.
    second: Bits,
    /// Of each node: whose analysts read it.
    declared: [Bits; NODES],
    /// Of each product: its analysts.
    members: [Bits; 2],
    /// Whether its analysts hold the group, too.
    group_in: [bool; 2],
    group: Bits,
    owners: [usize; 2],
    policies: Vec<Rule>,
}

impl World {
    fn product(&self, node: usize) -> usize {
        usize::from(has(self.second, node))
    }

    fn analysts(&self, product: usize) -> impl Fn(usize) -> bool + '_ {
        move |person| {
            has(self.members[product], person) || self.group_in[product] && has(self.group, person)
        }
    }

    fn admits(&self, rule: &Rule, node: usize, person: usize) -> bool {
        let product = self.product(node);
        has(rule.users, person)
            || rule.group && has(self.group, person)
            || (0..2).any(|p| has(rule.analysts, p) && self.analysts(p)(person))
            || rule.owners && self.owners[product] == person
            || rule.matched && self.analysts(product)(person)
    }

    /// What the words mean, said once more.
    fn may(&self, person: usize, node: usize, write: bool) -> bool {
        let here = |rule: &&Rule| rule.active && has(rule.nodes, node);
        let declared =
            !write && (0..2).any(|p| has(self.declared[node], p) && self.analysts(p)(person));
        let shared = self
            .policies
            .iter()
            .filter(here)
            .any(|rule| !rule.all && rule.write == write && self.admits(rule, node, person));
        let required = self
            .policies
            .iter()
            .filter(here)
            .filter(|rule| rule.all)
            .all(|rule| self.admits(rule, node, person));
        required && (declared || shared)
    }

    fn config(&self) -> String {
        use std::fmt::Write;
        let mut text = String::from(
            "version: 1\nenvironments:\n  dev: {role_name: '{{ product.name }}_{{ role.name }}'}\nproduct_roles:\n  analyst: {may: [read, write]}\nproducts:\n",
        );
        for (at, product) in PRODUCTS.iter().enumerate() {
            let owner = self.owners[at];
            writeln!(text, "  {product}: {{outputs: 'path:models/{product}', owners: [u{owner}]}}")
                .unwrap();
        }
        text += "policies:\n";
        for (at, rule) in self.policies.iter().enumerate() {
            let users = names(rule.users, PEOPLE, |user| format!("u{user}"));
            let roles = names(rule.analysts, 2, |p| format!("{}.analyst", PRODUCTS[p]));
            let groups = if rule.group { "g" } else { "" };
            write!(
                text,
                "  - {{name: p{at}, active: {}, resources: {{tags: [t{at}]}}, actors: {{users: [{users}], product_roles: [{roles}], groups: [{groups}], resource_owners: {}}}",
                rule.active, rule.owners
            )
            .unwrap();
            text += match (rule.all, rule.write) {
                (true, _) => ", combine: all",
                (false, true) => ", privileges: [write]",
                (false, false) => ", privileges: [read]",
            };
            if rule.matched {
                text += ", match: {user_attribute: rolecall_product, node_tag: rolecall_product}";
            }
            text += "}\n";
        }
        text
    }

    fn resolved(&self) -> Resolved {
        let members: Vec<String> = (0..2)
            .map(|p| {
                let users = names(self.members[p], PEOPLE, |user| format!("{{user: u{user}}}"));
                let group = if self.group_in[p] { ", {group: g}" } else { "" };
                format!("analyst: [{}]", format!("{users}{group}").trim_start_matches(", "))
            })
            .collect();
        let members = [(PRODUCTS[0], members[0].as_str()), (PRODUCTS[1], members[1].as_str())];
        let nodes = (0..NODES).map(|at| {
            let tags: Vec<String> = (0..self.policies.len())
                .filter(|policy| has(self.policies[*policy].nodes, at))
                .map(|policy| format!("t{policy}"))
                .collect();
            let mut grants = serde_json::Map::new();
            for (p, product) in PRODUCTS.iter().enumerate() {
                if has(self.declared[at], p) {
                    grants.insert(format!("{product}.analyst"), json!(["read"]));
                }
            }
            let mut more = json!({ "tags": tags });
            if !grants.is_empty() {
                more["grants"] = grants.into();
            }
            node(PRODUCTS[self.product(at)], &format!("n{at}"), "table", more)
        });
        let mut csv = String::from("name,groups\nnobody,g\n");
        for person in (0..PEOPLE).filter(|person| has(self.group, *person)) {
            csv += &format!("u{person},g\n");
        }
        let directory = read_text(csv.as_bytes(), Path::new("people.csv"), "name").unwrap();
        let known = Known::People(Arc::new(directory));
        let (resolved, found) = knowing(known, &self.config(), &members, nodes.collect());
        let errors: Vec<_> =
            found.iter().filter(|d| d.severity == crate::model::Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:?}\n{}", self.config());
        resolved.unwrap()
    }
}

fn names(bits: Bits, count: usize, name: impl Fn(usize) -> String) -> String {
    let all: Vec<String> = (0..count).filter(|at| has(bits, *at)).map(name).collect();
    all.join(", ")
}

/// What a person has by memberships alone, however deep.
fn has_privilege(
    world: &World,
    resolved: &Resolved,
    person: usize,
    node: usize,
    privilege: Privilege,
) -> bool {
    let desired = &resolved.desired;
    let mut holds: BTreeSet<(String, bool)> = BTreeSet::from([(format!("u{person}"), true)]);
    if has(world.group, person) {
        holds.insert(("g".to_owned(), false));
    }
    loop {
        let more: Vec<_> = desired
            .memberships
            .iter()
            .filter(|((_, member), wanted)| {
                holds.contains(&(member.as_str().to_owned(), wanted.kind == MemberKind::User))
            })
            .map(|((role, _), _)| (role.as_str().to_owned(), false))
            .filter(|role| !holds.contains(role))
            .collect();
        if more.is_empty() {
            break;
        }
        holds.extend(more);
    }
    let name = format!("n{node}");
    desired.grants.iter().any(|((on, role), grant)| {
        on.class().is_relation()
            && on.name().is_some_and(|on| on.as_str() == name)
            && grant.privileges.contains(privilege)
            && holds.contains(&(role.as_str().to_owned(), false))
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    let flags = prop::array::uniform6(any::<bool>());
    (flags, 0..16_u8, 0..16_u8, 0..4_u8, any::<bool>()).prop_map(
        |([all, write, group, owners, matched, _], nodes, users, analysts, off)| Rule {
            all,
            active: !(off && write),
            write,
            // One that is always required and about nothing is an error.
            nodes: if all { nodes.max(1) } else { nodes },
            users,
            analysts,
            group,
            owners,
            matched,
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    (
        0..16_u8,
        prop::array::uniform4(0..4_u8),
        prop::array::uniform2(0..16_u8),
        prop::array::uniform2(any::<bool>()),
        0..16_u8,
        prop::array::uniform2(0..PEOPLE),
        prop::collection::vec(rule(), 0..5),
    )
        .prop_map(|(second, declared, members, group_in, group, owners, policies)| World {
            second,
            declared,
            members,
            group_in,
            group,
            owners,
            policies,
        })
}

proptest! {
    #[test]
    fn people_have_what_was_written_and_never_more(world in world()) {
        let resolved = world.resolved();
        for person in 0..PEOPLE {
            for node in 0..NODES {
                for (write, privilege) in [(false, Privilege::SELECT), (true, Privilege::INSERT)] {
                    prop_assert_eq!(
                        has_privilege(&world, &resolved, person, node, privilege),
                        world.may(person, node, write),
                        "u{} {} n{}\n{}", person, privilege, node, world.config()
                    );
                }
            }
        }
        // Never a grant without the way there.
        for (on, role) in resolved.desired.grants.keys().filter(|(on, _)| on.class().is_relation()) {
            let database = on.database_name().unwrap().clone();
            let schema = on.schema_name().unwrap().clone();
            let way = crate::model::Securable::schema(database, schema);
            prop_assert!(resolved.desired.grants.contains_key(&(way, role.clone())));
        }
    }

    #[test]
    fn what_is_gated_is_never_held_by_a_role_that_others_are_in(world in world()) {
        let resolved = world.resolved();
        for key in resolved.gates.relations() {
            for (on, role) in resolved.desired.grants.keys() {
                if on.relation_key().as_ref() == Some(key) && on.class().is_relation() {
                    let only_people = resolved.desired.memberships.iter()
                        .filter(|((of, _), _)| of == role)
                        .all(|(_, wanted)| wanted.kind == MemberKind::User);
                    prop_assert!(only_people, "{role} holds {on}");
                }
            }
        }
    }
}
