//! `rolecall import [--role PATTERN…]`: the roles of a warehouse, as configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use super::import::Arguments;
use super::{Exit, Format, Global, output, plan};
use crate::config::playbook;
use crate::edit::{Entry, EntryKind};
use crate::import::live::{Asked, Imported, NotSaid, choose, import, members_file, playbook_file};
use crate::model::{DialectKind, Ident, Inventory, MemberKind, ObjectClass, ObservedState};
use crate::project::Project;
use crate::report::{count, findings::one_line, json};
use crate::resolve::Resolved;
use crate::warehouse::{Look, Observe, Warehouse, WarehouseError};

const FILE: &str = "rolecall/platform/imported.yml";

#[derive(Debug, Serialize)]
struct Told {
    version: u32,
    files: Vec<File>,
    /// Roles that are not written, and why.
    passed_over: Vec<Passed>,
    /// What is the roles' and cannot be written.
    left: Vec<NotSaid>,
}

#[derive(Debug, Serialize)]
struct File {
    path: String,
    text: String,
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
        look(&mut warehouse, &project, &arguments.role).await
    })?;
    let Seen { resolved, state, chosen, mut passed } = match seen {
        Ok(seen) => seen,
        Err(found) => {
            plan::say_invalid(global, found)?;
            return Ok(Exit::Failed);
        }
    };
    let (imported, files) = written(&project, &resolved, &state, &chosen, &mut passed)?;
    if let Some(out) = &arguments.out {
        write(out, &files)?;
    }
    say(global, arguments.out.as_deref(), &imported, &files, &passed)?;
    Ok(Exit::Done)
}

struct Seen {
    resolved: Resolved,
    state: ObservedState,
    chosen: BTreeSet<Ident>,
    passed: Vec<(Ident, String)>,
}

/// Two looks: at all roles, and at what those that are chosen have.
async fn look(
    warehouse: &mut Warehouse,
    project: &Project,
    patterns: &[String],
) -> anyhow::Result<Result<Seen, crate::model::Diagnostics>> {
    let server = warehouse.identity().await?;
    let database = server.database;
    let (resolved, found) = project.resolve(database.as_ref(), &Inventory::default(), true, None);
    let Some(resolved) = resolved else { return Ok(Err(found)) };
    let deployment = resolved.deployment.clone();
    let first = warehouse.observe(&Look { deployment, ..Look::default() }).await?;
    let choice = choose(&first, project.dialect(), patterns, resolved.deploy_role.as_ref());
    let mut passed = choice.passed_over;
    let (named, chosen): (BTreeSet<Ident>, BTreeSet<Ident>) =
        choice.chosen.into_iter().partition(|role| {
            resolved.desired.roles.contains_key(role)
                || resolved.desired.disabled.contains_key(role)
        });
    for role in named {
        let whose = resolved.desired.roles.get(&role).map(|role| role.marker.whose());
        let whose = whose.unwrap_or_else(|| "a playbook role that is switched off".to_owned());
        passed.push((role, format!("the configuration names it already, as {whose}: `plan --adopt` brings it under management, `import --members` its members")));
    }
    for pattern in choice.unfit {
        output::message(&one_line(&format!("no role fits {pattern}")));
    }
    let state = observe(warehouse, &resolved, &chosen, database.as_ref()).await?;
    Ok(Ok(Seen { resolved, state, chosen, passed }))
}

/// What the chosen roles have, with all objects of the databases in which something is yet to come.
async fn observe(
    warehouse: &mut Warehouse,
    resolved: &Resolved,
    chosen: &BTreeSet<Ident>,
    database: Option<&Ident>,
) -> Result<ObservedState, WarehouseError> {
    let mut look = Look {
        deployment: resolved.deployment.clone(),
        roles: chosen.clone(),
        databases: database.cloned().into_iter().collect(),
        classes: ObjectClass::ALL.into_iter().filter(|class| !class.is_relation()).collect(),
        ..Look::default()
    };
    if database.is_some() {
        return warehouse.observe(&look).await;
    }
    // Where a connection reaches all databases, only those are listed that a wildcard could speak of.
    look.classes.clear();
    let state = warehouse.observe(&look).await?;
    let futures = || state.defaults.iter().filter(|default| chosen.contains(&default.grantee));
    look.databases = futures().map(|default| default.database.clone()).collect();
    look.classes =
        futures().map(|default| default.class).filter(|class| !class.is_relation()).collect();
    match look.databases.is_empty() {
        true => Ok(state),
        false => warehouse.observe(&look).await,
    }
}

type Files = BTreeMap<String, String>;

