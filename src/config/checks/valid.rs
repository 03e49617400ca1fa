//! Tests, checks and suppressions checked in themselves and against the rest of the platform's files.

use std::collections::BTreeMap;

use super::raw::{RawCheck, RawPii, RawSuppression, RawTest, RawTestBody};
use super::{
    AccessTest, CODES, CheckSetting, Checks, Demand, Level, Pii, PiiReason, Suppression, fits,
};
use crate::config::names::{check_fit, check_permission};
use crate::config::policy::{Actors, RoleRef, check_references, read_actors, read_resources};
use crate::config::raw::Named;
use crate::config::reader::{printable, said_twice, suggest};
use crate::config::until;
use crate::config::valid::unknown_environment;
use crate::config::{Config, Located};
use crate::model::{Diagnostic, Diagnostics, Place};

/// What one file says.
pub(in crate::config) struct Said {
    pub(in crate::config) tests: Vec<RawTest>,
    pub(in crate::config) checks: Named<RawCheck>,
    pub(in crate::config) suppressions: Vec<RawSuppression>,
    pub(in crate::config) pii: Option<RawPii>,
}

/// Adds what one file says, with what is wrong in it.
pub(in crate::config) fn add_all(config: &mut Checks, said: Said, found: &mut Diagnostics) {
    let Said { tests, checks, suppressions, pii } = said;
    for raw in tests {
        add_test(config, raw, found);
    }
    for (code, raw) in checks.0 {
        add_check(config, &code, raw, found);
    }
    for raw in suppressions {
        config.suppressions.extend(suppression(raw, found));
    }
    config.suppressions.sort_by(|a, b| a.place.cmp(&b.place));
    if let Some(pii) = pii {
        add_pii(config, pii, found);
    }
}

fn missing(what: &str, help: &str, place: &Place) -> Diagnostic {
    Diagnostic::error("missing-key", what.to_owned()).with_help(help).with_place(place.clone())
}

fn invalid(what: String, help: &str, place: &Place) -> Diagnostic {
    Diagnostic::error("invalid-test", what).with_help(help).with_place(place.clone())
}

fn add_test(config: &mut Checks, raw: RawTest, found: &mut Diagnostics) {
    let RawTest { name, description, never, always, at_most, place } = raw;
    let Some(name) = name else {
        found.push(missing("the test has no `name`", "write name: and what must hold", &place));
        return;
    };
    let shown = printable(&name.value);
    found.extend(check_fit("the test's name", &name));
    let said: Vec<(&str, RawTestBody)> =
        [("never", never), ("always", always), ("at_most", at_most)]
            .into_iter()
            .filter_map(|(key, body)| Some((key, body?)))
            .collect();
    let kinds: Vec<&str> = said.iter().map(|(key, _)| *key).collect();
    let (key, body) = match <[_; 1]>::try_from(said) {
        Ok([one]) => one,
        Err(_) => {
            let what = match kinds.as_slice() {
                [] => format!("the test `{shown}` demands nothing"),
                kinds => format!("the test `{shown}` has {}", kinds.join(" and ")),
            };
            let help = "write exactly one of never, always and at_most";
            found.push(invalid(what, help, &name.place));
            return;
        }
    };
    let RawTestBody {
        people,
        actors,
        except,
        may,
        resources,
        environments,
        may_match_nothing,
        place: body_place,
    } = body;
    let demand = match (key, &people) {
        ("never", _) => Demand::Never,
        ("always", _) => Demand::Always,
        (_, people) => Demand::AtMost(people.as_ref().map_or(0, |people| people.value)),
    };
    match (demand, &people) {
        (Demand::AtMost(_), None) => {
            let what = format!("the test `{shown}` does not say how many people");
            found.push(missing(&what, "write people: and the most that may be", &body_place));
        }
        (Demand::Never | Demand::Always, Some(people)) => {
            let what = format!("the test `{shown}` counts people, and is no at_most");
            found.push(invalid(what, "take `people` out, or write at_most", &people.place));
        }
        _ => {}
    }
    let Some(may) = may else {
        let what = format!("the test `{shown}` does not say what they may");
        found.push(missing(&what, "write may: read", &body_place));
        return;
    };
    found.extend(check_permission(&may));
    let of_whom = actors.map(|actors| read_actors(actors, found));
    match &of_whom {
        Some(actors) if actors.is_empty() => {
            let what = format!("`actors` of the test `{shown}` names nobody");
            found.push(invalid(what, "leave `actors` out where everybody is meant", &body_place));
        }
        None if demand == Demand::Always => {
            let what = format!("the test `{shown}` does not say who always may");
            found.push(missing(
                &what,
                "write actors: {product_roles: [product.role]}",
                &body_place,
            ));
        }
        _ => {}
    }
    if environments.as_ref().is_some_and(Vec::is_empty) {
        let what = format!("`environments` of the test `{shown}` names none");
        let help = "leave `environments` out where it holds in all";
        found.push(missing(&what, help, &body_place));
    }
    let test = AccessTest {
        name: name.value,
        place: name.place,
        description: description.map(|text| text.value),
        demand,
        actors: of_whom,
        except: read_actors(except.unwrap_or_default(), found),
        may,
        resources: read_resources(resources.unwrap_or_default(), found),
        environments: environments.unwrap_or_default(),
        may_match_nothing: may_match_nothing.unwrap_or(false),
    };
    if let Some(first) = config.tests.get(&test.name) {
        found.push(said_twice(&format!("the test `{shown}`"), test.place, &first.place));
    } else {
        config.tests.insert(test.name.clone(), test);
    }
}

