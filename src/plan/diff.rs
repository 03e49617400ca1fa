//! The comparison as a whole.

use std::collections::BTreeSet;

use super::{
    Difference, Left, Sides, Step, Why, Within, circles, defaults, dependents, future, gaps,
    grants, guard, handed, limit, members, order, owners, roles, standing,
};
use crate::model::{
    Change, Diagnostic, DialectKind, Ident, MemberKind, Privilege, RelationKey, RoleAttributes,
    SchemaKey,
};
use crate::resolve::Resolved;
use crate::warehouse::Look;

/// What has to be observed for a plan of these.
pub fn interested_in(resolved: &Resolved, database: Option<&Ident>) -> Look {
    Look {
        deployment: resolved.deployment.clone(),
        environments: BTreeSet::from([resolved.desired.environment.clone()]),
        roles: resolved.desired.roles.keys().cloned().collect(),
        schemas: {
            let here = |key: &&SchemaKey| database.is_none_or(|database| key.0 == *database);
            let mut schemas = resolved.schemas_in(database);
            schemas.extend(resolved.beyond.schemas.iter().filter(here).cloned());
            schemas
        },
        whole: resolved.beyond.whole.clone(),
        databases: resolved.beyond.databases.clone(),
        classes: resolved.beyond.classes.clone(),
        relations: resolved
            .nodes
            .iter()
            .filter_map(|node| node.relation.as_ref()?.relation_key())
            .chain(named_by_playbooks(resolved))
            .collect(),
        users: resolved
            .desired
            .memberships
            .iter()
            .filter(|(_, wanted)| wanted.kind == MemberKind::User)
            .map(|((_, member), _)| member.clone())
            .chain(resolved.desired.break_glass.clone())
            .collect(),
    }
}

/// Relations that playbooks name one by one: no node is there for them.
fn named_by_playbooks(resolved: &Resolved) -> impl Iterator<Item = RelationKey> {
    let roles = &resolved.desired.roles;
    let is_theirs =
        move |role: &Ident| roles.get(role).is_some_and(|role| role.marker.playbook.is_some());
    let granted = resolved.desired.grants.keys().map(|(on, role)| (on, role));
    let owned = resolved.desired.owners.iter().map(|(on, owner)| (on, &owner.role));
    let named = granted.chain(owned).filter(move |(_, role)| is_theirs(role));
    named.filter(|(on, _)| on.class().is_relation()).filter_map(|(on, _)| on.relation_key())
}

/// Compares the desired with the observed state. Nothing outside the scope is in the answer.
pub fn diff(sides: &Sides) -> Difference {
    let mut out = planned(sides);
    if !sides.within.is_everything() {
        let whole = planned(&Sides { within: Within::everything(), ..sides.clone() });
        let made: BTreeSet<&Change> = out.steps.iter().map(|step| &step.change).collect();
        out.outside = whole.steps.iter().filter(|step| !made.contains(&step.change)).count();
    }
    out
}

fn planned(sides: &Sides) -> Difference {
    let mut out = Difference::default();
    let names = roles::roles(sides, &mut out);
    unknown_to_the_server(sides, &mut out);
    if out.found.has_errors() {
        return out;
    }
    owners::owners(sides, &names, &mut out);
    handed::handed_over(sides, &mut out);
    grants::grants(sides, &names, &mut out);
    members::members(sides, &names, &mut out);
    let mut late = BTreeSet::new();
    if sides.within.is_everything() {
        late = defaults::defaults(sides, &names, &mut out);
    }
    if sides.within.is_everything() && !sides.options.only_adds {
        standing::role_owners(sides, &names, &mut out);
        attributes(sides, &names, &mut out);
        left_over(sides, &names, &mut out);
        roles::drops(sides, &names, &mut out);
        future::shadows(sides, &mut out);
    } else {
        limit::refuse_renamed(sides, &names, &mut out);
    }
    late.extend(gaps::gaps(sides, &mut out));
    late.extend(circles::circles(sides, &names, &mut out));
    order::order(&mut out.steps, sides.observed, &names, &late);
    out.left.sort();
    out.left.dedup();
    out.refused.extend(dependents::dependents(sides, &names, &out.steps));
    out.refused.extend(guard::guard(sides, &names, &out.steps));
    out
}

/// Privileges that a server of this version does not have yet.
fn unknown_to_the_server(sides: &Sides, out: &mut Difference) {
    let server = &sides.observed.server;
    if server.dialect != DialectKind::Postgres || server.version >= 170_000 {
        return;
    }
    let there = sides.desired.grants.iter().filter(|((on, _), _)| sides.within.covers(on));
    let there = there.map(|((on, _), grant)| (on.to_string(), grant));
    let to_come = sides.desired.futures.iter();
    let to_come = to_come.map(|(future, grant)| (format!("future {}s", future.class), grant));
    for (on, grant) in there.chain(to_come) {
        let Some(reasons) = grant.because.get(&Privilege::MAINTAIN) else { continue };
        let mut error = Diagnostic::error(
            "no-such-privilege",
            format!(
                "MAINTAIN on {on} is declared, which PostgreSQL {} does not have",
                server.version / 10_000
            ),
        )
        .with_help("it came with PostgreSQL 17: take it out, or declare `admin`");
        error.node = reasons.first().and_then(|reason| reason.node.clone());
        out.found.push(error);
    }
}

fn attributes(sides: &Sides, names: &super::NewNames, out: &mut Difference) {
    for (observed, name) in names.iter() {
        let attributes = &sides.observed.roles[observed].attributes;
        // Playbooks declare grants. A service role that logs in goes on doing so.
        if names.is_playbook(name) {
            if *attributes != RoleAttributes::MANAGED {
                out.left.push(Left {
                    role: name.clone(),
                    what: "attributes of its own, such as LOGIN".to_owned(),
                    why: "a playbook declares none, and leaves them".to_owned(),
                });
            }
        } else if *attributes != RoleAttributes::MANAGED {
            out.steps.push(Step {
                change: Change::ResetAttributes {
                    role: name.clone(),
                    attributes: attributes.clone(),
                },
                why: Why::Undeclared,
            });
        }
    }
}

fn left_over(sides: &Sides, names: &super::NewNames, out: &mut Difference) {
    for (role, what) in &sides.observed.unsupported {
        if let Some(name) = names.get(role) {
            out.left.push(Left {
                role: name.clone(),
                what: what.clone(),
                why: "this kind of grant is not understood, so it is left alone".to_owned(),
            });
        }
    }
}
