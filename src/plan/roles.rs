//! Which roles are made, renamed, adopted and dropped.

use std::collections::{BTreeMap, BTreeSet};

use super::manner::{Keeps, has_power, marker_of};
use super::standing::{fix, switched_off};
use super::{Difference, Left, NewNames, Refusal, Sides, Step, Why, in_reach, new_name};
use crate::dialect;
use crate::model::{Change, Diagnostic, Ident, Marker, MarkerReading, Scope};

/// Plans the roles themselves, and says which observed roles are managed, under which names they
/// will be known.
pub(super) fn roles(sides: &Sides, out: &mut Difference) -> NewNames {
    let mut ours = ours(sides, out);
    let untouched = switched_off(sides, &mut ours, out);
    let mut names: BTreeMap<Ident, Ident> = BTreeMap::new();
    let mut absent: BTreeSet<Ident> = BTreeSet::new();
    let mut renames: Vec<(Ident, Ident)> = Vec::new();
    for (name, role) in &sides.desired.roles {
        match ours.get(&key(name, &role.marker)) {
            Some(observed) if observed == name => {
                names.insert(name.clone(), name.clone());
                fix(sides, name, observed, role, out);
            }
            Some(observed) => {
                names.insert(observed.clone(), name.clone());
                renames.push((observed.clone(), name.clone()));
                fix(sides, name, observed, role, out);
            }
            // Not there, and no part of what this plan is about.
            None if !sides.within.makes(name) => {}
            None => match sides.observed.roles.get(name) {
                None if !role.manner.create => {
                    absent.insert(name.clone());
                    out.left.push(Left {
                        role: name.clone(),
                        what: format!("the role {name}, which does not exist"),
                        why: "`create: false`: whoever makes it comes first, and nothing of it is planned until then".to_owned(),
                    });
                }
                None => out.steps.push(Step {
                    change: Change::CreateRole { role: name.clone(), marker: role.marker.clone() },
                    why: Why::Configured,
                }),
                // Ours under this very name, but for another product role: it must be renamed first.
                Some(_) if ours.values().any(|observed| observed == name) => {
                    out.steps.push(Step {
                        change: Change::CreateRole {
                            role: name.clone(),
                            marker: role.marker.clone(),
                        },
                        why: Why::Configured,
                    });
                }
                Some(_) => adopt(sides, name, &role.marker, &mut names, out),
            },
        }
    }
    let kept: BTreeSet<&Ident> = names.keys().collect();
    let gone: Vec<Ident> = ours.values().filter(|name| !kept.contains(name)).cloned().collect();
    for name in gone {
        names.insert(name.clone(), name);
    }
    let names = NewNames::of(sides, names, absent, untouched);
    if !sides.within.is_everything() || sides.options.only_adds {
        renames.clear();
    }
    check_taken(sides, &names, &renames, out);
    order_renames(sides, renames, out);
    protect_self(sides, &names, out);
    other_environments(sides, out);
    other_templates(sides, out);
    names
}

/// The database of a role that lives in one, instance, product, product role, policy, and playbook.
pub(super) type Key =
    (Option<Ident>, Option<String>, String, String, Option<String>, Option<String>);

pub(super) fn key(name: &Ident, marker: &Marker) -> Key {
    let database = name.in_parts().map(|(database, _)| database);
    let Marker { instance, product, role, policy, playbook, .. } = marker.clone();
    (database, instance, product, role, policy, playbook)
}

/// The observed roles that bear the markers of this scope.
fn ours(sides: &Sides, out: &mut Difference) -> BTreeMap<Key, Ident> {
    let mut ours: BTreeMap<Key, Ident> = BTreeMap::new();
    for (name, role) in &sides.observed.roles {
        let MarkerReading::Marker(marker) = &role.marker else { continue };
        if !sides.scope.holds(marker) {
            continue;
        }
        if let Some(why) = dialect::of(sides.observed.server.dialect).reserved(name) {
            out.found.push(
                Diagnostic::warning(
                    "marker-on-reserved",
                    format!("the role {name} bears our marker and is left alone: {why}"),
                )
                .with_help("somebody wrote that comment: clear it"),
            );
            continue;
        }
        if let Some(other) = ours.insert(key(name, marker), name.clone()) {
            out.found.push(
                Diagnostic::error(
                    "marker-twice",
                    format!(
                        "the roles {other} and {name} both bear the marker of {} in {}",
                        marker.whose(),
                        marker.environment
                    ),
                )
                .with_help(
                    "somebody copied a comment: clear the comment of the one that is not ours",
                ),
            );
        }
    }
    ours
}

