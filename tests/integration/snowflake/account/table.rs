//! Every statement of docs/reference/snowflake-statements.md: read by two parsers that are not ours,
//! and taken by an account that knows Snowflake's rules, which gives what it says and takes it again.

use std::collections::BTreeSet;

use rolecall::dialect::{self, snowflake_statements};
use rolecall::model::{DialectKind, ObjectClass};
use serde_json::{Value, json};

use super::super::standin::Standin;
use super::super::statements::are_read_by_others;

/// The statement that makes an object of a class.
fn made(class: ObjectClass, name: &str) -> String {
    use ObjectClass as C;
    let rest = match class {
        C::Table | C::IcebergTable => " (A NUMBER)",
        C::View | C::MaterializedView | C::SemanticView => " AS SELECT 1 AS A",
        C::DynamicTable => " TARGET_LAG = '1 hour' WAREHOUSE = WH AS SELECT 1 AS A",
        C::Function => "(A VARCHAR, B NUMBER) RETURNS NUMBER AS 'A'",
        C::Procedure => "(A VARCHAR, B NUMBER) RETURNS NUMBER LANGUAGE SQL AS 'A'",
        C::Stage if name.ends_with("_EXTERNAL\"") => " URL = 's3://b/'",
        C::Stream => " ON TABLE D.S.T",
        C::Task => " AS SELECT 1",
        C::Pipe => " AS COPY INTO D.S.T FROM @D.S.I",
        C::MaskingPolicy => " AS (A NUMBER) RETURNS NUMBER -> A",
        C::RowAccessPolicy => " AS (A NUMBER) RETURNS BOOLEAN -> TRUE",
        C::Type => " AS NUMBER",
        _ => "",
    };
    let word = dialect::of(DialectKind::Snowflake).word_of(class).unwrap();
    format!("CREATE OR REPLACE {word} {name}{rest}")
}

/// What is given to whom, and what is to come.
fn rights(standin: &Standin) -> Value {
    let state = standin.tell("state", &json!({}));
    json!([state["grants"], state["future"], state["members"], owners(&state)])
}

fn owners(state: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let objects = state["objects"].as_array().unwrap().iter();
    objects.map(|it| (format!("{} {}", it["kind"], it["name"]), text(&it["owner"]))).collect()
}

fn furnish(standin: &Standin, class: Option<ObjectClass>) {
    standin.sql(&["USE ROLE ACCOUNTADMIN"]);
    for (database, schema) in [("\"D\"", "\"S\""), ("\"my db\"", "\"a.b\"")] {
        standin.sql(&[
            &format!("CREATE OR REPLACE DATABASE {database}"),
            &format!("CREATE SCHEMA {database}.{schema}"),
        ]);
    }
    standin.sql(&["CREATE DATABASE ROLE D.DR"]);
    let Some(class) = class else { return };
    if matches!(class, ObjectClass::Account | ObjectClass::Database | ObjectClass::Schema) {
        return;
    }
    if class == ObjectClass::Stream {
        standin.sql(&["CREATE TABLE D.S.T (A NUMBER)"]);
    }
    if class.is_global() {
        for name in ["\"O\"", "\"say \"\"x\"\"\""] {
            standin.sql(&[&made(class, name)]);
        }
        return;
    }
    let mut names = vec!["\"D\".\"S\".\"O\"", "\"D\".\"S\".\"O2\""];
    names.push("\"my db\".\"a.b\".\"say \"\"x\"\"\"");
    if class == ObjectClass::Stage {
        names.push("\"D\".\"S\".\"O_EXTERNAL\"");
    }
    for name in names {
        standin.sql(&[&made(class, name)]);
    }
    if class == ObjectClass::Pipe {
        // One that runs cannot be given away.
        standin.sql(&["ALTER PIPE D.S.O SET PIPE_EXECUTION_PAUSED = TRUE"]);
    }
}

#[test]
fn every_statement_of_the_table_is_read_by_others_and_does_what_it_says() {
    let table = snowflake_statements();
    let classes: BTreeSet<_> = table.iter().map(|row| row.class).collect();
    assert!(classes.len() > 50, "{}", classes.len());
    let all = table.iter().flat_map(|row| row.grant.iter().chain(&row.revoke)).cloned();
    are_read_by_others(&all.collect());
    let Some(standin) = Standin::start() else { return };
    standin.sql(&["CREATE WAREHOUSE WH", "CREATE USER U"]);
    // MANAGE GRANTS on databases and schemas.
    standin.sql(&["ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = 'ENABLED'"]);
    for role in ["R", "\"läser\"", "OWNER", "HELD"] {
        standin.sql(&[&format!("CREATE ROLE {role}")]);
    }
    standin.tell("sql", &json!({"statements": ["CREATE DATABASE SHARED"]}));
    let mut wrong = Vec::new();
    for class in classes {
        furnish(&standin, class);
        for row in table.iter().filter(|row| row.class == class) {
            // No account here has a second database that was made of a share.
            if row.form == "of a share" {
                let sql = |sql: &String| sql.replace("\"SHARED\"", "SNOWFLAKE");
                assert!(row.grant.len() == 1 && row.revoke.len() == 1);
                standin.sql(&[&sql(&row.grant[0]), &sql(&row.revoke[0])]);
                continue;
            }
            let before = rights(&standin);
            let mut run = |statements: &[String]| {
                for sql in statements {
                    let answer = standin.tell("sql", &json!({ "statements": [sql] }));
                    if let Some(error) = answer.get("error") {
                        wrong.push(format!("{sql}\n  {}", error["message"]));
                    }
                }
            };
            run(&row.grant);
            let between = rights(&standin);
            run(&row.revoke);
            let after = rights(&standin);
            let what = format!("{:?}, {}", row.class, row.form);
            let moves = matches!(row.form, "ownership" | "role, ownership");
            if between == before && !row.grant.is_empty() {
                wrong.push(format!("{what}: gives nothing"));
            }
            if after != before && !moves {
                wrong.push(format!("{what}: is not taken again"));
            }
            if moves && after == between {
                wrong.push(format!("{what}: is not given on"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
