//! Grants on what is not there yet: default privileges, future grants.

use std::collections::{BTreeMap, BTreeSet};

use super::grants::{MANIFEST_DOES_NOT_NAME, reasons};
use super::{Difference, Left, NewNames, Sides, Step, Why, in_reach, new_name};
use crate::model::{Change, Diagnostic, Future, Ident, Privilege, PrivilegeSet};

/// Plans both ways, and says which grants must wait for what is taken: those that come back
/// without the right to pass them on.
pub(super) fn defaults(sides: &Sides, names: &NewNames, out: &mut Difference) -> BTreeSet<Change> {
    let held = held(sides, names);
    let mut late = BTreeSet::new();
    for (future, wanted) in &sides.desired.futures {
        if names.absent.contains(&future.role) || !creator_is_there(sides, future, out) {
            continue;
        }
        let has = held.get(future).copied().unwrap_or_default();
        let again = match takes(sides, names, future) {
            true => has.grantable.intersection(wanted.privileges),
            false => PrivilegeSet::EMPTY,
        };
        let missing = wanted.privileges.minus(has.privileges).union(again);
        if missing.is_empty() {
            continue;
        }
        for privileges in said_apart(missing) {
            let change = granted(future, privileges);
            if !privileges.intersection(again).is_empty() {
                late.insert(change.clone());
            }
            out.steps.push(Step { change, why: Why::Declared(reasons(wanted, privileges)) });
        }
    }
    if !sides.options.only_adds {
        held.iter().for_each(|(future, has)| extra(sides, names, future, *has, out));
    }
    late
}

#[derive(Clone, Copy, Default)]
struct Has {
    privileges: PrivilegeSet,
    grantable: PrivilegeSet,
}

/// What managed roles get, under the names that the roles will have.
fn held(sides: &Sides, names: &NewNames) -> BTreeMap<Future, Has> {
    let mut held: BTreeMap<Future, Has> = BTreeMap::new();
    for default in &sides.observed.defaults {
        let Some(name) = names.get(&default.grantee) else { continue };
        let future = Future {
            creator: default.creator.as_ref().map(|creator| new_name(names, creator).clone()),
            database: default.database.clone(),
            schema: default.schema.clone(),
            class: default.class,
            role: name.clone(),
        };
        let has = held.entry(future).or_default();
        has.privileges = has.privileges.union(default.privileges);
        has.grantable = has.grantable.union(default.grantable);
    }
    held
}

/// Whether what nobody declares of these is taken by this plan.
fn takes(sides: &Sides, names: &NewNames, future: &Future) -> bool {
    let schema = future.schema.clone().map(|schema| (future.database.clone(), schema));
    !sides.options.only_adds
        && names.keeps(&future.role).is_none()
        && in_reach(sides, names, &future.role, schema.as_ref())
}

fn extra(sides: &Sides, names: &NewNames, future: &Future, has: Has, out: &mut Difference) {
    let privileges =
        |wanted: Option<PrivilegeSet>| wanted.unwrap_or_default().intersection(has.privileges);
    let wanted = privileges(sides.desired.futures.get(future).map(|grant| grant.privileges));
    let known = privileges(sides.desired.known_futures.get(future).copied());
    let extra = has.privileges.minus(wanted.union(known));
    let taken = extra.union(has.grantable.intersection(wanted));
    if taken.is_empty() {
        return;
    }
    if !takes(sides, names, future) {
        if !extra.is_empty() {
            let why = match names.keeps(&future.role) {
                Some(keeps) => keeps.why(),
                None => MANIFEST_DOES_NOT_NAME,
            };
            out.left.push(Left {
                role: future.role.clone(),
                what: described(future, extra),
                why: why.to_owned(),
            });
        }
        return;
    }
    for privileges in said_apart(taken) {
        let Future { creator, database, schema, class, role } = future.clone();
        let change = Change::RevokeDefault { creator, database, schema, class, role, privileges };
        out.steps.push(Step { change, why: Why::Undeclared });
    }
}

/// Ownership of what is to come has a statement of its own (Snowflake), and each change has one.
fn said_apart(privileges: PrivilegeSet) -> impl Iterator<Item = PrivilegeSet> {
    let ownership = PrivilegeSet::of(&[Privilege::OWNERSHIP]);
    let parts = [privileges.minus(ownership), privileges.intersection(ownership)];
    parts.into_iter().filter(|part| !part.is_empty())
}

fn described(future: &Future, privileges: PrivilegeSet) -> String {
    let Future { creator: _, database, schema, class, role: _ } = future;
    match schema {
        Some(schema) => format!("{privileges} on future {class}s in schema {schema}"),
        None => format!("{privileges} on future {class}s in database {database}"),
    }
}

fn granted(future: &Future, privileges: PrivilegeSet) -> Change {
    let Future { creator, database, schema, class, role } = future.clone();
    Change::GrantDefault { creator, database, schema, class, role, privileges }
}

/// Default privileges of a role that does not exist cannot be said.
fn creator_is_there(sides: &Sides, future: &Future, out: &mut Difference) -> bool {
    let Some(creator) = &future.creator else { return true };
    let is_there = |name: &Ident| {
        sides.observed.roles.contains_key(name) || sides.desired.roles.contains_key(name)
    };
    if is_there(creator) {
        return true;
    }
    let error = Diagnostic::error(
        "missing-deploy-role",
        format!(
            "{} is to have privileges on what {creator} will create, and {creator} does not exist on the server",
            future.role
        ),
    )
    .with_help("create it, or mend `deploy_role` in rolecall.yml");
    if !out.found.iter().any(|found| found.message == error.message) {
        out.found.push(error);
    }
    false
}
