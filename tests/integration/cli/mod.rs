//! The command as its users run it: the real binary, offline.

#![allow(clippy::print_stderr)] // A test that passes by says so.

mod arguments;
mod compile;
mod failures;
mod files;
mod fuzz;
mod hostile;
mod odd;
mod output;
mod real;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// stdout as one JSON document, with nothing beside it.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is no JSON ({error}): {self:?}"))
    }
}

/// The command in `folder`, which nothing of the caller's environment tells where to look.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rolecall"));
    for (name, _) in std::env::vars_os() {
        let named = name.to_string_lossy();
        if named.starts_with("DBT_") || named.starts_with("ROLECALL_") || named == "NO_COLOR" {
            command.env_remove(&name);
        }
    }
    // Nor does a profile of the caller's.
    command.current_dir(folder).env("HOME", "/nowhere").stdin(Stdio::null());
    command
}

/// Runs it with these arguments.
pub fn rolecall(folder: &Path, arguments: &[&str]) -> Ended {
    ended(command(folder).args(arguments))
}

/// Runs it with these arguments and variables.
pub fn rolecall_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    ended(command(folder).args(arguments).envs(variables.iter().copied()))
}

fn ended(command: &mut Command) -> Ended {
    let output = command.output().expect("the binary runs");
    Ended {
        exit: output.status.code().unwrap_or_else(|| panic!("ended by a signal: {output:?}")),
        stdout: String::from_utf8(output.stdout).expect("stdout is text"),
        stderr: String::from_utf8(output.stderr).expect("stderr is text"),
    }
}

/// A folder below `dbt_fixtures/`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dbt_fixtures").join(name)
}

/// Names of the folders in a folder, sorted.
pub fn folders(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Copies a fixture's configuration, without its dbt project, into `to`.
pub fn copy_configuration(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).min_depth(1) {
        let entry = entry.unwrap();
        let relative = entry.path().strip_prefix(from).unwrap();
        let ours = relative.starts_with("rolecall") || relative == Path::new("rolecall.yml");
        if ours && entry.file_type().is_dir() {
            std::fs::create_dir_all(to.join(relative)).unwrap();
        } else if ours {
            std::fs::copy(entry.path(), to.join(relative)).unwrap();
        }
    }
}

/// Writes a file, and the folders that it stands in.
pub fn write(file: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::File::create(file).unwrap().write_all(bytes).unwrap();
}

/// The snapshot `name`, in a file that a person can read.
pub fn snapshot(folder: &str, name: &str, description: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new("snapshots").join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    if !description.is_empty() {
        settings.set_description(description);
    }
    settings.bind(|| insta::assert_snapshot!(name.to_owned(), text));
}
