//! The inside of `profiles.yml`: profiles, their outputs, and what is wrong with them.

use std::path::{Path, PathBuf};

use super::fields::{Field, Fields};
use super::render::{Problem, Renderer};
use super::value::{Text, Value};
use super::{Adapter, Lack, Output, PostgresProfile, SnowflakeProfile, fields};
use crate::config::Located;
use crate::config::tree::{Node, Source, Value as Yaml};
use crate::model::diagnostic::nearest;
use crate::model::{Diagnostic, Diagnostics, Place};

/// Where something was asked for that is not there.
pub(super) fn also(lack: Lack, place: Option<Place>) -> Lack {
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
pub(super) struct Profile<'n> {
    pub name: String,
    pub place: Place,
    pub entries: Vec<(Located<String>, &'n Node)>,
    pub reader: Entries<'n>,
}

impl<'n> Profile<'n> {
    fn get(&self, key: &str) -> Option<&(Located<String>, &'n Node)> {
        self.entries.iter().find(|(name, _)| name.value == key)
    }

    /// `target:`, else `default`, as dbt has it.
    pub fn default_target(&self, renderer: &Renderer) -> Result<(String, Place), Lack> {
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
    pub fn output(
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

pub(super) fn told(key: &str, problem: &Problem) -> Diagnostic {
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
        Problem::Syntax(_) => ("invalid-expression", fields::QUOTE.to_owned()),
        Problem::Failed(_) => {
            ("invalid-expression", "mend the expression, or the value that it is given".to_owned())
        }
    };
    // What the parser stumbles over, or takes for a name, is a piece of the password.
    let hidden = fields::HIDDEN.contains(&key);
    let message = match problem {
        Problem::Unknown(_) | Problem::Syntax(_) if hidden => {
            format!("`{key}`: the Jinja expression in it cannot be read")
        }
        _ => format!("`{key}`: {problem}"),
    };
    Diagnostic::error(code, message).with_help(help)
}

pub(super) fn one_of(name: &str, names: &[&str]) -> String {
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
pub(super) fn without_source(mut found: Diagnostic) -> Diagnostic {
    let places = found.place.iter_mut().chain(found.also.as_mut().map(|(place, _)| place));
    places.for_each(|place| place.source = None);
    found
}

/// Reads maps, and collects what is wrong with them.
pub(super) struct Entries<'t> {
    pub source: Source<'t>,
    pub found: Diagnostics,
}

impl Entries<'_> {
    fn say(&mut self, place: Place, message: String, help: &str) {
        self.found.push(without_source(
            Diagnostic::error("invalid-profile", message).with_help(help).with_place(place),
        ));
    }

    pub fn sound(&mut self) -> Result<(), Lack> {
        if self.found.has_errors() {
            return Err(Lack::Wrong(std::mem::take(&mut self.found)));
        }
        Ok(())
    }

    /// Keys and values; a key said twice is an error, where dbt would silently take the last.
    pub fn of<'n>(&mut self, node: &'n Node, what: &str) -> Vec<(Located<String>, &'n Node)> {
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
