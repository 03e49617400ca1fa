//! The templates of warehouse names: a small part of Jinja, checked when the files are read.
//!
//! A template holds text, `{{ expressions }}` and `{% if %}`. There are no loops, assignments or
//! includes, so that a name stays readable, its length stays in proportion to the template, and
//! every variable and filter in every branch is known before anything is rendered.

mod scan;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

use self::scan::{Foreign, foreign_syntax};
use super::Located;
use super::names::unfit;
use super::reader::{printable, suggest};
use super::tree::shorten;
use crate::model::{Diagnostic, Diagnostics, Place};

/// A longer template is refused.
const LONGEST_TEMPLATE: usize = 2_000;
/// A longer name is refused: beyond any warehouse's limit.
const LONGEST_NAME: usize = 1_000;
/// Steps that rendering may take: far more than a template of the largest size needs.
const FUEL: u64 = 20_000;
/// What a template may do with a text.
const FILTERS: [&str; 6] = ["lower", "upper", "title", "capitalize", "trim", "replace"];

/// What a template names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateKind {
    /// `role_name`.
    Role,
    /// `user_name`.
    User,
    /// `group_name`.
    Group,
    /// `policy_role_name`.
    Policy,
}

impl TemplateKind {
    /// The key of the environment that holds it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Role => "role_name",
            Self::User => "user_name",
            Self::Group => "group_name",
            Self::Policy => "policy_role_name",
        }
    }

    /// The variables that such a template knows.
    pub fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Role => &[
                "env.name",
                "product.name",
                "product.title",
                "role.name",
                "target.name",
                "target.schema",
                "target.database",
            ],
            Self::User => {
                &["env.name", "user.name", "target.name", "target.schema", "target.database"]
            }
            Self::Group => {
                &["env.name", "group.name", "target.name", "target.schema", "target.database"]
            }
            Self::Policy => {
                &["env.name", "policy.name", "target.name", "target.schema", "target.database"]
            }
        }
    }
}

/// What the variables of a template stand for. What is `None` is an error where it is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TemplateContext<'v> {
    /// `env.name`.
    pub env_name: Option<&'v str>,
    /// `product.name`.
    pub product_name: Option<&'v str>,
    /// `product.title`.
    pub product_title: Option<&'v str>,
    /// `role.name`: the product role.
    pub role_name: Option<&'v str>,
    /// `user.name`.
    pub user_name: Option<&'v str>,
    /// `group.name`.
    pub group_name: Option<&'v str>,
    /// `policy.name`: the policy, and which of its roles.
    pub policy_name: Option<&'v str>,
    /// `target.name`.
    pub target_name: Option<&'v str>,
    /// `target.schema`.
    pub target_schema: Option<&'v str>,
    /// `target.database`.
    pub target_database: Option<&'v str>,
}

