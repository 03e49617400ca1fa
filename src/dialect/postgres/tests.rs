use super::super::{Statement, Target, of};
use crate::model::{
    Change, DialectKind, Ident, Marker, MemberKind, ObjectClass, Privilege, PrivilegeSet,
    RoleAttributes, Securable,
};

fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

fn set(names: &str) -> PrivilegeSet {
    names.split(", ").map(|name| Privilege::parse(name).unwrap()).collect()
}

fn marker() -> Marker {
    Marker {
        deployment: "it's a shop".into(),
        environment: "prod".into(),
        instance: None,
        product: "say \"hi\"".into(),
        role: "analyst".into(),
        policy: None,
        immutable: false,
        playbook: None,
        adopted: false,
    }
}

fn relation(class: ObjectClass, name: &str) -> Securable {
    Securable::in_schema(class, id("shop"), id("sales"), id(name))
}

fn table(name: &str) -> Securable {
    relation(ObjectClass::Table, name)
}

fn grant(on: Securable, role: &str, privileges: &str) -> Change {
    Change::Grant { on, role: id(role), privileges: set(privileges) }
}

fn revoke(on: Securable, role: &str, privileges: &str, grantor: &str) -> Change {
    let grantor = Some(id(grantor));
    Change::Revoke { on, role: id(role), privileges: set(privileges), grantor }
}

fn on_16(changes: &[Change]) -> Vec<Statement> {
    let target = Target { version: 160_000, database: Some(id("shop")) };
    of(DialectKind::Postgres).statements(changes, &target).unwrap()
}

