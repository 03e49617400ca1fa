//! Whom policies let in, by name or by a rule.

use std::collections::BTreeMap;

use super::{Reviewed, matches};
use crate::config::{Config, Located};
use crate::directory::Rule;
use crate::model::{Diagnostic, Diagnostics};

#[derive(Default)]
struct Admits<'c> {
    users: Vec<&'c Located<String>>,
    rules: Vec<&'c Located<Rule>>,
}

fn policies(config: &Config) -> BTreeMap<&str, Admits<'_>> {
    let own = config.policies.values().map(|policy| {
        let actors = &policy.actors;
        (policy.name.as_str(), &actors.users, &actors.rules)
    });
    let platform = config.platform_policies.values();
    let platform = platform.map(|one| (one.name.as_str(), &one.users, &one.rules));
    own.chain(platform)
        .map(|(name, users, rules)| {
            (name, Admits { users: users.iter().collect(), rules: rules.iter().collect() })
        })
        .collect()
}

/// New users and rules of policies that let in whoever made the change.
pub(super) fn admitted(change: &Reviewed, before: &Config, after: &Config) -> Diagnostics {
    let mut found = Diagnostics::default();
    let old = policies(before);
    for (name, Admits { users, rules }) in policies(after) {
        let nobody = Admits::default();
        let had = old.get(name).unwrap_or(&nobody);
        let users = users.into_iter().filter(|new| had.users.iter().all(|o| o.value != new.value));
        let rules = rules.into_iter().filter(|new| had.rules.iter().all(|o| o.value != new.value));
        let rules: Vec<_> = rules.collect();
        let users: Vec<_> = users.collect();
        for author in change.authors {
            let user = users.iter().find(|user| author.is(&user.value)).map(|user| &user.place);
            let rule = || rules.iter().find(|rule| matches(change, &rule.value, author));
            let Some(place) = user.or_else(|| rule().map(|rule| &rule.place)) else { continue };
            let what = format!("the policy {name} lets in {author}, who made the change");
            found.push(
                Diagnostic::error("author-admitted", what)
                    .with_place(place.clone())
                    .with_help("let somebody else propose it: nobody lets themselves in"),
            );
        }
    }
    found
}
