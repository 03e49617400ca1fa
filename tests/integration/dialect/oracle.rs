//! Random changes → PostgreSQL statements → PostgreSQL's own parser (the Python package `pglast`)
//! → the same changes.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rolecall::dialect::{self, Target};
use rolecall::model::{Change, DialectKind, Ident, ObjectClass, PrivilegeSet, Securable};
use serde_json::{Value, json};

use super::changes::{Dialect, change, edges};

/// `ROLECALL_PYTHON`, or the interpreter of the test environment.
pub fn python() -> PathBuf {
    if let Some(python) = std::env::var_os("ROLECALL_PYTHON") {
        return python.into();
    }
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".test-env/bin/python")
}

struct Parser {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Parser {
    fn start() -> Self {
        let python = python();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/pg_parse.py");
        let child =
            Command::new(&python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| {
            panic!(
                "{} does not start ({error}): this test needs a Python with `pglast`; set \
                 ROLECALL_PYTHON to it, or make `.test-env` as the test command does",
                python.display()
            )
        });
        let questions = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, questions, answers }
    }

    fn ask(&mut self, sql: &str) -> Value {
        let mut answer = String::new();
        let asked = writeln!(self.questions, "{}", Value::from(sql))
            .and_then(|()| self.answers.read_line(&mut answer));
        match asked {
            Ok(length) if length > 0 => serde_json::from_str(&answer).unwrap(),
            _ => panic!(
                "{} gave no answer: is `pglast` installed there? See what it wrote above",
                python().display()
            ),
        }
    }
}

impl Drop for Parser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

use ObjectClass as C;

static POSTGRES: Dialect = Dialect {
    classes: &[
        C::Database,
        C::Schema,
        C::Table,
        C::View,
        C::MaterializedView,
        C::ForeignTable,
        C::Column,
        C::Sequence,
        C::Function,
        C::Procedure,
        C::Type,
        C::Language,
        C::ForeignDataWrapper,
        C::ForeignServer,
        C::Tablespace,
        C::LargeObject,
        C::Parameter,
    ],
    owned: &[
        C::Database,
        C::Schema,
        C::Table,
        C::View,
        C::MaterializedView,
        C::ForeignTable,
        C::Sequence,
        C::Function,
        C::Procedure,
        C::Type,
        C::Language,
        C::ForeignDataWrapper,
        C::ForeignServer,
        C::Tablespace,
        C::LargeObject,
    ],
    future: &[C::Schema, C::Table, C::Sequence, C::Function, C::Type, C::LargeObject],
    signatures: &["", "integer", "\"My; T\".\"x\"[], text"],
    privileges_of: |class| dialect::of(DialectKind::Postgres).privileges_of(class),
    postgres: true,
};

/// What the parser calls a class in a GRANT.
fn object_type(class: ObjectClass) -> &'static str {
    match class {
        C::Database => "OBJECT_DATABASE",
        C::Schema => "OBJECT_SCHEMA",
        C::Table | C::View | C::MaterializedView | C::ForeignTable | C::Column => "OBJECT_TABLE",
        C::Sequence => "OBJECT_SEQUENCE",
        C::Function | C::Procedure => "OBJECT_ROUTINE",
        C::Type => "OBJECT_TYPE",
        C::Language => "OBJECT_LANGUAGE",
        C::ForeignDataWrapper => "OBJECT_FDW",
        C::ForeignServer => "OBJECT_FOREIGN_SERVER",
        C::Tablespace => "OBJECT_TABLESPACE",
        C::LargeObject => "OBJECT_LARGEOBJECT",
        C::Parameter => "OBJECT_PARAMETER_ACL",
        other => panic!("{other}"),
    }
}

/// What the parser calls a class in ALTER … OWNER TO.
fn owned_type(class: ObjectClass) -> &'static str {
    match class {
        C::View => "OBJECT_VIEW",
        C::MaterializedView => "OBJECT_MATVIEW",
        C::ForeignTable => "OBJECT_FOREIGN_TABLE",
        other => object_type(other),
    }
}

