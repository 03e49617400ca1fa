//! `config.a.b:value`, compared as Python compares what dbt holds.

use serde_json::Value;

/// What a Python dict answers to before its own keys.
const DICT: [&str; 11] = [
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];

/// Whether a node's config has a value at these keys. A list has it where one of its entries is it.
pub(super) fn config_matches(config: &Value, keys: &[String], wanted: &Value) -> bool {
    if keys.is_empty() {
        return false;
    }
    let mut at = config;
    for (depth, key) in keys.iter().enumerate() {
        let Value::Object(map) = at else { return false };
        // A method of the dict is found first, and equals nothing.
        if depth > 0 && DICT.contains(&key.as_str()) {
            return false;
        }
        let Some(value) = map.get(key) else { return false };
        at = value;
    }
    let any_case = keys == ["severity"];
    let says = |word: &str| python_text(wanted).eq_ignore_ascii_case(word);
    match at {
        Value::Array(items) => {
            items.iter().any(|item| equal(item, wanted, any_case))
                || says("true") && items.iter().any(|item| equal(item, &Value::Bool(true), false))
                || says("false") && items.iter().any(|item| equal(item, &Value::Bool(false), false))
        }
        value => {
            equal(value, wanted, any_case)
                || says("true") && *value == Value::Bool(true)
                || says("false") && *value == Value::Bool(false)
        }
    }
}

/// Python's `==`: numbers and truth values compare by their number.
fn equal(one: &Value, other: &Value, any_case: bool) -> bool {
    if let (Value::String(one), Value::String(other), true) = (one, other, any_case) {
        return one.to_uppercase() == other.to_uppercase();
    }
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one == other,
        _ => false,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Number(number) => number.as_f64(),
        _ => None,
    }
}

/// Python's `str()`, as far as it can read like `true` or `false`.
fn python_text(value: &Value) -> &str {
    match value {
        Value::String(text) => text,
        Value::Bool(true) => "True",
        Value::Bool(false) => "False",
        _ => "",
    }
}
