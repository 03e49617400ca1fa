//! Revisions of the project, by the program `git`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Author, Side, Signature, is_request, kind_of};
use crate::config::{RequestFile, SourceFile};
use crate::model::Diagnostic;

/// A repository, seen from the project's folder.
#[derive(Debug)]
pub struct Git {
    pub(super) folder: PathBuf,
    /// The project's folder within the repository: empty, or with a slash at its end.
    pub prefix: String,
}

/// A change of the repository.
#[derive(Debug)]
pub struct Range {
    /// Where the change left the base.
    pub base: String,
    /// What is checked out.
    pub head: String,
}

pub(super) type Answer<T> = Result<T, Box<Diagnostic>>;

fn error(code: &'static str, message: impl Into<String>, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(code, message).with_help(help))
}

impl Git {
    /// The repository around a folder.
    ///
    /// # Errors
    /// There is none, or no program `git`.
    pub fn around(folder: &Path) -> Answer<Self> {
        let mut git = Self { folder: folder.to_owned(), prefix: String::new() };
        match git.ask(&["rev-parse", "--show-prefix"])? {
            Some(prefix) => {
                git.prefix = prefix.trim_end_matches('\n').to_owned();
                Ok(git)
            }
            None => Err(error(
                "not-a-git-repository",
                format!("{} is in no git repository that may be read", folder.display()),
                "run it where the project is checked out, and look at git's safe.directory",
            )),
        }
    }

