//! `rolecall check --base`: what a change does, and who made it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::{Global, output, plan};
use crate::config::{Config, parse};
use crate::directory::{Directory, Known};
use crate::model::{Diagnostic, Diagnostics};
use crate::project::{Places, Project};
use crate::report::{findings::one_line, json};
use crate::review::approvals::brought;
use crate::review::git::Git;
use crate::review::{Author, Evidence, Reviewed, Signature, Verified, review};

#[derive(Serialize)]
pub(super) struct Checked {
    version: u32,
    base: String,
    head: String,
    pub(super) holds: bool,
    authors: Vec<Author>,
    members: BTreeSet<String>,
    permissions: BTreeSet<String>,
    approvals: Vec<Verified>,
    pub(super) findings: Vec<Diagnostic>,
}

/// Looks at a change; `None` where its files are wrong, which has been said.
pub(super) fn look(global: &Global, base: &str) -> anyhow::Result<Option<Checked>> {
    match checked(global, base) {
        Ok(Some((checked, notes))) => {
            notes.iter().for_each(|note| output::message(note));
            Ok(Some(checked))
        }
        Ok(None) => Ok(None),
        Err(wrong) => {
            plan::say_invalid(global, Diagnostics::from_iter([*wrong]))?;
            Ok(None)
        }
    }
}

type Asked = Result<Option<(Checked, Vec<String>)>, Box<Diagnostic>>;

fn checked(global: &Global, base: &str) -> Asked {
    let places = global.places();
    let git = Git::around(&places.project_dir)?;
    let range = git.since(base)?;
    let (before, after) = git.sides(&range)?;
    let (config, found) = parse(&after.config);
    let Some(config) = config.filter(|_| !found.has_errors()) else {
        output::findings(found);
        return Ok(None);
    };
    let authors = git.authors(&range)?;
    let mut notes = Vec::new();
    if git.is_dirty()? {
        notes.push("there are changes that are not committed: they are not looked at".to_owned());
    }
    let now = plan::as_of(global).unwrap_or_default();
    let (project, _) = Project::inspect(&places, now);
    let products_of = project.as_ref().map(products_of).unwrap_or_default();
    if project.is_none() && !(before.dbt.is_empty() && after.dbt.is_empty()) {
        notes.push(
            "no manifest is at hand: a declaration that names no product is taken for all of them"
                .to_owned(),
        );
    }
    let base_config = parse(&before.config).0.unwrap_or_default();
    let now_known = known(&places, &config);
    let (was, is) = match places.directory {
        // What the command line names is of no revision.
        Some(_) => (None, None),
        None => git.directories(&range, &base_config, &config)?,
    };
    for problem in [&was, &is].into_iter().flatten().filter_map(|read| read.as_ref().err()) {
        notes.extend(problem.iter().map(|wrong| format!("the directory: {}", wrong.message)));
    }
    // What is no file of the repository is the same before and after.
    let is_outside = was.is_none() && is.is_none();
    let was = if is_outside { now_known.clone() } else { was.and_then(Result::ok) };
    let is = is.map_or(now_known, Result::ok);
    let has_rules = after.config.iter().any(|file| file.text.contains("rule"));
    if is.is_none() && has_rules {
        notes.push("no directory is at hand: whom rules let in is not looked at".to_owned());
    }
    let group_owners = project.as_ref().map(Project::group_owners).unwrap_or_default();
    let nothing = Evidence::default();
    let change = Reviewed {
        base: &before,
        head: &after,
        authors: &authors,
        products_of: &products_of,
        directories: (was.as_deref(), is.as_deref()),
        group_owners: &group_owners,
        evidence: &nothing,
    };
    let evidence = git.evidence(&range, &base_config, &brought(&change))?;
    let reviewed = review(&Reviewed { evidence: &evidence, ..change });
    let findings = reviewed.found.sorted();
    let checked = Checked {
        version: json::VERSION,
        base: range.base,
        head: range.head,
        holds: findings.is_empty(),
        authors,
        members: reviewed.members,
        permissions: reviewed.permissions.into_keys().collect(),
        approvals: reviewed.approvals,
        findings,
    };
    Ok(Some((checked, notes)))
}

/// Who is known by a file that is at hand.
fn known(places: &Places, config: &Config) -> Option<Arc<Directory>> {
    match crate::project::known(places, config, &mut Diagnostics::default()) {
        Known::People(directory) => Some(directory),
        Known::Nothing | Known::Unasked => None,
    }
}

/// Which products own the nodes of each file.
fn products_of(project: &Project) -> BTreeMap<String, BTreeSet<String>> {
    let unseen = crate::model::Inventory::default();
    let (resolved, _) = project.resolve(None, &unseen, true, None);
    let mut files: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in resolved.iter().flat_map(|resolved| &resolved.nodes) {
        let Some(read) = project.manifest.nodes.get(&node.unique_id) else { continue };
        let patch = read.patch_path.as_deref().map(|path| path.split("://").last().unwrap_or(path));
        for file in [Some(read.original_file_path.as_str()), patch].into_iter().flatten() {
            let products = files.entry(file.replace('\\', "/")).or_default();
            products.extend(node.product.clone());
        }
    }
    files
}

/// For people: who made it and what it touches to stdout, what is wrong to stderr.
pub(super) fn say(checked: &Checked) -> anyhow::Result<()> {
    let mut out = String::new();
    for author in &checked.authors {
        out.push_str(&format!("{}\n", one_line(&format!("by {author}"))));
    }
    for (what, products) in
        [("members of", &checked.members), ("permissions of", &checked.permissions)]
    {
        for product in products {
            out.push_str(&format!("touches the {what} {}\n", one_line(product)));
        }
    }
    for Verified { product, role, user, by, how } in &checked.approvals {
        let how = match how {
            Some("signed") => "signed",
            Some(_) => "under the owners' code-owner rule",
            None => "claimed",
        };
        let what = format!("{user} into {product}.{role}, approved by {by} ({how})");
        out.push_str(&format!("{}\n", one_line(&what)));
    }
    output::text(&out)?;
    if checked.authors.iter().any(|author| author.signature == Signature::Claimed) {
        output::message("a claimed author proves nothing: sign commits, or set code owners");
    }
    let holds = checked.holds;
    output::findings(checked.findings.iter().cloned().collect());
    if holds {
        output::message("the sides are kept apart");
    }
    Ok(())
}
