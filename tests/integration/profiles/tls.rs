//! libpq's `sslmode` against a real server, with certificates made here.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rolecall::warehouse::engine::{Engine, native::Options};
use rolecall::warehouse::postgres::Postgres;

use crate::dialect::oracle::python;
use crate::engines::{bins, session};

/// An authority, and how it signs.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate and its key, in PEM.
    fn sign(&self, name: &str) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// Some get in only with TLS, without it, or with a certificate; the superuser by password.
const HBA: &str = "
hostssl   all only_tls    127.0.0.1/32 trust
hostnossl all only_plain  127.0.0.1/32 trust
hostssl   all certified   127.0.0.1/32 trust clientcert=verify-ca
host      all postgres    127.0.0.1/32 scram-sha-256
";

fn server(files: &[(&str, &str)], settings: &[(&str, &str)]) -> Engine {
    let own = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    };
    // Not every build of PostgreSQL speaks TLS.
    let start = |bin| Engine::native(&Options { bin, files: own(files), settings: own(settings) });
    let mut last = None;
    for bin in bins() {
        match start(bin) {
            Ok(engine) => return engine,
            Err(error) => last = Some(error),
        }
    }
    panic!("none of the servers starts so: {last:?}")
}

fn speaking_tls(certificate: &(String, String), clients: &str) -> Engine {
    let (cert, key) = certificate;
    server(
        &[
            ("server.crt", cert),
            ("server.key", key),
            ("clients.crt", clients),
            ("pg_hba.conf", HBA),
        ],
        &[("ssl", "on"), ("ssl_ca_file", "clients.crt")],
    )
}

async fn users(engine: &Engine) {
    let admin = session(&engine.url("postgres")).await;
    for user in ["only_tls", "only_plain", "certified"] {
        admin.batch_execute(&format!("create role {user} login password 'pw'")).await.unwrap();
    }
}

/// `TLS`, `plain`, or why not.
async fn asked(engine: &Engine, user: &str, host: &str, parameters: &str) -> String {
    asked_at(&url(engine, user, host, parameters)).await
}

fn url(engine: &Engine, user: &str, host: &str, parameters: &str) -> String {
    let url = engine.url("postgres");
    let (_, place) = url.split_once('@').unwrap();
    let credentials = match user {
        "postgres" => url.split_once('@').unwrap().0.to_owned(),
        user => format!("postgres://{user}:pw"),
    };
    let place = place.replace("127.0.0.1", host);
    format!("{credentials}@{place}?connect_timeout=10&{parameters}")
}

async fn asked_at(url: &str) -> String {
    match Postgres::connect(url).await {
        Ok(session) => {
            let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
            let row = session.client().query_one(sql, &[]).await.unwrap();
            if row.get::<_, bool>(0) { "TLS".to_owned() } else { "plain".to_owned() }
        }
        Err(error) => {
            let error = error.to_string();
            error.split_once(": ").unwrap().1.to_owned()
        }
    }
}

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

/// What libpq itself, as dbt uses it, makes of the same texts.
fn asked_of_libpq(urls: &[String]) -> Vec<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/libpq_connect.py");
    let mut child = Command::new(python())
        .arg(script)
        .env("HOME", "/nowhere")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ROLECALL_PYTHON is a Python with psycopg2");
    let questions = serde_json::to_vec(urls).unwrap();
    child.stdin.take().unwrap().write_all(&questions).unwrap();
    serde_json::from_slice(&child.wait_with_output().unwrap().stdout).expect("libpq answers")
}

