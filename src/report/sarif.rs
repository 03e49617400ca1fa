//! SARIF 2.1.0: what tests and checks found, for code scanning. Only the parts of the standard that hold
//! something here.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::checks::{Report, Shown};
use crate::check::{self, ACCESS_TEST};
use crate::config::checks::Level;
use crate::model::{Diagnostic, Place, Severity};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The fingerprint's name: its number changes when what it is made of does.
const FINGERPRINT: &str = "rolecallFinding/v1";

/// The log. `file` says what the repository calls a file.
pub fn log(report: &Report<'_>, file: &dyn Fn(&Path) -> String) -> Value {
    let shown = report.findings.iter().chain(&report.suppressed);
    let results: Vec<Value> = shown.map(|shown| result(shown, file)).collect();
    of(report.environment, results, &report.diagnostics, file)
}

/// The log of a run that found nothing to judge: only what is wrong.
pub fn failed(found: &[Diagnostic], file: &dyn Fn(&Path) -> String) -> Value {
    of("", Vec::new(), found, file)
}

/// Findings that are no check's, such as those of a change, each with a fingerprint of its own.
pub fn of_change(
    findings: &[Diagnostic],
    file: &dyn Fn(&Path) -> String,
    fingerprint: &dyn Fn(&Diagnostic) -> String,
) -> Value {
    let result = |it: &Diagnostic| {
        let mut result = bare(it, &[], file);
        result.insert("partialFingerprints".to_owned(), json!({ FINGERPRINT: fingerprint(it) }));
        Value::Object(result)
    };
    of("change", findings.iter().map(result).collect(), &[], file)
}

fn of(
    environment: &str,
    mut results: Vec<Value>,
    diagnostics: &[Diagnostic],
    file: &dyn Fn(&Path) -> String,
) -> Value {
    let mut rules = rules();
    // A result names its rule by place: one that no check has gets one by its code.
    for result in &mut results {
        let Some(result) = result.as_object_mut() else { continue };
        let id = result.get("ruleId").cloned().unwrap_or_default();
        let at = rules.iter().position(|rule| rule["id"] == id).unwrap_or_else(|| {
            rules.push(json!({ "id": id }));
            rules.len() - 1
        });
        result.insert("ruleIndex".to_owned(), json!(at));
    }
    let failed = diagnostics.iter().any(|it| it.severity == Severity::Error);
    let notifications = diagnostics.iter().map(|it| notification(it, file));
    let notifications: Vec<Value> = notifications.collect();
    let mut driver = json!({
        "name": "rolecall",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    let repository = env!("CARGO_PKG_REPOSITORY");
    if !repository.is_empty() {
        driver["informationUri"] = json!(repository);
    }
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "automationDetails": { "id": format!("rolecall/{environment}/") },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": !failed,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    })
}

fn rules() -> Vec<Value> {
    let mut rules = vec![rule(
        ACCESS_TEST,
        "An access test that fails",
        "What a test of rolecall.yml demands of effective access does not hold.",
        "Take the access away where it is given, or say in the test that it is meant.",
        None,
        Level::Error,
    )];
    for check in check::ALL {
        let page = check::page(check);
        let texts = (check.code, check.title, check.description, check.help);
        rules.push(rule(texts.0, texts.1, texts.2, texts.3, Some(page), check.level));
    }
    rules
}

fn rule(
    code: &str,
    title: &str,
    description: &str,
    help: &str,
    page: Option<String>,
    own: Level,
) -> Value {
    let mut rule = json!({
        "id": code,
        "shortDescription": { "text": title },
        "fullDescription": { "text": description },
        "help": { "text": help },
        "defaultConfiguration": { "level": own.as_str() },
        "properties": { "tags": ["security", "access"] },
    });
    if let Some(page) = page {
        rule["help"]["markdown"] = json!(page);
    }
    let repository = env!("CARGO_PKG_REPOSITORY");
    if !repository.is_empty() && code != ACCESS_TEST {
        rule["helpUri"] = json!(format!("{repository}/blob/main/docs/checks/{code}.md"));
    }
    rule
}

fn result(shown: &Shown<'_>, file: &dyn Fn(&Path) -> String) -> Value {
    let mut result = bare(shown.diagnostic, &shown.beside(), file);
    result.insert("partialFingerprints".to_owned(), json!({ FINGERPRINT: shown.fingerprint }));
    let suppressions = shown.suppressed.iter().map(|it| {
        let why = format!("{} (until {}, {})", it.reason, it.until, it.place);
        json!({ "kind": "external", "status": "accepted", "justification": why })
    });
    result.insert("suppressions".to_owned(), suppressions.collect());
    Value::Object(result)
}

fn bare(
    diagnostic: &Diagnostic,
    beside: &[String],
    file: &dyn Fn(&Path) -> String,
) -> Map<String, Value> {
    let mut text = vec![diagnostic.message.clone()];
    text.extend(beside.iter().cloned());
    text.extend(diagnostic.help.iter().map(|help| format!("help: {help}")));
    let mut result = Map::new();
    result.insert("ruleId".to_owned(), json!(diagnostic.code));
    result.insert("level".to_owned(), json!(level(diagnostic.severity)));
    result.insert("message".to_owned(), json!({ "text": text.join("\n") }));
    let node = diagnostic
        .node
        .as_ref()
        .map(|node| json!([{ "fullyQualifiedName": node, "kind": "resource" }]));
    if let Some(place) = &diagnostic.place {
        let mut location = json!({ "physicalLocation": physical(place, file) });
        if let Some(node) = node {
            location["logicalLocations"] = node;
        }
        result.insert("locations".to_owned(), json!([location]));
    } else if let Some(node) = node {
        result.insert("locations".to_owned(), json!([{ "logicalLocations": node }]));
    }
    if let Some((place, what)) = &diagnostic.also {
        let related = json!([{
            "id": 1,
            "physicalLocation": physical(place, file),
            "message": { "text": what },
        }]);
        result.insert("relatedLocations".to_owned(), related);
    }
    result
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn physical(place: &Place, file: &dyn Fn(&Path) -> String) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(&file(&place.file)) } });
    if let Some(line) = place.line {
        let mut region = json!({ "startLine": line });
        if let Some(column) = place.column {
            region["startColumn"] = json!(column);
        }
        if let Some(source) = &place.source {
            region["snippet"] = json!({ "text": source });
        }
        physical["region"] = region;
    }
    physical
}

fn notification(diagnostic: &Diagnostic, file: &dyn Fn(&Path) -> String) -> Value {
    let mut text = diagnostic.message.clone();
    if let Some(help) = &diagnostic.help {
        text.push_str(&format!("\nhelp: {help}"));
    }
    let mut notification = json!({
        "level": level(diagnostic.severity),
        "message": { "text": text },
        "associatedRule": { "id": diagnostic.code },
    });
    if let Some(place) = &diagnostic.place {
        notification["locations"] = json!([{ "physicalLocation": physical(place, file) }]);
    }
    notification
}

/// A path as a relative reference: what no path segment may hold is written in percent.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for (at, segment) in path.split('/').enumerate() {
        if at > 0 {
            out.push('/');
        }
        for byte in segment.bytes() {
            let plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=@".contains(&byte);
            match plain {
                true => out.push(char::from(byte)),
                false => out.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_relative_reference_whatever_it_is_called() {
        assert_eq!(uri("models/a b#c%/ü.yml"), "models/a%20b%23c%25/%C3%BC.yml");
        // A colon in the first segment would make it a scheme.
        assert_eq!(uri("c:/x.yml"), "c%3A/x.yml");
    }
}
