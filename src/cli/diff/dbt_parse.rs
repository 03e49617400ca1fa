//! dbt, run on a copy of a revision: only where it was asked for, since a project's Jinja runs then.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use secrecy::{ExposeSecret as _, SecretString};

use crate::config;
use crate::model::Diagnostic;
use crate::project::Places;

/// The dbt target of an environment of a project; `None` where none is asked for, or it is unknown.
pub(super) fn target(project_dir: &Path, asked: Option<&str>) -> Option<String> {
    let asked = asked.filter(|asked| !asked.is_empty())?;
    let (config, _) = config::load_to_edit(project_dir);
    let config = config?;
    let by_name = config.environments.get(asked);
    let by_target = || config.environments.values().find(|e| e.target.as_deref() == Some(asked));
    by_name.or_else(by_target).map(|environment| environment.target_name().to_owned())
}

/// Whether a project has environments at all: its configuration can be read.
pub(super) fn has_environments(project_dir: &Path) -> bool {
    let (config, _) = config::load_to_edit(project_dir);
    config.is_some_and(|config| !config.environments.is_empty())
}

/// Whether it has this one.
pub(super) fn has_environment(project_dir: &Path, asked: &str) -> bool {
    target(project_dir, Some(asked)).is_some()
}

fn failed(message: String, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error("dbt-parse-failed", message).with_help(help))
}

/// Runs `dbt parse` and returns its manifest. Packages are those that are installed beside the project.
pub(super) fn run(
    places: &Places,
    target: Option<&str>,
    vars: Option<&SecretString>,
    packages: &Path,
    into: &Path,
) -> Result<PathBuf, Box<Diagnostic>> {
    let project = &places.project_dir;
    let installed = project.join("dbt_packages");
    #[cfg(unix)]
    if packages.is_dir()
        && installed.symlink_metadata().is_err()
        && let Ok(packages) = packages.canonicalize()
    {
        let _ = std::os::unix::fs::symlink(packages, &installed);
    }
    #[cfg(not(unix))]
    let _ = (packages, installed);
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let program = std::env::var_os("ROLECALL_DBT").filter(|program| !program.is_empty());
    let mut dbt = Command::new(program.unwrap_or_else(|| "dbt".into()));
    dbt.arg("parse").arg("--project-dir").arg(absolute(project)).arg("--target-path").arg(into);
    dbt.arg("--log-path").arg(into).arg("--no-partial-parse");
    let profiles = &places.profiles;
    if let Some(folder) = &profiles.profiles_dir {
        dbt.arg("--profiles-dir").arg(absolute(folder));
    }
    if let Some(profile) = &profiles.profile {
        dbt.arg("--profile").arg(profile);
    }
    if let Some(target) = target {
        dbt.arg("--target").arg(target);
    }
    if let Some(vars) = vars {
        dbt.arg("--vars").arg(vars.expose_secret());
    }
    // Nobody has asked dbt to report what is done for a comparison.
    if std::env::var_os("DBT_SEND_ANONYMOUS_USAGE_STATS").is_none() {
        dbt.env("DBT_SEND_ANONYMOUS_USAGE_STATS", "false");
    }
    let said = dbt.stdin(Stdio::null()).output().map_err(|error| {
        failed(
            format!("dbt cannot be run: {error}"),
            "install dbt, or name it with ROLECALL_DBT; or give the manifest itself",
        )
    })?;
    let manifest = into.join("manifest.json");
    if said.status.success() && manifest.is_file() {
        return Ok(manifest);
    }
    let text = String::from_utf8_lossy(&said.stdout);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(12)).copied().collect::<Vec<_>>();
    Err(failed(
        format!("`dbt parse` failed:\n{}", last.join("\n")),
        "mend it, or give the manifest itself with --base-manifest or --manifest",
    ))
}
