//! `rolecall completions`

use clap::{Args, Command};
use clap_complete::Shell;

use super::{Exit, output};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Of which shell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, command: &mut Command) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "rolecall", &mut script);
    output::data(&String::from_utf8(script)?)?;
    Ok(Exit::Done)
}
