//! What is read from a real server.

use rolecall::model::{Incarnation, MarkerReading, ObjectClass, RoleAttributes};
use rolecall::warehouse::Observe;

use crate::engines::{Ground, id, snapshot};

#[tokio::test]
async fn every_kind_of_grant_is_read_with_its_grantor() {
    for ground in Ground::each().await {
        let version = ground.version().await;
        ground
            .sql(
                "create role ~a; create role ~b; create role ~passer; create schema s;
                 create table s.t (a int, b int);
                 create table s.p (a int) partition by range (a);
                 create table s.p1 partition of s.p for values from (0) to (9);
                 create view s.v as select 1 a; create materialized view s.m as select 1 a;
                 create sequence s.seq;
                 create foreign data wrapper ~f; create server ~srv foreign data wrapper ~f;
                 create foreign table s.ft (a int) server ~srv;
                 create function s.fn(a int, variadic b text[]) returns int language sql as 'select 1';
                 create function s.none() returns int language sql as 'select 1';
                 create procedure s.pr(a int) language sql as 'select 1';
                 create type s.ty as enum ('a'); create domain s.dom as int;
                 create type s.comp as (a int);
                 grant create, connect, temporary on database ~DB to ~a;
                 grant usage, create on schema s to ~a;
                 grant all on s.t to ~passer with grant option; grant usage on schema s to ~passer;
                 grant select, insert on s.t to ~a;
                 set role ~passer; grant select, update on s.t to ~a with grant option; reset role;
                 grant select (a), update (b) on s.t to ~a;
                 grant select on s.p, s.p1, s.v, s.m, s.ft to ~a;
                 grant usage on sequence s.seq to ~a;
                 grant execute on function s.fn, s.none to ~a; grant execute on procedure s.pr to ~a;
                 grant usage on type s.ty, s.dom, s.comp to ~a;
                 grant usage on language plpgsql to ~a;
                 grant usage on foreign data wrapper ~f to ~a; grant usage on foreign server ~srv to ~a;
                 select lo_create(4711); grant select on large object 4711 to ~a;
                 grant create on tablespace pg_global to ~a;
                 grant select on s.t to public; grant usage on schema s to public"
                    .replace("~DB", &ground.database)
                    .as_str(),
            )
            .await;
        if version >= 15 {
            ground.sql("grant set, alter system on parameter \"~x.y\" to ~a").await;
        }
        if version >= 17 {
            ground.sql("grant maintain on s.t to ~a").await;
        }
        ground.mark("~a").await;
        let shown = ground.show(&ground.observe(&[]).await);
        // What only some versions have is checked and taken away.
        let parameter = "parameter x.y: a ALTER SYSTEM, SET by postgres";
        assert_eq!(shown.contains(parameter), version >= 15, "{version}\n{shown}");
        assert_eq!(shown.contains("MAINTAIN, SELECT by postgres"), version >= 17, "{version}");
        let shown = shown.replace(&format!("\n{parameter}"), "").replace("MAINTAIN, ", "");
        snapshot!(shown, @r"
        database db: a CONNECT, CREATE, TEMPORARY by postgres
        schema db.s: a CREATE, USAGE by postgres
        table db.s.p: a SELECT by postgres
        table db.s.p1: a SELECT by postgres
        table db.s.t: a INSERT, SELECT by postgres
        table db.s.t: a SELECT, UPDATE by passer, may pass on SELECT, UPDATE
        view db.s.v: a SELECT by postgres
        materialized_view db.s.m: a SELECT by postgres
        foreign_table db.s.ft: a SELECT by postgres
        column db.s.t.a: a SELECT by postgres
        column db.s.t.b: a UPDATE by postgres
        sequence db.s.seq: a USAGE by postgres
        function db.s.fn(integer, text[]): a EXECUTE by postgres
        function db.s.none(): a EXECUTE by postgres
        procedure db.s.pr(integer): a EXECUTE by postgres
        type db.s.comp: a USAGE by postgres
        type db.s.dom: a USAGE by postgres
        type db.s.ty: a USAGE by postgres
        language plpgsql: a USAGE by postgres
        foreign_data_wrapper f: a USAGE by postgres
        foreign_server srv: a USAGE by postgres
        tablespace pg_global: a CREATE by postgres
        large_object 4711: a SELECT by postgres
        ");
    }
}

#[tokio::test]
async fn a_role_of_another_deployment_and_public_are_not_looked_at() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create role ~ours; create role ~other; create role ~named; create schema s;
                 create table s.t (); grant select on s.t to ~ours, ~other, ~named, public;
                 comment on role ~other is 'rolecall:1 {\"deployment\":\"~else\",\"environment\":\"prod\",\"product\":\"p\",\"role\":\"r\"}'",
            )
            .await;
        ground.mark("~ours").await;
        snapshot!(ground.show(&ground.observe(&["named"]).await), @r"
        table db.s.t: named SELECT by postgres
        table db.s.t: ours SELECT by postgres
        ");
    }
}

