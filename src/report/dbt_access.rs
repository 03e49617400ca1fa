//! `compile --format dbt`: the macro file that the dbt hooks read. Version 1 of its shape.
//!
//! The file's text is JSON inside one `raw` block, so that no name in it is ever rendered: ASCII
//! only, and without a `{` inside any text. Each environment, and each node of each, has a line of
//! its own: a hook finds a node's line without reading the rest, and people can read a diff.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

use crate::config::RoleKind;
use crate::model::{DialectKind, Ident, ObjectClass, Privilege};
use crate::project::Project;
use crate::resolve::Resolved;
use crate::resolve::hooks::ClassGrant;

/// The macro that the hooks call, and the stem of its file.
pub const MACRO: &str = "rolecall_access";

const VERSION: u32 = 1;

const HEAD: &str = "\
{#
  Written by `rolecall compile --format dbt`, for the hooks of the dbt package rolecall. Do not edit:
  change the declarations and compile again. `rolecall validate` says when it is out of date.
#}
{% macro rolecall_access() %}{% raw %}
";
const FOOT: &str = "\n{% endraw %}{% endmacro %}\n";

/// What the hooks may grant, in every environment that was added.
#[derive(Debug, Default)]
pub struct DbtAccess {
    deployment: String,
    environments: BTreeMap<String, Environment>,
    /// By environment and `unique_id`.
    grants: BTreeMap<(String, String), Vec<Row>>,
}

#[derive(Debug, Serialize)]
struct Environment {
    target: String,
    dialect: DialectKind,
    hook: bool,
    /// The `target.*` values that the names of roles were made with.
    values: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// Those that something is granted to, by the name that the warehouse stores.
    roles: BTreeMap<String, Role>,
}

#[derive(Debug, Serialize)]
struct Role {
    quoted: String,
    product: String,
    role: String,
}

/// Classes of relations, privileges, roles.
type Row = (Vec<ObjectClass>, Vec<Privilege>, Vec<String>);

impl DbtAccess {
    /// Adds an environment.
    pub fn add(&mut self, project: &Project, resolved: &Resolved) {
        let Some(environment) = project.environment() else { return };
        let name = environment.name.clone();
        self.deployment.clone_from(&resolved.deployment);
        let mut roles = BTreeSet::new();
        // Roles of a database are granted to by `rolecall apply` alone; those of the account, which
        // the hooks know, hold nothing there.
        let in_database = environment.role_kind == RoleKind::Database
            && project.dialect == DialectKind::Snowflake;
        let hook = environment.hook && !in_database;
        if hook {
            for (id, rows) in project.relation_grants(resolved) {
                roles.extend(rows.iter().flat_map(|row| row.roles.iter().cloned()));
                let exact = |role: Ident| role.as_str().to_owned();
                let row = |ClassGrant { classes, privileges, roles }| {
                    (classes, privileges, roles.into_iter().map(exact).collect())
                };
                self.grants.insert((name.clone(), id), rows.into_iter().map(row).collect());
            }
        }
        let described = roles.into_iter().filter_map(|role| {
            let marker = &resolved.desired.roles.get(&role)?.marker;
            let described = Role {
                quoted: project.dialect().quote(&role),
                product: marker.product.clone(),
                role: marker.role.clone(),
            };
            Some((role.as_str().to_owned(), described))
        });
        // Where the hooks do nothing, the file is the same for every developer.
        let compiled = Environment {
            target: environment.target_name().to_owned(),
            dialect: project.dialect,
            hook,
            values: if hook { project.target_values() } else { BTreeMap::new() },
            instance: resolved.instance.clone().filter(|_| hook),
            roles: described.collect(),
        };
        self.environments.insert(name, compiled);
    }

    /// The whole file.
    pub fn text(&self) -> io::Result<String> {
        let targets: BTreeMap<&str, &str> =
            self.environments.iter().map(|(name, e)| (e.target.as_str(), name.as_str())).collect();
        let mut text = HEAD.to_owned();
        text += &format!(
            "{{\"version\":{VERSION},\"deployment\":{},\"targets\":{},\n",
            ascii(&self.deployment)?,
            ascii(&targets)?
        );
        let lines = |of: Vec<String>| of.join(",\n");
        let environments = self.environments.iter().map(|(name, e)| line(name, e));
        text += &format!("\"environments\":{{\n{}\n}},\n", lines(collect(environments)?));
        let grants = self
            .grants
            .iter()
            .map(|((environment, id), rows)| line(&format!("{environment} {id}"), rows));
        text += &format!("\"grants\":{{\n{}\n}}}}", lines(collect(grants)?));
        Ok(text + FOOT)
    }

