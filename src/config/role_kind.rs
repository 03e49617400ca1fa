//! Which roles hold the grants of an environment on Snowflake.

use super::Located;
use super::reader::printable;
use crate::model::{Diagnostic, Diagnostics};

/// `role_kind` of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RoleKind {
    /// The roles of the account, which have the members too.
    #[default]
    Account,
    /// One database role for each product role and database; the role of the account holds it.
    Database,
}

impl RoleKind {
    pub(super) fn read(written: Option<Located<String>>, diagnostics: &mut Diagnostics) -> Self {
        let Some(Located { value, place }) = written else { return Self::default() };
        match value.as_str() {
            "account" => Self::Account,
            "database" => Self::Database,
            other => {
                diagnostics.push(
                    Diagnostic::error(
                        "bad-role-kind",
                        format!("`{}` is no kind of role", printable(other)),
                    )
                    .with_help("one of account, database")
                    .with_place(place),
                );
                Self::default()
            }
        }
    }
}
