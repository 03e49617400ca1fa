//! The stage: databases, schemas, relations and people, as a `dbt build` and an identity provider
//! would have left them.

use std::collections::{BTreeMap, BTreeSet};

use super::session::Session;
use crate::dialect::{self, Dialect};
use crate::model::{DialectKind, Ident, ObjectClass, Securable};
use crate::resolve::Resolved;
use crate::warehouse::WarehouseError;
use crate::warehouse::engine::Engine;

pub(super) struct Staged {
    pub(super) relations: usize,
    pub(super) people: usize,
}

pub(super) async fn stage(
    engine: &Engine,
    database: &Ident,
    resolved: &Resolved,
) -> Result<Staged, WarehouseError> {
    let dialect = dialect::of(DialectKind::Postgres);
    let session = Session::open(&engine.url("postgres")).await?;
    let people = make_people(&session, dialect, resolved).await?;
    let sql = "select from pg_database where datname = $1::text";
    if session.query(sql, &[&database.as_str()]).await?.is_empty() {
        session.run(&format!("create database {}", dialect.quote(database))).await?;
    }
    session.close().await;
    let session = Session::open(&engine.url(database.as_str())).await?;
    let relations = relations(database, resolved);
    let schemas: BTreeSet<&Ident> = relations.values().filter_map(|on| on.schema_name()).collect();
    for schema in schemas {
        let schema = dialect.quote(schema);
        session.run(&format!("create schema if not exists {schema}")).await?;
        if let Some(deploy_role) = &resolved.deploy_role {
            let role = dialect.quote(deploy_role);
            session.run(&format!("grant usage, create on schema {schema} to {role}")).await?;
        }
    }
    // A few hundred statements a message: quick, and a failure still names a small group.
    let statements: Vec<String> =
        relations.values().filter_map(|on| create(dialect, on, resolved)).collect();
    for chunk in statements.chunks(200) {
        session.run(&chunk.join(";\n")).await?;
    }
    session.close().await;
    Ok(Staged { relations: relations.len(), people })
}

/// Whoever a file names as a member, the role that runs dbt, and the way back in.
async fn make_people(
    session: &Session,
    dialect: &dyn Dialect,
    resolved: &Resolved,
) -> Result<usize, WarehouseError> {
    let mut people: BTreeMap<&Ident, &str> = BTreeMap::new();
    for ((_, member), membership) in &resolved.desired.memberships {
        let login = match membership.kind {
            crate::model::MemberKind::Group => "nologin",
            _ => "login",
        };
        people.insert(member, login);
    }
    let others = [&resolved.deploy_role, &resolved.desired.break_glass];
    for role in others.into_iter().flatten() {
        people.insert(role, "login");
    }
    let known = session.query("select rolname::text from pg_roles", &[]).await?;
    let known: BTreeSet<String> = known.iter().map(|row| row.get(0)).collect();
    for (name, login) in people.iter().filter(|(name, _)| !known.contains(name.as_str())) {
        session.run(&format!("create role {} {login}", dialect.quote(name))).await?;
    }
    Ok(people.len())
}

fn relations(database: &Ident, resolved: &Resolved) -> BTreeMap<(Ident, Ident), Securable> {
    let mut relations = BTreeMap::new();
    for on in resolved.nodes.iter().filter_map(|node| node.relation.as_ref()) {
        if let (Some(in_database), Some(schema), Some(name)) =
            (on.database_name(), on.schema_name(), on.name())
            && in_database == database
            && !is_of_the_server(on)
        {
            relations.entry((schema.clone(), name.clone())).or_insert_with(|| on.clone());
        }
    }
    relations
}

/// Whether it stands where only the server itself makes relations, such as a source that reads
/// `information_schema`.
pub(super) fn is_of_the_server(on: &Securable) -> bool {
    on.schema_name().is_some_and(|schema| {
        schema.as_str() == "information_schema" || schema.as_str().starts_with("pg_")
    })
}

/// One relation of the right class, owned by the role that runs dbt where there is one.
fn create(dialect: &dyn Dialect, on: &Securable, resolved: &Resolved) -> Option<String> {
    let name = format!("{}.{}", dialect.quote(on.schema_name()?), dialect.quote(on.name()?));
    let (create, kind) = match on.class() {
        ObjectClass::View => (format!("create view {name} as select 1 as id"), "view"),
        ObjectClass::MaterializedView => {
            (format!("create materialized view {name} as select 1 as id"), "materialized view")
        }
        _ => (format!("create table {name} (id integer)"), "table"),
    };
    let owner = resolved
        .deploy_role
        .as_ref()
        .map(|owner| format!(";\nalter {kind} {name} owner to {}", dialect.quote(owner)));
    Some(create + owner.as_deref().unwrap_or_default())
}
