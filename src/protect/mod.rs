//! Protected environments: only a saved plan, made for this target, fresh and approved, is applied,
//! and only once. Pure: the time, the file's hash and the list of approved plans are passed in.

mod approvals;

use std::collections::BTreeSet;

use crate::model::{Change, is_same_person};
use crate::plan::{Plan, Refusal};
use crate::receipts::iso;

pub use approvals::{Approval, Approvals};

/// How far two clocks may be apart, in seconds.
const CLOCKS: i64 = 300;

/// What an environment asks of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How old a plan may be, in seconds.
    pub valid_for: i64,
    /// The file that lists approved plans, where one is asked for.
    pub approved_plans: Option<String>,
}

/// A plan that somebody wants applied.
#[derive(Debug, Clone, Copy)]
pub struct Submitted<'a> {
    /// What it says.
    pub plan: &'a Plan,
    /// SHA-256 of its file's bytes.
    pub sha256: &'a str,
}

/// Whether a plan may be applied where `rules` hold: whose approval counts, or all that is against
/// it. `now` is the clock's time, never `--as-of`'s; `as_of` is what expiry is judged by.
pub fn judge(
    rules: &Rules,
    environment: &str,
    submitted: Option<Submitted<'_>>,
    approvals: Option<&Approvals>,
    now: i64,
    as_of: i64,
) -> Result<Vec<String>, Vec<Refusal>> {
    let Some(Submitted { plan, sha256 }) = submitted else {
        return Err(vec![Refusal {
            code: "protected",
            message: format!("{environment} is protected: only a saved plan is applied there"),
            help: "write one with `rolecall plan --out FILE` (or `promote --out FILE`), have it \
                   reviewed, and give it to `rolecall apply FILE`"
                .to_owned(),
        }]);
    };
    let mut refusals = Vec::new();
    let mut refuse = |code, message: String, help: &str| {
        refusals.push(Refusal { code, message, help: help.to_owned() });
    };
    if !plan.is_sealed() {
        refuse(
            "plan-edited",
            "the plan is not as rolecall wrote it: what it says does not fit its seal".to_owned(),
            "make it again; nobody edits a plan by hand",
        );
    }
    // Saturating: a plan may say any time.
    let age = now.saturating_sub(plan.made_at);
    if age > rules.valid_for {
        refuse(
            "plan-expired",
            format!(
                "the plan was made at {}, and may be {} old here",
                iso(plan.made_at),
                span(rules.valid_for)
            ),
            "make it again, and have it reviewed again",
        );
    }
    if age < -CLOCKS {
        refuse(
            "plan-ahead-of-time",
            format!(
                "the plan says that it was made at {}, and it is {}",
                iso(plan.made_at),
                iso(now)
            ),
            "set the clocks of the machines right, and make it again",
        );
    }
    let far = |time: i64, from: i64| time.saturating_sub(from).saturating_abs() > CLOCKS;
    if far(plan.resolved_for, plan.made_at) || far(as_of, now) {
        refuse(
            "plan-of-another-day",
            "it judges by another time than now who is still let in".to_owned(),
            "plan and apply without --as-of: what has ended must stay ended here",
        );
    }
    let approved = match &rules.approved_plans {
        None => Vec::new(),
        Some(file) => match approved(plan, sha256, file, approvals) {
            Ok(by) => by,
            Err(refusal) => {
                refusals.push(refusal);
                Vec::new()
            }
        },
    };
    if refusals.is_empty() { Ok(approved) } else { Err(refusals) }
}

/// Who approved a plan, so that it counts.
fn approved(
    plan: &Plan,
    sha256: &str,
    file: &str,
    approvals: Option<&Approvals>,
) -> Result<Vec<String>, Refusal> {
    let lines: Vec<&Approval> = approvals.map(|list| list.of(sha256)).unwrap_or_default();
    if lines.is_empty() {
        return Err(Refusal {
            code: "plan-not-approved",
            message: format!("the plan {sha256} is not in {file}"),
            help: format!(
                "whoever reviews it adds a line to {file}: {sha256} <who> <YYYY-MM-DD> <why>"
            ),
        });
    }
    let gains = gaining(plan);
    let mut by = BTreeSet::new();
    let mut not = Vec::new();
    for Approval { sha256: _, who, when: _, why: _, line } in lines {
        if plan.author.as_ref().is_some_and(|author| is_same_person(author, who)) {
            not.push(format!("{file}:{line}: {who} made the plan"));
        } else if gains.iter().any(|member| is_same_person(member, who)) {
            not.push(format!("{file}:{line}: {who} gains by it"));
        } else {
            by.insert(who.clone());
        }
    }
    if by.is_empty() {
        return Err(Refusal {
            code: "approval-not-counted",
            message: format!("nobody has approved the plan who may: {}", not.join("; ")),
            help: "somebody else must approve it, who neither made it nor gains by it".to_owned(),
        });
    }
    Ok(by.into_iter().collect())
}

/// Who is let in by a plan, by their names in the warehouse.
fn gaining(plan: &Plan) -> BTreeSet<&str> {
    let added = plan.changes.iter().filter_map(|planned| match &planned.change {
        Change::AddMember { member, .. } => Some(member.as_str()),
        _ => None,
    });
    added.chain(plan.adopted_members.iter().map(|(_, member)| member.as_str())).collect()
}

/// `24 hours`, `90 minutes`, `10 seconds`.
fn span(seconds: i64) -> String {
    let (number, unit) = match seconds {
        s if s % 3600 == 0 => (s / 3600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
