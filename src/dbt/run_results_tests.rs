//! Run results of each version, and files that are none.

use std::path::Path;

use serde_json::{Value, json};

use super::{Manifest, read_manifest, read_run_results};

const MANIFEST: &[u8] = include_bytes!("../../dbt_fixtures/selection/manifest.json");

/// Written by the run `one` at noon.
fn manifest() -> Manifest {
    let mut manifest = read_manifest(MANIFEST, Path::new("manifest.json")).0.unwrap();
    manifest.metadata.invocation_id = Some("one".into());
    manifest.metadata.generated_at = Some("2026-11-22T12:00:00.5Z".into());
    manifest
}

fn results(which: &str, run: &str, at: &str, results: &[(&str, &str)]) -> Value {
    let results = results.iter().map(|(unique_id, status)| {
        json!({"unique_id": unique_id, "status": status, "timing": [], "adapter_response": {"x": [1]}})
    });
    json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",
            "dbt_version": "1.11.16", "generated_at": at, "invocation_id": run, "env": {},
        },
        "results": results.collect::<Vec<_>>(), "elapsed_time": 1.5, "args": {"which": which, "vars": {}},
    })
}

fn read(bytes: &[u8]) -> String {
    let (built, found) = read_run_results(
        bytes,
        Path::new("run_results.json"),
        &manifest(),
        Path::new("manifest.json"),
        "prod",
    );
    let mut lines: Vec<String> = found
        .sorted()
        .into_iter()
        .map(|one| format!("{}: {} ({})", one.code, one.message, one.help.unwrap_or_default()))
        .collect();
    if let Some(built) = built {
        let list = |nodes: &std::collections::BTreeSet<String>| {
            nodes.iter().cloned().collect::<Vec<_>>().join(" ")
        };
        lines.push(format!("built: {}", list(&built.nodes)));
        lines.extend(built.not.iter().map(|(word, nodes)| format!("{word}: {}", list(nodes))));
    }
    lines.join("\n")
}

fn said(results: &Value) -> String {
    read(results.to_string().as_bytes())
}

const NOON: &str = "2026-11-22T12:00:07.250000Z";

