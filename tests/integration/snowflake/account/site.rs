//! An account on the stand-in, with what a project expects to find in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rolecall::apply::{Compared, Custody, Failure, Outcome, Settings, apply, compare};
use rolecall::model::{DialectKind, Ident, Inventory, MemberKind, ObjectClass};
use rolecall::plan::Options;
use rolecall::project::{Places, Project};
use rolecall::warehouse::snowflake::{Snowflake, SnowflakeSettings};

use super::super::standin::Standin;

pub(crate) fn quoted(name: &Ident) -> String {
    format!("\"{}\"", name.as_str().replace('"', "\"\""))
}

/// A stand-in whose role DEPLOYER may make roles and grant.
pub(crate) fn account() -> Option<Standin> {
    let standin = Standin::start()?;
    equip(&standin);
    Some(standin)
}

/// The roles and the warehouse of a new account.
pub(crate) fn equip(standin: &Standin) {
    standin.sql(&[
        "CREATE ROLE DEPLOYER",
        "GRANT CREATE ROLE ON ACCOUNT TO ROLE DEPLOYER",
        "GRANT MANAGE GRANTS ON ACCOUNT TO ROLE DEPLOYER",
        "GRANT ROLE DEPLOYER TO USER ADMIN",
        "CREATE WAREHOUSE WH",
        "GRANT USAGE ON WAREHOUSE WH TO ROLE DEPLOYER",
        "CREATE ROLE TRANSFORMER",
        "GRANT ROLE TRANSFORMER TO ROLE SYSADMIN",
    ]);
}

pub(crate) fn settings(standin: &Standin) -> SnowflakeSettings {
    SnowflakeSettings { role: Some("DEPLOYER".to_owned()), ..standin.settings() }
}

pub(crate) async fn connect(standin: &Standin) -> Snowflake {
    Snowflake::connect(&settings(standin), 4).await.unwrap()
}

/// A project of the fixtures, for Snowflake.
pub(crate) fn fixture(folder: &str, target: &str) -> Project {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("dbt_fixtures").join(folder);
    load(dir, target)
}

pub(crate) fn load(project_dir: PathBuf, target: &str) -> Project {
    load_with(project_dir, None, target)
}

/// The same with a manifest from elsewhere.
pub(crate) fn load_with(project_dir: PathBuf, manifest: Option<PathBuf>, target: &str) -> Project {
    let places = Places {
        project_dir,
        manifest,
        target: Some(target.to_owned()),
        target_schema: Some("dbt_dev".to_owned()),
        dialect: Some(DialectKind::Snowflake),
        ..Places::default()
    };
    let (project, found) = Project::load(&places, 0);
    project.unwrap_or_else(|| panic!("{:?}", found.sorted()))
}

/// Makes whatever the project speaks of: databases, schemas, relations, people, warehouses.
pub(crate) fn furnish(standin: &Standin, project: &Project) {
    let (resolved, found) = project.resolve(None, &Inventory::default(), false, None);
    let resolved = resolved.unwrap_or_else(|| panic!("{:?}", found.sorted()));
    let mut statements: Vec<String> = Vec::new();
    let mut once = BTreeSet::new();
    let mut say = |statement: String| {
        if once.insert(statement.clone()) {
            statements.push(statement);
        }
    };
    // Whoever runs dbt owns what it makes.
    let owner = resolved.deploy_role.as_ref().map_or("\"TRANSFORMER\"".to_owned(), quoted);
    say(format!("CREATE ROLE IF NOT EXISTS {owner}"));
    say(format!("GRANT ROLE {owner} TO ROLE SYSADMIN"));
    for node in &resolved.nodes {
        let Some(on) = &node.relation else { continue };
        let (database, schema) = on.schema_key().unwrap();
        // Every account has this one, and nobody makes anything in it.
        if database.as_str() == "SNOWFLAKE" {
            continue;
        }
        let (database, schema) = (quoted(&database), quoted(&schema));
        let name = quoted(on.name().unwrap());
        say(format!("CREATE DATABASE IF NOT EXISTS {database}"));
        say(format!("GRANT USAGE ON DATABASE {database} TO ROLE {owner}"));
        say(format!("GRANT CREATE DATABASE ROLE ON DATABASE {database} TO ROLE DEPLOYER"));
        say(format!("CREATE SCHEMA IF NOT EXISTS {database}.{schema}"));
        say(format!("GRANT OWNERSHIP ON SCHEMA {database}.{schema} TO ROLE {owner}"));
        let relation = format!("{database}.{schema}.{name}");
        let (kind, rest) = match on.class() {
            ObjectClass::View => ("VIEW", "AS SELECT 1 AS ID"),
            ObjectClass::MaterializedView => ("MATERIALIZED VIEW", "AS SELECT 1 AS ID"),
            ObjectClass::IcebergTable => ("ICEBERG TABLE", "(ID NUMBER)"),
            ObjectClass::DynamicTable => {
                ("DYNAMIC TABLE", "TARGET_LAG = '1 hour' WAREHOUSE = WH AS SELECT 1 AS ID")
            }
            _ => ("TABLE", "(ID NUMBER)"),
        };
        say(format!("CREATE {kind} IF NOT EXISTS {relation} {rest}"));
        // There is no such statement for a materialised view but by the word VIEW.
        let kind = kind.trim_start_matches("MATERIALIZED ");
        say(format!("GRANT OWNERSHIP ON {kind} {relation} TO ROLE {owner}"));
    }
    for ((_, member), wanted) in &resolved.desired.memberships {
        match wanted.kind {
            MemberKind::User => say(format!("CREATE USER IF NOT EXISTS {}", quoted(member))),
            MemberKind::Group => say(format!("CREATE ROLE IF NOT EXISTS {}", quoted(member))),
            MemberKind::Role => {}
        }
    }
    for (on, _) in resolved.desired.grants.keys() {
        if on.class() == ObjectClass::Warehouse {
            say(format!("CREATE WAREHOUSE IF NOT EXISTS {}", quoted(on.name().unwrap())));
        }
    }
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    standin.sql(&statements);
}

pub(crate) async fn plan(
    warehouse: &mut Snowflake,
    project: &Project,
    options: &Options,
) -> Result<Compared, Failure> {
    compare(warehouse, project, options, None).await
}

pub(crate) async fn apply_it(
    warehouse: &mut Snowflake,
    project: &Project,
    options: &Options,
) -> Result<Outcome, Failure> {
    // The fixture's environment is protected; what is asked there has tests of its own.
    let custody = Custody { rehearsal: true, ..Custody::default() };
    let settings = Settings { options: options.clone(), custody, ..Settings::default() };
    apply(warehouse, project, &settings).await
}

/// What a plan says, a line for each change.
pub(crate) fn steps(compared: &Compared) -> Vec<String> {
    compared.difference.steps.iter().map(|step| step.change.brief()).collect()
}

/// A fixture with another `rolecall.yml`, in a folder of its own.
pub(crate) fn changed(
    folder: &str,
    target: &str,
    config: impl Fn(&str) -> String,
) -> (tempfile::TempDir, Project) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("dbt_fixtures").join(folder);
    let kept = tempfile::tempdir().unwrap();
    copy(&from, kept.path());
    let file = kept.path().join("rolecall.yml");
    let was = std::fs::read_to_string(&file).unwrap();
    let is = config(&was);
    assert_ne!(was, is, "nothing was changed");
    std::fs::write(&file, is).unwrap();
    let project = load(kept.path().to_owned(), target);
    (kept, project)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        // Links to folders, where `dbt deps` has run; git has none of it.
        if entry.file_name() == "dbt_packages" {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
