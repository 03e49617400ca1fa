//! `--from-account-usage`: all grants by two queries of ACCOUNT_USAGE, up to two hours old.

use super::Rows;
use super::edges::{Edges, Known};
use super::reader::{Reader, literal};
use crate::model::{Diagnostic, Ident};
use crate::warehouse::WarehouseError;

/// What ACCOUNT_USAGE says of the roles.
pub(super) struct Late {
    to_roles: Rows,
    to_users: Rows,
}

impl Reader<'_> {
    /// Reads what the roles hold, and who is in them, where that may be late.
    pub(super) async fn late(&self, roles: &[Ident]) -> Result<Option<Late>, WarehouseError> {
        let names: std::collections::BTreeSet<String> = roles
            .iter()
            .map(|role| match role.in_parts() {
                Some((_, name)) => literal(name.as_str()),
                None => literal(role.as_str()),
            })
            .collect();
        if names.is_empty() || !self.from_account_usage {
            return Ok(None);
        }
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        let to_roles = format!(
            "SELECT PRIVILEGE, GRANTED_ON, NAME, TABLE_CATALOG, TABLE_SCHEMA, GRANTED_TO, GRANTEE_NAME, GRANT_OPTION, GRANTED_BY FROM SNOWFLAKE.ACCOUNT_USAGE.GRANTS_TO_ROLES WHERE DELETED_ON IS NULL AND (GRANTEE_NAME IN ({names}) OR (GRANTED_ON IN ('ROLE', 'ACCOUNT ROLE', 'DATABASE ROLE', 'DATABASE_ROLE') AND NAME IN ({names})))"
        );
        let to_users = format!(
            "SELECT ROLE, GRANTED_TO, GRANTEE_NAME, GRANTED_BY FROM SNOWFLAKE.ACCOUNT_USAGE.GRANTS_TO_USERS WHERE DELETED_ON IS NULL AND ROLE IN ({names})"
        );
        let (to_roles, to_users) = futures::join!(self.ask(&to_roles), self.ask(&to_users));
        Ok(Some(Late { to_roles: to_roles?, to_users: to_users? }))
    }
}

impl Late {
    /// With the warning that belongs to it.
    pub(super) fn add_to(
        &self,
        roles: &[Ident],
        edges: &mut Edges,
        known: &Known<'_>,
    ) -> Diagnostic {
        edges.read_usage(roles, &self.to_roles, &self.to_users, known);
        Diagnostic::warning(
            "account-usage-lag",
            "grants and members were read from ACCOUNT_USAGE, which is up to two hours late",
        )
        .with_help("what was changed since is not in it: leave --from-account-usage out to see what is there now")
    }
}
