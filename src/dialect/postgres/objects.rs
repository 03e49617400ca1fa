//! Names and objects as they stand in PostgreSQL's statements, and what is refused there.

use super::super::refusal::{Refusal, signature};
use super::super::{Dialect, Target};
use super::{Postgres, class};
use crate::model::{Ident, ObjectClass, Securable};

pub(super) fn unsupported(on: &Securable, what: &str) -> Refusal {
    let class = on.class();
    Refusal::new(
        "unsupported-object",
        format!("PostgreSQL knows no {what} on {on} of class {class}"),
    )
}

/// A quoted name. One that the server would cut is refused: cut, it may be another's.
pub(super) fn name(name: &Ident) -> Result<String, Refusal> {
    match Postgres.longest_name(name) {
        Ok(()) => Ok(Postgres.quote(name)),
        Err(why) => Err(Refusal::new("name-too-long", why)),
    }
}

/// A quoted role. `public` and `none` are no names of roles even in quotes, and would mean
/// everyone, or nobody.
pub(super) fn role(role: &Ident) -> Result<String, Refusal> {
    if matches!(role.as_str(), "public" | "none") {
        let why = Postgres.reserved(role).unwrap_or("is reserved");
        return Err(Refusal::new("reserved-name", format!("{role:?} cannot be a role: {why}")));
    }
    name(role)
}

/// A quoted role that is about to come into being.
pub(super) fn new_role(name: &Ident) -> Result<String, Refusal> {
    match Postgres.reserved(name) {
        Some(why) => {
            Err(Refusal::new("reserved-name", format!("{name:?} cannot be a role: {why}")))
        }
        None => role(name),
    }
}

pub(super) fn roles(roles: &[&Ident]) -> Result<Vec<String>, Refusal> {
    roles.iter().map(|one| role(one)).collect()
}

/// An object as it stands after its keyword. For a column, its relation.
pub(super) fn object(on: &Securable, target: &Target) -> Result<String, Refusal> {
    let incomplete =
        || Refusal::new("incomplete-object", format!("{on} of class {} lacks a name", on.class()));
    let own = || on.name().ok_or_else(incomplete);
    let qualified = || {
        let schema = on.schema_name().ok_or_else(incomplete)?;
        Ok(format!("{}.{}", name(schema)?, name(own()?)?))
    };
    if class(on.class()).is_none() {
        return Err(unsupported(on, "statements"));
    }
    if on.class() != ObjectClass::Database
        && let (Some(here), Some(there)) = (&target.database, on.database_name())
        && here != there
    {
        return Err(Refusal::new(
            "other-database",
            format!(
                "{on} is in the database {there:?}, but the connection is to {here:?}: PostgreSQL \
                 would take what has that name here"
            ),
        ));
    }
    match on.class() {
        ObjectClass::Column if on.column_name().is_none() => Err(incomplete()),
        ObjectClass::Table
        | ObjectClass::View
        | ObjectClass::MaterializedView
        | ObjectClass::ForeignTable
        | ObjectClass::Column
        | ObjectClass::Sequence
        | ObjectClass::Type => qualified(),
        ObjectClass::Function | ObjectClass::Procedure => {
            let types = on.signature().ok_or_else(incomplete)?;
            Ok(format!("{}({})", qualified()?, signature(types, false)?))
        }
        ObjectClass::Parameter => {
            // An extension's parameter has two parts.
            let parts = own()?.as_str().split('.');
            let quoted = parts.map(|part| Ident::new(part).map_err(|_| incomplete()));
            let quoted = quoted.map(|part| name(&part?)).collect::<Result<Vec<_>, _>>()?;
            Ok(quoted.join("."))
        }
        ObjectClass::LargeObject => {
            let number = own()?.as_str();
            match number.parse::<u32>() {
                Ok(number) => Ok(number.to_string()),
                Err(_) => Err(Refusal::new(
                    "incomplete-object",
                    format!("a large object is named by its number, not by {number:?}"),
                )),
            }
        }
        _ => name(own()?),
    }
}
