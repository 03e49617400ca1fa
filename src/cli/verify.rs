//! `rolecall verify`

use std::collections::BTreeSet;

use clap::Args;

use super::limit::{self, LimitFlags, Limited};
use super::{ConnectionFlags, Exit, Format, Global, PlanFlags, output, plan};
use crate::apply::{Compared, compare};
use crate::check::unseen;
use crate::effect::Effect;
use crate::model::{Diagnostic, Diagnostics, Ident};
use crate::plan::Options;
use crate::project::Project;
use crate::report::access;
use crate::warehouse::{AccessLook, Warehouse, WarehouseError};

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

/// Who gets round a policy that is always required, by what no file says: foreign grants, PUBLIC,
/// owners.
async fn ways_round(
    warehouse: &mut Warehouse,
    project: &Project,
    compared: &Compared,
) -> anyhow::Result<Diagnostics> {
    let Compared { resolved, observed, .. } = compared;
    let relations: BTreeSet<_> = resolved.gates.relations().cloned().collect();
    if relations.is_empty() {
        return Ok(Diagnostics::default());
    }
    let look = AccessLook { relations, everybody: true, ..AccessLook::default() };
    let state = match warehouse.access(&look).await {
        // Whoever may not see all grants may still see whether their own are as declared.
        Err(WarehouseError::Forbidden(why)) => {
            let message =
                format!("who gets round a policy that is always required is not known: {why}");
            return Ok(Diagnostics::from_iter([Diagnostic::warning("access-unseen", message)]));
        }
        state => state?,
    };
    let mut spared: BTreeSet<Ident> = resolved.deploy_role.iter().cloned().collect();
    spared.insert(observed.server.acting_as.clone());
    let unseen = unseen(&state);
    let state = state.without_keepers(&spared);
    let effect = Effect::of(&state);
    let teller = access::Teller { config: &project.config, desired: &resolved.desired };
    let ways = effect.ways_round(&resolved.gates, &spared);
    let told = ways.into_iter().map(|way| {
        let key = way.on.relation_key();
        let policies = key.map(|key| resolved.gates.on(&key)).unwrap_or_default();
        let policies: Vec<&str> = policies.into_iter().collect();
        Diagnostic::error(
            "way-round-policy",
            format!(
                "{} has {}, and is not admitted by {}: {}",
                way.who,
                way.what(),
                policies.join(", "),
                access::chain(&teller.tell(&way.chain))
            ),
        )
        .with_help("take it from them, or admit them: a plan takes nothing that it did not give")
    });
    Ok(told.chain(unseen).collect())
}
