//! Data to stdout, everything else to stderr; colour on a terminal only; a closed pipe is silent.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use super::{command, fixture, rolecall};

#[test]
fn findings_are_no_data() {
    let shop = fixture("sales_analytics");
    let text = rolecall(&shop, &["validate"]);
    assert_eq!((text.exit, text.stdout.as_str()), (0, ""), "{text:?}");
    assert!(text.stderr.contains("warning["), "{text:?}");
    for format in [&["--format", "json"][..], &[]] {
        let ended = rolecall(&shop, &[&["compile", "-t", "prod"], format].concat());
        assert_eq!(ended.json()["version"], 1);
        assert!(ended.stderr.contains("warning[") && ended.stderr.ends_with("warnings\n"));
    }
    let sql = rolecall(&shop, &["compile", "-t", "prod", "--format", "sql"]);
    assert!(sql.stdout.lines().all(|line| line.ends_with(';')), "{sql:?}");
}

#[test]
fn what_fails_before_there_is_a_plan_is_said_in_json_too() {
    let shop = fixture("sales_analytics");
    let nowhere = "postgres://nobody:s3cret@127.0.0.1:1/shop";
    let ended =
        rolecall(&shop, &["plan", "-t", "prod", "--format", "json", "--connection", nowhere]);
    assert_eq!(ended.exit, 1);
    let json = ended.json();
    assert_eq!((&json["version"], json["findings"].as_array().unwrap().len()), (&1.into(), 0));
    let error = json["error"].as_str().unwrap();
    assert!(error.contains("cannot connect to 127.0.0.1:1/shop"), "{error}");
    assert!(
        !ended.stdout.contains("s3cret") && ended.stderr.contains(error.lines().next().unwrap())
    );
    let ended = rolecall(&shop, &["plan", "-t", "prod", "--format", "json", "-s", "tags:x"]);
    assert_eq!(ended.exit, 2);
    assert!(ended.json()["error"].as_str().unwrap().contains("tags"), "{ended:?}");
}

#[test]
fn validate_says_the_same_in_json() {
    let json = rolecall(
        &fixture("failures/beyond_may"),
        &["validate", "--format", "json", "--manifest", "manifest.json"],
    );
    assert_eq!(json.exit, 1);
    insta::assert_snapshot!(json.stdout, @r#"
    {
      "version": 1,
      "valid": false,
      "findings": [
        {
          "place": {
            "file": "models/_models.yml",
            "line": 8,
            "column": 13,
            "source": "            analyst: [read, write]"
          },
          "node": "model.shop.fct_orders",
          "path": "meta.rolecall.grants.analyst",
          "severity": "error",
          "code": "beyond-may",
          "message": "sales_analytics.analyst gets `write` on model.shop.fct_orders, but may only [read]; beyond that: DELETE, INSERT, TRUNCATE, UPDATE",
          "help": "declare less, or let the platform's side widen `may`",
          "also": [
            {
              "file": "rolecall.yml",
              "line": 8,
              "column": 3,
              "source": "  analyst: {may: [read]}"
            },
            "the role's `may` stands here"
          ]
        },
        {
          "place": {
            "file": "models/_models.yml",
            "line": 14,
            "column": 13,
            "source": "            analyst: [TRUNCATE]"
          },
          "node": "model.shop.fct_returns",
          "path": "meta.rolecall.grants.analyst",
          "severity": "error",
          "code": "beyond-may",
          "message": "sales_analytics.analyst gets `TRUNCATE` on model.shop.fct_returns, but may only [read]; beyond that: TRUNCATE",
          "help": "declare less, or let the platform's side widen `may`",
          "also": [
            {
              "file": "rolecall.yml",
              "line": 8,
              "column": 3,
              "source": "  analyst: {may: [read]}"
            },
            "the role's `may` stands here"
          ]
        }
      ]
    }
    "#);
    let right = rolecall(
        &fixture("failures/odd_names"),
        &["validate", "--format", "json", "--manifest", "manifest.json"],
    );
    insta::assert_snapshot!(right.stdout, @r#"
    {
      "version": 1,
      "valid": true,
      "findings": []
    }
    "#);
    assert_eq!((right.exit, right.stderr.as_str()), (0, ""));
}

#[test]
fn a_failed_compile_writes_data_only_where_json_is_asked_for() {
    let folder = fixture("failures/beyond_may");
    let compile = ["compile", "-t", "prod", "--manifest", "manifest.json"];
    for format in [&[][..], &["--format", "sql"]] {
        let ended = rolecall(&folder, &[&compile, format].concat());
        assert_eq!((ended.exit, ended.stdout.as_str()), (1, ""), "{ended:?}");
    }
    let ended = rolecall(&folder, &[&compile[..], &["--format", "json"]].concat());
    assert_eq!((ended.exit, &ended.json()["valid"]), (1, &false.into()));
}

#[test]
fn a_reader_who_has_had_enough_is_no_failure() {
    for arguments in [
        &["compile", "-t", "dev"][..],
        &["compile", "-t", "prod", "--format", "sql"],
        &["completions", "bash"],
        &["schema"],
    ] {
        let mut child = command(&fixture("sales_analytics"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::with_capacity(16, child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        drop(out);
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{arguments:?}: {said}");
        assert!(!said.contains("panic") && !said.contains("pipe"), "{arguments:?}: {said}");
    }
}

/// A full disk must not look like success to whoever reads the file later.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    for arguments in [&["compile", "-t", "prod"][..], &["schema"], &["completions", "fish"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let child = command(&fixture("sales_analytics"))
            .args(arguments)
            .stdout(full)
            .stderr(Stdio::piped())
            .spawn();
        let output = child.unwrap().wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("cannot write to stdout"), "{arguments:?}: {said}");
    }
}

/// What the command shows on a terminal of its own: util-linux's `script` makes one.
fn on_a_terminal(variables: &[(&str, &str)]) -> Option<String> {
    let binary = env!("CARGO_BIN_EXE_rolecall");
    let output = Command::new("script")
        .args(["-qec", &format!("'{binary}' validate --manifest manifest.json"), "/dev/null"])
        .current_dir(fixture("failures/beyond_may"))
        .env_remove("NO_COLOR")
        .env("TERM", "xterm-256color")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => Some(String::from_utf8(output.stdout).unwrap()),
        Err(error) => {
            eprintln!("skipped: no `script` here ({error})");
            None
        }
    }
}

#[test]
fn colour_is_for_terminals_and_only_where_it_is_wanted() {
    let Some(coloured) = on_a_terminal(&[]) else { return };
    assert!(coloured.contains("\u{1b}["), "{coloured:?}");
    let plain = on_a_terminal(&[("NO_COLOR", "1")]).unwrap();
    assert!(plain.contains("beyond-may") && !plain.contains('\u{1b}'), "{plain:?}");
    // An empty NO_COLOR says nothing (no-color.org).
    let empty = on_a_terminal(&[("NO_COLOR", "")]).unwrap();
    assert!(empty.contains("\u{1b}["), "{empty:?}");
}
