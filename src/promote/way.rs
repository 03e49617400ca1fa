//! Which environment may be promoted into which: `promote_from`, and chains of it.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::plan::Refusal;

/// Refuses another way than `promote_from` says. A stage of the chain is skipped only by
/// `skip_stage`; what is no stage of it, never.
pub fn way(config: &Config, from: &str, to: &str, skip_stage: bool) -> Option<Refusal> {
    let before = |name: &str| {
        let environment = config.environments.get(name)?;
        environment.promote_from.as_ref().map(|from| from.value.clone())
    };
    let Some(first) = before(to) else {
        return Some(Refusal {
            code: "not-the-way",
            message: format!("nothing is promoted into {to}: it has no `promote_from`"),
            help: format!("write `promote_from: {from}` in the environment {to}, if that is meant"),
        });
    };
    if first == from {
        return None;
    }
    let mut skipped = vec![first.clone()];
    // A circle is an error of the configuration; here it only must end.
    let mut seen = BTreeSet::from([to.to_owned(), first.clone()]);
    let mut at = first.clone();
    while let Some(next) = before(&at).filter(|next| seen.insert(next.clone())) {
        if next == from {
            let skipped = skipped.join(", ");
            return (!skip_stage).then(|| Refusal {
                code: "skipped-stage",
                message: format!("from {from} to {to}, the way leads through {skipped}"),
                help: format!("promote into {first} first; --skip-stage goes without"),
            });
        }
        skipped.push(next.clone());
        at = next;
    }
    Some(Refusal {
        code: "not-the-way",
        message: format!("{to} is promoted from {first}, not from {from}"),
        help: format!("promote from {first}, or change `promote_from` of {to}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FileKind, SourceFile, parse};

    fn config(environments: &str) -> Config {
        let text = format!("version: 1\nenvironments:\n{environments}");
        let file = SourceFile { path: "rolecall.yml".into(), text, kind: FileKind::Root };
        parse(&[file]).0.unwrap()
    }

    fn asked(from: &str, to: &str, skip_stage: bool) -> String {
        let config = config(
            "  dev: {role_name: \"d_{{ role.name }}\"}\n  \
               test: {role_name: \"t_{{ role.name }}\", promote_from: dev}\n  \
               prod: {role_name: \"p_{{ role.name }}\", promote_from: test}\n  \
               lab: {role_name: \"l_{{ role.name }}\"}\n",
        );
        way(&config, from, to, skip_stage)
            .map_or("goes".to_owned(), |no| format!("{}: {} ({})", no.code, no.message, no.help))
    }

    #[test]
    fn the_configured_way_goes_and_no_other() {
        insta::assert_snapshot!(asked("dev", "test", false), @"goes");
        insta::assert_snapshot!(asked("test", "prod", false), @"goes");
        insta::assert_snapshot!(asked("prod", "test", false), @"not-the-way: test is promoted from dev, not from prod (promote from dev, or change `promote_from` of test)");
        insta::assert_snapshot!(asked("lab", "prod", true), @"not-the-way: prod is promoted from test, not from lab (promote from test, or change `promote_from` of prod)");
        insta::assert_snapshot!(asked("dev", "lab", true), @"not-the-way: nothing is promoted into lab: it has no `promote_from` (write `promote_from: dev` in the environment lab, if that is meant)");
    }

    #[test]
    fn a_stage_is_skipped_only_where_that_is_said() {
        insta::assert_snapshot!(asked("dev", "prod", false), @"skipped-stage: from dev to prod, the way leads through test (promote into test first; --skip-stage goes without)");
        insta::assert_snapshot!(asked("dev", "prod", true), @"goes");
    }
}
