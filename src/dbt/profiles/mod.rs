//! `profiles.yml`: looked up and rendered as dbt does, and only as far as it is needed.
//!
//! No line of the file is ever shown, and no value but of keys that are no secrets: any line may
//! hold a password.

mod fields;
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
use crate::config::tree::{self, Node, Source, Value as Yaml};
use crate::model::diagnostic::nearest;
use crate::model::{Diagnostic, Diagnostics, Place};

use fields::{Field, Fields};
pub use lookup::{ProfileFlags, Surroundings, parse_vars};
pub use postgres::PostgresProfile;
pub use render::{Lookup, Vars};
use render::{Problem, Renderer};
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

/// Where something was asked for that is not there.
fn also(lack: Lack, place: Option<Place>) -> Lack {
    match (lack, place) {
        (Lack::Wrong(found), Some(place)) => {
            let unknown = |d: &Diagnostic| d.code.starts_with("unknown-") && d.also.is_none();
            let add = |d: Diagnostic| match unknown(&d) {
                true => d.with_also(place.clone(), "asked for here"),
                false => d,
            };
            Lack::Wrong(found.into_iter().map(add).collect())
        }
        (lack, _) => lack,
    }
}

/// One profile.
struct Profile<'n> {
    name: String,
    place: Place,
    entries: Vec<(Located<String>, &'n Node)>,
    reader: Entries<'n>,
}

impl<'n> Profile<'n> {
    fn get(&self, key: &str) -> Option<&(Located<String>, &'n Node)> {
        self.entries.iter().find(|(name, _)| name.value == key)
    }

    /// `target:`, else `default`, as dbt has it.
    fn default_target(&self, renderer: &Renderer) -> Result<(String, Place), Lack> {
        let Some((key, node)) = self.get("target") else {
            return Ok(("default".to_owned(), self.place.clone()));
        };
        let place = key.place.clone();
        let rendered = match &node.value {
            Yaml::Text(text) => renderer.render(text),
            Yaml::Number(text) => Ok(Value::Text(Text::open(text.clone()))),
            _ => Ok(Value::Null),
        };
        match rendered {
            Ok(Value::Text(target)) => Ok((target.shown().to_owned(), place)),
            Ok(_) => Err(Lack::from(
                Diagnostic::error(
                    "invalid-profile",
                    format!("`target` of the profile {} is no text", self.name),
                )
                .with_help("write the name of one of its outputs")
                .with_place(place),
            )),
            Err(problem) => Err(Lack::from(told("target", &problem).with_place(place))),
        }
    }

    /// Renders one output and no other, as dbt: those may use variables that are not set here.
    fn output(
        mut self,
        renderer: &Renderer,
        target: &Located<String>,
        project_dir: &Path,
    ) -> Result<Output, Lack> {
        let Some((_, outputs)) = self.get("outputs") else {
            return Err(Lack::from(
                Diagnostic::error(
                    "invalid-profile",
                    format!("the profile {} has no `outputs`", self.name),
                )
                .with_help("add `outputs:` with an output for each target")
                .with_place(self.place),
            ));
        };
        let outputs = self.reader.of(outputs, "`outputs`");
        let Some((key, node)) = outputs.iter().find(|(key, _)| key.value == target.value) else {
            self.reader.sound()?;
            let names: Vec<&str> = outputs.iter().map(|(key, _)| key.value.as_str()).collect();
            let lack = Lack::from(
                Diagnostic::error(
                    "unknown-target",
                    format!("the profile {} has no target {:?}", self.name, target.value),
                )
                .with_help(one_of(&target.value, &names))
                .with_place(self.place),
            );
            let asked = Some(target.place.clone()).filter(|place| place.line.is_some());
            return Err(also(lack, asked));
        };
        let of = format!("the output {} of the profile {}", target.value, self.name);
        let entries = self.reader.of(node, &of);
        if entries.is_empty() && self.reader.found.is_empty() {
            let message = format!("{of} is empty");
            self.reader.say(key.place.clone(), message, "write its keys, `type` among them");
        }
        let mut fields = Vec::new();
        for (key, node) in entries {
            match render(renderer, &key.value, node) {
                Ok(value) => fields.push(Field { key: key.value, value, place: key.place }),
                Err(problem) => {
                    let found = told(&key.value, &problem).with_place(key.place);
                    self.reader.found.push(found);
                }
            }
        }
        self.reader.sound()?;
        let mut common = Fields::new(of.clone(), key.place.clone(), &fields);
        let kind = common.needed(&["type"]);
        let read = |key: &[&'static str]| {
            Fields::new(of.clone(), key_place(key, &fields), &fields).text(key)
        };
        let (schema, database) = (read(&["schema"]), read(&["database", "dbname"]));
        if common.found.has_errors() {
            return Err(Lack::Wrong(common.found));
        }
        let mut own = Fields::new(of, key.place.clone(), &fields);
        own.skip(&["type", "threads"]);
        let (adapter, found) = match kind.expose() {
            "postgres" => {
                let (mut read, found) = PostgresProfile::read(own);
                for path in [&mut read.sslcert, &mut read.sslkey, &mut read.sslrootcert] {
                    let below = path.take().map(|path| below(project_dir, path));
                    *path = below;
                }
                (Adapter::Postgres(Box::new(read)), found)
            }
            "snowflake" => {
                let (mut read, found) = SnowflakeProfile::read(own);
                read.private_key_path = read.private_key_path.map(|path| below(project_dir, path));
                (Adapter::Snowflake(Box::new(read)), found)
            }
            _ => (Adapter::Other(kind.shown().to_owned()), Diagnostics::default()),
        };
        if found.has_errors() {
            return Err(Lack::Wrong(found));
        }
        Ok(Output {
            profile: self.name,
            target: target.value.clone(),
            place: key.place.clone(),
            schema,
            database,
            adapter,
            warnings: found,
        })
    }
}

