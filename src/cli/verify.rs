//! `rolecall verify`

use clap::Args;

use super::limit::{self, LimitFlags, Limited};
use super::{ConnectionFlags, Exit, Format, Global, PlanFlags, output, plan};
use crate::apply::{compare, ways_round};
use crate::plan::Options;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    limits: LimitFlags,
    #[command(flatten)]
    flags: PlanFlags,
    #[command(flatten)]
    connection: ConnectionFlags,
    /// Snowflake: read grants from ACCOUNT_USAGE, at once but up to two hours late
    #[arg(long)]
    from_account_usage: bool,
}

/// Drift is an answer, not a danger: guards do not refuse a look.
pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    arguments.limits.check(&arguments.flags)?;
    let Some(Limited { project, limit, mut found }) = limit::load(global, &arguments.limits)?
    else {
        return Ok(Exit::Failed);
    };
    let options = Options { limit, allow_revokes: Some(u64::MAX), ..arguments.flags.options() };
    let retire = plan::retire(&arguments.flags, &project)?;
    let (compared, round) = plan::runtime()?.block_on(async {
        let warehouse = plan::connect(&arguments.connection, &project).await?;
        let mut warehouse = warehouse.reading_account_usage(arguments.from_account_usage)?;
        let compared = compare(&mut warehouse, &project, &options, retire).await?;
        let round = ways_round(&mut warehouse, &project, &compared).await?;
        Ok::<_, anyhow::Error>((compared, round))
    })?;
    found.extend(round.clone());
    let made = compared
        .is_clean()
        .then(|| compared.plan(&project, &options, retire.is_some()))
        .transpose()?;
    plan::show(global, &compared, made, None, options.limit.as_ref(), found)?;
    let difference = &compared.difference;
    if round.has_errors() && !difference.found.has_errors() {
        if global.format == Format::Text {
            output::findings(round);
        }
        return Ok(Exit::Gate);
    }
    Ok(if difference.found.has_errors() {
        Exit::Failed
    } else if !difference.steps.is_empty() || !difference.refused.is_empty() {
        output::message("drift: the warehouse is not as declared");
        Exit::Pending
    } else {
        Exit::Done
    })
}
