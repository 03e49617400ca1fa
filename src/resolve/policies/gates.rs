//! Always-required policies: whoever gives privileges on a node that they are on gives them to a
//! role of its own, for the people who are in the source and in each of them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Inputs;
use super::actors::{Members, let_in};
use super::names::{LONGEST, Namer, Wanted, short};
use super::people::People;
use crate::model::{
    DesiredState, Diagnostic, Diagnostics, Ident, MemberKind, Place, RelationKey, Securable,
};

/// One always-required policy, or one part of it: it admits different people to different nodes.
type Gate = (String, Option<String>);

/// A source's warehouse role, and what is required.
type Pair = (Ident, BTreeSet<Gate>);

/// Whose privileges they are.
pub(in crate::resolve) struct Source<'s> {
    role: &'s Ident,
    /// Of a product role; empty for a policy.
    product: &'s str,
    /// In the marker of a gated role.
    part: String,
    /// In its name.
    label: String,
    /// It keeps what it has, and so does the role that holds it where something is required.
    immutable: bool,
}

impl<'s> Source<'s> {
    /// A product role.
    pub(in crate::resolve) fn product_role(role: &'s Ident, product: &'s str, name: &str) -> Self {
        let label = format!("{product}_{name}");
        Self { role, product, part: name.to_owned(), label, immutable: false }
    }

    /// A sharing policy, or one part of it.
    pub(super) fn policy(
        role: &'s Ident,
        policy: &str,
        part: Option<&str>,
        immutable: bool,
    ) -> Self {
        let part = part.map(|part| format!("/{part}")).unwrap_or_default();
        Self {
            role,
            product: "",
            part: format!("{policy}{part}"),
            label: format!("{policy}{}", part.replace('/', "_")),
            immutable,
        }
    }
}

/// Where always-required policies are, and the roles that hold what is given there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gates {
    required: BTreeMap<RelationKey, BTreeSet<Gate>>,
    /// `None` where the role could not be named, which has been said.
    pairs: BTreeMap<Pair, Option<Ident>>,
    admitted: BTreeMap<Gate, (Place, Members)>,
    /// Those of them who are people, groups taken apart.
    people: BTreeMap<Gate, BTreeSet<Ident>>,
    /// The directory was asked, where there is one.
    everybody_is_known: bool,
}

impl Gates {
    /// A policy is required on a relation.
    pub(crate) fn require(&mut self, on: RelationKey, policy: &str, part: Option<&str>) {
        let gate = (policy.to_owned(), part.map(str::to_owned));
        self.required.entry(on).or_default().insert(gate);
    }

    /// The policies that are required on a relation.
    pub fn on(&self, relation: &RelationKey) -> BTreeSet<&str> {
        let gates = self.required.get(relation).into_iter().flatten();
        gates.map(|(policy, _)| policy.as_str()).collect()
    }

    /// Whom every policy that is required on a relation admits, by their names in the warehouse.
    /// `None` where that was not asked, since nothing gives anything there.
    pub fn people(&self, relation: &RelationKey) -> Option<BTreeSet<&Ident>> {
        let mut gates = self.required.get(relation)?.iter();
        let of = |gate: &Gate| self.people.get(gate);
        let mut people: BTreeSet<&Ident> = of(gates.next()?)?.iter().collect();
        for gate in gates {
            let others = of(gate)?;
            people.retain(|person| others.contains(*person));
        }
        Some(people)
    }

    /// Whether each policy that is required on a relation admits somebody, and all of them nobody.
    pub(super) fn exclude_each_other(&self, relation: &RelationKey) -> bool {
        let each = self.required.get(relation).into_iter().flatten();
        let mut each = each.map(|gate| self.people.get(gate));
        self.everybody_is_known
            && each.all(|people| people.is_some_and(|people| !people.is_empty()))
            && self.people(relation).is_some_and(|people| people.is_empty())
    }

    /// The relations that always-required policies are on.
    pub fn relations(&self) -> impl Iterator<Item = &RelationKey> {
        self.required.keys()
    }

