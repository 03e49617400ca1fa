//! `tests`, `checks`, `suppress` and `pii` as they are written.

use schemars::JsonSchema;

use crate::config::Located;
use crate::config::policy::{RawActors, RawResources};
use crate::config::raw::{Keys, Named};
use crate::config::reader::Reader;
use crate::config::tree::{Node, Value};
use crate::model::Place;

/// Who may what, demanded of effective access: exactly one of `never`, `always` and `at_most`.
#[derive(Debug, JsonSchema)]
#[schemars(
    deny_unknown_fields,
    rename = "test",
    extend("oneOf" = [{"required": ["never"]}, {"required": ["always"]}, {"required": ["at_most"]}])
)]
pub(in crate::config) struct RawTest {
    /// Its name, among all tests: a sentence.
    #[schemars(required, with = "String")]
    pub name: Option<Located<String>>,
    /// For people.
    pub description: Option<Located<String>>,
    /// None of them may.
    pub never: Option<RawTestBody>,
    /// All of them may, and a query could use it.
    pub always: Option<RawTestBody>,
    /// So many people at most.
    pub at_most: Option<RawTestBody>,
    /// Where it stands.
    #[schemars(skip)]
    pub place: Place,
}

/// Whom and what a test is about.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "test_body")]
pub(in crate::config) struct RawTestBody {
    /// How many people, with `at_most`.
    #[schemars(with = "Option<u64>")]
    pub people: Option<Located<u64>>,
    /// Of whom. Without it, of everybody.
    pub actors: Option<RawActors>,
    /// But not of these.
    pub except: Option<RawActors>,
    /// read, write, admin, own, or a raw privilege.
    #[schemars(required, with = "String")]
    pub may: Option<Located<String>>,
    /// On which nodes. Without it, on all.
    pub resources: Option<RawResources>,
    /// Only in these environments. Without it, in all.
    #[schemars(length(min = 1))]
    pub environments: Option<Vec<Located<String>>>,
    /// It is no mistake that it is about nobody, or about no node.
    pub may_match_nothing: Option<bool>,
    /// Where it stands.
    #[schemars(skip)]
    pub place: Place,
}

/// How loud one built-in check is.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "check")]
pub(in crate::config) struct RawCheck {
    /// error, warning or off.
    #[schemars(default, schema_with = "crate::config::schema::level")]
    pub severity: Option<Located<String>>,
    /// The same by environment.
    #[schemars(default, schema_with = "crate::config::schema::levels")]
    pub environments: Named<Option<Located<String>>>,
}

/// The built-in checks by code.
pub(in crate::config) type RawChecks = Named<RawCheck>;

/// A finding that somebody has looked at.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "suppression")]
pub(in crate::config) struct RawSuppression {
    /// The check's code.
    #[schemars(required, with = "String")]
    pub check: Option<Located<String>>,
    /// Only on this node.
    pub node: Option<Located<String>>,
    /// Only of this role: product.role, or its name in the warehouse.
    pub role: Option<Located<String>>,
    /// Only of this product.
    pub product: Option<Located<String>>,
    /// Only of this person.
    pub user: Option<Located<String>>,
    /// Only in these environments. Without it, in all.
    #[schemars(length(min = 1))]
    pub environments: Option<Vec<Located<String>>>,
    /// Why.
    #[schemars(required, with = "String")]
    pub reason: Option<Located<String>>,
    /// The last day (`2027-01-31`, in UTC) or the moment (`2027-01-31T18:00:00Z`) it holds.
    #[schemars(required, with = "String")]
    pub until: Option<Located<String>>,
    /// Where it stands.
    #[schemars(skip)]
    pub place: Place,
}

/// What is personal data here, and who may read it why.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "pii")]
pub(in crate::config) struct RawPii {
    /// Tags of nodes that hold it. Without it, pii.
    #[schemars(length(min = 1))]
    pub tags: Option<Vec<Located<String>>>,
    /// Tags of nodes that are made of it and hold none any more.
    pub cleaned: Option<Vec<Located<String>>>,
    /// Roles that may read it, and why.
    pub reasons: Option<Vec<RawPiiReason>>,
    /// Where it stands.
    #[schemars(skip)]
    pub place: Place,
}

