//! From YAML nodes to what the raw types hold: every wrong key and wrong type, each with its place.

use super::Located;
use super::tree::{Node, QUOTE_TEMPLATES, Source, Value, shorten};
use crate::model::diagnostic::nearest;
use crate::model::{Diagnostic, Diagnostics, Place};

/// The keys of one level of a file.
pub(super) struct Keys {
    /// What has these keys, for messages: `an environment`.
    pub of: &'static str,
    /// The keys.
    pub known: &'static [&'static str],
}

/// Reads one file's nodes and collects what is wrong with them.
pub(super) struct Reader<'t> {
    /// The file.
    pub source: &'t Source<'t>,
    /// What was wrong so far.
    pub diagnostics: &'t mut Diagnostics,
}

/// A key of a map, and its value.
pub(super) type Entry<'n> = (Located<String>, &'n Node);

/// The entries of a map whose keys are fixed: each known one at most once.
pub(super) struct Fields<'n>(Vec<Entry<'n>>);

impl<'n> Fields<'n> {
    /// The value of `key`, where it is written.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.0.iter().find(|(name, _)| name.value == key).map(|(_, node)| *node)
    }
}

impl Reader<'_> {
    /// Adds what is wrong at a node.
    pub fn error(&mut self, node: &Node, code: &'static str, message: String, help: String) {
        let place = self.source.place(node);
        self.diagnostics.push(Diagnostic::error(code, message).with_help(help).with_place(place));
    }

    /// The entries of a map whose keys are fixed. Unknown and misplaced keys are errors.
    pub fn fields<'n>(&mut self, node: &'n Node, keys: &Keys) -> Fields<'n> {
        let mut fields = self.entries(node, keys.of);
        fields.retain(|(key, _)| {
            let known = keys.known.contains(&key.value.as_str());
            if !known {
                self.diagnostics.push(unknown_key(key, keys));
            }
            known
        });
        Fields(fields)
    }

    /// The entries of a map whose keys are names. Nothing at all counts as an empty map.
    pub fn entries<'n>(&mut self, node: &'n Node, what: &str) -> Vec<Entry<'n>> {
        let pairs = match &node.value {
            Value::Map(pairs) => pairs,
            Value::Null => return Vec::new(),
            other => {
                let message =
                    format!("{what} must be a map of keys and values, not {}", other.describe());
                self.error(node, "wrong-type", message, "write `key: value` lines".to_owned());
                return Vec::new();
            }
        };
        let mut entries: Vec<Entry<'n>> = Vec::with_capacity(pairs.len());
        let mut seen = std::collections::HashMap::with_capacity(pairs.len());
        for (key, value) in pairs {
            let Value::Text(name) = &key.value else {
                let (message, help) = match &key.value {
                    Value::Map(_) => (
                        format!("a key of {what} must be text, not a map"),
                        QUOTE_TEMPLATES.to_owned(),
                    ),
                    Value::Number(text) => (
                        format!("a key of {what} must be text, not the number {text}"),
                        format!("put it in quotes: \"{text}\":"),
                    ),
                    other => (
                        format!("a key of {what} must be text, not {}", other.describe()),
                        "put it in quotes".to_owned(),
                    ),
                };
                self.error(key, "key-not-text", message, help);
                continue;
            };
            let place = self.source.place(key);
            if let Some(first) = seen.get(name.as_str()) {
                let first: &Place = first;
                self.diagnostics.push(said_twice(&format!("the key `{name}`"), place, first));
                continue;
            }
            seen.insert(name.as_str(), place.clone());
            entries.push((Located { value: name.clone(), place }, value));
        }
        entries
    }

    /// A text. A number or a truth value is not quietly made one: `1.10` would become `1.1`.
    pub fn text(&mut self, fields: &Fields<'_>, key: &str) -> Option<Located<String>> {
        let node = fields.get(key)?;
        self.text_of(node, &format!("`{key}`"))
    }

    /// A list of texts; nothing at all counts as an empty one.
    pub fn texts(&mut self, fields: &Fields<'_>, key: &str) -> Option<Vec<Located<String>>> {
        let node = fields.get(key)?;
        let items = self.list(node, &format!("`{key}`"), |item| format!("{key}: [{item}]"))?;
        Some(
            items
                .iter()
                .filter_map(|item| self.text_of(item, &format!("an entry of `{key}`")))
                .collect(),
        )
    }

    /// The items of a list; nothing at all counts as an empty one. `example` shows how one item
    /// would be written.
    pub fn list<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        example: impl Fn(&str) -> String,
    ) -> Option<&'n [Node]> {
        match &node.value {
            Value::List(items) => return Some(items),
            Value::Null => return Some(&[]),
            Value::Text(text) => {
                let message = format!("{what} must be a list, not the text {}", shorten(text));
                self.error(node, "wrong-type", message, format!("write {}", example(text)));
            }
            other => {
                let message = format!("{what} must be a list, not {}", other.describe());
                self.error(node, "wrong-type", message, format!("write {}", example("…")));
            }
        }
        None
    }

    /// `true` or `false`.
    pub fn truth(&mut self, fields: &Fields<'_>, key: &str) -> Option<bool> {
        let node = fields.get(key)?;
        if let Value::Bool(value) = node.value {
            return Some(value);
        }
        let message = format!("`{key}` must be true or false, not {}", node.value.describe());
        self.error(node, "wrong-type", message, format!("write {key}: true or {key}: false"));
        None
    }

    /// A text of its own, not only white space.
    fn text_of(&mut self, node: &Node, what: &str) -> Option<Located<String>> {
        let (message, help) = match &node.value {
            Value::Text(text) if text.trim().is_empty() => {
                (format!("{what} is empty"), "write it, or leave the key out".to_owned())
            }
            Value::Text(text) => {
                return Some(Located { value: text.clone(), place: self.source.place(node) });
            }
            Value::Null => {
                (format!("{what} has no value"), "write one, or leave the key out".to_owned())
            }
            Value::Map(pairs)
                if pairs.iter().any(|(key, _)| matches!(key.value, Value::Map(_))) =>
            {
                (format!("{what} must be text, not a map"), QUOTE_TEMPLATES.to_owned())
            }
            Value::Number(text) => (
                format!("{what} must be text, not the number {text}"),
                format!("put it in quotes: \"{text}\""),
            ),
            other => (
                format!("{what} must be text, not {}", other.describe()),
                "write text; in quotes where YAML would read something else".to_owned(),
            ),
        };
        self.error(node, "wrong-type", message, help);
        None
    }
}

