//! What guards a protected environment, as it is written.

use std::path::{Component, Path};

use super::reader::printable;
use super::{Environment, Located};
use crate::model::{Diagnostic, Diagnostics};

/// How old a plan may be where nobody says: a day, in seconds.
const VALID_FOR: i64 = 24 * 3600;

/// `valid_for` in seconds.
pub(super) fn valid_for(written: Option<Located<String>>, diagnostics: &mut Diagnostics) -> i64 {
    let Some(written) = written else { return VALID_FOR };
    duration(written, "a plan can be valid for", diagnostics)
}

/// A number of minutes, hours or days, in seconds. `what` it cannot be, where it is none.
pub(super) fn duration(written: Located<String>, what: &str, diagnostics: &mut Diagnostics) -> i64 {
    let Located { value, place } = written;
    let seconds = seconds(&value);
    if seconds.is_none() {
        diagnostics.push(
            Diagnostic::error(
                "invalid-duration",
                format!("`{}` is no time that {what}", printable(&value)),
            )
            .with_help("write 24h, 90m or 2d: a number of minutes, hours or days")
            .with_place(place),
        );
    }
    seconds.unwrap_or(VALID_FOR)
}

fn seconds(written: &str) -> Option<i64> {
    let (number, unit) = [("m", 60), ("h", 3600), ("d", 86_400)]
        .into_iter()
        .find_map(|(unit, seconds)| Some((written.strip_suffix(unit)?, seconds)))?;
    // A sign or a space is no digit.
    let number: i64 =
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())??;
    number.checked_mul(unit).filter(|seconds| *seconds > 0)
}

/// Whether a path stays in the project's folder.
pub(super) fn is_inside(path: &str) -> bool {
    let inside = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
    Path::new(path).components().all(inside)
}

/// A list that stands outside of the project is under nobody's review there.
pub(super) fn check_list(list: &Located<String>) -> Option<Diagnostic> {
    if is_inside(&list.value) {
        return None;
    }
    Some(
        Diagnostic::error(
            "outside-the-project",
            format!("`{}` is not in the project's folder", printable(&list.value)),
        )
        .with_help("keep the list of approved plans in the project, under code-owner review")
        .with_place(list.place.clone()),
    )
}

/// Guards that are written where nothing is protected.
pub(super) fn without_effect(
    protected: bool,
    valid_for: &Option<Located<String>>,
    approved_plans: &Option<Located<String>>,
) -> Vec<Diagnostic> {
    let said = [("valid_for", valid_for), ("approved_plans", approved_plans)];
    said.into_iter()
        .filter(|_| !protected)
        .filter_map(|(key, value)| {
            let place = value.as_ref()?.place.clone();
            let what = format!("`{key}` has no effect: the environment is not protected");
            Some(
                Diagnostic::warning("not-protected", what)
                    .with_help("write protected: true, or take it out")
                    .with_place(place),
            )
        })
        .collect()
}

/// Hooks grant what is declared when dbt builds, whoever has approved what.
pub(super) fn hook_beside(list: &Located<String>, environment: &Environment) -> Option<Diagnostic> {
    let Environment { name, protected, hook, .. } = environment;
    (*protected && *hook).then(|| {
        Diagnostic::warning(
            "hook-unapproved",
            format!(
                "in {name} dbt's hooks grant whatever is declared when it builds, and no approval of a plan is asked for that"
            ),
        )
        .with_help("take `hook` out, or let whoever approves plans review changes of `meta`, too")
        .with_place(list.place.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Place;

    #[test]
    fn a_plan_is_valid_for_minutes_hours_or_days() {
        assert_eq!(seconds("90m"), Some(5400));
        assert_eq!(seconds("24h"), Some(86_400));
        assert_eq!(seconds("2d"), Some(172_800));
        for wrong in ["", "h", "24", "24 h", "-1h", "+1h", "0h", "1w", "9223372036854775807d"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_list_of_approved_plans_is_in_the_project() {
        let list = |value: &str| Located { value: value.to_owned(), place: Place::file("f") };
        for right in ["approved_plans.txt", "./rolecall/x", "a/b"] {
            assert_eq!(check_list(&list(right)), None, "{right}");
        }
        for wrong in ["../approved", "/etc/approved", "a/../../b"] {
            assert_eq!(check_list(&list(wrong)).unwrap().code, "outside-the-project", "{wrong}");
        }
    }
}
