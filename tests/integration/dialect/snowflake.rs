//! Random changes → Snowflake statements → `sqlparser`'s Snowflake dialect → the same changes.
//!
//! Its lexer reads every statement, and what it finds is compared word by word. Its parser knows
//! only some of the statements and privileges: it is asked with the plainest privilege of a class,
//! and the forms that it cannot read even so are named in [`UNREAD`]; for those the lexer's word is
//! all there is.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use rolecall::dialect::{self, Target};
use rolecall::model::{
    Change, DialectKind, Ident, Marker, MemberKind, ObjectClass, Privilege, PrivilegeSet, Securable,
};
use sqlparser::ast::Statement;
use sqlparser::dialect::SnowflakeDialect;
use sqlparser::parser::{Parser, ParserOptions};
use sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

use super::changes::{Dialect, change};

use ObjectClass as C;

static CLASSES: LazyLock<Vec<ObjectClass>> = LazyLock::new(|| {
    let of = |class: &ObjectClass| !snowflake().privileges_of(*class).is_empty();
    C::ALL.into_iter().filter(of).collect()
});
static OWNED: LazyLock<Vec<ObjectClass>> = LazyLock::new(|| {
    let of = |class: &&ObjectClass| snowflake().owner_word(**class).is_some();
    CLASSES.iter().filter(of).copied().collect()
});
static FUTURE: LazyLock<Vec<ObjectClass>> = LazyLock::new(|| {
    let of = |class: &&ObjectClass| snowflake().has_futures(**class);
    CLASSES.iter().filter(of).copied().collect()
});

fn snowflake() -> &'static dyn dialect::Dialect {
    dialect::of(DialectKind::Snowflake)
}

static SNOWFLAKE: LazyLock<Dialect> = LazyLock::new(|| Dialect {
    classes: CLASSES.as_slice(),
    owned: OWNED.as_slice(),
    future: FUTURE.as_slice(),
    signatures: &["", "VARCHAR", "VARCHAR, NUMBER(38, 0)"],
    privileges_of: |class| dialect::of(DialectKind::Snowflake).privileges_of(class),
    postgres: false,
});

/// Forms that the parser reads as they are. Of others it reads all but some words, which are named in
/// `snowflake/statements.rs`.
const READ: &[&str] = &[
    "drop",
    "comment",
    "add User",
    "remove Role",
    "grant on database",
    "grant on schema",
    "grant on table",
    "grant on view",
    "grant on warehouse",
    "grant on function",
    "revoke on database",
    "revoke on schema",
    "revoke on table",
    "revoke option on table",
    "own on table",
    "own on schema",
    "revoke future table in schema",
    "revoke future schema in database",
];

/// A form's name: what a change does, and on which class.
fn form(change: &Change) -> String {
    let on = |what: &str, on: &Securable| format!("{what} on {}", on.class());
    match change {
        Change::CreateRole { .. } => "create".into(),
        Change::RenameRole { .. } => "rename".into(),
        Change::AdoptRole { .. } => "comment".into(),
        Change::DropRole { .. } => "drop".into(),
        Change::Grant { on: object, .. } => on("grant", object),
        Change::Revoke { on: object, .. } => on("revoke", object),
        Change::RevokeGrantOption { on: object, .. } => on("revoke option", object),
        Change::AddMember { kind, .. } => format!("add {kind:?}"),
        Change::RemoveMember { kind, .. } => format!("remove {kind:?}"),
        Change::SetOwner { on: object, .. } => on("own", object),
        Change::SetRoleOwner { .. } => "own role".into(),
        Change::GrantDefault { class, schema, .. }
        | Change::RevokeDefault { class, schema, .. } => {
            let place = if schema.is_some() { "schema" } else { "database" };
            let what = match change {
                Change::GrantDefault { .. } => "grant",
                _ => "revoke",
            };
            format!("{what} future {class} in {place}")
        }
        Change::ResetAttributes { .. } | Change::RevokeAdminOption { .. } => "none".into(),
    }
}

/// The tokens as the lexer reads them, quoted names in guillemets, without spaces.
fn tokens(sql: &str) -> Vec<String> {
    let dialect = SnowflakeDialect {};
    let tokens = Tokenizer::new(&dialect, sql).tokenize().unwrap_or_else(|error| {
        panic!("{error} in {sql}");
    });
    let text = |token| match token {
        Token::Whitespace(Whitespace::Space) => None,
        Token::Word(word) if word.quote_style == Some('"') => Some(format!("«{}»", word.value)),
        Token::Word(word) => Some(word.value),
        Token::SingleQuotedString(text) => Some(format!("'{text}'")),
        other => Some(other.to_string()),
    };
    tokens.into_iter().filter_map(text).collect()
}

