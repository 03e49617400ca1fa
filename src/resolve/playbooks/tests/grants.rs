//! What a playbook gives.

use super::{Given, id, of};
use crate::model::{ObjectClass, ObservedObject, Securable};

const WILD: &str = r#"roles:
  engineer:
    name: engineer
    grants:
      - object-type: schema
        database-name: db
        schema-name: "*"
        privileges: [usage]
      - object-type: table
        database-name: db
        schema-name: "*"
        object-name: "*"
        privileges: [select, Insert]
"#;

#[test]
fn a_wildcard_is_one_grant_for_each_object_and_one_for_those_to_come() {
    let there = [
        "table DB.A.T",
        "view DB.A.V",
        "table DB.B.T",
        "table OTHER.A.T",
        "schema DB.INFORMATION_SCHEMA",
        "table DB.ROLECALL.RECEIPTS",
    ];
    let given = Given::snowflake(WILD).there(&there);
    assert_eq!(
        of(&given.desired(), "ENGINEER"),
        [
            "USAGE on schema DB.A",
            "USAGE on schema DB.B",
            "INSERT, SELECT on table DB.A.T",
            "INSERT, SELECT on table DB.B.T",
            "USAGE on future schema in DB",
            "INSERT, SELECT on future table in DB",
        ]
    );
    let more = given.there(&["table DB.B.NEW"]);
    assert!(
        of(&more.desired(), "ENGINEER").contains(&"INSERT, SELECT on table DB.B.NEW".to_owned())
    );
}

#[test]
fn postgresql_s_tables_are_all_relations_as_in_its_default_privileges() {
    let there =
        ["table db.a.t", "view db.a.v", "schema db.pg_toast", "schema db.information_schema"];
    let given = Given::postgres(WILD).there(&there).connected_to("db");
    assert_eq!(
        of(&given.desired(), "engineer"),
        [
            "USAGE on schema db.a",
            "INSERT, SELECT on table db.a.t",
            "INSERT, SELECT on view db.a.v",
            "USAGE on future schema in db",
            "INSERT, SELECT on future table in db",
        ]
    );
}

#[test]
fn without_a_warehouse_a_wildcard_is_what_the_manifest_names_and_says_so() {
    let given = Given::snowflake(WILD);
    assert_eq!(
        of(&given.desired(), "ENGINEER"),
        [
            "USAGE on schema DB.RAW",
            "USAGE on schema DB.SALES",
            "INSERT, SELECT on table DB.RAW.LANDING",
            "INSERT, SELECT on table DB.SALES.ORDERS",
            "USAGE on future schema in DB",
            "INSERT, SELECT on future table in DB",
        ]
    );
    assert_eq!(given.codes(), ["~not-expanded 12"]);
}

fn flags(all: bool, future: bool) -> Vec<String> {
    let config = format!(
        "roles:\n  r:\n    name: r\n    grants:\n      - {{object-type: table, database-name: db, schema-name: a, object-name: \"*\", include-all: {all}, include-future: {future}, privileges: [select]}}\n"
    );
    of(&Given::snowflake(&config).there(&["table DB.A.T"]).desired(), "R")
}

#[test]
fn what_is_there_and_what_is_to_come_are_apart_and_the_other_is_left_alone() {
    assert_eq!(flags(true, true), ["SELECT on table DB.A.T", "SELECT on future table in DB.A"]);
    assert_eq!(
        flags(false, true),
        ["SELECT on future table in DB.A", "leaves SELECT on table DB.A.T"]
    );
    assert_eq!(
        flags(true, false),
        ["SELECT on table DB.A.T", "leaves SELECT on future table in DB.A"]
    );
    assert_eq!(
        flags(false, false),
        ["leaves SELECT on table DB.A.T", "leaves SELECT on future table in DB.A"]
    );
}

#[test]
fn only_a_star_by_itself_is_a_wildcard_and_one_in_quotes_is_a_name() {
    let config = |name: &str| {
        format!(
            "roles:\n  r:\n    name: r\n    grants:\n      - {{object-type: table, database-name: db, schema-name: a, object-name: '{name}', privileges: [select]}}\n"
        )
    };
    let exact = Given::snowflake(&config("\"*\"")).there(&["table DB.A.*", "table DB.A.T"]);
    assert_eq!(of(&exact.desired(), "R"), ["SELECT on table DB.A.*"]);
    assert_eq!(Given::snowflake(&config("fct_*")).codes(), ["partial-wildcard 12"]);
    let quoted = Given::snowflake(&config("\"fct_*\"")).there(&["table DB.A.fct_*"]);
    assert_eq!(of(&quoted.desired(), "R"), ["SELECT on table DB.A.fct_*"]);
}

