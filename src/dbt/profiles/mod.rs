//! `profiles.yml`: looked up and rendered as dbt does, and only as far as it is needed.
//!
//! No line of the file is ever shown, and no value but of keys that are no secrets: any line may
//! hold a password.

mod fields;
mod file;
mod literal;
mod lookup;
mod postgres;
mod render;
mod snowflake;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::Located;
use crate::config::tree::{self, Node, Source};
use crate::model::{Diagnostic, Diagnostics, Place};

use file::{Entries, Profile, also, one_of, told, without_source};
pub use lookup::{ProfileFlags, Surroundings, parse_vars};
pub use postgres::PostgresProfile;
use render::Renderer;
pub use render::{Lookup, Vars};
pub use snowflake::SnowflakeProfile;
pub use value::{Text, Value};

/// One output of a profile, rendered and read.
#[derive(Debug, Clone)]
pub struct Output {
    /// The profile's name.
    pub profile: String,
    /// The target: the output's name.
    pub target: String,
    /// Where it stands.
    pub place: Place,
    /// Where models without another schema go.
    pub schema: Option<Text>,
    /// Where models without another database go.
    pub database: Option<Text>,
    /// How to connect.
    pub adapter: Adapter,
    /// What is odd about it, but no error.
    pub warnings: Diagnostics,
}

/// How an output connects, by its `type`.
#[derive(Debug, Clone)]
pub enum Adapter {
    /// `postgres`.
    Postgres(Box<PostgresProfile>),
    /// `snowflake`.
    Snowflake(Box<SnowflakeProfile>),
    /// Another one, which dbt may speak and rolecall does not.
    Other(String),
}

/// Why there is no output.
#[derive(Debug, Clone)]
pub enum Lack {
    /// There is no profile: what was looked for, and where, for the end of a sentence.
    Nothing(String),
    /// There is, and something is wrong with it.
    Wrong(Diagnostics),
}

impl From<Diagnostic> for Lack {
    fn from(found: Diagnostic) -> Self {
        Self::Wrong(Diagnostics::from_iter([found]))
    }
}

/// What `profiles.yml` and `dbt_project.yml` say, unrendered. Reading them never fails: what is
/// wrong is said to who needs it.
#[derive(Clone)]
pub struct Profiles {
    file: PathBuf,
    /// The file's text; `None` where there is none.
    text: Option<Result<String, String>>,
    /// `--profiles-dir` was given.
    asked: bool,
    /// `--profile`.
    flag: Option<String>,
    /// `profile:` of the project.
    of_project: Result<Option<(String, Place)>, Box<Diagnostic>>,
    project_dir: PathBuf,
    renderer: Renderer,
}

