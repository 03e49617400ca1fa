//! One environment, checked in itself.

use std::collections::BTreeMap;

use super::guards;
use super::names::{check_fit, check_name};
use super::raw::{RawConnection, RawEnvironment};
use super::reader::{printable, said_twice};
use super::template::{self, TemplateKind};
use super::{Connection, Environment, Located, RoleKind};
use crate::model::{Diagnostic, Diagnostics};

/// Adds one environment, with what is wrong in it.
pub(super) fn add_environment(
    environments: &mut BTreeMap<String, Environment>,
    name: &Located<String>,
    raw: RawEnvironment,
    diagnostics: &mut Diagnostics,
) {
    diagnostics.extend(check_name("an environment", name));
    if let Some(first) = environments.get(&name.value) {
        let what = format!("the environment `{}`", printable(&name.value));
        diagnostics.push(said_twice(&what, name.place.clone(), &first.place));
        return;
    }
    let RawEnvironment {
        role_name,
        user_name,
        group_name,
        policy_role_name,
        promote_from,
        protected,
        valid_for,
        approved_plans,
        deploy_role,
        parent_role,
        admin_role,
        // Read beside the configuration, as a file of its own.
        playbook_vars: _,
        role_kind,
        target,
        hook,
        connection,
    } = raw;
    for (template, kind) in [
        (&role_name, TemplateKind::Role),
        (&user_name, TemplateKind::User),
        (&group_name, TemplateKind::Group),
        (&policy_role_name, TemplateKind::Policy),
    ] {
        // An empty one is a value that could not be read, which has been said.
        if let Some(template) = template
            && !template.value.is_empty()
        {
            diagnostics.extend(template::check(template, kind));
        }
    }
    let RawConnection { profile, target: output } = connection.unwrap_or_default();
    for (what, value) in [
        ("the deploy role", &deploy_role),
        ("the parent role", &parent_role),
        ("the admin role", &admin_role),
        ("the target", &target),
        ("the profile of the connection", &profile),
        ("the target of the connection", &output),
    ] {
        if let Some(value) = value {
            diagnostics.extend(check_fit(what, value));
        }
    }
    let role_name = role_name.unwrap_or_else(|| {
        diagnostics.push(
            Diagnostic::error(
                "missing-key",
                format!("the environment `{}` has no `role_name`", printable(&name.value)),
            )
            .with_help("write role_name: \"{{ env.name }}_{{ product.name }}_{{ role.name }}\"")
            .with_place(name.place.clone()),
        );
        // Kept, so that what names the environment is not wrong too.
        Located { value: String::new(), place: name.place.clone() }
    });
    let protected = protected.unwrap_or(false);
    diagnostics.extend(guards::without_effect(protected, &valid_for, &approved_plans));
    diagnostics.extend(approved_plans.as_ref().and_then(guards::check_list));
    let environment = Environment {
        name: name.value.clone(),
        place: name.place.clone(),
        role_name,
        user_name,
        group_name,
        policy_role_name,
        promote_from,
        protected,
        valid_for: guards::valid_for(valid_for, diagnostics),
        approved_plans,
        deploy_role,
        parent_role,
        admin_role,
        role_kind: RoleKind::read(role_kind, diagnostics),
        target: target.map(|target| target.value),
        hook: hook.unwrap_or(!protected),
        connection: Connection { profile, target: output },
    };
    environments.insert(name.value.clone(), environment);
}
