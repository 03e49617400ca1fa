//! What is to be written is read and resolved as the project would: what would be an error there is
//! taken out, and named.

use std::collections::{BTreeMap, BTreeSet};

use super::live::{
    Explained, Imported, ImportedGrant, Name, NotSaid, What, members_file, playbook_file,
    with_products,
};
use super::read::FILE;
use crate::config::playbook::{self, Playbooks};
use crate::config::{self, FileKind, SourceFile};
use crate::dbt::ResourceType;
use crate::edit::{Entry, scalar};
use crate::model::{Diagnostics, MemberKind, ObservedState, RelationKey, Securable, Severity};
use crate::plan::{Options, Sides, diff};
use crate::project::Project;
use crate::resolve::{Inputs, Resolved, resolve};

/// Where it is said who is in playbook roles.
pub(super) fn members_path() -> String {
    format!("rolecall/members/{}.yml", playbook::MEMBERS)
}

/// Who is in which playbook role.
pub(super) fn members_of(imported: &Imported) -> BTreeMap<String, Vec<Entry>> {
    let roles = imported.roles.iter();
    roles.filter_map(|(id, role)| Some((id.clone(), role.members.clone()?))).collect()
}

/// No id is that of another playbook role.
pub(super) fn with_free_ids(imported: Imported, there: &Playbooks) -> Imported {
    let Imported { roles, left } = imported;
    let ids: BTreeSet<String> = roles.keys().cloned().collect();
    let mut free = BTreeMap::new();
    for (id, role) in roles {
        let is_taken = |id: &str| there.role(id).is_some();
        let others = (2_u32..).map(|number| format!("{id}_{number}"));
        let other = || {
            let is_free = |id: &String| !is_taken(id) && !ids.contains(id);
            others.into_iter().find(|id| is_free(id) && !free.contains_key(id))
        };
        let id = if is_taken(&id) { other().unwrap_or(id) } else { id };
        free.insert(id, role);
    }
    Imported { roles: free, left }
}

/// Names what nothing limits to the environment that was read.
pub(super) fn hold_everywhere(imported: &mut Imported, environment: &str) {
    let each = imported.roles.values().map(|role| NotSaid {
        role: role.name.clone(),
        what: format!("that it is a role of {environment} alone"),
        why: "the configuration has playbook roles without `playbook_environments`: it will be made in the other environments, too, without its members".to_owned(),
    });
    imported.left.extend(each.collect::<Vec<_>>());
    imported.left.sort();
}

/// Takes out whatever no command would go on with.
pub(super) fn make_sound(
    inputs: &Inputs<'_>,
    explained: &Explained,
    state: &ObservedState,
    imported: &mut Imported,
) {
    loop {
        let text = playbook_file(imported, inputs.dialect, "");
        let members = members_file(&members_of(imported), "");
        let found = errors(inputs, explained, state, (&text, &members));
        let mut out: Vec<(Part, String)> = Vec::new();
        for error in found.iter().filter(|error| error.severity == Severity::Error) {
            let Some(place) = &error.place else { continue };
            let Some(line) = place.line.and_then(|line| usize::try_from(line).ok()) else {
                continue;
            };
            let part = match place.file.to_string_lossy().replace('\\', "/") {
                file if file == FILE => part_of(&text, line),
                file if file == members_path() => in_members(&members, line),
                _ => None,
            };
            let message = || format!("it would be an error: {}", error.message);
            out.extend(part.map(|part| (part, message())));
        }
        out.sort();
        out.dedup_by(|one, other| one.0 == other.0);
        // From the end, so that the numbers of the others stay true.
        let taken = out.into_iter().rev().filter(|one| take(imported, one)).count();
        if taken == 0 {
            break;
        }
    }
    imported.left.sort();
    imported.left.dedup();
}

/// A part of what is written, by the number of its role in the order of the ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Role(usize),
    Grant(usize, usize),
    Members(usize),
}

/// What stands on a line of the playbook file.
fn part_of(text: &str, line: usize) -> Option<Part> {
    let (mut role, mut grant) = (None, None);
    for text in text.lines().take(line) {
        let (number, rest) = (role.map_or(0, |role| role + 1), text.trim_start());
        match text.len() - rest.len() {
            2 if !rest.starts_with('#') => (role, grant) = (Some(number), None),
            6 if rest.starts_with("- ") => grant = Some(grant.map_or(0, |grant| grant + 1)),
            _ => {}
        }
    }
    let role = role?;
    Some(grant.map_or(Part::Role(role), |grant| Part::Grant(role, grant)))
}

/// Whose members stand on a line of their file, as a number among the roles that have some.
fn in_members(text: &str, line: usize) -> Option<Part> {
    let is_role = |line: &&str| !line.starts_with([' ', '#']);
    text.lines().take(line).filter(is_role).count().checked_sub(1).map(Part::Members)
}

/// Whether something was taken out.
fn take(imported: &mut Imported, (part, why): &(Part, String)) -> bool {
    let Imported { roles, left } = imported;
    let mut named = |role, what| left.push(NotSaid { role, what, why: why.clone() });
    match *part {
        Part::Role(role) => {
            let Some(id) = roles.keys().nth(role).cloned() else { return false };
            let Some(role) = roles.remove(&id) else { return false };
            named(role.name, "all that it has".to_owned());
        }
        Part::Grant(role, grant) => {
            let Some(role) = roles.values_mut().nth(role) else { return false };
            if grant >= role.grants.len() {
                return false;
            }
            let grant = role.grants.remove(grant);
            named(role.name.clone(), said(&grant));
        }
        Part::Members(role) => {
            let role = roles.values_mut().filter(|role| role.members.is_some()).nth(role);
            let Some(role) = role else { return false };
            role.members = None;
            named(role.name.clone(), "its members".to_owned());
        }
    }
    true
}