fn check_code(code: &Located<String>) -> Option<Diagnostic> {
    if CODES.contains(&code.value.as_str()) {
        return None;
    }
    let what = format!("there is no check `{}`", printable(&code.value));
    let help = suggest(&code.value, CODES, "");
    Some(Diagnostic::error("unknown-check", what).with_help(help).with_place(code.place.clone()))
}

fn level(written: &Located<String>, found: &mut Diagnostics) -> Option<Level> {
    let level = Level::ALL.into_iter().find(|level| level.as_str() == written.value);
    if level.is_none() {
        let what = format!("`{}` is no severity", printable(&written.value));
        let help = suggest(&written.value, Level::ALL.map(Level::as_str), "");
        let error = Diagnostic::error("unknown-severity", what).with_help(help);
        found.push(error.with_place(written.place.clone()));
    }
    level
}

fn add_check(config: &mut Checks, code: &Located<String>, raw: RawCheck, found: &mut Diagnostics) {
    found.extend(check_code(code));
    let RawCheck { severity, environments } = raw;
    if let Some(first) = config.settings.get(&code.value) {
        let what = format!("the check `{}`", printable(&code.value));
        found.push(said_twice(&what, code.place.clone(), &first.place));
        return;
    }
    let severity = severity.and_then(|written| level(&written, found));
    let mut by_name = BTreeMap::new();
    for (name, written) in environments.0 {
        let Some(value) = written.and_then(|written| level(&written, found)) else { continue };
        by_name.insert(name.value, Located { value, place: name.place });
    }
    let setting = CheckSetting { place: code.place.clone(), severity, environments: by_name };
    config.settings.insert(code.value.clone(), setting);
}

fn suppression(raw: RawSuppression, found: &mut Diagnostics) -> Option<Suppression> {
    let RawSuppression { check, node, role, product, user, environments, reason, until, place } =
        raw;
    for (key, is_there, help) in [
        ("check", check.is_some(), "write check: and its code"),
        ("reason", reason.is_some(), "write reason: why it is no mistake here"),
        ("until", until.is_some(), "write until: and the last day, so that somebody looks again"),
    ] {
        if !is_there {
            found.push(missing(&format!("the suppression has no `{key}`"), help, &place));
        }
    }
    let (check, reason, until) = (check?, reason?, until?);
    found.extend(check_code(&check));
    if [&node, &role, &product, &user].iter().all(|subject| subject.is_none()) {
        let what = "the suppression does not say of what".to_owned();
        let help = "name a node, role, product or user; `checks` switches a whole check off";
        found.push(missing(&what, help, &place));
    }
    let ends = match until::moment(&until.value) {
        Ok(ends) => ends,
        Err(why) => {
            let what = format!("`{}`: {why}", printable(&until.value));
            let help = "write a day such as 2027-01-31";
            let error = Diagnostic::error("invalid-until", what).with_help(help);
            found.push(error.with_place(until.place));
            return None;
        }
    };
    Some(Suppression {
        place,
        check,
        node,
        role,
        product,
        user,
        environments: environments.unwrap_or_default(),
        reason: reason.value,
        until,
        ends,
    })
}