    /// The change from where it left `base` to what is checked out.
    ///
    /// # Errors
    /// No such revision, no common history, a shallow clone.
    pub fn since(&self, base: &str) -> Answer<Range> {
        let shallow = self.ask(&["rev-parse", "--is-shallow-repository"])?;
        if shallow.is_none_or(|said| said.trim() != "false") {
            return Err(error(
                "shallow-clone",
                "this is a shallow clone: not all commits of the change are here",
                "fetch them: git fetch --unshallow, or fetch-depth: 0 in a workflow",
            ));
        }
        let commit = |name: &str| {
            let commit = format!("{name}^{{commit}}");
            self.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])
        };
        let Some(start) = commit(base)? else {
            return Err(error(
                "unknown-revision",
                format!("there is no revision {base:?} here"),
                "name a branch, a tag or a commit, such as origin/main; fetch it first",
            ));
        };
        let Some(head) = commit("HEAD")? else {
            return Err(error("unknown-revision", "nothing is committed yet", "commit first"));
        };
        let Some(base) = self.ask(&["merge-base", start.trim(), head.trim()])? else {
            return Err(error(
                "unknown-revision",
                format!("{base:?} and what is checked out have no commit in common"),
                "name the branch that this one began from",
            ));
        };
        let first = base.lines().next().unwrap_or_default().to_owned();
        Ok(Range { base: first, head: head.trim().to_owned() })
    }

    /// The project at both ends.
    ///
    /// # Errors
    /// git fails.
    pub fn sides(&self, range: &Range) -> Answer<(Side, Side)> {
        let names = self.must(&[
            "diff",
            "--name-only",
            "--no-relative",
            "-z",
            "--no-renames",
            "--no-ext-diff",
            &range.base,
            &range.head,
        ])?;
        let changed: Vec<&str> = names
            .split('\0')
            .filter_map(|name| name.strip_prefix(&self.prefix))
            .filter(|name| !name.is_empty() && kind_of(name).is_none() && !is_request(name))
            .filter(|name| [".yml", ".yaml", ".sql", ".py"].iter().any(|end| name.ends_with(end)))
            .collect();
        Ok((self.side(&range.base, &changed)?, self.side(&range.head, &changed)?))
    }

    pub(super) fn side(&self, revision: &str, changed: &[&str]) -> Answer<Side> {
        let names = self.must(&["ls-tree", "-r", "-z", "--name-only", "--full-tree", revision])?;
        let there: std::collections::BTreeSet<&str> =
            names.split('\0').filter_map(|name| name.strip_prefix(&self.prefix)).collect();
        let mut config = Vec::new();
        let mut requests = Vec::new();
        for name in &there {
            if is_request(name) {
                let (path, text) = (PathBuf::from(name), self.text(revision, name)?);
                requests.push(RequestFile { path, text });
            }
            if let Some(kind) = kind_of(name) {
                let text = self.text(revision, name)?;
                config.push(SourceFile { path: PathBuf::from(name), text, kind });
            }
        }
        let mut dbt = BTreeMap::new();
        for name in changed.iter().filter(|name| there.contains(**name)) {
            dbt.insert((*name).to_owned(), self.text(revision, name)?);
        }
        Ok(Side { config, dbt, requests })
    }

    fn text(&self, revision: &str, name: &str) -> Answer<String> {
        self.must(&["cat-file", "blob", &format!("{revision}:{}{name}", self.prefix)])
    }

    /// Whether files of the project are changed and not committed.
    ///
    /// # Errors
    /// git fails.
    pub fn is_dirty(&self) -> Answer<bool> {
        Ok(!self.must(&["status", "--porcelain", "--", "."])?.trim().is_empty())
    }

    /// Everybody who made a commit of the change: authors, those who committed, co-authors.
    ///
    /// # Errors
    /// git fails.
    pub fn authors(&self, range: &Range) -> Answer<Vec<Author>> {
        let format = "--format=%H%x1f%an%x1f%ae%x1f%cn%x1f%ce%x1f%(trailers:key=Co-authored-by,valueonly,separator=%x1d)";
        let span = format!("{}..{}", range.base, range.head);
        let log = self.must(&["log", "-z", "--no-show-signature", format, &span])?;
        let mut authors: Vec<Author> = Vec::new();
        for commit in log.split('\0').filter(|commit| !commit.trim().is_empty()) {
            let fields: Vec<&str> = commit.trim_matches('\n').split('\u{1f}').collect();
            let [hash, name, email, committer, committed, others] = fields.as_slice() else {
                continue;
            };
            let signed = self.ask(&["verify-commit", hash])?.is_some();
            let signature = if signed { Signature::Verified } else { Signature::Claimed };
            let mut people = vec![
                ((*name).to_owned(), (*email).to_owned(), signature),
                ((*committer).to_owned(), (*committed).to_owned(), signature),
            ];
            for other in others.split('\u{1d}').filter(|other| !other.trim().is_empty()) {
                let (name, rest) = other.split_once('<').unwrap_or((other, ""));
                let email = rest.trim_end().trim_end_matches('>').to_owned();
                // Whoever signs vouches for nobody else.
                people.push((name.trim().to_owned(), email, Signature::Claimed));
            }
            for (name, email, signature) in people {
                let known = authors.iter_mut().find(|a| a.name == name && a.email == email);
                match known {
                    // One claim makes all of it a claim.
                    Some(known) => known.signature = known.signature.min(signature),
                    None => {
                        let commit = (*hash).to_owned();
                        authors.push(Author { name, email, signature, commit });
                    }
                }
            }
        }
        authors.sort();
        Ok(authors)
    }

    pub(super) fn must(&self, arguments: &[&str]) -> Answer<String> {
        self.ask(arguments)?.ok_or_else(|| {
            let what = arguments.first().copied().unwrap_or_default();
            error("git-failed", format!("`git {what}` failed"), "look at the repository: git fsck")
        })
    }

    /// What git says; `None` where it fails.
    pub(super) fn ask(&self, arguments: &[&str]) -> Answer<Option<String>> {
        let output = Command::new("git")
            .arg("-C")
            .arg(&self.folder)
            .args(["--no-pager", "-c", "core.quotePath=false", "-c", "core.fsmonitor=false"])
            .args(arguments)
            .env("GIT_OPTIONAL_LOCKS", "0")
            // What was committed, not what somebody says in its place.
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("LC_ALL", "C")
            .stdin(std::process::Stdio::null())
            .output()
            .map_err(|_| {
                error(
                    "no-git",
                    "the program git cannot be run",
                    "install git; it reads the base revision",
                )
            })?;
        let text = output.status.success().then(|| String::from_utf8_lossy(&output.stdout));
        Ok(text.map(std::borrow::Cow::into_owned))
    }
}