fn path(on: &Securable) -> Value {
    let own = on.name().unwrap().as_str();
    let schema = on.schema_name().map(Ident::as_str);
    match on.class() {
        C::Database | C::Schema => json!([own]),
        C::Function | C::Procedure => {
            let types = match on.signature().unwrap() {
                "" => json!([]),
                "integer" => json!(["pg_catalog.int4"]),
                _ => json!(["My; T.x[]", "text"]),
            };
            json!([schema, own, types])
        }
        _ if schema.is_none() => json!([own]),
        _ => json!([schema, own]),
    }
}

fn words(set: PrivilegeSet) -> Vec<&'static str> {
    set.iter().map(|privilege| privilege.as_str()).collect()
}

/// A name as it is: JSON of ours quotes one that begins with a quote.
fn exact(name: Option<&Ident>) -> Option<&str> {
    name.map(Ident::as_str)
}

fn on_object(do_: &str, on: &Securable, privileges: PrivilegeSet, role: &Ident) -> Value {
    let privileges = words(privileges);
    json!([
        do_,
        object_type(on.class()),
        path(on),
        exact(on.column_name()),
        privileges,
        role.as_str()
    ])
}

/// What the parser must find of a change.
fn expected(change: &Change, target: &Target) -> Vec<Value> {
    let options = target.version >= 160_000;
    match change {
        Change::CreateRole { role, marker } => vec![
            json!(["create_role", "ROLESTMT_ROLE", role.as_str()]),
            json!(["comment", "OBJECT_ROLE", role.as_str(), marker.to_comment()]),
        ],
        Change::AdoptRole { role, marker } => {
            vec![json!(["comment", "OBJECT_ROLE", role.as_str(), marker.to_comment()])]
        }
        Change::RenameRole { from, to } => {
            vec![json!(["rename", "OBJECT_ROLE", from.as_str(), to.as_str()])]
        }
        Change::DropRole { role } => vec![json!(["drop_role", role.as_str()])],
        Change::ResetAttributes { role, attributes: has } => {
            let mut says: Vec<_> = [
                (has.superuser, "superuser=false"),
                (has.create_db, "createdb=false"),
                (has.create_role, "createrole=false"),
                (has.replication, "isreplication=false"),
                (has.bypass_rls, "bypassrls=false"),
                (has.login, "canlogin=false"),
            ]
            .into_iter()
            .filter_map(|(has, says)| has.then_some(says))
            .collect();
            if says.is_empty() || !has.inherit {
                says.push("inherit=true");
            }
            vec![json!(["alter_role", role.as_str(), says])]
        }
        Change::Grant { on, role, privileges } => vec![on_object("grant", on, *privileges, role)],
        Change::Revoke { on, role, privileges, grantor: _ } => {
            vec![on_object("revoke", on, *privileges, role)]
        }
        Change::RevokeGrantOption { on, role, privileges, grantor: _ } => {
            vec![on_object("revoke_option", on, *privileges, role)]
        }
        Change::AddMember { role, member, kind: _ } => {
            let says: &[&str] = if options { &["inherit=true", "set=true"] } else { &[] };
            vec![json!(["grant_role", role.as_str(), member.as_str(), says, null])]
        }
        Change::RemoveMember { role, member, kind: _, grantor } => {
            let grantor = grantor.as_ref().filter(|_| options);
            vec![json!(["revoke_role", role.as_str(), member.as_str(), [], exact(grantor)])]
        }
        Change::RevokeAdminOption { role, member, grantor } => {
            let grantor = Some(grantor).filter(|_| options);
            vec![json!([
                "revoke_role",
                role.as_str(),
                member.as_str(),
                ["admin=false"],
                exact(grantor)
            ])]
        }
        Change::SetOwner { on, from: _, to } => {
            vec![json!(["set_owner", owned_type(on.class()), path(on), to.as_str()])]
        }
        // Never made for PostgreSQL.
        Change::SetRoleOwner { .. } => vec![],
        Change::GrantDefault { creator, database: _, schema, class, role, privileges }
        | Change::RevokeDefault { creator, database: _, schema, class, role, privileges } => {
            let says = match change {
                Change::GrantDefault { .. } => "grant_default",
                _ => "revoke_default",
            };
            let kind = match class {
                C::Function | C::Procedure => "OBJECT_FUNCTION",
                other => object_type(*other),
            };
            vec![json!([
                says,
                exact(creator.as_ref()),
                exact(schema.as_ref()),
                kind,
                words(*privileges),
                role.as_str()
            ])]
        }
    }
}