#[tokio::test]
async fn names_of_any_kind_are_read_to_the_letter() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create role \"~we\"\"ird 🦀.x\"; create schema \"S p\"; create type \"S p\".\"T,y\" as enum ();
                 create table \"S p\".\"t\"\"able\" (\"c,o l\" int);
                 create function \"S p\".\"f(\"(\"S p\".\"T,y\", text[]) returns int language sql as 'select 1';
                 grant select (\"c,o l\") on \"S p\".\"t\"\"able\" to \"~we\"\"ird 🦀.x\";
                 grant execute on function \"S p\".\"f(\"(\"S p\".\"T,y\", text[]) to \"~we\"\"ird 🦀.x\"",
            )
            .await;
        ground.mark("\"~we\"\"ird 🦀.x\"").await;
        let state = ground.observe(&[]).await;
        snapshot!(ground.show(&state), @r#"
        column db.S p.t"able.c,o l: we"ird 🦀.x SELECT by postgres
        function db.S p.f(("S p"."T,y", text[]): we"ird 🦀.x EXECUTE by postgres
        "#);
        // A relation that only a grant names is in the inventory as well.
        assert!(state.inventory.relations.contains_key(&(
            id(&ground.database),
            id("S p"),
            id("t\"able")
        )));
    }
}

#[tokio::test]
async fn ownership_is_read_and_an_owners_own_rights_are_not_grants() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create role ~a; create role ~b; create schema s; create table s.t ();
                 grant create on schema s to ~a; alter table s.t owner to ~a;
                 grant select on s.t to ~b; revoke insert on s.t from ~a;
                 create schema ~mine authorization ~a; create collation s.co from \"C\";
                 alter collation s.co owner to ~a; create table s.pol ();
                 create policy only_a on s.pol to ~a",
            )
            .await;
        ground.mark("~a").await;
        snapshot!(ground.show(&ground.observe(&[]).await), @r"
        schema db.s: a CREATE by postgres
        a owns schema db.mine
        a owns table db.s.t
        a, not understood: is named in policy only_a on table s.pol
        a, not understood: owns collation s.co
        ");
    }
}

#[tokio::test]
async fn what_a_role_passed_on_to_a_stranger_is_named() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create role ~a; create role ~b; create schema s; create table s.t (x int);
                 grant usage on schema s to ~a; grant select on s.t to ~a with grant option;
                 set role ~a; grant select on s.t to ~b; grant select on s.t to public; reset role",
            )
            .await;
        ground.mark("~a").await;
        snapshot!(ground.show(&ground.observe(&[]).await), @r"
        schema db.s: a USAGE by postgres
        table db.s.t: a SELECT by postgres, may pass on SELECT
        table db.s.t: b SELECT by a
        a, not understood: SELECT on table db.s.t, passed on to PUBLIC
        ");
    }
}

#[tokio::test]
async fn memberships_are_read_both_ways_with_their_options() {
    for ground in Ground::each().await {
        let version = ground.version().await;
        ground
            .sql(
                "create role ~a; create role ~in; create role ~up; create role ~boss createrole;
                 create role ~quiet noinherit; grant ~a to ~in; grant ~up to ~a with admin option;
                 grant ~a to ~quiet; create role ~x; create role ~y; grant ~x to ~y",
            )
            .await;
        ground.mark("~a").await;
        if version >= 16 {
            ground
                .sql(
                    "create role ~plain; grant ~a to ~plain with inherit false, set false;
                     set role ~boss; create role ~made; reset role",
                )
                .await;
            let state = ground.observe(&["made"]).await;
            snapshot!(ground.show(&state), @r"
        in in a: inherit, set by postgres
        plain in a:  by postgres
        quiet in a: set by postgres
        boss in made: admin, automatic by postgres
        a in up: admin, inherit, set by postgres
        ");
        } else {
            snapshot!(ground.show(&ground.observe(&[]).await), @r"
        in in a: inherit, set by postgres
        quiet in a: set by postgres
        a in up: admin, inherit, set by postgres
        ");
        }
    }
}

#[tokio::test]
async fn default_privileges_are_read_by_creator_schema_and_class() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create role ~a; create role ~b; create role ~dbt; create schema s;
                 alter default privileges for role ~dbt in schema s grant select on tables to ~a;
                 alter default privileges for role ~dbt grant select, insert on tables to ~a with grant option;
                 alter default privileges for role ~dbt grant execute on functions to ~a;
                 alter default privileges for role ~dbt grant usage on types to ~a;
                 alter default privileges for role ~dbt grant usage on schemas to ~a;
                 alter default privileges for role ~dbt grant usage on sequences to ~a;
                 alter default privileges for role ~a grant select on tables to ~b",
            )
            .await;
        ground.mark("~a").await;
        snapshot!(ground.show(&ground.observe(&[]).await), @r"
        new schema of dbt in any: a USAGE, may pass on []
        new table of dbt in any: a INSERT, SELECT, may pass on [INSERT, SELECT]
        new sequence of dbt in any: a USAGE, may pass on []
        new function of dbt in any: a EXECUTE, may pass on []
        new type of dbt in any: a USAGE, may pass on []
        new table of dbt in s: a SELECT, may pass on []
        a, not understood: owns default privileges on new relations belonging to role a
        ");
    }
}