    /// The environments of which a file says something else than this, or that it does not have:
    /// those whose hooks would not grant what is declared. All of them where it cannot be read. One
    /// that is compiled for another developer's `target.*` values cannot be compared.
    pub fn differs_in(&self, file: &str) -> io::Result<Vec<String>> {
        let there = read(file);
        let ours = read(&self.text()?);
        let differs = |name: &&String| {
            let (there, ours) = (part(there.as_ref(), name), part(ours.as_ref(), name));
            let values = there.as_deref().and_then(values).zip(ours.as_deref().and_then(values));
            let comparable =
                |(there, ours): (&Value, &Value)| there == ours || !same_keys(there, ours);
            there != ours && values.is_none_or(comparable)
        };
        Ok(self.environments.keys().filter(differs).cloned().collect())
    }

    /// The environments that a file has, with the dbt target of each.
    pub fn environments_of(file: &str) -> BTreeMap<String, String> {
        let there = read(file);
        let environments = there.as_ref().and_then(|all| all.get("environments")?.as_object());
        let target = |e: &Value| e.get("target").and_then(Value::as_str).unwrap_or("").to_owned();
        let all = environments.into_iter().flatten();
        all.map(|(name, environment)| (name.clone(), target(environment))).collect()
    }
}

fn collect(lines: impl Iterator<Item = io::Result<String>>) -> io::Result<Vec<String>> {
    lines.collect()
}

fn line(key: &str, value: &impl Serialize) -> io::Result<String> {
    Ok(format!("{}:{}", ascii(key)?, ascii(value)?))
}

/// The JSON of a file that was written here; what stands around it does not matter.
fn read(file: &str) -> Option<Value> {
    let (_, rest) = file.split_once("{% raw %}")?;
    let (json, _) = rest.split_once("{% endraw %}")?;
    crate::dbt::parse_strict_json(json.trim()).ok().filter(|all| has_its_lines(all, json))
}

/// Whether the hooks, which look for lines, find what is in it.
fn has_its_lines(all: &Value, json: &str) -> bool {
    let heads = |key: &str, after: &str| {
        let keys = all.get(key).and_then(Value::as_object).into_iter().flatten();
        let head = |key: &String| Some(format!("{}:{after}", ascii(key).ok()?));
        keys.filter_map(|(key, _)| head(key)).collect::<Vec<_>>()
    };
    let first = json.trim_start().lines().next().unwrap_or_default();
    let environments = heads("environments", "{");
    let grants = heads("grants", "[");
    let mut wanted = environments.iter().chain(&grants);
    first.starts_with("{\"version\":")
        && first.contains("\"targets\":{")
        && wanted.all(|head| json.lines().any(|line| line.starts_with(head)))
}

/// What a file says of one environment.
fn part<'a>(all: Option<&'a Value>, name: &str) -> Option<Vec<(&'a str, &'a Value)>> {
    let all = all?;
    let mut part = vec![("version", all.get("version")?), ("deployment", all.get("deployment")?)];
    let environment = all.get("environments")?.get(name)?;
    part.push(("environment", environment));
    // What the hooks take for the environment of its target.
    part.push(("its target's", all.get("targets")?.get(environment.get("target")?.as_str()?)?));
    let prefix = format!("{name} ");
    let grants = all.get("grants")?.as_object()?.iter();
    part.extend(grants.filter_map(|(key, rows)| Some((key.strip_prefix(&prefix)?, rows))));
    Some(part)
}

/// Whether both are of the same `target.*` values, whatever those are.
fn same_keys(there: &Value, ours: &Value) -> bool {
    let keys =
        |values: &Value| values.as_object().map(|all| all.keys().cloned().collect::<Vec<_>>());
    keys(there) == keys(ours)
}

