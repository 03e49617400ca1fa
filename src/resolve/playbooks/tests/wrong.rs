//! What is wrong with a playbook, and what is only left alone.

use super::{Given, id, of};
use crate::model::{DesiredState, ObjectClass, Securable, StageKind};

/// What is said of one grant, which stands in line 12.
fn grant(text: &str) -> Vec<String> {
    let config = format!("roles:\n  r:\n    name: r\n    grants:\n      - {{{text}}}\n");
    let there = ["table DB.A.T", "view DB.A.V", "warehouse WH", "database DB", "stage DB.A.S"];
    Given::snowflake(&config).there(&there).codes()
}

#[test]
fn a_grant_names_what_it_is_on_as_its_kind_needs_it() {
    for (text, code) in [
        ("object-type: table, privileges: [select]", "names-nothing"),
        ("object-type: schema, privileges: [usage]", "names-nothing"),
        (
            "object-type: table, object-name: \"\", database-name: ~, privileges: [select]",
            "names-nothing",
        ),
        ("object-type: table, schema-name: a, object-name: t, privileges: [select]", "missing-key"),
        ("object-type: table, database-name: db, privileges: [select]", "missing-key"),
        (
            "object-type: table, database-name: db, schema-name: a, privileges: [select]",
            "missing-key",
        ),
        (
            "object-type: table, database-name: db, object-name: t, privileges: [select]",
            "missing-key",
        ),
        ("object-type: schema, database-name: db, privileges: [usage]", "missing-key"),
        ("object-type: schema, schema-name: a, privileges: [usage]", "missing-key"),
        (
            "object-type: table, database-name: \"*\", object-name: \"*\", privileges: [select]",
            "no-wildcard",
        ),
        ("object-type: database, object-name: \"*\", privileges: [usage]", "no-wildcard"),
        ("object-type: warehouse, object-name: \"*\", privileges: [usage]", "no-wildcard"),
        ("object-type: account, object-name: \"*\", privileges: [monitor usage]", "no-wildcard"),
        ("object-type: role, object-name: \"*\", privileges: [usage]", "no-wildcard"),
        (
            "object-type: warehouse, object-name: wh, schema-name: a, privileges: [usage]",
            "useless-name",
        ),
        (
            "object-type: database, object-name: db, database-name: other, privileges: [usage]",
            "useless-name",
        ),
        (
            "object-type: table, database-name: db, schema-name: a, object-name: fct_*, privileges: [select]",
            "partial-wildcard",
        ),
        (
            "object-type: tabel, database-name: db, schema-name: a, object-name: t, privileges: [select]",
            "unknown-object-type",
        ),
        ("object-type: language, object-name: sql, privileges: [usage]", "unknown-object-type"),
        (
            "object-type: table, database-name: db, schema-name: a, object-name: t, privileges: []",
            "missing-key",
        ),
        (
            "object-type: table, database-name: db, schema-name: a, object-name: t, privileges: select",
            "wrong-type",
        ),
        (
            "object-type: table, database-name: db, schema-name: a, object-name: t, privileges: [slect]",
            "no-such-privilege",
        ),
        (
            "object-type: table, database-name: db, schema-name: a, object-name: t, privileges: [usage]",
            "no-such-privilege",
        ),
        ("object-type: account, privileges: [ownership]", "no-such-privilege"),
        (
            "object-type: table, database-name: db, schema-name: rolecall, object-name: receipts, privileges: [insert]",
            "reserved-name",
        ),
        ("object-type: role, object-name: x, privileges: [select]", "no-such-privilege"),
        (
            "object-type: table, database-name: db, schema-name: a, object-name: v, privileges: [insert]",
            "no-such-privilege",
        ),
        (
            "object-type: stage, database-name: db, schema-name: a, object-name: s, privileges: [all]",
            "all-of-a-stage",
        ),
        (
            "object-type: stage, database-name: db, schema-name: a, object-name: s, privileges: [write]",
            "write-needs-read",
        ),
        (
            "object-type: table, database-name: db, schema-name: a, object-name: gone, privileges: [select]",
            "missing-object",
        ),
        ("object-type: warehouse, object-name: gone, privileges: [usage]", "missing-object"),
        (
            "object-type: table, database-name: db, schema-name: a, object-name: t, privilege: [select]",
            "unknown-key",
        ),
    ] {
        let codes = grant(text);
        assert!(codes.contains(&format!("{code} 12")), "{text}: {codes:?}");
    }
}

/// What a role gets, without what is left alone.
fn gives(desired: &DesiredState, role: &str) -> Vec<String> {
    of(desired, role).into_iter().filter(|line| !line.starts_with("leaves")).collect()
}

