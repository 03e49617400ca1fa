//! What is said of members in the target.

use std::collections::BTreeSet;

use crate::apply::Compared;
use crate::model::{Change, Diagnostic, Ident};
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
            "take them out first by an ordinary `rolecall apply --target {}`, or let the owner write them into the members' file",
            to.environment
        )))
    };
    beyond.iter().filter_map(tell).collect()
}

/// With `--strict`: members of the plan's roles whom the target does not know.
pub(super) fn unknown(to: &Project, compared: &Compared) -> Vec<Diagnostic> {
    let unknown = compared.resolved.desired.memberships.iter();
    unknown
        .filter(|((_, member), _)| !compared.observed.roles.contains_key(member))
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
