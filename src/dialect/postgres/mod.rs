//! PostgreSQL 13 and later.

mod objects;
mod statements;
mod table;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod word_tests;

use std::sync::LazyLock;

use postgres_protocol::escape::{escape_identifier, escape_literal};

use super::privileges::{Class, Table};
use super::{Dialect, Statement, StatementError, Target, names};
use crate::model::{Change, DialectKind, Ident, IdentError, ObjectClass, Privilege, PrivilegeSet};

/// The dialect of PostgreSQL.
pub(super) struct Postgres;

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::new(table::ROWS));

/// NAMEDATALEN - 1, in bytes of UTF-8. The server cuts longer names with no more than a NOTICE.
const LONGEST: usize = 63;

fn class(class: ObjectClass) -> Option<&'static Class> {
    TABLE.get(class)
}

/// A string literal that is right under either setting of `standard_conforming_strings`.
fn literal(text: &str) -> String {
    escape_literal(text).trim_start().to_owned()
}

/// The server's rule for identifiers ("Lexical Structure"): a letter or an underscore, then
/// letters, digits, underscores and dollar signs, where every character beyond ASCII counts as a
/// letter.
fn stands_unquoted(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
    text.starts_with(letter) && text.chars().all(|c| letter(c) || c.is_ascii_digit() || c == '$')
}

impl Dialect for Postgres {
    fn kind(&self) -> DialectKind {
        DialectKind::Postgres
    }

    fn fold(&self, written: &str) -> Result<Ident, IdentError> {
        names::fold(written, stands_unquoted, |letter| letter.to_ascii_lowercase())
    }

    fn quote(&self, name: &Ident) -> String {
        escape_identifier(name.as_str())
    }

    fn longest_name(&self, name: &Ident) -> Result<(), String> {
        let bytes = name.as_str().len();
        if bytes <= LONGEST {
            return Ok(());
        }
        Err(format!(
            "{name:?} is {bytes} bytes long in UTF-8; PostgreSQL keeps {LONGEST} and cuts the rest \
             silently"
        ))
    }

    fn reserved(&self, name: &Ident) -> Option<&'static str> {
        // Compared to the letter, as the server does: "PG_ANALYSTS" is an ordinary name.
        match name.as_str() {
            "public" => Some("`public` means everyone in PostgreSQL, even in quotes"),
            "none" => Some("PostgreSQL has no role named `none`: the word means no role"),
            "rolecall_lock" => {
                Some("that role's comment is the lock that keeps two runs of rolecall apart")
            }
            name if name.starts_with("pg_") => {
                Some("names that begin with `pg_` belong to PostgreSQL itself")
            }
            _ => None,
        }
    }

    fn privileges_of(&self, of: ObjectClass) -> PrivilegeSet {
        class(of).map_or(PrivilegeSet::EMPTY, |class| class.all)
    }

    fn data_privileges_of(&self, of: ObjectClass) -> PrivilegeSet {
        class(of).map_or(PrivilegeSet::EMPTY, |class| class.data)
    }

    fn read_on(&self, of: ObjectClass) -> PrivilegeSet {
        class(of).map_or(PrivilegeSet::EMPTY, |class| class.read)
    }

    fn write_on(&self, of: ObjectClass) -> PrivilegeSet {
        class(of).map_or(PrivilegeSet::EMPTY, |class| class.write)
    }

    fn owner_word(&self, of: ObjectClass) -> Option<&'static str> {
        class(of)?.row.owned_as
    }

    fn word_of(&self, of: ObjectClass) -> Option<&'static str> {
        Some(class(of)?.row.keyword)
    }

    fn has_futures(&self, of: ObjectClass) -> bool {
        class(of).is_some_and(|class| class.row.plural.is_some())
    }

    fn needs(&self) -> (PrivilegeSet, PrivilegeSet) {
        (PrivilegeSet::of(&[Privilege::CONNECT]), PrivilegeSet::of(&[Privilege::USAGE]))
    }

    fn class_of(&self, materialized: &str) -> ObjectClass {
        match materialized {
            "view" => ObjectClass::View,
            "materialized_view" | "materializedview" => ObjectClass::MaterializedView,
            // PostgreSQL has neither. The nearest class that it has, and that promises no more.
            "dynamic_table" => ObjectClass::MaterializedView,
            "external" => ObjectClass::ForeignTable,
            _ => ObjectClass::Table,
        }
    }

    fn statements(
        &self,
        changes: &[Change],
        target: &Target,
    ) -> Result<Vec<Statement>, StatementError> {
        statements::render(changes, target)
    }

    fn reverse(&self, change: &Change) -> Option<Change> {
        super::reverse(change)
    }
}
