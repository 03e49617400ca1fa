//! Rendering of one value of `profiles.yml` as dbt does: by Jinja, where a value that is one
//! expression keeps its type, and `DBT_ENV_SECRET_…` variables come in only after it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use minijinja::value::{Object, ObjectRepr, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, Value as Jinja};

use super::literal;
use super::value::{Text, Value};

/// What `--vars` gives.
pub type Vars = BTreeMap<String, Jinja>;

/// Looks a variable of the environment up.
pub type Lookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Variables that dbt keeps from being seen.
const SECRET: &str = "DBT_ENV_SECRET";
/// Variables that dbt does not give to templates at all.
const PRIVATE: &str = "DBT_ENV_PRIVATE";
/// What stands for a secret while Jinja is at work, as in dbt: no filter can turn the secret into
/// something that is not recognised as one.
const BEGIN: &str = "$$$DBT_SECRET_START$$$";
const END: &str = "$$$DBT_SECRET_END$$$";
/// Variables within variables: one that names itself would never end.
const DEEPEST: usize = 8;
/// Far more than any expression in a profile needs.
const FUEL: u64 = 100_000;
/// As long as a text made by a method may become.
const LARGEST: usize = 1_000_000;

/// Why a value could not be rendered. Holds no value of anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// An environment variable that is not set, without a default.
    EnvVar(String),
    /// A variable that `--vars` does not give, without a default.
    Var(String),
    /// A filter's demand that the value does not meet: `as_number`, and what it wants.
    NotA(&'static str, &'static str),
    /// Names that a profile does not know.
    Unknown(Vec<String>),
    /// Not an expression that can be read; what the parser says.
    Syntax(String),
    /// Anything else that went wrong at work, in general words.
    Failed(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnvVar(name) => write!(f, "the environment variable {name} is not set"),
            Self::Var(name) => write!(f, "the variable {name} is not given"),
            Self::NotA(filter, what) => write!(f, "the value under `{filter}` is not {what}"),
            Self::Unknown(names) => write!(f, "profiles.yml does not know {}", names.join(", ")),
            Self::Syntax(detail) => write!(f, "the Jinja expression cannot be read: {detail}"),
            Self::Failed(detail) => write!(f, "the Jinja expression fails: {detail}"),
        }
    }
}

impl std::error::Error for Problem {}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::new(ErrorKind::InvalidOperation, "see the cause").with_source(problem)
    }
}

/// Renders values.
#[derive(Clone)]
pub struct Renderer {
    vars: Arc<Vars>,
    lookup: Lookup,
}

impl Renderer {
    /// With what `--vars` gives, and the environment.
    pub fn new(vars: Vars, lookup: Lookup) -> Self {
        Self { vars: Arc::new(vars), lookup }
    }

    /// Renders one text.
    pub fn render(&self, template: &str) -> Result<Value, Problem> {
        let pieces = Arc::new(Mutex::new(Pieces::default()));
        let mut jinja = self.environment();
        let sink = Arc::clone(&pieces);
        jinja.set_formatter(move |out, _, value| {
            let text = shown(value)?;
            out.write_str(&text)?;
            if let Ok(mut pieces) = sink.lock() {
                pieces.count += 1;
                pieces.length += text.len();
                pieces.last = value.clone();
            }
            Ok(())
        });
        let text = render_with(&jinja, template)?;
        let pieces = pieces.lock().map(|pieces| pieces.clone()).unwrap_or_default();
        // One expression and nothing beside it keeps its type.
        let value = if pieces.count == 1 && pieces.length == text.len() {
            native(&pieces.last)?
        } else {
            Value::Text(Text::open(text))
        };
        Ok(match value {
            Value::Text(text) => Value::Text(self.with_secrets(text)),
            other => other,
        })
    }

