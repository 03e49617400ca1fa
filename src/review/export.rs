//! A revision's files, written out where they can be read like a project that is checked out.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use super::git::{Answer, Git, Range};
use crate::model::Diagnostic;
use crate::model::diagnostic::nearest;

/// Two commits to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Between {
    /// The commit before, and how it was named.
    pub base: String,
    /// The commit after; what is checked out where none was named.
    pub head: String,
}

fn failed(what: &str) -> Box<Diagnostic> {
    let message = format!("the files of a revision cannot be written out: {what}");
    Box::new(
        Diagnostic::error("git-failed", message)
            .with_help("look at the repository (git fsck) and at the room for temporary files"),
    )
}

impl Git {
    /// What a revision stands for: a commit.
    fn commit(&self, name: &str) -> Answer<String> {
        let commit = format!("{name}^{{commit}}");
        let said = self.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])?;
        if let Some(commit) = said {
            return Ok(commit.trim().to_owned());
        }
        let names = self.ask(&["for-each-ref", "--format=%(refname:short)"])?.unwrap_or_default();
        let near = nearest(name, names.lines());
        let near = near.map(|near| format!("did you mean {near}? ")).unwrap_or_default();
        Err(Box::new(
            Diagnostic::error("unknown-revision", format!("there is no revision {name:?} here"))
                .with_help(format!(
                    "{near}name a branch, a tag or a commit, such as origin/main; fetch it first"
                )),
        ))
    }

    /// The commits to compare: what has happened since `head` left `base`, so that what others did
    /// there meanwhile is not taken for a loss. Where `head` is older than `base`, the way back.
    ///
    /// # Errors
    /// No such revision, no common history, a shallow clone.
    pub fn between(&self, base: &str, head: Option<&str>) -> Answer<Between> {
        let (start, end) = (self.commit(base)?, self.commit(head.unwrap_or("HEAD"))?);
        match self.ask(&["merge-base", &start, &end])? {
            Some(left) => {
                let left = left.lines().next().unwrap_or_default().to_owned();
                let base = if left == end { start } else { left };
                Ok(Between { base, head: end })
            }
            // It says what is wrong with the clone.
            None => self.since(base).map(|Range { base, head }| Between { base, head }),
        }
    }

    /// Writes the project's files at a revision into a folder, and returns where the project is in it:
    /// with the whole repository around it, or alone. Nothing of the repository is run: no hook, no
    /// filter. A link is written as one that leads nowhere.
    ///
    /// # Errors
    /// git fails, or the folder cannot be written to.
    pub fn export(&self, revision: &str, into: &Path, whole: bool) -> Answer<PathBuf> {
        let listed = self.must(&["ls-tree", "-r", "-z", "--full-tree", revision])?;
        let mut files: Vec<(String, PathBuf)> = Vec::new();
        for line in listed.split('\0').filter(|line| !line.is_empty()) {
            let Some((head, path)) = line.split_once('\t') else { continue };
            let mut head = head.split(' ');
            let (Some(mode), Some(_), Some(blob)) = (head.next(), head.next(), head.next()) else {
                continue;
            };
            let inside = path.strip_prefix(&self.prefix);
            let Some(path) = (if whole { Some(path) } else { inside }) else { continue };
            let path = PathBuf::from(path);
            let plain = |part: Component<'_>| matches!(part, Component::Normal(name) if !name.eq_ignore_ascii_case(".git"));
            if !path.components().all(plain) {
                continue;
            }
            match mode {
                "100644" | "100755" => files.push((blob.to_owned(), into.join(path))),
                "120000" => link(&into.join(path)).map_err(|error| failed(&error.to_string()))?,
                // Another repository's commit.
                _ => {}
            }
        }
        self.write(&files).map_err(|error| failed(&error.to_string()))?;
        let project = if whole { into.join(&self.prefix) } else { into.to_owned() };
        std::fs::create_dir_all(&project).map_err(|error| failed(&error.to_string()))?;
        Ok(project)
    }

    fn write(&self, files: &[(String, PathBuf)]) -> std::io::Result<()> {
        let mut git = Command::new("git")
            .arg("-C")
            .arg(&self.folder)
            .args(["--no-pager", "cat-file", "--batch"])
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let ended = || std::io::Error::other("git ended early");
        let (Some(mut ask), Some(told)) = (git.stdin.take(), git.stdout.take()) else {
            return Err(ended());
        };
        let blobs: String = files.iter().map(|(blob, _)| format!("{blob}\n")).collect();
        // Both pipes hold only so much: one is filled while the other is emptied.
        let asking = std::thread::spawn(move || ask.write_all(blobs.as_bytes()));
        let mut told = BufReader::new(told);
        let mut head = String::new();
        for (_, path) in files {
            head.clear();
            told.read_line(&mut head)?;
            let size = head.trim_end().rsplit(' ').next().and_then(|size| size.parse().ok());
            let size: u64 = size.ok_or_else(ended)?;
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut file = std::fs::File::create(path)?;
            if std::io::copy(&mut (&mut told).take(size), &mut file)? != size {
                return Err(ended());
            }
            told.read_exact(&mut [0])?;
        }
        let _ = asking.join();
        git.wait()?;
        Ok(())
    }
}

/// What the repository has as a link is one here, too, so that it is refused where links are.
fn link(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    #[cfg(unix)]
    return std::os::unix::fs::symlink("nowhere", path);
    #[cfg(not(unix))]
    return std::fs::write(path, "");
}
