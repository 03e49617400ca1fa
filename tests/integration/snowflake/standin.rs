//! The stand-in Snowflake of `tests/snowflake_standin`: one process for each test that wants one.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rolecall::warehouse::snowflake::{Auth, Secret, SnowflakeSettings};
use serde_json::{Value, json};

/// A stand-in that runs. Ends with the value.
pub(crate) struct Standin {
    process: Child,
    pub(crate) port: u16,
    /// Its log is read by others in the end: not where it speaks TLS, which the tests' own interface
    /// does not, nor where others than our sessions say things.
    ours_alone: bool,
}

impl Standin {
    /// Starts one; `None`, and a message, where there is no Python for it.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts one with these arguments.
    pub(crate) fn start_with(arguments: &[&OsStr]) -> Option<Self> {
        let Some(python) = python() else {
            eprintln!("skipped: no Python for the stand-in Snowflake (set ROLECALL_PYTHON)");
            return None;
        };
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let mut process = Command::new(python)
            .args(["-m", "snowflake_standin", "--port", "0"])
            .args(arguments)
            .current_dir(tests)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the stand-in starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("it has an output");
        BufReader::new(stdout).read_line(&mut line).expect("it says its port");
        let port = line.trim().parse().expect("it says a port");
        Some(Self { process, port, ours_alone: arguments.is_empty() })
    }

    /// dbt says things there, too.
    pub(crate) fn of_others_too(mut self) -> Self {
        self.ours_alone = false;
        self
    }

    /// Settings of its administrator.
    pub(crate) fn settings(&self) -> SnowflakeSettings {
        SnowflakeSettings {
            account: "standin".to_owned(),
            user: "admin".to_owned(),
            auth: Auth::Password(Secret::new("standin")),
            role: Some("ACCOUNTADMIN".to_owned()),
            ..super::settings(self.port)
        }
    }

    /// `POST /standin/<what>`.
    pub(crate) fn tell(&self, what: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "POST /standin/{what} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").expect("an answer has a body");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// Statements by its administrator, beside the log and the faults.
    pub(crate) fn sql(&self, statements: &[&str]) -> Value {
        let answer = self.tell("sql", &json!({ "statements": statements }));
        assert!(answer.get("error").is_none(), "{answer}");
        answer
    }

    /// The texts of the statements that sessions sent.
    pub(crate) fn log(&self) -> Vec<Value> {
        let answer = self.tell("log", &json!({}));
        answer["log"].as_array().expect("a log is a list").clone()
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        if self.ours_alone && !std::thread::panicking() {
            let log = self.log();
            let said = log.iter().filter_map(|entry| entry["sql"].as_str());
            super::statements::are_read_by_others(&said.map(str::to_owned).collect());
        }
        // It ends when its input does.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn python() -> Option<PathBuf> {
    std::env::var_os("ROLECALL_PYTHON").map(PathBuf::from).filter(|python| python.exists())
}