    /// The role that holds what a source gives on a relation: its own where nothing is required.
    /// `None` where nobody holds it.
    pub fn holder_of(&self, source: &Ident, on: &RelationKey) -> Option<Ident> {
        match self.required.get(on) {
            None => Some(source.clone()),
            Some(gates) => self.pairs.get(&(source.clone(), gates.clone())).cloned().flatten(),
        }
    }

    /// The same, and makes it where it is new.
    pub(in crate::resolve) fn holder(
        &mut self,
        namer: &Namer,
        source: &Source,
        on: &Securable,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) -> Option<Ident> {
        let gates = on.relation_key().and_then(|key| self.required.get(&key));
        let Some(gates) = gates else { return Some(source.role.clone()) };
        let pair = (source.role.clone(), gates.clone());
        if let Some(known) = self.pairs.get(&pair) {
            return known.clone();
        }
        let names: Vec<String> = gates
            .iter()
            .map(|(policy, part)| match part {
                None => policy.clone(),
                Some(part) => format!("{policy}/{part}"),
            })
            .collect();
        let joined = names.join("&");
        let shown = format!("{}_where_{}", source.label, names.join("_"));
        let place = namer.inputs.config.policies.get(&pair.1.first()?.0).map(|p| &p.place)?;
        let wanted = Wanted {
            label: short(&shown, LONGEST),
            policy: joined,
            product: source.product,
            role: source.part.clone(),
            immutable: source.immutable,
            place,
        };
        let made = namer.make(wanted, desired, found);
        self.pairs.insert(pair, made.clone());
        made
    }

    /// Whom an always-required policy admits.
    pub(super) fn admits(
        &mut self,
        policy: &str,
        part: Option<&str>,
        place: &Place,
        members: Members,
    ) {
        let gate = (policy.to_owned(), part.map(str::to_owned));
        self.admitted.insert(gate, (place.clone(), members));
    }

    /// Lets people into the gated roles: those who are in the source and in all that is required.
    /// Everybody's membership has to be known by now.
    pub(in crate::resolve) fn let_in(
        &mut self,
        people: &mut People,
        inputs: &Inputs,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) {
        if self.pairs.values().all(Option::is_none) {
            return;
        }
        let groups = people.groups(inputs, found);
        self.everybody_is_known = groups.is_some();
        let mut crowd = Crowd::of(desired, groups);
        let mut admitted: BTreeMap<&Gate, BTreeSet<Ident>> = BTreeMap::new();
        for (gate, (place, members)) in &self.admitted {
            let given = members.iter().map(|(member, wanted)| (member.clone(), wanted.kind));
            admitted.insert(gate, crowd.people(given, &gate.0, place, found));
        }
        let mut all: Vec<(Ident, Members)> = Vec::new();
        for ((source, gates), role) in &self.pairs {
            let (Some(role), Some(first)) = (role, gates.first()) else { continue };
            let Some((place, _)) = self.admitted.get(first) else { continue };
            let mut people = crowd.in_role(source, &first.0, place, found);
            for gate in gates {
                let allowed = admitted.get(gate);
                people.retain(|person| allowed.is_some_and(|allowed| allowed.contains(person)));
            }
            let members = people.into_iter().map(|person| {
                let because = crowd.because(source, &person);
                let member = super::actors::wanted(MemberKind::User, because);
                // Whoever is named anywhere is looked for there.
                (person, super::actors::Member { matched: true, ..member })
            });
            all.push((role.clone(), members.collect()));
        }
        self.people = admitted.into_iter().map(|(gate, people)| (gate.clone(), people)).collect();
        for (role, members) in all {
            let_in(&role, members, desired, found);
        }
    }
}

