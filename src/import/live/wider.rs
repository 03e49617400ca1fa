//! Taking out of what is proposed whatever would give anybody more than is there.

use std::collections::{BTreeMap, BTreeSet};

use super::products::{Held, Reasons, Wanted, with};
use crate::model::{Diagnostics, Ident, PrivilegeSet, Securable, Severity};
use crate::resolve::{Inputs, Resolved, resolve};

/// Takes out of what is wanted whatever would give more than is held, and says why. The state that
/// the rest comes to.
pub(super) fn never_wider(
    asked: &Held<'_>,
    now: &Resolved,
    held: &BTreeMap<(Securable, Ident), PrivilegeSet>,
    wanted: &mut Wanted,
    reasons: &mut Reasons,
) -> Option<Resolved> {
    while !wanted.is_empty() {
        let (declarations, _) = with(asked.inputs, now, wanted);
        let inputs = Inputs { declarations: &declarations, ..*asked.inputs };
        let (after, found) = resolve(&inputs);
        let out = match &after {
            None => wrong(&found, wanted),
            Some(after) => wider(asked, (now, after), held, wanted),
        };
        if out.is_empty() {
            return after;
        }
        wanted.retain(|key, _| !out.contains_key(key));
        reasons.extend(out);
    }
    None
}

/// Those that an error is about; all of them where none of them is named.
fn wrong(found: &Diagnostics, wanted: &Wanted) -> Reasons {
    let mut out = Reasons::new();
    let errors = || found.iter().filter(|one| one.severity == Severity::Error);
    for error in errors() {
        let Some(node) = &error.node else { continue };
        for key in wanted.keys().filter(|(of, _)| of == node) {
            out.insert(key.clone(), format!("declared, it would be an error: {}", error.message));
        }
    }
    if out.is_empty() {
        let first = errors().next().map(|one| one.message.clone()).unwrap_or_default();
        let why = format!("declared, it would be an error: {first}");
        out.extend(wanted.keys().map(|key| (key.clone(), why.clone())));
    }
    out
}

/// Those by which somebody would have more than there is.
fn wider(
    asked: &Held<'_>,
    (now, after): (&Resolved, &Resolved),
    held: &BTreeMap<(Securable, Ident), PrivilegeSet>,
    wanted: &Wanted,
) -> Reasons {
    // On which objects a declaration of a node gives something: its relation, and the way there.
    let mut about: BTreeMap<Securable, Vec<&(String, Ident)>> = BTreeMap::new();
    let relations: BTreeMap<&str, &Securable> = after
        .nodes
        .iter()
        .filter_map(|node| Some((node.unique_id.as_str(), node.relation.as_ref()?)))
        .collect();
    for key in wanted.keys() {
        let Some(on) = relations.get(key.0.as_str()) else { continue };
        let schema = on.schema_key().map(|(database, name)| Securable::schema(database, name));
        let database = on.database_name().cloned().map(Securable::database);
        for on in [Some((*on).clone()), schema, database].into_iter().flatten() {
            about.entry(on).or_default().push(key);
        }
    }
    let ours: BTreeSet<&Ident> = wanted.keys().map(|(_, role)| role).collect();
    let mut out = Reasons::new();
    for (at, grant) in &after.desired.grants {
        let before = now.desired.grants.get(at).map(|grant| grant.privileges).unwrap_or_default();
        let (on, role) = at;
        let there = held.get(at).copied().unwrap_or_default();
        let there = there.union(asked.everybody.get(on).copied().unwrap_or_default());
        let more = grant.privileges.minus(before).minus(there);
        if more.is_empty() {
            continue;
        }
        let why = format!("declared, {role} would be given {more} on {} {on}", on.class());
        for key in about.get(on).into_iter().flatten() {
            // What a policy's requirement gives instead is some other role's.
            if key.1 == *role || !ours.contains(role) {
                out.insert((*key).clone(), why.clone());
            }
        }
    }
    for (on, owner) in &after.desired.owners {
        let is_as_before = now.desired.owners.get(on).is_some_and(|old| old.role == owner.role);
        let mut why = None;
        if !is_as_before && asked.state.owned.get(on) != Some(&owner.role) {
            why = Some(format!("declared, {} would own {} {on}", owner.role, on.class()));
        } else if !is_as_before {
            why = not_rebuilt(asked, after, &owner.role);
        }
        for key in about.get(on).into_iter().flatten().filter(|_| why.is_some()) {
            out.insert((*key).clone(), why.clone().unwrap_or_default());
        }
    }
    let changes_who = |one: &Resolved, other: &Resolved| {
        let (one, other) = (&one.desired, &other.desired);
        one.roles.len() != other.roles.len()
            || !one.memberships.keys().eq(other.memberships.keys())
            || !one.futures.keys().eq(other.futures.keys())
    };
    if out.is_empty() && changes_who(now, after) {
        let why = "declared, it would change who is in which role".to_owned();
        out.extend(wanted.keys().map(|key| (key.clone(), why.clone())));
    }
    out
}

/// Why dbt could not make again what a role owns.
fn not_rebuilt(asked: &Held<'_>, after: &Resolved, owner: &Ident) -> Option<String> {
    let deploys = after.deploy_role.as_ref()?;
    let role = asked.state.roles.get(deploys);
    let is_in = after.desired.memberships.contains_key(&(owner.clone(), deploys.clone()))
        && asked.state.memberships.iter().any(|one| (&one.role, &one.member) == (owner, deploys));
    let is_fit = is_in || role.is_some_and(|role| role.attributes.superuser);
    (!is_fit).then(|| {
        format!("dbt could not make it again: the deploy_role {deploys} is not among the members of its product role, in the file and on the server")
    })
}
