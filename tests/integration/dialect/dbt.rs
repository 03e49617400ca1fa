//! The macros mean the same to dbt's Jinja as to the one inside the binary.
//!
//! `dbt parse` needs no server, and renders a model's `config`: the manifest then holds what dbt
//! made of every macro.

use std::path::Path;
use std::process::Command;

use super::oracle::python;

/// A call of every macro, with every branch in it.
const CALLS: &[&str] = &[
    r#"postgres__rolecall_create_role('"r"')"#,
    r#"postgres__rolecall_comment_on_role('"r"', "'it''s <&> {{ x }}'")"#,
    r#"postgres__rolecall_rename_role('"a"', '"b"')"#,
    r#"postgres__rolecall_alter_role('"r"', ['NOLOGIN', 'INHERIT'])"#,
    r#"postgres__rolecall_drop_role('"r"')"#,
    r#"postgres__rolecall_grant(['SELECT', 'UPDATE'], [], 'TABLE', ['"s"."a"', '"s"."b"'], ['"q"', '"r"'])"#,
    r#"postgres__rolecall_grant(['SELECT', 'UPDATE'], ['"c"', '"d"'], 'TABLE', ['"s"."a"'], ['"r"'])"#,
    r#"postgres__rolecall_revoke(['SELECT'], [], 'TABLE', ['"s"."a"'], ['"r"'], false)"#,
    r#"postgres__rolecall_revoke(['SELECT'], [], 'TABLE', ['"s"."a"'], ['"r"'], true)"#,
    r#"postgres__rolecall_grant_role(['"a"', '"b"'], ['"x"', '"y"'], true)"#,
    r#"postgres__rolecall_grant_role(['"a"'], ['"x"'], false)"#,
    r#"postgres__rolecall_revoke_role(['"a"'], ['"x"'], false, '')"#,
    r#"postgres__rolecall_revoke_role(['"a"'], ['"x"'], true, '"boss"')"#,
    r#"postgres__rolecall_set_owner('VIEW', '"s"."v"', '"o"')"#,
    r#"postgres__rolecall_grant_default('"dbt"', '"s"', ['SELECT'], 'TABLES', '"r"')"#,
    r#"postgres__rolecall_grant_default('"dbt"', '', ['SELECT'], 'TABLES', '"r"')"#,
    r#"postgres__rolecall_revoke_default('"dbt"', '"s"', ['SELECT'], 'TABLES', '"r"')"#,
    r#"postgres__rolecall_revoke_default('"dbt"', '', ['SELECT'], 'TABLES', '"r"')"#,
    r#"snowflake__rolecall_create_role('"R"', "'it''s'")"#,
    r#"snowflake__rolecall_comment_on_role('"R"', "'it''s'")"#,
    r#"snowflake__rolecall_rename_role('"A"', '"B"')"#,
    r#"snowflake__rolecall_drop_role('"R"')"#,
    r#"snowflake__rolecall_grant(['SELECT', 'INSERT'], 'TABLE', '"D"."S"."T"', '"R"')"#,
    r#"snowflake__rolecall_grant(['MANAGE GRANTS'], 'ACCOUNT', '', '"R"')"#,
    r#"snowflake__rolecall_revoke(['SELECT'], 'TABLE', '"D"."S"."T"', '"R"', false)"#,
    r#"snowflake__rolecall_revoke(['MANAGE GRANTS'], 'ACCOUNT', '', '"R"', true)"#,
    r#"snowflake__rolecall_grant_role('"R"', 'USER', '"U"')"#,
    r#"snowflake__rolecall_revoke_role('"R"', 'ROLE', '"G"')"#,
    r#"snowflake__rolecall_set_owner('TABLE', '"D"."S"."T"', '"R"')"#,
    r#"snowflake__rolecall_grant_future(['SELECT'], 'TABLES', 'SCHEMA', '"D"."S"', '"R"')"#,
    r#"snowflake__rolecall_revoke_future(['SELECT'], 'TABLES', 'SCHEMA', '"D"."S"', '"R"')"#,
    r#"snowflake__rolecall_create_schema('"D"."S"', "'it''s'")"#,
    r#"snowflake__rolecall_create_receipts('"D"."S"."T"')"#,
    r#"snowflake__rolecall_rename_table('"D"."S"."A"', '"D"."S"."B"')"#,
    r#"snowflake__rolecall_keep_receipt('"D"."S"."T"', "'i'", "'at'", "'d'", "'e'", "'begun'", 'NULL', "'u'", "'r'", "'it''s {{ x }}'")"#,
    r#"snowflake__rolecall_read_receipts('"D"."S"."T"', "'d'", "'e'", '', '', false)"#,
    r#"snowflake__rolecall_read_receipts('"D"."S"."T"', "'d'", "'e'", "'applied'", "'00'", true)"#,
    r#"snowflake__rolecall_read_pieces('"D"."S"."T"', ["'a'", "'b'"])"#,
    r#"snowflake__rolecall_find_receipt('"D"."S"."T"', "'i'", "'at'", "'begun'")"#,
    r#"snowflake__rolecall_count_receipts('"D"."S"."T"')"#,
];

