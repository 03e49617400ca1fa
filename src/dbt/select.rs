//! Which nodes a selection names, by dbt's own rules.

use std::collections::{BTreeMap, BTreeSet};

use super::fnmatch::fnmatch;
use super::node::{Manifest, Node, ResourceType};
use super::selector::{Criterion, Method, Reach, Selector};

/// The `unique_id`s of the nodes that a selection names, as `dbt ls --select` of dbt 1.11 does,
/// among those that can have a relation (dbt's tests are not looked for).
///
/// `root_package` is the project's name; without it, the manifest's own. It decides what
/// `package:this` is and which folders exist for `path:`, which dbt looks up below the root
/// project only.
pub fn select(
    selector: &Selector,
    manifest: &Manifest,
    root_package: Option<&str>,
) -> BTreeSet<String> {
    let root = root_package.or(manifest.metadata.project_name.as_deref());
    let world = World { manifest, root, children: children_of(manifest, selector) };
    let mut selected = BTreeSet::new();
    for intersection in &selector.union {
        let mut sets = intersection.iter().map(|criterion| world.criterion(criterion));
        let Some(first) = sets.next() else { continue };
        selected.extend(sets.fold(first, |all, next| &all & &next));
    }
    selected.into_iter().map(str::to_owned).collect()
}

type Ids<'m> = BTreeSet<&'m str>;

struct World<'m> {
    manifest: &'m Manifest,
    root: Option<&'m str>,
    /// Empty where no part of the selection asks for children.
    children: BTreeMap<&'m str, Vec<&'m str>>,
}

fn children_of<'m>(manifest: &'m Manifest, selector: &Selector) -> BTreeMap<&'m str, Vec<&'m str>> {
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    if selector.union.iter().flatten().any(|criterion| criterion.children != Reach::Not) {
        for node in manifest.nodes.values() {
            for parent in &node.depends_on {
                children.entry(parent).or_default().push(&node.unique_id);
            }
        }
    }
    children
}

impl<'m> World<'m> {
    fn criterion(&self, criterion: &Criterion) -> Ids<'m> {
        let Criterion { method, parents, children } = criterion;
        let selected = self.method(method);
        let mut all = selected.clone();
        all.extend(self.walk(&selected, *parents, |id| {
            self.manifest
                .nodes
                .get(id)
                .map_or(&[][..], |node| &node.depends_on)
                .iter()
                .map(String::as_str)
                .collect()
        }));
        all.extend(
            self.walk(&selected, *children, |id| {
                self.children.get(id).cloned().unwrap_or_default()
            }),
        );
        all
    }

    /// The nodes that `next` leads to from `start`, in at most as many steps as `reach` says.
    fn walk(&self, start: &Ids<'m>, reach: Reach, next: impl Fn(&str) -> Vec<&'m str>) -> Ids<'m> {
        let mut steps = match reach {
            Reach::Not => 0,
            Reach::Steps(steps) => steps,
            Reach::All => usize::MAX,
        };
        let (mut found, mut layer) = (Ids::new(), start.clone());
        while steps > 0 && !layer.is_empty() {
            layer = layer
                .iter()
                .flat_map(|id| next(id))
                .filter(|id| self.manifest.nodes.contains_key(*id) && !found.contains(id))
                .collect();
            found.extend(&layer);
            steps -= 1;
        }
        found
    }

    fn method(&self, method: &Method) -> Ids<'m> {
        let some = |text: &Option<String>, pattern: &str| {
            text.as_deref().is_some_and(|text| fnmatch(text, pattern))
        };
        match method {
            Method::Access(value) => self.all(|node| {
                node.resource_type == ResourceType::Model && node.access.as_ref() == Some(value)
            }),
            Method::Materialized(value) => self.all(|node| materialized(node) == Some(value)),
            Method::File(pattern) => self.all(|node| {
                let name = node.original_file_path.rsplit('/').next().unwrap_or_default();
                let stem = match name.rfind('.') {
                    Some(dot) if dot > 0 => &name[..dot],
                    _ => name,
                };
                fnmatch(name, pattern) || fnmatch(stem, pattern)
            }),
            // dbt's names do not select sources: only `source:` and the methods about all nodes do.
            Method::Fqn(pattern) => {
                self.all(|node| !is_source(node) && fqn_matches(&node.fqn, pattern, node))
            }
            Method::Group(pattern) => {
                self.all(|node| !is_source(node) && some(&node.group, pattern))
            }
            Method::Package(pattern) => {
                let pattern = match (pattern.as_str(), self.root) {
                    ("this", Some(root)) => root,
                    (pattern, _) => pattern,
                };
                self.all(|node| fnmatch(&node.package_name, pattern))
            }
            Method::Path(pattern) => self.path(pattern),
            Method::ResourceType(value) => self.all(|node| node.resource_type.as_str() == value),
            Method::Source([package, source, table]) => self.all(|node| {
                is_source(node)
                    && fnmatch(&node.package_name, package)
                    && some(&node.source_name, source)
                    && fnmatch(&node.name, table)
            }),
            Method::Tag(pattern) => {
                self.all(|node| node.tags.iter().any(|tag| fnmatch(tag, pattern)))
            }
        }
    }

    fn all(&self, matches: impl Fn(&'m Node) -> bool) -> Ids<'m> {
        let nodes = self.manifest.nodes.values();
        nodes.filter(|node| matches(node)).map(|node| node.unique_id.as_str()).collect()
    }

    /// dbt globs below the root project's folder and then compares paths. The folder is not at
    /// hand, so what exists is what the root project's nodes name: never more than dbt finds.
    fn path(&self, pattern: &[String]) -> Ids<'m> {
        let mut files: BTreeSet<&str> = BTreeSet::new();
        for node in self.manifest.nodes.values() {
            if self.root.is_none_or(|root| node.package_name == root) {
                files.insert(&node.original_file_path);
                files.extend(node.patch_path.as_deref());
            }
        }
        let mut found: BTreeSet<&str> = BTreeSet::new();
        for file in files {
            if path_matches(file, pattern, false) {
                found.insert(file);
            }
            found.extend(parents(file).filter(|folder| path_matches(folder, pattern, true)));
        }
        self.all(|node| {
            let file = node.original_file_path.as_str();
            found.contains(file)
                || node.patch_path.as_deref().is_some_and(|yaml| found.contains(yaml))
                || parents(file).any(|folder| found.contains(folder))
        })
    }
}

