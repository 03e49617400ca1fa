//! `object-type: role`: the grantee gets all that another role has.

use std::collections::{BTreeMap, BTreeSet};

use super::said::Said;
use super::texts::reason;
use super::{Giving, Inputs, One, PlaybookRoles};
use crate::config::playbook::PlaybookRole;
use crate::model::{
    DesiredMembership, DesiredState, Diagnostic, Diagnostics, DialectKind, Ident, MemberKind,
    Place, Reason,
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

/// Whether such a member is a role of the warehouse. Users of Snowflake are none.
fn is_role(inputs: &Inputs, kind: MemberKind) -> bool {
    kind != MemberKind::User || inputs.dialect.kind() == DialectKind::Postgres
}

/// A playbook role that is named as a user or a group. What is made here is neither; a role that
/// somebody else makes (`create: false`) may well be the group of people that it is called.
fn is_no_member(
    inputs: &Inputs,
    desired: &DesiredState,
    (member, kind): (&Ident, MemberKind),
) -> bool {
    let made = desired.roles.get(member).is_none_or(|role| role.manner.create);
    kind != MemberKind::Role && is_role(inputs, kind) && made
}

/// Whether a name is that of a role which a playbook makes, or has switched off: named as a member it is
/// wrong by itself, whatever else is.
pub(in crate::resolve) fn is_made(inputs: &Inputs, here: &PlaybookRoles, name: &Ident) -> bool {
    let texts = super::Texts { inputs };
    let truth = |switch| texts.truth(switch, &mut Diagnostics::default()).unwrap_or(true);
    here.values()
        .filter(|here| here.name == *name)
        .any(|here| truth(&here.role.create) || !truth(&here.role.enable))
}

/// Playbook roles named as users or groups.
pub(super) fn as_members(
    inputs: &Inputs,
    here: &PlaybookRoles,
    desired: &DesiredState,
    found: &mut Diagnostics,
) {
    let by_name: BTreeMap<&Ident, (&str, &PlaybookRole)> =
        here.iter().map(|(id, here)| (&here.name, (*id, here.role))).collect();
    for ((held, member), wanted) in &desired.memberships {
        let Some((id, role)) = by_name.get(member) else { continue };
        if !is_no_member(inputs, desired, (member, wanted.kind)) {
            continue;
        }
        let whose = desired.roles.get(held).map(|role| format!(" ({})", role.marker.whose()));
        let what = match held == member {
            true => "cannot be in itself".to_owned(),
            false => format!("may not be a member of {held}{}", whose.unwrap_or_default()),
        };
        let mut said = BTreeSet::new();
        for because in &wanted.because {
            let place = place_of(inputs, because);
            if !said.insert(place.clone()) {
                continue;
            }
            let message = format!(
                "{member} is the playbook role `{id}`, no {}: it {what}",
                wanted.kind.as_str()
            );
            let mut error = Diagnostic::error("managed-role-as-member", message).with_help(
                "members are people and groups: name those who are in it. A playbook role gets another playbook role's access by `object-type: role`",
            );
            error.place = place;
            error.also = Some((role.place.clone(), "defined here".to_owned()));
            found.push(error);
        }
    }
}

fn place_of(inputs: &Inputs, because: &Reason) -> Option<Place> {
    let mut place = Place::file(because.file.as_ref()?);
    place.line = because.line;
    let known = |line| inputs.config.place_at(&place.file, line);
    Some(because.line.and_then(known).unwrap_or(place))
}

/// Roles that are in each other, by grants on roles and by members.
pub(super) fn circles(
    inputs: &Inputs,
    here: &PlaybookRoles,
    desired: &DesiredState,
    found: &mut Diagnostics,
) {
    let ours: BTreeSet<&Ident> = here.values().map(|role| &role.name).collect();
    let mut into: BTreeMap<&Ident, Vec<(&Ident, Option<&Reason>)>> = BTreeMap::new();
    for ((held, member), wanted) in &desired.memberships {
        // What is refused already needs no second word.
        let refused = ours.contains(member) && is_no_member(inputs, desired, (member, wanted.kind));
        if is_role(inputs, wanted.kind) && !refused {
            into.entry(member).or_default().push((held, wanted.because.first()));
        }
    }
    let mut done: BTreeSet<&Ident> = BTreeSet::new();
    for role in here.values() {
        // A walk along what each is in; what was walked once leads nowhere new.
        let mut way: Vec<(&Ident, usize)> = vec![(&role.name, 0)];
        while let Some((at, next)) = way.last_mut() {
            let Some((held, _)) = into.get(at).and_then(|held| held.get(*next)) else {
                done.insert(*at);
                way.pop();
                continue;
            };
            *next += 1;
            if let Some(from) = way.iter().position(|(role, _)| role == held) {
                let mut error = Diagnostic::error("membership-circle", circle(&way[from..], &into))
                    .with_help("take one of these out: each would have all that the others have");
                let first = way.get(from).and_then(|(role, next)| into.get(role)?.get(next - 1));
                error.place = first.and_then(|(_, because)| place_of(inputs, (*because)?));
                found.push(error);
            } else if !done.contains(held) {
                way.push((held, 0));
            }
        }
    }
}

/// The way round, step by step, each with its line. `usize` is one more than the step taken.
fn circle(
    way: &[(&Ident, usize)],
    into: &BTreeMap<&Ident, Vec<(&Ident, Option<&Reason>)>>,
) -> String {
    let step = |(member, next): &(&Ident, usize)| {
        let (held, because) = into.get(member)?.get(next.checked_sub(1)?)?;
        let at = because.map(|because| format!(" ({})", super::owners::at(because)));
        Some(format!("{member} is in {held}{}", at.unwrap_or_default()))
    };
    let steps: Vec<String> = way.iter().filter_map(step).collect();
    match way {
        [(alone, _)] => format!("{alone} would be in itself: {}", steps.join(", ")),
        _ => format!("these roles would be in each other: {}", steps.join(", ")),
    }
}
