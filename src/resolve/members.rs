//! The owners' files into memberships by name.

use super::Inputs;
use super::roles::RolesHere;
use crate::config::template::{self, TemplateContext};
use crate::config::{Member, MemberEntry, Product, expires_at};
use crate::model::{
    DesiredMembership, DesiredState, Diagnostic, Diagnostics, Ident, MemberKind, Reason,
};

pub(super) fn admit_members(
    inputs: &Inputs,
    roles: &RolesHere,
    desired: &mut DesiredState,
    found: &mut Diagnostics,
) {
    for (product, by_role) in &inputs.config.members {
        let Some(config) = inputs.config.products.get(product) else { continue };
        for (role_name, entries) in by_role {
            let Some(role) = roles.get(&(product.as_str(), role_name.as_str())) else { continue };
            for entry in entries.iter().filter(|entry| holds_here(inputs, entry)) {
                let Some((member, kind)) = member_name(inputs, config, role_name, entry, found)
                else {
                    continue;
                };
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
                            format!("{member} is named both as a {} and as a {}", membership.kind.as_str(), kind.as_str()),
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
    let running = expires_at(entry).is_none_or(|end| inputs.as_of < end);
    here && running
}

fn member_name(
    inputs: &Inputs,
    product: &Product,
    role: &str,
    entry: &MemberEntry,
    found: &mut Diagnostics,
) -> Option<(Ident, MemberKind)> {
    let Member::Named { kind, name } = &entry.member else { return None };
    let environment = inputs.environment;
    let template = match kind {
        MemberKind::Group => environment.group_name.as_ref(),
        MemberKind::User | MemberKind::Role => environment.user_name.as_ref(),
    };
    let rendered = match template {
        None => name.clone(),
        Some(template) => {
            let context = TemplateContext {
                env_name: &environment.name,
                product: Some((&product.name, product.title.as_deref())),
                role_name: Some(role),
                member_name: Some(name),
                target: inputs.target,
            };
            match template::render(template, &context) {
                Ok(rendered) => rendered,
                Err(problem) => {
                    found.push(problem);
                    return None;
                }
            }
        }
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
                    .with_place(entry.place.clone()),
            );
            None
        }
    }
}