fn adopt(
    sides: &Sides,
    name: &Ident,
    marker: &Marker,
    names: &mut BTreeMap<Ident, Ident>,
    out: &mut Difference,
) {
    let role = &sides.observed.roles[name];
    let refuse = |out: &mut Difference, message: String, help: &str| {
        out.refused.push(Refusal { code: "role-exists", message, help: help.to_owned() });
    };
    match &role.marker {
        MarkerReading::Marker(other) => {
            let whose = format!(
                "{} of the deployment {} in {}",
                other.whose(),
                other.deployment,
                other.environment
            );
            refuse(
                out,
                format!("the role {name} exists, and its marker says that it is {whose}"),
                "two deployments or environments on one server need different role names: change `role_name`",
            );
        }
        _ if role.attributes.superuser || *name == sides.observed.server.acting_as => refuse(
            out,
            format!(
                "the role {name} exists, and is a superuser or the role that this session runs as"
            ),
            "such a role cannot be managed: change `role_name`",
        ),
        MarkerReading::Unreadable(comment) if !sides.options.adopt => refuse(
            out,
            format!("the role {name} exists, with a marker that cannot be read: {comment:?}"),
            "a newer version may have made it; --adopt takes it over",
        ),
        _ if !sides.options.adopt => refuse(
            out,
            format!("the role {name} exists, and was not made by rolecall"),
            match sides.options.only_adds {
                true => {
                    "a promotion adopts nothing: an ordinary plan and apply there, with --adopt, does"
                }
                false => "--adopt brings it under management, and lists its members as gains",
            },
        ),
        _ => {
            let marker = Marker { adopted: !sides.options.prune, ..marker.clone() };
            out.steps.push(Step {
                change: Change::AdoptRole { role: name.clone(), marker },
                why: Why::Configured,
            });
            names.insert(name.clone(), name.clone());
            for membership in &sides.observed.memberships {
                if membership.role == *name {
                    out.adopted_members.insert((name.clone(), membership.member.clone()));
                }
            }
        }
    }
}

/// A name that is wanted for a rename or a new role must be free, or be made free by a rename.
fn check_taken(sides: &Sides, names: &NewNames, renames: &[(Ident, Ident)], out: &mut Difference) {
    let leaves = |name: &Ident| renames.iter().any(|(from, _)| from == name);
    let created: Vec<&Ident> = out
        .steps
        .iter()
        .filter_map(|step| match &step.change {
            Change::CreateRole { role, .. } => Some(role),
            _ => None,
        })
        .collect();
    let wanted = renames.iter().map(|(_, to)| to).chain(created);
    let mut taken: Vec<Ident> = wanted
        .filter(|name| sides.observed.roles.contains_key(*name) && !leaves(name))
        .cloned()
        .collect();
    taken.sort();
    for name in taken {
        let what = if names.contains_key(&name) {
            "a managed role that is no longer declared"
        } else {
            "a role that is not ours"
        };
        out.refused.push(Refusal {
            code: "role-exists",
            message: format!("the role name {name} is wanted, but {what} has it"),
            help: "rename or drop that role, or change `role_name`".to_owned(),
        });
    }
}

