//! What Snowflake needs beyond grants: a parent for every role, and where it is wanted, database
//! roles that hold the grants.

use std::collections::BTreeMap;

use super::Inputs;
use crate::config::RoleKind;
use crate::dbt::Node;
use crate::model::{
    DesiredMembership, DesiredState, Diagnostic, Diagnostics, DialectKind, Ident, MemberKind,
    Reason, Securable,
};

/// Who administers what managed roles own, unless the environment says otherwise.
const PARENT: &str = "SYSADMIN";

pub(super) fn shape(inputs: &Inputs, desired: &mut DesiredState, found: &mut Diagnostics) {
    if inputs.dialect.kind() != DialectKind::Snowflake {
        return;
    }
    let of_account: Vec<Ident> = desired.roles.keys().cloned().collect();
    if inputs.environment.role_kind == RoleKind::Database {
        into_database_roles(desired);
    }
    let Some((parent, reason)) = parent(inputs, desired, found) else { return };
    for role in of_account {
        hold(desired, role, parent.clone(), reason.clone());
    }
}

/// Nothing is granted one by one in a database that was made of a share.
pub(super) fn of_a_share(inputs: &Inputs, node: &Node, on: &Securable) -> Option<Diagnostic> {
    let database = on.database_name().filter(|name| inputs.inventory.of_shares.contains(*name))?;
    Some(
        Diagnostic::error(
            "shared-database",
            format!("{on} ({}) is in {database}, which is made of a share: nothing in it can be granted by itself", node.unique_id),
        )
        .with_node(&node.unique_id)
        .with_help("whoever may read it holds IMPORTED PRIVILEGES on the database, or a database role of the share: grant that by hand, and declare nothing on this node"),
    )
}

/// A role that holds another as a whole: no person's membership.
fn hold(desired: &mut DesiredState, role: Ident, holder: Ident, because: Option<Reason>) {
    desired.memberships.entry((role, holder)).or_insert_with(|| DesiredMembership {
        kind: MemberKind::Role,
        because: because.into_iter().collect(),
    });
}

/// One database role for each role and database holds the grants there; the role of the account
/// holds the database roles, and the members, who cannot hold database roles themselves.
fn into_database_roles(desired: &mut DesiredState) {
    let grants = std::mem::take(&mut desired.grants);
    let mut moved = BTreeMap::new();
    for ((on, role), grant) in grants {
        let (Some(database), Some(declared)) = (on.database_name(), desired.roles.get(&role))
        else {
            moved.insert((on, role), grant);
            continue;
        };
        let of_database = Ident::in_database(database, &role);
        let declared = declared.clone();
        desired.roles.entry(of_database.clone()).or_insert(declared);
        hold(desired, of_database.clone(), role, None);
        moved.insert((on, of_database), grant);
    }
    desired.grants = moved;
}

/// Who holds every managed role (Snowflake).
pub fn parent_role(inputs: &Inputs) -> Option<Ident> {
    let kind = inputs.dialect.kind();
    let nothing = DesiredState::empty(inputs.environment.name.clone(), kind);
    let parent = parent(inputs, &nothing, &mut Diagnostics::default());
    parent.map(|(parent, _)| parent).filter(|_| kind == DialectKind::Snowflake)
}

fn parent(
    inputs: &Inputs,
    desired: &DesiredState,
    found: &mut Diagnostics,
) -> Option<(Ident, Option<Reason>)> {
    let Some(written) = &inputs.environment.parent_role else {
        return Some((Ident::new(PARENT).ok()?, None));
    };
    let dialect = inputs.dialect;
    let checked = dialect.fold(&written.value).map_err(|e| e.to_string()).and_then(|name| {
        dialect.longest_name(&name)?;
        if name.as_str().eq_ignore_ascii_case("PUBLIC") {
            return Err("everyone holds it".to_owned());
        }
        if desired.roles.contains_key(&name) {
            return Err("that is a managed role".to_owned());
        }
        Ok(name)
    });
    match checked {
        Ok(name) => {
            let reason = Reason {
                node: None,
                file: Some(written.place.file.to_string_lossy().replace('\\', "/")),
                line: written.place.line,
                permission: Some("parent_role".to_owned()),
            };
            Some((name, Some(reason)))
        }
        Err(why) => {
            found.push(
                Diagnostic::error(
                    "bad-parent-role",
                    format!("parent_role {:?}: {why}", written.value),
                )
                .with_help(
                    "name the role that administers what managed roles own; without it, SYSADMIN",
                )
                .with_place(written.place.clone()),
            );
            None
        }
    }
}
