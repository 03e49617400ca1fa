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

/// A state, in statements.
pub fn states() -> impl Strategy<Value = Vec<Op>> {
    let more = vec(prop_oneof![3 => wide(), 2 => other()], 0..8);
    (ops(), more).prop_map(|(ops, more)| more.into_iter().flatten().chain(ops).collect())
}
