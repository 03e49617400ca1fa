//! Protected environments: only a saved plan, made for this target, fresh and approved, is applied,
//! and only once. Pure: the time, the file's hash and the list of approved plans are passed in.

mod approvals;

use std::collections::BTreeSet;

use crate::model::{Change, is_same_person};
use crate::plan::{Plan, Refusal};
use crate::receipts::{iso, span};

pub use approvals::{Approval, Approvals};

/// How far two clocks may be apart, in seconds.
const CLOCKS: i64 = 300;
/// Seconds.
const DAY: i64 = 86_400;

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
    /// What people are called outside of the warehouse, and in it.
    pub called: &'a [Called],
}

/// A name as the owners' files or the list of approved plans write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// As it is written.
    pub name: String,
    /// What the environment's templates make of it: as a user's, and as a group's.
    pub in_warehouse: Vec<String>,
}

/// What became of the question for approvals.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judged {
    /// Whose approval counts.
    pub approved_by: Vec<String>,
    /// Nobody's does, which is asked once something is to be changed: the plan says that nothing is,
    /// and what it says is no proof.
    pub once_it_changes: Option<Refusal>,
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
) -> Result<Judged, Vec<Refusal>> {
    let Some(submitted) = submitted else {
        return Err(vec![Refusal {
            code: "protected",
            message: format!("{environment} is protected: only a saved plan is applied there"),
            help: "write one with `rolecall plan --out FILE` (or `promote --out FILE`), have it \
                   reviewed, and give it to `rolecall apply FILE`"
                .to_owned(),
        }]);
    };
    let plan = submitted.plan;
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
    // What changes nothing gives nobody anything: a job that has nothing to do goes through.
    let mut judged = Judged::default();
    if let Some(file) = &rules.approved_plans {
        match approved(submitted, file, approvals, now) {
            Ok(by) => judged.approved_by = by,
            // A job that has nothing to do waits for nobody.
            Err(refusal) if !plan.changes_something() => judged.once_it_changes = Some(refusal),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if refusals.is_empty() { Ok(judged) } else { Err(refusals) }
}

/// Who approved a plan, so that it counts.
fn approved(
    Submitted { plan, sha256, called }: Submitted<'_>,
    file: &str,
    approvals: Option<&Approvals>,
    now: i64,
) -> Result<Vec<String>, Refusal> {
    let Some(author) = plan.author.as_ref().filter(|author| !author.trim().is_empty()) else {
        return Err(Refusal {
            code: "plan-without-author",
            message: "the plan does not say who made it, so nobody else can be told to approve it"
                .to_owned(),
            help: "make it again with --by NAME, or with ROLECALL_BY set".to_owned(),
        });
    };
    let list = approvals.filter(|list| list.are_of(file));
    let lines: Vec<&Approval> = list.map(|list| list.of(sha256)).unwrap_or_default();
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
    // A day ends a day later somewhere on earth.
    let latest = now.div_euclid(DAY).saturating_add(2).saturating_mul(DAY);
    for Approval { sha256: _, who, when, why: _, line } in lines {
        if crate::config::moment(when).is_ok_and(|over| over > latest) {
            not.push(format!("{file}:{line}: {when} is not yet"));
        } else if is_known_as(who, author, called) || is_known_as(author, who, called) {
            not.push(format!("{file}:{line}: {who} made the plan"));
        } else if gains.iter().any(|member| is_known_as(who, member, called)) {
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

/// Whether somebody may be that member: by the name in the warehouse, or by one that becomes it.
fn is_known_as(who: &str, member: &str, called: &[Called]) -> bool {
    let becomes = |one: &Called| one.in_warehouse.iter().any(|name| is_same_person(name, member));
    is_same_person(who, member)
        || called.iter().any(|one| is_same_person(&one.name, who) && becomes(one))
}

#[cfg(test)]
mod tests;
