//! Random states for import: those of effective access, and what wildcards are made of.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::effect::world::{Op, ROLES, ops, quoted};

fn plain(sql: String) -> Op {
    Op { acting_as: None, sql }
}

fn role() -> impl Strategy<Value = &'static str> {
    select(&ROLES[..])
}

const KINDS: [(&str, &[&str]); 3] = [
    ("tables", &["select", "insert", "references"]),
    ("sequences", &["usage", "select"]),
    ("functions", &["execute"]),
];

/// What everything of a kind gets, what is to come of it, or both.
fn wide() -> BoxedStrategy<Vec<Op>> {
    let kind = select(&KINDS[..]);
    let place = select(&[("", ""), ("s0", "s0"), ("s1", "s1")][..]);
    let what = select(&[(true, true), (true, true), (true, false), (false, true)][..]);
    (kind, place, what, role(), any::<bool>())
        .prop_map(|((kind, privileges), (schema, _), (now, later), role, some)| {
            let privileges = privileges[..if some { 1 } else { privileges.len() }].join(", ");
            let role = quoted(role);
            let mut said = Vec::new();
            let schemas: &[&str] = if schema.is_empty() { &["s0", "s1"] } else { &[schema] };
            if now {
                for schema in schemas {
                    said.push(plain(format!(
                        "grant {privileges} on all {kind} in schema {schema} to {role}"
                    )));
                }
            }
            if later {
                let within =
                    if schema.is_empty() { String::new() } else { format!(" in schema {schema}") };
                said.push(plain(format!(
                    "alter default privileges{within} grant {privileges} on {kind} to {role}"
                )));
            }
            said
        })
        .boxed()
}

/// Schemas, and what is in none.
fn other() -> BoxedStrategy<Vec<Op>> {
    let sql = select(
        &[
            "grant usage on schema s0, s1 to {}",
            "alter default privileges grant usage on schemas to {}",
            "grant usage on language plpgsql to {}",
            "grant usage on type s0.ty to {}",
            "alter default privileges in schema s1 grant usage on types to {}",
            "create table s1.mine (a int); alter table s1.mine owner to {}",
            "alter role {} nologin",
            "grant execute on procedure s0.pr(int) to {}",
            "revoke execute on function s0.f0(int) from public; grant execute on function s0.f0(int) to {}",
            "create schema \"S*2\"; grant usage on schema \"S*2\" to {}",
            "create table s0.\"odd ${var.x} *\" (a int); grant select on s0.\"odd ${var.x} *\" to {}",
            "create table s0.\"*\" (a int); grant select on s0.\"*\" to {}",
        ][..],
    );
    (sql, role()).prop_map(|(sql, role)| vec![plain(sql.replace("{}", &quoted(role)))]).boxed()
}

/// Roles that the template explains: of products that no configuration has, and of the one that it
/// has now and then; two that can be read in more ways, and one that needs quotes.
pub const EXPLAINED: [&str; 6] = ["x1", "x2", "y1", "r7", "xy1", "X 9"];

/// What a node's declarations can say, and now and then something that they cannot.
fn explained() -> BoxedStrategy<Vec<Op>> {
    let on = select(
        &[
            "grant usage on schema s0 to {}; grant select on s0.t0 to {}",
            "grant usage on schema s0 to {}; grant select, insert, update, delete, truncate on s0.t0 to {}",
            "grant usage on schema s0 to {}; grant select on s0.v0 to {}",
            "grant usage on schema s1 to {}; grant select, references on s1.\"T 1\" to {}",
            "grant usage on schema s1 to {}; grant update on s1.\"T 1\" to {}",
            "grant {} to u0",
            "grant {} to g0; grant g0 to u1",
        ][..],
    );
    let spoils = select(
        &[
            "grant select on s1.m0 to {}",
            "grant select on s0.t0 to {}",
            "grant select (a) on s0.t0 to {}",
            "grant select on s0.t0 to {} with grant option",
            "alter default privileges in schema s0 grant select on tables to {}",
            "grant r3 to {}",
            "grant x1 to {}",
            "grant {} to r4",
            "grant {} to u0 with admin option",
            "alter role {} createdb",
            "alter role {} noinherit",
            "grant usage on schema s1 to {}",
            "grant create on schema s0 to {}",
            "alter table s1.\"T 1\" owner to {}",
            "grant select on s0.t0 to g0; grant {} to g0",
        ][..],
    );
    let role = select(&EXPLAINED[..]);
    (role, vec(on, 1..4), proptest::option::weighted(0.3, spoils))
        .prop_map(|(role, on, spoils)| {
            let role = quoted(role);
            let people = "create role u0 login; create role u1 login; create role g0";
            let made = format!("create role {role}");
            let way = format!("grant connect on database effect to {role}");
            let held = on.into_iter().chain(spoils).map(|sql| sql.replace("{}", &role));
            let people = people.split("; ").map(str::to_owned);
            people.chain([made, way]).chain(held).map(plain).collect()
        })
        .boxed()
}

/// A state, in statements.
pub fn states() -> impl Strategy<Value = Vec<Op>> {
    let more = vec(prop_oneof![3 => wide(), 2 => other(), 4 => explained()], 0..8);
    (ops(), more).prop_map(|(ops, more)| more.into_iter().flatten().chain(ops).collect())
}
