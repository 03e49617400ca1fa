//! Names and types as SHOW prints them.

use super::Rows;
use crate::dialect;
use crate::model::{DialectKind, Ident, ObjectClass, Securable};

/// The rows of an answer, by the names of its columns, in whatever case.
pub(super) struct Table<'r> {
    columns: Vec<String>,
    rows: &'r Rows,
}

/// One row of a [`Table`].
#[derive(Clone, Copy)]
pub(super) struct Row<'t> {
    columns: &'t [String],
    values: &'t [Option<String>],
}

impl<'r> Table<'r> {
    pub(super) fn of(rows: &'r Rows) -> Self {
        Self { columns: rows.columns.iter().map(|c| c.to_ascii_lowercase()).collect(), rows }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.rows.iter().map(|values| Row { columns: &self.columns, values })
    }
}

impl<'t> Row<'t> {
    /// A value; empty where the column or the value is missing.
    pub(super) fn text(&self, column: &str) -> &'t str {
        let at = self.columns.iter().position(|name| name == column);
        at.and_then(|at| self.values.get(at)?.as_deref()).unwrap_or_default()
    }

    pub(super) fn truth(&self, column: &str) -> bool {
        matches!(self.text(column).to_ascii_lowercase().as_str(), "true" | "y" | "yes" | "1")
    }

    pub(super) fn name(&self, column: &str) -> Option<Ident> {
        Ident::new(self.text(column)).ok()
    }
}

/// The parts of a dotted name: quoted where a bare name would not be read back.
pub(super) fn parts(shown: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = shown;
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        if part.is_empty() {
            return None;
        }
        parts.push(part);
        match after.strip_prefix('.') {
            Some(more) => rest = more,
            None if after.is_empty() => return Some(parts),
            None => return None,
        }
    }
}

/// A quoted part, without its first quote, and what follows it.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut rest = quoted;
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                part.push('"');
                rest = more;
            }
            None => return Some((part, after)),
        }
    }
}

/// One name, such as a grantee's: as it is, or quoted where a bare one would not be read back.
pub(super) fn one(shown: &str, known: impl Fn(&str) -> bool) -> Option<Ident> {
    let exact = shown
        .strip_prefix('"')
        .and_then(unquoted)
        .filter(|(_, after)| after.is_empty())
        .map(|(name, _)| name)
        // A name may hold quotes itself, where SHOW prints it as it is.
        .filter(|name| known(name) || !known(shown));
    Ident::new(exact.as_deref().unwrap_or(shown)).ok()
}

/// What holds something, or is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Role,
    DatabaseRole,
    User,
}

/// The type of a grantee, which SHOW, its pages and ACCOUNT_USAGE spell differently: `ROLE`,
/// `ACCOUNT ROLE`, `DATABASE_ROLE`, `DATABASE ROLE`. `None` for what is no concern of ours: shares,
/// applications and their roles, roles of classes.
pub(super) fn holder(shown: &str) -> Option<Holder> {
    match shown.trim().to_ascii_uppercase().replace(' ', "_").as_str() {
        "ROLE" | "ACCOUNT_ROLE" => Some(Holder::Role),
        "DATABASE_ROLE" => Some(Holder::DatabaseRole),
        "USER" => Some(Holder::User),
        _ => None,
    }
}

/// The class that a type is shown as: `MATERIALIZED_VIEW`, `MATERIALIZED VIEW`. `None` for types
/// that this dialect has no privileges for.
pub(super) fn class(shown: &str) -> Option<ObjectClass> {
    let word = shown.trim().to_ascii_lowercase().replace(' ', "_");
    let word = match word.as_str() {
        "hybrid_table" | "transient_table" | "temporary_table" => "table",
        "storage_integration"
        | "api_integration"
        | "notification_integration"
        | "security_integration"
        | "external_access_integration" => "integration",
        "module" => "model",
        "cortex_agent" => "agent",
        "volume" => "external_volume",
        word => word,
    };
    let class = ObjectClass::ALL.into_iter().find(|class| class.as_str() == word)?;
    let privileges = dialect::of(DialectKind::Snowflake).privileges_of(class);
    (!privileges.is_empty()).then_some(class)
}

/// An object by its class and its shown name.
pub(super) fn object(class: ObjectClass, shown: &str) -> Option<Securable> {
    if class == ObjectClass::Account {
        return Some(Securable::account());
    }
    let mut parts = parts(shown)?.into_iter();
    let mut next = || parts.next().and_then(|part| Ident::new(part).ok());
    let object = match class {
        ObjectClass::Database => Securable::database(next()?),
        ObjectClass::Schema => Securable::schema(next()?, next()?),
        class if class.is_global() => Securable::global(class, next()?),
        ObjectClass::Function | ObjectClass::Procedure => {
            let (database, schema, name) = (next()?, next()?, next()?);
            let (name, types) = routine(name.as_str())?;
            Securable::routine(class, database, schema, name, types)
        }
        _ => Securable::in_schema(class, next()?, next()?, next()?),
    };
    parts.next().is_none().then_some(object)
}

