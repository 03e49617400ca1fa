//! What one role has on objects, in the smallest form that is true: a wildcard only where every
//! object has it and every new one will.

use std::collections::{BTreeMap, BTreeSet};

use super::{Asked, ImportedGrant, Name, What};
use crate::model::{
    DefaultGrant, DialectKind, Ident, ObjectClass, PrivilegeSet, SchemaKey, Securable,
};

/// What cannot be said, and why.
pub(super) type Left = Vec<(String, String)>;

/// The grants of a role.
pub(super) fn of(asked: &Asked<'_>, role: &Ident, left: &mut Left) -> Vec<ImportedGrant> {
    let owned: BTreeSet<&Securable> =
        asked.state.owned.iter().filter(|(_, owner)| *owner == role).map(|(on, _)| on).collect();
    let mut held = held(asked, role, left);
    // Whoever owns something has no grants on it of its own.
    held.retain(|on, _| !owned.contains(on));
    let mut grants: Vec<ImportedGrant> = Vec::new();
    // A column's sequence has its table's owner.
    for on in owned.iter().filter(|on| !asked.state.inventory.follows.contains_key(*on)) {
        if on.relation_key().is_some_and(|key| asked.dbts.contains(&key)) {
            let why =
                "dbt makes it, and could not make it again: the environment has no deploy_role";
            left.push((format!("ownership of {} {on}", on.class()), why.to_owned()));
            continue;
        }
        match one(on, What::Ownership) {
            Some(grant) if on.class() != ObjectClass::Column => grants.push(grant),
            _ => left.push((format!("ownership of {} {on}", on.class()), NO_NAME.to_owned())),
        }
    }
    wildcards(asked, role, &owned, &mut held, &mut grants, left);
    for (on, privileges) in held.into_iter().filter(|(_, privileges)| !privileges.is_empty()) {
        match one(&on, What::Privileges(privileges)) {
            Some(grant) => grants.push(grant),
            None => left.push((format!("{privileges} on {} {on}", on.class()), NO_NAME.to_owned())),
        }
    }
    grants.sort();
    grants
}

const NO_NAME: &str = "a playbook cannot write its name";
pub(super) const OPTION: &str = "a managed role has no right to pass privileges on";

/// What the role was granted, as far as it can be declared.
fn held(asked: &Asked<'_>, role: &Ident, left: &mut Left) -> BTreeMap<Securable, PrivilegeSet> {
    let mut held: BTreeMap<Securable, PrivilegeSet> = BTreeMap::new();
    let mut optional: BTreeMap<&Securable, PrivilegeSet> = BTreeMap::new();
    for entry in asked.state.acl.iter().filter(|entry| entry.grantee == *role) {
        let sum = held.entry(entry.on.clone()).or_default();
        *sum = sum.union(entry.privileges);
        let options = optional.entry(&entry.on).or_default();
        *options = options.union(entry.grantable);
    }
    for (on, privileges) in &mut held {
        if on.class() == ObjectClass::Column {
            left.push((
                format!("{privileges} on column {on}"),
                "grants on columns are not declared in playbooks".to_owned(),
            ));
            *privileges = PrivilegeSet::EMPTY;
            continue;
        }
        let options = optional.get(on).copied().unwrap_or_default();
        if !options.is_empty() {
            left.push((
                format!("{options} WITH GRANT OPTION on {} {on}", on.class()),
                OPTION.to_owned(),
            ));
            *privileges = privileges.minus(options);
        }
        let strange = privileges.minus(asked.dialect.privileges_of(on.class()));
        if !strange.is_empty() {
            let why = "rolecall does not know that privilege there".to_owned();
            left.push((format!("{strange} on {} {on}", on.class()), why));
            *privileges = privileges.minus(strange);
        }
    }
    held
}

/// One object by its name.
fn one(on: &Securable, what: What) -> Option<ImportedGrant> {
    let names = [on.database_name(), on.schema_name(), on.name()];
    if !names.into_iter().flatten().all(super::sayable) {
        return None;
    }
    let grant = |database, schema, object| {
        Some(ImportedGrant {
            kind: on.class().as_str(),
            database,
            schema,
            object,
            what,
            all: true,
            future: true,
        })
    };
    let object = |name: &Ident| match on.signature() {
        Some(signature) => Name::Routine(name.clone(), signature.to_owned()),
        None => Name::One(name.clone()),
    };
    let (database, schema) = (on.database_name().cloned(), on.schema_name().cloned());
    match on.class() {
        ObjectClass::Column => None,
        ObjectClass::Account => grant(None, None, None),
        ObjectClass::Database => grant(None, None, on.name().map(object)),
        ObjectClass::Schema => grant(database, schema.map(Name::One), None),
        _ => grant(database, schema.map(Name::One), Some(object(on.name()?))),
    }
}

/// The classes that a wildcard of one class stands for: on PostgreSQL tables are all relations, and
/// functions all routines, as in its default privileges.
fn family(dialect: DialectKind, class: ObjectClass) -> Vec<ObjectClass> {
    use ObjectClass::{ForeignTable, Function, MaterializedView, Procedure, Table, View};
    match (dialect, class) {
        (DialectKind::Postgres, Table) => vec![Table, View, MaterializedView, ForeignTable],
        (DialectKind::Postgres, Function) => vec![Function, Procedure],
        _ => vec![class],
    }
}

