//! Names, and what the words of a declaration mean.

use super::super::{of, privileges_markdown};
use crate::model::{DialectKind, Ident, IdentError, ObjectClass, Privilege};

fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

#[test]
fn a_bare_name_is_folded_in_ascii_only() {
    let fold = |text| of(DialectKind::Postgres).fold(text).unwrap().as_str().to_owned();
    assert_eq!(fold("Sales"), "sales");
    assert_eq!(fold("_A$1"), "_a$1");
    // Beyond ASCII every character counts as a letter, and keeps its case.
    assert_eq!(fold("ÄRGER_Ünï"), "Ärger_Ünï");
    // A reserved word folds like any name.
    assert_eq!(fold("Order"), "order");
}

#[test]
fn a_name_that_needs_quotes_is_exact() {
    let fold = |text| of(DialectKind::Postgres).fold(text).unwrap().as_str().to_owned();
    for name in ["AD Sales", "a.B", "1A", "$A", "A-B", "Jane@acme.example", "A\"b", "A'b", "A;--"] {
        assert_eq!(fold(name), name);
    }
}

#[test]
fn a_quoted_name_is_exact_with_its_inner_quotes_undone() {
    let fold = |text| of(DialectKind::Postgres).fold(text);
    assert_eq!(fold("\"Exact\"").unwrap().as_str(), "Exact");
    assert_eq!(fold("\"a\"\"B\"").unwrap().as_str(), "a\"B");
    assert_eq!(fold("\"\"\"\"").unwrap().as_str(), "\"");
    assert_eq!(fold("\"\""), Err(IdentError::Empty));
    assert_eq!(fold(""), Err(IdentError::Empty));
    assert!(matches!(fold("a\0"), Err(IdentError::Nul(_))));
    for broken in ["\"", "\"a", "\"a\"b\"", "\"a\".\"b\"", "\"\"\""] {
        assert_eq!(fold(broken), Err(IdentError::Quotes(broken.into())), "{broken}");
    }
}

#[test]
fn a_name_is_counted_in_bytes() {
    let longest = |name: String| of(DialectKind::Postgres).longest_name(&id(&name));
    assert_eq!(longest("a".repeat(63)), Ok(()));
    assert_eq!(longest("é".repeat(31)), Ok(()));
    insta::assert_snapshot!(longest("é".repeat(32)).unwrap_err(), @r#""éééééééééééééééééééééééééééééééé" is 64 bytes long in UTF-8; PostgreSQL keeps 63 and cuts the rest silently"#);
}

#[test]
fn names_of_the_server_are_reserved_to_the_letter() {
    let reserved = |name| of(DialectKind::Postgres).reserved(&id(name));
    for name in ["public", "none", "pg_monitor", "pg_"] {
        assert!(reserved(name).is_some(), "{name}");
    }
    for name in ["PUBLIC", "PG_ANALYSTS", "pgadmin", "current_user", "sales"] {
        assert_eq!(reserved(name), None, "{name}");
    }
}

#[test]
fn every_privilege_of_the_table_is_known() {
    for row in super::table::ROWS {
        for name in row.all.iter().chain(row.data).chain(row.write) {
            assert!(Privilege::parse(name).is_some(), "{name}");
        }
        let dialect = of(DialectKind::Postgres);
        let all = dialect.privileges_of(row.class);
        assert_eq!(all.len(), row.all.len());
        assert!(all.contains_all(dialect.data_privileges_of(row.class)));
        assert!(all.contains_all(dialect.write_on(row.class)));
        assert!(all.contains_all(dialect.read_on(row.class)));
    }
}

#[test]
fn a_materialisation_that_nobody_knows_is_a_table() {
    let class = |materialized| of(DialectKind::Postgres).class_of(materialized);
    for materialized in ["table", "incremental", "seed", "snapshot", "my_own"] {
        assert_eq!(class(materialized), ObjectClass::Table);
    }
    assert_eq!(class("view"), ObjectClass::View);
    assert_eq!(class("materialized_view"), ObjectClass::MaterializedView);
    // Nothing is promised that another warehouse's classes do not have: no writing.
    assert!(of(DialectKind::Postgres).write_on(class("dynamic_table")).is_empty());
}

#[test]
fn the_table_for_people_is_written_from_the_same_data() {
    insta::assert_snapshot!(privileges_markdown(DialectKind::Postgres), @r#"
    Every grant comes with CONNECT on the database and USAGE on the schema.

    | class | privileges | `read` | `write` | `admin` |
    |---|---|---|---|---|
    | `database` | CONNECT, CREATE, TEMPORARY | – | – | – |
    | `schema` | CREATE, USAGE | – | – | – |
    | `table` | DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE | SELECT | DELETE, INSERT, TRUNCATE, UPDATE | DELETE, INSERT, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE |
    | `view` | DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE | SELECT | – | DELETE, INSERT, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE |
    | `materialized_view` | DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE | SELECT | – | DELETE, INSERT, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE |
    | `foreign_table` | DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE | SELECT | DELETE, INSERT, UPDATE | DELETE, INSERT, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE |
    | `column` | INSERT, REFERENCES, SELECT, UPDATE | – | – | – |
    | `sequence` | SELECT, UPDATE, USAGE | – | – | – |
    | `function` | EXECUTE | – | – | – |
    | `procedure` | EXECUTE | – | – | – |
    | `type` | USAGE | – | – | – |
    | `language` | USAGE | – | – | – |
    | `foreign_data_wrapper` | USAGE | – | – | – |
    | `foreign_server` | USAGE | – | – | – |
    | `tablespace` | CREATE | – | – | – |
    | `large_object` | SELECT, UPDATE | – | – | – |
    | `parameter` | ALTER SYSTEM, SET | – | – | – |
    "#);
}