impl fmt::Debug for Profiles {
    /// Without the text, which holds passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profiles").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Profiles {
    /// Looks the file up and reads it.
    pub fn look_up(flags: &ProfileFlags, project_dir: &Path, around: &Surroundings) -> Self {
        let file = lookup::file(flags, around);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => Some(Ok(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => Some(Err(error.to_string())),
        };
        Self {
            text,
            file,
            asked: flags.profiles_dir.is_some(),
            flag: flags.profile.clone().filter(|name| !name.is_empty()),
            of_project: lookup::of_project(project_dir),
            project_dir: project_dir.to_owned(),
            renderer: Renderer::new(flags.vars.clone(), around.variables.clone()),
        }
    }

    /// The profile's default target, and where it is said.
    pub fn default_target(&self) -> Result<(String, Place), Lack> {
        let (profile, _) = self.name()?;
        let root = self.root()?;
        let file = self.open(&root, &profile)?;
        let (target, place) = file.default_target(&self.renderer)?;
        Ok((target, place))
    }

    /// One output, rendered: of the profile named, else of the project's.
    pub fn output(
        &self,
        profile: Option<&Located<String>>,
        target: &Located<String>,
    ) -> Result<Output, Lack> {
        let (name, named_at) = match profile {
            Some(named) => (named.value.clone(), Some(named.place.clone())),
            None => self.name()?,
        };
        let root = self.root()?;
        let profile = self.open(&root, &name).map_err(|lack| also(lack, named_at))?;
        profile.output(&self.renderer, target, &self.project_dir)
    }

    /// The profile's name, and where it is said.
    fn name(&self) -> Result<(String, Option<Place>), Lack> {
        if let Some(name) = &self.flag {
            return Ok((name.clone(), None));
        }
        let (written, place) = match &self.of_project {
            Ok(Some((written, place))) => (written, place),
            Ok(None) => {
                return Err(Lack::Nothing(format!(
                    "there is no --profile, and no `profile:` in {}",
                    self.project_dir.join("dbt_project.yml").display()
                )));
            }
            Err(found) => return Err(Lack::from((**found).clone())),
        };
        match self.renderer.render(written) {
            Ok(Value::Text(name)) => Ok((name.shown().to_owned(), Some(place.clone()))),
            Ok(_) => Err(Lack::from(
                Diagnostic::error("invalid-profile", "`profile` is no text")
                    .with_help("write the name of a profile in profiles.yml")
                    .with_place(place.clone()),
            )),
            Err(problem) => Err(Lack::from(told("profile", &problem).with_place(place.clone()))),
        }
    }

    /// The whole file as YAML.
    fn root(&self) -> Result<Node, Lack> {
        let text = match &self.text {
            Some(Ok(text)) => text,
            Some(Err(error)) => {
                return Err(Lack::from(
                    Diagnostic::error("invalid-profile", format!("cannot read it: {error}"))
                        .with_help("dbt reads this file too: make it a readable text file")
                        .with_place(Place::file(&self.file)),
                ));
            }
            None if self.asked => {
                return Err(Lack::from(
                    Diagnostic::error("no-profile", "there is no profiles.yml in --profiles-dir")
                        .with_help("give the folder that profiles.yml is in")
                        .with_place(Place::file(&self.file)),
                ));
            }
            None => {
                return Err(Lack::Nothing(format!(
                    "there is no profiles.yml in the working directory, and no {}",
                    self.file.display()
                )));
            }
        };
        let source = Source::new(&self.file, text);
        tree::read(text, &source).map_err(|found| {
            let mut found = without_source(*found);
            // A password that begins with `!` and has no quotes is a tag to YAML.
            if let Some((head, _)) = found.message.split_once("unsupported tag") {
                found.message = format!("{head}unsupported tag");
                found.help = Some("put a text that begins with ! in quotes".to_owned());
            }
            if found.help.as_ref().is_some_and(|help| help == tree::QUOTE_TEMPLATES) {
                found.help = Some(fields::QUOTE.to_owned());
            }
            Lack::from(found)
        })
    }

    fn open<'n>(&'n self, root: &'n Node, name: &str) -> Result<Profile<'n>, Lack> {
        let text = self.text.as_ref().and_then(|text| text.as_ref().ok());
        let source = Source::new(&self.file, text.map_or("", String::as_str));
        let mut reader = Entries { source, found: Diagnostics::default() };
        let profiles = reader.of(root, "profiles.yml");
        let found = profiles.iter().find(|(key, _)| key.value == name);
        let Some((key, node)) = found else {
            reader.sound()?;
            let names: Vec<&str> = profiles
                .iter()
                .map(|(key, _)| key.value.as_str())
                .filter(|n| *n != "config")
                .collect();
            return Err(Lack::from(
                Diagnostic::error("unknown-profile", format!("there is no profile {name:?}"))
                    .with_help(one_of(name, &names))
                    .with_place(Place::file(&self.file)),
            ));
        };
        let entries = reader.of(node, &format!("the profile {name}"));
        reader.sound()?;
        let place = key.place.clone();
        Ok(Profile { name: name.to_owned(), place, entries, reader })
    }
}
