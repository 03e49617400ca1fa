//! The real binary, run as a user runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::engines;

/// How it ended, and what it said.
pub struct Ended {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            exit: output.status.code().expect("it ended by itself"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// It must have ended so.
    #[track_caller]
    pub fn with(self, exit: i32) -> Self {
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        assert_eq!(self.exit, exit, "{}\n{}", self.stderr, self.stdout);
        self
    }

    /// Its data.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout, self.stderr))
    }
}

/// `rolecall` with nothing of the machine's own settings, and the first of the servers under test.
pub fn rolecall() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rolecall"));
    for (name, _) in std::env::vars_os() {
        let name_is = name.to_string_lossy();
        if name_is.starts_with("DBT_") || name_is.starts_with("ROLECALL_") {
            command.env_remove(&name);
        }
    }
    if let Some(Some(bin)) = engines::bins().first() {
        command.env("ROLECALL_PG_BIN", bin);
    }
    command
}

/// Runs it to its end.
pub fn run(command: &mut Command) -> Ended {
    Ended::of(command.output().unwrap())
}

/// A file or folder of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Copies a folder, without what dbt wrote.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if entry.file_type().unwrap().is_dir() {
            if !["target", "logs", "dbt_packages"].iter().any(|wrote| name == *wrote) {
                copy_folder(&entry.path(), &to.join(name));
            }
        } else {
            std::fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}
