//! The manifests of real projects, dbt 0.19 to 2.0, against figures that a Python reading of the
//! same files gave.

use std::path::PathBuf;

use super::*;

/// File, schema version, [models, seeds, snapshots, sources], relations, dependencies, tags.
type Figures = (&'static str, u32, [usize; 4], usize, usize, usize);

const FIGURES: [Figures; 19] = [
    ("balboa_1.8.1_snowflake.json", 12, [32, 3, 0, 10], 45, 37, 3),
    ("bouncer_2.0.0-beta.2_duckdb.json", 12, [38, 3, 2, 13], 53, 60, 8),
    ("cosmos_versions_1.6.1_postgres.json", 10, [7, 3, 0, 0], 10, 12, 0),
    ("dbtcore_state_v10_postgres.json", 10, [2, 1, 1, 1], 5, 1, 0),
    ("dbtcore_state_v11_postgres.json", 11, [2, 1, 1, 1], 5, 1, 0),
    ("dbtcore_state_v12_postgres.json", 12, [2, 1, 1, 1], 5, 1, 0),
    ("dbtcore_state_v1_postgres.json", 1, [1, 0, 0, 0], 1, 0, 0),
    ("dbtcore_state_v2_postgres.json", 2, [1, 0, 0, 0], 1, 0, 0),
    ("dbtcore_state_v3_postgres.json", 3, [1, 0, 0, 0], 1, 0, 0),
    ("dbtcore_state_v5_postgres.json", 5, [1, 0, 0, 0], 1, 0, 0),
    ("dbtcore_state_v6_postgres.json", 6, [1, 0, 0, 0], 1, 0, 0),
    ("dbtcore_state_v7_postgres.json", 7, [1, 1, 1, 1], 4, 1, 0),
    ("dbtcore_state_v8_postgres.json", 8, [1, 1, 1, 1], 4, 1, 0),
    ("dbtcore_state_v9_postgres.json", 9, [1, 1, 1, 1], 4, 1, 0),
    ("dbtmetabase_1.7.5_disabled_postgres.json", 11, [4, 3, 0, 0], 7, 6, 0),
    ("fivetran_zendesk_1.11.11_postgres.json", 12, [98, 22, 0, 22], 130, 179, 0),
    ("openedx_1.9.10_clickhouse.json", 12, [36, 0, 0, 8], 44, 56, 0),
    ("raito_testdata_1.7.6_bigquery.json", 11, [1, 1, 0, 0], 2, 1, 0),
    ("scunningham_fusion-preview6_v20_snowflake.json", 20, [19, 1, 2, 13], 34, 37, 4),
];

/// Where the manifests are, if they are here: `ROLECALL_MANIFESTS`, or a neighbour folder.
pub(super) fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("ROLECALL_MANIFESTS").map(PathBuf::from);
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/manifests");
    let folder = named.unwrap_or_else(beside);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no manifests in {} (set ROLECALL_MANIFESTS)", folder.display());
    None
}

#[test]
fn every_real_manifest_reads_as_python_reads_it() {
    let Some(folder) = folder() else { return };
    let mut read = Vec::new();
    for (file, version, types, relations, dependencies, tags) in FIGURES {
        let path = folder.join(file);
        let (manifest, diagnostics) = read_manifest_file(&path);
        let found: Vec<_> = diagnostics.iter().map(|d| (d.code, &d.message, &d.path)).collect();
        assert!(found.is_empty(), "{file}: {found:#?}");
        let manifest = manifest.unwrap();
        assert_eq!(manifest.metadata.schema_version, ManifestVersion(version), "{file}");
        let nodes = || manifest.nodes.values();
        let of = |kind| nodes().filter(|n| n.resource_type == kind).count();
        use ResourceType::{Model, Seed, Snapshot, Source};
        assert_eq!([Model, Seed, Snapshot, Source].map(of), types, "{file}");
        assert_eq!(nodes().filter(|n| n.relation.is_some()).count(), relations, "{file}");
        assert_eq!(nodes().map(|n| n.depends_on.len()).sum::<usize>(), dependencies, "{file}");
        assert_eq!(nodes().map(|n| n.tags.len()).sum::<usize>(), tags, "{file}");
        read.push(file.to_owned());
    }
    // Files that came later than the figures must read too.
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.extension().is_some_and(|e| e == "json") && !read.contains(&name) {
            let (manifest, diagnostics) = read_manifest_file(&path);
            assert!(manifest.is_some() && !diagnostics.has_errors(), "{name}: {diagnostics:?}");
        }
    }
}

#[test]
fn a_relation_name_from_real_dbt_is_always_the_three_names() {
    let Some(folder) = folder() else { return };
    let mut seen = 0;
    for (file, ..) in FIGURES {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let (manifest, _) = read_manifest(&bytes, file.as_ref());
        for node in manifest.unwrap().nodes.values() {
            let section =
                if node.resource_type == ResourceType::Source { "sources" } else { "nodes" };
            let raw = &json[section][&node.unique_id];
            let Some(relation) = &node.relation else { continue };
            let own = if section == "sources" { &raw["identifier"] } else { &raw["alias"] };
            assert_eq!(
                relation.identifier.text,
                own.as_str().unwrap(),
                "{file} {}",
                node.unique_id
            );
            assert_eq!(relation.schema.text, raw["schema"].as_str().unwrap(), "{file}");
            let database = raw["database"].as_str().filter(|d| !d.is_empty());
            assert_eq!(relation.database.as_ref().map(|d| d.text.as_str()), database, "{file}");
            if let Some(written) = raw["relation_name"].as_str() {
                assert_eq!(relation.identifier.exact, written.ends_with(['"', '`']), "{file}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 349, "{seen}");
}
