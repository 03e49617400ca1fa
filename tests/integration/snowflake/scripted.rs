//! A server that says what a test tells it to: for what must be exact, down to the dropped connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// A request, as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Value,
}

impl Request {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn statement(&self) -> &str {
        self.body["sqlText"].as_str().unwrap_or_default()
    }
}

/// What to say.
pub(super) enum Reply {
    Json(Value),
    Bytes(Vec<u8>),
    Status(u16, &'static str),
    /// Closes the connection without a word.
    Drop,
    /// Says nothing, and keeps the connection.
    Silence,
}

/// The server. Ends with the test.
pub(super) struct Scripted {
    pub(super) port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

type Script = dyn Fn(&Request) -> Reply + Send + Sync;

impl Scripted {
    pub(super) fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let seen = Arc::clone(&requests);
        let script: Arc<Script> = Arc::new(script);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
                std::thread::spawn(move || serve(stream, &seen, &*script));
            }
        });
        Self { port, requests }
    }

    /// Logs everybody in, sets sessions up, and leaves the other statements to `script`.
    pub(super) fn for_statements(
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |request| match request.path.as_str() {
            "/session/v1/login-request" => Reply::Json(logged_in("s1", "m1")),
            "/session" => Reply::Json(json!({"success": true, "data": null})),
            "/queries/v1/query-request"
                if ["USE ", "ALTER SESSION "]
                    .iter()
                    .any(|w| request.statement().starts_with(w)) =>
            {
                Reply::Json(done())
            }
            _ => script(request),
        })
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The requests that carried this statement.
    pub(super) fn sent(&self, statement: &str) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|r| r.statement() == statement && r.path == "/queries/v1/query-request");
        requests
    }
}

pub(super) fn logged_in(session: &str, master: &str) -> Value {
    json!({"success": true, "code": null, "message": null, "data": {
        "token": session, "masterToken": master, "validityInSeconds": 3600,
        "masterValidityInSeconds": 14400, "sessionId": 1, "serverVersion": "9.0",
        "sessionInfo": {"roleName": "DEPLOYER"},
        "parameters": [{"name": "AUTOCOMMIT", "value": true}, {"name": "TIMEZONE", "value": "UTC"}],
    }})
}

pub(super) fn done() -> Value {
    rows(&["status"], json!([["Statement executed successfully."]]))
}

pub(super) fn rows(columns: &[&str], rowset: Value) -> Value {
    let rowtype: Vec<Value> = columns
        .iter()
        .map(|name| json!({"name": name, "type": "text", "nullable": true}))
        .collect();
    let count = rowset.as_array().map_or(0, Vec::len);
    json!({"success": true, "code": null, "message": null, "data": {
        "rowtype": rowtype, "rowset": rowset, "total": count, "returned": count,
        "queryId": "01b", "queryResultFormat": "json",
    }})
}

pub(super) fn error(code: &str, message: &str) -> Value {
    json!({"success": false, "code": code, "message": message, "data": {
        "errorCode": code, "sqlState": "42000", "queryId": "01e", "internalError": false,
    }})
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<Request>>, script: &Script) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some(request) = read(&mut reader) {
        seen.lock().unwrap().push(request.clone());
        let (status, headers, body) = match script(&request) {
            Reply::Json(value) => (200, String::new(), value.to_string().into_bytes()),
            Reply::Bytes(bytes) => (200, String::new(), bytes),
            Reply::Status(status, headers) => (status, headers.to_owned(), Vec::new()),
            Reply::Drop => {
                let _ = writer.shutdown(Shutdown::Both);
                return;
            }
            Reply::Silence => {
                // Until the other side gives up.
                let _ = reader.read(&mut [0]);
                return;
            }
        };
        let head =
            format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
        // In one piece: two small ones would wait for each other's acknowledgement.
        if writer.write_all(&[head.as_bytes(), &body].concat()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    // A proxy is told the whole address.
    let whole = if target.starts_with('/') { format!("http://x{target}") } else { target.clone() };
    let url = url::Url::parse(&whole).unwrap();
    Some(Request {
        method,
        path: url.path().to_owned(),
        query: url.query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned())).collect(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    })
}
