//! Printing: data to stdout, everything else to stderr, colour only on a terminal.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};

use anyhow::Context;

use super::{Exit, Format};
use crate::apply::Failure;
use crate::model::{Diagnostic, Diagnostics};
use crate::report::{findings, json};
use crate::warehouse::WarehouseError;

/// Data. A closed pipe is no failure: the reader has had enough.
pub(super) fn data(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    // What stays in the buffer would be lost at the end without a word.
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to stdout"),
    }
}

/// A message to the person who runs it.
pub(super) fn message(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", without_secrets(text, std::env::vars_os()));
}

/// Without the values of `DBT_ENV_SECRET_…` variables, whoever said them: a server repeats the name
/// of a user that it does not let in.
fn without_secrets<'t>(
    text: &'t str,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Cow<'t, str> {
    let secrets = variables.filter_map(|(name, value)| {
        let value = value.into_string().ok().filter(|value| !value.trim().is_empty())?;
        name.to_str()?.starts_with("DBT_ENV_SECRET").then_some(value)
    });
    secrets.fold(Cow::Borrowed(text), |text, secret| match text.contains(&secret) {
        true => Cow::Owned(text.replace(&secret, "*****")),
        false => text,
    })
}

/// Whether stdout, or stderr, shows colours.
pub(super) fn colour_on_stdout() -> bool {
    std::io::stdout().is_terminal() && colour_is_wanted()
}

fn colour_on_stderr() -> bool {
    std::io::stderr().is_terminal() && colour_is_wanted()
}

/// `NO_COLOR` with anything in it says no (no-color.org).
fn colour_is_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Findings, sorted, to stderr.
pub(super) fn findings(found: Diagnostics) -> Vec<Diagnostic> {
    let sorted = found.sorted();
    if !sorted.is_empty() {
        message(findings::text(&sorted, colour_on_stderr()).trim_end());
    }
    sorted
}

/// What a guard refuses, to stderr.
pub(super) fn refusals(refused: &[crate::plan::Refusal]) {
    if !refused.is_empty() {
        message(findings::refusals(refused, colour_on_stderr()).trim_end());
    }
}

/// An error and its causes, and the exit status given.
pub(super) fn fail(error: anyhow::Error, exit: Exit) -> Exit {
    message(&format!("error: {}", findings::printable(&format!("{error:#}"))));
    exit
}

/// An error, and the exit status that its kind has; to stdout too where a program listens.
pub(super) fn failed(error: anyhow::Error, format: Format) -> Exit {
    if format == Format::Json {
        let findings = match error.downcast_ref::<Failure>() {
            Some(Failure::Found(found)) => found.clone().sorted(),
            _ => Vec::new(),
        };
        let error = without_secrets(&format!("{error:#}"), std::env::vars_os()).into_owned();
        let failed = json::Failed { version: json::VERSION, error, findings };
        // Where stdout is closed, stderr still says it.
        let _ = json::print(&failed).map_err(anyhow::Error::from).and_then(|text| data(&text));
    }
    say_failed(error)
}

fn say_failed(error: anyhow::Error) -> Exit {
    if error.downcast_ref::<super::exit::WrongArguments>().is_some() {
        return fail(error, Exit::Usage);
    }
    let exit = match error.downcast_ref::<Failure>() {
        Some(Failure::Found(found)) => {
            findings(found.clone());
            return Exit::Failed;
        }
        Some(Failure::Warehouse(error)) => exit_of(error),
        None => error.downcast_ref::<WarehouseError>().map_or(Exit::Failed, exit_of),
    };
    fail(error, exit)
}

fn exit_of(error: &WarehouseError) -> Exit {
    match error {
        WarehouseError::Locked(_) | WarehouseError::Limit(_) => Exit::Refused,
        WarehouseError::Unknown(_) | WarehouseError::Partly { .. } => Exit::Partly,
        WarehouseError::Connect { .. }
        | WarehouseError::Statement { .. }
        | WarehouseError::Forbidden(_)
        | WarehouseError::Journal(_)
        | WarehouseError::Render(_)
        | WarehouseError::Retry(_) => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dbt_keeps_secret_is_not_in_a_message() {
        let variables =
            [("DBT_ENV_SECRET_USER", "jane"), ("DBT_ENV_SECRET_E", " "), ("USER", "no")];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        let said = without_secrets("no such user: jane", variables.into_iter());
        assert_eq!(said, "no such user: *****");
    }
}