#[tokio::test(flavor = "multi_thread")]
async fn sslmode_ends_as_it_does_with_libpq() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let files = Files::new();
    let root = show(&files.put("root.crt", &ours.pem));
    let unknown = show(&files.put("other.crt", &other.pem));
    let (cert, key) = ours.sign("certified");
    let client = format!(
        "&sslcert={}&sslkey={}",
        show(&files.put("client.crt", &cert)),
        show(&files.put("client.key", &key))
    );
    let speaking = speaking_tls(&ours.sign("localhost"), &ours.pem);
    users(&speaking).await;
    let silent = server(&[], &[]);
    let mut urls = Vec::new();
    for mode in ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] {
        for roots in
            [String::new(), format!("&sslrootcert={root}"), format!("&sslrootcert={unknown}")]
        {
            for host in ["localhost", "127.0.0.1"] {
                for user in ["postgres", "only_tls", "only_plain"] {
                    let parameters = format!("sslmode={mode}{roots}");
                    urls.push(url(&speaking, user, host, &parameters));
                }
            }
            urls.push(url(&silent, "postgres", "localhost", &format!("sslmode={mode}{roots}")));
        }
        for client in ["", &client] {
            let parameters = format!("sslmode={mode}&sslrootcert={root}{client}");
            urls.push(url(&speaking, "certified", "localhost", &parameters));
        }
    }
    urls.push(url(&speaking, "postgres", "localhost", "sslmode=require&sslrootcert=system"));
    let theirs = asked_of_libpq(&urls);
    let mut wrong = Vec::new();
    for (url, theirs) in urls.iter().zip(&theirs) {
        let mine = asked_at(url).await;
        let word = if matches!(mine.as_str(), "TLS" | "plain") { &mine } else { "refused" };
        if word != theirs {
            wrong.push(format!("{url}\n  libpq: {theirs}\n  ours: {mine}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), urls.len(), wrong.join("\n"));
    for word in ["TLS", "plain", "refused"] {
        assert!(theirs.iter().filter(|it| *it == word).count() > 10, "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_trusted_as_far_as_sslmode_says() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let files = Files::new();
    let root = show(&files.put("root.crt", &ours.pem));
    let unknown = show(&files.put("other.crt", &other.pem));
    let engine = speaking_tls(&ours.sign("localhost"), &ours.pem);
    let ask = |host: &'static str, parameters: String| {
        let engine = &engine;
        async move { asked(engine, "postgres", host, &parameters).await }
    };
    for (mode, ends) in
        [("disable", "plain"), ("allow", "plain"), ("prefer", "TLS"), ("require", "TLS")]
    {
        assert_eq!(ask("localhost", format!("sslmode={mode}")).await, ends, "{mode}");
    }
    // `require` with root certificates verifies as verify-ca does: the name does not matter.
    for mode in ["require", "verify-ca"] {
        for host in ["localhost", "127.0.0.1"] {
            assert_eq!(ask(host, format!("sslmode={mode}&sslrootcert={root}")).await, "TLS");
        }
        let refused = ask("localhost", format!("sslmode={mode}&sslrootcert={unknown}")).await;
        assert!(refused.contains("UnknownIssuer"), "{refused}");
    }
    let full = |root: &str| format!("sslmode=verify-full&sslrootcert={root}");
    assert_eq!(ask("localhost", full(&root)).await, "TLS");
    let refused = ask("127.0.0.1", full(&root)).await;
    assert!(refused.contains("not valid for name \"127.0.0.1\""), "{refused}");
    let refused = ask("localhost", full(&unknown)).await;
    assert!(refused.contains("UnknownIssuer"), "{refused}");
    // The system has never heard of it.
    let refused = ask("localhost", "sslrootcert=system".to_owned()).await;
    assert!(
        refused.contains("UnknownIssuer") || refused.contains("no root certificates"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_s_certificate_is_shown_where_the_server_wants_one() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let files = Files::new();
    let pair = |name: &str, (cert, key): (String, String)| {
        let cert = show(&files.put(&format!("{name}.crt"), &cert));
        let key = show(&files.put(&format!("{name}.key"), &key));
        format!("sslmode=require&sslcert={cert}&sslkey={key}")
    };
    let known = pair("known", ours.sign("certified"));
    let unknown = pair("unknown", other.sign("certified"));
    let engine = speaking_tls(&ours.sign("localhost"), &ours.pem);
    users(&engine).await;
    let ask = |parameters: String| {
        let engine = &engine;
        async move { asked(engine, "certified", "localhost", &parameters).await }
    };
    assert_eq!(ask(known.clone()).await, "TLS");
    let refused = ask("sslmode=require".to_owned()).await;
    assert!(refused.contains("requires a valid client certificate"), "{refused}");
    let refused = ask(unknown).await;
    assert!(!matches!(refused.as_str(), "TLS" | "plain"), "{refused}");
    let alone = known.split("&sslkey").next().unwrap().to_owned();
    assert!(ask(alone).await.contains("has no sslkey"));
    // A key that others may read is no secret.
    let key = files.0.path().join("known.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = ask(known).await;
    assert!(refused.contains("others may read it"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_preferred_gives_way() {
    let ours = Authority::new("ours");
    let other = Authority::new("other");
    let files = Files::new();
    let unknown = show(&files.put("other.crt", &other.pem));
    let engine = speaking_tls(&ours.sign("localhost"), &ours.pem);
    users(&engine).await;
    for (user, mode, ends) in [
        ("only_tls", "allow", "TLS"),
        ("only_tls", "prefer", "TLS"),
        ("only_plain", "allow", "plain"),
        ("only_plain", "prefer", "plain"),
    ] {
        let got = asked(&engine, user, "localhost", &format!("sslmode={mode}")).await;
        assert_eq!(got, ends, "{user} {mode}");
    }
    let unverified = format!("sslmode=prefer&sslrootcert={unknown}");
    assert_eq!(asked(&engine, "only_plain", "localhost", &unverified).await, "plain");
    for (user, mode) in [("only_tls", "disable"), ("only_plain", "require")] {
        let refused = asked(&engine, user, "localhost", &format!("sslmode={mode}")).await;
        assert!(refused.contains("no pg_hba.conf entry"), "{user} {mode}: {refused}");
    }
    // A wrong password is wrong both ways: it is not sent again.
    let url = engine.url("postgres").replace("://postgres:", "://postgres:not-");
    let refused = asked_at(&url).await;
    assert_eq!(refused.matches("password authentication failed").count(), 1, "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_good_enough_only_where_that_is_allowed() {
    let engine = server(&[], &[]);
    for mode in ["disable", "allow", "prefer"] {
        let got = asked(&engine, "postgres", "localhost", &format!("sslmode={mode}")).await;
        assert_eq!(got, "plain", "{mode}");
    }
    let ours = Authority::new("ours");
    let files = Files::new();
    let root = show(&files.put("root.crt", &ours.pem));
    for mode in ["require", "verify-ca", "verify-full"] {
        let parameters = format!("sslmode={mode}&sslrootcert={root}");
        let refused = asked(&engine, "postgres", "localhost", &parameters).await;
        assert!(refused.contains("server does not support TLS"), "{mode}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_signs_itself_is_trusted_where_it_is_the_root() {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let made = |params: &CertificateParams| {
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    };
    let (certificate, another) = (made(&params), made(&params));
    let files = Files::new();
    let root = show(&files.put("root.crt", &certificate.0));
    let same_name = show(&files.put("another.crt", &another.0));
    let engine = speaking_tls(&certificate, &certificate.0);
    let ask = |host: &'static str, parameters: String| {
        let engine = &engine;
        async move { asked(engine, "postgres", host, &parameters).await }
    };
    let full = |root: &str| format!("sslmode=verify-full&sslrootcert={root}");
    assert_eq!(ask("localhost", full(&root)).await, "TLS");
    assert!(ask("127.0.0.1", full(&root)).await.contains("not valid for name"));
    let refused = ask("localhost", full(&same_name)).await;
    assert!(refused.contains("invalid peer certificate"), "{refused}");
    // Long over: its dates count even so.
    params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    params.not_before = rcgen::date_time_ymd(2000, 1, 1);
    let old = made(&params);
    let root = show(&files.put("old.crt", &old.0));
    let engine = speaking_tls(&old, &old.0);
    let refused = asked(&engine, "postgres", "localhost", &full(&root)).await;
    assert!(refused.contains("expired"), "{refused}");
}
