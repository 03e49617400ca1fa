//! One command at a time edits the files of a project.

use std::fs::File;
use std::path::Path;

use anyhow::Context;

/// Waits until nobody else edits. Held as long as the file is open: read and write under it.
pub(super) fn alone(project_dir: &Path) -> anyhow::Result<Option<File>> {
    // That one is never replaced by an edit, which would leave two locks.
    let names = ["rolecall.yml", "rolecall.yaml"].map(|name| project_dir.join(name));
    let Some(path) = names.iter().find(|path| path.is_file()) else { return Ok(None) };
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    // Where a file system has no locks, one at a time is up to whoever edits.
    match file.lock() {
        Err(error) if error.kind() != std::io::ErrorKind::Unsupported => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
        _ => Ok(Some(file)),
    }
}
