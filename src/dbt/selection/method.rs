//! dbt's selection methods and their values.

use serde_json::Value;

use super::spec::{SelectorError, error};
use crate::model::diagnostic::nearest;

/// A selection method and its value. A further method is a variant here, a line in [`METHODS`]
/// and in [`Method::new`], and an arm in `world`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Method {
    Access(String),
    /// `config.a.b`: the keys, and what is to stand there.
    Config {
        keys: Vec<String>,
        value: Value,
    },
    /// `config.materialized`, which is always read.
    Materialized(String),
    File(String),
    Fqn(String),
    Group(String),
    /// A resource of a kind that has no relation, by package and name: `exposure` and its like.
    Named {
        kind: &'static str,
        package: String,
        name: String,
    },
    Package(String),
    /// The pattern's parts, between slashes.
    Path(Vec<String>),
    ResourceType(String),
    /// Package, source and table, each a pattern.
    Source([String; 3]),
    Tag(String),
    Version(VersionIs),
}

/// The values of `version:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VersionIs {
    Latest,
    Prerelease,
    Old,
    None,
}

/// The methods that can be used, as messages list them.
pub(super) const METHODS: [&str; 16] = [
    "access",
    "config",
    "exposure",
    "file",
    "fqn",
    "group",
    "metric",
    "package",
    "path",
    "resource_type",
    "saved_query",
    "semantic_model",
    "source",
    "tag",
    "unit_test",
    "version",
];

/// dbt's own that need more than a manifest: what `dbt ls` says of them can be handed over.
const DBT_ONLY: [&str; 5] = ["result", "source_status", "state", "test_name", "test_type"];

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

/// A value with a slash is a path, one with a known ending a file, everything else a name.
pub(super) fn default_method(value: &str) -> &'static str {
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
    /// A method with a value as YAML has it: only `config` takes anything but a text.
    pub fn with_value(name: &str, value: Value) -> Result<Self, SelectorError> {
        match (name.split('.').collect::<Vec<_>>().as_slice(), value) {
            (_, Value::String(text)) => Self::new(name, &text),
            (["config", keys @ ..], value) => {
                Ok(Self::Config { keys: keys.iter().map(|key| (*key).to_owned()).collect(), value })
            }
            (_, value) if is_known(name) => Err(error(
                format!("`{name}` takes a text, not {value}"),
                "write one in quotes; several are a `union`",
            )),
            _ => Err(unknown_method(name)),
        }
    }

    /// A method with the text after its colon.
    pub fn new(name: &str, value: &str) -> Result<Self, SelectorError> {
        let text = value.to_owned();
        let (first, rest) = name.split_once('.').unwrap_or((name, ""));
        // dbt looks at the first word alone, and only `config` at what follows it.
        Ok(match first {
            "access" => Self::Access(text),
            "config" if rest == "materialized" => Self::Materialized(text),
            "config" => Self::Config {
                keys: match rest {
                    "" => Vec::new(),
                    rest => rest.split('.').map(str::to_owned).collect(),
                },
                value: Value::String(text),
            },
            "exposure" => named("exposure", value)?,
            "file" => Self::File(text),
            "fqn" => Self::Fqn(text),
            "group" => Self::Group(text),
            "metric" => named("metric", value)?,
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
            "saved_query" => named("saved_query", value)?,
            "semantic_model" => named("semantic_model", value)?,
            "source" => Self::Source(source_parts(value)?),
            "tag" => Self::Tag(text),
            "unit_test" => named("unit_test", value)?,
            "version" => Self::Version(match value {
                "latest" => VersionIs::Latest,
                "prerelease" => VersionIs::Prerelease,
                "old" => VersionIs::Old,
                "none" => VersionIs::None,
                _ => {
                    return Err(error(
                        format!("`version:{value}` is nothing that dbt knows"),
                        "write `version:latest`, `prerelease`, `old` or `none`",
                    ));
                }
            }),
            _ => return Err(unknown_method(name)),
        })
    }
}

fn is_known(name: &str) -> bool {
    METHODS.contains(&name.split('.').next().unwrap_or_default())
}

fn unknown_method(name: &str) -> SelectorError {
    let known = format!("known methods: {}", METHODS.join(", "));
    let first = name.split('.').next().unwrap_or_default();
    if DBT_ONLY.contains(&first) {
        return error(
            format!("the selection method `{first}` is left to dbt"),
            format!(
                "let dbt find the nodes, and hand them over: `dbt --quiet ls --select {first}:… > nodes.txt`, then `--nodes nodes.txt`; {known}"
            ),
        );
    }
    let help = match nearest(name, METHODS) {
        Some(near) => format!("did you mean `{near}:`? {known}"),
        None => known,
    };
    error(format!("`{name}` is no selection method"), help)
}

fn named(kind: &'static str, value: &str) -> Result<Method, SelectorError> {
    let (package, name) = match value.split('.').collect::<Vec<_>>()[..] {
        [name] => ("*", name),
        [package, name] => (package, name),
        _ => {
            return Err(error(
                format!("`{kind}:{value}` has too many dots"),
                format!("write `{kind}:name` or `{kind}:package.name`"),
            ));
        }
    };
    Ok(Method::Named { kind, package: package.to_owned(), name: name.to_owned() })
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
