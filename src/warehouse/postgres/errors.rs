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
    for more in [db.detail(), db.hint()].into_iter().flatten() {
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
