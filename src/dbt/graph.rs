//! What only selections look at: the members of dbt's graph that have no relation (tests,
//! exposures, metrics and their like), and what nodes say in `config`. Read where a selection
//! needs it, so that the ordinary reading stays as quick as it is.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::input;
use super::owners::Owners;
use super::raw::{Entries, RawConfig, RawDependsOn};
use super::raw_value::{Loose, Text, Texts};
use super::strict_json;
use crate::model::Diagnostics;

/// What is read of a manifest beyond the nodes that have a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The other members of dbt's graph: where a selection walks along it.
    pub graph: bool,
    /// All of `config`: where a selection asks for it.
    pub config: bool,
    /// Who owns what: where a policy asks for it.
    pub owners: bool,
}

impl Wanted {
    /// Both.
    pub fn and(self, other: Self) -> Self {
        Self {
            graph: self.graph || other.graph,
            config: self.config || other.config,
            owners: self.owners || other.owners,
        }
    }

    /// Whether nothing is missing of the other.
    pub fn covers(self, other: Self) -> bool {
        (self.graph || !other.graph)
            && (self.config || !other.config)
            && (self.owners || !other.owners)
    }
}

/// The rest of a manifest, as far as it was wanted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Beyond {
    read: Wanted,
    members: BTreeMap<String, Member>,
    configs: BTreeMap<String, Value>,
    /// Who owns what.
    pub owners: Owners,
}

/// A node of dbt's graph without a relation.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Such as `exposure.shop.weekly_report`.
    pub unique_id: String,
    /// Such as `test`.
    pub resource_type: String,
    /// The package it belongs to.
    pub package_name: String,
    /// Its name.
    pub name: String,
    /// Its file, relative to its package's root, with `/`.
    pub original_file_path: String,
    /// The YAML file that describes it.
    pub patch_path: Option<String>,
    /// Its path of names.
    pub fqn: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// dbt's group.
    pub group: Option<String>,
    /// `config.materialized`.
    pub materialized: Option<String>,
    /// The `unique_id`s it depends on.
    pub depends_on: Vec<String>,
}

impl Beyond {
    /// What was read.
    pub fn read(&self) -> Wanted {
        self.read
    }

    /// The members of the graph that have no relation; none where they were not wanted.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// A node's `config`; `None` where it has none that selections see, or it was not wanted.
    pub(super) fn config_of(&self, unique_id: &str) -> Option<&Value> {
        self.configs.get(unique_id)
    }
}

type Section<'a> = Option<Loose<Entries<'a, &'a RawValue>>>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawGraph<'a> {
    #[serde(borrow)]
    nodes: Section<'a>,
    #[serde(borrow)]
    sources: Section<'a>,
    #[serde(borrow)]
    exposures: Section<'a>,
    #[serde(borrow)]
    metrics: Section<'a>,
    #[serde(borrow)]
    semantic_models: Section<'a>,
    #[serde(borrow)]
    saved_queries: Section<'a>,
    #[serde(borrow)]
    unit_tests: Section<'a>,
    #[serde(borrow)]
    functions: Section<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawMember<'a> {
    #[serde(borrow)]
    resource_type: Text<'a>,
    #[serde(borrow)]
    package_name: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    original_file_path: Text<'a>,
    #[serde(borrow)]
    patch_path: Text<'a>,
    #[serde(borrow)]
    fqn: Texts<'a>,
    #[serde(borrow)]
    tags: Texts<'a>,
    #[serde(borrow)]
    config: Option<&'a RawValue>,
    #[serde(borrow)]
    depends_on: Loose<RawDependsOn<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OnlyConfig<'a> {
    #[serde(borrow)]
    config: Option<&'a RawValue>,
}

