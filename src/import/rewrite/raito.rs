//! `meta.raito` as `meta.rolecall`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::blocks::{self, Given};
use super::platform;
use super::{Todo, Work};
use crate::config::FileKind;
use crate::dbt::RAITO;
use crate::declare::{self, ProjectSources};
use crate::edit::pairs::{self, Step};
use crate::project::Project;

const PRODUCT: &str = "raito";
const FILE: &str = "rolecall/platform/raito.yml";

/// The key of a block in a file, and which nodes get it.
type Spots<'p> = BTreeMap<(String, u32, u32), Vec<&'p str>>;

pub(super) fn rewrite(project: &Project, sources: &ProjectSources, work: &mut Work) {
    let (resolved, _) = project.resolve(None, &Default::default(), false, None);
    let Some(resolved) = resolved else { return };
    let without = blocks::without_product(project, &resolved);
    let mut spots: Spots<'_> = BTreeMap::new();
    let managed: BTreeSet<&str> =
        resolved.nodes.iter().map(|node| node.unique_id.as_str()).collect();
    // What belongs to another package gives nothing here, and its files are not ours.
    let nodes = project.manifest.nodes.values();
    for node in nodes.filter(|node| managed.contains(node.unique_id.as_str())) {
        let Some(block) = node.raito.as_ref().and_then(|meta| meta.block.as_ref()) else {
            continue;
        };
        if !gives(block) {
            continue;
        }
        let Some((file, keys)) = declare::raito_spots(&project.manifest, sources, node) else {
            work.todo.push(Todo::at(
                node.original_file_path.as_str(),
                format!("the block of {} is not found as the manifest has it (it is made while dbt runs, or was edited since): run `dbt parse`, or rewrite it by hand", node.unique_id),
            ));
            continue;
        };
        for (line, column) in keys {
            spots.entry((file.clone(), line, column)).or_default().push(&node.unique_id);
        }
    }
    let files: BTreeSet<String> = spots.keys().map(|(file, ..)| file.clone()).collect();
    for file in files {
        one_file(project, work, &file, &spots, &without);
    }
    configuration(project, work);
}

fn gives(block: &Value) -> bool {
    let grants = block.get("grant").unwrap_or(block);
    grants.as_array().is_some_and(|grants| !grants.is_empty())
}

fn one_file(
    project: &Project,
    work: &mut Work,
    file: &str,
    spots: &Spots<'_>,
    without: &BTreeSet<String>,
) {
    let Some(text) = work.after.get(file).cloned() else { return };
    if !file.ends_with(".yml") && !file.ends_with(".yaml") {
        let nodes: Vec<&str> = spots
            .iter()
            .filter(|((of, ..), _)| of == file)
            .flat_map(|(_, nodes)| nodes)
            .copied()
            .collect();
        let Some((_, block)) = declare::value_in_config_call(&text, RAITO) else {
            work.todo.push(Todo::at(
                file,
                "its config() is not written out: rewrite `raito` there by hand",
            ));
            return;
        };
        let Some((ours, rest)) = one_block(project, work, file, &block, &nodes, without) else {
            return;
        };
        let mut new = vec![(crate::dbt::KEY, ours)];
        new.extend(rest.map(|rest| (RAITO, rest)));
        blocks::in_call(work, file, RAITO, &new);
        return;
    }
    let found = match pairs::find(&text, RAITO) {
        Ok(found) => found,
        Err(why) => {
            work.todo.push(Todo::at(
                file,
                format!("this file is not edited: {why}; rewrite it by hand"),
            ));
            return;
        }
    };
    for (way, line, column) in found {
        let in_meta = matches!(way.last(), Some(Step::Key(key)) if key == "meta" || key == "+meta");
        if !in_meta || way.contains(&Step::Key("columns".to_owned())) {
            continue;
        }
        let mut own = way.clone();
        own.push(Step::Key(RAITO.to_owned()));
        let Some(block) = declare::yaml_value(&text, &own).filter(gives) else { continue };
        let nodes =
            spots.get(&(file.to_owned(), line, column)).map(Vec::as_slice).unwrap_or_default();
        if blocks::has_ours(&text, &way) {
            work.todo.push(Todo::at(
                file,
                format!("line {line}: `meta` has a `rolecall` beside `raito`: merge them by hand"),
            ));
            continue;
        }
        let Some((ours, rest)) = one_block(project, work, file, &block, nodes, without) else {
            continue;
        };
        let ours = [(crate::dbt::KEY, ours)];
        if rest.is_none() {
            work.edit(file, |text| pairs::replace(text, &way, RAITO, &ours));
        } else {
            // What is no grant stays for whoever applies it.
            work.edit(file, |text| pairs::replace(text, &own, "grant", &[]));
            work.edit(file, |text| pairs::insert(text, &way, Some(RAITO), &ours));
        }
    }
}

/// Our block for one of theirs, and what is left of that.
fn one_block(
    project: &Project,
    work: &mut Work,
    file: &str,
    block: &Value,
    nodes: &[&str],
    without: &BTreeSet<String>,
) -> Option<(Value, Option<Value>)> {
    let given: Option<Given> = declare::raito_translated(&project.raito, block);
    let Some(given) = given else {
        work.todo.push(Todo::at(file, "a block here is replaced wherever it would hold, so that nobody knows what its grants are: take it out, or rewrite it by hand"));
        return None;
    };
    let Ok(product) = blocks::product_of_place(nodes, without, PRODUCT) else {
        work.todo.push(blocks::mixed(file, PRODUCT));
        return None;
    };
    let rest = match block {
        Value::Object(map) => {
            let mut rest = map.clone();
            rest.remove("grant");
            (!rest.is_empty()).then_some(Value::Object(rest))
        }
        _ => None,
    };
    Some((blocks::block(product, &given), rest))
}

/// `compat` is taken back, and what its reading adds to the configuration is written down.
fn configuration(project: &Project, work: &mut Work) {
    if let Some(place) = &project.config.raito {
        let file = place.file.to_string_lossy().replace('\\', "/");
        work.edit(&file, |text| pairs::replace(text, &[], "compat", &[]));
    }
    let (written, _) = crate::config::parse(&work.original_config);
    let mut implied = match platform::Implied::of(project, PRODUCT, &written.unwrap_or_default()) {
        Ok(Some(implied)) => implied,
        Ok(None) => return,
        Err(why) => {
            work.todo.push(Todo::at("rolecall.yml", why));
            return;
        }
    };
    let written = |role: &String| {
        let grants = project.raito.grants.iter();
        grants
            .filter(|(_, grant)| {
                grant.role.role == *role && grant.role.product.as_deref() == Some(PRODUCT)
            })
            .map(|(name, _)| name.clone())
            .next()
    };
    implied.called =
        implied.roles.keys().filter_map(|role| Some((role.clone(), written(role)?))).collect();
    // Whoever owns one grant must not decide about the others.
    let of_ours = project
        .raito
        .grants
        .values()
        .filter(|grant| grant.role.product.as_deref() == Some(PRODUCT));
    let mut owners: Option<BTreeSet<String>> = None;
    for grant in of_ours {
        let own: BTreeSet<String> = grant.owners.iter().cloned().collect();
        owners = Some(match owners {
            None => own,
            Some(all) => all.intersection(&own).cloned().collect(),
        });
    }
    implied.owners = owners.unwrap_or_default();
    work.add(FILE, FileKind::Platform, implied.text("raito"));
}
