//! The project's own files, in which declarations are looked for. The one place here that reads
//! files.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::dbt::{Manifest, Node};

use super::yaml::{self, Yaml};

/// Files larger than this are not looked into.
const LARGEST: u64 = 16 * 1024 * 1024;

/// The text of the files that can hold declarations, by their path relative to the project.
#[derive(Debug, Clone, Default)]
pub struct ProjectSources {
    files: BTreeMap<String, SourceFile>,
}

#[derive(Debug, Clone)]
pub(super) struct SourceFile {
    pub text: String,
    /// `None` where it is not YAML.
    pub yaml: Option<Yaml>,
}

impl ProjectSources {
    /// No project at hand: declarations have no lines.
    pub fn none() -> Self {
        Self::default()
    }

    /// From paths relative to the project, with `/`, and the text of each.
    pub fn from_texts<P: Into<String>, T: Into<String>>(
        files: impl IntoIterator<Item = (P, T)>,
    ) -> Self {
        let mut sources = Self::default();
        for (path, text) in files {
            sources.add(path.into(), text.into());
        }
        sources
    }

    /// Reads `dbt_project.yml` and the files that the manifest names for nodes with a block, below
    /// `project_dir` only. A file that is missing or cannot be read is left out: places are then
    /// less exact, and nothing else changes.
    pub fn read(project_dir: &Path, manifest: &Manifest) -> Self {
        Self::read_of(project_dir, manifest, |node| node.rolecall.is_some() || node.raito.is_some())
    }

    /// The same, of the nodes that are asked for.
    pub fn read_of(
        project_dir: &Path,
        manifest: &Manifest,
        is_asked: impl Fn(&Node) -> bool,
    ) -> Self {
        let mut sources = Self::default();
        sources.load(project_dir, "dbt_project.yml".to_owned());
        for node in manifest.nodes.values().filter(|node| is_asked(node)) {
            let folder = package_folder(manifest, node);
            if !folder.is_empty() {
                sources.load(project_dir, format!("{folder}dbt_project.yml"));
            }
            for file in [Some(&node.original_file_path), node.patch_path.as_ref()] {
                if let Some(file) = file.filter(|file| !file.is_empty()) {
                    sources.load(project_dir, format!("{folder}{file}"));
                }
            }
        }
        sources
    }

    fn load(&mut self, project_dir: &Path, path: String) {
        // The manifest is input: it may not lead out of the project.
        let inside = Path::new(&path).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || self.files.contains_key(&path) {
            return;
        }
        let file: PathBuf = project_dir.join(&path);
        if std::fs::metadata(&file).is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST)
            && let Ok(text) = std::fs::read_to_string(&file)
        {
            self.add(path, text);
        }
    }

    fn add(&mut self, path: String, text: String) {
        let is_yaml = [".yml", ".yaml"].iter().any(|end| path.ends_with(end));
        let yaml = if is_yaml { yaml::parse(&text) } else { None };
        self.files.insert(path, SourceFile { text, yaml });
    }

    /// Every file that was read, by its path from the project's folder.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file.text.as_str()))
    }

    pub(super) fn file<'s>(&'s self, path: &str) -> Option<(&'s str, &'s SourceFile)> {
        self.files.get_key_value(path).map(|(path, file)| (path.as_str(), file))
    }
}

/// The folder of a node's package, with a slash at its end; empty for the project itself, and
/// where the manifest does not say what the project is called.
pub(super) fn package_folder(manifest: &Manifest, node: &Node) -> String {
    match manifest.metadata.project_name.as_deref() {
        Some(root) if root != node.package_name => format!("dbt_packages/{}/", node.package_name),
        _ => String::new(),
    }
}