/// What is said of a grant on PostgreSQL, and what it gives.
fn on_postgres(grant: &str) -> (Vec<String>, Vec<String>) {
    let config = format!("roles:\n  r:\n    name: r\n    grants:\n      - {{{grant}}}\n");
    let there = [
        "table db.pg_catalog.pg_authid",
        "view db.information_schema.tables",
        "table db.a.t",
        "schema db.pg_catalog",
    ];
    let given = Given::postgres(&config).there(&there).connected_to("db");
    let (resolved, found) = given.resolve();
    let gives = resolved.filter(|_| !found.has_errors()).map(|it| gives(&it.desired, "r"));
    (given.codes(), gives.unwrap_or_default())
}

#[test]
fn no_star_stands_for_what_is_the_server_s_own() {
    let named = |schema: &str, object: &str| {
        on_postgres(&format!(
            "object-type: table, database-name: db, schema-name: {schema}, object-name: {object}, include-future: false, privileges: [select]"
        ))
    };
    let (none, one) = (Vec::<String>::new(), "SELECT on table db.a.t".to_owned());
    assert_eq!(named("'*'", "'*'"), (none.clone(), vec![one]));
    for schema in ["pg_catalog", "information_schema", "PG_CATALOG"] {
        assert_eq!(named(schema, "'*'"), (vec!["system-schema 12".to_owned()], none.clone()));
    }
    let authid = "SELECT on table db.pg_catalog.pg_authid".to_owned();
    assert_eq!(
        named("pg_catalog", "pg_authid"),
        (vec!["~system-schema 12".to_owned()], vec![authid])
    );
    let schema =
        "object-type: schema, database-name: db, schema-name: pg_catalog, privileges: [create]";
    assert_eq!(on_postgres(schema).0, ["~system-schema 12"]);
    for object in ["'*'", "t"] {
        let codes = grant(&format!(
            "object-type: table, database-name: db, schema-name: information_schema, object-name: {object}, privileges: [select]"
        ));
        assert_eq!(codes, ["system-schema 12"], "{object}");
    }
}

/// What `all` and the rest give on two stages, of which one is a bucket's.
fn on_stages(privileges: &str, object: &str) -> (Vec<String>, Vec<String>) {
    let config = format!(
        "roles:\n  r:\n    name: r\n    grants:\n      - {{object-type: stage, database-name: db, schema-name: a, object-name: {object}, include-future: false, privileges: [{privileges}]}}\n"
    );
    let mut given = Given::snowflake(&config).there(&[
        "stage DB.A.INSIDE",
        "stage DB.A.BUCKET",
        "stage DB.A.ODD",
    ]);
    for (name, kind) in [("INSIDE", StageKind::Internal), ("BUCKET", StageKind::External)] {
        let on = Securable::in_schema(ObjectClass::Stage, id("DB"), id("A"), id(name));
        given.inventory.stages.insert(on, kind);
    }
    let (resolved, found) = given.resolve();
    let gives = resolved.filter(|_| !found.has_errors()).map(|it| gives(&it.desired, "R"));
    (given.says(), gives.unwrap_or_default())
}

#[test]
fn all_of_a_stage_is_what_its_kind_has() {
    let (none, given) = (Vec::<String>::new(), |what: &str| vec![what.to_owned()]);
    assert_eq!(
        on_stages("all", "inside"),
        (none.clone(), given("READ, WRITE on stage DB.A.INSIDE"))
    );
    assert_eq!(on_stages("all", "bucket"), (none.clone(), given("USAGE on stage DB.A.BUCKET")));
    let (odd, _) = on_stages("all", "odd");
    assert!(odd[0].starts_with("all-of-a-stage 12: the warehouse does not say whether DB.A.ODD"));
    assert_eq!(on_stages("all", "'*'").0, odd);
    let (said, _) = on_stages("usage", "inside");
    assert_eq!(
        said,
        [
            "no-such-privilege 12: DB.A.INSIDE is an internal stage in the warehouse, which has no USAGE"
        ]
    );
    assert_eq!(on_stages("read", "bucket").0.len(), 1);
    // A `*` gives each what it has.
    assert_eq!(on_stages("read", "'*'").1, ["READ on stage DB.A.INSIDE", "READ on stage DB.A.ODD"]);
}

#[test]
fn a_number_for_a_name_is_suggested_as_it_is_written() {
    for (written, shown) in [("1e3", "1e3"), ("0x1F", "0x1F"), ("-007", "-007"), ("1_000", "1_000")]
    {
        let given = Given::postgres(&format!("roles:\n  r: {{name: {written}}}\n"));
        let (_, found) = given.resolve();
        let help = found.sorted().iter().filter_map(|one| one.help.clone()).collect::<String>();
        let text = help.is_empty() && given.codes().is_empty();
        assert!(
            text || help.contains(&format!("\"{shown}\"")),
            "{written}: {help} {:?}",
            given.says()
        );
    }
}

