//! dbt's node selection, read from text: methods, graph operators, unions and intersections.
//!
//! As `--select` reads it in dbt 1.11: parts between spaces are united, parts between commas
//! intersected, `+` before and after a part adds its parents and children.

use crate::model::diagnostic::nearest;

/// A selection: the union of intersections of criteria.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    pub(super) union: Vec<Vec<Criterion>>,
}

/// Why a text is no selection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SelectorError {
    /// What was found.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// One method with its value, and how far the selection reaches along the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Criterion {
    pub method: Method,
    pub parents: Reach,
    pub children: Reach,
}

/// How many steps along the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Not,
    Steps(usize),
    All,
}

/// A selection method and its value. A further method is a variant here, a line in [`METHODS`]
/// and in [`Method::new`], and an arm in `select`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Method {
    Access(String),
    /// `config.materialized`; the only one of `config` so far.
    Materialized(String),
    File(String),
    Fqn(String),
    Group(String),
    Package(String),
    /// The pattern's parts, between slashes.
    Path(Vec<String>),
    ResourceType(String),
    /// Package, source and table, each a pattern.
    Source([String; 3]),
    Tag(String),
}

/// The methods that can be used, as messages list them.
const METHODS: [&str; 10] = [
    "access",
    "config.materialized",
    "file",
    "fqn",
    "group",
    "package",
    "path",
    "resource_type",
    "source",
    "tag",
];

/// dbt's own that select nothing that has a relation, or are not there yet.
const NOT_YET: [&str; 12] = [
    "config",
    "exposure",
    "metric",
    "result",
    "saved_query",
    "semantic_model",
    "source_status",
    "state",
    "test_name",
    "test_type",
    "unit_test",
    "version",
];

/// The values of `resource_type:` in dbt 1.11.
const RESOURCE_TYPES: [&str; 19] = [
    "analysis",
    "documentation",
    "exposure",
    "fixture",
    "function",
    "group",
    "macro",
    "metric",
    "model",
    "operation",
    "rpc",
    "saved_query",
    "seed",
    "semantic_model",
    "snapshot",
    "source",
    "sql_operation",
    "test",
    "unit_test",
];

/// Reads a selection such as `path:models/marts,tag:daily +fct_orders`.
///
/// An unknown method is an error that lists the known ones; so is `@`, which needs the tests and
/// exposures of a manifest, and an empty part, which in dbt selects nothing.
pub fn parse_selector(text: &str) -> Result<Selector, SelectorError> {
    let union = text
        .split_ascii_whitespace()
        .map(|part| part.split(',').map(|one| criterion(one, part)).collect())
        .collect::<Result<Vec<Vec<_>>, _>>()?;
    if union.is_empty() {
        return Err(error("the selection is empty", "write one, such as `path:models/marts`"));
    }
    Ok(Selector { union })
}

fn error(message: impl Into<String>, help: impl Into<String>) -> SelectorError {
    SelectorError { message: message.into(), help: help.into() }
}

fn criterion(text: &str, whole: &str) -> Result<Criterion, SelectorError> {
    if text.is_empty() {
        return Err(error(
            format!("`{whole}` has an empty part beside a comma"),
            "take the comma away, or write what to intersect with",
        ));
    }
    if text.starts_with('-') {
        return Err(error(
            format!("`{text}` looks like an option, and would be taken for a name"),
            "a selection has no options: select what is meant, such as `path:models/sales,tag:public`",
        ));
    }
    if text.starts_with('@') {
        return Err(error(
            format!("`{text}`: the operator @ is not supported"),
            "write `+` before or after the name, or name the nodes",
        ));
    }
    let (parents, rest) = leading_plus(text);
    let (children, rest) = trailing_plus(rest);
    let (method, value) = match rest.split_once(':') {
        Some((name, value)) if is_method_name(name) => (name, value),
        _ => (default_method(rest), rest),
    };
    if value.is_empty() {
        return Err(error(
            format!("`{text}` has no value"),
            "write what to select, such as `tag:daily`",
        ));
    }
    Ok(Criterion { method: Method::new(method, value)?, parents, children })
}

/// What dbt takes for a method's name: letters, digits, `_` and dots.
fn is_method_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.')
}

/// `+x` and `2+x`.
fn leading_plus(text: &str) -> (Reach, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match text[digits..].strip_prefix('+') {
        Some(rest) => (reach(&text[..digits]), rest),
        None => (Reach::Not, text),
    }
}

/// `x+` and `x+2`.
fn trailing_plus(text: &str) -> (Reach, &str) {
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (head, digits) = text.split_at(text.len() - digits);
    match head.strip_suffix('+') {
        Some(rest) => (reach(digits), rest),
        None => (Reach::Not, text),
    }
}

fn reach(digits: &str) -> Reach {
    if digits.is_empty() { Reach::All } else { Reach::Steps(digits.parse().unwrap_or(usize::MAX)) }
}

