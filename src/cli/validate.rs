//! `rolecall validate`

use super::{Exit, Format, Global, output};
use crate::model::Inventory;
use crate::project::Project;
use crate::report::json;

pub(super) fn run(global: &Global) -> anyhow::Result<Exit> {
    let now = super::plan::as_of(global)?;
    let mut places = global.places();
    let mut all = crate::model::Diagnostics::default();
    let mut valid = true;
    for target in targets(global) {
        places.target = target;
        let (project, found) = Project::load(&places, now);
        all.extend(found);
        match project {
            None => valid = false,
            Some(project) => {
                let (resolved, found) = project.resolve(None, &Inventory::default(), false);
                valid &= resolved.is_some();
                all.extend(found);
            }
        }
    }
    valid &= !all.has_errors();
    match global.format {
        Format::Json => {
            let findings = all.sorted();
            output::data(&json::print(&json::Validated {
                version: json::VERSION,
                valid,
                findings,
            })?)?;
        }
        _ => {
            let found = output::findings(all);
            if valid && found.is_empty() {
                output::message("valid: no errors, no warnings");
            }
        }
    }
    Ok(if valid { Exit::Done } else { Exit::Failed })
}

/// The target that was asked for, else every environment that has a manifest at hand: with one
/// manifest for all, that one is checked for each.
fn targets(global: &Global) -> Vec<Option<String>> {
    if global.target.is_some() {
        return vec![global.target.clone()];
    }
    let (config, _) = crate::config::load(&global.project_dir);
    let names: Vec<Option<String>> = config
        .map(|config| config.environments.into_keys().map(Some).collect())
        .unwrap_or_default();
    if names.is_empty() { vec![None] } else { names }
}
