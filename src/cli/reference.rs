//! The reference of the command line, in Markdown: `docs/reference/cli.md` is written from it.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};

use super::Cli;

/// Every command and option as the program itself knows them.
pub fn reference() -> String {
    let mut root = Cli::command();
    root.build();
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "## Options of every command\n");
    table(&mut text, root.get_arguments());
    for command in root.get_subcommands().filter(|c| c.get_name() != "help" && !c.is_hide_set()) {
        describe(&mut text, command, "rolecall", 2);
    }
    text
}

fn describe(text: &mut String, command: &Command, parent: &str, level: usize) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let stop = if about.ends_with('?') { "" } else { "." };
    let (name, signs) = (format!("{parent} {}", command.get_name()), "#".repeat(level));
    let _ = writeln!(text, "\n{signs} `{name}`\n\n{about}{stop}");
    let own: Vec<&Arg> = command.get_arguments().filter(|arg| !arg.is_global_set()).collect();
    if own.iter().any(|arg| is_shown(arg)) {
        text.push('\n');
        table(text, own.into_iter());
    }
    for inner in command.get_subcommands().filter(|c| c.get_name() != "help" && !c.is_hide_set()) {
        describe(text, inner, &name, level + 1);
    }
}

fn table<'a>(text: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    let _ = writeln!(text, "| option | what |\n|---|---|");
    for argument in arguments.filter(|argument| is_shown(argument)) {
        let _ = writeln!(text, "| `{}` | {} |", usage(argument), what(argument));
    }
}

fn is_shown(argument: &Arg) -> bool {
    !argument.is_hide_set() && !["help", "version"].contains(&argument.get_id().as_str())
}

fn usage(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let value = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let value = argument.get_action().takes_values().then_some(value);
    let Some(long) = argument.get_long() else {
        let value = value.unwrap_or_default();
        return if argument.is_required_set() { value } else { format!("[{value}]") };
    };
    let short = argument.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    let value = value.map(|value| format!(" {value}")).unwrap_or_default();
    format!("{short}--{long}{value}")
}

fn what(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    // A bar would end the cell.
    let mut what = help.replace('|', "\\|");
    if !argument.get_action().takes_values() {
        return what;
    }
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({help})", value.get_name()),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if !values.is_empty() {
        let _ = write!(what, ": {}", values.join(", "));
    }
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|v| v.to_string_lossy().into_owned()).collect();
    if !defaults.is_empty() {
        let _ = write!(what, ". Default: `{}`", defaults.join(" "));
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(what, ". Environment: `{}`", variable.to_string_lossy());
    }
    what
}
