//! Where profiles.yml is and which profile is meant: as dbt looks.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::render::{Lookup, Vars};
use crate::config::tree::{self, Source, Value as Yaml};
use crate::model::{Diagnostic, Place};

/// What the command line says about profiles.
#[derive(Clone, Default)]
pub struct ProfileFlags {
    /// `--profiles-dir`.
    pub profiles_dir: Option<PathBuf>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--vars`.
    pub vars: Vars,
}

impl fmt::Debug for ProfileFlags {
    /// Without the variables: they may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { profiles_dir, profile, vars: _ } = self;
        f.debug_struct("ProfileFlags")
            .field("profiles_dir", profiles_dir)
            .field("profile", profile)
            .finish_non_exhaustive()
    }
}

/// What stands around the program: passed in, so that a test can say what it is.
#[derive(Clone)]
pub struct Surroundings {
    /// The working directory.
    pub here: PathBuf,
    /// The home folder.
    pub home: Option<PathBuf>,
    /// The environment's variables.
    pub variables: Lookup,
}

impl Surroundings {
    /// Those of this process.
    pub fn real() -> Self {
        Self {
            here: PathBuf::new(),
            home: std::env::home_dir(),
            variables: Arc::new(|name| std::env::var(name).ok()),
        }
    }
}

/// The file that dbt would read: `--profiles-dir`; the working directory where it has one; the
/// home folder's `.dbt`.
pub(super) fn file(flags: &ProfileFlags, around: &Surroundings) -> PathBuf {
    const NAME: &str = "profiles.yml";
    if let Some(folder) = &flags.profiles_dir {
        return folder.join(NAME);
    }
    let here = around.here.join(NAME);
    match &around.home {
        Some(home) if !here.exists() => home.join(".dbt").join(NAME),
        _ => here,
    }
}

/// `profile:` of `dbt_project.yml`, as it is written, and where.
pub(super) fn of_project(project_dir: &Path) -> Result<Option<(String, Place)>, Box<Diagnostic>> {
    let path = match project_dir {
        here if here == Path::new(".") => PathBuf::from("dbt_project.yml"),
        elsewhere => elsewhere.join("dbt_project.yml"),
    };
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
    let source = Source::new(&path, &text);
    let Yaml::Map(entries) = tree::read(&text, &source)?.value else { return Ok(None) };
    let profile = entries.iter().find_map(|(key, value)| match (&key.value, &value.value) {
        (Yaml::Text(key), Yaml::Text(name) | Yaml::Number(name)) if key == "profile" => {
            Some((name.clone(), source.place(value)))
        }
        _ => None,
    });
    Ok(profile)
}

/// What `--vars` says: a map in YAML, and so also in JSON.
pub fn parse_vars(text: &str) -> Result<Vars, String> {
    const WANTED: &str = "not a map in YAML or JSON, such as '{schema: sales}'";
    let source = Source::new(Path::new("--vars"), text);
    let root = tree::read(text, &source).map_err(|_| WANTED.to_owned())?;
    let Yaml::Map(entries) = root.value else { return Err(WANTED.to_owned()) };
    let entry = |(key, value): &(tree::Node, tree::Node)| match &key.value {
        Yaml::Text(key) | Yaml::Number(key) => Ok((key.clone(), jinja(&value.value))),
        _ => Err(WANTED.to_owned()),
    };
    entries.iter().map(entry).collect()
}

fn jinja(value: &Yaml) -> minijinja::Value {
    match value {
        Yaml::Null => ().into(),
        Yaml::Bool(value) => (*value).into(),
        Yaml::Number(number) => match (number.parse::<i64>(), number.parse::<f64>()) {
            (Ok(whole), _) => whole.into(),
            (_, Ok(number)) => number.into(),
            _ => number.as_str().into(),
        },
        Yaml::Text(text) => text.as_str().into(),
        Yaml::List(items) => items.iter().map(|item| jinja(&item.value)).collect(),
        Yaml::Map(entries) => {
            entries.iter().map(|(key, value)| (jinja(&key.value), jinja(&value.value))).collect()
        }
    }
}