fn named(name: &Ident) -> String {
    format!("«{name}»")
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Every part of an object's name, as tokens.
fn object(on: &Securable) -> Vec<String> {
    let own = match on.class() {
        C::Database | C::Schema => None,
        _ => on.name(),
    };
    let mut tokens = Vec::new();
    for part in [on.database_name(), on.schema_name(), own].into_iter().flatten() {
        if !tokens.is_empty() {
            tokens.push(".".to_owned());
        }
        tokens.push(named(part));
    }
    if let Some(signature) = on.signature() {
        let spaced = signature.replace(['('], " ( ").replace(')', " ) ").replace(',', " , ");
        tokens.extend(words(&format!("( {spaced} )")));
    }
    tokens
}

/// The words for a class: the class's name is Snowflake's own.
fn class(class: ObjectClass) -> Vec<String> {
    words(&class.as_str().replace('_', " ").to_ascii_uppercase())
}

fn privileges(set: PrivilegeSet) -> Vec<String> {
    words(&set.to_string().replace(',', " , ").replace('.', " . "))
}

/// What the lexer must find of a change.
fn expected(change: &Change) -> Vec<String> {
    let marker = |marker: &Marker| vec![format!("'{}'", marker.to_comment())];
    let kind = |kind: &MemberKind| match kind {
        MemberKind::User => words("USER"),
        MemberKind::Group | MemberKind::Role => words("ROLE"),
    };
    let parts: Vec<Vec<String>> = match change {
        Change::CreateRole { role, marker: m } => {
            vec![words("CREATE ROLE"), vec![named(role)], words("COMMENT ="), marker(m)]
        }
        Change::RenameRole { from, to } => {
            vec![words("ALTER ROLE"), vec![named(from)], words("RENAME TO"), vec![named(to)]]
        }
        Change::AdoptRole { role, marker: m } => {
            vec![words("COMMENT ON ROLE"), vec![named(role)], words("IS"), marker(m)]
        }
        Change::DropRole { role } => vec![words("DROP ROLE"), vec![named(role)]],
        Change::Grant { on, role, privileges: set } => vec![
            words("GRANT"),
            privileges(*set),
            words("ON"),
            class(on.class()),
            object(on),
            words("TO ROLE"),
            vec![named(role)],
        ],
        Change::Revoke { on, role, privileges: set, .. } => vec![
            words("REVOKE"),
            privileges(*set),
            words("ON"),
            class(on.class()),
            object(on),
            words("FROM ROLE"),
            vec![named(role)],
            words("RESTRICT"),
        ],
        Change::RevokeGrantOption { on, role, privileges: set, .. } => vec![
            words("REVOKE GRANT OPTION FOR"),
            privileges(*set),
            words("ON"),
            class(on.class()),
            object(on),
            words("FROM ROLE"),
            vec![named(role)],
            words("RESTRICT"),
        ],
        Change::AddMember { role, member, kind: k } => {
            vec![words("GRANT ROLE"), vec![named(role)], words("TO"), kind(k), vec![named(member)]]
        }
        Change::RemoveMember { role, member, kind: k, .. } => vec![
            words("REVOKE ROLE"),
            vec![named(role)],
            words("FROM"),
            kind(k),
            vec![named(member)],
        ],
        Change::SetOwner { on, to, .. } => vec![
            words("GRANT OWNERSHIP ON"),
            // There is no such statement for a materialized view.
            class(if on.class() == C::MaterializedView { C::View } else { on.class() }),
            object(on),
            words("TO ROLE"),
            vec![named(to)],
            words("COPY CURRENT GRANTS"),
        ],
        Change::SetRoleOwner { role, to, .. } => vec![
            words("GRANT OWNERSHIP ON ROLE"),
            vec![named(role)],
            words("TO ROLE"),
            vec![named(to)],
            words("COPY CURRENT GRANTS"),
        ],
        Change::GrantDefault { database, schema, class: of, role, privileges: set, .. }
        | Change::RevokeDefault { database, schema, class: of, role, privileges: set, .. } => {
            let (verb, side) = match change {
                Change::GrantDefault { .. } => ("GRANT", "TO ROLE"),
                _ => ("REVOKE", "FROM ROLE"),
            };
            let mut plural = class(*of);
            let last = plural.last_mut().unwrap();
            *last = match last.strip_suffix('Y') {
                Some(stem) if !stem.ends_with('A') => format!("{stem}IES"),
                _ => format!("{last}S"),
            };
            let place = match schema {
                Some(schema) => {
                    vec!["IN".into(), "SCHEMA".into(), named(database), ".".into(), named(schema)]
                }
                None => vec!["IN".into(), "DATABASE".into(), named(database)],
            };
            vec![
                words(verb),
                privileges(*set),
                words("ON FUTURE"),
                plural,
                place,
                words(side),
                vec![named(role)],
            ]
        }
        Change::ResetAttributes { .. } | Change::RevokeAdminOption { .. } => vec![],
    };
    parts.concat()
}

/// The same change with the plainest privilege of its class.
fn plain(change: &Change) -> Change {
    let plainest = |all: PrivilegeSet| {
        let known = [Privilege::SELECT, Privilege::USAGE];
        let known = known.into_iter().find(|privilege| all.contains(*privilege));
        known.map_or(all, |privilege| PrivilegeSet::of(&[privilege]))
    };
    let mut change = change.clone();
    match &mut change {
        Change::Grant { on, privileges, .. }
        | Change::Revoke { on, privileges, .. }
        | Change::RevokeGrantOption { on, privileges, .. } => {
            *privileges = plainest((SNOWFLAKE.privileges_of)(on.class()));
        }
        Change::GrantDefault { class, privileges, .. }
        | Change::RevokeDefault { class, privileges, .. } => {
            *privileges = plainest((SNOWFLAKE.privileges_of)(*class));
        }
        _ => {}
    }
    change
}

fn statement(change: &Change) -> String {
    let target = Target::default();
    let statements = dialect::of(DialectKind::Snowflake)
        .statements(std::slice::from_ref(change), &target)
        .unwrap();
    let [statement] = statements.as_slice() else { panic!("{statements:?}") };
    statement.sql.clone()
}

fn names(tokens: Vec<String>) -> Vec<String> {
    tokens.into_iter().filter(|token| token.starts_with('«')).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn the_lexer_and_the_parser_read_the_change_it_was_made_from(change in change(&SNOWFLAKE)) {
        let sql = statement(&change);
        let read = tokens(&sql);
        prop_assert_eq!(&read, &expected(&change), "{}", sql);
        let sql = statement(&plain(&change));
        let read = tokens(&sql);
        // With escapes left as they are: its own output of a name that holds `""` is wrong.
        let raw = ParserOptions::new().with_unescape(false);
        let parsed = Parser::new(&SnowflakeDialect {}).with_options(raw).try_with_sql(&sql);
        let parsed = parsed.and_then(|mut parser| parser.parse_statements());
        let Ok(parsed) = parsed else {
            prop_assert!(!READ.contains(&form(&change).as_str()), "{:?}: {}", parsed, sql);
            prop_assert_eq!(crate::snowflake::statements::read_by_sqlparser(&sql), Ok(()));
            return Ok(());
        };
        prop_assert_eq!(parsed.len(), 1);
        let kind = match &parsed[0] {
            Statement::Grant(_) => "GRANT",
            Statement::Revoke(_) => "REVOKE",
            Statement::CreateRole(_) => "CREATE",
            Statement::AlterRole { .. } => "ALTER",
            Statement::Comment { .. } => "COMMENT",
            Statement::Drop { .. } => "DROP",
            _ => "other",
        };
        prop_assert_eq!(kind, &read[0]);
        // Whatever it understood, it has the same names in the same order.
        prop_assert_eq!(names(tokens(&parsed[0].to_string())), names(read));
    }
}

#[test]
fn the_forms_that_the_parser_reads_are_among_the_changes() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let changes = prop::collection::vec(change(&SNOWFLAKE), 20_000);
    let changes = changes.new_tree(&mut runner).unwrap().current();
    let made: BTreeSet<String> = changes.iter().map(form).collect();
    let lacks: Vec<_> = READ.iter().filter(|form| !made.contains(**form)).collect();
    assert!(lacks.is_empty(), "{lacks:?}");
}

#[test]
fn whatever_the_change_two_parsers_read_its_statement() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let changes = prop::collection::vec(change(&SNOWFLAKE), 2_000);
    let changes = changes.new_tree(&mut runner).unwrap().current();
    crate::snowflake::statements::are_read_by_others(&changes.iter().map(statement).collect());
}
