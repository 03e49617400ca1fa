//! Files that are no manifest, or a broken one.

use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::manifest_tests::{manifest_of, shown};
use super::*;

fn refused(bytes: &[u8]) -> String {
    let (manifest, diagnostics) = read_manifest(bytes, Path::new("m.json"));
    assert!(manifest.is_none() && diagnostics.has_errors());
    shown(diagnostics)
}

#[test]
fn what_is_no_manifest_is_said_to_be_what_it_is() {
    let artifact = |kind: &str| {
        let url = format!("https://schemas.getdbt.com/dbt/{kind}.json");
        json!({"metadata": {"dbt_schema_version": url}, "nodes": {}, "sources": {}}).to_string()
    };
    let mut all = String::new();
    for text in [
        artifact("catalog/v1"),
        artifact("run-results/v6").replace("nodes", "results"),
        artifact("manifest/v12").replace("nodes", "knots"),
        artifact("manifest"),
        "{}".into(),
        "[]".into(),
        "17".into(),
        r#"{"semantic_models": [], "metrics": [], "project_configuration": {}}"#.into(),
        r#"{"name": "x", "version": 1}"#.into(),
        r#"{"metadata": 1, "nodes": {}}"#.into(),
        r#"{"nodes": {}, "nodes": {}}"#.into(),
    ] {
        all += &refused(text.as_bytes());
    }
    insta::assert_snapshot!(all, @r#"
    error[not-a-manifest] it is dbt's catalog.json, not a manifest at m.json
      help: name the manifest.json that dbt wrote, by default target/manifest.json
    error[not-a-manifest] it is dbt's run_results.json, not a manifest at m.json
      help: name the manifest.json that dbt wrote, by default target/manifest.json
    error[not-a-manifest] it has no `nodes`, which every manifest has at m.json
      help: name the manifest.json that dbt wrote, by default target/manifest.json
    error[not-a-manifest] it does not say which version of dbt's manifest it is at m.json
      path: metadata.dbt_schema_version
      help: use a manifest.json as dbt 0.19 or later writes it
    error[not-a-manifest] it is JSON, but not a manifest: a manifest is an object with `metadata` and `nodes` at m.json
      help: name the manifest.json that dbt wrote, by default target/manifest.json
    error[not-a-manifest] it is JSON, but not a manifest: a manifest is an object with `metadata` and `nodes` at m.json
      help: name the manifest.json that dbt wrote, by default target/manifest.json
    error[not-a-manifest] it is JSON, but not a manifest: a manifest is an object with `metadata` and `nodes` at m.json
      help: name the manifest.json that dbt wrote, by default target/manifest.json
    error[not-a-manifest] it is dbt's semantic_manifest.json, not the manifest at m.json
      help: name the manifest.json that dbt wrote, by default target/manifest.json
    error[not-a-manifest] it is JSON, but not a manifest: it lacks `metadata` or `nodes`, and has "name", "version" at m.json
      help: name the manifest.json that dbt wrote, by default target/manifest.json
    error[not-a-manifest] it is JSON, but not a manifest: it lacks `metadata` or `nodes`, and has "metadata", "nodes" at m.json
      help: name the manifest.json that dbt wrote, by default target/manifest.json
    error[manifest-shape] it is not as dbt writes it: duplicate field `nodes` at m.json:1:21
      help: run `dbt parse` to write it again; dbt writes every key once
    "#);
}

#[test]
fn what_is_no_json_is_said_with_its_place() {
    let text = manifest_of(json!({})).to_string();
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut all = String::new();
    for bytes in [
        b"" as &[u8],
        b" \n",
        b"version: 2\n",
        b"{\"metadata\": {},\n \"n\xc3\xb6des\": {x}}",
        b"{\"metadata\": \"\xff\"}",
        &text.as_bytes()[..text.len() / 2],
        &utf16,
        &[b"\xff\xfe", &utf16[..]].concat(),
        b"{} x",
    ] {
        all += &refused(bytes);
    }
    insta::assert_snapshot!(all, @"
    error[manifest-empty] the file is empty at m.json
      help: run `dbt parse` to write it again; a full disk or a killed dbt leaves an empty file
    error[manifest-empty] the file is empty at m.json
      help: run `dbt parse` to write it again; a full disk or a killed dbt leaves an empty file
    error[manifest-not-json] it is not JSON: expected value at m.json:1:1
      help: name the manifest.json that dbt wrote, by default target/manifest.json
    error[manifest-not-json] it is not JSON: key must be a string at m.json:2:12
      help: name the manifest.json that dbt wrote, by default target/manifest.json
    error[manifest-encoding] it is not UTF-8: byte 15 cannot stand there at m.json:1:15
      help: use the file as dbt wrote it
    error[manifest-cut] the file ends in the middle, after 357 bytes: EOF while parsing a string at m.json:1:355
      help: dbt may still be writing it, or was stopped; run `dbt parse` to write it again
    error[manifest-encoding] it is UTF-16 text, and a manifest is UTF-8 at m.json
      help: use the file as dbt wrote it; PowerShell's `>` changes the encoding
    error[manifest-encoding] it is UTF-16 text, and a manifest is UTF-8 at m.json
      help: use the file as dbt wrote it; PowerShell's `>` changes the encoding
    error[manifest-not-json] it is not JSON: trailing characters at m.json:1:4
      help: name the manifest.json that dbt wrote, by default target/manifest.json
    ");
    let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    assert!(read_manifest(&marked, Path::new("m")).1.is_empty());
}

#[test]
fn deep_nesting_is_skipped_or_refused_but_never_followed() {
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    let text = manifest_of(json!({"raw_code": "@", "meta": {"x": "@"}})).to_string();
    let (manifest, diagnostics) =
        read_manifest(text.replace("\"@\"", &deep).as_bytes(), Path::new("m"));
    assert!(manifest.is_some() && diagnostics.is_empty(), "{}", shown(diagnostics));
    let text = manifest_of(json!({"meta": {"rolecall": "@"}})).to_string();
    let (_, diagnostics) = read_manifest(text.replace("\"@\"", &deep).as_bytes(), Path::new("m"));
    insta::assert_snapshot!(shown(diagnostics), @"
    error[manifest-shape] the block cannot be read: recursion limit exceeded at m
      node: model.shop.a
      path: nodes.model.shop.a.meta.rolecall
      help: write the block with each key once, then run `dbt parse`
    ");
}

fn small_manifest() -> Vec<u8> {
    let block = json!({"rolecall": {"product": "p", "grants": {"analyst": ["read"]}}});
    let mut json =
        manifest_of(json!({"meta": block, "columns": {"id": {"meta": block}}, "config": {
        "materialized": "incremental", "meta": block, "grants": {"select": ["x"]}}}));
    json["sources"] = json!({"source.shop.raw.t": {"resource_type": "source", "source_name": "raw",
        "name": "t", "package_name": "shop", "schema": "raw", "database": null, "identifier": "T",
        "quoting": {"identifier": true}, "relation_name": null, "fqn": ["shop", "raw", "t"]}});
    json.to_string().into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn bytes_that_were_changed_or_cut_are_read_or_refused(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = small_manifest();
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        for (at, byte) in flips {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        let (manifest, diagnostics) = read_manifest(&bytes, Path::new("m"));
        prop_assert!(manifest.is_some() || diagnostics.has_errors());
    }
}

#[test]
fn a_manifest_that_ends_anywhere_before_its_end_is_refused() {
    let bytes = small_manifest();
    for end in 0..bytes.len() {
        let (manifest, diagnostics) = read_manifest(&bytes[..end], Path::new("m"));
        assert!(manifest.is_none() && diagnostics.has_errors(), "{end}");
    }
    assert!(read_manifest(&bytes, Path::new("m")).0.is_some());
}
