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

/// What a person reads: nothing in it is a command of the terminal or of the job that shows it.
pub(super) fn text(text: &str) -> anyhow::Result<()> {
    data(&harmless(text, colour_on_stdout()))
}

/// What a program reads, to the letter. A closed pipe is no failure: the reader has had enough.
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
    let text = without_secrets(text, std::env::vars_os());
    let _ = writeln!(std::io::stderr(), "{}", harmless(&text, colour_on_stderr()));
}

/// What the command line's own errors say: they repeat what was written there.
pub(super) fn wrong_arguments(error: &clap::Error) -> Exit {
    let said = error.render();
    let said = if colour_on_stderr() { said.ansi().to_string() } else { said.to_string() };
    message(said.trim_end());
    Exit::Usage
}

/// What continuous integration takes for a command wherever a log has it: GitHub's first form, Azure's,
/// TeamCity's.
const ANYWHERE: [&str; 3] = ["##[", "##vso[", "##teamcity["];

/// Names come from servers and files, and may hold anything. A line that begins with `::` is a command
/// to GitHub's runner, and what the terminal obeys is one to it: neither is left as it is. Colours are
/// ours where there are any.
fn harmless(text: &str, colour: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        // As the runner does, which takes off what is blank first; a colour before it is no command.
        let blank = line.len() - line.trim_start().len();
        let (blank, rest) = line.split_at(blank);
        out.push_str(&without_escapes(blank, false));
        let rest = match rest.strip_prefix("::") {
            Some(rest) => {
                out.push_str("\\u{3a}:");
                rest
            }
            None => rest,
        };
        let mut shown = without_escapes(rest, colour);
        for command in ANYWHERE {
            if shown.contains(command) {
                let broken = command.replace('[', "\\u{5b}");
                shown = shown.replace(command, &broken);
            }
        }
        out.push_str(&shown);
    }
    out
}

/// With control characters written out, but for colours where they are wanted.
fn without_escapes(text: &str, colour: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}').filter(|_| colour) {
        out.push_str(&findings::printable(&rest[..at]));
        let length = colour_code(&rest[at..]);
        match length {
            Some(length) => out.push_str(&rest[at..at + length]),
            None => out.push_str(&findings::printable("\u{1b}")),
        }
        rest = &rest[at + length.unwrap_or(1)..];
    }
    out.push_str(&findings::printable(rest));
    out
}

/// The length of a code that only changes how letters look.
fn colour_code(text: &str) -> Option<usize> {
    let numbers = text.strip_prefix("\u{1b}[")?;
    let end = numbers.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    numbers[end..].starts_with('m').then_some(end + 3)
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
    fn nothing_that_is_shown_is_a_command_to_whatever_shows_it() {
        for (name, shown) in [
            ("::error::x", "\\u{3a}:error::x"),
            ("a\n \t::add-mask::x\nb", "a\n \t\\u{3a}:add-mask::x\nb"),
            ("\u{a0}::error::x", "\u{a0}\\u{3a}:error::x"),
            ("a\r::error::x", "a\\u{d}::error::x"),
            ("a\u{b}::x", "a\\u{b}::x"),
            ("\u{b}::x", "\\u{b}\\u{3a}:x"),
            ("role ##[error]x", "role ##\\u{5b}error]x"),
            (
                "x ##vso[task.setvariable variable=a]b",
                "x ##vso\\u{5b}task.setvariable variable=a]b",
            ),
            ("##teamcity[x]", "##teamcity\\u{5b}x]"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("pg::text, a::b, # [x]", "pg::text, a::b, # [x]"),
            ("", ""),
        ] {
            assert_eq!(harmless(name, false), shown);
            assert_eq!(harmless(name, true), shown);
        }
        // Colours are shown where there are any, and nothing else of the kind.
        let coloured = "\u{1b}[1;31merror\u{1b}[0m \u{1b}[2Jx";
        assert_eq!(harmless(coloured, true), "\u{1b}[1;31merror\u{1b}[0m \\u{1b}[2Jx");
        assert_eq!(harmless(coloured, false), "\\u{1b}[1;31merror\\u{1b}[0m \\u{1b}[2Jx");
    }

    #[test]
    fn what_dbt_keeps_secret_is_not_in_a_message() {
        let variables =
            [("DBT_ENV_SECRET_USER", "jane"), ("DBT_ENV_SECRET_E", " "), ("USER", "no")];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        let said = without_secrets("no such user: jane", variables.into_iter());
        assert_eq!(said, "no such user: *****");
    }
}
