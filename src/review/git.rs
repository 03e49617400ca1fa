//! Revisions of the project, by the program `git`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::people::is_address;
use super::signed::Signer;
use super::{Author, Side, Signature, is_request, kind_of};
use crate::config::{Config, DirectorySource, PeopleFrom, RequestFile, SourceFile};
use crate::directory::{Directory, read_text};
use crate::model::{Diagnostic, Diagnostics};

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

/// A directory of one revision, or what is wrong with it.
type People = Result<Arc<Directory>, Diagnostics>;

/// Those before and after; `None` where it is no file of the repository.
pub type Directories = (Option<People>, Option<People>);

pub(super) type Answer<T> = Result<T, Box<Diagnostic>>;

/// Whether dbt could read declarations from it. It takes extensions in any case.
fn is_dbts(path: &str) -> bool {
    let path = path.to_lowercase();
    [".yml", ".yaml", ".sql", ".py"].iter().any(|end| path.ends_with(end))
}

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
        let told = self.must(&[
            "diff",
            "--raw",
            "--no-relative",
            "-z",
            "--no-renames",
            "--no-ext-diff",
            &range.base,
            &range.head,
        ])?;
        // `:100644 120000 <from> <to> M`, the path, and so on.
        let mut told = told.split('\0');
        let mut changed: Vec<&str> = Vec::new();
        let mut unread: Vec<String> = Vec::new();
        let mut outside: Vec<String> = Vec::new();
        while let (Some(head), Some(path)) = (told.next(), told.next()) {
            let Some(name) = path.strip_prefix(&self.prefix) else {
                if is_dbts(path) {
                    outside.push(path.to_owned());
                }
                continue;
            };
            let is_file = |mode: &str| matches!(mode, "000000" | "100644" | "100755");
            let modes = head.trim_start_matches(':').split(' ').take(2);
            if !modes.into_iter().all(is_file) {
                unread.push(name.to_owned());
            } else if kind_of(name).is_none() && !is_request(name) && is_dbts(name) {
                changed.push(name);
            }
        }
        let (mut base, mut head) =
            (self.side(&range.base, &changed)?, self.side(&range.head, &changed)?);
        head.unread = unread;
        // A project that reads folders beside its own says so there.
        for side in [&mut base, &mut head] {
            if self.is_beside(side, range)? {
                side.unread.extend(outside.iter().cloned());
            }
        }
        Ok((base, head))
    }

    /// Whether dbt reads what is not in the project's folder: by `dbt_project.yml`, changed or not.
    fn is_beside(&self, side: &Side, range: &Range) -> Answer<bool> {
        let names = ["dbt_project.yml", "dbt_project.yaml", "packages.yml", "dependencies.yml"];
        for name in names {
            let changed = side.dbt.get(name).cloned();
            let text = match changed {
                Some(text) => Some(text),
                None => {
                    let at = format!("{}:{}{name}", range.head, self.prefix);
                    self.ask(&["cat-file", "blob", &at])?
                }
            };
            if text.is_some_and(|text| text.contains("..")) {
                return Ok(true);
            }
        }
        Ok(false)
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
        Ok(Side { config, dbt, requests, unread: Vec::new() })
    }

    /// The directories of people at both ends, as far as they are files of the repository.
    ///
    /// # Errors
    /// git fails.
    pub fn directories(
        &self,
        range: &Range,
        before: &Config,
        after: &Config,
    ) -> Answer<Directories> {
        let was = self.directory(&range.base, before)?;
        Ok((was, self.directory(&range.head, after)?))
    }

    fn directory(&self, revision: &str, config: &Config) -> Answer<Option<People>> {
        let Some(DirectorySource { from: PeopleFrom::File(path), key, place: _ }) =
            &config.directory
        else {
            return Ok(None);
        };
        let inside = Path::new(&path.value).components().filter_map(|part| match part {
            std::path::Component::Normal(part) => part.to_str(),
            _ => None,
        });
        let name = format!("{}{}", self.prefix, inside.collect::<Vec<_>>().join("/"));
        let told = self.must(&["ls-tree", "-z", "--full-tree", revision, "--", &name])?;
        // A link leads out of the revision.
        if !told.starts_with("100") {
            return Ok(None);
        }
        let text = self.must(&["cat-file", "blob", &format!("{revision}:{name}")])?;
        let read = read_text(text.as_bytes(), Path::new(&path.value), &key.value);
        Ok(Some(read.map(Arc::new)))
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

    /// Everybody who made a commit of the change: authors, those who committed, co-authors, and those
    /// who signed. A signature verifies its signer and nobody else.
    ///
    /// # Errors
    /// git fails.
    pub fn authors(&self, range: &Range) -> Answer<Vec<Author>> {
        let format = "--format=%H%x1f%an%x1f%ae%x1f%cn%x1f%ce%x1f%(trailers:key=Co-authored-by,valueonly,separator=%x1d)";
        let span = format!("{}..{}", range.base, range.head);
        let log = self.must(&["log", "-z", "--no-show-signature", format, &span])?;
        let mut authors: Vec<Author> = Vec::new();
        let distrusted = self.distrust(range)?.is_some();
        for commit in log.split('\0').filter(|commit| !commit.trim().is_empty()) {
            let fields: Vec<&str> = commit.trim_matches('\n').split('\u{1f}').collect();
            let [hash, name, email, committer, committed, others] = fields.as_slice() else {
                continue;
            };
            let signers = self.signers(hash, distrusted)?;
            let by = |email: &str| {
                let is_signer = |one: &Signer| one.is_verified && is_address(&one.address, email);
                if signers.iter().any(is_signer) { Signature::Verified } else { Signature::Claimed }
            };
            let mut people = vec![
                ((*name).to_owned(), (*email).to_owned(), by(email)),
                ((*committer).to_owned(), (*committed).to_owned(), by(committed)),
            ];
            // Whoever signs has made it, whatever it says of its author.
            for Signer { name, address, is_verified: _ } in &signers {
                if !people.iter().any(|(_, email, _)| is_address(address, email)) {
                    people.push((name.clone(), address.clone(), by(address)));
                }
            }
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
