//! What has changed, in a few words: the steps of a chain that the other side lacks.

use std::collections::{BTreeMap, BTreeSet};

use super::super::access::{Teller, Told, lack};
use super::{Cause, Said};
use crate::effect::Step;
use crate::effect::gains::{Because, Changed, What};
use crate::model::Reason;

/// Causes, each once, with all the places that say so.
#[derive(Default)]
pub(super) struct Causes(BTreeMap<Vec<Said>, BTreeSet<String>>);

impl Causes {
    pub(super) fn add(
        &mut self,
        changed: &Changed,
        steps: &[Told<'_>],
        why: &Because<'_>,
        (here, after): (&Teller<'_>, &Teller<'_>),
    ) {
        let loses = changed.what == What::Loses;
        let mut told = false;
        // Somebody who is let in gains all that the role has: what else is new is said of the role.
        let new: Vec<&Told<'_>> = {
            let all = steps.iter().zip(&why.changed).filter(|(_, changed)| **changed);
            all.map(|(step, _)| step).collect()
        };
        for step in &new {
            let (what, places) = cause(step, loses, (here, after));
            told = true;
            self.0.entry(what).or_default().extend(places);
        }
        if !told || changed.what == What::HoldsInVain || changed.still_held {
            for missing in &why.lacks {
                let said = lack(missing);
                let said = match changed.what {
                    What::Gains => format!("until now: {said}"),
                    What::Loses | What::HoldsInVain => said,
                };
                self.0.entry(vec![Said::Name(said)]).or_default();
            }
        }
    }

    pub(super) fn told(self) -> Vec<Cause> {
        let cause = |(what, places): (Vec<Said>, BTreeSet<String>)| Cause {
            what,
            places: places.into_iter().collect(),
        };
        self.0.into_iter().map(cause).collect()
    }
}

fn cause(
    told: &Told<'_>,
    loses: bool,
    (here, after): (&Teller<'_>, &Teller<'_>),
) -> (Vec<Said>, Vec<String>) {
    let words = |text: &str| Said::Words(text.to_owned());
    let role = |role: &dyn std::fmt::Display| {
        Said::Name(told.product_role.clone().unwrap_or_else(|| role.to_string()))
    };
    let mut places: Vec<String> = told.declared.iter().map(place).collect();
    if told.by_dbt {
        places.push("dbt's own grants".to_owned());
    }
    let said = match &told.step {
        Step::Member { member, role: of, .. } | Step::SetRole { member, role: of, .. } => {
            let ended = after.desired.ended.get(&((*of).clone(), (*member).clone()));
            match (loses, ended) {
                (true, Some(ended)) => {
                    places = vec![ended.place()];
                    vec![
                        words("membership of"),
                        role(of),
                        words("ended, until"),
                        Said::Name(ended.until.clone()),
                    ]
                }
                (true, None) => vec![words("no longer in"), role(of)],
                (false, _) => vec![words("let into"), role(of)],
            }
        }
        Step::Grant { role: Some(of), .. } => {
            let whose = here.desired.roles.get(*of).map(|role| role.marker.whose());
            let to = Said::Name(whose.unwrap_or_else(|| of.to_string()));
            let what = if loses { "no longer granted to" } else { "granted to" };
            vec![words(what), to]
        }
        Step::Grant { role: None, .. } => {
            vec![words(if loses { "no longer granted to everyone" } else { "granted to everyone" })]
        }
        Step::Owner { role: of, .. } => {
            let what = if loses { "no longer owned by" } else { "owned by" };
            vec![words(what), role(of)]
        }
        Step::Superuser { role: of } => {
            vec![role(of), words(if loses { "is no superuser any more" } else { "is a superuser" })]
        }
        Step::Predefined { role: of, .. } => vec![words("by"), role(of)],
        Step::Parent { parent: by, .. } | Step::Child { child: by, .. } => {
            vec![words("through"), Said::Name(by.to_string())]
        }
    };
    (said, places)
}

/// Where a reason stands.
fn place(reason: &Reason) -> String {
    match (&reason.file, reason.line, &reason.node) {
        (Some(file), Some(line), _) => format!("{file}:{line}"),
        (Some(file), None, _) => file.clone(),
        (None, _, Some(node)) => node.clone(),
        (None, _, None) => "declared".to_owned(),
    }
}