#[test]
fn a_star_for_the_schema_and_a_name_is_that_name_in_every_schema() {
    let config = "roles:\n  r:\n    name: r\n    grants:\n      - {object-type: table, database-name: db, schema-name: '*', object-name: t, privileges: [select]}\n";
    let given = Given::snowflake(config).there(&["table DB.A.T", "table DB.B.T", "table DB.B.U"]);
    assert_eq!(of(&given.desired(), "R"), ["SELECT on table DB.A.T", "SELECT on table DB.B.T"]);
    assert_eq!(given.codes(), ["~not-ahead 12"]);
}

#[test]
fn all_is_what_the_class_has_and_the_server_knows() {
    let config = "roles:\n  r:\n    name: r\n    grants:\n      - {object-type: table, database-name: db, schema-name: a, object-name: t, privileges: [All  Privileges]}\n";
    let mut given = Given::postgres(config).there(&["table db.a.t"]).connected_to("db");
    let data = "DELETE, INSERT, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE";
    assert_eq!(of(&given.desired(), "r"), [format!("{data} on table db.a.t")]);
    given.inventory.version = 170_001;
    let data = data.replace("INSERT,", "INSERT, MAINTAIN,");
    assert_eq!(of(&given.desired(), "r"), [format!("{data} on table db.a.t")]);
    let snowflake = Given::snowflake(config).there(&["table DB.A.T"]).desired();
    let grants = of(&snowflake, "R");
    assert!(grants[0].contains("EVOLVE SCHEMA") && !grants[0].contains("OWNERSHIP"), "{grants:?}");
}

#[test]
fn a_switched_off_grant_or_role_is_left_alone() {
    let config = r#"roles:
  off: {name: off, enable: false, grants: [{object-type: warehouse, object-name: wh, privileges: [usage]}]}
  on:
    name: on_it
    grants:
      - {object-type: warehouse, object-name: wh, enable: false, privileges: [usage, ownership]}
      - {object-type: warehouse, object-name: wh, privileges: [monitor]}
      - {object-type: role, object-name: sso, enable: false, privileges: [usage]}
"#;
    let desired = Given::snowflake(config).there(&["warehouse WH"]).desired();
    assert!(desired.disabled.contains_key(&id("OFF")) && !desired.roles.contains_key(&id("OFF")));
    assert_eq!(of(&desired, "OFF"), Vec::<String>::new());
    assert_eq!(
        of(&desired, "ON_IT"),
        ["MONITOR on warehouse WH", "leaves OWNERSHIP, USAGE on warehouse WH"]
    );
    assert!(desired.known_memberships.contains(&(id("SSO"), id("ON_IT"))));
}

#[test]
fn a_role_s_own_owner_goes_before_that_of_its_playbook() {
    let config = "role-owner: SECURITYADMIN\nroles:\n  a: {name: a}\n  b: {name: b, role-owner: '\"Own\"', create: false, revoke-other-grants: false}\n";
    let given = Given::snowflake(config)
        .file("books/one.yml", "role-owner: boss\nroles: {c: {name: c}}\n")
        .file("books/two.yml", "roles: {d: {name: d}}\n");
    let desired = given.desired();
    let owner = |role: &str| desired.roles[&id(role)].manner.owner.clone().map(|o| o.to_string());
    assert_eq!(owner("A").as_deref(), Some("SECURITYADMIN"));
    assert_eq!(owner("B").as_deref(), Some("Own"));
    assert_eq!(owner("C").as_deref(), Some("BOSS"));
    assert_eq!(owner("D").as_deref(), Some("BOSS"));
    let manner = &desired.roles[&id("B")].manner;
    assert!(!manner.create && !manner.revoke_other_grants && !manner.declares_members);
    assert!(desired.roles[&id("A")].manner.create);
    let postgres = Given::postgres(config);
    assert_eq!(postgres.desired().roles[&id("a")].manner.owner, None);
    assert_eq!(postgres.codes(), ["~no-role-owner 8"]);
}

#[test]
fn the_way_into_a_database_is_connect_on_postgresql() {
    let config = "roles:\n  r:\n    name: r\n    grants:\n      - {object-type: database, object-name: db, privileges: [usage]}\n      - {object-type: database, database-name: elsewhere, privileges: [usage]}\n      - {object-type: schema, database-name: elsewhere, schema-name: s, privileges: [usage]}\n";
    let given = Given::postgres(config).there(&["database db"]).connected_to("db");
    assert_eq!(of(&given.desired(), "r"), ["CONNECT on database db"]);
    assert_eq!(given.codes(), ["~other-database 13"]);
}

