//! `compile`: the JSON that others read, and the statements of both dialects.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlparser::dialect::SnowflakeDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::{copy_configuration, fixture, rolecall, snapshot, write};

fn compiled(arguments: &[&str]) -> super::Ended {
    let all = [&["compile", "--as-of", "2026-11-22"], arguments].concat();
    let ended = rolecall(&fixture("sales_analytics"), &all);
    assert_eq!(ended.exit, 0, "{ended:?}");
    ended
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Every set of keys that the items of a list have.
fn keys_of_all(list: &Value) -> BTreeSet<Vec<&str>> {
    list.as_array().unwrap().iter().map(keys).collect()
}

#[test]
fn the_json_has_the_keys_that_are_promised() {
    let json = compiled(&["-t", "prod", "--format", "json"]).json();
    assert_eq!(
        keys(&json),
        [
            "deployment",
            "dialect",
            "environment",
            "future_grants",
            "grants",
            "memberships",
            "owners",
            "roles",
            "version",
            "warnings"
        ]
    );
    assert_eq!(json["version"], 1);
    assert_eq!((&json["environment"], &json["dialect"]), (&"prod".into(), &"postgres".into()));
    assert_eq!(keys_of_all(&json["roles"]), [vec!["name", "product", "product_role"]].into());
    assert_eq!(keys_of_all(&json["grants"]), [vec!["because", "on", "privilege", "role"]].into());
    assert_eq!(
        keys_of_all(&json["memberships"]),
        [vec!["because", "kind", "member", "role"]].into()
    );
    let grants = json["grants"].as_array().unwrap();
    let on: BTreeSet<Vec<&str>> = grants.iter().map(|grant| keys(&grant["on"])).collect();
    assert_eq!(
        on,
        [
            vec!["class", "database", "name", "schema"],
            vec!["class", "database", "name"],
            vec!["class", "name"],
        ]
        .into_iter()
        .filter(|keys| on.contains(keys))
        .collect()
    );
    let one = grants
        .iter()
        .find(|grant| grant["on"]["name"] == "fct_orders" && grant["role"] == "finance_analyst");
    insta::assert_snapshot!(format!("{:#}", one.unwrap()), @r#"
    {
      "because": [
        {
          "file": "models/marts/sales/_models.yml",
          "line": 14,
          "node": "model.shop.fct_orders",
          "permission": "read"
        }
      ],
      "on": {
        "class": "table",
        "database": "shop",
        "name": "fct_orders",
        "schema": "sales"
      },
      "privilege": "SELECT",
      "role": "finance_analyst"
    }
    "#);
    assert_eq!(json["owners"], Value::Array(vec![]));
    assert_eq!(json["future_grants"], Value::Array(vec![]));
}

#[test]
fn every_grant_says_why_and_no_list_has_doubles_or_is_out_of_order() {
    for target in ["dev", "prod"] {
        let json = compiled(&["-t", target]).json();
        for list in ["roles", "grants", "memberships"] {
            let mut items: Vec<String> =
                json[list].as_array().unwrap().iter().map(Value::to_string).collect();
            let before = items.len();
            items.sort();
            items.dedup();
            assert!(before > 0 && before == items.len(), "{target} {list}");
        }
        for grant in json["grants"].as_array().unwrap() {
            let because = grant["because"].as_array().unwrap();
            assert!(!because.is_empty(), "{grant}");
            assert!(because.iter().all(|b| b.get("file").is_some()), "{grant}");
        }
    }
}

/// The whole desired state of the fixture: what changes here changes for whoever reads it.
#[test]
fn the_json_of_the_fixture_is_stable() {
    for target in ["dev", "prod"] {
        let ended = compiled(&["-t", target]);
        assert_eq!(ended.stdout, compiled(&["-t", target, "--format", "json"]).stdout);
        snapshot("compile", &format!("{target}_json"), "", &ended.stdout);
    }
}

#[test]
fn the_statements_of_the_fixture_are_stable_in_both_dialects() {
    for (target, dialect) in [("prod", "postgres"), ("dev", "postgres"), ("prod", "snowflake")] {
        let ended = compiled(&["-t", target, "--format", "sql", "--dialect", dialect]);
        snapshot("compile", &format!("{target}_{dialect}_sql"), "", &ended.stdout);
    }
}

#[test]
fn expiry_is_judged_by_the_date_that_is_given() {
    let folder = tempfile::tempdir().unwrap();
    copy_configuration(&fixture("failures/declares_nothing"), folder.path());
    let members = b"analyst:\n  - {user: sam, until: 2027-01-31}\n  - user: taylor\n";
    write(&folder.path().join("rolecall/members/sales_analytics.yml"), members);
    let manifest = fixture("failures/declares_nothing/manifest.json");
    let members = |date: &str| {
        let manifest = manifest.to_str().unwrap();
        let all = ["compile", "-t", "prod", "--as-of", date, "--manifest", manifest];
        let json = rolecall(folder.path(), &all).json();
        let members = json["memberships"].as_array().unwrap();
        members.iter().map(|m| m["member"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // The last day counts as a whole.
    assert_eq!(members("2027-01-30"), ["sam", "taylor"]);
    assert_eq!(members("2027-01-31"), ["sam", "taylor"]);
    assert_eq!(members("2027-02-01"), ["taylor"]);
}

/// Each statement ends its line, and another parser finds the same role, privilege and object in
/// it: nothing runs into anything else.
#[test]
fn a_foreign_lexer_reads_every_snowflake_statement_as_one() {
    let folder = fixture("failures/odd_names");
    for (folder, manifest) in
        [(fixture("sales_analytics"), "target/prod/manifest.json"), (folder, "manifest.json")]
    {
        let ended = rolecall(
            &folder,
            &[
                "compile",
                "-t",
                "prod",
                "--format",
                "sql",
                "--dialect",
                "snowflake",
                "--manifest",
                manifest,
            ],
        );
        assert_eq!(ended.exit, 0, "{ended:?}");
        let dialect = SnowflakeDialect {};
        let tokens = Tokenizer::new(&dialect, &ended.stdout).tokenize().unwrap();
        let statements: Vec<&[Token]> = tokens.split(|token| *token == Token::SemiColon).collect();
        let (last, statements) = statements.split_last().unwrap();
        assert!(last.iter().all(|token| matches!(token, Token::Whitespace(_))), "{last:?}");
        assert!(statements.len() > 10);
        let mut understood = 0;
        for statement in statements {
            let words: Vec<String> = statement
                .iter()
                .filter(|token| !matches!(token, Token::Whitespace(_)))
                .map(ToString::to_string)
                .collect();
            assert!(["CREATE", "COMMENT", "GRANT"].contains(&words[0].as_str()), "{words:?}");
            let text: String = statement.iter().map(ToString::to_string).collect();
            understood += usize::from(
                Parser::parse_sql(&dialect, text.trim()).is_ok_and(|parsed| parsed.len() == 1),
            );
        }
        // It knows no COMMENT at CREATE ROLE, nor every class; see the tests of the dialect.
        assert!(understood * 2 > statements.len(), "{understood} of {}", statements.len());
    }
}
