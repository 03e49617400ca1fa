//! Reading a manifest of any version that dbt wrote.

use std::path::Path;

use crate::model::{Diagnostic, Diagnostics, Place};

use super::build;
use super::graph::{self, Beyond, Wanted};
use super::input;
use super::node::{Manifest, ManifestVersion, Metadata};
use super::raw::{RawManifest, RawMetadata};
use super::raw_value::{Loose, Text};

/// The manifest versions whose shape is known: dbt 0.19 to 1.12 and 2.x write 1 to 12, previews of
/// the Rust engine wrote 20.
const KNOWN: [std::ops::RangeInclusive<u32>; 2] = [1..=12, 20..=20];

/// Reads the file and then [`read_manifest`].
///
/// The file is read whole and not mapped: dbt writes a manifest in place, and a mapping that
/// shrinks while it is read ends the process, which no crate can make safe.
pub fn read_manifest_file(path: &Path) -> (Option<Manifest>, Diagnostics) {
    let (read, mut diagnostics) = read_bytes(path);
    let Some(bytes) = read else { return (None, diagnostics) };
    let (manifest, found) = read_manifest(&bytes, path);
    diagnostics.extend(found);
    (manifest, diagnostics)
}

/// The bytes of a manifest's file, or why there are none.
pub fn read_bytes(path: &Path) -> (Option<Vec<u8>>, Diagnostics) {
    match std::fs::read(path) {
        Ok(bytes) => (Some(bytes), Diagnostics::default()),
        Err(error) => {
            let mut diagnostics = Diagnostics::default();
            diagnostics.push(
                Diagnostic::error("manifest-unreadable", format!("cannot read it: {error}"))
                    .with_place(Place::file(path))
                    .with_help(if error.kind() == std::io::ErrorKind::NotFound {
                        "run `dbt parse` (or any dbt command) to write it, or name another file with --manifest"
                    } else {
                        "name a manifest.json that dbt wrote"
                    }),
            );
            (None, diagnostics)
        }
    }
}

/// Reads a manifest from its bytes; `file` is what messages call it.
///
/// Any version that dbt wrote is read (a newer one with a warning `newer-manifest`): models,
/// seeds, snapshots and sources that are enabled, with only what decides about access. The rest is
/// skipped without being kept. Everything that is wrong is found at once; where there is any
/// error, the manifest (if one is given back) must not be acted on.
pub fn read_manifest(bytes: &[u8], file: &Path) -> (Option<Manifest>, Diagnostics) {
    read_manifest_for(bytes, file, Wanted::default())
}

/// The same, with what selections need beyond it.
pub fn read_manifest_for(
    bytes: &[u8],
    file: &Path,
    wanted: Wanted,
) -> (Option<Manifest>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut manifest = read(bytes, file, &mut diagnostics);
    if let Some(manifest) = &mut manifest {
        manifest.beyond = graph::read(bytes, file, wanted, &mut diagnostics);
    }
    (manifest, diagnostics)
}

