//! What everybody has.

use std::collections::BTreeSet;

use super::future_grant_shadowed::creator;
use super::{Check, Example, Finding, Subject, World};
use crate::config::checks::Level;
use crate::dbt::bare_grantee;
use crate::effect::DefaultList;
use crate::model::{DialectKind, Ident, ObjectClass, PrivilegeSet, Securable};

pub(super) const CHECK: Check = Check {
    code: "granted-to-public",
    title: "Grants to PUBLIC",
    level: Level::Error,
    description: "\
A privilege on a relation, on one of its columns, on what has rows in common with it (what it inherits from \
or is a partition of, its own partitions, what inherits from it) or on a schema of the project is granted to \
PUBLIC, or will be on whatever is built there (default privileges), or dbt's own `grants` say so. Everybody who can \
log in has it, whoever they are, and no role and no membership says so. The schema `public` is left out: \
everybody has USAGE there from the beginning.",
    help: "revoke it from PUBLIC by hand (it is not rolecall's), and give it to a product role",
    bad: Example {
        files: &[],
        by_hand: "grant select on sales.orders to public;",
        says: "everybody (PUBLIC) has SELECT on the table shop.sales.orders",
    },
    good: Example { files: &[], by_hand: "grant select on sales.orders to bob;", says: "" },
    run,
};

fn run<'a>(world: &World<'a>) -> Vec<Finding<'a>> {
    let mut found = Vec::new();
    let mut schemas = BTreeSet::new();
    let finding = |on: &Securable, node: Option<&str>, message: String| {
        let subject = Subject {
            node: node.map(str::to_owned),
            on: Some(format!("{} {on}", on.class())),
            ..Subject::default()
        };
        let place = node.and_then(|node| world.place_of(node));
        Finding::new(CHECK.code, message, subject).at(place)
    };
    for (node, _, on) in world.nodes() {
        schemas.extend(on.schema_key());
        for reach in world.reaches(on) {
            let (class, at) = (reach.on.class(), reach.on);
            let Some(has) = everybody_s(world, at) else { continue };
            let Some(kin) = &reach.kin else {
                let message = format!("everybody (PUBLIC) has {has} on the {class} {at}");
                found.push(finding(at, Some(&node.unique_id), message));
                continue;
            };
            let has = has.intersection(kin.privileges);
            if !has.is_empty() {
                let rows = crate::report::access::rows_in_common(kin.kinship);
                let more = match kin.alike.len() {
                    0 => String::new(),
                    n => format!(", and {n} more like it"),
                };
                let message = format!(
                    "everybody (PUBLIC) has {has} on the {class} {at}{more}, {rows} {}",
                    reach.of
                );
                found.push(finding(at, Some(&node.unique_id), message));
            }
        }
        for (privilege, grantees) in &node.grants {
            let mut all = grantees.iter().flat_map(|grantees| grantees.split(','));
            let public = |grantee: &str| {
                let bare = bare_grantee(grantee.trim());
                let first = bare.split_ascii_whitespace().next().unwrap_or_default();
                first.eq_ignore_ascii_case("public")
            };
            if all.any(public) && everybody_s(world, on).is_none() {
                let message =
                    format!("dbt's own `grants` give everybody (PUBLIC) {privilege} on {on}");
                found.push(finding(on, Some(&node.unique_id), message));
            }
        }
    }
    for (database, schema) in &schemas {
        if schema.as_str() == "public" {
            continue;
        }
        let on = Securable::schema(database.clone(), schema.clone());
        if let Some(has) = everybody_s(world, &on) {
            let message = format!("everybody (PUBLIC) has {has} on the schema {on}");
            found.push(finding(&on, None, message));
        }
    }
    let here = |schema: &Option<Ident>| {
        let is_it = |it: &Ident| schemas.iter().any(|(_, of)| of == it);
        schema.as_ref().is_none_or(is_it)
    };
    let lists = world.look.state.defaults.iter();
    // On PostgreSQL one list is for all relations.
    let of_relations = |list: &&DefaultList| match world.look.state.dialect {
        DialectKind::Postgres => list.class == ObjectClass::Table,
        DialectKind::Snowflake => list.class.is_relation(),
    };
    for list in lists.filter(|list| of_relations(list) && here(&list.schema)) {
        let public = list.acl.iter().filter(|entry| entry.grantee.is_none());
        let has = public.fold(PrivilegeSet::EMPTY, |all, entry| all.union(entry.privileges));
        if has.is_empty() {
            continue;
        }
        let place = match &list.schema {
            Some(schema) => format!("in the schema {schema}"),
            None => "in every schema".to_owned(),
        };
        let message = format!(
            "everybody (PUBLIC) gets {has} on every relation that {} makes {place}",
            creator(list)
        );
        let on = Some(format!("default {} {place}", creator(list)));
        found.push(Finding::new(CHECK.code, message, Subject { on, ..Subject::default() }));
    }
    found
}

/// What PUBLIC has on an object.
fn everybody_s(world: &World<'_>, on: &Securable) -> Option<PrivilegeSet> {
    let object = world.look.state.objects.get(on)?;
    let public = object.acl.iter().filter(|entry| entry.grantee.is_none());
    let has = public.fold(PrivilegeSet::EMPTY, |all, entry| all.union(entry.privileges));
    (!has.is_empty()).then_some(has)
}
