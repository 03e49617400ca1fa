//! Random states: a fixed ground of roles and objects, and statements that change who may do what.
//! A statement that the server refuses changes nothing.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// The roles; names that need quotes among them.
pub const ROLES: [&str; 7] = ["r0", "r1", "r2", "r3", "r4", "R 5", "r\"6"];

/// PostgreSQL's own that may be granted; those that a version lacks are refused there.
const PREDEFINED: [&str; 4] =
    ["pg_read_all_data", "pg_write_all_data", "pg_maintain", "pg_database_owner"];

/// What GRANT calls an object, and its privileges.
const OBJECTS: [(&str, &str, &[&str]); 17] = [
    ("table", "s0.t0", TABLE),
    ("table", "s0.t0", TABLE),
    ("table", "s1.p0", TABLE),
    ("table", "s1.p1", TABLE),
    ("table", "s0.c0", TABLE),
    ("table", "s0.k0", TABLE),
    ("table", "s1.b0", TABLE),
    ("table", "s1.d0", TABLE),
    ("table", "s1.\"T 1\"", TABLE),
    ("table", "s0.v0", TABLE),
    ("table", "s1.v1", TABLE),
    ("table", "s1.m0", TABLE),
    ("sequence", "s0.q0", &["usage", "select", "update"]),
    ("function", "s0.f0(int)", &["execute"]),
    ("schema", "s0", &["usage", "create"]),
    ("schema", "s1", &["usage", "create"]),
    ("database", "effect", &["create", "connect", "temporary"]),
];

const TABLE: &[&str] =
    &["select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain"];

/// What there is in every state.
pub fn ground() -> String {
    let roles: String = ROLES.iter().map(|role| format!("create role {};", quoted(role))).collect();
    format!(
        r#"{roles}
        create schema s0; create schema s1;
        create table s0.t0 (a int, b int);
        create table s1.p0 (a int) partition by range (a);
        create table s1.p1 partition of s1.p0 for values from (10) to (40) partition by range (a);
        create table s0.c0 partition of s1.p1 for values from (20) to (30);
        create table s1.d0 partition of s1.p0 for values from (0) to (10);
        create table s1.b0 (a int);
        create table s0.k0 () inherits (s0.t0, s1.b0);
        insert into s0.t0 values (1); insert into s0.k0 values (10); insert into s1.b0 values (2);
        insert into s0.c0 values (20); insert into s1.d0 values (5);
        create table s1."T 1" (a int, "B" int);
        create view s0.v0 as select a, b from s0.t0;
        create view s1.v1 as select v.a, t."B" from s0.v0 v, s1."T 1" t;
        create materialized view s1.m0 as select a from s0.t0;
        create sequence s0.q0;
        create function s0.f0(int) returns int language sql as 'select 1';"#
    )
}

pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// One statement, and as whom it is said.
#[derive(Debug, Clone)]
pub struct Op {
    pub acting_as: Option<&'static str>,
    pub sql: String,
}

fn role() -> impl Strategy<Value = &'static str> {
    select(&ROLES[..])
}

fn grantee() -> impl Strategy<Value = String> {
    prop_oneof![6 => role().prop_map(quoted), 1 => Just("public".to_owned())]
}

fn some_of(all: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    let size = 1..=all.len().min(3);
    proptest::sample::subsequence(all, size)
}

fn plain(sql: impl Strategy<Value = String> + 'static) -> BoxedStrategy<Op> {
    sql.prop_map(|sql| Op { acting_as: None, sql }).boxed()
}

fn member() -> BoxedStrategy<Op> {
    let group = prop_oneof![5 => role(), 2 => select(&PREDEFINED[..])];
    let options = select(
        &[
            "",
            "",
            "with admin option",
            "with inherit false",
            "with set false",
            "with inherit true, set false",
            "with inherit false, set true",
            "with inherit false, set false, admin true",
        ][..],
    );
    let by = proptest::option::weighted(0.2, role());
    (group, role(), options, by)
        .prop_map(|(group, member, options, by)| Op {
            acting_as: by,
            sql: format!("grant {} to {} {options}", quoted(group), quoted(member)),
        })
        .boxed()
}

fn attribute() -> BoxedStrategy<Op> {
    let what = select(&["noinherit", "noinherit", "inherit", "superuser", "login"][..]);
    plain((role(), what).prop_map(|(role, what)| format!("alter role {} {what}", quoted(role))))
}

fn grant() -> BoxedStrategy<Op> {
    select(&OBJECTS[..])
        .prop_flat_map(|(kind, name, all)| {
            let by = proptest::option::weighted(0.3, role());
            (some_of(all), grantee(), any::<bool>(), by).prop_map(
                move |(privileges, to, option, by)| {
                    let option = if option && to != "public" { " with grant option" } else { "" };
                    let privileges = privileges.join(", ");
                    let sql = format!("grant {privileges} on {kind} {name} to {to}{option}");
                    Op { acting_as: by, sql }
                },
            )
        })
        .boxed()
}