#[test]
fn what_was_built_is_told_from_what_was_not() {
    insta::assert_snapshot!(said(&results("build", "one", NOON, &[
        ("model.shop.fct_orders", "success"),
        ("seed.shop.status", "success"),
        ("snapshot.shop.orders_snapshot", "error"),
        ("model.shop.revenue", "skipped"),
        ("model.shop.stg_orders", "partial success"),
        ("model.shop.revenue_by_month", "reused"),
        ("model.shop.dim_customers.v2", "no-op"),
        ("model.shop.dim_customers.v1", "a word of a later dbt"),
        ("test.shop.prices_match_orders", "fail"),
        ("unit_test.shop.product_prices.prices_are_kept", "pass"),
        ("operation.shop.shop-on-run-end-0", "success"),
    ])), @r"
built: model.shop.fct_orders seed.shop.status
a word of a later dbt: model.shop.dim_customers.v1
error: snapshot.shop.orders_snapshot
no-op: model.shop.dim_customers.v2
partial success: model.shop.stg_orders
reused: model.shop.revenue_by_month
skipped: model.shop.revenue
");
}

#[test]
fn results_of_another_run_are_only_used_where_they_are_newer() {
    let one = [("model.shop.fct_orders", "success")];
    insta::assert_snapshot!(said(&results("run", "two", "2026-11-22T12:00:00.49Z", &one)), @"stale-run-results: it is older than manifest.json, which another dbt command wrote since (use it straight after the run that wrote it, before any other dbt command; or keep that run's manifest.json beside it, and name that with --manifest)");
    insta::assert_snapshot!(said(&results("run", "two", "2026-11-22T12:00:00.500000+00:00", &one)), @r"
other-invocation: manifest.json was not written by the run that wrote these results (what nodes that are gone have left stays; name that run's manifest with --manifest)
built: model.shop.fct_orders
");
    insta::assert_snapshot!(said(&results("run", "two", "yesterday", &one)), @r"
other-invocation: manifest.json was not written by the run that wrote these results (what nodes that are gone have left stays; name that run's manifest with --manifest)
built: model.shop.fct_orders
");
}

#[test]
fn results_of_another_target_are_refused() {
    let mut of = results("run", "one", NOON, &[("model.shop.fct_orders", "success")]);
    of["args"]["target"] = json!("dev");
    insta::assert_snapshot!(said(&of), @"other-target: the run built the target dev, and access is of prod (give the same --target to dbt and to rolecall)");
    for same in [json!("prod"), json!(null), json!("")] {
        of["args"]["target"] = same;
        assert_eq!(said(&of), "built: model.shop.fct_orders");
    }
}

#[test]
fn results_of_another_project_are_refused() {
    let other = [("model.other.a", "success"), ("model.other.b", "error")];
    insta::assert_snapshot!(said(&results("run", "one", NOON, &other)), @"other-run-results: the manifest does not know model.other.a and 1 more, which the run names, nor any node of it (give the manifest and the run results of one and the same dbt run)");
    let both = [("model.shop.fct_orders", "success"), ("model.shop.gone", "success")];
    insta::assert_snapshot!(said(&results("run", "one", NOON, &both)), @r"
unknown-result: the manifest does not know model.shop.gone, which the run names (their access stays as it is)
built: model.shop.fct_orders
");
    insta::assert_snapshot!(said(&results("run", "one", NOON, &[])), @"built:");
}

#[test]
fn a_command_that_builds_nothing_is_refused() {
    let one = [("model.shop.fct_orders", "success")];
    for which in ["compile", "generate", "test", "freshness", "list", "run-operation"] {
        assert!(said(&results(which, "one", NOON, &one)).starts_with("nothing-built"), "{which}");
    }
    let mut old = results("run", "one", NOON, &one);
    old.as_object_mut().unwrap().remove("args");
    insta::assert_snapshot!(said(&old), @"nothing-built: it does not say which of dbt's commands wrote it (without `args.which` it could be of `dbt compile`, which builds nothing: give the nodes with --select or --nodes)");
}

#[test]
fn what_is_no_run_results_is_refused() {
    let whole = results("run", "one", NOON, &[("model.shop.fct_orders", "success")]).to_string();
    insta::assert_snapshot!(read(&whole.as_bytes()[..whole.len() / 2]), @"not-run-results: the file ends in the middle, after 175 bytes: EOF while parsing a string (dbt may still be writing it, or was stopped; run it again)");
    insta::assert_snapshot!(read(b""), @"not-run-results: the file ends in the middle, after 0 bytes: EOF while parsing a value (dbt may still be writing it, or was stopped; run it again)");
    insta::assert_snapshot!(read(b"results: []"), @"not-run-results: it is not JSON: expected value (name the run_results.json that `dbt build` or `dbt run` wrote, by default target/run_results.json)");
    insta::assert_snapshot!(read(b"[]"), @"not-run-results: it is not as dbt writes it: invalid length 0, expected struct Raw with 3 elements (name the run_results.json that `dbt build` or `dbt run` wrote, by default target/run_results.json)");
    insta::assert_snapshot!(read(b"{}"), @"not-run-results: it does not say that it is dbt's run_results.json (name the run_results.json that `dbt build` or `dbt run` wrote, by default target/run_results.json)");
    insta::assert_snapshot!(read(MANIFEST), @"not-run-results: it is dbt's manifest, and not its run_results.json (name the run_results.json that `dbt build` or `dbt run` wrote, by default target/run_results.json)");
    insta::assert_snapshot!(read(whole.replace("\"success\"", "1").as_bytes()), @"not-run-results: it is not as dbt writes it: invalid type: integer `1`, expected a string (name the run_results.json that `dbt build` or `dbt run` wrote, by default target/run_results.json)");
    insta::assert_snapshot!(read(whole.replace("\"results\"", "\"result\"").as_bytes()), @"not-run-results: it has no `results` (name the run_results.json that `dbt build` or `dbt run` wrote, by default target/run_results.json)");
    insta::assert_snapshot!(read(&[0xff, 0xfe, 0x7b, 0]), @"not-run-results: it is not JSON: expected value (name the run_results.json that `dbt build` or `dbt run` wrote, by default target/run_results.json)");
}

#[test]
fn no_cut_of_the_file_panics_or_passes() {
    let whole = results("run", "one", NOON, &[("model.shop.fct_orders", "success")]).to_string();
    for end in 0..whole.len() {
        assert!(!read(&whole.as_bytes()[..end]).contains("built:"), "{end}");
    }
}
