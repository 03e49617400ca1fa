//! What the README says that its first command prints.

use std::path::Path;
use std::process::Command;

use rolecall::warehouse::engine::{Engine, native::Options};

/// The engine that the README's run was made on; here it is another one.
const EMBEDDED: &str = "embedded PostgreSQL 17.5";

#[test]
fn the_readme_shows_what_a_rehearsal_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let shown = readme.split("```text\n").nth(1).unwrap().split("\n```").next().unwrap();
    let bin = crate::engines::bins().into_iter().next().flatten();
    let engine = Engine::native(&Options { bin: bin.clone(), ..Options::default() }).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rolecall"));
    command.args(["rehearse", "--engine", "native", "--target", "prod", "--project-dir"]);
    command.arg(root.join("dbt_fixtures/sales_analytics"));
    if let Some(bin) = bin {
        command.env("ROLECALL_PG_BIN", bin);
    }
    let ran = command.output().unwrap();
    let printed = String::from_utf8(ran.stdout).unwrap() + &String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success(), "{printed}");
    let printed = printed.replace(engine.describe(), EMBEDDED);
    let lines: Vec<String> = printed.lines().map(unnumbered).collect();
    // Of a table, rows and columns are left out.
    let whole = |line: &&str| !line.contains('…') && !line.starts_with(['┌', '╞', '└']);
    for line in shown.lines().filter(whole) {
        assert!(
            lines.contains(&unnumbered(line)),
            "the README shows\n{line}\nand the rehearsal printed\n{printed}"
        );
    }
}

/// How often a server is asked depends on its version: newer ones know more privileges.
fn unnumbered(line: &str) -> String {
    match line.split_once(" the server agrees in ") {
        Some((before, after)) => {
            let after: String = after.chars().filter(|c| !c.is_ascii_digit()).collect();
            format!("{before} the server agrees in {after}")
        }
        None => line.to_owned(),
    }
}
