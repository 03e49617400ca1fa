//! What the client library and the server report, in our words.

use std::error::Error as _;

use crate::warehouse::WarehouseError;

/// An error with its causes, without repeating one that its parent already quotes.
pub(super) fn chain(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        return server_says(db);
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// The server's message with its detail and hint.
fn server_says(db: &tokio_postgres::error::DbError) -> String {
    let mut text = db.message().to_owned();
    // The hint there is to use CASCADE, which takes away what others have.
    let hint = db.hint().filter(|_| db.code().code() != "2BP01");
    for more in [db.detail(), hint].into_iter().flatten() {
        text.push_str("; ");
        text.push_str(more.trim_end());
    }
    text
}

/// A failed statement. `target` is the server, for when the connection broke instead.
pub(super) fn of_statement(
    target: &str,
    statement: &str,
    error: &tokio_postgres::Error,
) -> WarehouseError {
    match error.as_db_error() {
        Some(db) => WarehouseError::Statement {
            statement: statement.to_owned(),
            message: server_says(db),
            code: db.code().code().to_owned(),
        },
        None if error.is_closed()
            || error.source().is_some_and(|cause| cause.is::<std::io::Error>()) =>
        {
            WarehouseError::Connect { target: target.to_owned(), cause: chain(error) }
        }
        None => WarehouseError::Statement {
            statement: statement.to_owned(),
            message: chain(error),
            code: "none".to_owned(),
        },
    }
}

/// The server's code for an error; empty where the server did not send it.
pub(super) fn code(error: &tokio_postgres::Error) -> &str {
    error.code().map_or("", |code| code.code())
}

/// Whether the session ended, so that the answer may be lost: the connection broke, or the server
/// is going down (class 57P, FATAL).
pub(super) fn is_lost(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_none() || code(error).starts_with("57P") || code(error).starts_with("08")
}

/// What a failed statement means to a caller whose transaction it has ended.
pub(super) fn in_transaction(error: WarehouseError) -> WarehouseError {
    let WarehouseError::Statement { statement, message, code } = &error else { return error };
    let short: String = statement.chars().take(200).collect();
    match code.as_str() {
        // The server says so where two transactions change one row of its catalogs.
        "XX000" if message.starts_with("tuple concurrently") => {
            WarehouseError::Retry(format!("{short}\n  met another change of the same: {message}"))
        }
        // A relation that dbt rebuilt between our look and our statement. If it stays away, the next
        // look says so.
        "XX000"
            if message.starts_with("cache lookup failed")
                || message.starts_with("could not open relation") =>
        {
            WarehouseError::Retry(format!("{short}\n  met a relation on its way out: {message}"))
        }
        "40001" | "40P01" => WarehouseError::Retry(format!("{short}\n  {message}")),
        "55P03" => WarehouseError::Locked(format!(
            "{short}\n  waited too long for a lock that somebody else holds ({message}); nothing \
             was changed"
        )),
        "54000" => WarehouseError::Limit(format!(
            "{short}\n  does not fit: PostgreSQL keeps an object's whole access list in one row \
             of about 8 kB, and too many roles have grants on this one ({message}); grant to \
             fewer roles and make those members of each other"
        )),
        "53200" => WarehouseError::Limit(format!(
            "{short}\n  {message}: too many objects for one transaction; raise \
             max_locks_per_transaction (it takes a restart), or pass --batches"
        )),
        "42501" => WarehouseError::Forbidden(format!("{short}\n  {message}")),
        _ => error,
    }
}
