//! The owners' files into memberships by name.

use std::collections::BTreeMap;

use super::playbooks::{PlaybookRoles, is_made};
use super::roles::RolesHere;
use super::rules::{self, Asked};
use super::{Inputs, Target};
use crate::config::playbook;
use crate::config::template::{self, TemplateContext, TemplateKind};
use crate::config::{Environment, Member, MemberEntry, WARN_BEFORE, expires, has_expired};
use crate::model::{
    DesiredMembership, DesiredState, Diagnostic, Diagnostics, DialectKind, Ended, Ident,
    MemberKind, Place, Reason,
};

pub(super) fn admit_members(
    inputs: &Inputs,
    (roles, of_playbooks): (&RolesHere, &PlaybookRoles),
    desired: &mut DesiredState,
    found: &mut Diagnostics,
) {
    let mut asked = Asked::default();
    let mut kinds: BTreeMap<Ident, (MemberKind, Place)> = BTreeMap::new();
    let mut ends: BTreeMap<(Ident, Ident), Vec<&MemberEntry>> = BTreeMap::new();
    for (product, by_role) in &inputs.config.members {
        for (role_name, entries) in by_role {
            let held = match product.as_str() {
                playbook::MEMBERS => of_playbooks.get(role_name.as_str()).map(|role| &role.name),
                product => {
                    let roles = roles.get(product);
                    roles.and_then(|roles| roles.get(role_name.as_str())).map(|role| &role.name)
                }
            };
            let Some(held) = held else { continue };
            let here = entries.iter().filter(|entry| is_of(inputs.environment, entry));
            let (past, now): (Vec<_>, Vec<_>) =
                here.partition(|entry| has_expired(entry, inputs.as_of));
            for entry in now {
                let members = admitted(inputs, entry, &mut asked, found);
                for (member, kind) in members {
                    if desired.roles.contains_key(&member) {
                        let what = format!(
                            "{member} is a managed role, and may not be a member of {product}.{role_name}"
                        );
                        found.push(
                            Diagnostic::error("managed-role-as-member", what)
                                .with_place(entry.place.clone())
                                .with_help("members are people and groups; give the other product's role access in `meta.rolecall`"),
                        );
                        continue;
                    }
                    let is_one = inputs.dialect.kind() == DialectKind::Postgres;
                    let first =
                        kinds.entry(member.clone()).or_insert_with(|| (kind, entry.place.clone()));
                    // Of a role that a playbook makes it is said that it is no member at all.
                    let both = first.0 != kind && !is_made(inputs, of_playbooks, &member);
                    if is_one && both {
                        found.push(user_and_group(&member, kind, first, entry));
                        continue;
                    }
                    let two = admit(desired, (held.clone(), member), kind, entry, &mut ends);
                    found.extend(two.filter(|_| !is_one));
                }
            }
            // Nothing that is wrong with an entry matters once it has ended.
            for entry in past {
                let mut ignored = Diagnostics::default();
                for (member, _) in admitted(inputs, entry, &mut asked, &mut ignored) {
                    let key = (held.clone(), member);
                    let until = entry.until.as_ref().map(|until| until.value.clone());
                    let ended = Ended { entry: reason(entry), until: until.unwrap_or_default() };
                    let last = desired.ended.entry(key).or_insert_with(|| ended.clone());
                    if *last < ended {
                        *last = ended;
                    }
                }
            }
        }
    }
    let memberships = &desired.memberships;
    desired.ended.retain(|key, _| !memberships.contains_key(key));
    rules::say(inputs, asked, found);
    warn_of_ends(inputs, &ends, found);
}

fn admit<'e>(
    desired: &mut DesiredState,
    key: (Ident, Ident),
    kind: MemberKind,
    entry: &'e MemberEntry,
    ends: &mut BTreeMap<(Ident, Ident), Vec<&'e MemberEntry>>,
) -> Option<Diagnostic> {
    let by_rule = matches!(entry.member, Member::Rule(_));
    let is_new = !desired.memberships.contains_key(&key);
    let membership = desired
        .memberships
        .entry(key.clone())
        .or_insert_with(|| DesiredMembership { kind, because: Vec::new() });
    let two = (membership.kind != kind).then(|| {
        let first = (membership.kind, entry.place.clone());
        user_and_group(&key.1, kind, &first, entry)
    });
    membership.because.push(reason(entry));
    membership.because.sort();
    ends.entry(key.clone()).or_default().push(entry);
    if by_rule && is_new {
        desired.matched.insert(key);
    } else if !by_rule {
        desired.matched.remove(&key);
    }
    two
}

fn user_and_group(
    member: &Ident,
    kind: MemberKind,
    (first, place): &(MemberKind, Place),
    entry: &MemberEntry,
) -> Diagnostic {
    let what = format!("{member} is named both as a {} and as a {}", first.as_str(), kind.as_str());
    let error = Diagnostic::error("user-and-group", what)
        .with_place(entry.place.clone())
        .with_help("a name is one or the other");
    if *place == entry.place { error } else { error.with_also(place.clone(), "first named here") }
}

fn reason(entry: &MemberEntry) -> Reason {
    Reason {
        node: None,
        file: Some(entry.place.file.to_string_lossy().replace('\\', "/")),
        line: entry.place.line,
        permission: None,
    }
}

