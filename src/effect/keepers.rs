//! Who keeps an account: its administrators, and whoever runs dbt.

use std::collections::BTreeSet;

use super::state::AccessState;
use crate::model::{DialectKind, Ident};

/// Roles of every account that inherit others to administer them: whoever is in a role by one of these
/// is no analyst of it.
pub(super) const ADMINISTRATORS: [&str; 6] =
    ["ACCOUNTADMIN", "GLOBALORGADMIN", "ORGADMIN", "SECURITYADMIN", "SYSADMIN", "USERADMIN"];

impl AccessState {
    /// The state without what users have as administrators of an account or by these roles, to ask who
    /// else can. Whoever is let into such a role by a role of another kind is somebody else. On PostgreSQL
    /// superusers and login roles say it themselves.
    #[must_use]
    pub fn without_keepers(mut self, these: &BTreeSet<Ident>) -> Self {
        if self.dialect != DialectKind::Snowflake {
            return self;
        }
        let keeps = |role: &Ident| these.contains(role) || ADMINISTRATORS.contains(&role.as_str());
        let roles = &self.roles;
        let is_user = |name: &Ident| roles.get(name).is_some_and(|role| role.attributes.login);
        self.memberships.retain(|it| {
            let by_one = is_user(&it.member) || keeps(&it.member);
            !(by_one && keeps(&it.role))
        });
        self
    }
}
