//! Hooks that grant. What they do is Jinja and SQL of whoever wrote it, run by dbt: nobody can tell to whom
//! they give what, so they are named.

use serde_json::Value;
use serde_json::value::RawValue;

use super::raw::{RawConfig, RawOperation};
use super::raw_value::Text;

/// Our own hook, by the way a project calls it: what it grants is declared.
const OURS: &str = "rolecall.grant_this";

/// The hooks of a node whose text speaks of granting.
pub(super) fn of_node(config: &RawConfig<'_>) -> Option<String> {
    let all = [config.pre_hook, config.post_hook, config.pre_hook_, config.post_hook_];
    let mut texts = Vec::new();
    for hooks in all.into_iter().flatten() {
        collect(hooks, &mut texts);
    }
    granting(texts)
}

/// One of `on-run-start` and `on-run-end`.
pub(super) fn of_run(operation: &RawOperation<'_>) -> Option<String> {
    let text = |text: &Text<'_>| match text {
        Text::Is(text) => Some(text.clone().into_owned()),
        _ => None,
    };
    granting(text(&operation.raw_code).or_else(|| text(&operation.raw_sql)).into_iter().collect())
}

fn granting(mut texts: Vec<String>) -> Option<String> {
    texts.retain(|text| speaks_of_granting(text));
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// Texts out of a hook however it is written: a text, `{sql: …}`, or a list of these.
fn collect(hooks: &RawValue, into: &mut Vec<String>) {
    fn texts(value: Value, into: &mut Vec<String>) {
        match value {
            Value::String(text) => into.push(text),
            Value::Array(all) => all.into_iter().for_each(|one| texts(one, into)),
            Value::Object(all) => all.into_iter().for_each(|(_, one)| texts(one, into)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    if let Ok(value) = serde_json::from_str(hooks.get()) {
        texts(value, into);
    }
}

/// The word, or a macro that is called after it (`grant_select(…)`).
fn speaks_of_granting(text: &str) -> bool {
    let text = text.to_lowercase().replace(OURS, "");
    text.match_indices("grant").any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(char::is_alphabetic)
    })
}

#[cfg(test)]
mod tests {
    use super::speaks_of_granting;

    #[test]
    fn a_hook_speaks_of_granting_by_a_statement_or_a_macro_and_ours_is_declared() {
        for yes in [
            "GRANT SELECT ON {{ this }} TO reporter",
            "{{ grant_select_on_schemas(schemas, 'reporter') }}",
            "begin;\ngrant usage on schema s to x",
            "{{ dbt_utils.grant_all() }}",
            "{{ my_grants() }}",
            "{{ rolecall.grant_this() }} grant select on x to y",
        ] {
            assert!(speaks_of_granting(yes), "{yes}");
        }
        for no in
            ["{{ rolecall.grant_this() }}", "insert into immigrants values (1)", "analyze", ""]
        {
            assert!(!speaks_of_granting(no), "{no}");
        }
    }
}