/// Members whose last entry ends soon: while there is time to write a later day.
fn warn_of_ends(
    inputs: &Inputs,
    ends: &BTreeMap<(Ident, Ident), Vec<&MemberEntry>>,
    found: &mut Diagnostics,
) {
    let ahead = inputs.config.warn_before.unwrap_or(WARN_BEFORE);
    let soon = inputs.as_of.saturating_add(ahead);
    let mut told: BTreeMap<&Place, (&MemberEntry, &Ident)> = BTreeMap::new();
    for ((_, member), entries) in ends {
        // Any entry admits: the one that ends last decides.
        if !entries.iter().all(|entry| expires(entry).is_some_and(|end| end <= soon)) {
            continue;
        }
        if let Some(last) = entries.iter().max_by_key(|entry| expires(entry)) {
            told.entry(&last.place).or_insert((last, member));
        }
    }
    for (entry, member) in told.into_values() {
        let until = entry.until.as_ref().map_or("", |until| until.value.as_str());
        let who = match &entry.member {
            Member::Named { .. } => member.to_string(),
            Member::Rule(_) => "the rule".to_owned(),
        };
        found.push(
            Diagnostic::warning("ends-soon", format!("{who} is a member until {until}"))
                .with_place(entry.place.clone())
                .with_help("write a later day if that is too early; then it is taken out by the next apply"),
        );
    }
}

/// Whether an entry is for an environment at all.
fn is_of(environment: &Environment, entry: &MemberEntry) -> bool {
    entry.environments.is_empty()
        || entry.environments.iter().any(|name| name.value == environment.name)
}

/// Who an entry lets in here.
fn admitted(
    inputs: &Inputs,
    entry: &MemberEntry,
    asked: &mut Asked,
    found: &mut Diagnostics,
) -> Vec<(Ident, MemberKind)> {
    match &entry.member {
        Member::Named { kind, name } => {
            let member = named(inputs, *kind, name, &entry.place, found);
            member.into_iter().map(|member| (member, *kind)).collect()
        }
        Member::Rule(rule) => {
            let people = rules::people(inputs, rule, &entry.place, asked, found);
            people.into_iter().map(|member| (member, MemberKind::User)).collect()
        }
    }
}

/// What the templates of an environment make of a name, as a user's and as a group's.
pub fn member_names(environment: &Environment, target: &Target, name: &str) -> Vec<String> {
    let here = || target.context(&environment.name);
    let user = (TemplateKind::User, TemplateContext { user_name: Some(name), ..here() });
    let group = (TemplateKind::Group, TemplateContext { group_name: Some(name), ..here() });
    [(&environment.user_name, user), (&environment.group_name, group)]
        .into_iter()
        .filter_map(|(template, (kind, context))| {
            template::render(template.as_ref()?, kind, &context).ok()
        })
        .collect()
}

/// Why a name is no member's.
pub(super) enum Unnamed {
    /// The template cannot be rendered.
    Template(Box<Diagnostic>),
    /// The warehouse can have no such name.
    Unfit {
        /// The name that the template gives.
        rendered: String,
        /// Why not.
        why: String,
    },
}

/// What a user or a group of that name is called here.
pub(super) fn member_name(inputs: &Inputs, name: &str, kind: MemberKind) -> Result<Ident, Unnamed> {
    let environment = inputs.environment;
    let here = inputs.target.context(&environment.name);
    let (template, template_kind, context) = match kind {
        MemberKind::Group => (
            environment.group_name.as_ref(),
            TemplateKind::Group,
            TemplateContext { group_name: Some(name), ..here },
        ),
        MemberKind::User | MemberKind::Role => (
            environment.user_name.as_ref(),
            TemplateKind::User,
            TemplateContext { user_name: Some(name), ..here },
        ),
    };
    let rendered = match template {
        None => name.to_owned(),
        Some(template) => template::render(template, template_kind, &context)
            .map_err(|problem| Unnamed::Template(Box::new(problem)))?,
    };
    let dialect = inputs.dialect;
    let checked = dialect.fold(&rendered).map_err(|e| e.to_string()).and_then(|folded| {
        dialect.longest_name(&folded)?;
        match dialect.reserved(&folded) {
            Some(why) => Err(why.to_owned()),
            None => Ok(folded),
        }
    });
    checked.map_err(|why| Unnamed::Unfit { rendered, why })
}

/// What a user or a group of that name is called here; what is wrong with it is said.
pub(super) fn named(
    inputs: &Inputs,
    kind: MemberKind,
    name: &str,
    place: &Place,
    found: &mut Diagnostics,
) -> Option<Ident> {
    match member_name(inputs, name, kind) {
        Ok(member) => Some(member),
        Err(Unnamed::Template(problem)) => {
            found.push(*problem);
            None
        }
        Err(Unnamed::Unfit { rendered, why }) => {
            let what = format!("{rendered:?} cannot be a member: {why}");
            found.push(
                Diagnostic::error("bad-member", what)
                    .with_place(place.clone())
                    .with_help("name a user or a group that the warehouse can have"),
            );
            None
        }
    }
}