/// Why a role may read personal data.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "pii_reason")]
pub(in crate::config) struct RawPiiReason {
    /// product.role, with `*` in place of either part, or a role's name in the warehouse.
    #[schemars(required, with = "String")]
    pub role: Option<Located<String>>,
    /// Only these nodes: dbt's selection.
    pub select: Option<Located<String>>,
    /// Why.
    #[schemars(required, with = "String")]
    pub reason: Option<Located<String>>,
    /// Where it stands.
    #[schemars(skip)]
    pub place: Place,
}

/// The keys of a test.
pub(in crate::config) const TEST: Keys =
    Keys { of: "a test", known: &["name", "description", "never", "always", "at_most"] };
/// The keys below `never`, `always` and `at_most`.
pub(in crate::config) const TEST_BODY: Keys = Keys {
    of: "a test's demand",
    known: &["people", "actors", "except", "may", "resources", "environments", "may_match_nothing"],
};
/// The keys of a check.
pub(in crate::config) const CHECK: Keys =
    Keys { of: "a check", known: &["severity", "environments"] };
/// The keys of a suppression.
pub(in crate::config) const SUPPRESSION: Keys = Keys {
    of: "a suppression",
    known: &["check", "node", "role", "product", "user", "environments", "reason", "until"],
};
/// The keys of `pii`.
pub(in crate::config) const PII: Keys =
    Keys { of: "`pii`", known: &["tags", "cleaned", "reasons"] };
/// The keys of a reason of `pii`.
pub(in crate::config) const REASON: Keys =
    Keys { of: "a reason of `pii`", known: &["role", "select", "reason"] };

const TEST_ACTORS: Keys = Keys { of: "a test's actors", ..crate::config::policy::ACTORS };
const TEST_RESOURCES: Keys = Keys { of: "a test's resources", ..crate::config::policy::RESOURCES };

/// The items of a list that are maps; anything else is said.
fn maps<'n>(reader: &mut Reader<'_>, node: &'n Node, key: &str, example: &str) -> Vec<&'n Node> {
    let items = reader.list(node, &format!("`{key}`"), |_| format!("{key}: [{example}]"));
    let mut all = Vec::new();
    for item in items.unwrap_or_default() {
        if let Value::Map(_) = item.value {
            all.push(item);
        } else {
            let message =
                format!("an entry of `{key}` must be a map, not {}", item.value.describe());
            reader.error(item, "wrong-type", message, format!("write - {example}"));
        }
    }
    all
}

impl RawTest {
    /// The items of `tests`.
    pub(in crate::config) fn read_all(reader: &mut Reader<'_>, node: &Node) -> Vec<Self> {
        let example = "{name: SENTENCE, never: {may: read, …}}";
        let items = maps(reader, node, "tests", example);
        items.into_iter().map(|item| Self::read(reader, item)).collect()
    }

    fn read(reader: &mut Reader<'_>, node: &Node) -> Self {
        let fields = reader.fields(node, &TEST);
        let mut body = |key: &str| fields.get(key).map(|node| RawTestBody::read(reader, node));
        let (never, always, at_most) = (body("never"), body("always"), body("at_most"));
        Self {
            name: reader.text(&fields, "name"),
            description: reader.text(&fields, "description"),
            never,
            always,
            at_most,
            place: reader.source.place(node),
        }
    }
}

