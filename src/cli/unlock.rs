//! `rolecall unlock`

use clap::Args;

use super::exit::WrongArguments;
use super::{ConnectionFlags, Exit, Global, output, plan};
use crate::warehouse::Warehouse;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Who holds the lock, as the refused apply said it. Make sure that it is dead
    #[arg(long, value_name = "WHO")]
    holder: String,
    #[command(flatten)]
    connection: ConnectionFlags,
}

/// Breaks the lock that an apply on Snowflake left behind when it died.
pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Some(project) = plan::load(global)? else { return Ok(Exit::Failed) };
    let deployment = project.config.deployment.as_ref().map(|said| said.value.clone());
    let Some(deployment) = deployment.or_else(|| project.name.clone()) else {
        anyhow::bail!("nothing names the deployment: write `deployment:` in rolecall.yml");
    };
    let broken = plan::runtime()?.block_on(async {
        match plan::connect(&arguments.connection, &project).await? {
            Warehouse::Snowflake(snowflake) => {
                let holder = &arguments.holder;
                Ok(snowflake.unlock(&deployment, &project.environment, holder).await?)
            }
            Warehouse::Postgres(_) => anyhow::bail!(WrongArguments(
                "on PostgreSQL a lock ends with the session that took it".to_owned()
            )),
        }
    })?;
    output::message(if broken { "unlocked" } else { "nothing was locked" });
    Ok(Exit::Done)
}
