//! `rolecall apply`

use std::path::PathBuf;

use clap::Args;

use super::custody::{self, ReceiptFlags};
use super::exit::WrongArguments;
use super::limit::{self, LimitFlags, Limited};
use super::{ConnectionFlags, Exit, Format, Global, PlanFlags, output, plan};
use crate::apply::{Compared, Custody, Failure, Outcome, Settings, apply, changed_gates};
use crate::model::{Change, Diagnostics};
use crate::plan::{Difference, Limit, Options, Refusal};
use crate::project::Project;
use crate::report::{count, json, plan as plan_text};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A plan that `plan --out` wrote: only what it covers is done. Its flags hold
    #[arg(value_name = "PLAN")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    limits: LimitFlags,
    #[command(flatten)]
    flags: PlanFlags,
    #[command(flatten)]
    connection: ConnectionFlags,
    /// Several transactions of at most N changes, where the server's lock table is too small for one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    batches: Option<u32>,
    #[command(flatten)]
    receipts: ReceiptFlags,
    /// Snowflake: what becomes of each statement, a line each [default: a new file beside the manifest]
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

/// Below the target path, where the manifest is; never in the project's own `rolecall/`.
fn journal(arguments: &Arguments, project: &Project) -> PathBuf {
    arguments.journal.clone().unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let second = now.map(|now| now.as_secs()).unwrap_or_default();
        let folder = project.manifest_path.parent().unwrap_or(std::path::Path::new("."));
        let of_project = ["rolecall.yml", "dbt_project.yml", "rolecall/members"];
        let is_project = of_project.iter().any(|file| folder.join(file).exists());
        let folder = if is_project { folder.join("target") } else { folder.to_owned() };
        folder.join("rolecall").join(format!("journal-{second}-{}.jsonl", std::process::id()))
    })
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    arguments.limits.check(&arguments.flags)?;
    arguments.receipts.check(arguments.plan.as_deref())?;
    if arguments.plan.is_some() && !arguments.limits.is_empty() {
        anyhow::bail!(WrongArguments(
            "a plan has its own limit: give the selection to `plan --out`, and apply that"
                .to_owned()
        ));
    }
    let Some(Limited { project, limit, mut found }) = limit::load(global, &arguments.limits)?
    else {
        return Ok(Exit::Failed);
    };
    let reviewed = arguments.plan.as_ref().map(|path| custody::read_plan(path)).transpose()?;
    let (reviewed, plan_sha256) = reviewed.unzip();
    let mut retire = plan::retire(&arguments.flags, &project)?.map(str::to_owned);
    if let Some(plan) = reviewed.as_ref().filter(|plan| plan.allowed.retire) {
        anyhow::ensure!(
            !project.config.environments.contains_key(&plan.scope.environment),
            "the plan retires {}, which is in the configuration again",
            plan.scope.environment
        );
        retire = Some(plan.scope.environment.clone());
    }
    let mut approvals = match retire {
        None => custody::approvals(&project, &global.project_dir, &mut found),
        Some(_) => None,
    };
    if found.has_errors() {
        output::findings(found);
        return Ok(Exit::Failed);
    }
    let now = custody::now()?;
    let ended = ended_since(&project, now);
    if !ended.is_empty() {
        output::refusals(&ended);
        output::message("nothing was changed");
        return Ok(Exit::Refused);
    }
    let runtime = plan::runtime()?;
    let mut warehouse = runtime.block_on(plan::connect(&arguments.connection, &project))?;
    if let Some(retired) = &retire {
        let folder = &global.project_dir;
        approvals = runtime.block_on(custody::approvals_of_retired(
            &mut warehouse,
            &project,
            folder,
            retired,
            &mut found,
        ))?;
        if found.has_errors() {
            output::findings(found);
            return Ok(Exit::Failed);
        }
    }
    // A warning of what cannot be read comes with the apply itself.
    let gates_changed =
        runtime.block_on(changed_gates(&mut warehouse, &project)).unwrap_or_default();
    custody::say_gates(&gates_changed);
    let settings = Settings {
        options: reviewed.as_ref().map_or_else(
            || Options { limit, ..arguments.flags.options() },
            |p| p.allowed.options(),
        ),
        plan: reviewed.as_ref(),
        retire,
        batch: arguments.batches.map(|n| n as usize),
        custody: Custody {
            rehearsal: false,
            plan_sha256,
            approvals: approvals.as_ref(),
            now,
            begin_receipts: arguments.receipts.begin_receipts,
            applied_by: arguments.receipts.by.name(),
            gates_changed,
        },
    };
    let outcome = runtime.block_on(async {
        let mut warehouse = warehouse.with_journal(journal(arguments, &project));
        Ok::<_, anyhow::Error>(apply(&mut warehouse, &project, &settings).await?)
    })?;
    let receipts = match &outcome {
        Outcome::Applied { receipts, .. } => receipts.clone(),
        _ => Vec::new(),
    };
    let exit = report(global, outcome, settings.options.limit.as_ref(), found)?;
    arguments.receipts.write(&receipts)?;
    Ok(exit)
}

/// Whom a day of the past would let in again: to look at it is `plan`'s.
fn ended_since(project: &Project, now: i64) -> Vec<Refusal> {
    let ended = project.config.entries().filter_map(|entry| {
        let until = entry.until.as_ref()?;
        let last = crate::config::moment(&until.value).ok()?;
        (project.as_of <= last && last < now).then(|| Refusal {
            code: "ended-since",
            message: format!(
                "--as-of would let in by an entry that has ended since (until {}): {}",
                until.value,
                crate::report::findings::where_is(&until.place)
            ),
            help: "apply as of now; `plan --as-of` shows what was".to_owned(),
        })
    });
    ended.collect()
}

