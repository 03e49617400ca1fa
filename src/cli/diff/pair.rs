//! Two manifests or two environments of one checked-out project, and what makes a pair of two sides.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::{Global, plan};
use super::side::Side;
use super::{Arguments, Pair};
use crate::apply::Failure;
use crate::check::some;
use crate::config::Member;
use crate::directory::Known;
use crate::model::{Diagnostic, Diagnostics, Ident, MemberKind, Place};
use crate::project::{Places, Project};

/// Two manifests, by the configuration that is checked out.
pub(super) fn manifests(global: &Global, before: &Path) -> anyhow::Result<Option<Pair>> {
    let as_of = plan::as_of(global)?;
    let places = Places { manifest: Some(before.to_owned()), ..global.places() };
    let Some(old) = Side::read(global, &places, as_of, &before.display().to_string())? else {
        return Ok(None);
    };
    let places = global.places();
    let name = match &global.manifest {
        Some(manifest) => manifest.display().to_string(),
        None => "the project's manifest".to_owned(),
    };
    let Some(new) = Side::read(global, &places, as_of, &name)? else { return Ok(None) };
    Ok(Some(together(old, new, Vec::new())?))
}

/// Two environments of one project.
pub(super) fn environments(
    global: &Global,
    arguments: &Arguments,
    from: &str,
) -> anyhow::Result<Option<Pair>> {
    let to = global.second_environment(arguments.to.as_ref(), "with which environment")?;
    let as_of = plan::as_of(global)?;
    let places = |target: &str, manifest: &Option<_>| Places {
        target: Some(target.to_owned()),
        manifest: manifest.clone(),
        ..global.places()
    };
    let of_from = places(from, &arguments.from_manifest);
    let Some(mut old) = Side::read(global, &of_from, as_of, from)? else { return Ok(None) };
    let of_to = places(to, &arguments.to_manifest);
    let Some(mut new) = Side::read(global, &of_to, as_of, to)? else { return Ok(None) };
    if let (Some(one), Some(other)) = (&old.project, &new.project) {
        let said = arguments.from_manifest.is_some() && arguments.to_manifest.is_some();
        let another = one.environment != other.environment;
        if another && !said && one.manifest_sha256 == other.manifest_sha256 {
            return Err(wrong(
                Diagnostic::error(
                    "same-manifest",
                    format!("{from} and {to} would both be read from one manifest"),
                )
                .with_place(Place::file(&other.manifest_path))
                .with_help(format!(
                    "let dbt write each into a folder of its own (--target-path target/{to}), or \
                     give --from-manifest and --to-manifest"
                )),
            ));
        }
    }
    // Templates of their own call one person by two names.
    (old.names.written, new.names.written) = (super::written(&old), super::written(&new));
    let notes = Vec::new();
    Ok(Some(Pair { only_nodes: true, ..together(old, new, notes)? }))
}

/// Two sides of one project, with what is not known on either.
pub(super) fn together(before: Side, after: Side, mut notes: Vec<String>) -> anyhow::Result<Pair> {
    if let (Some(old), Some(new)) = (&before.project, &after.project)
        && let Some(other) = other_project((old, &before.name), (new, &after.name))
    {
        return Err(wrong(other));
    }
    for side in [&before, &after] {
        let unasked = side.project.as_ref().map(|project| project.unasked_rules().len());
        if unasked.is_some_and(|n| n > 0) {
            notes.push(format!(
                "whom rules let in is not known of {}: only a warehouse knows its directory; give \
                 one with --directory",
                side.name
            ));
        }
    }
    notes.extend(not_judged(&before, &after));
    Ok(Pair { before, after, only_nodes: false, notes })
}

/// What dbt grants besides: by hooks, which can do anything, and by `grants` that could be any SQL.
fn not_judged(before: &Side, after: &Side) -> Vec<String> {
    let [old, new] = [before, after].map(|side| {
        let hooks = side.project.as_ref().map(|project| project.manifest.granting_hooks.clone());
        let unread = side.resolved.as_ref().map(|it| it.desired.unread_of_dbt.clone());
        (hooks.unwrap_or_default(), unread.unwrap_or_default())
    });
    let all: BTreeSet<&String> = old.0.keys().chain(new.0.keys()).collect();
    let (same, changed): (Vec<&String>, Vec<&String>) =
        all.into_iter().partition(|id| old.0.get(*id) == new.0.get(*id));
    let hooks = |ids: Vec<&String>, what: &str| {
        some(ids.into_iter()).map(|ids| format!("what hooks grant is not judged{what}: {ids}"))
    };
    let unread = some(old.1.union(&new.1)).map(|all| {
        format!("dbt's own `grants` that are no plain privileges and names are not judged: {all}")
    });
    let notes = [hooks(changed, ", and these have changed"), hooks(same, ""), unread];
    notes.into_iter().flatten().collect()
}

/// Two projects have nothing to compare.
fn other_project(
    (old, before): (&Project, &str),
    (new, after): (&Project, &str),
) -> Option<Diagnostic> {
    let name = |project: &Project| project.name.clone().unwrap_or_else(|| "a project".to_owned());
    let in_both = || old.manifest.nodes.keys().any(|id| new.manifest.nodes.contains_key(id));
    let empty = old.manifest.nodes.is_empty() || new.manifest.nodes.is_empty();
    let message = if old.name != new.name {
        format!("{before} is of {}, and {after} of {}", name(old), name(new))
    } else if old.dialect != new.dialect {
        format!("{before} is for {}, and {after} for {}", old.dialect, new.dialect)
    } else if !empty && !in_both() {
        format!("the manifests of {before} and {after} have no node in common")
    } else {
        return None;
    };
    Some(
        Diagnostic::error("different-projects", message)
            .with_place(Place::file("manifest.json"))
            .with_help("give two manifests of one project"),
    )
}

pub(super) fn wrong(found: Diagnostic) -> anyhow::Error {
    Failure::Found(Diagnostics::from_iter([found])).into()
}

/// What members are called in files, by what the environment calls them.
pub(super) fn written(project: &Project) -> BTreeMap<Ident, String> {
    let Some(environment) = project.environment() else { return BTreeMap::new() };
    if environment.user_name.is_none() && environment.group_name.is_none() {
        return BTreeMap::new();
    }
    let config = &project.config;
    let mut users: Vec<&str> = Vec::new();
    let mut groups: Vec<&str> = Vec::new();
    for entry in config.entries() {
        match &entry.member {
            Member::Named { kind: MemberKind::Group, name } => groups.push(name),
            Member::Named { name, .. } => users.push(name),
            Member::Rule(_) => {}
        }
    }
    for policy in config.policies.values() {
        users.extend(policy.actors.users.iter().map(|user| user.value.as_str()));
        groups.extend(policy.actors.groups.iter().map(|group| group.value.as_str()));
    }
    for policy in config.platform_policies.values() {
        users.extend(policy.users.iter().map(|user| user.value.as_str()));
        groups.extend(policy.groups.iter().map(|group| group.value.as_str()));
    }
    if let Known::People(people) = &project.known {
        users.extend((0..people.len()).map(|person| people.name(person)));
    }
    let dialect = project.dialect();
    // As the warehouse would fold it: one person, however a file writes them.
    let folded = |name: &str| dialect.fold(name).map_or_else(|_| name.to_owned(), String::from);
    let users = users.into_iter().map(|name| (name, true));
    let groups = groups.into_iter().map(|name| (name, false));
    users
        .chain(groups)
        .filter_map(|(name, user)| Some((project.member_name(name, user)?, folded(name))))
        .collect()
}