/// Else most of what is held would be of no use, and few queries would go through.
fn open_schema() -> BoxedStrategy<Op> {
    let to = prop_oneof![Just("public".to_owned()), role().prop_map(quoted)];
    plain(
        (select(&["s0", "s1"][..]), to)
            .prop_map(|(schema, to)| format!("grant usage on schema {schema} to {to}")),
    )
}

fn grant_column() -> BoxedStrategy<Op> {
    let on = select(
        &[
            ("s0.t0", "a"),
            ("s0.t0", "b"),
            ("s0.k0", "a"),
            ("s1.d0", "a"),
            ("s1.\"T 1\"", "\"B\""),
            ("s0.v0", "a"),
            ("s1.v1", "a"),
        ][..],
    );
    let all = some_of(&["select", "insert", "update", "references"]);
    plain((on, all, grantee()).prop_map(|((on, column), privileges, to)| {
        let each: Vec<String> = privileges.iter().map(|p| format!("{p} ({column})")).collect();
        format!("grant {} on {on} to {to}", each.join(", "))
    }))
}

fn revoke() -> BoxedStrategy<Op> {
    // The owner's own rights and PUBLIC's are rights like others.
    let from = prop_oneof![
        2 => Just("public".to_owned()),
        2 => Just("postgres".to_owned()),
        1 => role().prop_map(quoted)
    ];
    plain((select(&OBJECTS[..]), from, any::<bool>()).prop_flat_map(
        |((kind, name, all), from, everything)| {
            some_of(all).prop_map(move |some| {
                let what = if everything { "all".to_owned() } else { some.join(", ") };
                format!("revoke {what} on {kind} {name} from {from} cascade")
            })
        },
    ))
}

fn owner() -> BoxedStrategy<Op> {
    let on = select(
        &[
            "table s0.t0",
            "table s1.p0",
            "table s1.p1",
            "table s0.c0",
            "table s0.k0",
            "table s1.b0",
            "table s1.d0",
            "table s1.\"T 1\"",
            "view s0.v0",
            "view s1.v1",
            "materialized view s1.m0",
            "sequence s0.q0",
            "function s0.f0(int)",
            "schema s0",
            "schema s1",
            "database effect",
        ][..],
    );
    plain((on, role()).prop_map(|(on, role)| format!("alter {on} owner to {}", quoted(role))))
}

/// Children that are none any more.
fn parted() -> BoxedStrategy<Op> {
    let what = select(
        &[
            "s0.k0 no inherit s0.t0",
            "s0.k0 no inherit s1.b0",
            "s1.p1 detach partition s0.c0",
            "s1.p0 detach partition s1.p1",
        ][..],
    );
    plain(what.prop_map(|what| format!("alter table {what}")))
}

fn invoker() -> BoxedStrategy<Op> {
    let view = select(&["s0.v0", "s1.v1"][..]);
    plain(view.prop_map(|view| format!("alter view {view} set (security_invoker = on)")))
}

const KINDS: [(&str, &[&str]); 3] =
    [("tables", TABLE), ("sequences", &["usage", "select"]), ("functions", &["execute"])];

fn defaults() -> BoxedStrategy<Op> {
    let kind = select(&KINDS[..]);
    let schema = select(&["", " in schema s0", " in schema s1"][..]);
    plain((role(), schema, kind, any::<bool>()).prop_flat_map(|(of, schema, (kind, all), give)| {
        (some_of(all), grantee()).prop_map(move |(privileges, who)| {
            let (of, privileges) = (quoted(of), privileges.join(", "));
            let alter = format!("alter default privileges for role {of}{schema}");
            match (give, schema) {
                (false, "") => {
                    let who = if who == "public" { who } else { of };
                    format!("{alter} revoke {privileges} on {kind} from {who}")
                }
                _ => format!("{alter} grant {privileges} on {kind} to {who}"),
            }
        })
    }))
}

/// A state, in statements.
pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => member(),
        8 => grant(),
        3 => open_schema(),
        3 => grant_column(),
        4 => owner(),
        3 => revoke(),
        2 => attribute(),
        2 => defaults(),
        1 => invoker(),
        1 => parted(),
    ];
    vec(op, 3..28)
}

/// A new object of somebody: its class as the state calls it, and the statement.
pub const NEW: [(&str, &str); 3] = [
    ("table", "create table {schema}.new0 (a int)"),
    ("sequence", "create sequence {schema}.new1"),
    ("function", "create function {schema}.new2() returns int language sql as 'select 1'"),
];
