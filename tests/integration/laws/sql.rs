//! A world as SQL.

use rolecall::model::{Marker, ObjectClass, Securable};
use tokio_postgres::Client;

use super::world::*;

pub fn q(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What is there in every world, made once.
pub fn ground() -> String {
    let mut sql = format!("revoke all on database {DATABASE} from public;\n");
    for name in STRANGERS.iter().chain(&PEOPLE).chain(&[DBT]) {
        sql += &format!("create role {};\n", q(name));
        if let Some(marker) = strangers_marker(name) {
            sql += &comment(name, &marker);
        }
    }
    for schema in SCHEMAS {
        let schema = q(schema);
        let (sequence, function) = (q(SEQUENCE), q(FUNCTION));
        sql += &format!(
            "create schema {schema};
             create sequence {schema}.{sequence};
             create function {schema}.{function}(text, int) returns int language sql as 'select 1';
             revoke all on function {schema}.{function}(text, int) from public;\n"
        );
        for (name, class) in RELATIONS {
            let (name, as_query) = (q(name), "as select 1 as id, 2 as other");
            let kind = match class {
                ObjectClass::Table => "table",
                ObjectClass::View => "view",
                _ => "materialized view",
            };
            sql += &format!("create {kind} {schema}.{name} {as_query};\n");
            sql += &format!("alter {kind} {schema}.{name} owner to {DBT};\n");
        }
    }
    sql
}

fn comment(role: &str, marker: &Marker) -> String {
    format!("comment on role {} is {};\n", q(role), literal(&marker.to_comment()))
}

/// All that people did. What the server refuses has not happened.
pub fn build(world: &World) -> String {
    let attempt =
        |statement: String| format!("begin {statement}; exception when others then null; end;\n");
    let attempts: String = attempts(world).map(attempt).collect();
    format!("{}do $world$ begin\n{attempts}end $world$", made(world))
}

/// As [`build`], one by one: the embedded engine cannot catch an error inside a block.
pub async fn build_slowly(client: &Client, world: &World) {
    client.batch_execute(&made(world)).await.unwrap();
    for attempt in attempts(world) {
        attempted(client, &attempt).await;
    }
}

/// Whether it was done; the transaction goes on either way.
pub async fn attempted(client: &Client, sql: &str) -> bool {
    client.batch_execute("savepoint attempt").await.unwrap();
    let done = client.batch_execute(sql).await.is_ok();
    let end = if done { "release attempt" } else { "rollback to attempt" };
    client.batch_execute(end).await.unwrap();
    done
}

fn made(world: &World) -> String {
    let roles = observed_roles(&world.was, world.gone);
    let role = |(name, marker): &(String, Marker)| {
        format!("create role {};\n{}", q(name), comment(name, marker))
    };
    roles.iter().map(role).collect()
}

fn attempts(world: &World) -> impl Iterator<Item = String> {
    world.ops.iter().map(|op| {
        let (by, what) = did(op);
        let by = by.map_or_else(|| "none".to_owned(), |by| q(&by));
        format!("set local role {by}; {what}; set local role none")
    })
}

fn did(op: &Op) -> (Option<String>, String) {
    match op {
        Op::Grant { on, to, privileges, option, by } => {
            let option = if *option { " with grant option" } else { "" };
            (by.clone(), format!("grant {privileges} on {} to {}{option}", object(on), q(to)))
        }
        Op::Column { schema, relation, to } => {
            let on = format!("{}.{}", q(schema), q(relation));
            (None, format!("grant select (id) on {on} to {}", q(to)))
        }
        Op::Revoke { on, from } => (None, format!("revoke all on {} from {}", object(on), q(from))),
        Op::Default { creator, schema, to } => {
            let schema =
                schema.as_ref().map_or(String::new(), |it| format!(" in schema {}", q(it)));
            let creator = q(creator);
            (
                None,
                format!(
                    "alter default privileges for role {creator}{schema} grant select on tables to {}",
                    q(to)
                ),
            )
        }
        Op::Member { role, member, admin, by } => {
            let admin = if *admin { " with admin option" } else { "" };
            (by.clone(), format!("grant {} to {}{admin}", q(role), q(member)))
        }
        Op::Owner { on, to } => {
            let kind = match on.class() {
                ObjectClass::View => "view",
                ObjectClass::MaterializedView => "materialized view",
                _ => "table",
            };
            let name = object(on).replacen("table ", "", 1);
            (None, format!("alter {kind} {name} owner to {}", q(to)))
        }
        Op::Login { role } => (None, format!("alter role {} login", q(role))),
        Op::NoInherit { role } => (None, format!("alter role {} noinherit", q(role))),
        Op::Public { on, by } => (by.clone(), format!("grant select on {} to public", object(on))),
    }
}

fn object(on: &Securable) -> String {
    let own = on.name().map(|name| q(name.as_str())).unwrap_or_default();
    let Some(schema) = on.schema_name().filter(|_| !on.class().is_container()) else {
        return format!("{} {own}", on.class());
    };
    let schema = q(schema.as_str());
    match on.class() {
        ObjectClass::Sequence => format!("sequence {schema}.{own}"),
        ObjectClass::Function => {
            format!("function {schema}.{own}({})", on.signature().unwrap())
        }
        _ => format!("table {schema}.{own}"),
    }
}
