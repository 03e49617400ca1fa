//! A first configuration, proposed from what a manifest shows. The user's to change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::is_name;
use crate::dbt::{Manifest, Node, ResourceType};

/// First-level folders whose models are on the way to a product, not of one.
const UNDERWAY: [&str; 8] =
    ["base", "int", "intermediate", "raw", "sources", "staging", "stg", "utilities"];

/// Words that a YAML reader of another kind would not take for text.
const NOT_TEXT: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// A proposed product.
struct Proposal {
    name: String,
    title: String,
    outputs: String,
    models: usize,
}

/// A commented first `rolecall.yml`: environments dev and prod, the three usual product roles, and
/// a product for each of the manifest's model groups or, without groups, for each second-level
/// folder of models. It loads without errors, whatever the names in the manifest are.
pub fn first_config(manifest: &Manifest) -> String {
    let models: Vec<&Node> = manifest
        .nodes
        .values()
        .filter(|node| node.resource_type == ResourceType::Model)
        .filter(|node| {
            // Other packages' models are not managed unless the user says so.
            manifest.metadata.project_name.as_ref().is_none_or(|own| *own == node.package_name)
        })
        .collect();
    let mut left_out = Vec::new();
    let proposals = propose(&models, &mut left_out);
    let mut out = String::from(HEAD);
    match &manifest.metadata.project_name {
        Some(project) => {
            let _ = writeln!(out, "# deployment: {}", quoted(project));
        }
        None => {
            // Without it there is no telling this project's roles from another's.
            out.push_str(
                "# This manifest names no project (before dbt 1.6), so it must stand here.\n",
            );
            let _ = writeln!(out, "deployment: {}", quoted(&package_of(&models)));
        }
    }
    out.push_str(ENVIRONMENTS);
    out.push_str(PRODUCT_ROLES);
    out.push_str(PRODUCTS);
    if proposals.is_empty() {
        out.push_str("products: {}\n");
    } else {
        out.push_str("products:\n");
    }
    for Proposal { name, title, outputs, models } in &proposals {
        let plural = if *models == 1 { "" } else { "s" };
        let _ = writeln!(out, "  {}: # {models} model{plural}", key(name));
        let _ = writeln!(out, "    title: {}", quoted(title));
        out.push_str("    owners: []\n");
        let _ = writeln!(out, "    outputs: {}", quoted(outputs));
    }
    if !left_out.is_empty() {
        out.push_str("\n# Not proposed, since a selection cannot name them; rename them, or select by tag:\n");
        for what in left_out {
            let _ = writeln!(out, "#   {what}");
        }
    }
    write_tags(&mut out, &models);
    out
}

/// A first `rolecall/members/<product>.yml` for the owner of `product`.
pub fn first_members(product: &str) -> String {
    format!(
        "# Who is in which product role of {}. Only this product's members stand here.\n\
         #\n\
         # analyst:\n\
         #   - user: taylor\n\
         #   - group: AD_SALES\n\
         #   - {{user: sam, until: 2027-01-31, reason: \"why\", environments: [dev]}}\n\
         # `until` is the last day (in UTC); an entry without `environments` holds in all.\n\
         analyst: []\n\
         engineer: []\n\
         owner: []\n",
        comment(product)
    )
}

const HEAD: &str = "\
# The platform's side of access as code: environments, what product roles may, and products.
# Files in rolecall/platform/ are merged with this one; a name stands in one of them only.
# Members stand in rolecall/members/<product>.yml, which each product's owner keeps.
# What a role gets on a model stands beside the model, in meta:
#   config: {meta: {rolecall: {grants: {analyst: [read]}}}}
version: 1

# Part of every managed role's marker, so that two projects on one server never touch each other.
# Without it, the dbt project's name.
";

const ENVIRONMENTS: &str = r#"
# Where models are deployed, each named like its dbt target (or with `target: its_name`).
# `role_name` is the template of warehouse role names; it knows env.name, product.name,
# product.title, role.name, and target.name, target.schema and target.database.
environments:
  dev:
    role_name: "{{ env.name }}_{{ product.name }}_{{ role.name }}"
  prod:
    role_name: "{{ product.name }}_{{ role.name }}"
    # The environment whose access is promoted into this one.
    promote_from: dev
    # Only a saved plan is applied here (`plan --out`, or `promote --out`), and the dbt hooks grant
    # nothing unless `hook: true` says so.
    protected: true
    # Where users or groups have other names here than in the members' files:
    # user_name: "{{ user.name }}"
    # group_name: "{{ group.name }}"
    # The role that runs dbt, needed where ownership (`own`) is declared:
    # deploy_role: dbt
"#;

