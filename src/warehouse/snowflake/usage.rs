//! `--from-account-usage`: all grants by two queries of ACCOUNT_USAGE, up to two hours old.

use super::edges::{Edges, Known};
use super::reader::{Reader, literal};
use crate::model::{Diagnostic, Ident};
use crate::warehouse::WarehouseError;

/// Reads what the roles hold, and who is in them.
pub(super) async fn read(
    reader: &Reader<'_>,
    roles: &[&Ident],
    edges: &mut Edges,
    known: &Known<'_>,
) -> Result<Option<Diagnostic>, WarehouseError> {
    let names: std::collections::BTreeSet<String> = roles
        .iter()
        .map(|role| match role.in_parts() {
            Some((_, name)) => literal(name.as_str()),
            None => literal(role.as_str()),
        })
        .collect();
    if names.is_empty() {
        return Ok(None);
    }
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    let to_roles = format!(
        "SELECT PRIVILEGE, GRANTED_ON, NAME, TABLE_CATALOG, TABLE_SCHEMA, GRANTED_TO, GRANTEE_NAME, GRANT_OPTION, GRANTED_BY FROM SNOWFLAKE.ACCOUNT_USAGE.GRANTS_TO_ROLES WHERE DELETED_ON IS NULL AND (GRANTEE_NAME IN ({names}) OR (GRANTED_ON IN ('ROLE', 'ACCOUNT ROLE', 'DATABASE ROLE', 'DATABASE_ROLE') AND NAME IN ({names})))"
    );
    let to_users = format!(
        "SELECT ROLE, GRANTED_TO, GRANTEE_NAME, GRANTED_BY FROM SNOWFLAKE.ACCOUNT_USAGE.GRANTS_TO_USERS WHERE DELETED_ON IS NULL AND ROLE IN ({names})"
    );
    let (in_roles, in_users) = futures::join!(reader.ask(&to_roles), reader.ask(&to_users));
    edges.read_usage(roles, &in_roles?, &in_users?, known);
    Ok(Some(
        Diagnostic::warning(
            "account-usage-lag",
            "grants and members were read from ACCOUNT_USAGE, which is up to two hours late",
        )
        .with_help("what was changed since is not in it: leave --from-account-usage out to see what is there now"),
    ))
}