#[test]
fn every_level_is_named_by_its_own_fields() {
    let config = r#"roles:
  r:
    name: '"Exact Role"'
    grants:
      - {object-type: account, privileges: [monitor usage]}
      - {object-type: ACCOUNT, object-name: XY12345, privileges: ["CREATE DATABASE"]}
      - {object-type: Warehouse, object-name: '"wh"', privileges: [USAGE]}
      - {object-type: schema, database-name: db, object-name: a, privileges: [create table]}
      - {object-type: file format, database-name: db, schema-name: a, object-name: f, privileges: [usage]}
      - {object-type: function, database-name: db, schema-name: a, object-name: "f(string, int)", privileges: [usage]}
      - {object-type: function, database-name: db, schema-name: a, object-name: g, privileges: [usage]}
"#;
    let there = [
        "warehouse wh",
        "file_format DB.A.F",
        "function DB.A.F(VARCHAR, NUMBER)",
        "function DB.A.F(NUMBER)",
        "function DB.A.G()",
    ];
    let given = Given::snowflake(config).there(&there);
    assert_eq!(
        of(&given.desired(), "Exact Role"),
        [
            "CREATE DATABASE, MONITOR USAGE on account the account",
            "CREATE TABLE on schema DB.A",
            "USAGE on function DB.A.F(VARCHAR, NUMBER)",
            "USAGE on function DB.A.G()",
            "USAGE on warehouse wh",
            "USAGE on file_format DB.A.F",
        ]
    );
}

#[test]
fn who_has_a_whole_database_to_come_has_it_beside_those_who_have_one_schema() {
    let config = r#"roles:
  all: {name: everywhere, grants: [{object-type: table, database-name: db, object-name: "*", include-all: false, privileges: [select]}]}
  one: {name: in_one, grants: [{object-type: table, database-name: db, schema-name: a, object-name: "*", include-all: false, privileges: [insert]}]}
"#;
    let futures = |given: Given, role: &str| -> Vec<String> {
        of(&given.desired(), role).into_iter().filter(|line| line.contains("future")).collect()
    };
    assert_eq!(
        futures(Given::snowflake(config), "EVERYWHERE"),
        ["SELECT on future table in DB", "SELECT on future table in DB.A"]
    );
    let postgres = || Given::postgres(config).there(&["table db.a.t"]);
    assert_eq!(futures(postgres(), "everywhere"), ["SELECT on future table in db"]);
    // Nobody knows who will apply: then there is nothing whose default privileges they could be.
    assert_eq!(futures(Given::postgres(config), "everywhere"), Vec::<String>::new());
    let creators: Vec<_> =
        postgres().desired().futures.into_keys().filter_map(|future| future.creator).collect();
    assert_eq!(creators, [id("admin"), id("admin")]);
}

#[test]
fn a_kind_that_is_some_of_another_is_granted_on_by_its_name_alone() {
    let config = r#"roles:
  r:
    name: r
    grants:
      - {object-type: hybrid table, database-name: db, schema-name: a, object-name: h, privileges: [all]}
      - {object-type: hybrid table, database-name: db, schema-name: a, object-name: "*", privileges: [insert]}
      - {object-type: data metric function, database-name: db, schema-name: a, object-name: "f(table(int))", privileges: [usage]}
      - {object-type: streamlit, database-name: db, schema-name: a, object-name: "*", privileges: [ownership]}
"#;
    let there = ["table DB.A.H", "table DB.A.T", "streamlit DB.A.S"];
    let mut given = Given::snowflake(config).there(&there);
    given.inventory.hybrid.insert((id("DB"), id("A"), id("H")));
    let f = Securable::routine(
        ObjectClass::Function,
        id("DB"),
        id("A"),
        id("F"),
        "TABLE(NUMBER)".to_owned(),
    );
    given.inventory.objects.insert(f, ObservedObject { owner: None });
    assert_eq!(
        of(&given.desired(), "R"),
        [
            "APPLYBUDGET, DELETE, INSERT, REFERENCES, SELECT, TRUNCATE, UPDATE on table DB.A.H",
            "USAGE on function DB.A.F(TABLE(NUMBER))",
        ]
    );
    let mut codes = given.codes();
    codes.sort();
    assert_eq!(codes.len(), 3, "{codes:?}");
    assert!(codes[0].starts_with("~not-ahead") && codes[1].starts_with("~unsupported-grant"));
}
