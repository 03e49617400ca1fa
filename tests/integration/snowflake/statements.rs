//! Every statement that a session sent is SQL to two parsers that are not ours: the whole of it to
//! `sqlglot`, and to `sqlparser` all but the words that are named in [`UNREAD`].

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use rolecall::dialect;
use rolecall::model::{DialectKind, ObjectClass, PrivilegeSet};

use sqlparser::dialect::SnowflakeDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

/// What `sqlparser` 0.63 cannot parse, though Snowflake documents it: an example, the words that it
/// stumbles over, and the words that it reads in their place. The rest of such a statement is parsed.
const UNREAD: &[(&str, &str, &str)] = &[
    ("CREATE ROLE \"R\" COMMENT = 'c'", "COMMENT = T", ""),
    ("CREATE DATABASE ROLE \"D\".\"R\"", "CREATE DATABASE ROLE", "CREATE ROLE"),
    ("DROP DATABASE ROLE \"D\".\"R\"", "DROP DATABASE ROLE", "DROP ROLE"),
    ("ALTER ROLE \"R\" RENAME TO \"S\"", "ALTER ROLE", "ALTER TABLE"),
    ("GRANT OWNERSHIP ON ROLE \"R\" TO ROLE \"S\"", "OWNERSHIP ON ROLE", "OWNERSHIP ON TABLE"),
];

/// The same for classes of objects, objects to come and privileges, which it is asked about one by
/// one: the words that it cannot read, and those that it reads in their place.
static STUMBLES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let snowflake = dialect::of(DialectKind::Snowflake);
    let mut swaps = Vec::new();
    let mut privileges = PrivilegeSet::EMPTY;
    for class in ObjectClass::ALL {
        let Some(word) = snowflake.word_of(class) else { continue };
        privileges = privileges.union(snowflake.privileges_of(class));
        // No name follows.
        if class == ObjectClass::Account {
            continue;
        }
        if parsed(&format!("GRANT SELECT ON {word} \"O\" TO ROLE \"R\"")).is_err() {
            swaps.push((format!("ON {word}"), "ON TABLE".to_owned()));
        }
        let plural = match word.strip_suffix('Y') {
            Some(stem) if !stem.ends_with('A') => format!("{stem}IES"),
            _ => format!("{word}S"),
        };
        for place in ["DATABASE", "SCHEMA"] {
            let to_come = format!("ON FUTURE {plural} IN {place}");
            if parsed(&format!("REVOKE SELECT {to_come} \"O\" FROM ROLE \"R\"")).is_err() {
                swaps.push((to_come, "ON FUTURE TABLES IN SCHEMA".to_owned()));
            }
        }
    }
    // SNAPSHOT POLICY before SNAPSHOT.
    swaps.sort_by_key(|(words, _): &(String, String)| std::cmp::Reverse(words.len()));
    for privilege in privileges.iter() {
        if parsed(&format!("GRANT {privilege} ON SCHEMA \"S\" TO ROLE \"R\"")).is_ok() {
            continue;
        }
        let privilege = privilege.as_str().replace('.', " . ");
        for before in ["GRANT", "REVOKE", "FOR", ","] {
            for after in ["ON", ","] {
                let words = format!("{before} {privilege} {after}");
                swaps.push((words, format!("{before} USAGE {after}")));
            }
        }
    }
    swaps
});

/// The same of `sqlglot` 30.30, which takes DATABASE for what is dropped.
const UNREAD_BY_SQLGLOT: (&str, &str) = ("DROP DATABASE ROLE", "DROP TABLE");

/// What `sqlglot` says of statements, one a line in JSON: an empty line where it can read it.
const SQLGLOT: &str = "
import json, sys, logging
logging.disable(logging.CRITICAL)
import sqlglot
for line in sys.stdin:
    sql, wrong = json.loads(line), ''
    try:
        found = sqlglot.parse(sql, dialect='snowflake')
        if len(found) != 1:
            wrong = f'{len(found)} statements'
    except Exception as error:
        wrong = str(error).replace(chr(10), ' ')
    print(wrong, flush=True)
";

