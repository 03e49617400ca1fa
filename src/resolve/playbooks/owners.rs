//! Ownership by playbooks: dbt must go on rebuilding what it makes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Inputs;
use super::{Giving, One};
use crate::model::{
    DesiredOwner, DesiredState, Diagnostic, Diagnostics, ObjectClass, Reason, RelationKey,
    Securable,
};

impl Giving<'_, '_> {
    /// Declares an owner, or says who is declared already.
    pub(super) fn own(
        &mut self,
        one: &One,
        on: &Securable,
        because: &Reason,
        desired: &DesiredState,
        found: &mut Diagnostics,
    ) {
        if self.inputs.dialect.owner_word(on.class()).is_none() {
            let what = format!("ownership of the class {}", on.class());
            self.said.unsupported(&what, &one.grant.place);
            return;
        }
        if let Some(other) = desired.owners.get(on).or_else(|| self.owners.get(on)) {
            if other.role == *one.role {
                return;
            }
            let theirs = other.because.first();
            let theirs = theirs.map(|r| format!(" ({})", at(r))).unwrap_or_default();
            found.push(
                Diagnostic::error(
                    "two-owners",
                    format!("{on} would be owned by {}{theirs} and by {}", other.role, one.role),
                )
                .with_help("an object has one owner: keep one of the two")
                .with_place(one.grant.place.clone()),
            );
            return;
        }
        self.given += 1;
        let owner = DesiredOwner { role: one.role.clone(), because: vec![because.clone()] };
        self.owners.insert(on.clone(), owner);
    }
}

pub(super) fn at(reason: &Reason) -> String {
    let file = reason.file.clone().unwrap_or_default();
    reason.line.map_or(file.clone(), |line| format!("{file}:{line}"))
}

/// What dbt makes needs a `deploy_role` that is a member of the owner, as `own` does.
pub(super) fn check(
    inputs: &Inputs,
    owners: &BTreeMap<Securable, DesiredOwner>,
    made_by_dbt: &BTreeMap<RelationKey, ObjectClass>,
    found: &mut Diagnostics,
) {
    if inputs.environment.deploy_role.is_some() {
        return;
    }
    let mut told: BTreeSet<&Vec<Reason>> = BTreeSet::new();
    for (on, owner) in owners {
        if on.relation_key().is_none_or(|key| !made_by_dbt.contains_key(&key))
            || !told.insert(&owner.because)
        {
            continue;
        }
        let by = owner.because.first().map(at).unwrap_or_default();
        let mut error = Diagnostic::error(
            "own-without-deploy-role",
            format!(
                "{} is to own {on} ({by}), which dbt makes, but {} has no deploy_role: dbt could not rebuild it",
                owner.role, inputs.environment.name
            ),
        )
        .with_help("set `deploy_role:` of the environment to the role that runs dbt, and make it a member of the owner");
        error.place = Some(inputs.environment.place.clone());
        found.push(error);
    }
}

impl One<'_> {
    /// The line of the object's name, else of the grant.
    pub(super) fn place(&self) -> &crate::model::Place {
        self.grant.object.as_ref().map_or(&self.grant.place, |name| &name.place)
    }
}