/// A wildcard never speaks of the server's own schemas.
fn is_the_servers(dialect: DialectKind, schema: &Ident) -> bool {
    let postgres = dialect == DialectKind::Postgres && schema.as_str().starts_with("pg_");
    postgres || schema.as_str().eq_ignore_ascii_case("information_schema")
}

/// Turns what is true of all objects, and of those to come, into wildcards; what is true only of
/// those to come into wildcards for them alone.
fn wildcards(
    asked: &Asked<'_>,
    role: &Ident,
    owned: &BTreeSet<&Securable>,
    held: &mut BTreeMap<Securable, PrivilegeSet>,
    grants: &mut Vec<ImportedGrant>,
    left: &mut Left,
) {
    let mut futures: BTreeMap<(ObjectClass, Ident, Option<Ident>), PrivilegeSet> = BTreeMap::new();
    for default in asked.state.defaults.iter().filter(|default| default.grantee == *role) {
        let (what, why) = match unsaid(asked, default) {
            Some(both) => both,
            None => {
                let key = (default.class, default.database.clone(), default.schema.clone());
                let sum = futures.entry(key).or_default();
                *sum = sum.union(default.privileges);
                continue;
            }
        };
        left.push((what, why));
    }
    let kind = asked.dialect.kind();
    // Those of a whole database sort before those of its schemas.
    for ((class, database, schema), privileges) in futures {
        let inside: Vec<Securable> = objects(asked, &family(kind, class))
            .into_iter()
            .filter(|on| on.database_name() == Some(&database))
            .filter(|on| schema.is_none() || on.schema_name() == schema.as_ref())
            .filter(|on| !on.schema_name().is_some_and(|schema| is_the_servers(kind, schema)))
            .collect();
        // What somebody owns needs no grant, and is given none.
        let of_all = inside.iter().filter(|on| !owned.contains(on)).fold(privileges, |all, on| {
            all.intersection(held.get(on).copied().unwrap_or_default())
        });
        let within = match class {
            ObjectClass::Schema => (Some(Name::All), None),
            _ => (Some(schema.map_or(Name::All, Name::One)), Some(Name::All)),
        };
        let wild = |privileges, all| ImportedGrant {
            kind: class.as_str(),
            database: Some(database.clone()),
            schema: within.0.clone(),
            object: within.1.clone(),
            what: What::Privileges(privileges),
            all,
            future: true,
        };
        let rest = privileges.minus(of_all);
        if !of_all.is_empty() {
            grants.push(wild(of_all, true));
            for on in &inside {
                if let Some(held) = held.get_mut(on) {
                    *held = held.minus(of_all);
                }
            }
        }
        if !rest.is_empty() {
            grants.push(wild(rest, false));
        }
    }
}

/// Everything that is there of some classes, as far as it was looked at.
fn objects(asked: &Asked<'_>, classes: &[ObjectClass]) -> BTreeSet<Securable> {
    let inventory = &asked.state.inventory;
    let relations = inventory.relations.iter().filter(|(_, r)| classes.contains(&r.class)).map(
        |((database, schema, name), relation)| {
            Securable::in_schema(relation.class, database.clone(), schema.clone(), name.clone())
        },
    );
    let others = inventory.objects.keys().filter(|on| classes.contains(&on.class())).cloned();
    let schemas = inventory.schemas.iter().filter(|_| classes.contains(&ObjectClass::Schema));
    let schemas = schemas
        .map(|(database, schema): &SchemaKey| Securable::schema(database.clone(), schema.clone()));
    relations.chain(others).chain(schemas).collect()
}

/// A grant on what is not there yet, in words.
pub(super) fn said(default: &DefaultGrant) -> String {
    let DefaultGrant { creator, database, schema, class, privileges, .. } = default;
    let place = match schema {
        Some(schema) => format!("schema {database}.{schema}"),
        None => format!("database {database}"),
    };
    let of = creator.as_ref().map(|creator| format!(" of {creator}")).unwrap_or_default();
    format!("{privileges} on new objects{of} ({class}) in {place}")
}

/// Why a grant on what is not there yet cannot be said.
fn unsaid(asked: &Asked<'_>, default: &DefaultGrant) -> Option<(String, String)> {
    let DefaultGrant { creator, class, privileges, grantable, .. } = default;
    let what = said(default);
    if creator.as_ref() != asked.creator {
        let ours = asked.creator.map_or_else(|| "nobody".to_owned(), ToString::to_string);
        return Some((
            what,
            format!("only what {ours} makes is declared: name another deploy_role to declare it"),
        ));
    }
    // A wildcard means every schema of the database, hidden or not.
    let hides = |other: &DefaultGrant| {
        other.schema.is_some() && other.database == default.database && other.class == *class
    };
    if asked.dialect.kind() == DialectKind::Snowflake
        && default.schema.is_none()
        && asked.state.defaults.iter().any(hides)
    {
        let why = "future grants in a schema hide it there, where a wildcard would give it";
        return Some((what, why.to_owned()));
    }
    if !grantable.is_empty() {
        return Some((what, OPTION.to_owned()));
    }
    let strange = privileges.minus(asked.dialect.privileges_of(*class));
    if !strange.is_empty() || *class == ObjectClass::LargeObject {
        return Some((what, "a playbook has no wildcard for it".to_owned()));
    }
    None
}
