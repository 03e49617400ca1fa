//! Whether a reviewed plan still fits what was observed and computed again.

use std::collections::{BTreeMap, BTreeSet};

use super::{Difference, Plan, TargetIdentity};
use crate::model::{
    Change, DesiredState, Ident, ObservedState, PrivilegeSet, Scope, Securable, ServerIdentity,
};

/// Why a plan may not be applied any more. Exit status 6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// One line for each thing that the plan does not cover.
    pub because: Vec<String>,
    /// What to do.
    pub help: String,
}

const MAKE_AGAIN: &str = "make the plan again";

/// Whether a plan is for this server, database and environment. To be asked before anything is
/// compared: on another server, all kinds of things would be missing.
pub fn made_for(plan: &Plan, server: &ServerIdentity, environment: &str) -> Result<(), Stale> {
    let made = &plan.scope;
    if made.environment != environment {
        return Err(Stale {
            because: vec![format!(
                "it was made for {} of the deployment {}, and this is {environment}",
                made.environment, made.deployment
            )],
            help: format!("give --target {}", made.environment),
        });
    }
    let TargetIdentity { dialect, system, database } = &plan.target;
    if *dialect != server.dialect || *system != server.system || *database != server.database {
        let because = vec![match database {
            Some(database) => format!(
                "it was made for the database {database} of another server, or another database of this one"
            ),
            None => format!("it was made for {system}, another account"),
        }];
        return Err(Stale { because, help: "apply it there, or make one for this".to_owned() });
    }
    Ok(())
}

/// Whether every change that is needed now was in the plan, or grants declared access again on a
/// relation that was rebuilt since: another life of it, of the same class and owner. Changes that
/// are already made simply do not come up again. `strict` takes no relation for rebuilt: which life of
/// one a plan is about is only what its file says.
pub fn fits(
    plan: &Plan,
    scope: &Scope,
    observed: &ObservedState,
    now: &Difference,
    strict: bool,
) -> Result<(), Stale> {
    made_for(plan, &observed.server, &scope.environment)?;
    let mut because = Vec::new();
    let Scope { deployment, environment, instance, every_instance, database: _, schemas: _ } =
        &plan.scope;
    if *deployment != scope.deployment
        || *environment != scope.environment
        || *instance != scope.instance
        || *every_instance != scope.every_instance
    {
        because.push(format!("it was made for {environment} of the deployment {deployment}"));
        return Err(Stale { because, help: MAKE_AGAIN.to_owned() });
    }
    let covered = Covered::by(plan);
    for step in &now.steps {
        let change = &step.change;
        let again = !strict && granted_again(plan, observed, change);
        if !covered.covers(change) && !again {
            because.push(format!("not in the plan: {}", change.brief()));
        }
    }
    for (role, member) in now.adopted_members.difference(&plan.adopted_members) {
        because.push(format!("not in the plan: {member} is in {role}, which it adopts"));
    }
    if because.is_empty() { Ok(()) } else { Err(Stale { because, help: MAKE_AGAIN.to_owned() }) }
}

/// Whether a plan lets somebody in by an entry that has ended since. That it does not come up again
/// is no reason to leave it out without a word: whoever reviewed the plan expects it.
pub fn ended(plan: &Plan, now: &DesiredState) -> Result<(), Stale> {
    let because: Vec<String> = plan
        .changes
        .iter()
        .filter_map(|planned| match &planned.change {
            Change::AddMember { role, member, .. } => {
                let ended = now.ended.get(&(role.clone(), member.clone()))?;
                Some(format!(
                    "it lets {member} into {role} by an entry that has ended since (until {}): {}",
                    ended.until,
                    ended.place()
                ))
            }
            _ => None,
        })
        .collect();
    if because.is_empty() { Ok(()) } else { Err(Stale { because, help: MAKE_AGAIN.to_owned() }) }
}

/// The changes of a plan, to be asked for one at a time.
#[derive(Default)]
struct Covered<'a> {
    grants: BTreeMap<(&'a Securable, &'a Ident), PrivilegeSet>,
    revokes: BTreeMap<(&'a Securable, &'a Ident, &'a Option<Ident>), PrivilegeSet>,
    /// A change of defaults, without its privileges.
    defaults: BTreeMap<Change, PrivilegeSet>,
    others: BTreeSet<&'a Change>,
}

impl<'a> Covered<'a> {
    fn by(plan: &'a Plan) -> Self {
        let mut covered = Self::default();
        for planned in &plan.changes {
            match &planned.change {
                Change::Grant { on, role, privileges } => {
                    covered.grants.insert((on, role), *privileges);
                }
                Change::GrantDefault { privileges, .. }
                | Change::RevokeDefault { privileges, .. } => {
                    let bare = without_privileges(&planned.change);
                    let all = covered.defaults.entry(bare).or_default();
                    *all = all.union(*privileges);
                }
                Change::Revoke { on, role, privileges, grantor } => {
                    covered.revokes.insert((on, role, grantor), *privileges);
                }
                other => {
                    covered.others.insert(other);
                }
            }
        }
        covered
    }

    /// The same change, or what is left of it.
    fn covers(&self, change: &Change) -> bool {
        match change {
            Change::Grant { on, role, privileges } => {
                self.grants.get(&(on, role)).is_some_and(|p| p.contains_all(*privileges))
            }
            Change::Revoke { on, role, privileges, grantor } => {
                self.revokes.get(&(on, role, grantor)).is_some_and(|p| p.contains_all(*privileges))
            }
            Change::GrantDefault { privileges, .. } | Change::RevokeDefault { privileges, .. } => {
                let all = self.defaults.get(&without_privileges(change));
                all.is_some_and(|all| all.contains_all(*privileges))
            }
            other => self.others.contains(other),
        }
    }
}

fn without_privileges(change: &Change) -> Change {
    let mut bare = change.clone();
    if let Change::GrantDefault { privileges, .. } | Change::RevokeDefault { privileges, .. } =
        &mut bare
    {
        *privileges = PrivilegeSet::EMPTY;
    }
    bare
}

/// Whether all that is needed now are grants that the plan had declared, on relations that were
/// rebuilt since.
pub fn only_grants_again(plan: &Plan, observed: &ObservedState, now: &Difference) -> bool {
    now.steps.iter().all(|step| granted_again(plan, observed, &step.change))
}

fn granted_again(plan: &Plan, observed: &ObservedState, change: &Change) -> bool {
    let Change::Grant { on, role, privileges } = change else { return false };
    let Some(was) = plan.relations.iter().find(|relation| relation.on == *on) else {
        return false;
    };
    let declared = was.declared.get(role).is_some_and(|was| was.contains_all(*privileges));
    declared && was_rebuilt(was, observed)
}

fn was_rebuilt(was: &super::PlannedRelation, observed: &ObservedState) -> bool {
    observed.inventory.relation(&was.on).is_some_and(|now| {
        now.incarnation != was.incarnation && now.class == was.on.class() && now.owner == was.owner
    })
}
