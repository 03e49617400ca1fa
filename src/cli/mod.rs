//! The command line: arguments, one file per command, and the exit status.

mod alone;
mod apply;
mod asked;
mod catalog;
mod check;
mod check_base;
mod codeowners;
mod compile;
mod compile_dbt;
mod completions;
mod custody;
mod decide;
mod diff;
mod exit;
mod explain;
mod import;
mod import_from;
mod import_live;
mod init;
mod limit;
mod log;
mod member;
mod output;
mod plan;
mod promote;
mod reference;
mod rehearse;
mod report;
mod request;
mod requests;
mod schema;
mod selection;
mod unlock;
mod vain;
mod validate;
mod verify;
mod who_can;

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use secrecy::{ExposeSecret, SecretString};

pub use exit::Exit;
use exit::WrongArguments;
pub use reference::reference;

use crate::dbt::profiles::{ProfileFlags, Vars, parse_vars};
use crate::model::DialectKind;
use crate::project::Places;

/// Access as code for dbt: who may do what with a data product, declared beside its models.
#[derive(Debug, Parser)]
#[command(name = "rolecall", version, max_term_width = 100, after_help = EXIT_HELP)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_HELP: &str = "\
Exit status:
  0  done, or in sync
  1  failed
  2  wrong arguments
  3  changes pending (plan --check, and verify on drift)
  4  a gate of a promotion is closed, or a check finds something
  5  applied in part
  6  the plan is stale
  7  reading back shows a difference
  8  refused by a guard or a lock";

/// Where things are, and how to speak. The same on every command, and named as in dbt.
#[derive(Debug, Args)]
struct Global {
    /// The folder of dbt_project.yml and rolecall.yml
    #[arg(long, global = true, env = dbt("DBT_PROJECT_DIR", "DBT_ENGINE_PROJECT_DIR"), default_value = ".", value_name = "DIR")]
    project_dir: PathBuf,
    /// The folder of profiles.yml [default: the working directory where it has one, else ~/.dbt]
    #[arg(long, global = true, env = dbt("DBT_PROFILES_DIR", "DBT_ENGINE_PROFILES_DIR"), value_name = "DIR")]
    profiles_dir: Option<PathBuf>,
    /// The profile [default: dbt_project.yml's]
    #[arg(long, global = true, env = dbt("DBT_PROFILE", "DBT_ENGINE_PROFILE"), value_name = "NAME")]
    profile: Option<String>,
    /// The environment: its name, or its dbt target's [default: the profile's target]
    #[arg(short, long, global = true, env = dbt("DBT_TARGET", "DBT_ENGINE_TARGET"), value_name = "NAME")]
    target: Option<String>,
    /// Variables for profiles.yml, as a YAML or JSON map
    #[arg(long, global = true, value_name = "YAML")]
    vars: Option<SecretString>,
    /// Where dbt writes, from the project folder [default: target]
    #[arg(long, global = true, env = dbt("DBT_TARGET_PATH", "DBT_ENGINE_TARGET_PATH"), value_name = "DIR")]
    target_path: Option<PathBuf>,
    /// A manifest.json, wherever it is [default: TARGET_PATH/TARGET/manifest.json, else TARGET_PATH/manifest.json]
    #[arg(long, global = true, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The target's schema, for templates that use target.schema
    #[arg(long, global = true, env = "ROLECALL_TARGET_SCHEMA", value_name = "NAME")]
    target_schema: Option<String>,
    /// The target's database, for templates that use target.database
    #[arg(long, global = true, env = "ROLECALL_TARGET_DATABASE", value_name = "NAME")]
    target_database: Option<String>,
    /// postgres or snowflake, where the manifest does not say
    #[arg(long, global = true, value_name = "DIALECT")]
    dialect: Option<DialectArg>,
    /// A CSV or JSON file of people for members' rules [default: `directory` of rolecall.yml]
    #[arg(long, global = true, env = "ROLECALL_DIRECTORY", value_name = "FILE")]
    directory: Option<PathBuf>,
    /// The date that expiry is judged by, as YYYY-MM-DD (its end, UTC) [default: now]
    #[arg(long, global = true, value_name = "DATE", value_parser = end_of_day)]
    as_of: Option<i64>,
    /// Text for people, or JSON for programs
    #[arg(long, global = true, default_value = "text", value_name = "FORMAT")]
    format: Format,
}

