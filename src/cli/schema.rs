//! `rolecall schema`

use clap::{Args, ValueEnum};

use super::{Exit, output};
use crate::config::schema;
use crate::report::json;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Which file's
    #[arg(value_enum, default_value = "rolecall")]
    file: File,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum File {
    /// rolecall.yml and rolecall/platform/
    Rolecall,
    /// rolecall/members/PRODUCT.yml
    Members,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let schema = match arguments.file {
        File::Rolecall => schema::rolecall_schema(),
        File::Members => schema::members_schema(),
    };
    output::data(&json::print(&schema)?)?;
    Ok(Exit::Done)
}
