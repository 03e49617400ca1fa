//! From the JSON of a node to a [`Node`]: the rules of every manifest version.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use crate::model::{Diagnostic, Diagnostics, Place};

use super::node::{Node, RelationName, ResourceType, identifier_key};
use super::raw::{RawConfig, RawDependsOn, RawNode, RawNodes, RawQuoting};
use super::raw_value::{Loose, Text, Texts};
use super::relation::{self, Names, Quoting};
use super::{hooks, input};

/// Builds nodes, and keeps what is wrong with them.
pub(super) struct Builder<'b> {
    pub file: &'b Path,
    /// `metadata.quoting`.
    pub quoting: RawQuoting,
    pub adapter_quotes: bool,
    pub diagnostics: &'b mut Diagnostics,
    pub nodes: BTreeMap<String, Node>,
    /// As [`super::Manifest::granting_hooks`].
    pub granting_hooks: BTreeMap<String, String>,
}

impl Builder<'_> {
    /// Adds the nodes of `nodes` or `sources`.
    pub fn add_all(&mut self, section: &'static str, nodes: RawNodes<'_>) {
        for (unique_id, raw) in nodes.operations {
            if let Some(hook) = raw.get().and_then(hooks::of_run) {
                self.granting_hooks.insert(unique_id.into_owned(), hook);
            }
        }
        for (unique_id, raw) in nodes.nodes {
            let raw = match raw {
                Loose::Is(raw) => raw,
                Loose::Nothing => {
                    self.wrong(section, &unique_id, "", "an object", "null");
                    continue;
                }
                Loose::Wrong(kind) => {
                    self.wrong(section, &unique_id, "", "an object", kind);
                    continue;
                }
            };
            let Some(node) = OneNode { builder: self, section, unique_id: &unique_id }.build(&raw)
            else {
                continue;
            };
            match self.nodes.entry(unique_id.into_owned()) {
                Entry::Vacant(slot) => {
                    slot.insert(node);
                }
                Entry::Occupied(slot) => {
                    let unique_id = slot.key().clone();
                    self.diagnostics.push(
                        Diagnostic::error("duplicate-node", "the manifest has this node twice")
                            .with_place(Place::file(self.file))
                            .with_path(format!("{section}.{unique_id}"))
                            .with_node(unique_id)
                            .with_help("run `dbt parse` to write the manifest again"),
                    );
                }
            }
        }
    }

    pub(super) fn wrong(
        &mut self,
        section: &str,
        unique_id: &str,
        key: &str,
        wanted: &str,
        found: &str,
    ) {
        let path = path(section, unique_id, key);
        self.diagnostics
            .push(input::wrong_type(self.file, &path, wanted, found).with_node(unique_id));
    }
}

pub(super) fn path(section: &str, unique_id: &str, key: &str) -> String {
    let dot = if key.is_empty() { "" } else { "." };
    format!("{section}.{unique_id}{dot}{key}")
}

/// One node on its way; `build_meta` has the rest of its methods.
pub(super) struct OneNode<'b, 'd> {
    pub builder: &'b mut Builder<'d>,
    pub section: &'static str,
    pub unique_id: &'b str,
}

impl OneNode<'_, '_> {
    /// `None` for a disabled node, and for one that lacks what it cannot do without.
    fn build(mut self, raw: &RawNode<'_>) -> Option<Node> {
        let empty = RawConfig::default();
        let config = match &raw.config {
            Loose::Is(config) => config,
            Loose::Nothing => &empty,
            Loose::Wrong(kind) => {
                self.wrong("config", "an object", kind);
                &empty
            }
        };
        if config.enabled.0 == Some(false) {
            return None;
        }
        let RawNode {
            resource_type,
            package_name,
            name,
            source_name,
            relation_name: _,
            database: _,
            schema: _,
            alias: _,
            identifier: _,
            original_file_path,
            patch_path,
            fqn,
            tags,
            group,
            access,
            version,
            latest_version,
            meta: _,
            config: _,
            depends_on,
            quoting: _,
            columns,
        } = raw;
        let kind = self.resource_type(resource_type)?;
        let package_name = self.needed("package_name", package_name);
        let name = self.needed("name", name);
        let materialized = self.optional("config.materialized", &config.materialized);
        let relation = self.relation(kind, raw, config, materialized.as_deref(), name.as_deref());
        let group =
            self.optional("group", group).or_else(|| self.optional("config.group", &config.group));
        let access = self
            .optional("access", access)
            .or_else(|| self.optional("config.access", &config.access));
        let mut tags = self.texts("tags", tags);
        tags.extend(self.texts("config.tags", &config.tags));
        tags.sort();
        tags.dedup();
        let depends_on = match depends_on {
            Loose::Is(RawDependsOn { nodes }) => self.texts("depends_on.nodes", nodes),
            Loose::Nothing => Vec::new(),
            Loose::Wrong(found) => {
                self.wrong("depends_on", "an object", found);
                Vec::new()
            }
        };
        self.columns(*columns);
        let (rolecall, rolecall_key) = self.rolecall(&raw.meta, &config.meta).unzip();
        let raito = self.raito(&raw.meta, &config.meta, *columns);
        let grants = self.grants(config);
        if let Some(hook) = hooks::of_node(config) {
            self.builder.granting_hooks.insert(self.unique_id.to_owned(), hook);
        }
        Some(Node {
            unique_id: self.unique_id.to_owned(),
            resource_type: kind,
            relation: relation?,
            materialized,
            original_file_path: self
                .optional("original_file_path", original_file_path)
                .unwrap_or_default()
                .replace('\\', "/"),
            patch_path: self.optional("patch_path", patch_path).map(|path| {
                path.split_once("://").map_or(path.as_str(), |(_, file)| file).replace('\\', "/")
            }),
            fqn: self.texts("fqn", fqn),
            tags,
            group,
            access,
            version: self.optional("version", version),
            latest_version: self.optional("latest_version", latest_version),
            rolecall,
            rolecall_key,
            raito,
            grants,
            depends_on,
            source_name: match kind {
                ResourceType::Source => Some(self.needed("source_name", source_name)?),
                ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot => None,
            },
            package_name: package_name?,
            name: name?,
        })
    }

