//! How a role that is there already stands: what its marker says from now on, who owns it, and which
//! ones are switched off.

use std::collections::{BTreeMap, BTreeSet};

use super::manner::marker_of;
use super::roles::{Key, key};
use super::{Difference, Left, NewNames, Sides, Step, Why, new_name};
use crate::dialect;
use crate::model::{Change, DesiredRole, Diagnostic, DialectKind, Ident, Marker};

/// A role that becomes immutable says so from now on; one that is so stays so.
///
/// That a role was adopted is forgotten once what nobody declares has been taken (`--prune`).
pub(super) fn fix(
    sides: &Sides,
    name: &Ident,
    observed: &Ident,
    role: &DesiredRole,
    out: &mut Difference,
) {
    let Some(now) = marker_of(sides, observed) else { return };
    let DesiredRole { marker, manner } = role;
    if !marker.immutable && now.immutable {
        out.found.push(still_immutable(sides, observed, marker));
    }
    if !sides.within.is_everything() || sides.options.only_adds {
        return;
    }
    let immutable = marker.immutable || now.immutable;
    let adopted = now.adopted && !(sides.options.prune && manner.revoke_other_grants);
    if immutable != now.immutable || adopted != now.adopted {
        let marker = Marker { immutable, adopted, ..marker.clone() };
        out.steps.push(Step {
            change: Change::AdoptRole { role: name.clone(), marker },
            why: Why::Configured,
        });
    }
}

/// The roles that are switched off, taken out of those that are managed.
pub(super) fn switched_off(
    sides: &Sides,
    ours: &mut BTreeMap<Key, Ident>,
    out: &mut Difference,
) -> BTreeSet<Ident> {
    let mut untouched = BTreeSet::new();
    for (name, marker) in &sides.desired.disabled {
        let observed = ours.remove(&key(name, marker)).unwrap_or_else(|| name.clone());
        out.left.push(Left {
            role: observed.clone(),
            what: format!("the role {observed}"),
            why: "`enable: false`: nothing of it is touched".to_owned(),
        });
        untouched.insert(observed);
    }
    untouched
}

/// Who owns the roles themselves, where that is declared and roles have owners.
pub(super) fn role_owners(sides: &Sides, names: &NewNames, out: &mut Difference) {
    for (name, role) in &sides.desired.roles {
        let Some(to) = role.manner.owner.as_ref().filter(|_| !names.absent.contains(name)) else {
            continue;
        };
        if sides.observed.server.dialect != DialectKind::Snowflake {
            out.left.push(Left {
                role: name.clone(),
                what: format!("its owner, which is to be {to}"),
                why: "roles have no owners in PostgreSQL".to_owned(),
            });
            continue;
        }
        if !sides.observed.roles.contains_key(to) && !sides.desired.roles.contains_key(to) {
            out.found.push(
                Diagnostic::error(
                    "missing-role-owner",
                    format!("{to}, which is to own the role {name}, does not exist"),
                )
                .with_help("create it, or mend `role-owner` in the playbook"),
            );
            continue;
        }
        let observed = names.iter().find(|(_, new)| *new == name).map(|(observed, _)| observed);
        let from = observed.and_then(|observed| sides.observed.roles.get(observed)?.owner.as_ref());
        let from = from.map(|owner| new_name(names, owner).clone());
        if from.as_ref() != Some(to) {
            out.steps.push(Step {
                change: Change::SetRoleOwner { role: name.clone(), from, to: to.clone() },
                why: Why::Declared(role.manner.because.clone()),
            });
        }
    }
}

/// What the file takes back, the marker does not: only an administrator can, by hand.
fn still_immutable(sides: &Sides, observed: &Ident, marker: &Marker) -> Diagnostic {
    let free = Change::AdoptRole { role: observed.clone(), marker: marker.clone() };
    let target = (&sides.observed.server).into();
    let sql = dialect::of(sides.desired.dialect).statements(&[free], &target).ok();
    let how = sql.and_then(|all| Some(format!(": {};", all.first()?.sql))).unwrap_or_default();
    Diagnostic::warning(
        "still-immutable",
        format!(
            "{observed} ({}) is not immutable by the files any more, and its marker still says so: nothing is taken from it",
            marker.whose()
        ),
    )
    .with_help(format!(
        "to end that, an administrator of the warehouse writes its comment anew{how}"
    ))
}