/// One `sqlglot` for all tests: it takes a while to begin.
struct Sqlglot {
    _process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

fn sqlglot() -> Option<&'static Mutex<Sqlglot>> {
    static SHARED: OnceLock<Option<Mutex<Sqlglot>>> = OnceLock::new();
    let begin = || {
        let python = std::env::var_os("ROLECALL_PYTHON")?;
        let mut import = Command::new(&python);
        import.args(["-c", "import sqlglot"]).stderr(Stdio::null());
        if !import.status().is_ok_and(|status| status.success()) {
            eprintln!("skipped: no sqlglot in the tests' Python");
            return None;
        }
        let mut process = Command::new(python)
            .args(["-c", SQLGLOT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Some(Mutex::new(Sqlglot { _process: process, input, output }))
    };
    SHARED.get_or_init(begin).as_ref()
}

impl Sqlglot {
    /// What is wrong with it, but for the words that cannot be read.
    fn wrong(&mut self, sql: &str) -> String {
        let error = self.ask(sql);
        let (words, instead) = UNREAD_BY_SQLGLOT;
        match lexed(sql) {
            Ok(tokens) if !error.is_empty() && sql.starts_with(words) => {
                self.ask(&text(&replaced(tokens, words, &lexed(instead).unwrap())))
            }
            _ => error,
        }
    }

    fn ask(&mut self, sql: &str) -> String {
        writeln!(self.input, "{}", serde_json::to_string(sql).unwrap()).unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        assert!(answer.ends_with('\n'), "sqlglot has ended: {sql}");
        answer.trim().to_owned()
    }
}

/// Fails where one of these statements is not SQL to both.
pub(crate) fn are_read_by_others(said: &BTreeSet<String>) {
    static READ: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut wrong = Vec::new();
    for sql in said {
        let news = READ.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.clone());
        if !news {
            continue;
        }
        if let Err(error) = read_by_sqlparser(sql) {
            wrong.push(format!("sqlparser: {error}\n  {sql}"));
        }
        if let Some(sqlglot) = sqlglot() {
            let error = sqlglot.lock().unwrap_or_else(PoisonError::into_inner).wrong(sql);
            if !error.is_empty() {
                wrong.push(format!("sqlglot: {error}\n  {sql}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Parsed as it is, or but for words that cannot be.
pub(crate) fn read_by_sqlparser(sql: &str) -> Result<(), String> {
    let Err(error) = parsed(sql) else { return Ok(()) };
    let mut swaps: Vec<(String, String)> = Vec::new();
    for (_, words, instead) in UNREAD {
        swaps.push(((*words).to_owned(), (*instead).to_owned()));
    }
    swaps.extend(STUMBLES.iter().cloned());
    let mut tokens = lexed(sql)?;
    for (words, instead) in swaps {
        let before = tokens.clone();
        tokens = replaced(tokens, &words, &lexed(&instead)?);
        if tokens != before && parsed(&text(&tokens)).is_ok() {
            return Ok(());
        }
    }
    Err(error)
}

fn lexed(sql: &str) -> Result<Vec<Token>, String> {
    let tokens = Tokenizer::new(&SnowflakeDialect {}, sql).with_unescape(false).tokenize();
    tokens.map_err(|error| error.to_string())
}

fn parsed(sql: &str) -> Result<(), String> {
    match Parser::parse_sql(&SnowflakeDialect {}, sql) {
        Ok(statements) if statements.len() == 1 => Ok(()),
        Ok(statements) => Err(format!("{} statements", statements.len())),
        Err(error) => Err(error.to_string()),
    }
}

fn text(tokens: &[Token]) -> String {
    tokens.iter().map(ToString::to_string).collect()
}

/// The tokens with these words replaced where they stand for the first time.
fn replaced(tokens: Vec<Token>, words: &str, instead: &[Token]) -> Vec<Token> {
    let words: Vec<&str> = words.split(' ').collect();
    let is = |(token, word): (&&Token, &&str)| match token {
        Token::SingleQuotedString(_) => *word == "T",
        Token::Word(w) if w.quote_style.is_some() => false,
        other => other.to_string() == *word,
    };
    let found: Vec<(usize, &Token)> = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| !matches!(token, Token::Whitespace(_)))
        .collect();
    let at = found.windows(words.len()).find(|window| {
        let tokens: Vec<&Token> = window.iter().map(|(_, token)| *token).collect();
        tokens.iter().zip(&words).all(is)
    });
    let Some(at) = at else { return tokens };
    let (first, last) = (at[0].0, at[at.len() - 1].0);
    [&tokens[..first], instead, &tokens[last + 1..]].concat()
}

#[test]
fn the_words_that_sqlparser_cannot_read_are_exactly_those_named() {
    // It reads what most grants are about, and stumbles over what is named here.
    let stumbles = |words: &str| STUMBLES.iter().any(|(stumbles, _)| stumbles == words);
    for words in ["ON TABLE", "ON VIEW", "ON SCHEMA", "ON DATABASE", "ON WAREHOUSE"] {
        assert!(!stumbles(words), "{words}");
    }
    assert!(stumbles("ON FILE FORMAT") && stumbles("ON FUTURE STAGES IN SCHEMA"));
    for sql in UNREAD.iter().map(|(sql, _, _)| (*sql).to_owned()) {
        assert!(parsed(&sql).is_err(), "{sql} can be parsed by now: strike it off");
        assert_eq!(read_by_sqlparser(&sql), Ok(()), "{sql}");
    }
}

#[test]
fn the_words_that_sqlglot_cannot_read_are_exactly_those_named() {
    let Some(sqlglot) = sqlglot() else { return };
    let mut sqlglot = sqlglot.lock().unwrap_or_else(PoisonError::into_inner);
    let drop = "DROP DATABASE ROLE \"D\".\"R\"";
    assert_ne!(sqlglot.ask(drop), "", "it can read that by now: strike it off");
    assert_eq!(sqlglot.wrong(drop), "");
    assert_ne!(sqlglot.wrong("DROP DATABASE ROLE \"D\".\"R\" SELECT 1"), "");
}

#[test]
fn what_is_not_sql_is_found() {
    for sql in [
        "GRANT SELECT ON ICEBERG TABLE \"T\" TO ROLE",
        "CREATE ROLE \"R\" COMMENT = 'c' DROP ROLE \"S\"",
        "DROP DATABASE ROLE \"D\".\"R\"; DROP ROLE \"R\"",
        "GRANT SELECT ON TABLE \"T TO ROLE \"R\"",
    ] {
        assert!(read_by_sqlparser(sql).is_err(), "{sql}");
    }
}