#[tokio::test]
async fn uses_in_other_databases_are_counted() {
    for ground in Ground::each().await {
        let other = Ground::on(ground.engine).await;
        ground.sql("create role ~a").await;
        ground.mark("~a").await;
        let sql = format!(
            "create table t (); create table u (); grant select on t, u to {role};
             grant connect on database {} to {role}",
            other.database,
            role = ground.role("a")
        );
        other.sql(&sql).await;
        let state = ground.observe(&[]).await;
        assert_eq!(state.roles[&ground.role("a")].used_elsewhere, 3);
        assert_eq!(ground.show(&state), "");
    }
}

#[tokio::test]
async fn every_role_is_read_with_its_attributes_and_marker() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create role ~a; create role ~power superuser createrole createdb login replication bypassrls noinherit;
                 comment on role ~power is 'rolecall:9 {}'",
            )
            .await;
        ground.mark("~a").await;
        let state = ground.observe(&[]).await;
        let a = &state.roles[&ground.role("a")];
        assert_eq!(a.attributes, RoleAttributes::MANAGED);
        assert!(
            matches!(&a.marker, MarkerReading::Marker(marker) if marker.role == "~a".replace('~', &ground.prefix))
        );
        let power = &state.roles[&ground.role("power")];
        assert_eq!(
            power.attributes,
            RoleAttributes {
                superuser: true,
                create_role: true,
                create_db: true,
                login: true,
                replication: true,
                bypass_rls: true,
                inherit: false
            }
        );
        assert!(matches!(&power.marker, MarkerReading::Unreadable(_)));
    }
}

#[tokio::test]
async fn the_inventory_tells_class_owner_and_life_of_each_relation() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create role ~o; create schema s; create schema t; create table s.a (); create view s.v as select 1 x;
                 create materialized view s.m as select 1 x; create table s.p (x int) partition by list (x);
                 create sequence s.seq; create index on s.p (x); create table t.not_looked_at ();
                 alter table s.a owner to ~o",
            )
            .await;
        let first = ground.observe(&[]).await.inventory;
        let kinds: Vec<_> =
            first.relations.iter().map(|((_, _, name), it)| (name.as_str(), it.class)).collect();
        assert_eq!(
            kinds,
            [
                ("a", ObjectClass::Table),
                ("m", ObjectClass::MaterializedView),
                ("p", ObjectClass::Table),
                ("v", ObjectClass::View)
            ]
        );
        assert!(first.schemas.contains(&(id(&ground.database), id("t"))) && first.looked);
        let life = |inventory: &rolecall::model::Inventory| -> Incarnation {
            inventory.relations[&(id(&ground.database), id("s"), id("a"))].incarnation.clone()
        };
        assert_eq!(
            first.relations[&(id(&ground.database), id("s"), id("a"))].owner,
            ground.role("o")
        );
        ground.sql("drop table s.a; create table s.a ()").await;
        assert_ne!(life(&first), life(&ground.observe(&[]).await.inventory));
    }
}

#[tokio::test]
async fn an_ordinary_role_sees_the_same_as_a_superuser() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create role ~a; create role ~plain login password 'pw'; create schema s; create table s.t (x int);
                 grant select on s.t to ~a; grant update (x) on s.t to ~a; create role ~m; grant ~a to ~m;
                 select lo_create(1); grant select on large object 1 to ~a",
            )
            .await;
        ground.mark("~a").await;
        let by_superuser = ground.observe(&[]).await;
        let by_plain =
            ground.connect(Some("plain")).await.observe(&ground.look(&[])).await.unwrap();
        assert!(by_superuser.server.superuser && !by_plain.server.superuser);
        assert!(!by_plain.server.may_create_roles);
        assert_eq!(by_plain.server.system, by_superuser.server.system);
        let server = by_superuser.server.clone();
        // Other tests make roles between the two readings.
        let roles = by_superuser.roles.clone();
        let a = ground.role("a");
        assert_eq!(by_plain.roles[&a], by_superuser.roles[&a]);
        let by_plain = rolecall::model::ObservedState { server, roles, ..by_plain };
        assert_eq!(by_plain, by_superuser);
    }
}