/// It is said once.
fn add_pii(config: &mut Checks, raw: RawPii, found: &mut Diagnostics) {
    let RawPii { tags, cleaned, reasons, place } = raw;
    if let Some(first) = config.pii.as_ref().and_then(|pii| pii.place.as_ref()) {
        found.push(said_twice("`pii`", place, first));
        return;
    }
    if tags.as_ref().is_some_and(Vec::is_empty) {
        let help = "leave `tags` out where it is pii";
        found.push(missing("`tags` of `pii` names none", help, &place));
    }
    let tags = tags.map(|tags| tags.into_iter().map(|tag| tag.value).collect());
    let cleaned = cleaned.unwrap_or_default();
    let mut pii = Pii { place: Some(place), cleaned, ..Pii::default() };
    pii.tags = tags.unwrap_or(pii.tags);
    for raw in reasons.unwrap_or_default() {
        let (Some(role), Some(reason)) = (raw.role, raw.reason) else {
            let help = "write role: product.role and reason: why they may read it";
            found.push(missing(
                "a reason of `pii` needs a `role` and a `reason`",
                help,
                &raw.place,
            ));
            continue;
        };
        let select = raw.select;
        pii.reasons.push(PiiReason { place: raw.place, role, select, reason: reason.value });
    }
    config.pii = Some(pii);
}

/// Everything that tests and checks name of the rest of the platform's files is there.
pub(in crate::config) fn check_all(config: &Config, found: &mut Diagnostics) {
    let Checks { tests, settings, suppressions, pii: _ } = &config.checks;
    for (name, level) in settings.values().flat_map(|setting| &setting.environments) {
        let named = Located { value: name.clone(), place: level.place.clone() };
        check_environments(config, &[named], found);
    }
    for suppression in suppressions {
        check_environments(config, &suppression.environments, found);
    }
    for test in tests.values() {
        check_environments(config, &test.environments, found);
        let none = Actors::default();
        let mut all = test.actors.as_ref().unwrap_or(&none).clone();
        all.product_roles.extend(test.except.product_roles.iter().cloned());
        // A pattern is no reference: it must match something.
        let is_pattern = |role: &RoleRef| role.product == "*" || role.role == "*";
        for pattern in all.product_roles.iter().filter(|role| is_pattern(&role.value)) {
            found.extend(matches_nothing(config, pattern));
        }
        all.product_roles.retain(|role| !is_pattern(&role.value));
        check_references(config, &all, &test.resources, found);
    }
}

fn matches_nothing(config: &Config, pattern: &Located<RoleRef>) -> Option<Diagnostic> {
    let written = format!("{}.{}", pattern.value.product, pattern.value.role);
    let shared = || config.product_roles.keys();
    let matches = config.products.iter().any(|(product, declared)| {
        shared().chain(declared.product_roles.keys()).any(|role| fits(&written, product, role))
    });
    (!matches).then(|| {
        let known = shared().map(String::as_str).chain(config.products.keys().map(String::as_str));
        let known: Vec<&str> = known.collect();
        let word = match pattern.value.product == "*" {
            true => &pattern.value.role,
            false => &pattern.value.product,
        };
        Diagnostic::error(
            "unknown-product-role",
            format!("`{}` matches no product role", printable(&written)),
        )
        .with_help(suggest(word, known, "declare one under `product_roles` in rolecall.yml"))
        .with_place(pattern.place.clone())
    })
}

fn check_environments(config: &Config, named: &[Located<String>], found: &mut Diagnostics) {
    for environment in named {
        if !config.environments.contains_key(&environment.value) {
            found.push(unknown_environment(environment, &config.environments));
        }
    }
}