fn written(
    project: &Project,
    resolved: &Resolved,
    state: &ObservedState,
    chosen: &BTreeSet<Ident>,
    passed: &mut Vec<(Ident, String)>,
) -> anyhow::Result<(Imported, Files)> {
    let entry = |member: &Ident, is_user: bool| entry(project, state, member, is_user);
    let creator = match project.dialect {
        DialectKind::Postgres => {
            Some(resolved.deploy_role.as_ref().unwrap_or(&state.server.acting_as))
        }
        DialectKind::Snowflake => None,
    };
    let named = resolved.desired.roles.keys().cloned().collect();
    let asked =
        Asked { state, dialect: project.dialect(), chosen, named: &named, creator, entry: &entry };
    let mut imported = import(&asked);
    // What has nothing was never given anything; it is not made a role of ours by the way.
    let empty: Vec<String> = imported
        .roles
        .iter()
        .filter(|(_, role)| role.grants.is_empty() && role.members.is_none())
        .filter(|(_, role)| !imported.left.iter().any(|left| left.role == role.name))
        .map(|(id, _)| id.clone())
        .collect();
    for id in empty {
        if let Some(role) = imported.roles.remove(&id) {
            passed.push((role.name, "it has nothing here".to_owned()));
        }
    }
    let mut files = Files::new();
    if imported.roles.is_empty() {
        return Ok((imported, files));
    }
    let environment = &project.environment;
    let head = format!(
        "Written by `rolecall import` from {environment}. Review it, put it into the project, then\n`rolecall plan --adopt`: it changes nobody's access."
    );
    let mut text = playbook_file(&imported, project.dialect(), &head);
    let others = project.config.environments.len() > 1;
    if others && project.config.playbooks == playbook::Playbooks::default() {
        text = format!("playbook_environments: [{}]\n{text}", crate::edit::scalar(environment));
    }
    files.insert(FILE.to_owned(), text);
    let members: BTreeMap<String, Vec<Entry>> = imported
        .roles
        .iter()
        .filter_map(|(id, role)| Some((id.clone(), role.members.clone()?)))
        .collect();
    if !members.is_empty() {
        let path = format!("rolecall/members/{}.yml", playbook::MEMBERS);
        files.insert(
            path,
            members_file(&members, "Written by `rolecall import`: who is in which playbook role."),
        );
    }
    Ok((imported, files))
}

/// A member as an entry.
fn entry(
    project: &Project,
    state: &ObservedState,
    member: &Ident,
    is_user: bool,
) -> Result<Entry, String> {
    let logs_in = || state.roles.get(member).is_some_and(|role| role.attributes.login);
    // A name is a user's or a group's, whichever a file says already.
    let said = project.config.entries().find_map(|entry| match &entry.member {
        crate::config::Member::Named { kind, name }
            if project.member_name(name, *kind == MemberKind::User).as_ref() == Some(member) =>
        {
            Some(*kind)
        }
        _ => None,
    });
    let is_user = match said {
        Some(kind) => kind == MemberKind::User,
        None => is_user || logs_in(),
    };
    let who = crate::edit::written_member(project, member, is_user)
        .ok_or("no name in a members file would become it by the environment's template")?;
    let kind = if is_user { EntryKind::User } else { EntryKind::Group };
    Ok(Entry { kind, who, until: None, reason: None, environments: Vec::new(), approval: None })
}

/// All of them, or none where one is there.
fn write(out: &Path, files: &Files) -> anyhow::Result<()> {
    let paths: Vec<(PathBuf, &String)> =
        files.iter().map(|(path, text)| (out.join(path), text)).collect();
    let there: Vec<String> = paths
        .iter()
        .filter(|(path, _)| path.symlink_metadata().is_ok())
        .map(|(path, _)| path.display().to_string())
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

fn say(
    global: &Global,
    out: Option<&Path>,
    imported: &Imported,
    files: &Files,
    passed: &[(Ident, String)],
) -> anyhow::Result<()> {
    if global.format == Format::Json {
        let file =
            |(path, text): (&String, &String)| File { path: path.clone(), text: text.clone() };
        let over =
            |(role, why): &(Ident, String)| Passed { role: role.to_string(), why: why.clone() };
        return output::data(&json::print(&Told {
            version: json::VERSION,
            files: files.iter().map(file).collect(),
            passed_over: passed.iter().map(over).collect(),
            left: imported.left.clone(),
        })?);
    }
    match out {
        Some(out) => {
            let lines = files.keys().map(|path| format!("{}\n", out.join(path).display()));
            output::data(&lines.collect::<String>())?;
        }
        None => {
            let texts = files.iter().map(|(path, text)| format!("# --- {path}\n{text}"));
            output::data(&texts.collect::<Vec<_>>().join("\n"))?;
        }
    }
    for (role, why) in passed {
        output::message(&one_line(&format!("not imported: {role}: {why}")));
    }
    for NotSaid { role, what, why } in &imported.left {
        output::message(&one_line(&format!("not said: {role}: {what}: {why}")));
    }
    output::message("what everybody has (PUBLIC) is no role's, and is not written");
    let roles = count(imported.roles.len(), "role");
    output::message(&match imported.roles.len() {
        0 => "no role to import".to_owned(),
        _ => format!("{roles}; review what is written, then `rolecall plan --adopt`"),
    });
    Ok(())
}
