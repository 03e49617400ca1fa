//! People whom policies admit without naming them: by rule, by attribute, and through groups that
//! the directory lists.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Inputs;
use super::super::members::{member_name, named};
use super::super::playbooks::{PlaybookRoles, is_made};
use super::super::rules::{self, Asked};
use crate::config::policy::is_reserved;
use crate::directory::{Directory, Known, Rule, Value};
use crate::model::{DesiredState, Diagnostic, Diagnostics, DialectKind, Ident, MemberKind, Place};

/// The attribute that lists a person's groups.
const GROUPS: &str = "groups";

/// What was asked of the directory so far.
pub(in crate::resolve) struct People {
    asked: Asked,
    /// Group → its people, once somebody asks.
    groups: Option<BTreeMap<Ident, BTreeSet<Ident>>>,
    /// Attribute → value → people.
    by_value: BTreeMap<String, BTreeMap<String, Vec<Ident>>>,
}

impl People {
    /// Nobody has been asked for yet.
    pub(in crate::resolve) fn new(inputs: &Inputs, found: &mut Diagnostics) -> Self {
        if let Known::People(directory) = inputs.known {
            for attribute in directory.attributes().filter(|name| is_reserved(name)) {
                let mut error = Diagnostic::error(
                    "reserved-attribute",
                    format!("the directory has the attribute {attribute:?}"),
                )
                .with_help("rename it: whoever is let into a product carries that attribute by itself, and nobody else");
                error.place = place_of(inputs);
                found.push(error);
            }
        }
        Self { asked: Asked::default(), groups: None, by_value: BTreeMap::new() }
    }

    /// Everyone who matches a rule.
    pub(super) fn matching(
        &mut self,
        inputs: &Inputs,
        rule: &str,
        place: &Place,
        found: &mut Diagnostics,
    ) -> Vec<Ident> {
        // It has been parsed when the file was read.
        let Ok(rule) = Rule::parse(rule) else { return Vec::new() };
        rules::people(inputs, &rule, place, &mut self.asked, found)
    }

    /// Everyone who carries one of these values.
    pub(super) fn carrying(
        &mut self,
        inputs: &Inputs,
        attribute: &str,
        values: &[String],
        place: &Place,
        found: &mut Diagnostics,
    ) -> Vec<Ident> {
        if !self.by_value.contains_key(attribute) {
            let index = match inputs.known {
                Known::People(directory) => {
                    if !directory.attributes().any(|known| known == attribute) {
                        found.push(
                            Diagnostic::error(
                                "unknown-attribute",
                                format!(
                                    "a policy matches the attribute {attribute:?}, which nobody has"
                                ),
                            )
                            .with_place(place.clone())
                            .with_help(
                                "an attribute is a column of the directory; nobody would match",
                            ),
                        );
                    }
                    by_value(inputs, directory, attribute, MemberKind::User)
                }
                Known::Unasked => BTreeMap::new(),
                Known::Nothing => {
                    found.push(
                        Diagnostic::error(
                            "no-directory",
                            "a policy matches an attribute, and no directory of people says who has it",
                        )
                        .with_place(place.clone())
                        .with_help("write directory: {path: people.csv, key: name} in rolecall.yml, or give --directory"),
                    );
                    BTreeMap::new()
                }
            };
            self.by_value.insert(attribute.to_owned(), index);
        }
        let index = self.by_value.get(attribute);
        let people: BTreeSet<&Ident> =
            values.iter().filter_map(|value| index?.get(value)).flatten().collect();
        people.into_iter().cloned().collect()
    }

    /// The people of each group that the directory lists; `None` where nobody was asked.
    pub(super) fn groups(
        &mut self,
        inputs: &Inputs,
        found: &mut Diagnostics,
    ) -> Option<&BTreeMap<Ident, BTreeSet<Ident>>> {
        let directory = match inputs.known {
            Known::Unasked => return None,
            Known::Nothing => None,
            Known::People(directory) => Some(directory),
        };
        if self.groups.is_none() {
            let mut groups: BTreeMap<Ident, BTreeSet<Ident>> = BTreeMap::new();
            let place = place_of(inputs).unwrap_or_else(|| inputs.environment.place.clone());
            if let Some(directory) = directory {
                for (group, people) in by_value(inputs, directory, GROUPS, MemberKind::User) {
                    let group = named(inputs, MemberKind::Group, &group, &place, found);
                    if let Some(group) = group {
                        groups.entry(group).or_default().extend(people);
                    }
                }
            }
            self.groups = Some(groups);
        }
        self.groups.as_ref()
    }

    /// What was found on the way, each once; a name that is a user here and a group there.
    pub(in crate::resolve) fn say(
        self,
        inputs: &Inputs,
        playbook_roles: &PlaybookRoles,
        desired: &DesiredState,
        found: &mut Diagnostics,
    ) {
        rules::say(inputs, self.asked, found);
        if inputs.dialect.kind() != DialectKind::Postgres {
            return;
        }
        let mut kinds: BTreeMap<&Ident, (MemberKind, &Ident)> = BTreeMap::new();
        for ((role, member), wanted) in &desired.memberships {
            if wanted.kind == MemberKind::Role {
                continue;
            }
            let (kind, first) = *kinds.entry(member).or_insert((wanted.kind, role));
            let by_policy =
                |role| desired.roles.get(role).is_some_and(|r| r.marker.policy.is_some());
            // Among the owners' files it has been said.
            if kind != wanted.kind
                && (by_policy(role) || by_policy(first))
                // That one is no member at all, which is said by itself.
                && !is_made(inputs, playbook_roles, member)
            {
                let what = format!(
                    "{member} is a {} in {first} and a {} in {role}",
                    kind.as_str(),
                    wanted.kind.as_str()
                );
                let mut error = Diagnostic::error("user-and-group", what)
                    .with_help("a name is one or the other");
                let reason = wanted.because.first();
                error.place = reason.and_then(|reason| {
                    Some(Place { line: reason.line, ..Place::file(reason.file.as_ref()?) })
                });
                found.push(error);
            }
        }
    }
}

fn place_of(inputs: &Inputs) -> Option<Place> {
    inputs.config.directory.as_ref().map(|directory| directory.key.place.clone())
}

/// Value → people. A list has each of its values; a text has each part between semicolons.
fn by_value(
    inputs: &Inputs,
    directory: &Directory,
    attribute: &str,
    kind: MemberKind,
) -> BTreeMap<String, Vec<Ident>> {
    let mut index: BTreeMap<String, Vec<Ident>> = BTreeMap::new();
    for person in 0..directory.len() {
        let Some(value) = directory.attribute(person, attribute) else { continue };
        let values = texts(value);
        if values.is_empty() {
            continue;
        }
        // Whoever can have no login is nobody here.
        let Ok(name) = member_name(inputs, directory.name(person), kind) else { continue };
        for value in values {
            index.entry(value).or_default().push(name.clone());
        }
    }
    index
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Text(text) => {
            let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        }
        Value::List(values) => values.iter().flat_map(texts).collect(),
        Value::Number(_) | Value::Truth(_) | Value::Other => Vec::new(),
    }
}
