//! What a node says about access: its block, dbt's own grants, and blocks on its columns.

use std::collections::BTreeMap;

use memchr::memmem;
use serde_json::value::RawValue;

use crate::model::{Diagnostic, Place};

use super::build::{OneNode, path};
use super::node::RaitoMeta;
use super::raw::{Entries, RawColumn, RawConfig};
use super::raw_value::{KEY, Loose, Meta, RAITO, Texts};
use super::strict_json;

impl OneNode<'_, '_> {
    /// The block out of `config.meta` or `meta`. dbt itself works with `config.meta` and copies it
    /// to `meta`; where each has a block of its own and they differ, neither is used, since one of
    /// them would give what the other does not.
    pub(super) fn rolecall(
        &mut self,
        meta: &Meta<'_>,
        config: &Meta<'_>,
    ) -> Option<(serde_json::Value, &'static str)> {
        for (key, meta) in [("meta", meta), ("config.meta", config)] {
            if let Meta::Wrong(kind) = meta {
                self.wrong(key, "an object", kind);
            }
        }
        let (from_meta, from_config) = (meta.rolecall(), config.rolecall());
        let (text, key) = match (from_config, from_meta) {
            (None, None) => return None,
            (Some(text), None) => (text, "config.meta.rolecall"),
            (None, Some(text)) => (text, "meta.rolecall"),
            (Some(config), Some(meta)) if config.get() == meta.get() => {
                (config, "config.meta.rolecall")
            }
            (Some(config), Some(meta)) => {
                let one = self.block("config.meta.rolecall", config)?;
                let two = self.block("meta.rolecall", meta)?;
                if one == two {
                    return Some((one, "config.meta.rolecall"));
                }
                self.conflict(Diagnostic::error(
                    "meta-conflict",
                    "`config.meta.rolecall` and `meta.rolecall` of this node differ; neither is used",
                ));
                return None;
            }
        };
        let other_speaks =
            |meta: &Meta<'_>| matches!(meta, Meta::Is { rolecall: None, others: true, .. });
        if other_speaks(meta) || other_speaks(config) {
            let (has, lacks) = if from_config.is_some() {
                ("config.meta", "meta")
            } else {
                ("meta", "config.meta")
            };
            self.conflict(Diagnostic::warning(
                "meta-conflict",
                format!("`{has}` of this node has a rolecall block, and `{lacks}`, which is not empty, has none; the block is used"),
            ));
        }
        Some((self.block(key, text)?, key))
    }

    /// Raito's block of the node, and those of its columns. Its own reader knows `meta` alone;
    /// manifests of dbt's Rust line have only `config.meta`.
    pub(super) fn raito(
        &mut self,
        meta: &Meta<'_>,
        config: &Meta<'_>,
        columns: Option<&RawValue>,
    ) -> Option<RaitoMeta> {
        let block = match (config.raito(), meta.raito()) {
            (None, None) => None,
            (Some(text), None) => self.block("config.meta.raito", text),
            (None, Some(text)) => self.block("meta.raito", text),
            (Some(config), Some(meta)) => {
                let one = self.block("config.meta.raito", config)?;
                let two = self.block("meta.raito", meta)?;
                if one != two {
                    self.conflict(Diagnostic::error(
                        "meta-conflict",
                        "`config.meta.raito` and `meta.raito` of this node differ; neither is used",
                    ));
                    return None;
                }
                Some(one)
            }
        };
        let columns = self.raito_columns(columns);
        (block.is_some() || !columns.is_empty()).then_some(RaitoMeta { block, columns })
    }