/// Reads what is wanted of a manifest whose nodes have been read from the same bytes.
pub(super) fn read(bytes: &[u8], file: &Path, wanted: Wanted, found: &mut Diagnostics) -> Beyond {
    let mut beyond = Beyond { read: wanted, ..Beyond::default() };
    if wanted.owners {
        beyond.owners = Owners::read(bytes, file, found);
    }
    if !wanted.graph && !wanted.config {
        return beyond;
    }
    let Ok(bytes) = input::text_of(bytes, file) else { return beyond };
    let raw: RawGraph<'_> = match serde_json::from_slice(bytes) {
        Ok(raw) => raw,
        Err(error) => {
            found.push(input::not_readable(&error, bytes, file));
            return beyond;
        }
    };
    let RawGraph {
        nodes,
        sources,
        exposures,
        metrics,
        semantic_models,
        saved_queries,
        unit_tests,
        functions,
    } = raw;
    let sections = [
        ("nodes", nodes),
        ("sources", sources),
        ("exposures", exposures),
        ("metrics", metrics),
        ("semantic_models", semantic_models),
        ("saved_queries", saved_queries),
        ("unit_tests", unit_tests),
        ("functions", functions),
    ];
    for (section, entries) in sections {
        let Some(Loose::Is(entries)) = entries else { continue };
        for (unique_id, raw) in entries.0 {
            if let Err(what) = beyond.add(section, &unique_id, raw.get()) {
                let path = format!("{section}.{unique_id}");
                found.push(input::wrong_type(file, &path, "as dbt writes it", &what));
            }
        }
    }
    beyond
}

impl Beyond {
    fn add(&mut self, section: &str, unique_id: &str, raw: &str) -> Result<(), String> {
        let has_relation = super::raw::has_relation(unique_id);
        let wants_config = self.read.config && matches!(section, "nodes" | "sources");
        let broken = |error: serde_json::Error| error.to_string();
        if has_relation || !self.read.graph {
            if wants_config {
                let OnlyConfig { config } = serde_json::from_str(raw).map_err(broken)?;
                self.add_config(unique_id, config)?;
            }
            return Ok(());
        }
        let member: RawMember<'_> = serde_json::from_str(raw).map_err(broken)?;
        let config: RawConfig<'_> = match member.config {
            Some(config) => match serde_json::from_str(config.get()).map_err(broken)? {
                Loose::Is(config) => config,
                Loose::Nothing | Loose::Wrong(_) => RawConfig::default(),
            },
            None => RawConfig::default(),
        };
        if config.enabled.0 == Some(false) {
            return Ok(());
        }
        if wants_config {
            self.add_config(unique_id, member.config)?;
        }
        let text = |text: &Text<'_>| match text {
            Text::Is(text) if !text.is_empty() => Some(text.clone().into_owned()),
            _ => None,
        };
        let texts = |texts: Texts<'_>| match texts {
            Texts::Are(texts) => Ok(texts.into_iter().map(Cow::into_owned).collect::<Vec<_>>()),
            Texts::Nothing => Ok(Vec::new()),
            Texts::Wrong(kind) => Err(format!("with {kind} for a list of texts")),
        };
        let mut tags = texts(member.tags)?;
        tags.extend(texts(config.tags)?);
        // Only these can be in a group as dbt selects it, which looks at the configuration alone: a
        // test that inherits its model's group is not in it.
        let group = text(&config.group).filter(|_| matches!(section, "nodes" | "metrics"));
        let depends_on = match member.depends_on {
            Loose::Is(RawDependsOn { nodes }) => texts(nodes)?,
            Loose::Nothing | Loose::Wrong(_) => Vec::new(),
        };
        let patch_path = text(&member.patch_path).map(|path| {
            path.split_once("://").map_or(path.as_str(), |(_, file)| file).replace('\\', "/")
        });
        let kind = unique_id.split('.').next().unwrap_or_default();
        self.members.insert(
            unique_id.to_owned(),
            Member {
                unique_id: unique_id.to_owned(),
                resource_type: text(&member.resource_type).unwrap_or_else(|| kind.to_owned()),
                package_name: text(&member.package_name).unwrap_or_default(),
                name: text(&member.name).unwrap_or_default(),
                original_file_path: text(&member.original_file_path)
                    .unwrap_or_default()
                    .replace('\\', "/"),
                patch_path,
                fqn: texts(member.fqn)?,
                tags,
                group,
                materialized: text(&config.materialized).filter(|_| section == "nodes"),
                depends_on,
            },
        );
        Ok(())
    }

    fn add_config(&mut self, unique_id: &str, config: Option<&RawValue>) -> Result<(), String> {
        let Some(config) = config else { return Ok(()) };
        let config = strict_json::parse(config.get())?;
        self.configs.insert(unique_id.to_owned(), config);
        Ok(())
    }
}