/// Renames in an order in which each finds its new name free; a circle is refused.
fn order_renames(sides: &Sides, mut renames: Vec<(Ident, Ident)>, out: &mut Difference) {
    let mut taken: BTreeSet<Ident> = sides.observed.roles.keys().cloned().collect();
    let mut steps = Vec::new();
    while let Some(at) = renames.iter().position(|(_, to)| !taken.contains(to)) {
        let (from, to) = renames.remove(at);
        taken.remove(&from);
        taken.insert(to.clone());
        steps.push(Step { change: Change::RenameRole { from, to }, why: Why::Configured });
    }
    if !renames.is_empty() && out.refused.is_empty() {
        let names: Vec<String> =
            renames.iter().map(|(from, to)| format!("{from} → {to}")).collect();
        out.refused.push(Refusal {
            code: "rename-circle",
            message: format!("these renames wait for each other: {}", names.join(", ")),
            help: "give one of them another name first, apply, and then the name that is wanted"
                .to_owned(),
        });
    }
    steps.append(&mut out.steps);
    out.steps = steps;
}

/// The role that the session runs as is never managed by it.
fn protect_self(sides: &Sides, names: &NewNames, out: &mut Difference) {
    let acting_as = &sides.observed.server.acting_as;
    if names.contains_key(acting_as) {
        out.refused.push(Refusal {
            code: "managed-self",
            message: format!("the role {acting_as}, which this session runs as, bears our marker"),
            help: "connect as another role, or clear that role's comment".to_owned(),
        });
    }
    for (name, becomes) in names.iter().filter(|(name, _)| *name != acting_as) {
        let role = &sides.observed.roles[name];
        let deploys = sides.deploy_role == Some(name);
        // Nothing is taken from it, so it does not matter whose it is.
        if !deploys && names.is_playbook(becomes) && names.keeps(becomes).is_some() {
            continue;
        }
        // A role of ours never logs in. One that does, under a name that nobody declares, is more
        // likely somebody's than ours: its marker is only a comment, which others can write.
        let strange = name != becomes || !sides.desired.roles.contains_key(name);
        if !role.attributes.superuser && (deploys || strange && has_power(&role.attributes)) {
            out.refused.push(Refusal {
                code: "marker-on-a-stranger",
                message: format!(
                    "the role {name} bears our marker, and {}",
                    if deploys { "is the deploy_role" } else { "can log in or has power of its own" }
                ),
                help: match names.is_playbook(becomes) {
                    true => format!(
                        "a marker is only a comment: to let go of {name} with all that it has, clear it ({}); to take its grants first, declare the role once more with `grants: []`",
                        let_go(sides, name)
                    ),
                    false => format!(
                        "a marker is only a comment: clear it ({}), or, if {name} is really a product role, take LOGIN and its other attributes away by hand",
                        let_go(sides, name)
                    ),
                },
            });
        }
    }
    for name in names.keys().filter(|name| sides.observed.roles[*name].attributes.superuser) {
        out.refused.push(Refusal {
            code: "managed-superuser",
            message: format!("the role {name} bears our marker and is a superuser"),
            help: "a marker is only a comment: clear it, or take SUPERUSER from the role by hand"
                .to_owned(),
        });
    }
}

/// The statement that clears a role's comment, and with it our marker.
fn let_go(sides: &Sides, role: &Ident) -> String {
    format!("COMMENT ON ROLE {} IS NULL", dialect::of(sides.desired.dialect).quote(role))
}

/// Roles of environments that the configuration no longer has are named; `--retire` empties them.
fn other_environments(sides: &Sides, out: &mut Difference) {
    let mut gone: BTreeMap<&str, Vec<&Ident>> = BTreeMap::new();
    for (name, role) in &sides.observed.roles {
        if let MarkerReading::Marker(marker) = &role.marker
            && marker.deployment == sides.scope.deployment
            && marker.environment != sides.scope.environment
            && !sides.environments.contains(&marker.environment)
        {
            gone.entry(&marker.environment).or_default().push(name);
        }
    }
    for (environment, roles) in gone {
        let list = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
        out.found.push(
            Diagnostic::warning(
                "environment-gone",
                format!("the environment {environment} is gone from the configuration, and its roles are still there: {list}"),
            )
            .with_help(format!("`--retire {environment}` takes what they have")),
        );
    }
}

