//! Names and objects as they stand in PostgreSQL's statements, and what is refused there.

use super::super::{Dialect, StatementError, Target};
use super::{Postgres, class};
use crate::model::{Ident, ObjectClass, PrivilegeSet, Securable};

/// A [`StatementError`] that does not yet know its change.
#[derive(Debug)]
pub(super) struct Refusal {
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn at(self, change: usize) -> StatementError {
        StatementError { code: self.code, change, message: self.message }
    }
}

pub(super) fn refusal(code: &'static str, message: String) -> Refusal {
    Refusal { code, message }
}

pub(super) fn unsupported(on: &Securable, what: &str) -> Refusal {
    let class = on.class();
    refusal("unsupported-object", format!("PostgreSQL knows no {what} on {on} of class {class}"))
}

/// A quoted name. One that the server would cut is refused: cut, it may be another's.
pub(super) fn name(name: &Ident) -> Result<String, Refusal> {
    match Postgres.longest_name(name) {
        Ok(()) => Ok(Postgres.quote(name)),
        Err(why) => Err(refusal("name-too-long", why)),
    }
}

/// A quoted role. `public` and `none` are no names of roles even in quotes, and would mean
/// everyone, or nobody.
pub(super) fn role(role: &Ident) -> Result<String, Refusal> {
    if matches!(role.as_str(), "public" | "none") {
        let why = Postgres.reserved(role).unwrap_or("is reserved");
        return Err(refusal("reserved-name", format!("{role:?} cannot be a role: {why}")));
    }
    name(role)
}

/// A quoted role that is about to come into being.
pub(super) fn new_role(name: &Ident) -> Result<String, Refusal> {
    match Postgres.reserved(name) {
        Some(why) => Err(refusal("reserved-name", format!("{name:?} cannot be a role: {why}"))),
        None => role(name),
    }
}

pub(super) fn roles(roles: &[&Ident]) -> Result<Vec<String>, Refusal> {
    roles.iter().map(|one| role(one)).collect()
}

pub(super) fn privileges(set: PrivilegeSet) -> Result<Vec<String>, Refusal> {
    if set.is_empty() {
        return Err(refusal("no-privilege", "a change without any privilege".to_owned()));
    }
    Ok(set.iter().map(|privilege| privilege.as_str().to_owned()).collect())
}

/// An object as it stands after its keyword. For a column, its relation.
pub(super) fn object(on: &Securable, target: &Target) -> Result<String, Refusal> {
    let incomplete =
        || refusal("incomplete-object", format!("{on} of class {} lacks a name", on.class()));
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
        return Err(refusal(
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
            let signature = on.signature().ok_or_else(incomplete)?;
            Ok(format!("{}({})", qualified()?, checked(signature)?))
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
                Err(_) => Err(refusal(
                    "incomplete-object",
                    format!("a large object is named by its number, not by {number:?}"),
                )),
            }
        }
        _ => name(own()?),
    }
}

/// The argument types of a routine, as the server prints them. They are the one text that goes
/// into a statement unquoted, so nothing is let through but names (quoted ones whole), commas,
/// dots and brackets.
fn checked(signature: &str) -> Result<&str, Refusal> {
    let mut inside_quotes = false;
    let mut fine = !signature.contains('\0');
    for character in signature.chars() {
        let plain = character.is_ascii_alphanumeric() || " _,.[]".contains(character);
        if character == '"' {
            inside_quotes = !inside_quotes;
        } else if !inside_quotes && !plain {
            fine = false;
        }
    }
    if fine && !inside_quotes {
        return Ok(signature);
    }
    let message = format!("{signature:?} is not a list of types as PostgreSQL prints one");
    Err(refusal("bad-signature", message))
}