impl<'v> TemplateContext<'v> {
    fn values(&self) -> [(&'static str, &'static str, Option<&'v str>); 10] {
        let Self {
            env_name,
            product_name,
            product_title,
            role_name,
            user_name,
            group_name,
            policy_name,
            target_name,
            target_schema,
            target_database,
        } = *self;
        [
            ("env", "name", env_name),
            ("product", "name", product_name),
            ("product", "title", product_title),
            ("role", "name", role_name),
            ("user", "name", user_name),
            ("group", "name", group_name),
            ("policy", "name", policy_name),
            ("target", "name", target_name),
            ("target", "schema", target_schema),
            ("target", "database", target_database),
        ]
    }
}

/// Everything that is wrong with a template, as far as it can be said before a name is rendered.
pub fn check(template: &Located<String>, kind: TemplateKind) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    let error = |message: String, help: &str, near: &str| {
        Diagnostic::error("invalid-template", format!("`{}`: {message}", kind.key()))
            .with_help(help)
            .with_place(within(template, near))
    };
    let text = template.value.as_str();
    if text.len() > LONGEST_TEMPLATE {
        let message = format!("the template is longer than {LONGEST_TEMPLATE} bytes");
        diagnostics.push(error(message, "shorten it", ""));
        return diagnostics;
    }
    // A line end of a YAML block is the usual accident; inside the tags it does no harm.
    if text.trim() != text {
        diagnostics.push(error(
            "the template begins or ends with white space".to_owned(),
            "write it in quotes on one line",
            "",
        ));
    }
    let environment = environment();
    let parsed = match environment.template_from_str(text) {
        Ok(parsed) => parsed,
        Err(found) => {
            let near = found.range().and_then(|range| text.get(range)).unwrap_or_default();
            let help = "write text, {{ variables }} and {% if … %}…{% endif %}";
            diagnostics.push(error(describe(&found), help, near));
            return diagnostics;
        }
    };
    for finding in foreign_syntax(text) {
        let (message, near) = match finding {
            Foreign::Statement(word) => (format!("`{{% {word} %}}` is not known here"), word),
            Foreign::Operator(sign) => (format!("`{sign}` is not known here"), sign),
            Foreign::Filter(word) => (format!("there is no filter `{word}`"), word),
        };
        let help = match finding {
            Foreign::Filter(word) => suggest(word, FILTERS, ""),
            _ => "use text, {{ variables }}, filters and {% if … %} only".to_owned(),
        };
        diagnostics.push(error(message, &help, near));
    }
    let known = kind.variables();
    let used: BTreeSet<String> = parsed.undeclared_variables(true).into_iter().collect();
    for variable in used.iter().filter(|variable| !known.contains(&variable.as_str())) {
        let inside: Vec<&str> = known
            .iter()
            .copied()
            .filter(|name| name.split_once('.').is_some_and(|(root, _)| root == variable))
            .collect();
        let help = match inside.as_slice() {
            [] => suggest(variable, known.iter().copied(), ""),
            inside => format!("write it with a dot: `{}`", inside.join("` or `")),
        };
        diagnostics.push(
            Diagnostic::error(
                "unknown-variable",
                format!("`{}`: there is no variable `{}`", kind.key(), printable(variable)),
            )
            .with_help(help)
            .with_place(within(template, variable)),
        );
    }
    let named = match kind {
        TemplateKind::Role => None,
        TemplateKind::User => Some("user.name"),
        TemplateKind::Group => Some("group.name"),
        TemplateKind::Policy => Some("policy.name"),
    };
    if let Some(named) = named.filter(|named| !used.contains(*named)) {
        let message = format!("the template does not use `{named}`: everyone would get one name");
        diagnostics.push(error(message, &format!("put {{{{ {named} }}}} into it"), ""));
    }
    if diagnostics.is_empty() {
        // What only a rendering shows, such as a filter's wrong arguments.
        let sample = TemplateContext {
            env_name: Some("dev"),
            product_name: Some("product"),
            product_title: Some("Product"),
            role_name: Some("role"),
            user_name: Some("user"),
            group_name: Some("group"),
            policy_name: Some("policy"),
            target_name: Some("dev"),
            target_schema: Some("schema"),
            target_database: Some("database"),
        };
        if let Err(found) = parsed.render(variables(&sample)) {
            let help = "look at the filters and what they are given";
            diagnostics.push(error(describe(&found), help, ""));
        }
    }
    diagnostics
}