/// The variable that dbt would read: since 1.11 the newer name goes first.
fn dbt(name: &'static str, newer: &'static str) -> &'static str {
    if std::env::var_os(newer).is_some_and(|value| !value.is_empty()) { newer } else { name }
}

/// The last second of a day, since 1970, UTC.
fn end_of_day(written: &str) -> Result<i64, String> {
    crate::config::end_of_day(written)
        .map(|end| end - 1)
        .ok_or_else(|| "not a date as YYYY-MM-DD".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DialectArg {
    Postgres,
    Snowflake,
}

impl From<DialectArg> for DialectKind {
    fn from(arg: DialectArg) -> Self {
        match arg {
            DialectArg::Postgres => Self::Postgres,
            DialectArg::Snowflake => Self::Snowflake,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    /// Statements (compile only)
    Sql,
    /// The macro file that the dbt hooks read, for every environment (compile only)
    Dbt,
    /// SARIF 2.1.0, for code scanning (check only)
    Sarif,
    /// GitHub's annotations (check only)
    Github,
    /// A comment for a pull request (diff only)
    Markdown,
    /// The graph of roles for Mermaid (report only)
    Mermaid,
    /// The graph of roles for Graphviz (report only)
    Dot,
}

impl Format {
    /// The one command that it is for, and its name; `None` where all have it.
    fn only_for(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Text | Self::Json => None,
            Self::Sql => Some(("sql", "compile")),
            Self::Dbt => Some(("dbt", "compile")),
            Self::Sarif => Some(("sarif", "check")),
            Self::Github => Some(("github", "check")),
            Self::Markdown => Some(("markdown", "diff")),
            Self::Mermaid => Some(("mermaid", "report")),
            Self::Dot => Some(("dot", "report")),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a first rolecall.yml from the manifest
    Init(init::Arguments),
    /// Everything wrong in declarations and configuration, at once
    Validate,
    /// The desired state of an environment, as JSON or SQL, or what the dbt hooks grant; needs no warehouse
    Compile(compile::Arguments),
    /// The changes from the observed to the desired state; reads only
    Plan(plan::Arguments),
    /// Make them so, and verify
    Apply(apply::Arguments),
    /// Plan for the next environment what is to be added there; any closed gate stops it
    Promote(promote::Arguments),
    /// Is the warehouse as declared?
    Verify(verify::Arguments),
    /// Who can do what with a model, and by which chain; reads only
    WhoCan(who_can::Arguments),
    /// Why somebody can use a model, or why not and what would allow it; reads only
    Explain(explain::Arguments),
    /// One HTML page of who may do what, by which chain, drift and findings; or a graph of the roles
    Report(report::Arguments),
    /// Who gains and who loses, by a change of the project, between environments, or by a plan
    Diff(diff::Arguments),
    /// Since when? What was applied, by product, role, person and model, from the receipts
    Log(log::Arguments),
    /// Who is in a product role: add, remove, list, in the owner's file
    Member(member::Arguments),
    /// Ask for a product role; nothing is given until an owner approves
    Request(request::Arguments),
    /// Who has asked for what, and what became of it
    Requests(requests::Arguments),
    /// Let in who asked: an entry in the owner's file, with who approved, when and why
    Approve(decide::Approve),
    /// Refuse a request
    Deny(decide::Deny),
    /// The products: titles, owners, outputs, what can be asked for and how
    Catalog(catalog::Arguments),
    /// Write configuration for what is there: a warehouse's roles, their members, another tool's files
    Import(import::Arguments),
    /// The lines of CODEOWNERS for the owners' files and the platform's
    Codeowners(codeowners::Arguments),
    /// Access tests and built-in checks, of what people can really do; with --base, of a change. Exits with 4 if one fails
    Check(check::Arguments),
    /// Break the lock of an apply on Snowflake that died
    Unlock(unlock::Arguments),
    /// Plan, apply, verify and prove effective access on a throw-away PostgreSQL
    Rehearse(rehearse::Arguments),
    /// The JSON Schema of a configuration file
    Schema(schema::Arguments),
    /// Shell completions
    Completions(completions::Arguments),
}

/// How a plan may go beyond the ordinary. On `plan`, `apply` and `verify`.
#[derive(Debug, Args)]
struct PlanFlags {
    /// Bring existing roles of the desired names under management
    #[arg(long)]
    adopt: bool,
    /// Revoke undeclared grants in schemas that the manifest does not name, too
    #[arg(long)]
    prune: bool,
    /// Drop managed roles that are no longer declared
    #[arg(long)]
    drop_roles: bool,
    /// Go on without relations and members that are not there; name them
    #[arg(long)]
    skip_missing: bool,
    /// Up to N revokes are meant, whatever the guards say
    #[arg(long, value_name = "N")]
    allow_revokes: Option<u64>,
    /// Where access can only be taken and given again (Snowflake), it may be missing in between
    #[arg(long)]
    allow_gap: bool,
    /// Empty the roles of an environment that is gone from the configuration
    #[arg(long, value_name = "ENVIRONMENT")]
    retire: Option<String>,
}

impl PlanFlags {
    fn options(&self) -> crate::plan::Options {
        let Self { adopt, prune, drop_roles, skip_missing, allow_revokes, allow_gap, retire: _ } =
            *self;
        crate::plan::Options {
            adopt,
            prune,
            drop_roles,
            skip_missing,
            allow_revokes,
            allow_gap,
            limit: None,
            only_adds: false,
        }
    }
}

/// How to reach the warehouse.
#[derive(Debug, Args)]
struct ConnectionFlags {
    /// The server and database, as postgres://user:password@host:port/database
    #[arg(long, env = "ROLECALL_CONNECTION", hide_env_values = true, value_name = "URL")]
    connection: Option<String>,
    #[command(flatten)]
    wait: WaitFlags,
}

/// How patiently, and how wide. The same for every connection of a command.
#[derive(Debug, Args)]
struct WaitFlags {
    /// How long to wait for a lock
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    lock_timeout: u64,
    /// Snowflake: how many sessions work side by side
    #[arg(long, default_value = "8", value_name = "N", value_parser = sessions)]
    sessions: usize,
}

fn sessions(written: &str) -> Result<usize, String> {
    written
        .parse()
        .ok()
        .filter(|n| (1..=64).contains(n))
        .ok_or_else(|| "a number from 1 to 64".to_owned())
}

impl Global {
    /// What `--vars` says; what it cannot read it does not repeat.
    fn vars(&self) -> Result<Vars, String> {
        self.vars.as_ref().map_or(Ok(Vars::new()), |text| parse_vars(text.expose_secret()))
    }

    /// The first of the flags given that name one environment's files or schema: where two
    /// environments are read, they would be taken for both.
    fn of_one_environment(&self) -> Option<&'static str> {
        let said = [
            ("--manifest", self.manifest.is_some()),
            ("--target-schema", self.target_schema.is_some()),
            ("--target-database", self.target_database.is_some()),
        ];
        said.into_iter().find(|(_, said)| *said).map(|(flag, _)| flag)
    }

    /// The environment that a command of two leads to; `unsaid` says what it is for.
    fn second_environment<'a>(
        &'a self,
        to: Option<&'a String>,
        unsaid: &str,
    ) -> Result<&'a String, WrongArguments> {
        if let Some(flag) = self.of_one_environment() {
            return Err(WrongArguments(format!(
                "{flag} would be taken for both environments: give --from-manifest and --to-manifest, \
                 and keep targets in profiles.yml"
            )));
        }
        let to = to.or(self.target.as_ref()).filter(|to| !to.is_empty());
        to.ok_or_else(|| WrongArguments(format!("{unsaid} is not said: give --to")))
    }

    fn places(&self) -> Places {
        // A variable with nothing in it is as good as none, to dbt too.
        let some = |path: &PathBuf| !path.as_os_str().is_empty();
        Places {
            project_dir: Some(self.project_dir.clone()).filter(some).unwrap_or_else(|| ".".into()),
            manifest: self.manifest.clone(),
            target_path: self.target_path.clone().filter(some),
            target: self.target.clone(),
            profiles: ProfileFlags {
                profiles_dir: self.profiles_dir.clone().filter(some),
                profile: self.profile.clone(),
                vars: self.vars().unwrap_or_default(),
            },
            target_schema: self.target_schema.clone(),
            target_database: self.target_database.clone(),
            dialect: self.dialect.map(DialectKind::from),
            directory: self.directory.clone().filter(some),
            wanted: Default::default(),
            raito: false,
        }
    }
}

/// Runs the command line and says how it ended.
pub fn run() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; everything else is a wrong argument.
            if !error.use_stderr() {
                let _ = error.print();
                return Exit::Done;
            }
            return output::wrong_arguments(&error);
        }
    };
    let Cli { global, command } = cli;
    let running = match command {
        Command::Compile(_) => "compile",
        Command::Check(_) => "check",
        Command::Diff(_) => "diff",
        Command::Report(_) => "report",
        _ => "",
    };
    if let Some((name, only)) = global.format.only_for().filter(|(_, only)| *only != running) {
        return output::fail(anyhow::anyhow!("--format {name} is for `{only}`"), Exit::Usage);
    }
    if let Err(why) = global.vars() {
        return output::fail(anyhow::anyhow!("--vars is {why}"), Exit::Usage);
    }
    let ended = match &command {
        Command::Init(arguments) => init::run(&global, arguments),
        Command::Validate => validate::run(&global),
        Command::Compile(arguments) => compile::run(&global, arguments),
        Command::Plan(arguments) => plan::run(&global, arguments),
        Command::Apply(arguments) => apply::run(&global, arguments),
        Command::Promote(arguments) => promote::run(&global, arguments),
        Command::Verify(arguments) => verify::run(&global, arguments),
        Command::WhoCan(arguments) => who_can::run(&global, arguments),
        Command::Explain(arguments) => explain::run(&global, arguments),
        Command::Report(arguments) => report::run(&global, arguments),
        Command::Diff(arguments) => diff::run(&global, arguments),
        Command::Log(arguments) => log::run(&global, arguments),
        Command::Member(arguments) => member::run(&global, arguments),
        Command::Request(arguments) => request::run(&global, arguments),
        Command::Requests(arguments) => requests::run(&global, arguments),
        Command::Approve(arguments) => decide::approve(&global, arguments),
        Command::Deny(arguments) => decide::deny(&global, arguments),
        Command::Catalog(arguments) => catalog::run(&global, arguments),
        Command::Import(arguments) => import::run(&global, arguments),
        Command::Codeowners(arguments) => codeowners::run(&global, arguments),
        Command::Check(arguments) => check::run(&global, arguments),
        Command::Unlock(arguments) => unlock::run(&global, arguments),
        Command::Rehearse(arguments) => rehearse::run(&global, arguments),
        Command::Schema(arguments) => schema::run(arguments),
        Command::Completions(arguments) => completions::run(arguments, &mut Cli::command()),
    };
    match ended {
        Ok(exit) => exit,
        Err(error) => output::failed(error, global.format),
    }
}
