//! Every statement that was sent is SQL to parsers that are not ours.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use sqlparser::dialect::SnowflakeDialect;
use sqlparser::tokenizer::Tokenizer;

use super::super::standin::Standin;

/// What `sqlglot` makes of statements, one a line in JSON: those that it cannot read.
const SQLGLOT: &str = "
import json, sys, logging
logging.disable(logging.CRITICAL)
try:
    import sqlglot
except ImportError:
    sys.exit(77)
for line in sys.stdin:
    sql = json.loads(line)
    try:
        found = sqlglot.parse(sql, dialect='snowflake')
        if len(found) != 1:
            print(f'{len(found)} statements: {sql}')
    except Exception as error:
        print(f'{error}: {sql}')
";

/// Reads the stand-in's log by `sqlparser`'s lexer, and by `sqlglot` where the tests' Python has it.
pub(super) fn are_read_by_others(standin: &Standin) {
    let said: BTreeSet<String> = standin
        .log()
        .iter()
        .filter_map(|entry| entry["sql"].as_str().or(entry["text"].as_str()).map(str::to_owned))
        .collect();
    assert!(!said.is_empty(), "the log has no statements");
    for sql in &said {
        let tokens = Tokenizer::new(&SnowflakeDialect {}, sql).tokenize();
        assert!(tokens.is_ok(), "{sql}: {tokens:?}");
    }
    let Some(python) = std::env::var_os("ROLECALL_PYTHON") else { return };
    let mut process = Command::new(python)
        .args(["-c", SQLGLOT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    let lines: Vec<String> = said.iter().map(|sql| serde_json::to_string(sql).unwrap()).collect();
    std::thread::spawn(move || {
        for line in lines {
            let _ = writeln!(input, "{line}");
        }
    });
    let output = process.wait_with_output().unwrap();
    if output.status.code() != Some(77) {
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    }
}
