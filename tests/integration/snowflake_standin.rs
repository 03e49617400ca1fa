//! The stand-in Snowflake's own tests (`tests/snowflake_standin`), and the clients that prove it:
//! the official connector and dbt-snowflake. They are Python; this runs them.

use std::path::Path;
use std::process::Command;

/// Runs the Python tests of a folder; panics with what they say.
fn unittest(folder: &str) {
    let Some(python) = std::env::var_os("ROLECALL_PYTHON") else {
        eprintln!("skipped: no Python for the stand-in Snowflake (set ROLECALL_PYTHON)");
        return;
    };
    let done = Command::new(python)
        .args(["-m", "unittest", "discover", "-t", ".", "-s", folder])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    let ran = said.lines().find_map(|line| line.strip_prefix("Ran ")?.split(' ').next());
    assert!(ran.is_some_and(|count| count != "0"), "{said}");
}

#[test]
fn the_stand_in_does_what_its_tables_of_statements_say() {
    unittest("snowflake_standin/cases");
}

#[test]
fn the_official_connector_and_dbt_snowflake_work_with_the_stand_in() {
    unittest("snowflake_standin/proof");
}