fn write(folder: &Path, file: &str, text: &str) {
    let file = folder.join(file);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

/// What the binary's Jinja makes of a call.
fn ours(call: &str) -> String {
    let dialect = call.split("__").next().unwrap();
    let macros = format!("{}/macros/{dialect}.sql", env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(macros).unwrap() + "«{{ " + call + " }}";
    let mut environment = minijinja::Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    let rendered = environment.render_str(&source, ()).unwrap();
    rendered.rsplit_once('«').unwrap().1.to_owned()
}

fn run_dbt(project: &Path, arguments: &[&str]) {
    let dbt = python().with_file_name("dbt");
    let output = Command::new(&dbt)
        .args(arguments)
        .args(["--profiles-dir", "."])
        .current_dir(project)
        .env("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
        .output()
        .unwrap_or_else(|error| {
            panic!(
                "{} does not start ({error}): this test needs dbt beside the Python of \
                 ROLECALL_PYTHON, or in `.test-env`",
                dbt.display()
            )
        });
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "dbt {arguments:?}:\n{said}");
}

#[test]
fn dbt_renders_every_macro_of_the_package_as_the_binary_does() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path();
    let package = serde_json::json!({"packages": [{"local": env!("CARGO_MANIFEST_DIR")}]});
    write(project, "packages.yml", &package.to_string());
    write(project, "dbt_project.yml", "{name: tiny, version: 1.0.0, profile: tiny}");
    let profile = "tiny: {target: dev, outputs: {dev: {type: postgres, host: 127.0.0.1, port: 1, \
                   user: x, password: x, dbname: x, schema: x}}}";
    write(project, "profiles.yml", profile);
    let calls: Vec<_> = CALLS.iter().map(|call| format!("rolecall.{call}")).collect();
    let model =
        format!("{{{{ config(meta={{'rendered': [\n{}\n]}}) }}}}\nselect 1", calls.join(",\n"));
    write(project, "models/m.sql", &model);
    run_dbt(project, &["deps"]);
    run_dbt(project, &["parse"]);

    let manifest = std::fs::read(project.join("target/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let rendered = &manifest["nodes"]["model.tiny.m"]["config"]["meta"]["rendered"];
    let rendered: Vec<String> = serde_json::from_value(rendered.clone()).unwrap();
    let expected: Vec<_> = CALLS.iter().map(|call| ours(call)).collect();
    assert_eq!(rendered, expected);
    insta::assert_snapshot!(rendered.join("\n"), @r#"
    CREATE ROLE "r"
    COMMENT ON ROLE "r" IS 'it''s <&> {{ x }}'
    ALTER ROLE "a" RENAME TO "b"
    ALTER ROLE "r" WITH NOLOGIN INHERIT
    DROP ROLE "r"
    GRANT SELECT, UPDATE ON TABLE "s"."a", "s"."b" TO "q", "r"
    GRANT SELECT ("c", "d"), UPDATE ("c", "d") ON TABLE "s"."a" TO "r"
    REVOKE SELECT ON TABLE "s"."a" FROM "r"
    REVOKE GRANT OPTION FOR SELECT ON TABLE "s"."a" FROM "r"
    GRANT "a", "b" TO "x", "y" WITH INHERIT TRUE, SET TRUE
    GRANT "a" TO "x"
    REVOKE "a" FROM "x"
    REVOKE ADMIN OPTION FOR "a" FROM "x" GRANTED BY "boss"
    ALTER VIEW "s"."v" OWNER TO "o"
    ALTER DEFAULT PRIVILEGES FOR ROLE "dbt" IN SCHEMA "s" GRANT SELECT ON TABLES TO "r"
    ALTER DEFAULT PRIVILEGES FOR ROLE "dbt" GRANT SELECT ON TABLES TO "r"
    ALTER DEFAULT PRIVILEGES FOR ROLE "dbt" IN SCHEMA "s" REVOKE SELECT ON TABLES FROM "r"
    ALTER DEFAULT PRIVILEGES FOR ROLE "dbt" REVOKE SELECT ON TABLES FROM "r"
    CREATE ROLE "R" COMMENT = 'it''s'
    COMMENT ON ROLE "R" IS 'it''s'
    ALTER ROLE "A" RENAME TO "B"
    DROP ROLE "R"
    GRANT SELECT, INSERT ON TABLE "D"."S"."T" TO ROLE "R"
    GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "R"
    REVOKE SELECT ON TABLE "D"."S"."T" FROM ROLE "R" RESTRICT
    REVOKE GRANT OPTION FOR MANAGE GRANTS ON ACCOUNT FROM ROLE "R" RESTRICT
    GRANT ROLE "R" TO USER "U"
    REVOKE ROLE "R" FROM ROLE "G"
    GRANT OWNERSHIP ON TABLE "D"."S"."T" TO ROLE "R" COPY CURRENT GRANTS
    GRANT SELECT ON FUTURE TABLES IN SCHEMA "D"."S" TO ROLE "R"
    REVOKE SELECT ON FUTURE TABLES IN SCHEMA "D"."S" FROM ROLE "R"
    CREATE SCHEMA "D"."S" COMMENT = 'it''s'
    CREATE OR REPLACE TABLE "D"."S"."T" (ID VARCHAR(64) NOT NULL, KEPT_AT VARCHAR(64) NOT NULL, DEPLOYMENT VARCHAR(16777216) NOT NULL, ENVIRONMENT VARCHAR(16777216) NOT NULL, OUTCOME VARCHAR(16) NOT NULL, PLAN_SHA256 VARCHAR(64), SESSION_USER_NAME VARCHAR(16777216) NOT NULL, ACTING_ROLE VARCHAR(16777216) NOT NULL, BODY VARCHAR(16777216) NOT NULL)
    ALTER TABLE "D"."S"."A" RENAME TO "D"."S"."B"
    MERGE INTO "D"."S"."T" AS T USING (SELECT 'i' AS ID, 'at' AS KEPT_AT, 'd' AS DEPLOYMENT, 'e' AS ENVIRONMENT, 'begun' AS OUTCOME, NULL AS PLAN_SHA256, 'u' AS SESSION_USER_NAME, 'r' AS ACTING_ROLE, 'it''s {{ x }}' AS BODY) AS S ON T.ID = S.ID WHEN MATCHED AND T.OUTCOME = 'begun' THEN UPDATE SET KEPT_AT = S.KEPT_AT, OUTCOME = S.OUTCOME, SESSION_USER_NAME = S.SESSION_USER_NAME, ACTING_ROLE = S.ACTING_ROLE, BODY = S.BODY WHEN NOT MATCHED THEN INSERT (ID, KEPT_AT, DEPLOYMENT, ENVIRONMENT, OUTCOME, PLAN_SHA256, SESSION_USER_NAME, ACTING_ROLE, BODY) VALUES (S.ID, S.KEPT_AT, S.DEPLOYMENT, S.ENVIRONMENT, S.OUTCOME, S.PLAN_SHA256, S.SESSION_USER_NAME, S.ACTING_ROLE, S.BODY)
    SELECT ID, KEPT_AT, SESSION_USER_NAME, ACTING_ROLE, BODY FROM "D"."S"."T" WHERE DEPLOYMENT = 'd' AND ENVIRONMENT = 'e' AND OUTCOME <> 'piece' ORDER BY KEPT_AT
    SELECT ID, KEPT_AT, SESSION_USER_NAME, ACTING_ROLE, BODY FROM "D"."S"."T" WHERE DEPLOYMENT = 'd' AND ENVIRONMENT = 'e' AND OUTCOME = 'applied' AND PLAN_SHA256 = '00' ORDER BY KEPT_AT DESC LIMIT 1
    SELECT ID, BODY FROM "D"."S"."T" WHERE OUTCOME = 'piece' AND ID IN ('a', 'b')
    SELECT COUNT(*) AS N FROM "D"."S"."T" WHERE ID = 'i' AND KEPT_AT = 'at' AND OUTCOME = 'begun'
    SELECT COUNT(*) AS N FROM "D"."S"."T"
    "#);

    // The whole of what the package brings along is its macros.
    let nodes = manifest["nodes"].as_object().unwrap();
    assert_eq!(nodes.keys().collect::<Vec<_>>(), ["model.tiny.m"]);
    // The hooks are dbt's alone: the binary does not carry them.
    let ours = |of: &&serde_json::Value| {
        of["package_name"] == "rolecall"
            && !of["original_file_path"].as_str().unwrap().starts_with("macros/hook")
    };
    let known = manifest["macros"].as_object().unwrap().values().filter(ours).count();
    let called: std::collections::BTreeSet<_> =
        CALLS.iter().map(|call| call.split('(').next()).collect();
    assert_eq!(known, called.len(), "a macro without a call here");
}
