//! `rolecall init`

use std::path::Path;

use anyhow::Context;
use clap::Args;

use super::{Exit, Global, output};
use crate::config::init::first_config;
use crate::dbt::read_manifest_file;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print it instead of writing rolecall.yml
    #[arg(long)]
    stdout: bool,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    let path = crate::project::manifest_path(&global.places(), global.target.as_deref());
    let (manifest, found) = read_manifest_file(&path);
    let sound = !found.has_errors();
    output::findings(found);
    let Some(manifest) = manifest.filter(|_| sound) else { return Ok(Exit::Failed) };
    let text = first_config(&manifest);
    if arguments.stdout {
        output::data(&text)?;
        return Ok(Exit::Done);
    }
    let file = match global.project_dir.as_path() {
        here if here == Path::new(".") => Path::new("rolecall.yml").to_owned(),
        elsewhere => elsewhere.join("rolecall.yml"),
    };
    write_new(&file, &text)?;
    output::message(&format!("wrote {}; `rolecall validate` checks it", file.display()));
    Ok(Exit::Done)
}

/// Never over a file that is there.
fn write_new(file: &Path, text: &str) -> anyhow::Result<()> {
    let mut new = match std::fs::File::create_new(file) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => anyhow::bail!(
            "{} is there already, and is kept; --stdout prints what would be written",
            file.display()
        ),
        other => other.with_context(|| format!("cannot write {}", file.display()))?,
    };
    std::io::Write::write_all(&mut new, text.as_bytes())?;
    Ok(())
}
