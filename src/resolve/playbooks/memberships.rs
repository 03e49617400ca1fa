//! `object-type: role`: the grantee gets all that another role has.

use std::collections::{BTreeMap, BTreeSet};

use super::said::Said;
use super::texts::reason;
use super::{Giving, One, PlaybookRoles};
use crate::model::{
    DesiredMembership, DesiredState, Diagnostic, Diagnostics, DialectKind, Ident, MemberKind, Place,
};

impl Giving<'_, '_> {
    /// The grantee becomes a member of a role of the account.
    pub(super) fn membership(
        &mut self,
        one: &One,
        name: &str,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) {
        let place = one.place();
        let Some(held) = self.texts.fold(name, "the role", place, found) else { return };
        let Some(held) = self.texts.not_reserved(held, place, found) else { return };
        if held == *one.role {
            found.push(
                Diagnostic::error("membership-circle", format!("{held} would be in itself"))
                    .with_help("take the grant out")
                    .with_place(place.clone()),
            );
            return;
        }
        let Some(held_as) = self.words_on_role(one, found) else { return };
        if self.disabled.contains(&held) {
            self.said.disabled(&held, place);
            return;
        }
        if let Some(ours) = desired.roles.get(&held)
            && ours.marker.playbook.is_none()
        {
            found.push(
                Diagnostic::error(
                    "managed-role-as-member",
                    format!("{} would be in {held}, which is {}", one.role, ours.marker.whose()),
                )
                .with_help("who is in a product role only its owner says, in rolecall/members/; whom a policy admits stands in the policy")
                .with_place(place.clone()),
            );
            return;
        }
        for (how, at) in held_as {
            match how {
                Held::Member => self.admit(one, held.clone(), &at, desired),
                Held::Owner => self.own_role(one, &held, &at, desired, found),
            }
        }
    }

    /// The grantee becomes a member of a role of a database.
    pub(super) fn database_role(
        &mut self,
        one: &One,
        (database, name): (&str, &str),
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) {
        if self.inputs.dialect.kind() != DialectKind::Snowflake {
            found.push(
                Diagnostic::error(
                    "unknown-object-type",
                    format!("{} has no roles of databases", self.inputs.dialect.kind()),
                )
                .with_help("write object-type: role")
                .with_place(one.grant.object_type.place.clone()),
            );
            return;
        }
        let place = one.place();
        let database = self.texts.fold(database, "the database", place, found);
        let name = self.texts.fold(name, "the role", place, found);
        let (Some(database), Some(name)) = (database, name) else { return };
        let Some(held_as) = self.words_on_role(one, found) else { return };
        let held = Ident::in_database(&database, &name);
        if let Some(ours) = desired.roles.get(&held) {
            found.push(
                Diagnostic::error(
                    "managed-role-as-member",
                    format!("{} would be in {held}, which is {}", one.role, ours.marker.whose()),
                )
                .with_help("who is in a product role only its owner says, in rolecall/members/")
                .with_place(place.clone()),
            );
            return;
        }
        for (how, at) in held_as {
            match how {
                Held::Member => self.admit(one, held.clone(), &at, desired),
                Held::Owner => self.said.unsupported("ownership of a role of a database", &at),
            }
        }
    }

    fn admit(&mut self, one: &One, held: Ident, at: &Place, desired: &mut DesiredState) {
        let key = (held, one.role.clone());
        if !one.enable {
            desired.known_memberships.insert(key);
            return;
        }
        self.given += 1;
        let because = reason(at, "usage");
        let wanted = desired
            .memberships
            .entry(key)
            .or_insert_with(|| DesiredMembership { kind: MemberKind::Role, because: Vec::new() });
        if let Err(at) = wanted.because.binary_search(&because) {
            wanted.because.insert(at, because);
        }
    }

    /// Who owns a playbook's role is a part of that role.
    fn own_role(
        &mut self,
        one: &One,
        held: &Ident,
        at: &Place,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) {
        let said: &mut Said = &mut self.said;
        if !self.texts.has_role_owners() {
            said.no_owners(at);
            return;
        }
        let Some(ours) = desired.roles.get_mut(held).filter(|_| one.enable) else {
            said.unsupported("ownership of a role that no playbook defines", at);
            return;
        };
        match &ours.manner.owner {
            Some(other) if other != one.role => found.push(
                Diagnostic::error(
                    "two-owners",
                    format!("{held} would be owned by {other} and by {}", one.role),
                )
                .with_help("keep its role-owner, or the grant of its ownership")
                .with_place(at.clone()),
            ),
            _ => ours.manner.owner = Some(one.role.clone()),
        }
    }

    fn words_on_role(&self, one: &One, found: &mut Diagnostics) -> Option<Vec<(Held, Place)>> {
        let mut all = Vec::new();
        let mut right = true;
        for written in &one.grant.privileges {
            let text = self.texts.expand(written, &mut Diagnostics::default()).unwrap_or_default();
            match text.trim().to_ascii_uppercase().as_str() {
                "USAGE" | "ALL" | "ALL PRIVILEGES" => {
                    all.push((Held::Member, written.place.clone()));
                }
                "OWNERSHIP" => all.push((Held::Owner, written.place.clone())),
                _ => {
                    right = false;
                    found.push(
                        Diagnostic::error(
                            "no-such-privilege",
                            format!("{:?} is no privilege of a role", written.value),
                        )
                        .with_help("it has USAGE, which is membership, and OWNERSHIP")
                        .with_place(written.place.clone()),
                    );
                }
            }
        }
        right.then_some(all)
    }
}

#[derive(Clone, Copy)]
enum Held {
    Member,
    Owner,
}

/// Roles that are in each other.
pub(super) fn circles(here: &PlaybookRoles, desired: &DesiredState, found: &mut Diagnostics) {
    let mut into: BTreeMap<&Ident, Vec<&Ident>> = BTreeMap::new();
    for ((held, member), wanted) in &desired.memberships {
        if wanted.kind == MemberKind::Role {
            into.entry(member).or_default().push(held);
        }
    }
    let mut done: BTreeSet<&Ident> = BTreeSet::new();
    for role in here.values() {
        // A walk along what each is in; what was walked once leads nowhere new.
        let mut way: Vec<(&Ident, usize)> = vec![(&role.name, 0)];
        while let Some((at, next)) = way.last_mut() {
            let Some(held) = into.get(at).and_then(|held| held.get(*next)) else {
                done.insert(*at);
                way.pop();
                continue;
            };
            *next += 1;
            if let Some(from) = way.iter().position(|(role, _)| role == held) {
                let names: Vec<String> =
                    way[from..].iter().map(|(role, _)| role.to_string()).collect();
                found.push(
                    Diagnostic::error(
                        "membership-circle",
                        format!("these roles would be in each other: {}", names.join(", ")),
                    )
                    .with_help("take one of the grants on a role out")
                    .with_place(role.role.place.clone()),
                );
            } else if !done.contains(held) {
                way.push((held, 0));
            }
        }
    }
}
