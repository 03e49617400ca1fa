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

#[cfg(test)]
mod tests {
    use super::super::fixtures::{id, member};
    use super::super::{AccessRole, Effect};
    use super::*;
    use crate::model::{MarkerReading, RoleAttributes};

    fn account() -> AccessState {
        let mut state = AccessState::empty(DialectKind::Snowflake, 0, id("D"));
        for name in ["ROOT", "BOT", "EVE", "KIM", "ACCOUNTADMIN", "SYSADMIN", "DBT", "SIDE", "A"] {
            let login = ["ROOT", "BOT", "EVE", "KIM"].contains(&name);
            let attributes = RoleAttributes { login, ..RoleAttributes::MANAGED };
            state.roles.insert(id(name), AccessRole { attributes, marker: MarkerReading::None });
        }
        state.memberships = vec![
            member("ACCOUNTADMIN", "ROOT"),
            member("SYSADMIN", "ACCOUNTADMIN"),
            member("A", "SYSADMIN"),
            member("DBT", "BOT"),
            member("A", "DBT"),
            member("SYSADMIN", "SIDE"),
            member("SIDE", "EVE"),
            member("A", "KIM"),
        ];
        state
    }

    #[test]
    fn administrators_are_not_meant_by_a_role_and_whoever_is_in_it_otherwise_is() {
        let state = account();
        let effect = Effect::of(&state);
        let found = effect.everybody_in([&id("A")]);
        assert_eq!(found, BTreeSet::from([&id("A"), &id("BOT"), &id("DBT"), &id("KIM")]));
        assert!(!effect.is_empty(&id("A")) && !effect.is_empty(&id("SYSADMIN")));
    }

    #[test]
    fn who_keeps_an_account_is_no_way_round_and_who_was_let_into_that_is() {
        let state = account().without_keepers(&BTreeSet::from([id("DBT")]));
        let in_a: Vec<_> = state.memberships.iter().map(|it| it.member.as_str()).collect();
        assert_eq!(in_a, ["SYSADMIN", "DBT", "SIDE", "EVE", "KIM"]);
    }
}
