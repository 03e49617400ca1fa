//! Who gains and who loses: `diff` as a reviewer sees it, in real repositories with manifests that
//! dbt made.

mod dbt_grants;
mod mistakes;
mod planned;
mod pull_request;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::binary::{copy_folder, repository};
use crate::cli::{Ended, rolecall};

/// A repository with a project of `dbt_fixtures` in it.
pub struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    /// The project and what dbt made of it, committed on `main`.
    pub fn of(project: &str) -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        copy_folder(&self::repository("dbt_fixtures").join(project), repository.path());
        for target in ["dev", "prod"] {
            let made = format!("target/{target}");
            std::fs::create_dir_all(repository.file(&made)).unwrap();
            let made = format!("{made}/manifest.json");
            let from = self::repository("dbt_fixtures").join(project).join(&made);
            std::fs::copy(from, repository.file(&made)).unwrap();
        }
        repository.git(&["init", "-q"]);
        repository.commit("first");
        repository
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let done = Command::new("git")
            .arg("-C")
            .arg(self.path())
            .args(["-c", "user.name=sam", "-c", "user.email=sam@acme.example"])
            .args(["-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{arguments:?}: {said}");
        String::from_utf8(done.stdout).unwrap()
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "-Af"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Puts one text in another's place, which must be there.
    pub fn change(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.file(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from:?}");
        std::fs::write(self.file(name), text.replacen(from, to, 1)).unwrap();
    }

    pub fn diff(&self, arguments: &[&str]) -> Ended {
        rolecall(self.path(), &[&["diff"], arguments].concat())
    }

    /// Without hashes of commits, which differ from run to run.
    pub fn without_hashes(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for commit in self.git(&["log", "--all", "--format=%H"]).lines() {
            text = text.replace(&commit[..9], "COMMIT");
        }
        text
    }
}