fn report(
    global: &Global,
    outcome: Outcome,
    limit: Option<&Limit>,
    found: Diagnostics,
) -> anyhow::Result<Exit> {
    let mut json = json::Applied {
        version: json::VERSION,
        outcome: "in_sync",
        changes: Vec::new(),
        because: Vec::new(),
        left: Vec::new(),
        adopted_members: Vec::new(),
        refused: Vec::new(),
        outside: None,
        findings: Vec::new(),
    };
    let limited = |now: &Compared| {
        limit.map(|limit| plan_text::limited(limit, now.difference.outside)).unwrap_or_default()
    };
    let outside = |now: &Compared| limit.map(|_| now.difference.outside);
    let text = global.format == Format::Text;
    let exit = match outcome {
        Outcome::InSync(now) => {
            json.outside = outside(&now);
            json.left = now.difference.left.clone();
            json.findings = now.findings().sorted();
            if text {
                output::findings(now.findings());
                output::text(&plan_text::in_sync(limit))?;
                output::text(&limited(&now))?;
                output::text(&plan_text::left(&now.difference.left))?;
            }
            Exit::Done
        }
        Outcome::Refused(refused) => {
            json.outcome = "not_allowed";
            if text {
                output::refusals(&refused);
                output::message("nothing was changed");
            }
            json.refused = refused;
            Exit::Refused
        }
        Outcome::Applied { done, after, receipts: _ } => {
            json.outcome = if done.is_empty() { "in_sync" } else { "applied" };
            json.outside = outside(&after);
            json.left = after.difference.left.clone();
            json.adopted_members = json::AdoptedMember::of(&after.difference);
            json.findings = after.findings().sorted();
            if text {
                output::findings(after.findings());
                output::text(&list(&done))?;
                output::text(&applied(done.len()))?;
                output::text(&limited(&after))?;
                output::text(&plan_text::adopted(&after.difference))?;
                output::text(&plan_text::left(&after.difference.left))?;
            }
            json.changes = done;
            Exit::Done
        }
        Outcome::NotAllowed(now) => {
            json.outcome = "not_allowed";
            json.refused = now.difference.refused.clone();
            json.findings = now.findings().sorted();
            if text {
                output::findings(now.findings());
                output::refusals(&now.difference.refused);
                output::message("nothing was changed");
            }
            if now.difference.found.has_errors() { Exit::Failed } else { Exit::Refused }
        }
        Outcome::Stale(stale) => {
            json.outcome = "stale";
            output::message(&format!("the plan is stale, and nothing was changed: {}", stale.help));
            for line in &stale.because {
                output::message(&format!("  {}", crate::report::findings::one_line(line)));
            }
            json.because = stale.because;
            Exit::Stale
        }
        Outcome::Differs(after) => {
            json.outcome = "rolled_back";
            json.because = differences(&after.difference);
            output::message(
                "reading back showed a difference, so everything was rolled back: nothing was changed",
            );
            for line in &json.because {
                output::message(&format!(
                    "  still to do: {}",
                    crate::report::findings::one_line(line)
                ));
            }
            Exit::Differs
        }
        Outcome::DoneButDiffers { done, after } => {
            json.outcome = "differs";
            json.because = differences(&after.difference);
            json.findings = after.findings().sorted();
            if text {
                output::findings(after.findings());
                output::text(&list(&done))?;
            }
            output::message(
                "every statement was reported as done, but reading back shows a difference; \
                 a role without MANAGE GRANTS revokes nothing that others granted, and is not told",
            );
            for line in &json.because {
                output::message(&format!(
                    "  still to do: {}",
                    crate::report::findings::one_line(line)
                ));
            }
            json.changes = done;
            Exit::Differs
        }
        Outcome::Partly { done, failure } => {
            json.outcome = "partly";
            json.because = vec![failure.to_string()];
            if let Failure::Found(found) = &failure {
                json.findings = found.clone().sorted();
            }
            if text {
                output::text(&list(&done))?;
                if let Failure::Found(found) = &failure {
                    output::findings(found.clone());
                }
            }
            output::message(&format!(
                "applied in part: {} changes are made, the rest is not ({failure}); `rolecall apply` again goes on from here",
                done.len()
            ));
            json.changes = done;
            Exit::Partly
        }
    };
    if global.format == Format::Json {
        json.findings = found.sorted().into_iter().chain(json.findings).collect();
        output::data(&json::print(&json)?)?;
    }
    Ok(exit)
}

fn applied(changes: usize) -> String {
    if changes == 0 {
        let told =
            "In sync: nothing to change. The receipt of an apply that was cut is finished.\n";
        return told.to_owned();
    }
    let them = if changes == 1 { "it" } else { "them" };
    format!("Applied {}, and read {them} back.\n", count(changes, "change"))
}

fn list(changes: &[Change]) -> String {
    changes
        .iter()
        .map(|change| format!("  {}\n", crate::report::findings::one_line(&change.brief())))
        .collect()
}

fn differences(difference: &Difference) -> Vec<String> {
    let found = difference.found.iter().map(|finding| finding.message.clone());
    difference.steps.iter().map(|step| step.change.brief()).chain(found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_change_is_spoken_of_as_one() {
        insta::assert_snapshot!(applied(1).trim_end(), @"Applied 1 change, and read it back.");
        insta::assert_snapshot!(applied(64).trim_end(), @"Applied 64 changes, and read them back.");
    }
}