impl RawTestBody {
    fn read(reader: &mut Reader<'_>, node: &Node) -> Self {
        let fields = reader.fields(node, &TEST_BODY);
        let mut actors =
            |key: &str| fields.get(key).map(|node| RawActors::read(reader, node, &TEST_ACTORS));
        let (actors, except) = (actors("actors"), actors("except"));
        let resources = fields.get("resources");
        Self {
            people: fields.get("people").and_then(|node| whole(reader, node)),
            actors,
            except,
            may: reader.text(&fields, "may"),
            resources: resources.map(|node| RawResources::read(reader, node, &TEST_RESOURCES)),
            environments: reader.texts(&fields, "environments"),
            may_match_nothing: reader.truth(&fields, "may_match_nothing"),
            place: reader.source.place(node),
        }
    }
}

fn whole(reader: &mut Reader<'_>, node: &Node) -> Option<Located<u64>> {
    let number = match &node.value {
        Value::Number(text) => text.parse().ok(),
        _ => None,
    };
    if number.is_none() {
        let message = format!("`people` must be a whole number, not {}", node.value.describe());
        reader.error(node, "wrong-type", message, "write people: 10".to_owned());
    }
    // It is written, only wrongly: not also missing.
    Some(Located { value: number.unwrap_or_default(), place: reader.source.place(node) })
}

/// `checks`: settings by code.
pub(in crate::config) fn read_checks(reader: &mut Reader<'_>, node: &Node) -> RawChecks {
    let entries = reader.entries(node, "`checks`");
    let read = |(name, node): (Located<String>, &Node)| {
        let fields = reader.fields(node, &CHECK);
        let inner = fields.get("environments");
        let inner = inner.map(|node| reader.entries(node, "`environments` of a check"));
        let inner = inner.unwrap_or_default().into_iter();
        let environments = inner.map(|(name, node)| (name, level(reader, node))).collect();
        let severity = fields.get("severity").and_then(|node| level(reader, node));
        (name, RawCheck { severity, environments: Named(environments) })
    };
    Named(entries.into_iter().map(read).collect())
}

/// A level as a text. Other readers of YAML take `off` for a truth value, and write it as one.
fn level(reader: &mut Reader<'_>, node: &Node) -> Option<Located<String>> {
    let value = match &node.value {
        Value::Text(text) => text.clone(),
        Value::Bool(false) => "off".to_owned(),
        other => {
            let message = format!("a severity must be a word, not {}", other.describe());
            reader.error(node, "wrong-type", message, "write error, warning or off".to_owned());
            return None;
        }
    };
    Some(Located { value, place: reader.source.place(node) })
}

impl RawSuppression {
    /// The items of `suppress`.
    pub(in crate::config) fn read_all(reader: &mut Reader<'_>, node: &Node) -> Vec<Self> {
        let example = "{check: CODE, node: NAME, reason: WHY, until: 2027-01-31}";
        let items = maps(reader, node, "suppress", example);
        let read = |node: &Node| {
            let fields = reader.fields(node, &SUPPRESSION);
            Self {
                check: reader.text(&fields, "check"),
                node: reader.text(&fields, "node"),
                role: reader.text(&fields, "role"),
                product: reader.text(&fields, "product"),
                user: reader.text(&fields, "user"),
                environments: reader.texts(&fields, "environments"),
                reason: reader.text(&fields, "reason"),
                until: reader.text(&fields, "until"),
                place: reader.source.place(node),
            }
        };
        items.into_iter().map(read).collect()
    }
}

impl RawPii {
    pub(in crate::config) fn read(reader: &mut Reader<'_>, node: &Node) -> Self {
        let fields = reader.fields(node, &PII);
        let reasons = fields.get("reasons").map(|node| {
            let example = "{role: product.role, reason: WHY}";
            let items = maps(reader, node, "reasons", example);
            let read = |node: &Node| {
                let fields = reader.fields(node, &REASON);
                RawPiiReason {
                    role: reader.text(&fields, "role"),
                    select: reader.text(&fields, "select"),
                    reason: reader.text(&fields, "reason"),
                    place: reader.source.place(node),
                }
            };
            items.into_iter().map(read).collect()
        });
        Self {
            tags: reader.texts(&fields, "tags"),
            cleaned: reader.texts(&fields, "cleaned"),
            reasons,
            place: reader.source.place(node),
        }
    }
}
