//! Snowflake.

mod receipts;
mod reference;
mod statements;
mod table;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

pub(crate) use statements::snowflake_object;

use super::privileges::{Class, Table};
use super::{Dialect, Statement, StatementError, Target, names};
use crate::model::{Change, DialectKind, Ident, IdentError, ObjectClass, Privilege, PrivilegeSet};

pub use receipts::{RECEIPT_COLUMNS, ReceiptRow, ReceiptTable};
pub use reference::{SnowflakeStatements, snowflake_statements, snowflake_statements_markdown};

/// The dialect of Snowflake.
pub(super) struct Snowflake;

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::new(table::ROWS));

/// In characters ("Identifier requirements").
const LONGEST: usize = 255;

/// Roles that every account has ("System-defined roles"), and the pseudo-role that everyone holds.
const SYSTEM_ROLES: &[&str] = &[
    "ACCOUNTADMIN",
    "GLOBALORGADMIN",
    "ORGADMIN",
    "PUBLIC",
    "SECURITYADMIN",
    "SYSADMIN",
    "USERADMIN",
];

fn class(class: ObjectClass) -> Option<&'static Class> {
    TABLE.get(class)
}

/// Snowflake reads backslashes in string constants as escapes.
fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for character in text.chars() {
        match character {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// "Identifier requirements": an ASCII letter or an underscore, then letters, digits, underscores
/// and dollar signs.
fn stands_unquoted(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(letter) && text.chars().all(|c| letter(c) || c.is_ascii_digit() || c == '$')
}

impl Dialect for Snowflake {
    fn kind(&self) -> DialectKind {
        DialectKind::Snowflake
    }

    fn fold(&self, written: &str) -> Result<Ident, IdentError> {
        names::fold(written, stands_unquoted, |letter| letter.to_ascii_uppercase())
    }

    fn quote(&self, name: &Ident) -> String {
        format!("\"{}\"", name.as_str().replace('"', "\"\""))
    }

    fn longest_name(&self, name: &Ident) -> Result<(), String> {
        let characters = name.as_str().chars().count();
        if characters <= LONGEST {
            return Ok(());
        }
        Err(format!("{name:?} is {characters} characters long; Snowflake takes {LONGEST} at most"))
    }

    fn reserved(&self, name: &Ident) -> Option<&'static str> {
        // In any case: a quoted "sysadmin" could exist, and would be taken for the real one.
        let is = |role: &&str| name.as_str().eq_ignore_ascii_case(role);
        SYSTEM_ROLES.iter().any(is).then_some("it is a role of Snowflake itself")
    }

    fn privileges_of(&self, of: ObjectClass) -> PrivilegeSet {
        class(of).map_or(PrivilegeSet::EMPTY, |class| class.all)
    }

    fn all_on(&self, of: ObjectClass) -> PrivilegeSet {
        let named = |one: &Privilege| table::places::is_in_all(of, one.as_str());
        self.privileges_of(of).iter().filter(named).collect()
    }

    fn not_on_hybrid(&self) -> PrivilegeSet {
        table::NOT_ON_HYBRID.iter().filter_map(|name| Privilege::parse(name)).collect()
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

    fn has_future_owner(&self, of: ObjectClass) -> bool {
        self.has_futures(of) && !table::NO_FUTURE_OWNER.contains(&of)
    }

    fn needs(&self) -> (PrivilegeSet, PrivilegeSet) {
        let usage = PrivilegeSet::of(&[Privilege::USAGE]);
        (usage, usage)
    }

    fn class_of(&self, materialized: &str) -> ObjectClass {
        match materialized {
            "view" => ObjectClass::View,
            "materialized_view" | "materializedview" => ObjectClass::MaterializedView,
            "dynamic_table" => ObjectClass::DynamicTable,
            "external" => ObjectClass::ExternalTable,
            _ => ObjectClass::Table,
        }
    }

    fn statements(
        &self,
        changes: &[Change],
        _target: &Target,
    ) -> Result<Vec<Statement>, StatementError> {
        statements::render(changes)
    }

    fn reverse(&self, change: &Change) -> Option<Change> {
        super::reverse(change)
    }
}
