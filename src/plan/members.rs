//! Memberships, both ways.

use std::collections::{BTreeMap, BTreeSet};

use super::limit::new_roles;
use super::manner::Keeps;
use super::{Difference, Left, NewNames, Sides, Step, Why, new_name, reason_place};
use crate::model::{
    Change, Diagnostic, DialectKind, Ident, Marker, MarkerReading, MemberKind, ObservedMembership,
    ObservedRole, Reason,
};

pub(super) fn members(sides: &Sides, names: &NewNames, out: &mut Difference) {
    let seen = Seen::of(sides, names);
    let new = new_roles(out);
    let mut unknown: BTreeMap<&Ident, Vec<&Ident>> = BTreeMap::new();
    for ((role, member), wanted) in &sides.desired.memberships {
        if !sides.within.admits(role, member, new.contains(role), sides.deploy_role) {
            continue;
        }
        if names.absent.contains(role) || names.absent.contains(member) {
            continue;
        }
        let because = wanted.because.first();
        if !seen.may_be_member(member, wanted.kind) {
            if sides.desired.matched.contains(&(role.clone(), member.clone())) {
                unknown.entry(role).or_default().push(member);
                continue;
            }
            missing(sides, role, member, because, wanted.kind.as_str(), out);
            continue;
        }
        let marker = seen.as_role(member, wanted.kind).map(|there| &there.marker);
        if let Some(MarkerReading::Marker(marker)) = marker
            && !sides.desired.roles.contains_key(member)
        {
            out.found.push(placed(managed_elsewhere(role, member, marker), because));
            continue;
        }
        if !seen.in_use.contains(&(role, member, seen.namespace(wanted.kind))) {
            if let Some(error) = seen.not_to_be_had(role, member) {
                out.found.push(placed(error, because));
                continue;
            }
            out.steps.push(Step {
                change: Change::AddMember {
                    role: role.clone(),
                    member: member.clone(),
                    kind: wanted.kind,
                },
                why: Why::Declared(wanted.because.clone()),
            });
        }
    }
    out.left.extend(unknown.into_iter().map(|(role, members)| without_login(role, &members)));
    if !sides.within.is_everything() || sides.options.only_adds {
        return;
    }
    for membership in &sides.observed.memberships {
        seen.observed(membership, out);
    }
}

/// Memberships as they will be once roles are renamed.
struct Seen<'a> {
    sides: &'a Sides<'a>,
    names: &'a NewNames,
    /// Who may let others into a role, by an option that the plan takes away: observed names.
    admins: BTreeSet<(&'a Ident, &'a Ident)>,
    /// (role, member, kind) that need nothing more: new names.
    in_use: BTreeSet<(&'a Ident, &'a Ident, MemberKind)>,
}

impl<'a> Seen<'a> {
    fn of(sides: &'a Sides<'a>, names: &'a NewNames) -> Self {
        let memberships = &sides.observed.memberships;
        // Before 16 a membership has one row, whoever granted it, and hangs on nothing.
        let grantors_count = sides.observed.server.version >= 160_000;
        let admins = memberships
            .iter()
            .filter(|m| grantors_count && m.admin && !m.automatic)
            .filter(|m| is_ours_to_take(names, m))
            .map(|m| (&m.role, &m.member))
            .collect();
        let mut seen = Self { sides, names, admins, in_use: BTreeSet::new() };
        seen.in_use = memberships
            .iter()
            // Before 16 the member's own attribute decides about INHERIT, which is not ours.
            .filter(|m| !grantors_count || (m.inherit && m.set))
            .filter(|m| !seen.let_in_by_admin(m))
            .map(|m| {
                let member =
                    if m.kind == MemberKind::User { &m.member } else { new_name(names, &m.member) };
                (new_name(names, &m.role), member, m.kind)
            })
            .collect();
        seen
    }

    /// `User` or `Role`, as memberships are observed: users and roles are one on PostgreSQL.
    fn namespace(&self, kind: MemberKind) -> MemberKind {
        match (self.sides.observed.server.dialect, kind) {
            (DialectKind::Snowflake, MemberKind::User) => MemberKind::User,
            _ => MemberKind::Role,
        }
    }