/// `NAME(A NUMBER, B VARCHAR):VARCHAR` into the name and the types of the arguments.
pub(super) fn routine(shown: &str) -> Option<(Ident, String)> {
    let (name, rest) = shown.split_once('(')?;
    let mut depth = 1;
    let end = rest.char_indices().find_map(|(at, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })?;
    let mut types = Vec::new();
    for argument in split_outside(&rest[..end]) {
        let argument = argument.trim();
        if argument.is_empty() {
            continue;
        }
        // A name may stand before the type; types are one word, with or without parentheses.
        let begin = argument.find('(').unwrap_or(argument.len());
        let start = argument[..begin].trim_end().rfind(' ').map_or(0, |at| at + 1);
        types.push(argument[start..].to_owned());
    }
    Some((Ident::new(name).ok()?, types.join(", ")))
}

fn split_outside(arguments: &str) -> Vec<&str> {
    let (mut found, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in arguments.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&arguments[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&arguments[start..]);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_names_are_taken_apart_where_they_are_quoted() {
        let parts = |shown| parts(shown).map(|parts| parts.join("|"));
        assert_eq!(parts("D.S.T").as_deref(), Some("D|S|T"));
        assert_eq!(parts(r#"D."a.b"."say ""x""""#).as_deref(), Some(r#"D|a.b|say "x""#));
        assert_eq!(parts("D.S.<TABLE>").as_deref(), Some("D|S|<TABLE>"));
        for broken in ["", "D.", ".D", r#"D."x"#, r#""x"y"#, "D..T"] {
            assert_eq!(parts(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_quoted_name_is_read_as_what_is_there() {
        let name = |shown, there: &[&str]| one(shown, |n| there.contains(&n)).unwrap();
        assert_eq!(name("ANALYST", &[]).as_str(), "ANALYST");
        assert_eq!(name(r#""my role""#, &["my role"]).as_str(), "my role");
        assert_eq!(name(r#""my role""#, &[]).as_str(), "my role");
        assert_eq!(name(r#""odd""#, &[r#""odd""#]).as_str(), r#""odd""#);
    }

    #[test]
    fn types_have_one_name_whichever_way_they_are_written() {
        for (shown, expected) in [
            ("MATERIALIZED_VIEW", Some(ObjectClass::MaterializedView)),
            ("MATERIALIZED VIEW", Some(ObjectClass::MaterializedView)),
            ("HYBRID_TABLE", Some(ObjectClass::Table)),
            ("ICEBERG TABLE", Some(ObjectClass::IcebergTable)),
            ("NOTEBOOK", Some(ObjectClass::Notebook)),
            ("MODULE", Some(ObjectClass::Model)),
            ("VOLUME", Some(ObjectClass::ExternalVolume)),
            ("GATEWAY", Some(ObjectClass::Gateway)),
            ("MCP SERVER", Some(ObjectClass::McpServer)),
            ("PROVISIONED_THROUGHPUT", None),
            ("LANGUAGE", None),
        ] {
            assert_eq!(class(shown), expected, "{shown}");
        }
    }

    #[test]
    fn grantees_have_one_type_whichever_way_it_is_written() {
        for (shown, expected) in [
            ("ROLE", Some(Holder::Role)),
            ("ACCOUNT ROLE", Some(Holder::Role)),
            ("ACCOUNT_ROLE", Some(Holder::Role)),
            ("DATABASE_ROLE", Some(Holder::DatabaseRole)),
            ("Database Role", Some(Holder::DatabaseRole)),
            ("USER", Some(Holder::User)),
            ("SHARE", None),
            ("APPLICATION_ROLE", None),
            ("INSTANCE_ROLE", None),
            ("", None),
        ] {
            assert_eq!(holder(shown), expected, "{shown}");
        }
    }

    #[test]
    fn routines_are_known_by_their_argument_types() {
        let on = |shown| object(ObjectClass::Function, shown).unwrap().to_string();
        assert_eq!(on(r#"D.S."F(A NUMBER, B VARCHAR):VARCHAR(10)""#), "D.S.F(NUMBER, VARCHAR)");
        assert_eq!(
            on(r#"D.S."F(NUMBER(38,0), FLOAT):TABLE (A NUMBER)""#),
            "D.S.F(NUMBER(38,0), FLOAT)"
        );
        assert_eq!(on(r#"D.S."F():FLOAT""#), "D.S.F()");
        assert_eq!(object(ObjectClass::Function, "D.S.F"), None);
        assert_eq!(object(ObjectClass::Table, "D.S"), None);
        assert_eq!(object(ObjectClass::Schema, "D.S.T"), None);
    }
}
