//! The nodes of both environments, joined by `unique_id`.

use std::collections::{BTreeMap, BTreeSet};

use super::giving::Giving;
use crate::apply::Compared;
use crate::dbt::ResourceType;
use crate::model::{Diagnostic, Place};
use crate::plan::{Limit, TargetIdentity};
use crate::project::Project;

/// How far a promotion reaches: not to nodes that the source's manifest does not have, since nobody
/// has tried them there. `None` where no such node gives access in the target, and nothing is
/// selected.
pub fn joined(from: &Project, to: &Project, selected: Option<Limit>) -> Option<Limit> {
    let (source, target) = (&from.manifest.nodes, &to.manifest.nodes);
    if Giving::of(to).nodes.iter().all(|id| source.contains_key(id)) {
        return selected;
    }
    let (nodes, gone) = match selected {
        Some(Limit { nodes, gone }) => (nodes, gone),
        None => (target.keys().cloned().collect(), false),
    };
    let nodes = nodes.into_iter().filter(|id| source.contains_key(id)).collect();
    Some(Limit { nodes, gone })
}

/// What the target's declarations give beyond the source's: meant for it alone, or the source's
/// manifest is of before. It is given all the same.
pub(super) fn more_declared(
    from: &Project,
    to: &Project,
    promoted: &BTreeSet<String>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for id in promoted {
        let tried = from.declarations.get(id).map_or(&[][..], |node| &node.grants);
        for more in to.declarations.get(id).into_iter().flat_map(|node| &node.grants) {
            let same = tried.iter().filter(|it| it.role == more.role);
            let tried: BTreeSet<&String> = same.flat_map(|it| &it.permissions).collect();
            let words = more.permissions.iter().filter(|word| !tried.contains(word));
            let words: Vec<&str> = words.map(String::as_str).collect();
            if words.is_empty() {
                continue;
            }
            let warning = Diagnostic::warning(
                "not-tried",
                format!(
                    "{id} gives {} {} in {}, and not in {}",
                    more.role,
                    words.join(", "),
                    to.environment,
                    from.environment
                ),
            );
            let warning = match &more.place {
                Some(place) => warning.with_place(place.clone()),
                None => warning.with_place(Place::file(&to.manifest_path)),
            };
            found.push(warning.with_help(format!(
                "where that is not meant, `dbt build --target {0}` and `rolecall apply --target {0}` first",
                from.environment
            )));
        }
    }
    found
}

/// What the target's policies give beyond the source's, in the same way.
pub(super) fn more_by_policy(
    (from, tried): (&Project, &Giving),
    (to, giving): (&Project, &Giving),
    promoted: &BTreeSet<String>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (whose, nodes) in &giving.by_policy {
        let there = tried.by_policy.get(whose);
        let is_tried = |id: &String, word| {
            there.and_then(|nodes| nodes.get(id)).is_some_and(|words| words.contains(word))
        };
        let mut more = nodes.iter().filter_map(|(id, words)| {
            let words: Vec<&str> =
                words.iter().filter(|w| !is_tried(id, *w)).map(String::as_str).collect();
            (promoted.contains(id) && !words.is_empty()).then(|| (id, words.join(", ")))
        });
        let Some((id, words)) = more.next() else { continue };
        let others = match more.count() {
            0 => String::new(),
            n => format!(", and on {n} more"),
        };
        let (source, target) = (&from.environment, &to.environment);
        let message =
            format!("{whose} gives {words} on {id}{others} in {target}, and not in {source}");
        let warning = Diagnostic::warning("not-tried", message);
        found.push(warning.with_node(id).with_help(format!(
            "where that is not meant, let the policy hold in {source} and `rolecall apply --target {source}` first"
        )));
    }
    found
}

/// Whether what is promoted is, in both, one and the same relation: then a manifest, or a
/// connection, is likely the other environment's. Sources are often shared. A copy of a server
/// cannot be told from it, so it is no error.
pub(super) fn same_relations(
    (from, source): (&Project, &Compared),
    (to, target): (&Project, &Compared),
    promoted: &BTreeSet<String>,
) -> Option<Diagnostic> {
    let identity = |of: &Compared| TargetIdentity::from(&of.observed.server);
    if identity(source) != identity(target) {
        return None;
    }
    let is_built = |id: &String| {
        let node = to.manifest.nodes.get(id);
        node.is_some_and(|node| node.resource_type != ResourceType::Source)
    };
    let nodes = source.resolved.nodes.iter();
    let there: BTreeMap<&String, _> =
        nodes.map(|node| (&node.unique_id, node.relation.as_ref())).collect();
    let mut same = target.resolved.nodes.iter().filter_map(|node| {
        let (id, on) = (&node.unique_id, node.relation.as_ref()?);
        let there = (*there.get(id)?)?;
        let is_same = there.relation_key()? == on.relation_key()?;
        (is_same && promoted.contains(id) && is_built(id)).then_some((id, on))
    });
    let (id, on) = same.next()?;
    let more = match same.count() {
        0 => String::new(),
        n => format!(", and {n} more so"),
    };
    let (source, target) = (&from.environment, &to.environment);
    let message = format!("{id} is {on} in {source} and in {target}{more}");
    Some(
        Diagnostic::warning("same-relation", message)
            .with_place(Place::file(&to.manifest_path))
            .with_also(Place::file(&from.manifest_path), "the source's")
            .with_help(format!(
                "let dbt build {target} into a database or schema of its own; were --to-manifest or --to-connection those of {source}?"
            )),
    )
}