#[test]
fn what_is_no_list_of_privileges_is_said_kindly() {
    let says = |privileges: &str| {
        let config = format!(
            "roles:\n  r:\n    name: r\n    grants:\n      - {{object-type: warehouse, object-name: wh, privileges: {privileges}}}\n"
        );
        let (_, found) = Given::snowflake(&config).there(&["warehouse WH"]).resolve();
        let found = found.sorted();
        assert_eq!(found.len(), 1, "{found:#?}");
        format!("{}; {}", found[0].message, found[0].help.clone().unwrap_or_default())
    };
    assert_eq!(
        says("['']"),
        "an entry of `privileges` is empty; write select, usage or their like"
    );
    assert!(says("[7]").starts_with("an entry of `privileges` must be text, not the number 7"));
    assert!(says("['usage, monitor']").contains("; write each privilege as an entry of its own"));
    let list = Given::snowflake("roles: [{name: a}]\n");
    assert_eq!(list.says(), ["wrong-type 8: `roles` must be a map of ids and roles, not a list"]);
    let nothing = Given::snowflake("role-owner: ''\nroles: {r: {name: r, grants: ~, enable: ~}}\n");
    assert_eq!(nothing.codes(), Vec::<String>::new());
}

#[test]
fn a_privilege_that_a_kind_does_not_have_is_refused_with_those_that_it_has() {
    let config = "roles:\n  r:\n    name: r\n    grants:\n      - object-type: view\n        database-name: db\n        schema-name: a\n        object-name: v\n        privileges:\n          - select\n          - insret\n";
    let given = Given::snowflake(config).there(&["view DB.A.V"]);
    let (_, found) = given.resolve();
    let found = found.sorted();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].place.as_ref().unwrap().line, Some(18));
    assert!(found[0].help.as_ref().unwrap().contains("REFERENCES, SELECT"), "{found:#?}");
}

#[test]
fn what_nobody_here_can_grant_is_named_and_left_alone() {
    let config = r#"roles:
  r:
    name: r
    grants:
      - {object-type: directory table, database-name: db, schema-name: a, object-name: x, privileges: [usage]}
      - {object-type: Listing, database-name: db, object-name: "*", privileges: [select]}
      - {object-type: database, object-name: shared, privileges: [imported privileges]}
      - {object-type: schema, database-name: db, schema-name: a, privileges: [usage, create quantum circuit]}
"#;
    let given = Given::snowflake(config).there(&["database SHARED", "schema DB.A"]);
    assert_eq!(
        of(&given.desired(), "R"),
        ["USAGE on schema DB.A", "leaves IMPORTED PRIVILEGES, USAGE on database SHARED"]
    );
    let codes = given.codes();
    assert_eq!(codes.len(), 4, "{codes:?}");
    assert!(codes.iter().all(|code| code.starts_with("~unsupported-grant")), "{codes:?}");
}

#[test]
fn what_is_missing_stops_everything_until_it_is_skipped() {
    let config = "roles:\n  r:\n    name: r\n    grants:\n      - {object-type: table, database-name: db, schema-name: a, object-name: gone, privileges: [select]}\n      - {object-type: warehouse, object-name: wh, privileges: [usage]}\n";
    let given = Given::snowflake(config).there(&["warehouse WH"]);
    assert_eq!(given.codes(), ["missing-object 12"]);
    let skipped = given.skipping();
    assert_eq!(skipped.codes(), ["~missing-object 12"]);
    assert_eq!(of(&skipped.desired(), "R"), ["USAGE on warehouse WH"]);
}

#[test]
fn one_id_is_one_role_in_all_files() {
    let given = Given::snowflake("roles: {r: {name: a}}\n")
        .file("books/one.yml", "roles: {r: {name: b}}\n")
        .file("books/two.yaml", "roles: {q: {name: c}}\n")
        .file("books/three.yml", "roles: {q: {name: d}, q2: {}}\n");
    let says = given.says();
    let twice: Vec<&String> = says.iter().filter(|s| s.starts_with("said-twice")).collect();
    assert_eq!(twice.len(), 2, "{says:?}");
    assert!(says.iter().any(|s| s.starts_with("missing-key")), "{says:?}");
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let config = r#"roles:
  a: {name: a, grants: [{object-type: tabel, privileges: [select]}]}
  b: {nmae: b}
  c: {name: c, create: perhaps, grants: [{object-type: table, privileges: [select]}]}
"#;
    let codes = Given::snowflake(config).codes();
    assert_eq!(
        codes,
        [
            "unknown-object-type 9",
            "missing-key 10",
            "unknown-key 10",
            "wrong-type 11",
            "names-nothing 11"
        ]
    );
}

#[test]
fn thousands_of_roles_are_one_file() {
    let mut text = String::from("roles:\n");
    for at in 0..5_000 {
        text.push_str(&format!(
            "  role-{at}:\n    name: role_{at}\n    grants:\n      - object-type: database\n        object-name: db\n        privileges:\n          - usage\n      - object-type: warehouse\n        object-name: wh\n        privileges:\n          - usage\n"
        ));
    }
    let given = Given::snowflake(&text).there(&["database DB", "warehouse WH"]);
    let desired = given.desired();
    assert_eq!(desired.grants.len(), 10_000);
    assert_eq!(desired.roles.len(), 5_001);
}
