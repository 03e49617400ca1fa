//! Which environment is meant.

use super::Places;
use crate::config::{Config, Environment};
use crate::dbt::profiles::{Lack, Profiles};
use crate::model::diagnostic::nearest;
use crate::model::{Diagnostic, Diagnostics};

/// The environment that `--target` names, by its own name or its dbt target's; else that of the
/// profile's default target; the only one where there is no profile to say.
pub(super) fn environment(
    config: &Config,
    places: &Places,
    profiles: &Profiles,
    found: &mut Diagnostics,
) -> Option<Environment> {
    if config.environments.is_empty() && found.has_errors() {
        // Nobody can choose before that is mended.
        return None;
    }
    let asked = places.target.as_deref().filter(|target| !target.is_empty());
    if let Some((named, other)) = asked.and_then(|target| ambiguous(config, target)) {
        found.push(
            Diagnostic::error(
                "ambiguous-target",
                format!(
                    "{} is the name of one environment, and the dbt target of another, {}",
                    named.name, other.name
                ),
            )
            .with_place(other.place.clone())
            .with_also(named.place.clone(), "the environment of that name")
            .with_help(
                "give the environments the names of their targets, or other names than any target",
            ),
        );
        return None;
    }
    let names = config.environments.keys().cloned().collect::<Vec<_>>().join(", ");
    let environments = || config.environments.values();
    let Some(target) = asked else {
        return by_default(config, profiles, &names, found).cloned();
    };
    let of_target = || environments().find(|e| e.target.as_deref() == Some(target));
    let chosen = config.environments.get(target).or_else(of_target);
    if chosen.is_none() {
        let near = nearest(target, config.environments.keys().map(String::as_str));
        let near = near.map(|near| format!("did you mean {near}? ")).unwrap_or_default();
        found.push(
            Diagnostic::error(
                "unknown-environment",
                format!("no environment is named {target}, or has it as its dbt target"),
            )
            .with_help(format!("{near}rolecall.yml has {names}")),
        );
    }
    chosen.cloned()
}

fn by_default<'c>(
    config: &'c Config,
    profiles: &Profiles,
    names: &str,
    found: &mut Diagnostics,
) -> Option<&'c Environment> {
    let (target, place) = match profiles.default_target() {
        Ok(said) => said,
        // Whatever is wrong with a profile that nobody needs is not our business.
        Err(_) if config.environments.len() == 1 => return config.environments.values().next(),
        Err(lack) => {
            let nothing = match lack {
                Lack::Nothing(nothing) => format!(": {nothing}"),
                Lack::Wrong(wrong) => {
                    found.extend(wrong);
                    String::new()
                }
            };
            let message = format!("which environment is meant is not said{nothing}");
            found.push(
                Diagnostic::error("no-environment", message)
                    .with_help(format!("give --target with one of {names}")),
            );
            return None;
        }
    };
    let is_it = |e: &&Environment| e.target.as_deref().unwrap_or(&e.name) == target;
    let chosen = config.environments.values().find(is_it);
    if chosen.is_none() {
        let message = format!("the profile's default target, {target}, has no environment");
        found.push(
            Diagnostic::error("unknown-environment", message)
                .with_help(format!("give --target with one of {names}"))
                .with_place(place),
        );
    }
    chosen
}

/// An environment of that name, and another whose dbt target it is.
fn ambiguous<'c>(config: &'c Config, target: &str) -> Option<(&'c Environment, &'c Environment)> {
    let named = config.environments.get(target)?;
    let is_other = |e: &&Environment| e.name != named.name && e.target.as_deref() == Some(target);
    config.environments.values().find(is_other).map(|other| (named, other))
}
