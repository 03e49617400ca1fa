//! Playbooks together: merged, each id once, every grant's names as its kind needs them.

use std::collections::HashMap;

use super::raw::{RawGrant, RawPlaybook, RawPlaybookRole};
use super::{MEMBERS, PlaybookGrant, PlaybookRole, Playbooks, Switch, refers, shape};
use crate::config::names::check_fit;
use crate::config::reader::{printable, said_twice};
use crate::config::valid::unknown_environment;
use crate::config::{Config, Located};
use crate::model::{Diagnostic, Diagnostics, Place};

/// The files of one playbook: those of the project, or those that one path names.
#[derive(Debug, Default)]
pub(in crate::config) struct Book(pub Vec<RawPlaybook>);

/// Merges a playbook into the others.
pub(in crate::config) fn add_book(
    playbooks: &mut Playbooks,
    seen: &mut HashMap<String, Place>,
    Book(files): Book,
    diagnostics: &mut Diagnostics,
) {
    let mut owners: Vec<Located<String>> = Vec::new();
    for owner in files.iter().filter_map(|file| file.role_owner.as_ref()) {
        if !owners.iter().any(|one| one.value == owner.value) {
            owners.push(owner.clone());
        }
    }
    for file in files {
        let RawPlaybook { role_owner, roles } = file;
        for (id, role) in roles.0 {
            let what = format!("the playbook role `{}`", printable(&id.value));
            if id.value.trim().is_empty() {
                let error = Diagnostic::error("invalid-name", "a playbook role has an empty id");
                diagnostics.push(
                    error
                        .with_help("give it an id: its marker in the warehouse carries it")
                        .with_place(id.place),
                );
                continue;
            }
            if let Some(first) = seen.get(&id.value) {
                diagnostics.push(said_twice(&what, id.place, first));
                continue;
            }
            seen.insert(id.value.clone(), id.place.clone());
            let default = match (&role_owner, owners.as_slice()) {
                (Some(own), _) => Some(own.clone()),
                (None, [one]) => Some(one.clone()),
                (None, [first, second, ..]) if role.role_owner.is_none() => {
                    diagnostics.push(
                        said_twice("`role-owner`", second.place.clone(), &first.place)
                            .with_help(format!("{what} would have two: give it a role-owner of its own, or let the files agree")),
                    );
                    None
                }
                (None, _) => None,
            };
            playbooks.roles.extend(role_of(id, role, default, diagnostics));
        }
    }
}

fn role_of(
    id: Located<String>,
    raw: RawPlaybookRole,
    default_owner: Option<Located<String>>,
    diagnostics: &mut Diagnostics,
) -> Option<PlaybookRole> {
    let RawPlaybookRole { name, grants, create, revoke_other_grants, enable, role_owner } = raw;
    for named in name.iter().chain(&role_owner) {
        diagnostics.extend(check_fit("the role", named));
    }
    let grants = grants.unwrap_or_default().into_iter();
    let grants = grants.filter_map(|grant| grant_of(grant, diagnostics)).collect();
    let on = |switch: Option<Switch>| switch.unwrap_or(Switch::Is(true));
    Some(PlaybookRole {
        id: id.value,
        place: id.place,
        name: name?,
        grants,
        create: on(create),
        revoke_other_grants: on(revoke_other_grants),
        enable: on(enable),
        role_owner: role_owner.or(default_owner),
    })
}

fn grant_of(raw: RawGrant, diagnostics: &mut Diagnostics) -> Option<PlaybookGrant> {
    let RawGrant {
        object_type,
        object,
        schema,
        database,
        privileges,
        include_future,
        include_all,
        enable,
        place,
    } = raw;
    let names = [("object", &object), ("schema", &schema), ("database", &database)];
    let mut fits = true;
    for (what, name) in names {
        let unfit = name.as_ref().and_then(|name| check_fit(&format!("the {what}"), name));
        fits &= unfit.is_none();
        diagnostics.extend(unfit);
    }
    let on = |switch: Option<Switch>| switch.unwrap_or(Switch::Is(true));
    let grant = PlaybookGrant {
        place,
        object_type: object_type?,
        object,
        schema,
        database,
        privileges: privileges?,
        include_future: on(include_future),
        include_all: on(include_all),
        enable: on(enable),
    };
    // What a variable says is known only in an environment.
    let late = [&grant.object, &grant.schema, &grant.database]
        .into_iter()
        .flatten()
        .any(|name| refers(&name.value));
    if fits
        && !late
        && let Err(wrong) = shape(&grant, |name| name.value.clone())
    {
        diagnostics.extend(wrong);
    }
    Some(grant)
}

/// What playbooks need of the rest of the configuration.
pub(in crate::config) fn check_all(config: &Config, diagnostics: &mut Diagnostics) {
    for environment in config.playbooks.environments.iter().flatten() {
        if !config.environments.contains_key(&environment.value) {
            diagnostics.push(unknown_environment(environment, &config.environments));
        }
    }
    if let Some(product) = config.products.get(MEMBERS) {
        diagnostics.push(
            Diagnostic::error("reserved-name", format!("no product may be called `{MEMBERS}`"))
                .with_help(format!(
                    "rolecall/members/{MEMBERS}.yml says who is in playbook roles: give the product another name"
                ))
                .with_place(product.place.clone()),
        );
    }
}
