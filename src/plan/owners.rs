//! Ownership: declared, or to be given back to the role that runs dbt.

use std::collections::BTreeSet;

use super::limit::new_roles;
use super::manner::Keeps;
use super::{
    Difference, Left, NewNames, Sides, Step, Why, describe, in_reach, moves, new_name, owned,
};
use crate::dialect;
use crate::model::{
    Change, DesiredOwner, Diagnostic, DialectKind, Ident, Place, Privilege, Securable, UNSEEN,
};

pub(super) fn owners(sides: &Sides, names: &NewNames, out: &mut Difference) {
    declared_and_undeclared(sides, names, out);
    followers(sides, names, out);
}

/// A column's sequence that is declared to be somebody else's than its table: no server lets it be.
fn followers(sides: &Sides, names: &NewNames, out: &mut Difference) {
    let moved = moves(sides.observed, &out.steps);
    for (on, table) in &sides.observed.inventory.follows {
        let Some(wanted) = sides.desired.owners.get(on).filter(|_| sides.within.covers(on)) else {
            continue;
        };
        let now = sides.observed.owner_of(on).map(|owner| new_name(names, owner));
        let owner = moved.get(&owned(on)).map(|(_, to)| to).or(now);
        if let Some(owner) = owner.filter(|owner| **owner != wanted.role) {
            let (_, schema, table) = table;
            out.left.push(Left {
                role: wanted.role.clone(),
                what: format!("ownership of {}, which is {owner}'s", describe(on)),
                why: format!(
                    "it belongs to a column of {schema}.{table}, and has the owner of that table"
                ),
            });
        }
    }
}

fn declared_and_undeclared(sides: &Sides, names: &NewNames, out: &mut Difference) {
    let covered = |on: &Securable| sides.within.covers(on);
    let new = new_roles(out);
    let Ok(unseen) = Ident::new(UNSEEN) else { return };
    for (on, owner) in sides.desired.owners.iter().filter(|(on, _)| covered(on)) {
        let follows = sides.observed.inventory.follows.contains_key(on);
        if names.absent.contains(&owner.role) || follows {
            continue;
        }
        if rebuilt_by_dbt(sides, on, owner) {
            check_deploy_role(sides, names, (on, &owner.role), &new, out);
        }
        // Some lists do not say who owns what is in them.
        let unseen = || sides.observed.inventory.objects.contains_key(on).then_some(&unseen);
        let Some(observed) = sides.observed.owner_of(on).or_else(unseen) else { continue };
        let now = new_name(names, observed);
        if now != &owner.role && names.untouched.contains(observed) {
            out.left.push(Left {
                role: owner.role.clone(),
                what: format!("ownership of {}, which is {now}'s", describe(on)),
                why: format!("{now} is switched off, and nothing is taken from it"),
            });
        } else if let (true, Some(keeps @ Keeps::Everything)) =
            (now != &owner.role, names.keeps(now))
        {
            out.left.push(Left {
                role: owner.role.clone(),
                what: format!("ownership of {}, which is {now}'s", describe(on)),
                why: keeps.why().to_owned(),
            });
        } else if now != &owner.role && sides.options.only_adds && names.contains_key(observed) {
            out.left.push(Left {
                role: owner.role.clone(),
                what: format!("ownership of {}, which is {now}'s", describe(on)),
                why: "it would be taken from a managed role, which an ordinary plan does"
                    .to_owned(),
            });
        } else if now != &owner.role {
            out.steps.push(Step {
                change: Change::SetOwner {
                    on: on.clone(),
                    from: now.clone(),
                    to: owner.role.clone(),
                },
                why: Why::Declared(owner.because.clone()),
            });
        }
    }
    if sides.options.only_adds {
        return;
    }
    for (on, owner) in sides.observed.owned.iter().filter(|(on, _)| covered(on)) {
        // A column's sequence goes where its table goes.
        if let Some(name) = names.get(owner)
            && !sides.observed.inventory.follows.contains_key(on)
            && sides.desired.owners.get(on).is_none_or(|wanted| wanted.role != *name)
            // Another role is declared to own it: that step has been made above.
            && !sides.desired.owners.contains_key(on)
        {
            undeclared(sides, names, on, name, out);
        }
    }
}

/// Whether dbt makes it: a declaration names the node, or it stands in a schema of the manifest.
fn rebuilt_by_dbt(sides: &Sides, on: &Securable, owner: &DesiredOwner) -> bool {
    let in_theirs = || on.schema_key().is_some_and(|key| sides.scope.schemas.contains(&key));
    on.class().is_relation()
        && (owner.because.iter().any(|why| why.node.is_some())
            || sides.desired.roles.get(&owner.role).is_none_or(|r| r.marker.playbook.is_none())
            || in_theirs())
}