/// Roles of this environment from the time when `role_name` used `target.*` and now does not, or the
/// other way round: no plan reaches them, so they are named.
fn other_templates(sides: &Sides, out: &mut Difference) {
    let Scope { deployment, environment, instance, every_instance, database: _, schemas: _ } =
        sides.scope;
    let of_old = |marker: &Marker| {
        marker.deployment == *deployment
            && marker.environment == *environment
            && marker.instance.is_some() != instance.is_some()
            && !every_instance
    };
    let old: Vec<&str> = sides
        .observed
        .roles
        .iter()
        .filter(|(_, role)| matches!(&role.marker, MarkerReading::Marker(m) if of_old(m)))
        .map(|(name, _)| name.as_str())
        .collect();
    if !old.is_empty() {
        out.found.push(
            Diagnostic::warning(
                "template-changed",
                format!(
                    "these roles of {environment} are from another `role_name`, and no plan reaches them: {}",
                    old.join(", ")
                ),
            )
            .with_help(
                "plan once with the old template and no products to empty them, or drop them by hand",
            ),
        );
    }
}

/// Roles that are no longer declared: emptied by the other steps, dropped only if that is wanted
/// and nothing would be left behind.
pub(super) fn drops(sides: &Sides, names: &NewNames, out: &mut Difference) {
    for (observed, name) in names.iter() {
        if sides.desired.roles.contains_key(name) {
            continue;
        }
        let elsewhere = sides.observed.roles[observed].used_elsewhere;
        let keeps: Vec<&Left> = out.left.iter().filter(|left| left.role == *name).collect();
        // Its default privileges for others stay, and would hold up the drop.
        let gives = sides.observed.defaults.iter().find(|default| {
            let grantee = new_name(names, &default.grantee);
            let goes = names.contains_key(&default.grantee)
                && names.keeps(grantee).is_none()
                && in_reach(sides, names, grantee, default.schema_key().as_ref());
            default.creator.as_ref() == Some(observed) && !goes
        });
        // Memberships that are nobody's declaration stay, and would hold it up as well.
        let stays = sides.observed.memberships.iter().find(|m| {
            let theirs = names.untouched.contains(&m.role) || names.untouched.contains(&m.member);
            let undeclared = !names.declares_members(new_name(names, &m.role));
            (m.role == *observed || m.member == *observed || m.grantor == *observed) && theirs
                || m.grantor == *observed && undeclared
        });
        let was_there =
            marker_of(sides, observed).is_some_and(|m| m.playbook.is_some() && m.adopted);
        let why = if names.keeps(name) == Some(Keeps::Login) {
            format!(
                "no longer declared: kept with all that it was granted, since it was there before and can log in or has power of its own. To take that, declare it once more with `grants: []` and plan with --prune; to let go of it, clear its comment: {}",
                let_go(sides, observed)
            )
        } else if !sides.options.drop_roles && names.keeps(name).is_some() {
            "no longer declared: kept with all that it was granted, since it was adopted; --prune takes that".to_owned()
        } else if !sides.options.drop_roles && was_there {
            "no longer declared: emptied and kept, since it was there before; drop it by hand"
                .to_owned()
        } else if !sides.options.drop_roles {
            "no longer declared: emptied and kept; --drop-roles drops it".to_owned()
        } else if was_there {
            "no longer declared, but it was there before: kept, drop it by hand".to_owned()
        } else if elsewhere > 0 {
            format!(
                "no longer declared, but used by {elsewhere} objects in other databases: kept until plans there have emptied it"
            )
        } else if let Some(left) = keeps.first() {
            format!("no longer declared, but kept because of {}", left.what)
        } else if let Some(stays) = stays {
            format!("no longer declared, but kept because {} stays in {}", stays.member, stays.role)
        } else if let Some(gives) = gives {
            format!(
                "no longer declared, but kept because {} gets {} on what it will create",
                gives.grantee, gives.privileges
            )
        } else {
            out.steps
                .push(Step { change: Change::DropRole { role: name.clone() }, why: Why::RoleGone });
            continue;
        };
        out.left.push(Left { role: name.clone(), what: format!("the role {name} itself"), why });
    }
}