const PRODUCT_ROLES: &str = "
# What every product gets: its kinds of role. `may` is the most that a declaration can give:
# read, write, admin (every data privilege, no ownership), own, or a raw privilege.
product_roles:
  analyst:
    may: [read]
    # USAGE on these warehouses (Snowflake):
    # warehouses: [BI_WH]
  engineer:
    may: [read, write]
    # Less in some environments:
    environments:
      prod: {may: [read]}
  owner:
    may: [admin]
";

const PRODUCTS: &str = "
# Data products: named sets of dbt nodes. `owners` decide about members; `outputs` is a dbt node
# selection, and no meta adds a node beyond it.
";

fn propose(models: &[&Node], left_out: &mut Vec<String>) -> Vec<Proposal> {
    let grouped = by(models, |node| node.group.clone().filter(|group| !group.is_empty()));
    if !grouped.is_empty() {
        let found = grouped
            .into_iter()
            .map(|(group, models)| (vec![group.clone()], format!("group:{group}"), models));
        return named(found, left_out);
    }
    let folders = |depth: usize, underway: bool| {
        by(models, |node| {
            let parts: Vec<&str> =
                node.original_file_path.split('/').filter(|part| !part.is_empty()).collect();
            // The models' folder, the folders below it, and the file.
            (parts.len() > depth + 1
                && (underway || !UNDERWAY.contains(&parts.get(1)?.to_lowercase().as_str())))
            .then(|| parts[..=depth].join("/"))
        })
    };
    let found = [folders(2, false), folders(1, false), folders(2, true), folders(0, true)];
    let folders = found.into_iter().find(|found| !found.is_empty()).unwrap_or_default();
    let found = folders.into_iter().map(|(path, models)| {
        let parts = path.split('/').map(str::to_owned).collect();
        (parts, format!("path:{path}"), models)
    });
    named(found, left_out)
}

fn by(models: &[&Node], of: impl Fn(&Node) -> Option<String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for found in models.iter().filter_map(|node| of(node)) {
        *counts.entry(found).or_insert(0) += 1;
    }
    counts
}

/// Gives each its name: the last part, or more of them where that is taken.
fn named(
    found: impl Iterator<Item = (Vec<String>, String, usize)>,
    left_out: &mut Vec<String>,
) -> Vec<Proposal> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut proposals = Vec::new();
    for (parts, outputs, models) in found {
        // White space and commas join selectors; the other signs are patterns, graphs or quotes.
        let reserved =
            |c: char| c.is_whitespace() || c.is_control() || ",*?[]{}+@\\\"'".contains(c);
        let Some(last) = parts.last().filter(|_| !outputs.contains(reserved)) else {
            left_out.push(format!("{} ({models})", comment(&outputs)));
            continue;
        };
        let longer = parts.get(parts.len().saturating_sub(2)..).unwrap_or_default().join("_");
        let name = [slug(last), slug(&longer)]
            .into_iter()
            .chain((2u32..).map(|number| format!("{}_{number}", slug(last))))
            // Two that differ in case only would be one file and one role.
            .find(|name| !taken.contains(name));
        let Some(name) = name else { continue };
        taken.insert(name.clone());
        proposals.push(Proposal { name, title: last.clone(), outputs, models });
    }
    proposals
}

/// A text as the name of a product.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '-' {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.ends_with('_') {
            slug.push('_');
        }
    }
    let slug = slug.trim_matches(['_', '-']).to_owned();
    if is_name(&slug) { slug } else { "product".to_owned() }
}

/// The package of most models, for a manifest that does not name its project.
fn package_of(models: &[&Node]) -> String {
    let packages = by(models, |node| Some(node.package_name.clone()));
    let most = packages.into_iter().max_by_key(|(_, count)| *count);
    most.map_or_else(|| "my_project".to_owned(), |(package, _)| slug(&package))
}

/// A name as a YAML key.
fn key(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !NOT_TEXT.contains(&name.to_ascii_lowercase().as_str());
    if plain { name.to_owned() } else { quoted(name) }
}

/// A text as a YAML scalar in double quotes.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // Not printable in YAML, or a line break to it, or not to be seen.
            c if c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
                || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text inside a comment: on one line.
fn comment(text: &str) -> String {
    text.escape_debug().to_string()
}

fn write_tags(out: &mut String, models: &[&Node]) {
    const SHOWN: usize = 20;
    let mut tags: BTreeMap<&str, usize> = BTreeMap::new();
    for tag in models.iter().flat_map(|node| &node.tags) {
        *tags.entry(tag).or_insert(0) += 1;
    }
    if tags.is_empty() {
        return;
    }
    out.push_str(
        "\n# Tags of this project's models, which `outputs` can select too, as \"tag:name\":\n",
    );
    for (tag, count) in tags.iter().take(SHOWN) {
        let _ = writeln!(out, "#   {} ({count})", comment(tag));
    }
    if tags.len() > SHOWN {
        let _ = writeln!(out, "#   and {} more", tags.len() - SHOWN);
    }
}