/// The `target.*` values that an environment was compiled for, where the hooks grant there.
fn values<'a>(part: &[(&str, &'a Value)]) -> Option<&'a Value> {
    let (_, environment) = part.iter().find(|(key, _)| *key == "environment")?;
    environment.get("values").filter(|_| environment.get("hook") == Some(&Value::Bool(true)))
}

/// JSON in ASCII, without `{` in any text.
fn ascii(value: &(impl Serialize + ?Sized)) -> io::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Ascii))?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for letter in fragment.chars() {
            if letter.is_ascii() && !matches!(letter, '{' | '\u{7f}') {
                writer.write_all(&[letter as u8])?;
            } else {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(text: &str) -> String {
        format!(
            "{HEAD}{{\"version\":1,\"deployment\":{},\"targets\":{{}}}}{FOOT}",
            ascii(text).unwrap()
        )
    }

    #[test]
    fn no_name_is_jinja_or_leaves_ascii() {
        insta::assert_snapshot!(
            ascii("{{ 1/0 }}{% endraw %}{# \"é💥\" \\ \n \u{7f}").unwrap(),
            @r#""\u007b\u007b 1/0 }}\u007b% endraw %}\u007b# \"\u00e9\ud83d\udca5\" \\ \n \u007f""#
        );
    }

    proptest! {
        #[test]
        fn what_jinja_makes_of_the_file_is_what_was_written(
            text in r#"(\PC|[{}%#"'\\]|\{% ?(end)?raw ?%\}|\n){0,20}"#,
        ) {
            let file = file(&text);
            let macro_called = format!("{file}{{{{ rolecall_access() }}}}");
            let rendered = minijinja::Environment::new().render_str(&macro_called, ()).unwrap();
            let json: Value = serde_json::from_str(&rendered).unwrap();
            prop_assert_eq!(&json["deployment"], &text);
            prop_assert_eq!(read(&file), Some(json));
        }
    }

    fn compiled(values: &[(&'static str, &str)], roles: &[&str]) -> String {
        let mut access = DbtAccess { deployment: "shop".to_owned(), ..DbtAccess::default() };
        let environment = Environment {
            target: "prod".to_owned(),
            dialect: DialectKind::Postgres,
            hook: true,
            values: values.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
            instance: None,
            roles: BTreeMap::new(),
        };
        access.environments.insert("prod".to_owned(), environment);
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let row = (vec![ObjectClass::Table], vec![Privilege::SELECT], roles);
        access.grants.insert(("prod".to_owned(), "model.shop.a".to_owned()), vec![row]);
        access.text().unwrap()
    }

    #[test]
    fn a_file_that_the_hooks_read_otherwise_is_old() {
        let good = compiled(&[], &["analyst"]);
        let value = read(&good).unwrap();
        assert!(value["grants"]["prod model.shop.a"].is_array());
        // The hooks take the first of two lines, JSON the last.
        let line = good.lines().find(|line| line.contains("model.shop.a")).unwrap();
        let wide = line.replace("analyst", "everybody");
        assert_eq!(read(&good.replace(line, &format!("{wide},\n{line}"))), None);
        // Laid out by a formatter, no line is found.
        let json = serde_json::to_string_pretty(&value).unwrap();
        assert_eq!(read(&format!("{HEAD}{json}{FOOT}")), None);
        let (there, ours) = (compiled(&[("schema", "a")], &["x"]), compiled(&[], &["x"]));
        let part_of = |file: &str| {
            let all = read(file);
            part(all.as_ref(), "prod").as_deref().and_then(values).cloned()
        };
        let (there, ours) = (part_of(&there).unwrap(), part_of(&ours).unwrap());
        assert!(!same_keys(&there, &ours));
        let elsewhere = good.replace(r#""targets":{"prod":"prod"}"#, r#""targets":{"prod":"dev"}"#);
        assert_ne!(part(read(&elsewhere).as_ref(), "prod"), part(Some(&value), "prod"));
    }

    #[test]
    fn a_file_that_cannot_be_read_says_nothing() {
        for text in ["", "{% raw %}", "{% raw %}{{% endraw %}", "{}"] {
            assert_eq!(read(text), None, "{text}");
            assert!(DbtAccess::environments_of(text).is_empty());
        }
    }
}
