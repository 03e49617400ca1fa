//! Odd names and values.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

/// Names and values that have ended other programs.
const ODD: &[&str] = &[
    "",
    " ",
    "\0",
    "a\0b",
    "\"",
    "\"\"",
    "\"a",
    "'",
    "`",
    ";",
    "--",
    "/*",
    "$$",
    "\\",
    "\n",
    "\r\n",
    "\t",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{feff}",
    "🦀",
    "👩‍👩‍👧‍👦",
    "ünï",
    "İ",
    "ß",
    "ﬀ",
    "public",
    "PUBLIC",
    "none",
    "pg_x",
    "{{",
    "}}",
    "{{ product.name }}",
    "{% for x in range(99999999) %}a{% endfor %}",
    "{% raw %}",
    "{{ env.name.x.y }}",
    "a.b",
    "a.b.c",
    ".",
    "..",
    "../../x",
    "*",
    "path:**",
    "+a+",
    "@a",
    "1",
    "-1",
    "1e999",
    "NaN",
    "null",
    "true",
    "~",
    "&a",
    "*a",
    "<<",
    "!!binary x",
    "? ",
    "- ",
    ": ",
    "#",
    "|",
    ">",
    "%",
    "%YAML",
    "---",
    "...",
    "[",
    "]",
    "{",
    "}",
    "2027-13-45",
    "9999-12-31",
    "0000-00-00",
    "read",
    "own",
    "ALL",
    "select",
    "SELECT, INSERT",
    "nodes",
    "rolecall",
    "meta",
    "config",
    "grants",
];

pub fn odd() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(ODD).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => (select(ODD), 1..300usize).prop_map(|(odd, n)| odd.repeat(n)),
    ]
}

pub fn odd_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        odd().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((odd(), inner), 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}
