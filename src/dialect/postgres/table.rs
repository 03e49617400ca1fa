//! PostgreSQL's privileges per class of objects. Source: PostgreSQL 18, "Privileges", table 5.2,
//! and the pages of GRANT, ALTER DEFAULT PRIVILEGES and the ALTER commands.

use super::super::privileges::Row;
use crate::model::ObjectClass;

const RELATION: &[&str] =
    &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"];

/// Without MAINTAIN, which servers before 17 lack and which is no right on the data.
const DATA: &[&str] =
    &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"];

const fn row(
    class: ObjectClass,
    keyword: &'static str,
    owned_as: Option<&'static str>,
    plural: Option<&'static str>,
    all: &'static [&'static str],
) -> Row {
    Row { class, keyword, owned_as, plural, all, data: &[], write: &[] }
}

const fn relation(
    class: ObjectClass,
    owned_as: &'static str,
    plural: Option<&'static str>,
    write: &'static [&'static str],
) -> Row {
    // GRANT knows every relation as TABLE.
    Row {
        class,
        keyword: "TABLE",
        owned_as: Some(owned_as),
        plural,
        all: RELATION,
        data: DATA,
        write,
    }
}

pub(super) const ROWS: &[Row] = &[
    row(
        ObjectClass::Database,
        "DATABASE",
        Some("DATABASE"),
        None,
        &["CREATE", "CONNECT", "TEMPORARY"],
    ),
    row(ObjectClass::Schema, "SCHEMA", Some("SCHEMA"), Some("SCHEMAS"), &["USAGE", "CREATE"]),
    // Default privileges on TABLES hold for views, materialized views and foreign tables too.
    relation(
        ObjectClass::Table,
        "TABLE",
        Some("TABLES"),
        &["INSERT", "UPDATE", "DELETE", "TRUNCATE"],
    ),
    relation(ObjectClass::View, "VIEW", None, &[]),
    relation(ObjectClass::MaterializedView, "MATERIALIZED VIEW", None, &[]),
    relation(ObjectClass::ForeignTable, "FOREIGN TABLE", None, &["INSERT", "UPDATE", "DELETE"]),
    row(ObjectClass::Column, "TABLE", None, None, &["SELECT", "INSERT", "UPDATE", "REFERENCES"]),
    row(
        ObjectClass::Sequence,
        "SEQUENCE",
        Some("SEQUENCE"),
        Some("SEQUENCES"),
        &["USAGE", "SELECT", "UPDATE"],
    ),
    // FUNCTIONS of default privileges are all routines.
    row(ObjectClass::Function, "ROUTINE", Some("ROUTINE"), Some("FUNCTIONS"), &["EXECUTE"]),
    row(ObjectClass::Procedure, "ROUTINE", Some("ROUTINE"), Some("FUNCTIONS"), &["EXECUTE"]),
    row(ObjectClass::Type, "TYPE", Some("TYPE"), Some("TYPES"), &["USAGE"]),
    row(ObjectClass::Language, "LANGUAGE", Some("LANGUAGE"), None, &["USAGE"]),
    row(
        ObjectClass::ForeignDataWrapper,
        "FOREIGN DATA WRAPPER",
        Some("FOREIGN DATA WRAPPER"),
        None,
        &["USAGE"],
    ),
    row(ObjectClass::ForeignServer, "FOREIGN SERVER", Some("SERVER"), None, &["USAGE"]),
    row(ObjectClass::Tablespace, "TABLESPACE", Some("TABLESPACE"), None, &["CREATE"]),
    row(
        ObjectClass::LargeObject,
        "LARGE OBJECT",
        Some("LARGE OBJECT"),
        Some("LARGE OBJECTS"),
        &["SELECT", "UPDATE"],
    ),
    row(ObjectClass::Parameter, "PARAMETER", None, None, &["SET", "ALTER SYSTEM"]),
];
