//! `rolecall catalog`

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use super::{Exit, Format, Global, output, plan};
use crate::config::{self, Config};
use crate::dbt::{self, ResourceType};
use crate::edit;
use crate::model::Inventory;
use crate::project::{Places, Project, manifest_path};
use crate::report::{findings::one_line, json};
use crate::requests::catalog::{Offer, OfferedRole, Output, catalog};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only this product
    #[arg(value_name = "PRODUCT")]
    product: Option<String>,
}

#[derive(Serialize)]
struct Catalog {
    version: u32,
    products: Vec<Offer>,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    let places = global.places();
    let (config, found) = config::load_to_edit(&places.project_dir);
    let Some(config) = config.filter(|_| !found.has_errors()) else {
        plan::say_invalid(global, found)?;
        return Ok(Exit::Failed);
    };
    let only = arguments.product.as_deref();
    if let Some(product) = only
        && let Err(unknown) = edit::known(&config, product, None)
    {
        plan::say_invalid(global, unknown)?;
        return Ok(Exit::Failed);
    }
    let outputs = outputs(&places, &config, plan::as_of(global)?);
    if outputs.is_none() {
        output::message(
            "no sound manifest is at hand: what is in the products is not listed (`rolecall validate` says why)",
        );
    }
    let products = catalog(&config, only, outputs.as_ref());
    if global.format == Format::Json {
        output::data(&json::print(&Catalog { version: json::VERSION, products })?)?;
        return Ok(Exit::Done);
    }
    let shown: Vec<String> = products.iter().map(text).collect();
    output::text(&shown.join("\n"))?;
    Ok(Exit::Done)
}

/// The outputs of every product: of the environment that is meant, else of the first whose manifest
/// is at hand and sound.
fn outputs(places: &Places, config: &Config, now: i64) -> Option<BTreeMap<String, Vec<Output>>> {
    let mut projects = vec![places.clone()];
    if places.target.is_none() {
        let there = config
            .environments
            .values()
            .filter(|environment| manifest_path(places, Some(environment.target_name())).is_file());
        projects
            .extend(there.map(|one| Places { target: Some(one.name.clone()), ..places.clone() }));
    }
    projects.iter().find_map(|places| {
        let (project, found) = Project::load(places, now);
        outputs_of(&project.filter(|_| !found.has_errors())?)
    })
}

fn outputs_of(project: &Project) -> Option<BTreeMap<String, Vec<Output>>> {
    let (resolved, _) = project.resolve(None, &Inventory::default(), true, None);
    let (bytes, _) = dbt::read_bytes(&project.manifest_path);
    let described = dbt::descriptions(&bytes?);
    let mut outputs: BTreeMap<String, Vec<Output>> = BTreeMap::new();
    // What has no relation cannot be read by anybody.
    for node in resolved?.nodes.into_iter().filter(|node| node.relation.is_some()) {
        let (Some(product), Some(read)) =
            (node.product, project.manifest.nodes.get(&node.unique_id))
        else {
            continue;
        };
        let version = read.version.as_ref().map(|version| format!(".v{version}"));
        let name = match (read.resource_type, &read.source_name) {
            (ResourceType::Source, Some(source)) => format!("{source}.{}", read.name),
            _ => format!("{}{}", read.name, version.unwrap_or_default()),
        };
        let description = described.get(&node.unique_id).cloned();
        let kind = read.resource_type.as_str();
        outputs.entry(product).or_default().push(Output { name, kind, description });
    }
    outputs.values_mut().for_each(|list| list.sort());
    Some(outputs)
}

fn text(offer: &Offer) -> String {
    let Offer { product, title, owners, roles, outputs } = offer;
    let title = title.as_ref().map(|title| format!(": {}", one_line(title))).unwrap_or_default();
    let mut out = format!("{product}{title}\n");
    let owners = if owners.is_empty() { "nobody yet".to_owned() } else { owners.join(", ") };
    out.push_str(&format!("  owners: {}\n", one_line(&owners)));
    match outputs.as_deref() {
        None => {}
        Some([]) => out.push_str("  outputs: none yet\n"),
        Some(outputs) => {
            out.push_str("  outputs:\n");
            out.push_str(&columns(outputs.iter().map(|output| {
                let kind = if output.kind == "model" {
                    String::new()
                } else {
                    format!(" ({})", output.kind)
                };
                let description = output.description.as_deref().unwrap_or_default();
                (one_line(&format!("{}{kind}", output.name)), paragraph(description))
            })));
        }
    }
    if roles.is_empty() {
        out.push_str("  nothing can be asked for: speak to the owners\n");
        return out;
    }
    out.push_str("  roles:\n");
    out.push_str(&columns(roles.iter().map(|role| (role.role.clone(), may(role)))));
    out.push_str("  to ask:\n");
    for role in roles {
        out.push_str(&format!("    {}\n", role.ask));
    }
    out
}

fn may(role: &OfferedRole) -> String {
    let words = |may: &[String]| {
        if may.is_empty() { "nothing".to_owned() } else { may.join(", ") }
    };
    let mut out = format!("may {}", words(&role.may));
    for (environment, may) in &role.environments {
        out.push_str(&format!("; in {environment} {}", words(may)));
    }
    out
}

/// Two columns, the second begun where the longest of the first ends.
fn columns(rows: impl Iterator<Item = (String, String)>) -> String {
    let rows: Vec<(String, String)> = rows.collect();
    let width = rows.iter().map(|(first, _)| first.chars().count()).max().unwrap_or_default();
    rows.iter()
        .map(|(first, second)| {
            let line = format!("    {first:width$}  {second}");
            format!("{}\n", line.trim_end())
        })
        .collect()
}

/// The first paragraph, in one line.
fn paragraph(text: &str) -> String {
    let paragraph = text.trim().split("\n\n").next().unwrap_or_default();
    one_line(&paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
}
