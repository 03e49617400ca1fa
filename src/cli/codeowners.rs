//! `rolecall codeowners`

use clap::Args;

use super::exit::WrongArguments;
use super::{Exit, Global, output, plan};
use crate::model::Diagnostics;
use crate::review::codeowners;
use crate::review::git::Git;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Who owns rolecall.yml and rolecall/platform/: an e-mail address, @name or @organisation/team; may be given again
    #[arg(long, value_name = "OWNER")]
    platform: Vec<String>,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    if let Some(wrong) = arguments.platform.iter().find(|owner| !codeowners::is_owner(owner)) {
        anyhow::bail!(WrongArguments(format!(
            "--platform {wrong:?}: write an e-mail address, @name or @organisation/team"
        )));
    }
    let folder = global.places().project_dir;
    let (config, found) = crate::config::load_to_edit(&folder);
    let Some(config) = config.filter(|_| !found.has_errors()) else {
        plan::say_invalid(global, found)?;
        return Ok(Exit::Failed);
    };
    // Patterns begin at the repository's root; outside of one, the project is taken for it.
    let below = Git::around(&folder).map(|git| git.prefix).unwrap_or_default();
    let (lines, warnings) = codeowners::lines(&config, &below, &arguments.platform);
    output::findings(warnings.into_iter().collect::<Diagnostics>());
    output::data(&lines)?;
    Ok(Exit::Done)
}
