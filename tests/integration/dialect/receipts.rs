//! Random receipts → Snowflake statements → `sqlparser`'s Snowflake dialect → the same receipts.

use proptest::prelude::*;
use rolecall::dialect::{ReceiptRow, ReceiptTable};
use rolecall::model::Ident;
use sqlparser::ast::Statement;
use sqlparser::dialect::SnowflakeDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

/// The one statement that it is.
fn parsed(sql: &str) -> Statement {
    let mut statements = Parser::parse_sql(&SnowflakeDialect {}, sql)
        .unwrap_or_else(|error| panic!("{error}: {sql}"));
    assert_eq!(statements.len(), 1, "{sql}");
    statements.remove(0)
}

/// What its string constants say, in their order.
fn constants(sql: &str) -> Vec<String> {
    let tokens = Tokenizer::new(&SnowflakeDialect {}, sql).tokenize().unwrap();
    let text = |token| match token {
        Token::SingleQuotedString(text) => Some(text),
        _ => None,
    };
    tokens.into_iter().filter_map(text).collect()
}

/// Its quoted names.
fn names(sql: &str) -> Vec<String> {
    let tokens = Tokenizer::new(&SnowflakeDialect {}, sql).tokenize().unwrap();
    let name = |token| match token {
        Token::Word(word) if word.quote_style.is_some() => Some(word.value),
        _ => None,
    };
    tokens.into_iter().filter_map(name).collect()
}

proptest! {
    #[test]
    fn a_receipt_is_written_as_it_is_whatever_stands_in_it(
        texts in prop::collection::vec("[a-c'\"\\\\;{}%\n\r\t\0é -]{0,24}|\\PC{0,12}", 7),
        plan in prop::option::of("[0-9a-f'\\\\]{0,8}"),
        database in "[^\0]{1,20}",
    ) {
        let Ok(name) = Ident::new(&database) else { return Ok(()) };
        let table = ReceiptTable::of(&name);
        let [id, kept_at, deployment, environment, session_user, acting_role, body] =
            [0, 1, 2, 3, 4, 5, 6].map(|at: usize| texts[at].as_str());
        let row = ReceiptRow {
            id, kept_at, deployment, environment, outcome: "begun",
            plan_sha256: plan.as_deref(), session_user, acting_role, body,
        };
        let sql = table.keep(&row).unwrap();
        prop_assert!(matches!(parsed(&sql), Statement::Merge { .. }), "{sql}");
        let mut expected = vec![id, kept_at, deployment, environment, "begun"];
        expected.extend(plan.as_deref());
        expected.extend([session_user, acting_role, body, "begun"]);
        prop_assert_eq!(constants(&sql), expected);
        prop_assert_eq!(names(&sql), [database.as_str(), "ROLECALL", "RECEIPTS"]);

        let sql = table.read((deployment, environment), Some(id), plan.as_deref(), true).unwrap();
        prop_assert!(matches!(parsed(&sql), Statement::Query(_)), "{sql}");
        let mut expected = vec![deployment, environment, id];
        expected.extend(plan.as_deref());
        prop_assert_eq!(constants(&sql), expected);
        let sql = table.find(&row).unwrap();
        prop_assert!(matches!(parsed(&sql), Statement::Query(_)), "{sql}");
        prop_assert_eq!(constants(&sql), [id, kept_at, "begun"]);
    }
}

#[test]
fn what_makes_the_table_is_what_it_says_to_a_parser_that_is_not_ours() {
    let name = |text| Ident::new(text).unwrap();
    let table = ReceiptTable::of(&name("o\"dd; DROP"));
    let of = |last: &'static str| vec!["o\"dd; DROP", "ROLECALL", last];
    // Its parser knows no COMMENT on a schema; its lexer is asked all the same.
    let sql = table.create_schema().unwrap();
    assert_eq!(names(&sql), ["o\"dd; DROP", "ROLECALL"]);
    assert_eq!(constants(&sql).len(), 1);
    let sql = table.create_draft().unwrap();
    assert!(matches!(parsed(&sql), Statement::CreateTable(_)), "{sql}");
    assert_eq!(names(&sql), of("RECEIPTS_DRAFT"));
    let sql = table.rename_draft().unwrap();
    assert!(matches!(parsed(&sql), Statement::AlterTable { .. }), "{sql}");
    assert_eq!(names(&sql), [of("RECEIPTS_DRAFT"), of("RECEIPTS")].concat());
    assert!(matches!(parsed(&table.count_draft().unwrap()), Statement::Query(_)));
    let sql = table.revoke_all(false, &name("ro\"le")).unwrap();
    assert!(matches!(parsed(&sql), Statement::Revoke { .. }), "{sql}");
    assert_eq!(names(&sql), [of("RECEIPTS_DRAFT"), vec!["ro\"le"]].concat());
}