    /// The key's first word decides, as it decided what was read; a node that says otherwise is
    /// not trusted.
    fn resource_type(&mut self, said: &Text<'_>) -> Option<ResourceType> {
        let kind = match self.unique_id.split('.').next() {
            Some("model") => ResourceType::Model,
            Some("seed") => ResourceType::Seed,
            Some("snapshot") => ResourceType::Snapshot,
            _ => ResourceType::Source,
        };
        match self.optional("resource_type", said) {
            Some(said) if said != kind.as_str() => {
                self.wrong(
                    "resource_type",
                    &format!("\"{}\"", kind.as_str()),
                    &format!("{said:?}"),
                );
                None
            }
            _ => Some(kind),
        }
    }

    /// The outer `None` where it cannot be known, the inner where there is none.
    fn relation(
        &mut self,
        kind: ResourceType,
        raw: &RawNode<'_>,
        config: &RawConfig<'_>,
        materialized: Option<&str>,
        name: Option<&str>,
    ) -> Option<Option<RelationName>> {
        if materialized == Some("ephemeral") {
            return Some(None);
        }
        let key = identifier_key(kind);
        let written = match kind {
            ResourceType::Source => &raw.identifier,
            ResourceType::Model | ResourceType::Seed | ResourceType::Snapshot => &raw.alias,
        };
        // dbt falls back to the name itself; an empty one was written by somebody else.
        if matches!(written, Text::Is(text) if text.is_empty()) {
            self.wrong(key, "a text", "empty");
            return None;
        }
        let own_name = self.optional(key, written);
        let database = self.optional("database", &raw.database);
        let schema = self.needed("schema", &raw.schema)?;
        let identifier = own_name.as_deref().or(name)?;
        let names = Names { database: database.as_deref(), schema: &schema, identifier };
        let own = self.quoting(raw, config);
        let (project, adapter) = (self.builder.quoting, self.builder.adapter_quotes);
        let composed = || relation::compose(names, Quoting { own, project, adapter });
        let Some(written) = self.optional("relation_name", &raw.relation_name) else {
            return Some(Some(composed()));
        };
        let Some(read) = relation::from_relation_name(&written, names, own) else {
            let composed = composed();
            self.doubtful_relation(&format!(
                "relation_name {written:?} is not a name that can be granted on"
            ));
            return Some(Some(composed));
        };
        if !relation::agrees(&read, names) {
            self.doubtful_relation(&format!(
                "relation_name is {written}, but database, schema and {} say {}",
                key,
                [names.database, Some(names.schema), Some(names.identifier)]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join("."),
            ));
        }
        Some(Some(read))
    }

    fn doubtful_relation(&mut self, message: &str) {
        self.finding(
            Diagnostic::warning("relation-name", message)
                .with_help("check what the plan grants on for this node"),
            "relation_name",
        );
    }

    /// `config.quoting`, and a source's own `quoting`.
    fn quoting(&self, raw: &RawNode<'_>, config: &RawConfig<'_>) -> RawQuoting {
        let one = config.quoting.get().copied().unwrap_or_default();
        let two = raw.quoting.get().copied().unwrap_or_default();
        RawQuoting {
            database: if one.database.0.is_some() { one.database } else { two.database },
            schema: if one.schema.0.is_some() { one.schema } else { two.schema },
            identifier: if one.identifier.0.is_some() { one.identifier } else { two.identifier },
        }
    }

    pub(super) fn finding(&mut self, diagnostic: Diagnostic, key: &str) {
        let place = Place::file(self.builder.file);
        self.builder.diagnostics.push(
            diagnostic.with_place(place).with_node(self.unique_id).with_path(path(
                self.section,
                self.unique_id,
                key,
            )),
        );
    }

    pub(super) fn wrong(&mut self, key: &str, wanted: &str, found: &str) {
        self.builder.wrong(self.section, self.unique_id, key, wanted, found);
    }

    /// A text that may be missing, null or empty. Numbers are versions.
    fn optional(&mut self, key: &str, text: &Text<'_>) -> Option<String> {
        match text {
            Text::Is(text) if text.is_empty() => None,
            Text::Is(text) => Some(text.clone().into_owned()),
            Text::Nothing => None,
            Text::Number(number) if key.ends_with("version") => Some(number.clone()),
            Text::Number(_) => {
                self.wrong(key, "a text", "a number");
                None
            }
            Text::Wrong(kind) => {
                self.wrong(key, "a text", kind);
                None
            }
        }
    }

    fn needed(&mut self, key: &str, text: &Text<'_>) -> Option<String> {
        match text {
            Text::Nothing => self.wrong(key, "a text", "missing"),
            Text::Is(text) if text.is_empty() => self.wrong(key, "a text", "empty"),
            Text::Is(_) | Text::Number(_) | Text::Wrong(_) => {}
        }
        self.optional(key, text)
    }

    pub(super) fn texts(&mut self, key: &str, texts: &Texts<'_>) -> Vec<String> {
        match texts {
            Texts::Nothing => Vec::new(),
            Texts::Are(texts) => texts.iter().cloned().map(Cow::into_owned).collect(),
            Texts::Wrong(kind) => {
                self.wrong(key, "a list of texts", kind);
                Vec::new()
            }
        }
    }
}
