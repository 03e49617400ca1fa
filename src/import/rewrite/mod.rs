//! A project's files that declare access for another tool, rewritten: Raito's `meta.raito` and dbt's
//! own `grants`.
//!
//! All or nothing: what cannot be rewritten is listed, and then no file is. What is written gives
//! exactly what was given, by the same resolution that `compile` prints; otherwise nothing is.

mod blocks;
mod dbt_grants;
mod dbt_layers;
mod platform;
mod raito;
mod same;

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::SourceFile;
use crate::declare::ProjectSources;
use crate::edit::Edited;
use crate::model::Place;
use crate::project::Project;

pub use dbt_grants::PRODUCT as DBT_GRANTS;

/// For which tool the files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// `meta.raito`.
    Raito,
    /// `config.grants`.
    DbtGrants,
}

/// What has to be done by hand, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Todo {
    /// Where it stands.
    pub place: Place,
    /// What stands in the way, and what to do.
    pub what: String,
}

impl Todo {
    fn at(file: impl Into<std::path::PathBuf>, what: impl Into<String>) -> Self {
        Self { place: Place::file(file), what: what.into() }
    }
}

/// The files as they are to be, by path from the project's folder.
///
/// `projects` is the project as each of its environments has it that has a manifest: files are one for
/// all of them, so that what is given must stay the same in each. `config` are the configuration's own
/// files. Nothing is read but the project's files, for the places of declarations.
///
/// # Errors
/// What has to be done by hand first.
pub fn rewrite(
    from: From,
    project_dir: &Path,
    projects: &[Project],
    config: &[SourceFile],
) -> Result<Vec<Edited>, Vec<Todo>> {
    let Some(first) = projects.first() else { return Ok(Vec::new()) };
    let read = |project: &Project| {
        ProjectSources::read_of(project_dir, &project.manifest, |node| match from {
            From::Raito => node.raito.is_some(),
            From::DbtGrants => !node.grants.is_empty() || node.rolecall.is_some(),
        })
    };
    let sources = read(first);
    let mut work = Work::new(&sources, config);
    match from {
        From::Raito => raito::rewrite(first, &sources, &mut work),
        From::DbtGrants => dbt_grants::rewrite(projects, &sources, &mut work),
    }
    if work.todo.is_empty() {
        for project in projects {
            let wanted = match from {
                From::Raito => same::Wanted::AsBefore,
                From::DbtGrants => same::Wanted::AndGrants(dbt_grants::given(project)),
            };
            same::check(project, &read(project), &mut work, &wanted);
        }
    }
    let Work { before, after, new_config: _, original_config: _, mut todo } = work;
    if !todo.is_empty() {
        todo.sort();
        todo.dedup();
        return Err(todo);
    }
    let changed = after.into_iter().filter(|(path, text)| before.get(path) != Some(text));
    Ok(changed
        .map(|(path, text)| Edited {
            before: before.get(&path).cloned(),
            place: Place::file(&path),
            path: path.into(),
            text,
        })
        .collect())
}

/// Texts on their way.
struct Work {
    before: BTreeMap<String, String>,
    after: BTreeMap<String, String>,
    /// The configuration's files among them, and which each is.
    new_config: BTreeMap<String, crate::config::FileKind>,
    original_config: Vec<SourceFile>,
    todo: Vec<Todo>,
}

impl Work {
    fn new(sources: &ProjectSources, config: &[SourceFile]) -> Self {
        let mut before: BTreeMap<String, String> =
            sources.texts().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
        let mut new_config = BTreeMap::new();
        for file in config {
            let path = file.path.to_string_lossy().replace('\\', "/");
            before.insert(path.clone(), file.text.clone());
            new_config.insert(path, file.kind.clone());
        }
        Self {
            after: before.clone(),
            before,
            new_config,
            original_config: config.to_vec(),
            todo: Vec::new(),
        }
    }

    /// One edit of a file; what stands in its way is noted.
    fn edit(&mut self, path: &str, edit: impl FnOnce(&str) -> Result<String, &'static str>) {
        let Some(text) = self.after.get(path) else { return };
        match edit(text) {
            Ok(new) => {
                self.after.insert(path.to_owned(), new);
            }
            Err(why) => self.todo.push(Todo::at(
                path,
                format!("this file is not edited: {why}; rewrite it by hand"),
            )),
        }
    }

    /// A file of the configuration that is not there yet.
    fn add(&mut self, path: &str, kind: crate::config::FileKind, text: String) {
        if self.before.contains_key(path) {
            self.todo
                .push(Todo::at(path, "this file is there already: move it away, or merge by hand"));
            return;
        }
        self.after.insert(path.to_owned(), text);
        self.new_config.insert(path.to_owned(), kind);
    }

    fn config_files(&self) -> Vec<SourceFile> {
        let file = |(path, kind): (&String, &crate::config::FileKind)| SourceFile {
            path: path.into(),
            text: self.after.get(path).cloned().unwrap_or_default(),
            kind: kind.clone(),
        };
        self.new_config.iter().map(file).collect()
    }
}
