//! All that a selection can look at, and what each method finds in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::config::config_matches;
use super::fnmatch::fnmatch;
use super::method::{Method, VersionIs};
use super::names::fqn_matches;
use super::paths::{parents, path_matches};
use crate::dbt::graph::Member;
use crate::dbt::node::{Manifest, Node, ResourceType};

pub(super) type Ids<'m> = BTreeSet<&'m str>;

/// A node of dbt's graph, of whatever kind.
pub(super) struct View<'m> {
    pub id: &'m str,
    kind: &'m str,
    package: &'m str,
    name: &'m str,
    source_name: Option<&'m str>,
    file: &'m str,
    patch: Option<&'m str>,
    fqn: &'m [String],
    tags: &'m [String],
    group: Option<&'m str>,
    access: Option<&'m str>,
    version: Option<&'m str>,
    latest_version: Option<&'m str>,
    materialized: Option<&'m str>,
    config: Option<&'m Value>,
    pub depends_on: &'m [String],
}

impl<'m> View<'m> {
    fn of_node(node: &'m Node, manifest: &'m Manifest) -> Self {
        Self {
            id: &node.unique_id,
            kind: node.resource_type.as_str(),
            package: &node.package_name,
            name: &node.name,
            source_name: node.source_name.as_deref(),
            file: &node.original_file_path,
            patch: node.patch_path.as_deref(),
            fqn: &node.fqn,
            tags: &node.tags,
            group: node.group.as_deref(),
            access: node.access.as_deref(),
            version: node.version.as_deref(),
            latest_version: node.latest_version.as_deref(),
            materialized: materialized(node),
            config: manifest.beyond.config_of(&node.unique_id),
            depends_on: &node.depends_on,
        }
    }

    fn of_member(member: &'m Member, manifest: &'m Manifest) -> Self {
        Self {
            id: &member.unique_id,
            kind: &member.resource_type,
            package: &member.package_name,
            name: &member.name,
            source_name: None,
            file: &member.original_file_path,
            patch: member.patch_path.as_deref(),
            fqn: &member.fqn,
            tags: &member.tags,
            group: member.group.as_deref(),
            access: None,
            version: None,
            latest_version: None,
            materialized: member.materialized.as_deref(),
            config: manifest.beyond.config_of(&member.unique_id),
            depends_on: &member.depends_on,
        }
    }

    fn is_versioned(&self) -> bool {
        self.kind == "model" && self.version.is_some()
    }
}

/// What dbt's config says; the Rust engine leaves it out for seeds.
fn materialized(node: &Node) -> Option<&str> {
    node.materialized.as_deref().or(match node.resource_type {
        ResourceType::Seed => Some("seed"),
        ResourceType::Snapshot => Some("snapshot"),
        ResourceType::Model | ResourceType::Source => None,
    })
}

/// The nodes of a manifest, and which depends on which: made once for any number of selections.
pub struct World<'m> {
    pub(super) manifest: &'m Manifest,
    root: Option<&'m str>,
    views: BTreeMap<&'m str, View<'m>>,
    children: BTreeMap<&'m str, Vec<&'m str>>,
}

impl<'m> World<'m> {
    /// Everything that was read of a manifest.
    ///
    /// `root_package` is the project's name; without it, the manifest's own. It decides what
    /// `package:this` is and which folders exist for `path:`, which dbt looks up below the root
    /// project only.
    pub fn of(manifest: &'m Manifest, root_package: Option<&'m str>) -> Self {
        let nodes = manifest.nodes.values().map(|node| View::of_node(node, manifest));
        let members = manifest.beyond.members().map(|m| View::of_member(m, manifest));
        let views: BTreeMap<&str, View> = nodes.chain(members).map(|v| (v.id, v)).collect();
        let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        // Without the graph nobody may ask for children.
        for view in views.values().filter(|_| manifest.beyond.read().graph) {
            for parent in view.depends_on {
                children.entry(parent).or_default().push(view.id);
            }
        }
        let root = root_package.or(manifest.metadata.project_name.as_deref());
        Self { manifest, root, views, children }
    }

