//! Rules mean what minijinja says, wherever nothing is missing and no types are mixed.

use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::prelude::*;

use super::rules::json;
use crate::directory::Rule;

/// A rule out of what rules have.
fn rule() -> impl Strategy<Value = String> {
    let text = prop::sample::select(vec!["'x'", "'y'", "\"z\""]);
    let number = prop::sample::select(vec!["1", "2", "-1", "1.5", "2.0"]);
    let is = prop::sample::select(vec!["==", "!="]);
    let order = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let within = prop::sample::select(vec!["in", "not in"]);
    let leaf = prop_oneof![
        (is.clone(), text.clone()).prop_map(|(op, v)| format!("user.t {op} {v}")),
        (is, text.clone()).prop_map(|(op, v)| format!("{v} {op} user['t']")),
        (order.clone(), number.clone()).prop_map(|(op, v)| format!("user.n {op} {v}")),
        (order, number.clone()).prop_map(|(op, v)| format!("{v} {op} user.n")),
        (within.clone(), text.clone(), text.clone())
            .prop_map(|(op, a, b)| format!("user.t {op} [{a}, {b}]")),
        (within.clone(), number.clone()).prop_map(|(op, a)| format!("user.n {op} ({a}, 7)")),
        (within, text).prop_map(|(op, v)| format!("{v} {op} user.l")),
        Just("user.b".to_owned()),
        Just("user.b == true".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} and {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} or {b}")),
            inner.clone().prop_map(|a| format!("not {a}")),
            inner.prop_map(|a| format!("({a})")),
        ]
    })
}

fn theirs(value: &serde_json::Value) -> minijinja::Value {
    use serde_json::Value as Json;
    match value {
        Json::Bool(truth) => (*truth).into(),
        Json::Number(number) => number.as_f64().unwrap().into(),
        Json::String(text) => text.clone().into(),
        Json::Array(items) => items.iter().map(theirs).collect::<Vec<_>>().into(),
        Json::Null | Json::Object(_) => minijinja::Value::UNDEFINED,
    }
}

proptest! {
    #[test]
    fn what_a_rule_says_is_what_minijinja_says(
        rule in rule(),
        people in prop::collection::vec((0..3_usize, -1..3_i32, any::<bool>(), 0..4_usize), 1..80),
    ) {
        let mut written = Vec::new();
        for (at, (t, n, b, l)) in people.iter().enumerate() {
            let mut person = BTreeMap::new();
            person.insert("name", serde_json::json!(format!("p{at}")));
            person.insert("t", serde_json::json!(["x", "y", "z"][*t]));
            person.insert("n", serde_json::json!(f64::from(*n) * 0.5));
            person.insert("b", serde_json::json!(b));
            person.insert("l", serde_json::json!(&["x", "y", "w"][..*l]));
            written.push(person);
        }
        let directory = json(&serde_json::to_string(&written).unwrap());
        let ours = directory.matching(&Rule::parse(&rule).unwrap());
        let environment = minijinja::Environment::new();
        let expression = environment.compile_expression(&rule).unwrap();
        let mut said = String::new();
        for (at, user) in written.iter().enumerate() {
            let user: BTreeMap<&str, minijinja::Value> =
                user.iter().map(|(name, value)| (*name, theirs(value))).collect();
            let user = minijinja::Value::from(user);
            let theirs = expression.eval(minijinja::context!(user)).unwrap().is_true();
            if theirs != ours.contains(&at) {
                writeln!(said, "{rule}: person {at}: minijinja says {theirs}").unwrap();
            }
        }
        prop_assert!(said.is_empty(), "{said}");
    }
}