fn undeclared(
    sides: &Sides,
    names: &NewNames,
    on: &Securable,
    owner: &Ident,
    out: &mut Difference,
) {
    let left = |why: &str| Left {
        role: owner.clone(),
        what: format!("ownership of {}", describe(on)),
        why: why.to_owned(),
    };
    let key = (on.clone(), owner.clone());
    let is_known = sides.desired.known.get(&key);
    if is_known.is_some_and(|known| known.contains(Privilege::OWNERSHIP)) {
        out.left
            .push(left("the grant that gives it is switched off, or leaves what is there alone"));
    } else if let Some(keeps) = names.keeps(owner) {
        out.left.push(left(keeps.why()));
    } else if names.is_playbook(owner) {
        to_admin(sides, on, owner, left, out);
    } else if !on.class().is_relation() {
        out.left.push(left("ownership of such objects is not declared in dbt: move it by hand"));
    } else if !in_reach(sides, names, owner, on.schema_key().as_ref()) {
        out.left.push(left("the manifest does not name that schema; --prune takes it"));
    } else if let Some(deploy_role) =
        sides.deploy_role.filter(|r| sides.observed.roles.contains_key(*r))
    {
        out.steps.push(Step {
            change: Change::SetOwner {
                on: on.clone(),
                from: owner.clone(),
                to: deploy_role.clone(),
            },
            why: Why::Undeclared,
        });
    } else {
        out.left
            .push(left("ownership cannot be revoked, only given to somebody: set `deploy_role`"));
    }
}

/// Ownership cannot be revoked. What a playbook no longer declares goes to the configured role, and
/// whoever reads the plan is told to say who is to own it.
fn to_admin(
    sides: &Sides,
    on: &Securable,
    owner: &Ident,
    left: impl Fn(&str) -> Left,
    out: &mut Difference,
) {
    let Some(admin) = &sides.desired.admin_role else {
        out.left
            .push(left("ownership cannot be revoked, only given to somebody: set `admin_role`"));
        return;
    };
    if !sides.observed.roles.contains_key(admin) {
        out.left.push(left("it would go to `admin_role`, which does not exist on the server"));
        return;
    }
    if admin == owner || dialect::of(sides.desired.dialect).owner_word(on.class()).is_none() {
        out.left.push(left("it cannot be given to another role"));
        return;
    }
    out.found.push(
        Diagnostic::warning(
            "ownership-undeclared",
            format!(
                "nobody declares any more who owns {}: it goes from {owner} to {admin}",
                describe(on)
            ),
        )
        .with_help("declare the role that is to own it, with the privilege `ownership`"),
    );
    out.steps.push(Step {
        change: Change::SetOwner { on: on.clone(), from: owner.clone(), to: admin.clone() },
        why: Why::Undeclared,
    });
}

/// dbt must go on rebuilding: its role is, or by this plan becomes, a member of the owner.
fn check_deploy_role(
    sides: &Sides,
    names: &NewNames,
    (on, owner): (&Securable, &Ident),
    new: &BTreeSet<Ident>,
    out: &mut Difference,
) {
    let Some(deploy_role) = sides.deploy_role else { return };
    let Some(role) = sides.observed.roles.get(deploy_role) else {
        out.found.push(
            Diagnostic::error(
                "missing-deploy-role",
                format!("deploy_role {deploy_role} does not exist on the server"),
            )
            .with_help("create it, or mend `deploy_role` in rolecall.yml"),
        );
        return;
    };
    // Before PostgreSQL 16 a member without INHERIT does not act as the owner by itself.
    let acts = role.attributes.inherit || sides.observed.server.version >= 160_000;
    if role.attributes.superuser || acts && is_member(sides, names, deploy_role, owner, new) {
        return;
    }
    let mut error = Diagnostic::error(
        "own-would-break-dbt",
        format!("{owner} is declared to own {on}, but deploy_role {deploy_role} is no member of it: dbt could not rebuild it"),
    )
    .with_help(format!(
        "add `{}: {deploy_role}` to the members of that role, or declare what it needs instead of ownership",
        if sides.observed.server.dialect == DialectKind::Snowflake { "group" } else { "user" }
    ));
    let because = sides.desired.owners.get(on).into_iter().flat_map(|owner| &owner.because);
    let place = because.filter(|why| why.line.is_some()).find_map(|why| {
        let file = why.file.as_ref()?;
        Some(Place { line: why.line, ..Place::file(file) })
    });
    error.place = place;
    out.found.push(error);
}

/// Whether `member` holds `role` after the plan: by declared memberships of managed roles, and by
/// observed ones of others.
fn is_member(
    sides: &Sides,
    names: &NewNames,
    member: &Ident,
    role: &Ident,
    new: &BTreeSet<Ident>,
) -> bool {
    let is_there = |role: &Ident, member: &Ident| {
        let mut observed = sides.observed.memberships.iter();
        observed.any(|m| new_name(names, &m.role) == role && m.member == *member)
    };
    let will_be = |role: &Ident, member: &Ident| {
        sides.within.admits(role, member, new.contains(role), sides.deploy_role)
            || is_there(role, member)
    };
    let mut seen: BTreeSet<&Ident> = BTreeSet::new();
    let mut todo = vec![role];
    while let Some(role) = todo.pop() {
        if role == member {
            return true;
        }
        if !seen.insert(role) {
            continue;
        }
        let declared = sides.desired.memberships.keys();
        todo.extend(declared.filter(|(r, m)| r == role && will_be(r, m)).map(|(_, m)| m));
        let managed = sides.desired.roles.contains_key(role) || names.contains_key(role);
        if !managed {
            let observed = sides.observed.memberships.iter();
            todo.extend(observed.filter(|m| m.role == *role).map(|m| &m.member));
        }
    }
    false
}
