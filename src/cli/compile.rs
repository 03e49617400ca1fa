//! `rolecall compile`

use std::path::PathBuf;

use clap::Args;

use super::exit::WrongArguments;
use super::{Exit, Format, Global, output};
use crate::model::{Change, DesiredRole, DesiredState, Diagnostic, Diagnostics, Future, Ident};
use crate::project::Project;
use crate::report::{compiled::Compiled, json};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where to write with --format dbt, which is for every environment; - for stdout [default: rolecall_access.sql in the project's macros]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Exit> {
    if global.format == Format::Dbt {
        return super::compile_dbt::run(global, arguments.out.as_deref());
    }
    if arguments.out.is_some() {
        return Err(WrongArguments("--out is for --format dbt: redirect stdout".to_owned()).into());
    }
    let now = super::plan::as_of(global)?;
    let (checked, found) = Project::check(&global.places(), now);
    let (checked, found) = refuse_unasked(checked, found);
    let Some((project, resolved)) = checked else {
        let findings = output::findings(found);
        if global.format == Format::Json {
            let invalid = json::Validated {
                version: json::VERSION,
                valid: false,
                rules: Vec::new(),
                findings,
            };
            output::data(&json::print(&invalid)?)?;
        }
        return Ok(Exit::Failed);
    };
    let findings = output::findings(found);
    match global.format {
        Format::Sql => {
            let changes = changes_from_nothing(&resolved.desired);
            let mut text = String::new();
            for statement in project.dialect().statements(&changes, &Default::default())? {
                text.push_str(&statement.sql);
                text.push_str(";\n");
            }
            output::data(&text)?;
        }
        _ => {
            let compiled = Compiled::of(&resolved.desired, &resolved.deployment, findings);
            output::data(&json::print(&compiled)?)?;
        }
    }
    Ok(Exit::Done)
}

/// A desired state without the members that rules give would take them out where it is applied.
fn refuse_unasked<T>(
    checked: Option<(Project, T)>,
    mut found: Diagnostics,
) -> (Option<(Project, T)>, Diagnostics) {
    let Some((project, resolved)) = checked else { return (None, found) };
    let unasked = unasked(&project);
    if unasked.is_empty() {
        return (Some((project, resolved)), found);
    }
    found.extend(unasked);
    (None, found)
}

/// The rules that only a warehouse can be asked about.
pub(super) fn unasked(project: &Project) -> Diagnostics {
    let what = "a query says who matches this rule, and no warehouse is asked here";
    let help = "export the people, and give --directory FILE";
    let unasked = project.unasked_rules().into_iter();
    let error = |place| Diagnostic::error("directory-not-asked", what).with_place(place);
    unasked.map(|place| error(place).with_help(help)).collect()
}

/// What makes the desired state out of a warehouse that has nothing of it.
fn changes_from_nothing(desired: &DesiredState) -> Vec<Change> {
    let DesiredState {
        environment: _,
        dialect: _,
        roles,
        grants,
        known: _,
        memberships,
        owners,
        ..
    } = desired;
    let made = |(_, role): &(&Ident, &DesiredRole)| role.manner.create;
    let roles = roles
        .iter()
        .filter(made)
        .map(|(role, r)| Change::CreateRole { role: role.clone(), marker: r.marker.clone() });
    let (containers, objects): (Vec<_>, Vec<_>) = grants
        .iter()
        .map(|((on, role), grant)| Change::Grant {
            on: on.clone(),
            role: role.clone(),
            privileges: grant.privileges,
        })
        .partition(
            |change| matches!(change, Change::Grant { on, .. } if on.class().is_container()),
        );
    let owners = owners.iter().map(|(on, owner)| Change::SetOwner {
        on: on.clone(),
        from: owner.role.clone(),
        to: owner.role.clone(),
    });
    let members = memberships.iter().map(|((role, member), m)| Change::AddMember {
        role: role.clone(),
        member: member.clone(),
        kind: m.kind,
    });
    let futures = desired.futures.iter().map(|(future, grant)| {
        let Future { creator, database, schema, class, role } = future.clone();
        let privileges = grant.privileges;
        Change::GrantDefault { creator, database, schema, class, role, privileges }
    });
    let role_owners = desired.roles.iter().filter_map(|(name, role)| {
        let to = role.manner.owner.clone()?;
        Some(Change::SetRoleOwner { role: name.clone(), from: None, to })
    });
    let first = roles.chain(containers).chain(owners).chain(objects);
    first.chain(futures).chain(members).chain(role_owners).collect()
}
