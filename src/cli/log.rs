//! `rolecall log`

use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;

use super::{ConnectionFlags, Exit, Format, Global, output, plan};
use crate::config::Member;
use crate::model::{Change, Ident, Inventory, RelationKey};
use crate::project::Project;
use crate::receipts::{
    Ask, Entry, Event, Extent, Has, History, Only, PlanReceipt, Question, Since, Store, history,
};
use crate::report::{findings::one_line, json};
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
        let entries = warehouse.receipts(&ask).await?;
        if let (false, Store::Closed(why)) = (entries.is_empty(), warehouse.store().await?) {
            output::message(&one_line(&format!(
                "another role keeps these receipts, and they are as true as it is: {why}"
            )));
        }
        Ok::<_, anyhow::Error>(entries)
    })?;
    let question = Question {
        product: arguments.product.clone(),
        role: arguments.role.clone(),
        person: arguments.person.as_deref().map(|name| people(&project, name)).transpose()?,
        model: arguments.model.as_deref().map(|name| relations(&project, &entries, name)),
    };
    if let (Some(name), Some(people)) = (&arguments.person, &question.person)
        && !is_known(&project, &entries, (name, people))
    {
        output::message(&one_line(&format!(
            "{name} is in no receipt of {} and in no owner's file",
            environment.name
        )));
    }
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
    output::text(&text(&by_receipt(&entries, &found)))?;
    if let (Some(person), Some(model)) = (&arguments.person, &arguments.model) {
        output::text(&answer(person, model, &found.since))?;
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

/// Whether a receipt or an owner's file ever had somebody of that name: a typing error has nothing,
/// too.
fn is_known(
    project: &Project,
    entries: &[Entry],
    (name, people): (&str, &BTreeSet<Ident>),
) -> bool {
    let changes = entries.iter().flat_map(|entry| &entry.receipt.changes);
    let mut members = changes.filter_map(|done| match &done.change {
        Change::AddMember { member, .. } | Change::RemoveMember { member, .. } => Some(member),
        _ => None,
    });
    let mut written = project.config.entries().filter_map(|entry| match &entry.member {
        Member::Named { name, .. } => Some(name.as_str()),
        Member::Rule(_) => None,
    });
    members.any(|member| people.contains(member)) || written.any(|it| it == name)
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
            head.push_str(&format!(", said to be {}", claimed(by)));
        }
        if let Some(PlanReceipt { sha256, id: _, author, approved_by, promoted_from }) = plan {
            head.push_str(&format!(", plan {}", sha256.get(..12).unwrap_or_default()));
            if let Some(author) = author {
                head.push_str(&format!(" of {}", claimed(author)));
            }
            if let Some(from) = promoted_from {
                let manifest = from.manifest_sha256.get(..12).unwrap_or_default();
                let from = &from.environment;
                head.push_str(&format!(", promoted from {from} at manifest {manifest}"));
            }
            if !approved_by.is_empty() {
                let by: Vec<_> = approved_by.iter().map(|name| claimed(name)).collect();
                head.push_str(&format!(", approved by {}", by.join(", ")));
            }
        }
        if unfinished.is_some() {
            head.push_str(", begun and not finished: `rolecall apply` goes on, or settles it");
        }
        out.push_str(&one_line(&head));
        out.push('\n');
        for event in changes {
            let planned = if event.planned { "planned: " } else { "" };
            out.push_str(&format!("  {planned}{}\n", one_line(&event.change.brief())));
        }
    }
    out
}

/// A name that somebody gave: in quotes where it could look like more of the line.
fn claimed(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "@._+-/".contains(c);
    if name.chars().all(is_plain) { name.to_owned() } else { format!("{name:?}") }
}

/// Since when they have it, in a sentence for each privilege.
fn answer(person: &str, model: &str, since: &[Since]) -> String {
    let line = |text: &str| format!("{}\n", one_line(text));
    let mut out = String::from("\n");
    if since.is_empty() {
        out.push_str(&line(&format!(
            "By the receipts, {person} has nothing on {model} now. They do not know what was \
             applied over other databases, who was in a role that was adopted, what dbt's hooks and \
             `grants` gave, nor who is in a group."
        )));
    }
    for Since { person, on, has, since, through, unsure } in since {
        let through: Vec<&str> = through.iter().map(Ident::as_str).collect();
        let through = through.join(" and ");
        let (may, what) = match (has, unsure) {
            (Has::Privilege(privilege), false) => ("has", format!("{} on", privilege.as_str())),
            (Has::Privilege(privilege), true) => ("may have", format!("{} on", privilege.as_str())),
            (Has::Ownership, false) => ("owns", String::new()),
            (Has::Ownership, true) => ("may own", String::new()),
        };
        let words: Vec<&str> = [may, &what].into_iter().filter(|it| !it.is_empty()).collect();
        let doubt = match unsure {
            true => ": somebody else's grant was taken since, perhaps the only one",
            false => "",
        };
        out.push_str(&line(&format!(
            "By the receipts, {person} {} {on} since {since}, through {through}{doubt}.",
            words.join(" ")
        )));
    }
    out
}