fn key_place(names: &[&str], fields: &[Field]) -> Place {
    let field = fields.iter().find(|field| names.contains(&field.key.as_str()));
    field.map_or_else(|| Place::file("profiles.yml"), |field| field.place.clone())
}

/// dbt works in the project's folder. libpq's word `system` is no file.
fn below(project_dir: &Path, path: PathBuf) -> PathBuf {
    if path == Path::new("system") || path.as_os_str().is_empty() || project_dir == Path::new(".") {
        return path;
    }
    project_dir.join(path)
}

/// Renders a value and what is in it.
fn render(renderer: &Renderer, key: &str, node: &Node) -> Result<Value, Problem> {
    Ok(match &node.value {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(*value),
        Yaml::Number(number) => match (number.parse(), number.parse()) {
            (Ok(whole), _) => Value::Int(whole),
            (_, Ok(number)) => Value::Float(number),
            _ => Value::Text(Text::open(number.clone())),
        },
        Yaml::Text(text) => match renderer.render(text) {
            // A password may have what looks like Jinja in it: dbt takes it as it is.
            Err(Problem::Syntax(_)) if key == "password" => Value::Text(Text::open(text.clone())),
            other => other?,
        },
        Yaml::List(items) => {
            let items = items.iter().map(|item| render(renderer, key, item));
            Value::List(items.collect::<Result<_, _>>()?)
        }
        Yaml::Map(entries) => {
            let mut map = Vec::new();
            for (name, value) in entries {
                let name = match &name.value {
                    Yaml::Text(name) | Yaml::Number(name) => name.clone(),
                    // `{{ x }}` without quotes.
                    _ => return Err(Problem::Syntax("it is not in quotes".to_owned())),
                };
                map.push((name, render(renderer, key, value)?));
            }
            Value::Map(map)
        }
    })
}

fn told(key: &str, problem: &Problem) -> Diagnostic {
    let (code, help) = match problem {
        Problem::EnvVar(name) => (
            "undefined-variable",
            format!("set {name}, or give a default: {{{{ env_var('{name}', 'default') }}}}"),
        ),
        Problem::Var(name) => (
            "undefined-variable",
            format!(
                "give it, as in --vars '{{{name}: value}}', or a default: {{{{ var('{name}', 'default') }}}}"
            ),
        ),
        Problem::NotA("as_bool", _) => {
            ("invalid-expression", "dbt's as_bool knows True and False, written so".to_owned())
        }
        Problem::NotA(..) => ("invalid-expression", "mend the value that it is given".to_owned()),
        Problem::Unknown(_) => (
            "invalid-expression",
            "use env_var('NAME') or var('name'); the rest of dbt's context is not there".to_owned(),
        ),
        Problem::Syntax(_) | Problem::Failed(_) => ("invalid-expression", fields::QUOTE.to_owned()),
    };
    Diagnostic::error(code, format!("`{key}`: {problem}")).with_help(help)
}

fn one_of(name: &str, names: &[&str]) -> String {
    if names.is_empty() {
        return "there is none: write it".to_owned();
    }
    let list = names.join(", ");
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean {near}? There are: {list}"),
        None => format!("there are: {list}"),
    }
}

/// Lines of this file are not shown.
fn without_source(mut found: Diagnostic) -> Diagnostic {
    let places = found.place.iter_mut().chain(found.also.as_mut().map(|(place, _)| place));
    places.for_each(|place| place.source = None);
    found
}

/// Reads maps, and collects what is wrong with them.
struct Entries<'t> {
    source: Source<'t>,
    found: Diagnostics,
}

impl Entries<'_> {
    fn say(&mut self, place: Place, message: String, help: &str) {
        self.found.push(without_source(
            Diagnostic::error("invalid-profile", message).with_help(help).with_place(place),
        ));
    }

    fn sound(&mut self) -> Result<(), Lack> {
        if self.found.has_errors() {
            return Err(Lack::Wrong(std::mem::take(&mut self.found)));
        }
        Ok(())
    }

    /// Keys and values; a key said twice is an error, where dbt would silently take the last.
    fn of<'n>(&mut self, node: &'n Node, what: &str) -> Vec<(Located<String>, &'n Node)> {
        let pairs = match &node.value {
            Yaml::Map(pairs) => pairs,
            Yaml::Null => return Vec::new(),
            _ => {
                let place = self.source.place(node);
                self.say(
                    place,
                    format!("{what} must be a map of keys and values"),
                    "write `key: value` lines",
                );
                return Vec::new();
            }
        };
        let mut entries: Vec<(Located<String>, &Node)> = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let place = Place { source: None, ..self.source.place(key) };
            let (Yaml::Text(name) | Yaml::Number(name)) = &key.value else {
                self.say(place, format!("a key of {what} must be text"), fields::QUOTE);
                continue;
            };
            if let Some((first, _)) = entries.iter().find(|(first, _)| first.value == *name) {
                let found =
                    Diagnostic::error("said-twice", format!("the key `{name}` is said twice"))
                        .with_help("keep one of the two")
                        .with_place(place)
                        .with_also(first.place.clone(), "first said here");
                self.found.push(found);
                continue;
            }
            entries.push((Located { value: name.clone(), place }, value));
        }
        entries
    }
}
