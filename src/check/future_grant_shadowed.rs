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
        by_hand: "alter default privileges for role loader in schema sales grant select on tables to bob;",
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
    let on = Some(format!("default {} {schema} {to}", creator(list)));
    Finding::new(CHECK.code, message, Subject { on, ..Subject::default() })
}

/// Whose new objects.
pub(super) fn creator(list: &DefaultList) -> &str {
    list.creator.as_ref().map_or("anybody", Ident::as_str)
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
        if builders.is_empty()
            || list.creator.as_ref().is_none_or(|it| builders.contains(it) || owners.contains(it))
        {
            continue;
        }
        for entry in list.acl.iter().filter(|it| it.grantee != list.creator) {
            let to = entry.grantee.as_ref().map_or("everybody", Ident::as_str);
            let names: Vec<&str> = builders.iter().map(|builder| builder.as_str()).collect();
            let message = format!(
                "{to} gets {} on what {} makes in {schema}, and {} makes what is there: none of it",
                entry.privileges,
                creator(list),
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
    let finding = |Shadowed { list, to, lost, schema }: Shadowed<'_>| {
        let to = to.map_or("everybody", Ident::as_str);
        let class = list.class;
        let database = list.database.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
        let message = format!(
            "{to} gets {lost} on every future {class} of the database{database}, but not in {schema}, which has future grants of its own"
        );
        let mut finding = finding(list, to, message);
        finding.subject.on = Some(format!("default{database} {schema} {to} {class}"));
        finding
    };
    shadowed(&world.look.state.defaults).into_iter().map(finding).collect()
}

/// What a list of the database gives and does not in a schema that has a list of its own.
#[derive(Debug, PartialEq)]
struct Shadowed<'l> {
    list: &'l DefaultList,
    to: Option<&'l Ident>,
    lost: PrivilegeSet,
    schema: &'l Ident,
}

/// Snowflake, "Considerations" of GRANT … ON FUTURE: of one class, those on the schema go before those on
/// the database, and the database's are ignored there.
fn shadowed(lists: &[DefaultList]) -> Vec<Shadowed<'_>> {
    let mut found = Vec::new();
    for list in lists.iter().filter(|list| list.schema.is_none()) {
        let of_class = || {
            let here = lists.iter().filter(|other| other.database == list.database);
            here.filter(|other| other.class == list.class)
        };
        let schemas: BTreeSet<&Ident> = of_class().filter_map(|it| it.schema.as_ref()).collect();
        for entry in &list.acl {
            for schema in &schemas {
                let nearer = of_class().filter(|other| other.schema.as_ref() == Some(schema));
                let given = nearer.flat_map(|other| &other.acl);
                let given = given.filter(|other| other.grantee == entry.grantee);
                let given = given.fold(PrivilegeSet::EMPTY, |all, it| all.union(it.privileges));
                let lost = entry.privileges.minus(given);
                if !lost.is_empty() {
                    found.push(Shadowed { list, to: entry.grantee.as_ref(), lost, schema });
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::AccessEntry;
    use crate::model::Privilege;

    #[test]
    fn on_snowflake_a_schema_s_future_grants_put_the_database_s_out_of_effect_for_every_role() {
        let id = |name: &str| Ident::new(name).unwrap();
        let list = |schema: Option<&str>, class, to: &str| DefaultList {
            creator: None,
            database: Some(id("SHOP")),
            schema: schema.map(id),
            class,
            acl: vec![AccessEntry {
                grantee: Some(id(to)),
                grantor: None,
                privileges: PrivilegeSet::of(&[Privilege::SELECT]),
                grantable: PrivilegeSet::EMPTY,
            }],
        };
        let table = ObjectClass::Table;
        let lists = [
            list(None, table, "A"),
            list(None, ObjectClass::View, "A"),
            list(Some("SALES"), table, "B"),
            list(Some("HR"), table, "A"),
            // In another database.
            DefaultList { database: Some(id("LAB")), ..list(Some("RAW"), table, "B") },
        ];
        let found = shadowed(&lists);
        let said: Vec<(&str, &str)> =
            found.iter().map(|it| (it.to.map_or("", Ident::as_str), it.schema.as_str())).collect();
        assert_eq!(said, [("A", "SALES")]);
        assert_eq!(found[0].list.class, table);
    }
}
