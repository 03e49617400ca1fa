//! `rolecall validate`

use std::collections::{BTreeMap, BTreeSet};

use super::compile_dbt::Compiled;
use super::{Exit, Format, Global, output};
use crate::model::{Diagnostic, Diagnostics, Ident, Place};
use crate::project::{CountedRule, Places, Project, manifest_path};
use crate::report::{count, json};

pub(super) fn run(global: &Global) -> anyhow::Result<Exit> {
    let now = super::plan::as_of(global)?;
    let mut places = global.places();
    let mut all = Diagnostics::default();
    let mut valid = true;
    let mut names = Names::default();
    let (mut counted, mut unasked) = (Vec::new(), 0);
    let mut lists = BTreeSet::new();
    let mut compiled = Compiled::read(&global.project_dir);
    let asked = targets(global.target.as_ref(), &places, &mut all);
    // The hooks' file is of all environments, whichever was asked for.
    let others = match (&compiled, &global.target) {
        (Some(_), Some(_)) => targets(None, &places, &mut Diagnostics::default()),
        _ => Vec::new(),
    };
    let others: Vec<_> = others.into_iter().filter(|other| !asked.contains(other)).collect();
    let of_asked = asked.into_iter().map(|target| (target, true));
    for (target, is_asked) in of_asked.chain(others.into_iter().map(|target| (target, false))) {
        places.target = target;
        let (checked, found) = Project::check(&places, now);
        if is_asked {
            all.extend(found);
            valid &= checked.is_some();
        }
        let Some((project, resolved)) = checked else { continue };
        if is_asked {
            counted = project.counted_rules();
            unasked = project.unasked_rules().len();
        }
        if let Some(compiled) = &mut compiled {
            compiled.add(&project, &resolved);
        }
        if is_asked {
            names.add(&project, resolved.desired.roles.into_keys());
            // An apply finds it too; by then somebody is waiting for it.
            let mut of_list = Diagnostics::default();
            super::custody::approvals(&project, &global.project_dir, &mut of_list);
            all.extend(of_list.into_iter().filter(|found| lists.insert(found.clone())));
        }
    }
    names.say(&mut all);
    if let Some(compiled) = compiled {
        let (config, _) = crate::config::load(&global.project_dir);
        let environments = config.map(|config| config.environments).unwrap_or_default();
        compiled.say(&environments, &mut all)?;
    }
    valid &= !all.has_errors();
    match global.format {
        Format::Json => {
            let findings = all.sorted();
            output::data(&json::print(&json::Validated {
                version: json::VERSION,
                valid,
                rules: counted,
                findings,
            })?)?;
        }
        _ => {
            output::text(&rules(&counted))?;
            if unasked > 0 {
                let (rules, are) =
                    (count(unasked, "rule"), if unasked == 1 { "is" } else { "are" });
                output::message(&format!("{rules} {are} not counted: a query says who matches"));
            }
            let found = output::findings(all);
            if valid && found.is_empty() {
                output::message("valid: no errors, no warnings");
            }
        }
    }
    Ok(if valid { Exit::Done } else { Exit::Failed })
}

/// How many people each rule matches.
fn rules(counted: &[CountedRule]) -> String {
    let lines = counted.iter().map(|rule| {
        let line = rule.line.map(|line| format!(":{line}")).unwrap_or_default();
        let matches = if rule.matches == 1 { "matches" } else { "match" };
        let CountedRule { product, role, file, line: _, matches: n, of } = rule;
        format!("{file}{line}: {n} of {of} people {matches}, for {product}.{role}\n")
    });
    lines.collect()
}

/// The target that was asked for, else every environment that has a manifest at hand: with one
/// manifest for all, that one is checked for each.
fn targets(
    asked: Option<&String>,
    places: &Places,
    found: &mut Diagnostics,
) -> Vec<Option<String>> {
    if asked.is_some() {
        return vec![asked.cloned()];
    }
    let (config, _) = crate::config::load(&places.project_dir);
    let environments = config.map(|config| config.environments).unwrap_or_default();
    let (there, missing): (Vec<_>, Vec<_>) = environments
        .into_values()
        .partition(|environment| manifest_path(places, Some(environment.target_name())).is_file());
    if there.is_empty() {
        // Reading the first says what is missing.
        return vec![missing.first().map(|environment| environment.name.clone())];
    }
    for environment in missing {
        found.push(
            Diagnostic::warning(
                "not-checked",
                format!("{} was not checked: there is no manifest of it", environment.name),
            )
            .with_place(environment.place)
            .with_help("run `dbt parse` for its target, or name a manifest with --manifest"),
        );
    }
    there.into_iter().map(|environment| Some(environment.name)).collect()
}

/// The names of roles in every environment that was checked.
#[derive(Default)]
struct Names(BTreeMap<Ident, Vec<(String, Place)>>);

impl Names {
    fn add(&mut self, project: &Project, names: impl Iterator<Item = Ident>) {
        let Some(environment) = project.environment() else { return };
        let here = (environment.name.clone(), environment.role_name.place.clone());
        for name in names {
            self.0.entry(name).or_default().push(here.clone());
        }
    }

    /// On one server the second environment is refused there, by the marker of the first; on two
    /// it is right. Only a server knows which it is: a warning, once for each two environments.
    fn say(self, found: &mut Diagnostics) {
        let mut said: BTreeSet<(String, String)> = BTreeSet::new();
        for (name, environments) in self.0 {
            let [(first, first_place), (second, place), ..] = environments.as_slice() else {
                continue;
            };
            if said.insert((first.clone(), second.clone())) {
                found.push(
                    Diagnostic::warning(
                        "one-name-in-two-environments",
                        format!("{first} and {second} give roles the same name, such as {name}"),
                    )
                    .with_place(place.clone())
                    .with_also(first_place.clone(), format!("the template of {first}"))
                    .with_help("right on two servers; on one, use {{ env.name }} in one of them: the second is refused there"),
                );
            }
        }
    }
}