/// Renders a name. Call [`check`] first, once per template.
///
/// # Errors
/// A variable that has no value here, a template that cannot be rendered, or a name that no
/// warehouse should get: empty, with white space at its ends, with control or invisible characters.
#[expect(clippy::result_large_err, reason = "an error ends everything: it may be large")]
pub fn render(
    template: &Located<String>,
    kind: TemplateKind,
    context: &TemplateContext<'_>,
) -> Result<String, Diagnostic> {
    let error = |message: String, help: String| {
        Diagnostic::error("invalid-template", format!("`{}`: {message}", kind.key()))
            .with_help(help)
            .with_place(template.place.clone())
    };
    let environment = environment();
    let found = environment
        .template_from_str(&template.value)
        .and_then(|parsed| parsed.render(variables(context)))
        .map_err(|found| {
            let missing = missing(&template.value, context);
            if found.kind() == ErrorKind::UndefinedError && !missing.is_empty() {
                let help = if missing.iter().any(|name| name.starts_with("target.")) {
                    "name the dbt target (`--target`) and where it deploys, or use `env.name`"
                } else if missing.iter().any(|name| name == "product.title") {
                    "give the product a `title`, or use `product.name`"
                } else {
                    "use a variable that is known here"
                };
                error(format!("`{}` has no value", missing.join("`, `")), help.to_owned())
            } else {
                error(describe(&found), "look at the filters and what they are given".to_owned())
            }
        })?;
    let shown = shorten(&found);
    if found.chars().count() > LONGEST_NAME {
        let message = format!("the name {shown} is longer than {LONGEST_NAME} characters");
        return Err(error(message, "shorten the template or what it uses".to_owned()));
    }
    match unfit(&found) {
        None => Ok(found),
        Some(why) => Err(error(
            format!("the name {shown} {why}"),
            "change the template or what it uses".to_owned(),
        )),
    }
}

/// Which of `name`, `schema` and `database` of the dbt target a template uses, in any branch.
pub fn uses_target(template: &str) -> BTreeSet<String> {
    let environment = environment();
    let Ok(parsed) = environment.template_from_str(template) else { return BTreeSet::new() };
    let used = parsed.undeclared_variables(true);
    ["name", "schema", "database"]
        .into_iter()
        .filter(|part| {
            // The bare object, which `check` refuses, can show all of it.
            used.contains("target") || used.contains(&format!("target.{part}"))
        })
        .map(str::to_owned)
        .collect()
}

fn missing(template: &str, context: &TemplateContext<'_>) -> Vec<String> {
    let environment = environment();
    let Ok(parsed) = environment.template_from_str(template) else { return Vec::new() };
    let used = parsed.undeclared_variables(true);
    context
        .values()
        .into_iter()
        .filter(|(_, _, value)| value.is_none())
        .map(|(root, part, _)| format!("{root}.{part}"))
        .filter(|name| used.contains(name))
        .collect()
}

fn variables(
    context: &TemplateContext<'_>,
) -> BTreeMap<&'static str, BTreeMap<&'static str, String>> {
    let mut variables: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
    for (root, part, value) in context.values() {
        let object = variables.entry(root).or_default();
        if let Some(value) = value {
            object.insert(part, value.to_owned());
        }
    }
    variables
}

/// An engine that knows nothing but the filters above: no files, no clock, no environment.
fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("lower", |text: &str| text.to_lowercase());
    environment.add_filter("upper", |text: &str| text.to_uppercase());
    environment.add_filter("title", minijinja::filters::title);
    environment.add_filter("capitalize", minijinja::filters::capitalize);
    environment.add_filter("trim", |text: &str| text.trim().to_owned());
    environment.add_filter("replace", |text: &str, from: &str, to: &str| {
        // Each of a chain of replacements could double the text.
        let replaced = text.replace(from, to);
        if replaced.chars().count() > LONGEST_NAME {
            return Err(Error::new(ErrorKind::InvalidOperation, "the name grows too long"));
        }
        Ok(replaced)
    });
    environment
}

fn describe(error: &Error) -> String {
    let kind = error.kind().to_string();
    match error.detail() {
        Some(detail) => format!("{kind}: {detail}"),
        None => kind,
    }
}

/// The place of `part` in a template's line, where it can be found there.
pub(super) fn within(template: &Located<String>, part: &str) -> Place {
    let mut place = template.place.clone();
    if let (Some(source), Some(column), false) = (&place.source, place.column, part.is_empty()) {
        let begin = source
            .char_indices()
            .nth((column as usize).saturating_sub(1))
            .map_or(source.len(), |(at, _)| at);
        if let Some(at) = source.get(begin..).and_then(|rest| rest.find(part)) {
            let before = source[..begin + at].chars().count();
            place.column = u32::try_from(before + 1).ok();
        }
    }
    place
}
