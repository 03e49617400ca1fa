//! What is wrong with a playbook, and what is only left alone.

use super::{Given, of};

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