    fn environment(&self) -> Environment<'static> {
        let mut jinja = Environment::new();
        jinja.set_undefined_behavior(UndefinedBehavior::Strict);
        jinja.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        jinja.set_fuel(Some(FUEL));
        jinja.set_recursion_limit(50);
        // Python's methods of texts, such as `.lower()`.
        jinja.set_unknown_method_callback(method);
        let lookup = Arc::clone(&self.lookup);
        jinja.add_function("env_var", move |name: String, default: Option<Jinja>| {
            let found = (!name.starts_with(PRIVATE)).then(|| lookup(&name)).flatten();
            match (found, default) {
                (Some(_), _) if name.starts_with(SECRET) => {
                    Ok(Jinja::from(format!("{BEGIN}{name}{END}")))
                }
                (Some(value), _) => Ok(Jinja::from(value)),
                (None, Some(default)) if !default.is_none() => Ok(default),
                (None, _) => Err(Error::from(Problem::EnvVar(name))),
            }
        });
        let this = self.clone();
        jinja.add_function("var", move |name: String, default: Option<Jinja>| {
            match (this.vars.get(&name), default) {
                (Some(value), _) => match value.as_str() {
                    Some(template) => this.nested(template).map(Jinja::from).map_err(Error::from),
                    None => Ok(value.clone()),
                },
                (None, Some(default)) => Ok(default),
                (None, None) => Err(Error::from(Problem::Var(name))),
            }
        });
        for kind in [Kind::Text, Kind::Native, Kind::Bool, Kind::Number] {
            jinja.add_filter(kind.filter(), move |value: &Jinja| {
                Jinja::from_object(Marked { kind, text: python(value) })
            });
        }
        jinja
    }

    /// A variable's text, which may be a template itself.
    fn nested(&self, template: &str) -> Result<String, Problem> {
        thread_local!(static DEPTH: Cell<usize> = const { Cell::new(0) });
        if DEPTH.get() >= DEEPEST {
            return Err(Problem::Failed("variables of --vars name each other".to_owned()));
        }
        DEPTH.set(DEPTH.get() + 1);
        let mut jinja = self.environment();
        jinja.set_formatter(|out, _, value| Ok(out.write_str(&shown(value)?)?));
        let rendered = render_with(&jinja, template);
        DEPTH.set(DEPTH.get() - 1);
        rendered
    }

    /// Puts secrets where their names stand.
    fn with_secrets(&self, text: Text) -> Text {
        let mut rest = text.expose();
        let (mut whole, mut secret) = (String::new(), false);
        while let Some((before, after)) = rest.split_once(BEGIN) {
            whole.push_str(before);
            let named = after.split_once(END).filter(|(name, _)| name.starts_with(SECRET));
            match named.and_then(|(name, after)| Some(((self.lookup)(name)?, after))) {
                Some((value, after)) => {
                    whole.push_str(&value);
                    secret = true;
                    rest = after;
                }
                None => {
                    whole.push_str(BEGIN);
                    rest = after;
                }
            }
        }
        if !secret {
            return text;
        }
        whole.push_str(rest);
        Text::secret(whole)
    }
}

/// Python's methods, but `format`, whose widths would fill the memory, and within bounds.
fn method(state: &mut State, value: &Jinja, name: &str, args: &[Jinja]) -> Result<Jinja, Error> {
    let length = |value: &Jinja| value.as_str().map_or(0, str::len);
    let given: usize = args.iter().map(length).sum();
    if name == "format" || length(value).saturating_mul(given.saturating_add(1)) > LARGEST {
        return Err(Error::new(
            ErrorKind::UnknownMethod,
            format!("there is no method {name} here"),
        ));
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, name, args)
}

impl fmt::Debug for Renderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renderer")
    }
}

/// What the expressions of a template gave.
#[derive(Clone, Default)]
struct Pieces {
    count: usize,
    length: usize,
    last: Jinja,
}

fn render_with(jinja: &Environment<'_>, template: &str) -> Result<String, Problem> {
    let parsed = jinja.template_from_str(template).map_err(|error| problem(&error))?;
    parsed.render(()).map_err(|error| {
        let found = problem(&error);
        if error.kind() != ErrorKind::UndefinedError {
            return found;
        }
        let known = jinja.globals().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
        let mut names: Vec<String> =
            parsed.undeclared_variables(true).into_iter().filter(|n| !known.contains(n)).collect();
        names.sort();
        if names.is_empty() { found } else { Problem::Unknown(names) }
    })
}

/// Says no more than what cannot be a value: messages about operations may quote them.
fn problem(error: &Error) -> Problem {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(problem) = error.downcast_ref::<Problem>() {
            return problem.clone();
        }
        cause = error.source();
    }
    let detail = error.detail().unwrap_or_default().to_owned();
    match error.kind() {
        ErrorKind::SyntaxError => Problem::Syntax(detail),
        ErrorKind::UnknownFilter
        | ErrorKind::UnknownTest
        | ErrorKind::UnknownFunction
        | ErrorKind::UnknownMethod => Problem::Syntax(detail),
        ErrorKind::OutOfFuel => Problem::Failed("it takes too long".to_owned()),
        kind => Problem::Failed(kind.to_string()),
    }
}