fn show(statements: &[Statement]) -> String {
    let line = |s: &Statement| {
        let by = s.as_role.as_ref().map(|role| format!(" as {role}")).unwrap_or_default();
        format!("{:?}{by}: {}", s.changes, s.sql)
    };
    statements.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn refused(change: Change) -> String {
    let target = Target { version: 160_000, database: Some(id("shop")) };
    let error = of(DialectKind::Postgres).statements(&[change], &target).unwrap_err();
    format!("{}: {error}", error.code)
}

#[test]
fn roles_come_go_and_change_names() {
    let attributes = RoleAttributes { login: true, inherit: false, ..RoleAttributes::MANAGED };
    let all = RoleAttributes {
        superuser: true,
        create_role: true,
        create_db: true,
        login: true,
        replication: true,
        bypass_rls: true,
        inherit: false,
    };
    insta::assert_snapshot!(show(&on_16(&[
        Change::CreateRole { role: id("a \"role\""), marker: marker() },
        Change::RenameRole { from: id("Old"), to: id("new") },
        Change::AdoptRole { role: id("analyst"), marker: marker() },
        Change::ResetAttributes { role: id("analyst"), attributes },
        Change::ResetAttributes { role: id("analyst"), attributes: all },
        Change::ResetAttributes { role: id("analyst"), attributes: RoleAttributes::MANAGED },
        Change::DropRole { role: id("analyst") },
    ])), @r#"
    [0]: CREATE ROLE "a ""role"""
    [0]: COMMENT ON ROLE "a ""role""" IS E'rolecall:1 {"deployment":"it''s a shop","environment":"prod","product":"say \\"hi\\"","role":"analyst"}'
    [1]: ALTER ROLE "Old" RENAME TO "new"
    [2]: COMMENT ON ROLE "analyst" IS E'rolecall:1 {"deployment":"it''s a shop","environment":"prod","product":"say \\"hi\\"","role":"analyst"}'
    [3]: ALTER ROLE "analyst" WITH NOLOGIN INHERIT
    [4]: ALTER ROLE "analyst" WITH NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOLOGIN INHERIT
    [5]: ALTER ROLE "analyst" WITH INHERIT
    [6]: DROP ROLE "analyst"
    "#);
}

#[test]
fn grants_name_each_class_as_the_server_does() {
    let routine = |class| {
        let signature = "integer, \"My\".\"T\"[]".to_owned();
        Securable::routine(class, id("shop"), id("sales"), id("f"), signature)
    };
    insta::assert_snapshot!(show(&on_16(&[
        grant(Securable::database(id("shop")), "a", "CONNECT"),
        grant(Securable::schema(id("shop"), id("sales")), "a", "USAGE"),
        grant(table("orders"), "a", "SELECT"),
        grant(relation(ObjectClass::View, "v"), "a", "INSERT, SELECT"),
        grant(relation(ObjectClass::MaterializedView, "m"), "a", "MAINTAIN"),
        grant(relation(ObjectClass::ForeignTable, "f"), "a", "DELETE"),
        grant(Securable::column(id("shop"), id("sales"), id("orders"), id("c")), "a", "SELECT, UPDATE"),
        grant(relation(ObjectClass::Sequence, "s"), "a", "USAGE"),
        grant(routine(ObjectClass::Function), "a", "EXECUTE"),
        grant(routine(ObjectClass::Procedure), "b", "EXECUTE"),
        grant(relation(ObjectClass::Type, "t"), "a", "USAGE"),
        grant(Securable::global(ObjectClass::Language, id("plpgsql")), "a", "USAGE"),
        grant(Securable::global(ObjectClass::ForeignDataWrapper, id("w")), "a", "USAGE"),
        grant(Securable::global(ObjectClass::ForeignServer, id("s")), "a", "USAGE"),
        grant(Securable::global(ObjectClass::Tablespace, id("ts")), "a", "CREATE"),
        grant(Securable::global(ObjectClass::LargeObject, id("4711")), "a", "SELECT"),
        grant(Securable::global(ObjectClass::Parameter, id("my.Setting")), "a", "SET"),
    ])), @r#"
    [0]: GRANT CONNECT ON DATABASE "shop" TO "a"
    [1]: GRANT USAGE ON SCHEMA "sales" TO "a"
    [2]: GRANT SELECT ON TABLE "sales"."orders" TO "a"
    [3]: GRANT INSERT, SELECT ON TABLE "sales"."v" TO "a"
    [4]: GRANT MAINTAIN ON TABLE "sales"."m" TO "a"
    [5]: GRANT DELETE ON TABLE "sales"."f" TO "a"
    [6]: GRANT SELECT ("c"), UPDATE ("c") ON TABLE "sales"."orders" TO "a"
    [7]: GRANT USAGE ON SEQUENCE "sales"."s" TO "a"
    [8]: GRANT EXECUTE ON ROUTINE "sales"."f"(integer, "My"."T"[]) TO "a"
    [9]: GRANT EXECUTE ON ROUTINE "sales"."f"(integer, "My"."T"[]) TO "b"
    [10]: GRANT USAGE ON TYPE "sales"."t" TO "a"
    [11]: GRANT USAGE ON LANGUAGE "plpgsql" TO "a"
    [12]: GRANT USAGE ON FOREIGN DATA WRAPPER "w" TO "a"
    [13]: GRANT USAGE ON FOREIGN SERVER "s" TO "a"
    [14]: GRANT CREATE ON TABLESPACE "ts" TO "a"
    [15]: GRANT SELECT ON LARGE OBJECT 4711 TO "a"
    [16]: GRANT SET ON PARAMETER "my"."Setting" TO "a"
    "#);
}

#[test]
fn what_can_share_a_statement_does_and_no_pair_is_made_up() {
    insta::assert_snapshot!(show(&on_16(&[
        grant(table("a"), "r1", "SELECT"),
        grant(table("a"), "r2", "SELECT"),
        grant(table("b"), "r1", "SELECT"),
        grant(table("b"), "r2", "SELECT"),
        grant(table("c"), "r1", "SELECT"),
        grant(table("c"), "r2", "INSERT, SELECT"),
        grant(relation(ObjectClass::View, "v"), "r1", "SELECT"),
    ])), @r#"
    [0, 1, 2, 3]: GRANT SELECT ON TABLE "sales"."a", "sales"."b" TO "r1", "r2"
    [4, 6]: GRANT SELECT ON TABLE "sales"."c", "sales"."v" TO "r1"
    [5]: GRANT INSERT, SELECT ON TABLE "sales"."c" TO "r2"
    "#);
}

#[test]
fn memberships_have_options_and_grantors_from_16_on() {
    let changes = [
        Change::AddMember { role: id("a"), member: id("x"), kind: MemberKind::User },
        Change::AddMember { role: id("a"), member: id("y"), kind: MemberKind::Group },
        Change::RevokeAdminOption { role: id("a"), member: id("x"), grantor: id("boss") },
        Change::RemoveMember {
            role: id("a"),
            member: id("z"),
            kind: MemberKind::User,
            grantor: Some(id("boss")),
        },
        Change::RemoveMember {
            role: id("b"),
            member: id("z"),
            kind: MemberKind::User,
            grantor: None,
        },
    ];
    insta::assert_snapshot!(show(&on_16(&changes)), @r#"
    [0, 1]: GRANT "a" TO "x", "y" WITH INHERIT TRUE, SET TRUE
    [2]: REVOKE ADMIN OPTION FOR "a" FROM "x" GRANTED BY "boss"
    [3]: REVOKE "a" FROM "z" GRANTED BY "boss"
    [4]: REVOKE "b" FROM "z"
    "#);
    let before = of(DialectKind::Postgres).statements(&changes, &Target::default()).unwrap();
    insta::assert_snapshot!(show(&before), @r#"
    [0, 1]: GRANT "a" TO "x", "y"
    [2]: REVOKE ADMIN OPTION FOR "a" FROM "x"
    [3]: REVOKE "a" FROM "z"
    [4]: REVOKE "b" FROM "z"
    "#);
}

#[test]
fn a_revoke_is_its_grantors_and_never_cascades() {
    let option = Change::RevokeGrantOption {
        on: table("a"),
        role: id("r"),
        privileges: set("SELECT"),
        grantor: id("boss"),
    };
    insta::assert_snapshot!(show(&on_16(&[
        option,
        revoke(table("a"), "r", "SELECT", "boss"),
        revoke(table("b"), "r", "SELECT", "boss"),
        revoke(table("c"), "r", "SELECT", "Other"),
        Change::Revoke { on: table("d"), role: id("r"), privileges: set("SELECT"), grantor: None },
    ])), @r#"
    [0] as boss: REVOKE GRANT OPTION FOR SELECT ON TABLE "sales"."a" FROM "r"
    [1, 2] as boss: REVOKE SELECT ON TABLE "sales"."a", "sales"."b" FROM "r"
    [3] as Other: REVOKE SELECT ON TABLE "sales"."c" FROM "r"
    [4]: REVOKE SELECT ON TABLE "sales"."d" FROM "r"
    "#);
}

#[test]
fn revokes_along_a_chain_of_grant_options_keep_their_order() {
    // Without the order, the two that "owner" granted would share the first statement.
    insta::assert_snapshot!(show(&on_16(&[
        revoke(table("a"), "another", "SELECT", "owner"),
        revoke(table("a"), "last", "SELECT", "middle"),
        revoke(table("b"), "last", "SELECT", "middle"),
        revoke(table("a"), "middle", "SELECT", "owner"),
        revoke(table("b"), "middle", "SELECT", "owner"),
    ])), @r#"
    [0] as owner: REVOKE SELECT ON TABLE "sales"."a" FROM "another"
    [1, 2] as middle: REVOKE SELECT ON TABLE "sales"."a", "sales"."b" FROM "last"
    [3, 4] as owner: REVOKE SELECT ON TABLE "sales"."a", "sales"."b" FROM "middle"
    "#);
    let remove = |member: &str, grantor: &str| Change::RemoveMember {
        role: id("r"),
        member: id(member),
        kind: MemberKind::User,
        grantor: Some(id(grantor)),
    };
    insta::assert_snapshot!(show(&on_16(&[
        remove("another", "owner"),
        remove("last", "middle"),
        remove("middle", "owner"),
    ])), @r#"
    [0]: REVOKE "r" FROM "another" GRANTED BY "owner"
    [1]: REVOKE "r" FROM "last" GRANTED BY "middle"
    [2]: REVOKE "r" FROM "middle" GRANTED BY "owner"
    "#);
}

#[test]
fn owners_and_default_privileges() {
    let default = |schema: Option<&str>, class, privileges| Change::RevokeDefault {
        creator: Some(id("dbt")),
        database: id("shop"),
        schema: schema.map(id),
        class,
        role: id("r"),
        privileges: set(privileges),
    };
    let owner = |on| Change::SetOwner { on, from: id("dbt"), to: id("Owner") };
    insta::assert_snapshot!(show(&on_16(&[
        owner(table("a")),
        owner(relation(ObjectClass::View, "v")),
        owner(relation(ObjectClass::MaterializedView, "m")),
        owner(relation(ObjectClass::ForeignTable, "f")),
        owner(relation(ObjectClass::Sequence, "s")),
        owner(Securable::schema(id("shop"), id("sales"))),
        default(Some("sales"), ObjectClass::Table, "INSERT, SELECT"),
        default(None, ObjectClass::Sequence, "USAGE"),
        default(None, ObjectClass::Function, "EXECUTE"),
        default(None, ObjectClass::Type, "USAGE"),
        default(None, ObjectClass::Schema, "CREATE, USAGE"),
    ])), @r#"
    [0]: ALTER TABLE "sales"."a" OWNER TO "Owner"
    [1]: ALTER VIEW "sales"."v" OWNER TO "Owner"
    [2]: ALTER MATERIALIZED VIEW "sales"."m" OWNER TO "Owner"
    [3]: ALTER FOREIGN TABLE "sales"."f" OWNER TO "Owner"
    [4]: ALTER SEQUENCE "sales"."s" OWNER TO "Owner"
    [5]: ALTER SCHEMA "sales" OWNER TO "Owner"
    [6]: ALTER DEFAULT PRIVILEGES FOR ROLE "dbt" IN SCHEMA "sales" REVOKE INSERT, SELECT ON TABLES FROM "r"
    [7]: ALTER DEFAULT PRIVILEGES FOR ROLE "dbt" REVOKE USAGE ON SEQUENCES FROM "r"
    [8]: ALTER DEFAULT PRIVILEGES FOR ROLE "dbt" REVOKE EXECUTE ON FUNCTIONS FROM "r"
    [9]: ALTER DEFAULT PRIVILEGES FOR ROLE "dbt" REVOKE USAGE ON TYPES FROM "r"
    [10]: ALTER DEFAULT PRIVILEGES FOR ROLE "dbt" REVOKE CREATE, USAGE ON SCHEMAS FROM "r"
    "#);
}

#[test]
fn what_has_no_statement_is_refused_not_dropped() {
    let signature = |text: &str| {
        let text = text.to_owned();
        Securable::routine(ObjectClass::Function, id("shop"), id("s"), id("f"), text)
    };
    let elsewhere =
        Securable::in_schema(ObjectClass::Table, id("other"), id("sales"), id("orders"));
    let default = Change::RevokeDefault {
        creator: None,
        database: id("shop"),
        schema: None,
        class: ObjectClass::Table,
        role: id("r"),
        privileges: set("SELECT"),
    };
    let lines = [
        grant(Securable::global(ObjectClass::Warehouse, id("w")), "r", "USAGE"),
        grant(elsewhere, "r", "SELECT"),
        grant(Securable::global(ObjectClass::Table, id("t")), "r", "SELECT"),
        grant(table(&"x".repeat(64)), "r", "SELECT"),
        grant(table("t"), "public", "SELECT"),
        Change::Grant { on: table("t"), role: id("r"), privileges: PrivilegeSet::EMPTY },
        grant(signature("integer) TO x; --"), "r", "EXECUTE"),
        grant(signature("\"half"), "r", "EXECUTE"),
        grant(Securable::global(ObjectClass::LargeObject, id("1; x")), "r", "SELECT"),
        Change::CreateRole { role: id("pg_x"), marker: marker() },
        Change::AddMember { role: id("r"), member: id("public"), kind: MemberKind::Role },
        default,
    ]
    .map(refused)
    .join("\n");
    insta::assert_snapshot!(lines, @r#"
    unsupported-object: PostgreSQL knows no statements on w of class warehouse
    other-database: other.sales.orders is in the database "other", but the connection is to "shop": PostgreSQL would take what has that name here
    incomplete-object: t of class table lacks a name
    name-too-long: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" is 64 bytes long in UTF-8; PostgreSQL keeps 63 and cuts the rest silently
    reserved-name: "public" cannot be a role: `public` means everyone in PostgreSQL, even in quotes
    no-privilege: a change without any privilege
    bad-signature: "integer) TO x; --" is not a list of types as the server prints one
    bad-signature: "\"half" is not a list of types as the server prints one
    incomplete-object: a large object is named by its number, not by "1; x"
    reserved-name: "pg_x" cannot be a role: names that begin with `pg_` belong to PostgreSQL itself
    reserved-name: "public" cannot be a role: `public` means everyone in PostgreSQL, even in quotes
    unsupported-change: default privileges for "r" without a creator: in PostgreSQL they belong to the role that creates
    "#);
}

#[test]
fn an_error_in_a_group_names_its_own_change() {
    let changes = [
        grant(table("a"), "r", "SELECT"),
        grant(table("b"), "r", "SELECT"),
        grant(table(&"x".repeat(64)), "r", "SELECT"),
    ];
    let error = of(DialectKind::Postgres).statements(&changes, &Target::default()).unwrap_err();
    assert_eq!((error.code, error.change), ("name-too-long", 2));
}