/// Who is in what, down to people.
struct Crowd<'c> {
    members: BTreeMap<Ident, Vec<(Ident, MemberKind)>>,
    /// Those of them who are not people.
    nested: BTreeMap<Ident, Vec<(Ident, MemberKind)>>,
    because: BTreeMap<(Ident, Ident), Vec<crate::model::Reason>>,
    /// Whom the directory lists; `None` where nobody was asked.
    groups: Option<&'c BTreeMap<Ident, BTreeSet<Ident>>>,
    /// Groups that have been complained of.
    unlisted: BTreeSet<Ident>,
}

impl<'c> Crowd<'c> {
    fn of(desired: &DesiredState, groups: Option<&'c BTreeMap<Ident, BTreeSet<Ident>>>) -> Self {
        let mut members: BTreeMap<Ident, Vec<(Ident, MemberKind)>> = BTreeMap::new();
        let mut nested: BTreeMap<Ident, Vec<(Ident, MemberKind)>> = BTreeMap::new();
        let mut because = BTreeMap::new();
        for ((role, member), wanted) in &desired.memberships {
            members.entry(role.clone()).or_default().push((member.clone(), wanted.kind));
            if wanted.kind != MemberKind::User {
                nested.entry(role.clone()).or_default().push((member.clone(), wanted.kind));
            }
            because.insert((role.clone(), member.clone()), wanted.because.clone());
        }
        Self { members, nested, because, groups, unlisted: BTreeSet::new() }
    }

    /// The entries that made somebody a member: those that name the person, and those of the groups
    /// and roles that the person is in.
    fn because(&self, role: &Ident, person: &Ident) -> Vec<crate::model::Reason> {
        let (mut all, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut todo = vec![role];
        while let Some(role) = todo.pop() {
            if !seen.insert(role) {
                continue;
            }
            let mut add = |member: &Ident| {
                let because = self.because.get(&(role.clone(), member.clone()));
                all.extend(because.into_iter().flatten().cloned());
            };
            add(person);
            for (member, kind) in self.nested.get(role).into_iter().flatten() {
                let listed = self.groups.and_then(|groups| groups.get(member));
                match kind {
                    MemberKind::User => {}
                    MemberKind::Group if listed.is_some_and(|listed| listed.contains(person)) => {
                        add(member);
                    }
                    MemberKind::Group => {}
                    MemberKind::Role => todo.push(member),
                }
            }
        }
        all.into_iter().collect()
    }

    fn in_role(
        &mut self,
        role: &Ident,
        policy: &str,
        place: &Place,
        found: &mut Diagnostics,
    ) -> BTreeSet<Ident> {
        let members = self.members.get(role).cloned().unwrap_or_default();
        self.people(members, policy, place, found)
    }

    fn people(
        &mut self,
        given: impl IntoIterator<Item = (Ident, MemberKind)>,
        policy: &str,
        place: &Place,
        found: &mut Diagnostics,
    ) -> BTreeSet<Ident> {
        let mut people = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut todo: Vec<(Ident, MemberKind)> = given.into_iter().collect();
        while let Some((member, kind)) = todo.pop() {
            match kind {
                MemberKind::User => {
                    people.insert(member);
                }
                // Roles of ours hold others' privileges; those that are not ours hold all of them.
                MemberKind::Role => {
                    if seen.insert(member.clone()) {
                        todo.extend(self.members.get(&member).into_iter().flatten().cloned());
                    }
                }
                MemberKind::Group => match self.groups.map(|groups| groups.get(&member)) {
                    None => {}
                    Some(Some(listed)) => people.extend(listed.iter().cloned()),
                    Some(None) if self.unlisted.insert(member.clone()) => {
                        found.push(unlisted(&member, policy, place));
                    }
                    Some(None) => {}
                },
            }
        }
        people
    }
}

fn unlisted(group: &Ident, policy: &str, place: &Place) -> Diagnostic {
    Diagnostic::error(
        "unlisted-group",
        format!(
            "the policy {policy} is always required, and nobody says who is in the group {group}"
        ),
    )
    .with_place(place.clone())
    .with_help("who is in both can be said of people only: name users, or list the group's people in the directory: its name in their attribute `groups`")
}
