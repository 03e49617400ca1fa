//! People as JSON: a list of maps, as identity providers export them.

use serde_json::value::RawValue;

use super::build::{Builder, Origin};
use super::value::Number;
use super::{Directory, Value};
use crate::dbt::parse_strict_json;
use crate::model::Diagnostics;

/// Reads `[{"name": "jane", "department": "Sales", …}, …]`. `null` and an empty text are a missing
/// attribute.
pub(super) fn read(text: &str, origin: Origin, key: &str) -> Result<Directory, Diagnostics> {
    let mut builder = Builder::new(origin, key);
    let people: Vec<&RawValue> = match serde_json::from_str(text) {
        Ok(people) => people,
        Err(error) => {
            let line = u32::try_from(error.line()).ok().filter(|line| *line > 0);
            let help = "write a list of people: [{\"name\": \"jane\", \"department\": \"Sales\"}]";
            let what = match error.classify() {
                serde_json::error::Category::Data => "this is no list of people",
                _ => "this is not JSON that can be read",
            };
            builder.wrong(line, "directory-line", what, help);
            return builder.finish();
        }
    };
    let mut lines = Lines { text, at: 0, line: 1 };
    for person in people {
        let line = lines.of(person.get());
        let map = match parse_strict_json(person.get()) {
            Ok(serde_json::Value::Object(map)) => map,
            Ok(_) => {
                let help = "write {\"name\": \"jane\", …} for each person";
                builder.wrong(line, "directory-line", "this is no map of attributes", help);
                continue;
            }
            // What is wrong may be named by a key, which is no value of anybody.
            Err(why) => {
                builder.wrong(line, "directory-line", &why, "say each attribute once");
                continue;
            }
        };
        let name = map.get(key).and_then(value);
        if builder.person(line, name.as_ref()).is_none() {
            continue;
        }
        for (attribute, written) in &map {
            let column = builder.column(attribute);
            if let Some(value) = value(written) {
                builder.set(column, value);
            }
        }
    }
    builder.finish()
}

/// The value of an attribute; `None` where it is missing.
pub(super) fn value(written: &serde_json::Value) -> Option<Value> {
    use serde_json::Value as Json;
    Some(match written {
        Json::Null => return None,
        Json::Bool(truth) => Value::Truth(*truth),
        Json::Number(number) => Value::Number(
            number
                .as_i128()
                .map(Number::whole)
                .or_else(|| number.as_f64().and_then(Number::real))?,
        ),
        Json::String(text) => return Value::text(text),
        Json::Array(items) => {
            let items: Vec<Value> = items.iter().filter_map(value).collect();
            let is_plain = |item: &Value| !matches!(item, Value::List(_) | Value::Other);
            if items.iter().all(is_plain) { Value::List(items.into()) } else { Value::Other }
        }
        Json::Object(_) => Value::Other,
    })
}

/// Lines of parts of a text, asked for in their order.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl Lines<'_> {
    fn of(&mut self, part: &str) -> Option<u32> {
        // A part is borrowed from the text: its address says where it stands.
        let start = (part.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let between = self.text.get(self.at..start)?;
        let breaks = between.bytes().filter(|byte| *byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(breaks).ok()?);
        self.at = start;
        Some(self.line)
    }
}
