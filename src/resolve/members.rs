//! The owners' files into memberships by name.

use super::roles::RolesHere;
use super::{Inputs, Target};
use crate::config::template::{self, TemplateContext, TemplateKind};
use crate::config::{Environment, Member, MemberEntry, has_expired};
use crate::model::{
    DesiredMembership, DesiredState, Diagnostic, Diagnostics, Ident, MemberKind, Place, Reason,
};

pub(super) fn admit_members(
    inputs: &Inputs,
    roles: &RolesHere,
    desired: &mut DesiredState,
    found: &mut Diagnostics,
) {
    for (product, by_role) in &inputs.config.members {
        for (role_name, entries) in by_role {
            let Some(role) =
                roles.get(product.as_str()).and_then(|roles| roles.get(role_name.as_str()))
            else {
                continue;
            };
            for entry in entries.iter().filter(|entry| holds_here(inputs, entry)) {
                let Some((member, kind)) = member_name(inputs, entry, found) else { continue };
                if desired.roles.contains_key(&member) {
                    found.push(
                        Diagnostic::error(
                            "managed-role-as-member",
                            format!("{member} is a managed role, and may not be a member of {product}.{role_name}"),
                        )
                        .with_place(entry.place.clone())
                        .with_help("members are people and groups; give the other product's role access in `meta.rolecall`"),
                    );
                    continue;
                }
                let reason = Reason {
                    node: None,
                    file: Some(entry.place.file.to_string_lossy().replace('\\', "/")),
                    line: entry.place.line,
                    permission: None,
                };
                let membership = desired
                    .memberships
                    .entry((role.name.clone(), member.clone()))
                    .or_insert_with(|| DesiredMembership { kind, because: Vec::new() });
                if membership.kind != kind {
                    found.push(
                        Diagnostic::error(
                            "user-and-group",
                            format!(
                                "{member} is named both as a {} and as a {}",
                                membership.kind.as_str(),
                                kind.as_str()
                            ),
                        )
                        .with_place(entry.place.clone())
                        .with_help("a name is one or the other"),
                    );
                }
                membership.because.push(reason);
                membership.because.sort();
            }
        }
    }
}

fn holds_here(inputs: &Inputs, entry: &MemberEntry) -> bool {
    let here = entry.environments.is_empty()
        || entry.environments.iter().any(|name| name.value == inputs.environment.name);
    here && !has_expired(entry, inputs.as_of)
}

/// What the templates of an environment make of a name, as a user's and as a group's.
pub fn member_names(environment: &Environment, target: &Target, name: &str) -> Vec<String> {
    let here = || target.context(&environment.name);
    let user = (TemplateKind::User, TemplateContext { user_name: Some(name), ..here() });
    let group = (TemplateKind::Group, TemplateContext { group_name: Some(name), ..here() });
    [(&environment.user_name, user), (&environment.group_name, group)]
        .into_iter()
        .filter_map(|(template, (kind, context))| {
            template::render(template.as_ref()?, kind, &context).ok()
        })
        .collect()
}

fn member_name(
    inputs: &Inputs,
    entry: &MemberEntry,
    found: &mut Diagnostics,
) -> Option<(Ident, MemberKind)> {
    let Member::Named { kind, name } = &entry.member else { return None };
    let environment = inputs.environment;
    let here = inputs.target.context(&environment.name);
    let (template, template_kind, context) = match kind {
        MemberKind::Group => (
            environment.group_name.as_ref(),
            TemplateKind::Group,
            TemplateContext { group_name: Some(name), ..here },
        ),
        MemberKind::User | MemberKind::Role => (
            environment.user_name.as_ref(),
            TemplateKind::User,
            TemplateContext { user_name: Some(name), ..here },
        ),
    };
    let rendered = match template {
        None => name.clone(),
        Some(template) => match template::render(template, template_kind, &context) {
            Ok(rendered) => rendered,
            Err(problem) => {
                found.push(problem);
                return None;
            }
        },
    };
    let dialect = inputs.dialect;
    let checked = dialect.fold(&rendered).map_err(|e| e.to_string()).and_then(|folded| {
        dialect.longest_name(&folded)?;
        match dialect.reserved(&folded) {
            Some(why) => Err(why.to_owned()),
            None => Ok(folded),
        }
    });
    match checked {
        Ok(folded) => Some((folded, *kind)),
        Err(why) => {
            found.push(
                Diagnostic::error("bad-member", format!("{rendered:?} cannot be a member: {why}"))
                    .with_place(entry.place.clone())
                    .with_help("name a user or a group that the warehouse can have"),
            );
            None
        }
    }
}

/// What a user or a group of that name is called here; what is wrong with it is said.
pub(super) fn named(
    inputs: &Inputs,
    kind: MemberKind,
    name: &str,
    place: &Place,
    found: &mut Diagnostics,
) -> Option<Ident> {
    let entry = MemberEntry {
        place: place.clone(),
        member: Member::Named { kind, name: name.to_owned() },
        environments: Vec::new(),
        until: None,
        reason: None,
    };
    member_name(inputs, &entry, found).map(|(name, _)| name)
}