fn is_source(node: &Node) -> bool {
    node.resource_type == ResourceType::Source
}

/// What dbt's config says; the Rust engine leaves it out for seeds.
fn materialized(node: &Node) -> Option<&str> {
    node.materialized.as_deref().or(match node.resource_type {
        ResourceType::Seed => Some("seed"),
        ResourceType::Snapshot => Some("snapshot"),
        ResourceType::Model | ResourceType::Source => None,
    })
}

/// The folders above a file, the project's own (the empty text) last.
fn parents(file: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(file), |path| match path.rfind('/') {
        Some(slash) => Some(&path[..slash]),
        None => (!path.is_empty()).then_some(""),
    })
    .skip(1)
}

/// A path against a pattern's parts, of which `**` stands for any folders.
fn path_matches(path: &str, pattern: &[String], is_folder: bool) -> bool {
    fn parts_match(parts: &[&str], pattern: &[String], is_folder: bool) -> bool {
        match pattern.split_first() {
            None => parts.is_empty(),
            // As the last part it names folders only.
            Some((first, [])) if first == "**" => is_folder,
            Some((first, rest)) if first == "**" => {
                (0..=parts.len()).any(|skip| parts_match(&parts[skip..], rest, is_folder))
            }
            Some((first, rest)) => parts.split_first().is_some_and(|(part, parts)| {
                fnmatch(part, first) && parts_match(parts, rest, is_folder)
            }),
        }
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts_match(&parts, pattern, is_folder)
}

/// A name against a node's fqn, with and without its package.
fn fqn_matches(fqn: &[String], pattern: &str, node: &Node) -> bool {
    let versioned = node.resource_type == ResourceType::Model && node.version.is_some();
    is_selected(fqn, pattern, versioned)
        || fqn.get(1..).is_some_and(|own| is_selected(own, pattern, versioned))
}

/// dbt's rule for names: the leaf alone, a prefix of the fqn, or a prefix up to a wildcard that
/// then matches all the rest. A versioned model's leaf is its name, or `name.v2` or `name_v2`.
fn is_selected(fqn: &[String], pattern: &str, versioned: bool) -> bool {
    let wanted: Vec<&str> = pattern.split('.').collect();
    let Some(leaf) = fqn.len().checked_sub(if versioned { 2 } else { 1 }).map(|at| &fqn[at]) else {
        return false;
    };
    if leaf == pattern {
        return true;
    }
    if versioned {
        let last_two = &wanted[wanted.len().saturating_sub(2)..];
        if fqn[fqn.len() - 2..].join("_") == last_two.join("_") {
            return true;
        }
    }
    let flat: Vec<&str> = fqn.iter().flat_map(|part| part.split('.')).collect();
    if flat.len() < wanted.len() {
        return false;
    }
    for (at, part) in wanted.iter().enumerate() {
        if part.contains(['*', '?', '[', ']']) {
            return fnmatch(&flat[at..].join("."), &wanted[at..].join("."))
                || (wanted.len() == 1 && fnmatch(leaf, pattern));
        }
        if flat[at] != *part {
            return false;
        }
    }
    true
}
