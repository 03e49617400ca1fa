//! Which nodes a selection names, by dbt's own rules.

use std::collections::BTreeSet;

use super::spec::{Criterion, Reach, Selector, SelectorError, Spec, error};
use super::world::{Ids, World};
use crate::dbt::node::Manifest;

/// What a selection names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selected {
    /// `unique_id`s.
    pub nodes: BTreeSet<String>,
    /// Parts of it, as written, that name no node with a relation.
    pub empty: Vec<String>,
}

/// The `unique_id`s of the nodes that a selection names, as `dbt ls --select` of dbt 1.11 does,
/// among those that can have a relation.
///
/// # Errors
/// The manifest was read without what the selection [needs](Selector::needs).
pub fn select(
    selector: &Selector,
    manifest: &Manifest,
    root_package: Option<&str>,
) -> Result<BTreeSet<String>, SelectorError> {
    Ok(World::of(manifest, root_package).select(selector)?.nodes)
}

impl World<'_> {
    /// What a selection names, and which parts of it name nothing. See [`select`].
    ///
    /// # Errors
    /// The manifest was read without what the selection [needs](Selector::needs).
    pub fn select(&self, selector: &Selector) -> Result<Selected, SelectorError> {
        let manifest = self.manifest;
        if !manifest.beyond.read().covers(selector.needs()) {
            return Err(error(
                "the manifest was not read as far as this selection looks",
                "give the selection where the manifest is read",
            ));
        }
        let mut empty = Vec::new();
        let selected = eval(self, &selector.spec, &mut empty);
        let nodes = related(manifest, &selected).map(str::to_owned).collect();
        Ok(Selected { nodes, empty })
    }
}

/// Those that can have a relation.
fn related<'i>(manifest: &'i Manifest, ids: &'i Ids<'_>) -> impl Iterator<Item = &'i str> {
    ids.iter().copied().filter(|id| manifest.nodes.contains_key(*id))
}

fn eval<'m>(world: &World<'m>, spec: &Spec, empty: &mut Vec<String>) -> Ids<'m> {
    match spec {
        Spec::Everything => world.everything(),
        Spec::Criterion(one) => criterion(world, one),
        Spec::Union(specs) => specs.iter().flat_map(|spec| eval(world, spec, empty)).collect(),
        Spec::Intersection(specs) => {
            let mut sets = specs.iter().map(|spec| eval(world, spec, empty));
            let Some(first) = sets.next() else { return Ids::new() };
            sets.fold(first, |all, next| &all & &next)
        }
        Spec::Difference(one, other) => {
            let one = eval(world, one, empty);
            &one - &eval(world, other, empty)
        }
        Spec::Part(written, spec) => {
            let ids = eval(world, spec, empty);
            if related(world.manifest, &ids).next().is_none() {
                empty.push(written.clone());
            }
            ids
        }
    }
}

fn criterion<'m>(world: &World<'m>, criterion: &Criterion) -> Ids<'m> {
    let Criterion { method, parents, children, childrens_parents } = criterion;
    let selected = world.method(method);
    let mut all = selected.clone();
    if *childrens_parents {
        let mut below = walk(&selected, Reach::All, |id| world.children(id));
        below.extend(&selected);
        all.extend(walk(&below, Reach::All, |id| world.parents(id)));
        all.extend(below);
    }
    all.extend(walk(&selected, *parents, |id| world.parents(id)));
    all.extend(walk(&selected, *children, |id| world.children(id)));
    all
}

/// The nodes that `next` leads to from `start`, in at most as many steps as `reach` says.
fn walk<'m, I: Iterator<Item = &'m str>>(
    start: &Ids<'m>,
    reach: Reach,
    next: impl Fn(&'m str) -> I,
) -> Ids<'m> {
    let mut steps = match reach {
        Reach::Not => 0,
        Reach::Steps(steps) => steps,
        Reach::All => usize::MAX,
    };
    let (mut found, mut layer) = (Ids::new(), start.clone());
    while steps > 0 && !layer.is_empty() {
        layer = layer.iter().flat_map(|id| next(id)).filter(|id| !found.contains(id)).collect();
        found.extend(&layer);
        steps -= 1;
    }
    found
}
