//! `rolecall log`

use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;

use super::{ConnectionFlags, Exit, Format, Global, output, plan};
use crate::model::{Ident, Inventory, RelationKey};
use crate::project::Project;
use crate::receipts::{
    Ask, Entry, Event, Extent, History, Only, PlanReceipt, Question, Since, history,
};
use crate::report::{findings::printable, json};
use crate::warehouse::Observe;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    connection: ConnectionFlags,
    /// Only this data product
    #[arg(long, value_name = "PRODUCT")]
    product: Option<String>,
    /// Only this product role, or role of the warehouse
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Only this member, and the roles that they were in
    #[arg(long, value_name = "NAME")]
    person: Option<String>,
    /// Only this model, by its name, unique_id or relation; with --person, since when they have it
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

/// `log --format json`.
#[derive(Debug, Serialize)]
struct Log<'a> {
    version: u32,
    environment: &'a str,
    receipts: Vec<Logged<'a>>,
    /// With --person and --model: what they have on it now, by the receipts.
    since: &'a [Since],
}

/// A receipt with the changes that answer the question.
#[derive(Debug, Serialize)]
struct Logged<'a> {
    at: &'a str,
    session_user: &'a str,
    current_role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a PlanReceipt>,
    /// Only where it is begun and not finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    unfinished: Option<bool>,
    changes: Vec<&'a Event>,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Some(project) = plan::load(global)? else { return Ok(Exit::Failed) };
    let (Some(deployment), Some(environment)) = (project.deployment(), project.environment())
    else {
        anyhow::bail!("the project has no name: write `deployment:` in rolecall.yml");
    };
    let ask = Ask {
        deployment: deployment.to_owned(),
        environment: environment.name.clone(),
        only: Only::All,
    };
    let entries = plan::runtime()?.block_on(async {
        let mut warehouse = plan::connect(&arguments.connection, &project).await?;
        Ok::<_, anyhow::Error>(warehouse.receipts(&ask).await?)
    })?;
    let question = Question {
        product: arguments.product.clone(),
        role: arguments.role.clone(),
        person: arguments.person.as_deref().map(|name| people(&project, name)).transpose()?,
        model: arguments.model.as_deref().map(|name| relations(&project, &entries, name)),
    };
    let found = history(&entries, &question);
    if global.format == Format::Json {
        let log = Log {
            version: json::VERSION,
            environment: &environment.name,
            receipts: by_receipt(&entries, &found),
            since: &found.since,
        };
        output::data(&json::print(&log)?)?;
        return Ok(Exit::Done);
    }
    if found.events.is_empty() {
        output::message(&match entries.len() {
            0 => format!("there are no receipts of {}", environment.name),
            n => format!("{n} receipts of {}, and nothing of that in them", environment.name),
        });
    }
    output::data(&text(&by_receipt(&entries, &found)))?;
    if let (Some(person), Some(model)) = (&arguments.person, &arguments.model) {
        output::data(&answer(person, model, &found.since))?;
    }
    Ok(Exit::Done)
}

/// What a member of that name is called in the warehouse: as written, and as the templates say.
fn people(project: &Project, name: &str) -> anyhow::Result<BTreeSet<Ident>> {
    let fold = |text: &str| project.dialect().fold(text);
    let mut names = BTreeSet::from([fold(name)?]);
    names.extend(project.member_names(name).iter().filter_map(|name| fold(name).ok()));
    Ok(names)
}

/// The relations of that name: a node's of the manifest, and those that receipts know.
fn relations(project: &Project, entries: &[Entry], name: &str) -> BTreeSet<RelationKey> {
    let (resolved, _) = project.resolve(None, &Inventory::default(), true, None);
    let nodes = resolved.into_iter().flat_map(|resolved| resolved.nodes);
    let is_it =
        |id: &str| id == name || id.split('.').skip(2).collect::<Vec<_>>().join(".") == name;
    let mut keys: BTreeSet<RelationKey> = nodes
        .filter(|node| is_it(&node.unique_id))
        .filter_map(|node| node.relation?.relation_key())
        .collect();
    let parts: Result<Vec<Ident>, _> =
        name.split('.').map(|part| project.dialect().fold(part)).collect();
    let Ok(parts) = parts else { return keys };
    let known = entries.iter().flat_map(|entry| &entry.receipt.changes);
    let known = known.filter_map(|done| done.change.object()?.relation_key());
    keys.extend(known.filter(|(database, schema, name)| {
        let whole = [database, schema, name];
        parts.len() <= whole.len() && whole[whole.len() - parts.len()..].iter().copied().eq(&parts)
    }));
    keys
}

fn by_receipt<'a>(entries: &'a [Entry], found: &'a History) -> Vec<Logged<'a>> {
    let logged = entries.iter().enumerate().map(|(at, Entry { id: _, stamp, receipt })| Logged {
        at: &stamp.at,
        session_user: &stamp.session_user,
        current_role: &stamp.current_role,
        applied_by: receipt.applied_by.as_deref(),
        plan: receipt.plan.as_ref(),
        unfinished: (receipt.outcome == Extent::Begun).then_some(true),
        changes: found.events.iter().filter(|event| event.receipt == at).collect(),
    });
    logged.filter(|logged| !logged.changes.is_empty()).collect()
}

fn text(receipts: &[Logged]) -> String {
    let mut out = String::new();
    for logged in receipts {
        let Logged { at, session_user, current_role, applied_by, plan, unfinished, changes } =
            logged;
        let mut head = format!("{at} by {session_user}");
        if session_user != current_role {
            head.push_str(&format!(" as {current_role}"));
        }
        if let Some(by) = applied_by {
            head.push_str(&format!(", said to be {by}"));
        }
        if let Some(PlanReceipt { sha256, author, approved_by, promoted_from }) = plan {
            head.push_str(&format!(", plan {}", sha256.get(..12).unwrap_or_default()));
            if let Some(author) = author {
                head.push_str(&format!(" of {author}"));
            }
            if let Some(from) = promoted_from {
                let manifest = from.manifest_sha256.get(..12).unwrap_or_default();
                let from = &from.environment;
                head.push_str(&format!(", promoted from {from} at manifest {manifest}"));
            }
            if !approved_by.is_empty() {
                head.push_str(&format!(", approved by {}", approved_by.join(", ")));
            }
        }
        if unfinished.is_some() {
            head.push_str(", begun and not finished: `rolecall apply` goes on, or settles it");
        }
        out.push_str(&printable(&head));
        out.push('\n');
        for event in changes {
            let planned = if event.planned { "planned: " } else { "" };
            out.push_str(&printable(&format!("  {planned}{}\n", event.change.brief())));
        }
    }
    out
}

/// Since when they have it, in a sentence for each privilege.
fn answer(person: &str, model: &str, since: &[Since]) -> String {
    if since.is_empty() {
        return printable(&format!("\nBy the receipts, {person} has nothing on {model} now.\n"));
    }
    let mut out = String::from("\n");
    for Since { person, on, privilege, since, through } in since {
        let through: Vec<&str> = through.iter().map(Ident::as_str).collect();
        out.push_str(&printable(&format!(
            "By the receipts, {person} has {} on {on} since {since}, through {}.\n",
            privilege.as_str(),
            through.join(" and ")
        )));
    }
    out
}
