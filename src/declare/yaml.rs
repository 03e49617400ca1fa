//! YAML with the place of every value, for saying where something stands. Never for its meaning:
//! what dbt made of it is in the manifest.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// Values looked at before giving up: aliases can make a small file endless.
const FUEL: u32 = 20_000;

/// A value and where it starts.
#[derive(Debug, Clone)]
pub(super) struct Yaml {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    kind: Arc<Kind>,
}

#[derive(Debug)]
enum Kind {
    Text { text: String, plain: bool },
    List(Vec<Yaml>),
    Map(Vec<(Yaml, Yaml)>),
}

/// A collection that is being read: its own place, what is in it, and its anchor.
struct Open {
    line: u32,
    column: u32,
    anchor: usize,
    is_map: bool,
    values: Vec<Yaml>,
}

/// Reads the first document; `None` where it is not YAML.
pub(super) fn parse(text: &str) -> Option<Yaml> {
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, Yaml> = HashMap::new();
    for next in Parser::new_from_str(text) {
        let (event, span) = next.ok()?;
        let line = u32::try_from(span.start.line()).ok()?;
        let column = u32::try_from(span.start.col()).ok()?.checked_add(1)?;
        let (value, anchor) = match event {
            Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) => {
                let is_map = matches!(event, Event::MappingStart(..));
                open.push(Open { line, column, anchor, is_map, values: Vec::new() });
                continue;
            }
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                (scalar(line, column, text.into_owned(), plain), anchor)
            }
            Event::Alias(anchor) => {
                let nothing = || scalar(line, column, String::new(), true);
                (anchors.get(&anchor).cloned().unwrap_or_else(nothing), 0)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { line, column, anchor, is_map, values } = open.pop()?;
                let kind =
                    Arc::new(if is_map { Kind::Map(pairs(values)) } else { Kind::List(values) });
                (Yaml { line, column, kind }, anchor)
            }
            Event::DocumentEnd => return None,
            _ => continue,
        };
        if anchor != 0 {
            anchors.insert(anchor, value.clone());
        }
        match open.last_mut() {
            Some(collection) => collection.values.push(value),
            None => return Some(value),
        }
    }
    None
}

fn scalar(line: u32, column: u32, text: String, plain: bool) -> Yaml {
    Yaml { line, column, kind: Arc::new(Kind::Text { text, plain }) }
}

fn pairs(values: Vec<Yaml>) -> Vec<(Yaml, Yaml)> {
    let mut pairs = Vec::with_capacity(values.len() / 2);
    let mut values = values.into_iter();
    while let (Some(key), Some(value)) = (values.next(), values.next()) {
        pairs.push((key, value));
    }
    pairs
}

impl Yaml {
    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &*self.kind {
            Kind::Text { text, .. } => Some(text),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The values of a list; none for anything else.
    pub fn items(&self) -> &[Yaml] {
        match &*self.kind {
            Kind::List(items) => items,
            Kind::Text { .. } | Kind::Map(_) => &[],
        }
    }

    /// A key of a map and its value, merge keys (`<<`) included.
    pub fn get(&self, key: &str) -> Option<(&Yaml, &Yaml)> {
        self.find(key, &mut FUEL.clone())
    }

    fn find(&self, key: &str, fuel: &mut u32) -> Option<(&Yaml, &Yaml)> {
        *fuel = fuel.checked_sub(1)?;
        let Kind::Map(pairs) = &*self.kind else { return None };
        // The last of two equal keys wins in dbt.
        let own = pairs.iter().rev().find(|(k, _)| k.text() == Some(key));
        if let Some((key, value)) = own {
            return Some((key, value));
        }
        for (_, merged) in pairs.iter().filter(|(k, _)| k.text() == Some("<<")) {
            let one = std::slice::from_ref(merged);
            let all = if merged.items().is_empty() { one } else { merged.items() };
            for map in all {
                if let Some(found) = map.find(key, fuel) {
                    return Some(found);
                }
            }
        }
        None
    }

    /// The value at the end of a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Yaml> {
        path.iter().try_fold(self, |value, key| value.get(key).map(|(_, value)| value))
    }

    /// As JSON, the way dbt's YAML reader sees it; `None` where that is too large or unusual.
    pub fn to_json(&self) -> Option<Value> {
        self.json(&mut FUEL.clone())
    }

    fn json(&self, fuel: &mut u32) -> Option<Value> {
        *fuel = fuel.checked_sub(1)?;
        match &*self.kind {
            Kind::Text { text, plain } => {
                Some(if *plain { plain_value(text) } else { text.as_str().into() })
            }
            Kind::List(items) => items.iter().map(|item| item.json(fuel)).collect(),
            Kind::Map(pairs) => {
                let mut object = Map::new();
                for (key, value) in pairs {
                    let (key, value) = (key.text()?, value.json(fuel)?);
                    if key == "<<" {
                        for map in if let Value::Array(maps) = value { maps } else { vec![value] } {
                            for (key, value) in map.as_object()? {
                                object.entry(key.clone()).or_insert_with(|| value.clone());
                            }
                        }
                    } else {
                        object.insert(key.to_owned(), value);
                    }
                }
                Some(Value::Object(object))
            }
        }
    }
}

/// A scalar without quotes, by the rules of YAML 1.1, which dbt's reader follows. Numbers other
/// than plain integers stay text: a comparison with them fails, and nothing is claimed.
fn plain_value(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Value::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        _ if !text.starts_with('0') => {
            text.parse::<i64>().map_or_else(|_| text.into(), Value::from)
        }
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_places_and_aliases_keep_that_of_their_anchor() {
        let text = "a: &x\n  grants: {analyst: [read]}\nb:\n  <<: *x\n  c: *x\n";
        let yaml = parse(text).unwrap();
        let (key, _) = yaml.at(&["b"]).unwrap().get("grants").unwrap();
        assert_eq!((key.line, key.column), (2, 3));
        let (key, _) = yaml.at(&["b", "c", "grants"]).unwrap().get("analyst").unwrap();
        assert_eq!((key.line, key.column), (2, 12));
        let json = yaml.at(&["b"]).unwrap().to_json().unwrap();
        assert_eq!(json["grants"]["analyst"][0], "read");
    }

    #[test]
    fn what_is_no_yaml_or_has_no_end_is_nothing() {
        for text in ["", "a: [", "\t- x: y: z", "--- \n...\n"] {
            assert!(parse(text).and_then(|y| y.get("a").map(drop)).is_none(), "{text:?}");
        }
        let mut bomb = String::from("a0: &a0 [x]\n");
        for n in 1..40 {
            bomb += &format!("a{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1);
        }
        assert_eq!(parse(&bomb).unwrap().to_json(), None);
        assert!(parse(&"[".repeat(100_000)).is_none());
    }
}
