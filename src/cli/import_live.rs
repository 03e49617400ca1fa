//! `rolecall import [--role PATTERN…]`: the roles of a warehouse, as configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use super::import::Arguments;
use super::{Exit, Format, Global, output, plan};
use crate::apply::Failure;
use crate::import::ByAdoption;
use crate::import::live::{Explained, Had, NotSaid, Reading, block_json, sentence};
use crate::import::read::{Read, read};
use crate::model::Ident;
use crate::report::{count, findings::one_line, json};

#[derive(Debug, Serialize)]
struct Told {
    version: u32,
    files: Vec<File>,
    /// Roles that are not written, and why.
    passed_over: Vec<Passed>,
    /// Roles that are product roles by their names.
    product_roles: Vec<ProductRole>,
    /// Roles that are a product role by their names, and are written as playbook roles, with why.
    as_playbook_roles: Vec<Passed>,
    /// What product roles of the configuration that nobody manages yet would gain and lose.
    by_adoption: Vec<ByAdoption>,
    /// Product roles that every product gets, and that new ones do not have yet.
    to_be_made: Vec<String>,
    /// Products whose members file is there already: `rolecall import --members` writes into it.
    members_later: Vec<String>,
    /// What product roles hold beyond what is declared, as blocks of `meta.rolecall`.
    declarations: Vec<Declaration>,
    /// What is the roles' and cannot be written.
    left: Vec<NotSaid>,
    /// What everybody has; nothing where that could not be asked.
    everybody: Option<Vec<Had>>,
}

#[derive(Debug, Serialize)]
struct File {
    path: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct Declaration {
    node: String,
    rolecall: serde_json::Value,
}

#[derive(Debug, Serialize)]
struct ProductRole {
    role: String,
    product: String,
    product_role: String,
}

#[derive(Debug, Serialize)]
struct Passed {
    role: String,
    why: String,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Some(project) = plan::load(global)? else { return Ok(Exit::Failed) };
    let seen = plan::runtime()?.block_on(async {
        let mut warehouse = plan::connect(&arguments.connection, &project).await?;
        Ok::<_, anyhow::Error>(read(&mut warehouse, &project, &arguments.role).await)
    })?;
    let seen = match seen {
        Ok(seen) => seen,
        Err(Failure::Found(found)) => {
            plan::say_invalid(global, found)?;
            return Ok(Exit::Failed);
        }
        Err(failure) => return Err(failure.into()),
    };
    if let Some(out) = &arguments.out {
        write(out, &seen.files)?;
    }
    say(global, arguments.out.as_deref(), &seen)?;
    Ok(Exit::Done)
}

/// All of them, or none where one is there.
fn write(out: &Path, files: &BTreeMap<String, String>) -> anyhow::Result<()> {
    let paths: Vec<(PathBuf, &String)> =
        files.iter().map(|(path, text)| (out.join(path), text)).collect();
    let there: Vec<String> = paths
        .iter()
        // The other ending of the same file counts as well.
        .flat_map(|(path, _)| [path.clone(), path.with_extension("yaml")])
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| path.display().to_string())
        .collect();
    anyhow::ensure!(
        there.is_empty(),
        "{} is there already: nothing is written; name another folder by --out, and merge by hand",
        there.join(", ")
    );
    for (path, text) in paths {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        plan::write_whole(&path, text)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn say(global: &Global, out: Option<&Path>, seen: &Read) -> anyhow::Result<()> {
    let Read {
        imported,
        passed_over,
        explained,
        members_later,
        everybody,
        unfit,
        files,
        by_adoption,
    } = seen;
    let Explained { proposed, not, made, roles: of_products, .. } = explained;
    for pattern in unfit {
        output::message(&one_line(&format!("no role fits {pattern}")));
    }
    if global.format == Format::Json {
        let file = files.iter().map(|(path, text)| File { path: path.clone(), text: text.clone() });
        let passed =
            |(role, why): (&Ident, &String)| Passed { role: role.to_string(), why: why.clone() };
        let over = passed_over.iter().map(|(role, why)| passed((role, why)));
        return output::data(&json::print(&Told {
            version: json::VERSION,
            files: file.collect(),
            passed_over: over.collect(),
            product_roles: of_products
                .iter()
                .map(|(role, Reading { product, role: product_role })| ProductRole {
                    role: role.to_string(),
                    product: product.clone(),
                    product_role: product_role.clone(),
                })
                .collect(),
            as_playbook_roles: not.iter().map(passed).collect(),
            by_adoption: by_adoption.clone(),
            to_be_made: made.iter().map(ToString::to_string).collect(),
            members_later: members_later.iter().cloned().collect(),
            declarations: proposed
                .blocks
                .iter()
                .map(|one| Declaration {
                    node: one.unique_id.clone(),
                    rolecall: block_json(&one.block),
                })
                .collect(),
            left: imported.left.iter().chain(&proposed.left).cloned().collect(),
            everybody: everybody.clone(),
        })?);
    }
    match out {
        Some(out) => {
            let lines = files.keys().map(|path| format!("{}\n", out.join(path).display()));
            output::text(&lines.collect::<String>())?;
        }
        None => {
            let texts = files.iter().map(|(path, text)| format!("# --- {path}\n{text}"));
            output::data(&texts.collect::<Vec<_>>().join("\n"))?;
        }
    }
    for (role, why) in passed_over {
        output::message(&one_line(&format!("not imported: {role}: {why}")));
    }
    for (role, why) in not {
        output::message(&one_line(&format!("as a playbook role: {role}: {why}")));
    }
    for (role, reading) in of_products {
        output::message(&one_line(&format!("as a product role: {role}: {reading}")));
    }
    for ByAdoption { role, what } in by_adoption {
        output::message(&one_line(&format!("by adoption: {role}: {what}")));
    }
    for role in made {
        output::message(&one_line(&format!(
            "not there: {role}, which the configuration gives every product: it will be made, empty"
        )));
    }
    for product in members_later {
        output::message(&format!(
            "who is in the roles of {product}: `rolecall import --members` writes them into its members file, once the product has the roles"
        ));
    }
    for NotSaid { role, what, why } in imported.left.iter().chain(&proposed.left) {
        output::message(&one_line(&format!("not said: {role}: {what}: {why}")));
    }
    output::message(&one_line(&sentence(everybody.as_deref().unwrap_or_default())));
    if !proposed.blocks.is_empty() {
        output::message(&format!(
            "{} with what product roles hold and nobody declares: put each block into its node's `meta`",
            count(proposed.blocks.len(), "node")
        ));
    }
    let roles = count(imported.roles.len(), "role");
    output::message(&match imported.roles.len() {
        0 if !proposed.blocks.is_empty() || !of_products.is_empty() => return Ok(()),
        0 => "no role to import".to_owned(),
        _ => format!("{roles}; review what is written, then `rolecall plan --adopt`"),
    });
    Ok(())
}
