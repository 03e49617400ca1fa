//! Reading a large manifest: 10,000 models and 20,000 tests, about 200 MB.
//!
//! `cargo bench --bench manifest` prints each way's best of five within one run and its ratio to
//! serde_json's skip alone, which no reader built on serde_json can beat. The design target for
//! ours is 1.6 times that. `ROLECALL_BENCH_MODELS` makes it smaller.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::de::IgnoredAny;

fn main() {
    let models = std::env::var("ROLECALL_BENCH_MODELS").map_or(10_000, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.json");
    write_manifest(&path, models);
    let bytes = std::fs::read(&path).unwrap();
    println!("{models} models, {} tests, {} MB", models * 2, bytes.len() / 1_000_000);

    // First, while freed memory of other ways cannot hide it.
    let before = resident();
    let manifest = rolecall::dbt::read_manifest(&bytes, &path).0.unwrap();
    println!(
        "{} nodes kept, resident memory grew by {} KB",
        manifest.nodes.len(),
        resident() - before
    );
    drop(manifest);

    let skip = best(|| serde_json::from_slice::<IgnoredAny>(&bytes).unwrap());
    let rows = [
        ("scan with memchr", best(|| memchr::memchr_iter(b'"', &bytes).count())),
        ("read the file", best(|| std::fs::read(&path).unwrap())),
        ("serde_json, skip alone", skip),
        ("read_manifest", best(|| rolecall::dbt::read_manifest(&bytes, &path).0.unwrap())),
        ("read_manifest_file", best(|| rolecall::dbt::read_manifest_file(&path).0.unwrap())),
        (
            "serde_json::Value",
            best(|| serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()),
        ),
    ];
    for (name, time) in rows {
        let ratio = time.as_secs_f64() / skip.as_secs_f64();
        println!("{name:24} {:8.1} ms  {ratio:6.2} × the skip", time.as_secs_f64() * 1e3);
    }
}

fn best<T>(mut run: impl FnMut() -> T) -> Duration {
    (0..5)
        .map(|_| {
            let start = Instant::now();
            let result = black_box(run());
            let time = start.elapsed();
            drop(result);
            time
        })
        .min()
        .unwrap_or_default()
}

/// In KB; 0 where the system does not say.
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn write_manifest(path: &Path, models: usize) {
    let mut out = BufWriter::new(std::fs::File::create(path).unwrap());
    let sql = "select\\n    o.order_id,\\n    o.\\\"amount\\\" * 1.19 as gross -- with tax\\nfrom orders o\\n".repeat(55);
    write!(out, r#"{{"metadata": {{"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "dbt_version": "1.11.2", "generated_at": "2026-11-22T00:00:00Z", "project_name": "shop", "adapter_type": "postgres", "quoting": {{"database": true, "schema": true, "identifier": true, "column": null}}}}, "nodes": {{"#).unwrap();
    for n in 0..models {
        if n > 0 {
            out.write_all(b", ").unwrap();
        }
        let columns: Vec<String> = (0..20)
            .map(|c| format!(r#""column_{c}": {{"name": "column_{c}", "description": "The {c}th thing that is known about an order of this kind", "meta": {{}}, "data_type": "numeric", "constraints": [], "quote": null, "config": {{"meta": {{}}, "tags": []}}, "tags": []}}"#))
            .collect();
        let block = if n % 3 == 0 {
            r#"{"rolecall": {"product": "sales", "grants": {"analyst": ["read"], "engineer": ["read", "write"]}}}"#
        } else {
            r#"{"owner": "a team", "maturity": "high"}"#
        };
        let folder = n % 50;
        write!(out, r#""model.shop.model_{n}": {{"database": "shop", "schema": "folder_{folder}", "name": "model_{n}", "resource_type": "model", "package_name": "shop", "path": "folder_{folder}/model_{n}.sql", "original_file_path": "models/folder_{folder}/model_{n}.sql", "unique_id": "model.shop.model_{n}", "fqn": ["shop", "folder_{folder}", "model_{n}"], "alias": "model_{n}", "checksum": {{"name": "sha256", "checksum": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}}, "config": {{"enabled": true, "alias": null, "schema": null, "database": null, "tags": ["daily"], "meta": {block}, "group": null, "materialized": "table", "incremental_strategy": null, "persist_docs": {{}}, "post-hook": [], "pre-hook": [], "quoting": {{}}, "column_types": {{}}, "full_refresh": null, "unique_key": null, "on_schema_change": "ignore", "grants": {{}}, "packages": [], "docs": {{"show": true, "node_color": null}}, "contract": {{"enforced": false, "alias_types": true}}, "access": "protected"}}, "tags": ["daily"], "description": "", "columns": {{{columns}}}, "meta": {block}, "group": null, "docs": {{"show": true}}, "patch_path": "shop://models/folder_{folder}/_models.yml", "build_path": null, "unrendered_config": {{"materialized": "table", "meta": {block}}}, "created_at": 1700000000.123, "relation_name": "\"shop\".\"folder_{folder}\".\"model_{n}\"", "raw_code": "{sql}", "compiled_code": "{sql}", "language": "sql", "refs": [], "sources": [], "metrics": [], "depends_on": {{"macros": ["macro.dbt.is_incremental"], "nodes": ["model.shop.model_{parent}"]}}, "contract": {{"enforced": false, "alias_types": true, "checksum": null}}, "access": "protected", "constraints": [], "version": null, "latest_version": null}}"#,
            columns = columns.join(", "), parent = n / 2).unwrap();
        for t in 0..2 {
            write!(out, r#", "test.shop.not_null_model_{n}_{t}.abcdef": {{"test_metadata": {{"name": "not_null", "kwargs": {{"column_name": "column_{t}", "model": "{{{{ get_where_subquery(ref('model_{n}')) }}}}"}}}}, "resource_type": "test", "package_name": "shop", "unique_id": "test.shop.not_null_model_{n}_{t}.abcdef", "fqn": ["shop", "folder_{folder}", "not_null_model_{n}_{t}"], "config": {{"enabled": true, "severity": "ERROR", "meta": {{}}}}, "raw_code": "{{{{ test_not_null(**_dbt_generic_test_kwargs) }}}}", "compiled_code": "{code}", "depends_on": {{"macros": ["macro.dbt.test_not_null"], "nodes": ["model.shop.model_{n}"]}}}}"#,
                code = &sql[..sql.len() / 4 / 8 * 8]).unwrap();
        }
    }
    out.write_all(br#"}, "sources": {}, "macros": {}, "parent_map": {}, "disabled": {}}"#).unwrap();
}