/// Who must execute what this change became.
fn must_act_as(change: &Change) -> Option<&Ident> {
    match change {
        Change::Revoke { grantor, .. } => grantor.as_ref(),
        Change::RevokeGrantOption { grantor, .. } => Some(grantor),
        _ => None,
    }
}

fn texts(atoms: impl IntoIterator<Item = Value>) -> Vec<String> {
    atoms.into_iter().map(|atom| atom.to_string()).collect()
}

#[test]
fn postgresql_reads_every_statement_as_the_changes_it_was_made_from() {
    let parser = std::cell::RefCell::new(Parser::start());
    let mut runner = TestRunner::new(Config { cases: 1_000, ..Config::default() });
    let versions = prop::sample::select(&[0, 130_000, 160_000, 180_000][..]);
    let changes = prop_oneof![
        2 => prop::collection::vec(change(&POSTGRES), 1..12).boxed(),
        1 => edges().boxed(),
    ];
    let cases = (changes, versions);
    let outcome = runner.run(&cases, |(changes, version)| {
        let target = Target { version, database: None };
        let statements = dialect::of(DialectKind::Postgres).statements(&changes, &target).unwrap();
        let mut found = Vec::new();
        for statement in &statements {
            let answer = parser.borrow_mut().ask(&statement.sql);
            prop_assert_eq!(&answer["error"], &Value::Null, "{}", statement.sql);
            prop_assert_eq!(&answer["count"], 1, "{}", statement.sql);
            let atoms = texts(answer["atoms"].as_array().unwrap().clone());
            // It does nothing but what its own changes say.
            let of_changes = statement.changes.iter().map(|at| &changes[*at]);
            let own: BTreeSet<_> =
                of_changes.clone().flat_map(|change| texts(expected(change, &target))).collect();
            for atom in &atoms {
                prop_assert!(own.contains(atom), "{atom}\nof {}", statement.sql);
            }
            for change in of_changes {
                prop_assert_eq!(statement.as_role.as_ref(), must_act_as(change));
            }
            found.extend(atoms);
        }
        // Together they do all that the changes say.
        let found: BTreeSet<_> = found.into_iter().collect();
        let wanted: BTreeSet<_> =
            changes.iter().flat_map(|change| texts(expected(change, &target))).collect();
        prop_assert_eq!(found, wanted);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_oracle_tells_one_statement_from_another() {
    let mut parser = Parser::start();
    for sql in [
        "GRANT SELECT ON TABLE \"a\".\"b\" TO \"public\"",
        "GRANT SELECT ON TABLE \"a\".\"b\" TO PUBLIC",
        "GRANT SELECT ON TABLE \"a\".\"b\" TO CURRENT_USER",
        "GRANT SELECT ON TABLE \"a\".\"b\" TO \"r\" WITH GRANT OPTION",
        "GRANT SELECT ON ALL TABLES IN SCHEMA \"a\" TO \"r\"",
        "REVOKE SELECT ON TABLE \"a\".\"b\" FROM \"r\" CASCADE",
        "DROP ROLE IF EXISTS \"r\"",
        "DROP TABLE \"r\"",
        "GRANT SELECT ON",
    ] {
        assert_ne!(parser.ask(sql)["error"], Value::Null, "{sql}");
    }
    let two = parser.ask("DROP ROLE \"a\"; DROP ROLE \"b\"");
    assert_eq!(two["count"], 2);
    let atoms = parser.ask("GRANT SELECT ON TABLE \"a\".\"b\" TO \"r\"")["atoms"].clone();
    assert_eq!(atoms, json!([["grant", "OBJECT_TABLE", ["a", "b"], null, ["SELECT"], "r"]]));
}