    fn as_role(&self, member: &Ident, kind: MemberKind) -> Option<&'a ObservedRole> {
        (self.namespace(kind) == MemberKind::Role)
            .then(|| self.sides.observed.roles.get(member))
            .flatten()
    }

    fn may_be_member(&self, member: &Ident, kind: MemberKind) -> bool {
        match self.namespace(kind) {
            MemberKind::User => self.sides.observed.users.contains(member),
            // A role of this plan's own may yet have to be made.
            _ => {
                self.as_role(member, kind).is_some()
                    || self.sides.desired.roles.contains_key(member)
            }
        }
    }

    /// Why nobody may be let into a role that is not of this plan: who is in another's product role only
    /// its owner says, and being in a superuser's is no grant that could be looked at.
    fn not_to_be_had(&self, role: &Ident, member: &Ident) -> Option<Diagnostic> {
        let Self { sides, names, .. } = self;
        if sides.desired.roles.contains_key(role) {
            return None;
        }
        let there = sides.observed.roles.get(role)?;
        let is_ours = |marker: &Marker| {
            sides.scope.holds(marker) && marker.playbook.is_some() || names.contains_key(role)
        };
        match &there.marker {
            MarkerReading::Marker(marker) if !is_ours(marker) => {
                let Marker { deployment, environment, .. } = marker;
                let whose = marker.whose();
                let what = format!(
                    "{member} is to be in {role}, which is {whose} of the deployment {deployment} in {environment}"
                );
                Some(
                    Diagnostic::error("managed-role-as-member", what)
                        .with_help("who is in it, its own files say: ask its owner"),
                )
            }
            MarkerReading::Unreadable(_) => Some(Diagnostic::error(
                "managed-role-as-member",
                format!("{member} is to be in {role}, whose marker cannot be read"),
            )),
            _ if there.attributes.superuser || *role == sides.observed.server.acting_as => {
                let what = format!("{member} is to be in {role}, by which everything can be done");
                Some(Diagnostic::error("powerful-role", what).with_help(
                    "grant what is needed to the playbook role itself: no plan lets anybody into a superuser or into the role that it runs as",
                ))
            }
            _ => None,
        }
    }

    /// From PostgreSQL 16 on, a membership hangs on its grantor's admin option. No member of a
    /// managed role keeps one, so those who were let in by it are let in afresh, and then taken out
    /// there.
    fn let_in_by_admin(&self, m: &ObservedMembership) -> bool {
        self.admins.contains(&(&m.role, &m.grantor))
    }

    /// Why somebody is taken out of a role.
    fn why_out(&self, role: &Ident, member: &Ident, gone: bool) -> Why {
        let ended = self.sides.desired.ended.get(&(role.clone(), member.clone()));
        match ended {
            _ if gone => Why::RoleGone,
            Some(ended) => Why::Ended(ended.clone()),
            None => Why::Undeclared,
        }
    }

    fn observed(&self, seen: &ObservedMembership, out: &mut Difference) {
        let Self { sides, names, .. } = self;
        let is_role = seen.kind != MemberKind::User;
        let (holds, is_held) =
            (is_role && names.contains_key(&seen.member), names.contains_key(&seen.role));
        if names.untouched.contains(&seen.role) || is_role && names.untouched.contains(&seen.member)
        {
            return;
        }
        if seen.automatic
            && is_held
            && names.declares_members(new_name(names, &seen.role))
            && seen.member != sides.observed.server.acting_as
        {
            out.left.push(Left {
                role: new_name(names, &seen.role).clone(),
                what: format!("the admin option of {}, who may let anybody in", seen.member),
                why: "the server gives it to whoever makes a role, and only a superuser takes it"
                    .to_owned(),
            });
        }
        if seen.automatic || !(holds || is_held) {
            return;
        }
        let role = new_name(names, &seen.role);
        let member = if is_role { new_name(names, &seen.member) } else { &seen.member };
        let grantor = new_name(names, &seen.grantor).clone();
        let wanted = sides
            .desired
            .memberships
            .get(&(role.clone(), member.clone()))
            .is_some_and(|wanted| self.namespace(wanted.kind) == seen.kind);
        let key = (role.clone(), member.clone());
        if !wanted && is_role && sides.desired.known_memberships.contains(&key) {
            out.left.push(Left {
                role: member.clone(),
                what: format!("being in the role {role}"),
                why: "the grant that says so is switched off".to_owned(),
            });
            return;
        }
        let keeps = names.keeps(member).filter(|_| holds);
        let kept = |keeps: Keeps| {
            let what = match (wanted, seen.admin) {
                (false, false) => format!("being in the role {role}"),
                (false, true) => {
                    format!("being in the role {role}, and letting others into it (ADMIN)")
                }
                (true, _) => format!("letting others into the role {role} (ADMIN)"),
            };
            Left { role: member.clone(), what, why: keeps.why().to_owned() }
        };
        let everything = keeps.filter(|keeps| *keeps == Keeps::Everything);
        if let Some(keeps) = everything.filter(|_| !wanted && names.is_playbook(role)) {
            out.left.push(kept(keeps));
            return;
        }
        if !is_ours_to_take(names, seen) {
            out.left.extend(keeps.filter(|_| !wanted || seen.admin).map(kept));
            // Who is in it nobody declares; that somebody may let in others is said all the same.
            if is_held && seen.admin && names.keeps(role).is_some() {
                out.left.push(Left {
                    role: role.clone(),
                    what: format!("the admin option of {member}, who may let anybody in"),
                    why: "nobody declares who is in this role: name them in rolecall/members/playbook_roles.yml, and all others go".to_owned(),
                });
            }
            return;
        }
        if !wanted || self.let_in_by_admin(seen) {
            let gone = is_held && !sides.desired.roles.contains_key(role);
            out.steps.push(Step {
                change: Change::RemoveMember {
                    role: role.clone(),
                    member: member.clone(),
                    kind: seen.kind,
                    grantor: Some(grantor),
                },
                why: self.why_out(role, member, gone),
            });
        } else if seen.admin {
            out.steps.push(Step {
                change: Change::RevokeAdminOption {
                    role: role.clone(),
                    member: member.clone(),
                    grantor,
                },
                why: Why::Undeclared,
            });
        }
    }
}