/// `version`, a whole number from 1 on.
pub(super) fn read_version(reader: &mut Reader<'_>, node: Option<&Node>) -> Option<Located<u32>> {
    let node = node?;
    let place = reader.source.place(node);
    match &node.value {
        Value::Number(text) if text.parse::<u32>().is_ok_and(|version| version > 0) => {
            Some(Located { value: text.parse().unwrap_or_default(), place })
        }
        other => {
            let message = format!("`version` must be the number 1, not {}", other.describe());
            reader.error(node, "wrong-type", message, "write version: 1".to_owned());
            // It is written, only wrongly: not also missing.
            Some(Located { value: 1, place })
        }
    }
}

/// Something that must be said once and was said again.
pub(super) fn said_twice(what: &str, again: Place, first: &Place) -> Diagnostic {
    Diagnostic::error("said-twice", format!("{what} is said twice"))
        .with_help("keep one of the two")
        .with_place(again)
        .with_also(first.clone(), "first said here")
}

/// `did you mean …`, where something is near, and the words that are known.
pub(crate) fn suggest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
    otherwise: &str,
) -> String {
    let list: Vec<String> = known.clone().into_iter().map(|word| format!("`{word}`")).collect();
    let known_words = match list.as_slice() {
        [] => otherwise.to_owned(),
        // A hundred products are not a help.
        [..] if list.len() > 12 => format!("known are {} and more", list[..12].join(", ")),
        [..] => format!("known are {}", list.join(", ")),
    };
    match nearest(given, known) {
        Some(near) => format!("did you mean `{near}`? {known_words}"),
        None => known_words,
    }
}

fn unknown_key(key: &Located<String>, keys: &Keys) -> Diagnostic {
    let name = key.value.as_str();
    let of = keys.of;
    let diagnostic = if let Some(belongs) =
        belongs(name).filter(|_| !is_known_in_the_other_number(name, keys))
    {
        Diagnostic::error("misplaced-key", format!("`{name}` may not stand in {of}"))
            .with_help(belongs)
    } else {
        Diagnostic::error("unknown-key", format!("{of} has no key `{}`", printable(name)))
            .with_help(suggest(name, keys.known.iter().copied(), "it has none"))
    };
    diagnostic.with_place(key.place.clone())
}

/// `user` where `users` is known: a slip of the pen, not a thing that belongs elsewhere.
fn is_known_in_the_other_number(name: &str, keys: &Keys) -> bool {
    let same = |known: &&str| {
        known.strip_suffix('s') == Some(name) || name.strip_suffix('s') == Some(known)
    };
    keys.known.iter().any(same)
}

/// A name inside backticks: without what would break the line.
pub(super) fn printable(name: &str) -> String {
    let escaped = name.escape_debug().to_string();
    if escaped.chars().count() > 60 {
        format!("{}…", escaped.chars().take(60).collect::<String>())
    } else {
        escaped
    }
}

/// Where a word of the configuration belongs.
pub(super) fn belongs(word: &str) -> Option<&'static str> {
    Some(match word {
        "members" | "member" | "users" | "user" | "groups" | "group" | "rules" | "rule"
        | "until" | "reason" | "approved_by" | "approved_at" => {
            "members stand only in rolecall/members/<product>.yml, which the product's owner keeps"
        }
        "version" => "`version` stands at the top of rolecall.yml",
        "environments"
        | "product_roles"
        | "products"
        | "packages"
        | "deployment"
        | "dialect"
        | "approved_plans"
        | "policies"
        | "platform_policies"
        | "break_glass"
        | "directory"
        | "warn_before"
        | "playbooks"
        | "playbook_vars"
        | "playbook_environments"
        | "admin_role"
        | "tests"
        | "checks"
        | "suppress"
        | "pii"
        | "compat" => "it stands at the top of rolecall.yml or of a file in rolecall/platform/",
        "role_name" | "user_name" | "group_name" | "promote_from" | "protected" | "valid_for"
        | "deploy_role" | "parent_role" | "role_kind" | "target" | "hook" | "connection" => {
            "it belongs to an environment, in rolecall.yml or rolecall/platform/"
        }
        "may" | "warehouses" => {
            "it belongs to a product role, in rolecall.yml or rolecall/platform/"
        }
        "owners" | "outputs" | "title" | "offers" | "domain" => {
            "it belongs to a product, in rolecall.yml or rolecall/platform/"
        }
        "grants" => "grants stand beside the model: config.meta.rolecall.grants",
        _ => return None,
    })
}
