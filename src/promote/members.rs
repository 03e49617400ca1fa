//! What is said of members in the target.

use std::collections::BTreeSet;

use crate::apply::Compared;
use crate::model::{Change, Diagnostic, DialectKind, Ident, MemberKind};
use crate::plan::Step;
use crate::project::Project;

/// Who is in a role of the target by nobody's declaration, and gets what the promotion gives it.
pub(super) fn undeclared_gains(
    to: &Project,
    compared: &Compared,
    beyond: &[Step],
) -> Vec<Diagnostic> {
    let gaining: BTreeSet<&Ident> = compared
        .difference
        .steps
        .iter()
        .filter_map(|step| match &step.change {
            Change::Grant { role, .. } | Change::SetOwner { to: role, .. } => Some(role),
            _ => None,
        })
        .collect();
    let declared = &compared.resolved.desired.memberships;
    let tell = |step: &Step| {
        let Change::RemoveMember { role, member, grantor, .. } = &step.change else { return None };
        if !gaining.contains(role) || declared.contains_key(&(role.clone(), member.clone())) {
            return None;
        }
        let by = grantor.as_ref().map(|by| format!(", let in by {by}")).unwrap_or_default();
        let warning = Diagnostic::warning(
            "undeclared-member-gains",
            format!(
                "{member} is in {role} in {} by nobody's declaration{by}, and gets what this plan grants",
                to.environment
            ),
        );
        Some(warning.with_help(format!(
            "take them out first by an ordinary `rolecall apply --target {0}`, or let the owner declare them (`rolecall member add`, `rolecall import --members --target {0}`)",
            to.environment
        )))
    };
    beyond.iter().filter_map(tell).collect()
}

/// As a plan looks for members: Snowflake's users are no roles, and roles of its own are made.
fn is_known(compared: &Compared, member: &Ident, kind: MemberKind) -> bool {
    let Compared { observed, resolved, .. } = compared;
    match (observed.server.dialect, kind) {
        (DialectKind::Snowflake, MemberKind::User) => observed.users.contains(member),
        _ => observed.roles.contains_key(member) || resolved.desired.roles.contains_key(member),
    }
}

/// With `--strict`: members of the plan's roles whom the target does not know.
pub(super) fn unknown(to: &Project, compared: &Compared) -> Vec<Diagnostic> {
    let unknown = compared.resolved.desired.memberships.iter();
    unknown
        .filter(|((_, member), wanted)| !is_known(compared, member, wanted.kind))
        .map(|((role, member), wanted)| {
            let error = Diagnostic::error(
                "missing-member",
                format!(
                    "the {} {member} is to be a member of {role}, and {} does not know that name",
                    wanted.kind.as_str(),
                    to.environment
                ),
            );
            let error = error.with_help("create it there first, or promote without --strict");
            let because = wanted.because.first();
            match because.and_then(|why| Some((why.file.as_ref()?, why.line))) {
                None => error,
                Some((file, line)) => {
                    let mut place = crate::model::Place::file(file);
                    place.line = line;
                    error.with_place(place)
                }
            }
        })
        .collect()
}