/// Whether a membership, or its admin option, may be taken at all: either side may say that this is none
/// of the plan's business.
fn is_ours_to_take(names: &NewNames, m: &ObservedMembership) -> bool {
    let is_role = m.kind != MemberKind::User;
    let member = if is_role { new_name(names, &m.member) } else { &m.member };
    let is_held = names.contains_key(&m.role);
    let holds = is_role && names.contains_key(&m.member);
    is_held && names.declares_members(new_name(names, &m.role))
        || holds && names.keeps(member).is_none()
}

/// A directory knows people who have no login yet. A rule that matches them is no mistake: they
/// are members once they have one.
fn without_login(role: &Ident, members: &[&Ident]) -> Left {
    const NAMED: usize = 3;
    let named: Vec<&str> = members.iter().take(NAMED).map(|member| member.as_str()).collect();
    let more = match members.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (who, them) =
        if members.len() == 1 { ("user", "that name") } else { ("users", "those names") };
    Left {
        role: role.clone(),
        what: format!("{who} {}{more}, whom a rule matches", named.join(", ")),
        why: format!("the server does not know {them}: no member until it does"),
    }
}

fn missing(
    sides: &Sides,
    role: &Ident,
    member: &Ident,
    because: Option<&Reason>,
    kind: &str,
    out: &mut Difference,
) {
    if sides.options.skip_missing {
        out.left.push(Left {
            role: role.clone(),
            what: format!("{kind} {member}, who is to be a member"),
            why: "the server does not know that name: skipped".to_owned(),
        });
        return;
    }
    if kind == MemberKind::Role.as_str() {
        let error = Diagnostic::error(
            "missing-parent-role",
            format!("{member}, which {role} is to be granted to, does not exist"),
        )
        .with_help("create it, or name another one as `parent_role` of the environment");
        out.found.push(placed(error, because));
        return;
    }
    let error = Diagnostic::error(
        "missing-member",
        format!("the {kind} {member} is to be a member of {role}, but the server does not know that name"),
    )
    .with_help("create it first (rolecall makes no people), mend the entry, or go on without it by --skip-missing");
    out.found.push(placed(error, because));
}

/// Memberships of a managed role are its own deployment's business: its next apply would take this
/// one away.
fn managed_elsewhere(role: &Ident, member: &Ident, marker: &Marker) -> Diagnostic {
    Diagnostic::error(
        "managed-role-as-member",
        format!(
            "{member} is to be a member of {role}, but its marker says that it is {} of the deployment {} in {}",
            marker.whose(),
            marker.deployment,
            marker.environment
        ),
    )
    .with_help("members are people and groups: name those who are in that role")
}

fn placed(mut error: Diagnostic, because: Option<&Reason>) -> Diagnostic {
    error.place = because.and_then(reason_place);
    error
}
