//! Ownership that was declared: dbt must go on rebuilding what somebody else owns.

use super::Inputs;
use crate::model::{DesiredState, Diagnostic, Diagnostics, DialectKind, Ident};

/// The folded name of the environment's `deploy_role`.
pub(super) fn deploy_role(inputs: &Inputs) -> Option<Ident> {
    let written = inputs.environment.deploy_role.as_ref()?;
    inputs.dialect.fold(&written.value).ok()
}

/// Ownership needs a `deploy_role`; whether that role is a member of each owner is seen when
/// the warehouse is.
pub(super) fn check_owners(inputs: &Inputs, desired: &mut DesiredState, found: &mut Diagnostics) {
    if let Some(written) = &inputs.environment.deploy_role
        && let Err(why) = fit_deploy_role(inputs, desired, &written.value)
    {
        found.push(
            Diagnostic::error("bad-deploy-role", format!("deploy_role {:?}: {why}", written.value))
                .with_help("name the role that runs dbt; in double quotes where its case matters")
                .with_place(written.place.clone()),
        );
    }
    if inputs.environment.deploy_role.is_some() {
        return;
    }
    for (on, owner) in &desired.owners {
        let mut error = Diagnostic::error(
            "own-without-deploy-role",
            format!(
                "{} is declared to own {on}, but {} has no deploy_role: dbt could not rebuild it",
                owner.role, inputs.environment.name
            ),
        )
        .with_help("set `deploy_role:` of the environment to the role that runs dbt, and make it a member of the owner");
        error.place = Some(inputs.environment.place.clone());
        error.node = owner.because.first().and_then(|reason| reason.node.clone());
        found.push(error);
    }
}

fn fit_deploy_role(inputs: &Inputs, desired: &DesiredState, written: &str) -> Result<(), String> {
    let name = inputs.dialect.fold(written).map_err(|error| error.to_string())?;
    inputs.dialect.longest_name(&name)?;
    if let Some(why) = inputs.dialect.reserved(&name) {
        return Err(why.to_owned());
    }
    if desired.roles.contains_key(&name) {
        return Err("that is a managed role, and dbt may not run as one".to_owned());
    }
    Ok(())
}

/// To whom ownership goes that is no longer declared, unless somebody says otherwise (Snowflake).
const ADMIN: &str = "SECURITYADMIN";

/// The folded name of the environment's `admin_role`, else of the configuration's.
pub(super) fn admin_role(
    inputs: &Inputs,
    desired: &DesiredState,
    found: &mut Diagnostics,
) -> Option<Ident> {
    let written = inputs.environment.admin_role.as_ref().or(inputs.config.admin_role.as_ref());
    let Some(written) = written else {
        let snowflake = inputs.dialect.kind() == DialectKind::Snowflake;
        return Ident::new(ADMIN).ok().filter(|_| snowflake);
    };
    let dialect = inputs.dialect;
    let checked = dialect.fold(&written.value).map_err(|e| e.to_string()).and_then(|name| {
        dialect.longest_name(&name)?;
        if name.as_str().eq_ignore_ascii_case("public") {
            return Err("everyone holds it".to_owned());
        }
        if desired.roles.contains_key(&name) {
            return Err("that is a managed role".to_owned());
        }
        Ok(name)
    });
    match checked {
        Ok(name) => Some(name),
        Err(why) => {
            found.push(
                Diagnostic::error(
                    "bad-admin-role",
                    format!("admin_role {:?}: {why}", written.value),
                )
                .with_help("name the role that takes what nobody is declared to own any more")
                .with_place(written.place.clone()),
            );
            None
        }
    }
}
