//! The journal: what became of each statement, a line of JSON each, written as it ends.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::lock::{now, utc};
use crate::warehouse::WarehouseError;

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

impl Journal {
    /// Appends to a file; its folder is made.
    pub(super) fn open(path: &Path) -> Result<Self, WarehouseError> {
        let failed = |error: std::io::Error| {
            WarehouseError::Journal(format!(
                "cannot write the journal {}: {error}\n  nothing was changed; --journal names another file",
                path.display()
            ))
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line. What cannot be written is no reason to stop half-way.
    pub(super) fn add(&self, what: &str, mut details: Value) {
        if let Some(details) = details.as_object_mut() {
            details.insert("at".to_owned(), json!(utc(now())));
            details.insert("event".to_owned(), json!(what));
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(file, "{details}");
    }
}
