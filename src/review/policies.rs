//! Whom policies let in: by name, by a rule, by a group that the directory lists, or by an attribute.

use std::collections::BTreeMap;

use super::Reviewed;
use super::admitted::{finding, meaning};
use super::sight::Sight;
use crate::config::{Config, Located};
use crate::directory::Rule;
use crate::model::{Diagnostics, Place};

/// Whom one policy names.
#[derive(Default)]
struct Admits<'c> {
    users: Vec<&'c Located<String>>,
    groups: Vec<&'c Located<String>>,
    rules: Vec<&'c Located<Rule>>,
    attribute: Option<&'c Located<String>>,
    is_active: bool,
}

fn policies(config: &Config) -> BTreeMap<&str, Admits<'_>> {
    let own = config.policies.values().map(|policy| {
        let actors = &policy.actors;
        let admits = Admits {
            users: actors.users.iter().collect(),
            groups: actors.groups.iter().collect(),
            rules: actors.rules.iter().collect(),
            attribute: policy.matching.as_ref().map(|matching| &matching.user_attribute),
            is_active: policy.active,
        };
        (policy.name.as_str(), admits)
    });
    let platform = config.platform_policies.values().map(|policy| {
        let admits = Admits {
            users: policy.users.iter().collect(),
            groups: policy.groups.iter().chain(&policy.roles).collect(),
            rules: policy.rules.iter().collect(),
            attribute: None,
            is_active: policy.active,
        };
        (policy.name.as_str(), admits)
    });
    own.chain(platform).collect()
}

fn is_among<T: PartialEq>(all: &[&Located<T>], one: &Located<T>) -> bool {
    all.iter().any(|other| other.value == one.value)
}

/// What policies say that lets in whoever made the change, and did not before.
pub(super) fn admitted(change: &Reviewed, was: Sight<'_>, is: Sight<'_>) -> Diagnostics {
    let mut found = Diagnostics::default();
    let nobody = Admits::default();
    let old = policies(was.config);
    for (name, Admits { users, groups, rules, attribute, is_active }) in policies(is.config) {
        // What had no effect lets everybody in whom it lets in now.
        let had = old.get(name).filter(|had| had.is_active || !is_active).unwrap_or(&nobody);
        for author in change.authors {
            let user = users.iter().filter(|user| is.is(author, &user.value)).find_map(|user| {
                changed(
                    is_among(&had.users, user),
                    was.is(author, &user.value),
                    &user.place,
                    || meaning(is, true),
                )
            });
            let group =
                groups.iter().filter(|group| is.is_in(author, &group.value)).find_map(|group| {
                    let before = was.is_in(author, &group.value);
                    changed(is_among(&had.groups, group), before, &group.place, || {
                        meaning(is, false)
                    })
                });
            let rule =
                rules.iter().filter(|rule| is.matches(author, &rule.value)).find_map(|rule| {
                    let before = was.matches(author, &rule.value);
                    changed(is_among(&had.rules, rule), before, &rule.place, || meaning(is, false))
                });
            let carries = attribute.and_then(|attribute| {
                let values = is.values(author, &attribute.value);
                let before = had.attribute.map(|attribute| was.values(author, &attribute.value));
                let is_new = before.is_none();
                let more = values.difference(&before.unwrap_or_default()).next().is_some();
                let how = if is_new { ("", None) } else { meaning(is, false) };
                more.then(|| (how.0, how.1.unwrap_or_else(|| attribute.place.clone())))
            });
            let Some((by, place)) = user.or(group).or(rule).or(carries) else { continue };
            found.push(finding(&format!("the policy {name}{by}"), author, place));
        }
    }
    found
}

/// How somebody whom this admits came to be admitted; `None` where they were before.
fn changed(
    is_old: bool,
    admitted: bool,
    place: &Place,
    meaning: impl Fn() -> (&'static str, Option<Place>),
) -> Option<(&'static str, Place)> {
    match (is_old, admitted) {
        (true, true) => None,
        (true, false) => {
            let (by, at) = meaning();
            Some((by, at.unwrap_or_else(|| place.clone())))
        }
        (false, _) => Some(("", place.clone())),
    }
}