/// A grant in words.
fn said(grant: &ImportedGrant) -> String {
    let ImportedGrant { kind, database, schema, object, what, all: _, future: _ } = grant;
    let name = |name: &Name| match name {
        Name::All => "*".to_owned(),
        Name::One(name) => name.to_string(),
        Name::Routine(name, types) => format!("{name}({types})"),
    };
    let parts = [database.as_ref().map(ToString::to_string)]
        .into_iter()
        .chain([schema, object].map(|part| part.as_ref().map(name)));
    let parts: Vec<String> = parts.flatten().collect();
    match what {
        What::Ownership => format!("ownership of {kind} {}", parts.join(".")),
        What::Privileges(privileges) => format!("{privileges} on {kind} {}", parts.join(".")),
    }
}

/// What the project, with all that is proposed, would be told.
fn errors(
    inputs: &Inputs<'_>,
    explained: &Explained,
    state: &ObservedState,
    (text, members): (&str, &str),
) -> Diagnostics {
    let file = |path: &str, text: String, kind| SourceFile { path: path.into(), text, kind };
    let environments: Vec<String> = inputs.config.environments.keys().map(|e| scalar(e)).collect();
    let template = "{role_name: \"{{ product.name }}_{{ role.name }}\"}";
    let environments: String =
        environments.iter().map(|name| format!("  {name}: {template}\n")).collect();
    let mut files = vec![
        file("rolecall.yml", format!("version: 1\nenvironments:\n{environments}"), FileKind::Root),
        file(FILE, text.to_owned(), FileKind::Platform),
    ];
    if !members.is_empty() {
        let kind = FileKind::Members { product: playbook::MEMBERS.to_owned() };
        files.push(file(&members_path(), members.to_owned(), kind));
    }
    let (parsed, mut found) = config::parse(&files);
    let Some(parsed) = parsed else { return found };
    let mut config = with_products(inputs.config, &explained.products);
    config.playbooks.roles.extend(parsed.playbooks.roles);
    let there = config.members.entry(playbook::MEMBERS.to_owned()).or_default();
    for (id, entries) in parsed.members.into_values().flatten() {
        there.entry(id).or_default().extend(entries);
    }
    let mut declarations = inputs.declarations.clone();
    let blocks = explained.proposed.blocks.iter();
    declarations.extend(blocks.map(|one| (one.unique_id.clone(), one.block.clone())));
    let inputs = Inputs { config: &config, declarations: &declarations, ..*inputs };
    let (resolved, more) = resolve(&inputs);
    found.extend(more);
    if let Some(resolved) = resolved {
        let scope = resolved.scope(inputs.database);
        let environments = config.environments.keys().cloned().collect();
        let options = Options { adopt: true, skip_missing: true, ..Options::default() };
        // Who is in a role is there.
        let mut state = state.clone();
        let users = state.memberships.iter().filter(|one| one.kind == MemberKind::User);
        let users: Vec<_> = users.map(|one| one.member.clone()).collect();
        state.users.extend(users);
        found.extend(diff(&Sides::of(&resolved, &state, &scope, &environments, &options)).found);
    }
    found
}

/// What dbt makes, where no deploy role could own it by being in its owner.
pub(super) fn made_by_dbt(project: &Project, resolved: &Resolved) -> BTreeSet<RelationKey> {
    if resolved.deploy_role.is_some() {
        return BTreeSet::new();
    }
    let mut made = resolved.taken.clone();
    let is_read_only = |id: &str| {
        let node = project.manifest.nodes.get(id);
        node.is_some_and(|node| node.resource_type == ResourceType::Source)
    };
    for node in resolved.nodes.iter().filter(|node| is_read_only(&node.unique_id)) {
        if let Some(key) = node.relation.as_ref().and_then(Securable::relation_key) {
            made.remove(&key);
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::{Part, in_members, part_of};

    #[test]
    fn a_line_is_that_of_its_grant_or_of_its_role() {
        let text = "# head\nroles:\n  a:\n    name: a\n    # not said here: x (y)\n  b:\n    name: b\n    grants:\n      - object-type: table\n        privileges: [select]\n      - object-type: view\n";
        let parts: Vec<Option<Part>> = (1..=11).map(|line| part_of(text, line)).collect();
        let (a, b) = (Some(Part::Role(0)), Some(Part::Role(1)));
        let (first, second) = (Some(Part::Grant(1, 0)), Some(Part::Grant(1, 1)));
        assert_eq!(parts, [None, None, a, a, a, b, b, b, first, first, second]);
        let text = "# head\na:\n  - user: x\nb:\n  - group: y\n";
        let parts: Vec<Option<Part>> = (1..=5).map(|line| in_members(text, line)).collect();
        let (a, b) = (Some(Part::Members(0)), Some(Part::Members(1)));
        assert_eq!(parts, [None, a, a, b, b]);
    }
}
