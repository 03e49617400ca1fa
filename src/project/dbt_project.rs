//! What `dbt_project.yml` says.

use std::path::{Path, PathBuf};

fn read<T: serde::de::DeserializeOwned>(project_dir: &Path) -> Option<T> {
    let text = std::fs::read_to_string(project_dir.join("dbt_project.yml")).ok()?;
    serde_saphyr::from_str(&text).ok()
}

/// `name:` of `dbt_project.yml`: manifests before dbt 1.6 do not say it.
pub(crate) fn name(project_dir: &Path) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct DbtProject {
        name: Option<String>,
    }
    read::<DbtProject>(project_dir)?.name
}

/// The first of dbt's `macro-paths`, from the project's folder.
pub fn macro_folder(project_dir: &Path) -> PathBuf {
    #[derive(serde::Deserialize)]
    struct DbtProject {
        #[serde(rename = "macro-paths")]
        macro_paths: Vec<PathBuf>,
    }
    let project = read::<DbtProject>(project_dir);
    let first = project.and_then(|project| project.macro_paths.into_iter().next());
    first.unwrap_or_else(|| PathBuf::from("macros"))
}
