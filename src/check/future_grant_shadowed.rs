//! A grant on what is to come that never comes to anything.

use std::collections::BTreeSet;

use super::{Check, Example, Finding, Subject, World};
use crate::config::checks::Level;
use crate::effect::DefaultList;
use crate::model::{DialectKind, Ident, ObjectClass, PrivilegeSet};

pub(super) const CHECK: Check = Check {
    code: "future-grant-shadowed",
    title: "A future grant that is shadowed",
    level: Level::Warning,
    description: "\
A grant on relations that are not there yet, which none of them will get. On PostgreSQL default privileges \
are those of one creator: told are those for a role that builds nothing in that schema, where whoever \
does (`deploy_role`, else the owners of the models there) has another list. On Snowflake a future grant on \
a schema's relations puts all those on its database's out of effect there, for every role: told are those \
of the database that the schema does not repeat.",
    help: "give it for the role that builds there (FOR ROLE), or, on Snowflake, on the schema too",
    bad: Example {
        files: &[],
        by_hand: "\
create role loader;
alter default privileges for role loader in schema sales grant select on tables to bob;",
        says: "bob gets SELECT on what loader makes in sales, and postgres makes what is there: none of it",
    },
    good: Example {
        files: &[],
        by_hand: "alter default privileges in schema sales grant select on tables to bob;",
        says: "",
    },
    run,
};

fn run<'a>(world: &World<'a>) -> Vec<Finding<'a>> {
    match world.look.state.dialect {
        DialectKind::Postgres => of_another_creator(world),
        DialectKind::Snowflake => of_the_database(world),
    }
}

fn finding<'a>(list: &DefaultList, to: &str, message: String) -> Finding<'a> {
    let schema = list.schema.as_ref().map(Ident::as_str).unwrap_or_default();
    let on = Some(format!("default {} {schema} {to}", list.creator));
    Finding::new(CHECK.code, message, Subject { on, ..Subject::default() })
}

fn of_another_creator<'a>(world: &World<'a>) -> Vec<Finding<'a>> {
    let state = &world.look.state;
    let mut found = Vec::new();
    for list in state.defaults.iter().filter(|list| list.class == ObjectClass::Table) {
        let Some(schema) = &list.schema else { continue };
        let here = world.nodes().filter(|(.., on)| on.schema_name() == Some(schema));
        let owners = here.filter_map(|(.., on)| state.objects.get(on)?.owner.as_ref());
        let owners: BTreeSet<&Ident> = owners.collect();
        let builders = match &world.look.resolved.deploy_role {
            Some(deploy_role) if !owners.is_empty() => BTreeSet::from([deploy_role]),
            _ => owners.clone(),
        };
        if builders.is_empty() || builders.contains(&list.creator) || owners.contains(&list.creator) {
            continue;
        }
        for entry in list.acl.iter().filter(|it| it.grantee.as_ref() != Some(&list.creator)) {
            let to = entry.grantee.as_ref().map_or("everybody", Ident::as_str);
            let names: Vec<&str> = builders.iter().map(|builder| builder.as_str()).collect();
            let message = format!(
                "{to} gets {} on what {} makes in {schema}, and {} makes what is there: none of it",
                entry.privileges,
                list.creator,
                names.join(", ")
            );
            let about = entry.grantee.as_ref().map(|role| world.about(role));
            let mut finding = finding(list, to, message);
            finding.subject.role = about.map(|about| about.role).unwrap_or_default();
            found.push(finding);
        }
    }
    found
}

fn of_the_database<'a>(world: &World<'a>) -> Vec<Finding<'a>> {
    let lists = &world.look.state.defaults;
    let mut found = Vec::new();
    for whole in lists.iter().filter(|list| list.schema.is_none()) {
        let mut narrower = lists.iter().filter(|list| list.class == whole.class);
        // The nearest decides alone: each schema that has a list of its own.
        let schemas: BTreeSet<&Ident> = narrower.by_ref().filter_map(|l| l.schema.as_ref()).collect();
        for entry in &whole.acl {
            for schema in &schemas {
                let of_it = lists.iter().filter(|list| {
                    list.class == whole.class && list.schema.as_ref() == Some(schema)
                });
                let given = of_it.flat_map(|list| &list.acl).filter(|it| it.grantee == entry.grantee);
                let given = given.fold(PrivilegeSet::EMPTY, |all, it| all.union(it.privileges));
                let lost = entry.privileges.minus(given);
                if lost.is_empty() {
                    continue;
                }
                let to = entry.grantee.as_ref().map_or("everybody", Ident::as_str);
                let message = format!(
                    "{to} gets {lost} on every future {} of the database, but not in {schema}, which has future grants of its own",
                    whole.class
                );
                let mut finding = finding(whole, to, message);
                finding.subject.on = Some(format!("default {schema} {to} {}", whole.class));
                found.push(finding);
            }
        }
    }
    found
}