    pub(super) fn everything(&self) -> Ids<'m> {
        self.views.keys().copied().collect()
    }

    pub(super) fn parents(&self, id: &'m str) -> impl Iterator<Item = &'m str> {
        let parents = self.views.get(id).map_or(&[][..], |view| view.depends_on);
        // What is disabled or of no kind that is known is no part of the graph.
        parents.iter().filter_map(|id| self.views.get(id.as_str())).map(|view| view.id)
    }

    pub(super) fn children(&self, id: &'m str) -> impl Iterator<Item = &'m str> {
        self.children.get(id).into_iter().flatten().copied()
    }

    fn all(&self, matches: impl Fn(&View<'m>) -> bool) -> Ids<'m> {
        self.views.values().filter(|view| matches(view)).map(|view| view.id).collect()
    }

    pub(super) fn method(&self, method: &Method) -> Ids<'m> {
        let some = |text: Option<&str>, pattern: &str| text.is_some_and(|t| fnmatch(t, pattern));
        match method {
            Method::Access(value) => {
                self.all(|view| view.kind == "model" && view.access == Some(value))
            }
            Method::Config { keys, value } => {
                self.all(|view| view.config.is_some_and(|it| config_matches(it, keys, value)))
            }
            Method::Materialized(value) => self.all(|view| view.materialized == Some(value)),
            Method::File(pattern) => self.all(|view| {
                let name = view.file.rsplit('/').next().unwrap_or_default();
                let stem = match name.rfind('.') {
                    Some(dot) if dot > 0 => &name[..dot],
                    _ => name,
                };
                fnmatch(name, pattern) || fnmatch(stem, pattern)
            }),
            // dbt's names do not select sources: only `source:` and the methods about all nodes do.
            Method::Fqn(pattern) => self.all(|view| {
                view.kind != "source" && fqn_matches(view.fqn, pattern, view.is_versioned())
            }),
            Method::Group(pattern) => {
                self.all(|view| view.kind != "source" && some(view.group, pattern))
            }
            Method::Named { kind, package, name } => self.all(|view| {
                view.kind == *kind && fnmatch(view.package, package) && fnmatch(view.name, name)
            }),
            Method::Package(pattern) => {
                let pattern = match (pattern.as_str(), self.root) {
                    ("this", Some(root)) => root,
                    (pattern, _) => pattern,
                };
                self.all(|view| fnmatch(view.package, pattern))
            }
            Method::Path(pattern) => self.path(pattern),
            Method::ResourceType(value) => self.all(|view| view.kind == value),
            Method::Source([package, source, table]) => self.all(|view| {
                view.kind == "source"
                    && fnmatch(view.package, package)
                    && some(view.source_name, source)
                    && fnmatch(view.name, table)
            }),
            Method::Tag(pattern) => {
                self.all(|view| view.tags.iter().any(|tag| fnmatch(tag, pattern)))
            }
            Method::Version(wanted) => {
                self.all(|view| view.kind == "model" && version_is(view, *wanted))
            }
        }
    }

    /// dbt globs below the root project's folder and then compares paths. The folder is not at
    /// hand, so what exists is what the root project's nodes name: never more than dbt finds.
    fn path(&self, pattern: &[String]) -> Ids<'m> {
        let mut files: BTreeSet<&str> = BTreeSet::new();
        for view in self.views.values() {
            if self.root.is_none_or(|root| view.package == root) {
                files.insert(view.file);
                files.extend(view.patch);
            }
        }
        let mut found: BTreeSet<&str> = BTreeSet::new();
        for file in files {
            if path_matches(file, pattern, false) {
                found.insert(file);
            }
            found.extend(parents(file).filter(|folder| path_matches(folder, pattern, true)));
        }
        self.all(|view| {
            found.contains(view.file)
                || view.patch.is_some_and(|yaml| found.contains(yaml))
                || parents(view.file).any(|folder| found.contains(folder))
        })
    }
}

/// As dbt compares versions: as numbers where both are, else as texts. What Python holds for
/// false, such as version 0, is neither old nor a prerelease.
fn version_is(view: &View<'_>, wanted: VersionIs) -> bool {
    let both = view.version.zip(view.latest_version);
    let less = |one: &str, other: &str| match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => one < other,
        _ => one < other,
    };
    let truthy = |version: &str| version.parse::<f64>().map_or(!version.is_empty(), |v| v != 0.0);
    let compared = both.filter(|(own, latest)| truthy(own) && truthy(latest));
    match wanted {
        VersionIs::Latest => both.is_some_and(|(own, latest)| own == latest),
        VersionIs::Prerelease => compared.is_some_and(|(own, latest)| less(latest, own)),
        VersionIs::Old => compared.is_some_and(|(own, latest)| less(own, latest)),
        VersionIs::None => view.version.is_none(),
    }
}