/// What dbt's filters say about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Native,
    Bool,
    Number,
}

impl Kind {
    fn filter(self) -> &'static str {
        match self {
            Self::Text => "as_text",
            Self::Native => "as_native",
            Self::Bool => "as_bool",
            Self::Number => "as_number",
        }
    }
}

/// A text that such a filter was put on.
struct Marked {
    kind: Kind,
    text: String,
}

impl fmt::Debug for Marked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[text]")
    }
}

impl Object for Marked {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The value of a lone expression.
fn native(value: &Jinja) -> Result<Value, Problem> {
    let Some(Marked { kind, text }) = value.downcast_object_ref::<Marked>() else {
        return Ok(plain(value));
    };
    if *kind == Kind::Text {
        return Ok(Value::Text(Text::open(text.clone())));
    }
    let read = literal::read(text);
    match (kind, read) {
        (Kind::Bool, Some(Value::Bool(value))) => Ok(Value::Bool(value)),
        (Kind::Bool, _) => Err(Problem::NotA("as_bool", "True or False")),
        (Kind::Number, Some(number @ (Value::Int(_) | Value::Float(_)))) => Ok(number),
        (Kind::Number, _) => Err(Problem::NotA("as_number", "a number")),
        (_, read) => Ok(read.unwrap_or_else(|| Value::Text(Text::open(text.clone())))),
    }
}

/// A value of Jinja's as ours.
pub(super) fn plain(value: &Jinja) -> Value {
    match value.kind() {
        ValueKind::None | ValueKind::Undefined => Value::Null,
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number => match i64::try_from(value.clone()) {
            Ok(number) if value.is_integer() => Value::Int(number),
            _ => f64::try_from(value.clone()).map_or(Value::Null, Value::Float),
        },
        ValueKind::Seq | ValueKind::Iterable => {
            Value::List(value.try_iter().into_iter().flatten().map(|item| plain(&item)).collect())
        }
        ValueKind::Map => {
            let keys = value.try_iter().into_iter().flatten();
            let entry = |key: Jinja| Some((key.to_string(), plain(&value.get_item(&key).ok()?)));
            Value::Map(keys.filter_map(entry).collect())
        }
        _ => Value::Text(Text::open(python(value))),
    }
}

/// What an expression gives as text: a function alone is nobody's meaning.
fn shown(value: &Jinja) -> Result<String, Error> {
    let is_value =
        value.kind() != ValueKind::Plain || value.downcast_object_ref::<Marked>().is_some();
    if !is_value {
        return Err(Problem::Failed("it gives no value, but a function".to_owned()).into());
    }
    Ok(python(value))
}

/// As Python writes it: what Jinja's text is made of.
fn python(value: &Jinja) -> String {
    match value.kind() {
        ValueKind::Bool if value.is_true() => "True".to_owned(),
        ValueKind::Bool => "False".to_owned(),
        ValueKind::None => "None".to_owned(),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_expression_fills_the_memory_or_never_ends() {
        let renderer = Renderer::new(Vars::new(), Arc::new(|_| None));
        let deep = format!("{{{{ {} }}}}", "(".repeat(20_000));
        for template in [
            "{{ 'a' * 99999999999 }}",
            "{{ [1] * 9999999999 }}",
            "{{ range(99999999) | list | length }}",
            "{{ 'x' | indent(99999999999) }}",
            "{{ '{:>99999999999}'.format(5) }}",
            "{{ '%99999999999d' | format(5) }}",
            "{% set a = 'a' * 5000 %}{{ a.replace('a', a).replace('a', a).replace('a', a) }}",
            "{% macro x() %}{{ x() }}{% endmacro %}{{ x() }}",
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            "{{ 2 ** 99999 }}",
            "{{ 1 / 0 }}",
            "{% include 'x' %}",
            "{{ env_var }}",
            "x{{ var }}",
            &deep,
        ] {
            assert!(renderer.render(template).is_err(), "{template}");
        }
    }
}