/// A value with a slash is a path, one with a known ending a file, everything else a name.
fn default_method(value: &str) -> &'static str {
    let lower = value.to_ascii_lowercase();
    if value.contains('/') {
        "path"
    } else if [".sql", ".py", ".csv"].iter().any(|end| lower.ends_with(end)) {
        "file"
    } else {
        "fqn"
    }
}

impl Method {
    fn new(name: &str, value: &str) -> Result<Self, SelectorError> {
        let text = value.to_owned();
        Ok(match name {
            "access" => Self::Access(text),
            "config.materialized" => Self::Materialized(text),
            "file" => Self::File(text),
            "fqn" => Self::Fqn(text),
            "group" => Self::Group(text),
            "package" => Self::Package(text),
            "path" => Self::Path(path_parts(value)?),
            "resource_type" if RESOURCE_TYPES.contains(&value) => Self::ResourceType(text),
            "resource_type" => {
                let help = match nearest(value, RESOURCE_TYPES) {
                    Some(near) => format!("did you mean `resource_type:{near}`?"),
                    None => "with a relation are: model, seed, snapshot, source".to_owned(),
                };
                return Err(error(format!("`{value}` is no resource type of dbt"), help));
            }
            "source" => Self::Source(source_parts(value)?),
            "tag" => Self::Tag(text),
            _ => return Err(unknown_method(name)),
        })
    }
}

fn unknown_method(name: &str) -> SelectorError {
    let known = format!("known methods: {}", METHODS.join(", "));
    let first = name.split('.').next().unwrap_or_default();
    if NOT_YET.contains(&first) {
        return error(format!("the selection method `{name}` is not supported"), known);
    }
    let help = match nearest(name, METHODS) {
        Some(near) => format!("did you mean `{near}:`? {known}"),
        None => known,
    };
    error(format!("`{name}` is no selection method"), help)
}

/// Parts of a path pattern, as dbt's globbing reads them: `.` and doubled slashes go.
fn path_parts(value: &str) -> Result<Vec<String>, SelectorError> {
    let refuse = |why: &str| {
        Err(error(
            format!("`path:{value}` {why}"),
            "write a path below the project's folder, such as `path:models/marts`",
        ))
    };
    if value.starts_with('/') {
        return refuse("is absolute");
    }
    let parts: Vec<String> =
        value.split('/').filter(|p| !p.is_empty() && *p != ".").map(str::to_owned).collect();
    if parts.is_empty() {
        return refuse("names no file or folder");
    }
    if parts.iter().any(|part| part == "..") {
        return refuse("leaves the project");
    }
    if parts.iter().any(|part| part.contains("**") && part != "**") {
        return refuse("has `**` beside other characters; it can only be a whole part");
    }
    Ok(parts)
}

fn source_parts(value: &str) -> Result<[String; 3], SelectorError> {
    let any = || "*".to_owned();
    match value.split('.').collect::<Vec<_>>()[..] {
        [source] => Ok([any(), source.to_owned(), any()]),
        [source, table] => Ok([any(), source.to_owned(), table.to_owned()]),
        [package, source, table] => Ok([package.to_owned(), source.to_owned(), table.to_owned()]),
        _ => Err(error(
            format!("`source:{value}` has too many dots"),
            "write `source:name`, `source:name.table` or `source:package.name.table`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let error = parse_selector(text).unwrap_err();
        format!("{}: {}", error.message, error.help)
    }

    #[test]
    fn an_unknown_method_is_refused_with_the_known_ones() {
        insta::assert_snapshot!(refusal("tags:pii"), @"`tags` is no selection method: did you mean `tag:`? known methods: access, config.materialized, file, fqn, group, package, path, resource_type, source, tag");
        insta::assert_snapshot!(refusal("state:modified"), @"the selection method `state` is not supported: known methods: access, config.materialized, file, fqn, group, package, path, resource_type, source, tag");
        insta::assert_snapshot!(refusal("resource_type:modell"), @"`modell` is no resource type of dbt: did you mean `resource_type:model`?");
    }

    #[test]
    fn what_would_select_nothing_or_everything_by_accident_is_refused() {
        for text in [
            "",
            " ",
            "tag:",
            "a,",
            ",a",
            "+",
            "@a",
            "path:.",
            "path:/etc",
            "path:../a",
            "source:a.b.c.d",
        ] {
            assert!(parse_selector(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn operators_are_read_as_dbt_reads_them() {
        let one = |text| parse_selector(text).unwrap().union[0][0].clone();
        assert_eq!(one("2+a+").parents, Reach::Steps(2));
        assert_eq!(one("2+a+").children, Reach::All);
        assert_eq!(one("a+3").children, Reach::Steps(3));
        assert_eq!(one("a3").method, Method::Fqn("a3".into()));
        assert_eq!(one("models/a b").method, Method::Path(vec!["models".into(), "a".into()]));
        assert_eq!(one("a.sql").method, Method::File("a.sql".into()));
        assert_eq!(one("+tag:x").method, Method::Tag("x".into()));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_selection_or_an_error(text in "[@+0-9a-zé:.,/*\\[\\]! ]{0,24}") {
            let _ = parse_selector(&text);
        }
    }
}