fn read(bytes: &[u8], file: &Path, diagnostics: &mut Diagnostics) -> Option<Manifest> {
    let bytes = match input::text_of(bytes, file) {
        Ok(bytes) => bytes,
        Err(diagnostic) => {
            diagnostics.push(*diagnostic);
            return None;
        }
    };
    let raw: RawManifest<'_> = match serde_json::from_slice(bytes) {
        Ok(raw) => raw,
        Err(error) => {
            diagnostics.push(input::not_readable(&error, bytes, file));
            return None;
        }
    };
    let RawManifest { metadata, nodes, sources, keys } = raw;
    if let (Some(Loose::Is(_)), Some(Loose::Wrong(kind))) = (&metadata, &nodes) {
        diagnostics.push(input::wrong_type(file, "nodes", "an object", kind));
        return None;
    }
    let (Some(Loose::Is(raw_metadata)), Some(Loose::Is(nodes))) = (&metadata, nodes) else {
        let kind = metadata.as_ref().and_then(Loose::get).and_then(schema_of).map(|(kind, _)| kind);
        diagnostics.push(input::not_a_manifest(kind.as_deref(), &keys, file));
        return None;
    };
    let version = match schema_of(raw_metadata) {
        Some((kind, version)) if kind == "manifest" => version,
        Some((kind, _)) => {
            diagnostics.push(input::not_a_manifest(Some(&kind), &keys, file));
            return None;
        }
        None => {
            diagnostics.push(input::no_schema_version(file));
            return None;
        }
    };
    if !KNOWN.iter().any(|range| range.contains(&version.0)) {
        diagnostics.push(newer(version, file));
    }
    let quoting = raw_metadata.quoting.get().copied().unwrap_or_default();
    let metadata = metadata_of(raw_metadata, version, file, diagnostics);
    let sources = match sources {
        Some(Loose::Is(sources)) => sources,
        None | Some(Loose::Nothing) => Default::default(),
        Some(Loose::Wrong(kind)) => {
            diagnostics.push(input::wrong_type(file, "sources", "an object", kind));
            Default::default()
        }
    };
    let mut builder = build::Builder {
        file,
        quoting,
        adapter_quotes: adapter_quotes(&metadata),
        diagnostics,
        nodes: Default::default(),
        granting_hooks: Default::default(),
    };
    builder.add_all("nodes", nodes);
    builder.add_all("sources", sources);
    let (nodes, granting_hooks) = (builder.nodes, builder.granting_hooks);
    Some(Manifest { metadata, nodes, granting_hooks, beyond: Beyond::default() })
}

/// Snowflake is the one adapter of dbt's own that leaves names unquoted where nobody says
/// anything (`quoting` in its relation class); dbt's base class quotes.
fn adapter_quotes(metadata: &Metadata) -> bool {
    metadata.adapter_type.as_deref() != Some("snowflake")
}

/// `https://schemas.getdbt.com/dbt/manifest/v12.json` as (`manifest`, 12).
fn schema_of(metadata: &RawMetadata<'_>) -> Option<(String, ManifestVersion)> {
    let Text::Is(url) = &metadata.dbt_schema_version else { return None };
    let mut parts = url.rsplit('/');
    let version = parts.next()?.strip_suffix(".json")?.strip_prefix('v')?.parse().ok()?;
    Some((parts.next()?.to_owned(), ManifestVersion(version)))
}

fn newer(version: ManifestVersion, file: &Path) -> Diagnostic {
    Diagnostic::warning(
        "newer-manifest",
        format!("its schema version is {}, which is not known yet", version.0),
    )
    .with_place(Place::file(file))
    .with_path("metadata.dbt_schema_version")
    .with_help("it is read as version 12; look at the plan before applying it, and look for a newer rolecall")
}

fn metadata_of(
    raw: &RawMetadata<'_>,
    schema_version: ManifestVersion,
    file: &Path,
    diagnostics: &mut Diagnostics,
) -> Metadata {
    let RawMetadata {
        dbt_schema_version: _,
        dbt_version,
        project_name,
        adapter_type,
        generated_at,
        invocation_id,
        quoting: _,
    } = raw;
    let mut text = |key: &str, value: &Text<'_>| match value {
        Text::Is(text) if !text.is_empty() => Some(text.clone().into_owned()),
        Text::Is(_) | Text::Nothing => None,
        Text::Number(_) | Text::Wrong(_) => {
            let kind = if let Text::Wrong(kind) = value { kind } else { "a number" };
            diagnostics.push(input::wrong_type(file, &format!("metadata.{key}"), "a text", kind));
            None
        }
    };
    Metadata {
        schema_version,
        dbt_version: text("dbt_version", dbt_version),
        project_name: text("project_name", project_name),
        adapter_type: text("adapter_type", adapter_type),
        generated_at: text("generated_at", generated_at),
        invocation_id: text("invocation_id", invocation_id),
    }
}
