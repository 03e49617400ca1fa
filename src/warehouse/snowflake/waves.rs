//! The order of an apply without transactions: waves of changes that do not depend on each other,
//! and what waits where something failed.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Change, DialectKind, Ident, Securable};
use crate::plan::phase;

/// Changes that are made one after the other; chains of a wave run side by side.
pub(super) type Chain = Vec<usize>;

/// The waves, in order: each begins when the one before has ended.
pub(super) fn waves(changes: &[Change]) -> Vec<Vec<Chain>> {
    let all: Vec<usize> = (0..changes.len()).collect();
    let phase = |at: &usize| phase(&changes[*at], DialectKind::Snowflake);
    all.chunk_by(|a, b| phase(a) == phase(b)).map(|wave| chains(changes, wave)).collect()
}

fn chains(changes: &[Change], wave: &[usize]) -> Vec<Chain> {
    let mut of_object: BTreeMap<&Securable, Chain> = BTreeMap::new();
    let mut renames = Chain::new();
    let mut chains = Vec::new();
    for &at in wave {
        match &changes[at] {
            // Each waits for the name that the one before makes free.
            Change::RenameRole { .. } => renames.push(at),
            // What was passed on goes before the right to pass it on.
            Change::Revoke { on, .. } | Change::RevokeGrantOption { on, .. } => {
                of_object.entry(on).or_default().push(at);
            }
            _ => chains.push(vec![at]),
        }
    }
    if !renames.is_empty() {
        chains.push(renames);
    }
    chains.extend(of_object.into_values());
    chains
}

/// What has failed or was not tried, as far as others depend on it.
#[derive(Default)]
pub(super) struct Broken {
    roles: BTreeSet<Ident>,
    objects: BTreeSet<Securable>,
    gaining: BTreeSet<Ident>,
    members: bool,
}

impl Broken {
    /// Remembers a change that was not made.
    pub(super) fn add(&mut self, change: &Change) {
        match change {
            Change::CreateRole { role, .. } | Change::AdoptRole { role, .. } => {
                self.roles.insert(role.clone());
            }
            Change::RenameRole { from, to } => {
                self.roles.extend([from.clone(), to.clone()]);
            }
            Change::Grant { on, role, .. } | Change::SetOwner { on, to: role, .. } => {
                self.objects.insert(on.clone());
                self.gaining.insert(role.clone());
            }
            Change::AddMember { .. } => self.members = true,
            Change::GrantDefault { role, .. } | Change::SetRoleOwner { role, .. } => {
                self.gaining.insert(role.clone());
            }
            // What takes away holds nothing up but a role's end, which is asked for by itself.
            Change::RevokeGrantOption { role, .. }
            | Change::Revoke { role, .. }
            | Change::RevokeDefault { role, .. }
            | Change::RevokeAdminOption { role, .. }
            | Change::RemoveMember { role, .. }
            | Change::ResetAttributes { role, .. }
            | Change::DropRole { role } => {
                self.gaining.insert(role.clone());
            }
        }
    }

    /// Why a change cannot or may not be made now.
    pub(super) fn holds_up(&self, change: &Change) -> Option<String> {
        let role = |role: &Ident| {
            self.roles.contains(role).then(|| format!("the role {role} is not ready"))
        };
        let instead = "what is to take its place could not be granted";
        match change {
            Change::CreateRole { role: r, .. } | Change::AdoptRole { role: r, .. } => role(r),
            Change::RenameRole { from, to } => role(from).or_else(|| role(to)),
            Change::Grant { role: r, .. } | Change::SetOwner { to: r, .. } => role(r),
            Change::GrantDefault { role: r, .. } => role(r),
            Change::SetRoleOwner { role: r, to, .. } => role(r).or_else(|| role(to)),
            Change::AddMember { role: r, member, .. } => role(r).or_else(|| role(member)),
            // Whoever has access before and after has it all along.
            Change::Revoke { on, role: r, .. } | Change::RevokeGrantOption { on, role: r, .. } => {
                let replaced = self.members
                    || !self.roles.is_empty()
                    || self.gaining.contains(r)
                    || self
                        .objects
                        .iter()
                        .any(|other| other == on || within(on, other) || within(other, on));
                replaced.then(|| instead.to_owned())
            }
            Change::RemoveMember { .. } => {
                let replaced = self.members || !self.roles.is_empty() || !self.gaining.is_empty();
                replaced.then(|| instead.to_owned())
            }
            Change::RevokeDefault { role: r, .. }
            | Change::RevokeAdminOption { role: r, .. }
            | Change::ResetAttributes { role: r, .. } => role(r),
            Change::DropRole { role: r } => role(r)
                .or_else(|| self.gaining.contains(r).then(|| "it is not empty yet".to_owned())),
        }
    }
}

/// Whether an object is in a container.
fn within(on: &Securable, container: &Securable) -> bool {
    container.class().is_container()
        && container.database_name() == on.database_name()
        && container.schema_name().is_none_or(|schema| on.schema_name() == Some(schema))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MemberKind, ObjectClass, Privilege, PrivilegeSet};

    fn id(name: &str) -> Ident {
        Ident::new(name).unwrap()
    }

    fn table(name: &str) -> Securable {
        Securable::in_schema(ObjectClass::Table, id("D"), id("S"), id(name))
    }

    const SELECT: PrivilegeSet = PrivilegeSet::of(&[Privilege::SELECT]);

    fn grant(on: Securable, role: &str) -> Change {
        Change::Grant { on, role: id(role), privileges: SELECT }
    }

    fn revoke(on: Securable, role: &str) -> Change {
        Change::Revoke { on, role: id(role), privileges: SELECT, grantor: None }
    }

    #[test]
    fn grants_run_side_by_side_and_revokes_of_one_object_in_turn() {
        let changes = [
            grant(Securable::database(id("D")), "A"),
            grant(table("T"), "A"),
            grant(table("U"), "A"),
            revoke(table("T"), "B"),
            revoke(table("T"), "C"),
            revoke(table("U"), "B"),
            grant(table("T"), "B"),
        ];
        let expected =
            [vec![vec![0]], vec![vec![1], vec![2]], vec![vec![3, 4], vec![5]], vec![vec![6]]];
        assert_eq!(waves(&changes), expected);
    }

    #[test]
    fn what_is_taken_waits_for_what_takes_its_place_and_nothing_else_does() {
        let mut broken = Broken::default();
        broken.add(&grant(table("T"), "NEW"));
        assert!(broken.holds_up(&revoke(table("T"), "OLD")).is_some());
        assert!(broken.holds_up(&revoke(Securable::database(id("D")), "OLD")).is_some());
        assert!(broken.holds_up(&revoke(table("U"), "OLD")).is_none());
        assert!(broken.holds_up(&grant(table("U"), "NEW")).is_none());
        let leaves = Change::RemoveMember {
            role: id("OLD"),
            member: id("P"),
            kind: MemberKind::User,
            grantor: None,
        };
        assert!(broken.holds_up(&leaves).is_some());
    }

    #[test]
    fn nothing_is_given_to_a_role_that_was_not_made() {
        let mut broken = Broken::default();
        let marker = crate::model::Marker {
            deployment: "d".into(),
            environment: "e".into(),
            instance: None,
            product: "p".into(),
            role: "r".into(),
            policy: None,
            immutable: false,
            playbook: None,
            adopted: false,
        };
        broken.add(&Change::CreateRole { role: id("R"), marker });
        assert!(broken.holds_up(&grant(table("T"), "R")).is_some());
        assert!(broken.holds_up(&grant(table("T"), "Q")).is_none());
    }
}
