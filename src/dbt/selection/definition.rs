//! One definition of `selectors.yml`: what it selects.

use serde_json::Value as Json;

use super::method::Method;
use super::spec::{Criterion, Reach, Selector, SelectorError, Spec};
use super::text::criterion;
use super::yaml::{Entries, Reader, Selectors};
use crate::config::tree::{Node, Value};
use crate::model::Diagnostic;
use crate::model::diagnostic::nearest;

/// Far more parts than any selection needs.
const MOST_COPIED: usize = 100_000;

impl Reader<'_> {
    /// A definition: text, a map of one method, or a map that puts others together.
    pub fn definition(&mut self, node: &Node, top: bool, known: &Selectors) -> Option<Spec> {
        match &node.value {
            Value::Text(text) if is_template(text) => self.template(node),
            // dbt takes all of it for one criterion: it is not split at spaces and commas.
            Value::Text(text) => match criterion(text) {
                Ok(spec) => Some(spec),
                Err(SelectorError { message, help }) => {
                    self.error(node, message, help);
                    None
                }
            },
            Value::Map(_) => {
                let entries = self.entries(node, "a definition")?;
                let set = ["union", "intersection"]
                    .into_iter()
                    .find_map(|set| entries.iter().find(|(key, _)| *key == set));
                match set {
                    Some(_) if top && entries.len() > 1 => {
                        let message = "beside `union` or `intersection` stands something else";
                        self.error(node, message, "put an `exclude` inside the list");
                        None
                    }
                    Some((set, list)) => self.set(set, list, known),
                    None => self.one(node, &entries, known),
                }
            }
            other => {
                let message = format!("a definition cannot be {}", other.describe());
                self.error(node, message, "write a text, a method, `union` or `intersection`");
                None
            }
        }
    }

    fn template(&mut self, node: &Node) -> Option<Spec> {
        self.error(
            node,
            "Jinja in selectors.yml is left to dbt",
            "let dbt find the nodes: `dbt --quiet ls --selector NAME > nodes.txt`, then `--nodes nodes.txt`",
        );
        None
    }

    /// `union` and `intersection`, with at most one `exclude` among their parts.
    fn set(&mut self, set: &str, list: &Node, known: &Selectors) -> Option<Spec> {
        let items = self.list(set, list)?;
        let (mut parts, mut excluded, mut whole) = (Vec::new(), None, true);
        for item in items {
            let entries = match &item.value {
                Value::Map(_) => self.entries(item, "a part")?,
                _ => Vec::new(),
            };
            // As in dbt, a part with `exclude` in it is nothing but that.
            if let Some((_, list)) = entries.iter().find(|(key, _)| *key == "exclude") {
                if entries.len() > 1 {
                    self.error(
                        item,
                        format!("dbt takes a part of `{set}` with `exclude` in it for nothing but the exclusion"),
                        "write `- exclude: […]` as a part of its own",
                    );
                    whole = false;
                } else if excluded.is_some() {
                    self.error(
                        item,
                        format!("`{set}` has two `exclude`"),
                        "put both into one list",
                    );
                    whole = false;
                } else {
                    excluded = Some(self.excluded(list, known)?);
                }
                continue;
            }
            match self.definition(item, false, known) {
                Some(part) => parts.push(part),
                None => whole = false,
            }
        }
        if whole && parts.is_empty() {
            self.error(list, format!("`{set}` has no part"), "write what to select");
            whole = false;
        }
        let spec = if set == "union" { Spec::Union(parts) } else { Spec::Intersection(parts) };
        whole.then(|| without(spec, excluded.flatten()))
    }

    fn list<'n>(&mut self, key: &str, node: &'n Node) -> Option<&'n [Node]> {
        match &node.value {
            Value::List(items) => Some(items),
            other => {
                let message = format!("`{key}` must be a list, not {}", other.describe());
                self.error(node, message, "write its parts with `- ` before each");
                None
            }
        }
    }

    /// The outer `None` where it is wrong, the inner where the list is empty.
    fn excluded(&mut self, list: &Node, known: &Selectors) -> Option<Option<Spec>> {
        let items = self.list("exclude", list)?;
        let parts: Vec<Option<Spec>> =
            items.iter().map(|item| self.definition(item, false, known)).collect();
        let parts: Vec<Spec> = parts.into_iter().collect::<Option<_>>()?;
        Some((!parts.is_empty()).then_some(Spec::Union(parts)))
    }

    /// One criterion: `method: value`, or with all its keys.
    fn one(&mut self, node: &Node, entries: &Entries<'_>, known: &Selectors) -> Option<Spec> {
        let get = |wanted: &str| entries.iter().find(|(key, _)| *key == wanted).map(|(_, v)| *v);
        if let [(method, value)] = entries[..] {
            return self.criterion(value, method, Flags::default());
        }
        let (Some(method), Some(value)) = (get("method"), get("value")) else {
            let keys: Vec<&str> = entries.iter().map(|(key, _)| *key).collect();
            let message = format!("neither one key nor `method` and `value`: {}", keys.join(", "));
            self.error(
                node,
                message,
                "write `tag: nightly`, or `method: tag` and `value: nightly`",
            );
            return None;
        };
        let Value::Text(name) = &method.value else {
            let message = format!("`method` must be text, not {}", method.value.describe());
            self.error(method, message, "write one, such as `method: tag`");
            return None;
        };
        if name == "selector" {
            return self.inherited(value, known);
        }
        for (key, value) in entries {
            if !KEYS.contains(key) {
                self.found.push(
                    Diagnostic::warning(
                        "unknown-selector-key",
                        format!("dbt ignores `{key}` here"),
                    )
                    .with_place(self.source.place(value))
                    .with_help(match nearest(key, KEYS) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "take it out".to_owned(),
                    }),
                );
            }
        }
        let flags = Flags {
            childrens_parents: get("childrens_parents").is_some_and(truthy),
            parents: self.reach(get("parents"), get("parents_depth")),
            children: self.reach(get("children"), get("children_depth")),
        };
        let spec = self.criterion(value, name, flags);
        match get("exclude") {
            Some(list) => {
                let excluded = self.excluded(list, known)?;
                Some(without(spec?, excluded))
            }
            None => spec,
        }
    }

    /// What a selector above in the file selects.
    fn inherited(&mut self, value: &Node, known: &Selectors) -> Option<Spec> {
        let Value::Text(name) = &value.value else {
            self.error(value, "`value` must be a selector's name", "write the name of one above");
            return None;
        };
        match known.get(name) {
            Ok(Selector { spec }) => {
                // Each copies what it names: a few lines that name one another twice are without end.
                self.copied = self.copied.saturating_add(spec.parts());
                if self.copied > MOST_COPIED {
                    let message = "selectors that name one another make too large a selection";
                    self.error(value, message, "name each selector fewer times");
                    return None;
                }
                Some(spec.clone())
            }
            Err(SelectorError { message, help }) => {
                self.error(value, format!("{message} above this one"), help);
                None
            }
        }
    }

    fn criterion(&mut self, value: &Node, method: &str, flags: Flags) -> Option<Spec> {
        let json = match &value.value {
            Value::Text(text) if is_template(text) => return self.template(value),
            Value::Text(text) => Json::String(text.clone()),
            Value::Bool(flag) => Json::Bool(*flag),
            Value::Null => Json::Null,
            Value::Number(text) => serde_json::from_str(text).unwrap_or(Json::String(text.clone())),
            other => {
                let message = format!("`{method}` cannot be {}", other.describe());
                self.error(value, message, "write one value; several are a `union`");
                return None;
            }
        };
        if flags.childrens_parents && flags.children != Reach::Not {
            self.error(
                value,
                "`childrens_parents` and `children` are both said",
                "take one away: `childrens_parents` selects all children already",
            );
            return None;
        }
        match Method::with_value(method, json) {
            Ok(method) => {
                let Flags { childrens_parents, parents, children } = flags;
                Some(Spec::Criterion(Criterion { method, parents, children, childrens_parents }))
            }
            Err(SelectorError { message, help }) => {
                self.error(value, message, help);
                None
            }
        }
    }

    /// As in dbt, a depth of 0 is none at all.
    fn reach(&mut self, flag: Option<&Node>, depth: Option<&Node>) -> Reach {
        if !flag.is_some_and(truthy) {
            return Reach::Not;
        }
        let Some(depth) = depth else { return Reach::All };
        let steps = match &depth.value {
            Value::Null => Some(0),
            Value::Number(text) | Value::Text(text) => text.trim().parse::<usize>().ok(),
            _ => None,
        };
        match steps {
            Some(0) => Reach::All,
            Some(steps) => Reach::Steps(steps),
            None => {
                let message = format!("a depth cannot be {}", depth.value.describe());
                self.error(depth, message, "write how many steps, such as 2");
                Reach::All
            }
        }
    }
}

/// The keys of a criterion written in full.
const KEYS: [&str; 9] = [
    "method",
    "value",
    "parents",
    "parents_depth",
    "children",
    "children_depth",
    "childrens_parents",
    "exclude",
    // About tests alone, which have no access.
    "indirect_selection",
];

struct Flags {
    childrens_parents: bool,
    parents: Reach,
    children: Reach,
}

impl Default for Flags {
    fn default() -> Self {
        Self { childrens_parents: false, parents: Reach::Not, children: Reach::Not }
    }
}

fn without(spec: Spec, excluded: Option<Spec>) -> Spec {
    match excluded {
        Some(excluded) => Spec::Difference(Box::new(spec), Box::new(excluded)),
        None => spec,
    }
}

/// What Python takes for true; `no` and `off` are false in the YAML that dbt reads.
fn truthy(node: &Node) -> bool {
    match &node.value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(text) => text.parse::<f64>() != Ok(0.0),
        Value::Text(text) => !["", "no", "off"].iter().any(|word| text.eq_ignore_ascii_case(word)),
        Value::List(items) => !items.is_empty(),
        Value::Map(pairs) => !pairs.is_empty(),
    }
}

fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}