    fn raito_columns(&mut self, columns: Option<&RawValue>) -> BTreeMap<String, serde_json::Value> {
        let speaks =
            |text: &&RawValue| memmem::find(text.get().as_bytes(), RAITO.as_bytes()).is_some();
        let Some(columns) = columns.filter(speaks) else { return BTreeMap::new() };
        // What is no map of columns has been said where our own blocks are looked for, or is nobody's.
        let entries =
            serde_json::from_str::<Loose<Entries<'_, Loose<RawColumn<'_>>>>>(columns.get());
        let Ok(Loose::Is(entries)) = entries else { return BTreeMap::new() };
        let mut found = BTreeMap::new();
        for (column, raw) in &entries.0 {
            let Loose::Is(RawColumn { meta, config }) = raw else { continue };
            let in_config = config.get().and_then(|config| config.meta.raito());
            let Some(text) = in_config.or(meta.raito()) else { continue };
            let value = self.block(&format!("columns.{column}.meta.raito"), text);
            found.extend(value.map(|value| (column.to_string(), value)));
        }
        found
    }

    fn conflict(&mut self, diagnostic: Diagnostic) {
        let both = format!(
            "{} and {}",
            path(self.section, self.unique_id, "config.meta"),
            path(self.section, self.unique_id, "meta")
        );
        let place = Place::file(self.builder.file);
        self.builder.diagnostics.push(
            diagnostic
                .with_place(place)
                .with_node(self.unique_id)
                .with_path(both)
                .with_help("say it in one place (config: meta:), then run `dbt parse`"),
        );
    }

    fn block(&mut self, key: &str, text: &RawValue) -> Option<serde_json::Value> {
        match strict_json::parse(text.get()) {
            Ok(value) => Some(value),
            Err(found) => {
                self.finding(
                    Diagnostic::error(
                        "manifest-shape",
                        format!("the block cannot be read: {found}"),
                    )
                    .with_help("write the block with each key once, then run `dbt parse`"),
                    key,
                );
                None
            }
        }
    }

    /// `config.grants`, and `config.+grants` as some previews of dbt 2 wrote it.
    pub(super) fn grants(&mut self, config: &RawConfig<'_>) -> BTreeMap<String, Vec<String>> {
        let mut grants: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, raw) in [("config.grants", config.grants), ("config.+grants", config.plus_grants)]
        {
            let Some(raw) = raw else { continue };
            let entries = serde_json::from_str::<Loose<Entries<'_, Texts<'_>>>>(raw.get());
            match entries {
                Ok(Loose::Is(entries)) => {
                    for (privilege, grantees) in entries.0 {
                        let grantees = self.texts(&format!("{key}.{privilege}"), &grantees);
                        // `+select` appends to what stands above it; dbt has done that by now.
                        let privilege = privilege.trim_start_matches('+').to_owned();
                        let all = grants.entry(privilege).or_default();
                        all.extend(grantees);
                        all.sort();
                        all.dedup();
                    }
                }
                Ok(Loose::Nothing) => {}
                Ok(Loose::Wrong(kind)) => self.wrong(key, "an object", kind),
                Err(_) => self.wrong(key, "an object", "not readable"),
            }
        }
        grants
    }

    /// Grants on columns are not there yet: a block in a column's `meta` must not look as if it
    /// did something.
    pub(super) fn columns(&mut self, columns: Option<&RawValue>) {
        let Some(columns) = columns else { return };
        if memmem::find(columns.get().as_bytes(), KEY.as_bytes()).is_none() {
            return;
        }
        let Ok(Loose::Is(entries)) =
            serde_json::from_str::<Loose<Entries<'_, Loose<RawColumn<'_>>>>>(columns.get())
        else {
            self.wrong("columns", "an object", "something else");
            return;
        };
        for (column, raw) in &entries.0 {
            let Loose::Is(RawColumn { meta, config }) = raw else { continue };
            let in_config = config.get().is_some_and(|config| config.meta.rolecall().is_some());
            if !in_config && meta.rolecall().is_none() {
                continue;
            }
            let key = if in_config { "config.meta.rolecall" } else { "meta.rolecall" };
            self.finding(
                Diagnostic::warning(
                    "column-meta-ignored",
                    format!("the rolecall block of column {column:?} is ignored: columns are not supported yet"),
                )
                .with_help("declare on the node; keep columns that not all may see in a model of their own"),
                &format!("columns.{column}.{key}"),
            );
        }
    }
}
