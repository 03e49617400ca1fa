//! Certificates and proxies.

use std::path::Path;
use std::process::Command;

use rolecall::warehouse::snowflake::{Protocol, Proxy, Secret, Sessions, SnowflakeSettings};

use super::scripted::{Reply, Scripted, done};
use super::settings;
use super::standin::Standin;

fn key(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/snowflake/keys").join(name)
}

fn start() -> Option<(Standin, SnowflakeSettings)> {
    let (cert, private) = (key("server.pem"), key("server.key"));
    let standin = Standin::start_with(&[
        "--cert".as_ref(),
        cert.as_os_str(),
        "--key".as_ref(),
        private.as_os_str(),
    ])?;
    let settings = SnowflakeSettings { protocol: Protocol::Https, ..standin.settings() };
    Some((standin, settings))
}

#[tokio::test]
async fn a_certificate_of_ones_own_authority_is_taken_where_it_is_named() {
    let Some((_standin, settings)) = start() else { return };
    let settings = SnowflakeSettings { ca_file: Some(key("ca.pem")), ..settings };
    let sessions = Sessions::connect(&settings, 1).await.unwrap();
    sessions.query("SHOW ROLES").await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_at_once() {
    let Some((_standin, settings)) = start() else { return };
    let error = Sessions::connect(&settings, 1).await.unwrap_err().to_string();
    assert!(error.contains("is not trusted") && error.contains("SSL_CERT_FILE"), "{error}");
    assert!(!error.contains("tried"), "{error}");
    // A certificate for another name is no better.
    let settings = SnowflakeSettings {
        ca_file: Some(key("ca.pem")),
        host: Some("127.0.0.2".to_owned()),
        ..settings
    };
    let error = Sessions::connect(&settings, 1).await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.2"), "{error}");
}

#[tokio::test]
async fn a_file_of_certificates_that_holds_none_is_told() {
    for (file, said) in [("plain.p8", "holds no certificate in PEM"), ("none", "cannot read")] {
        let settings = SnowflakeSettings { ca_file: Some(key(file)), ..settings(1) };
        let error = Sessions::connect(&settings, 1).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

/// The certificates' file is looked at once for the process: so a process of its own.
#[test]
fn a_certificate_of_ssl_cert_file_is_taken() {
    if Standin::start().is_none() {
        return;
    }
    let test = "snowflake::tls::in_a_process_with_ssl_cert_file";
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env("SSL_CERT_FILE", key("ca.pem"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "run by a_certificate_of_ssl_cert_file_is_taken"]
async fn in_a_process_with_ssl_cert_file() {
    let (_standin, settings) = start().unwrap();
    Sessions::connect(&settings, 1).await.unwrap();
}

#[tokio::test]
async fn a_proxy_is_gone_through_and_told_its_password() {
    let proxy = Scripted::for_statements(|_| Reply::Json(done()));
    let settings = SnowflakeSettings {
        // Nobody listens there: only the proxy can have answered.
        proxy: Some(Proxy {
            host: "127.0.0.1".to_owned(),
            port: proxy.port,
            user: Some("us er".to_owned()),
            password: Some(Secret::new("sword:fish")),
        }),
        ..settings(1)
    };
    let sessions = Sessions::connect(&settings, 1).await.unwrap();
    sessions.query("SHOW ROLES").await.unwrap();
    let login = proxy.requests().remove(0);
    // "us er:sword:fish" in base64.
    assert_eq!(login.header("proxy-authorization"), Some("Basic dXMgZXI6c3dvcmQ6ZmlzaA=="));
    let settings = SnowflakeSettings {
        proxy: settings.proxy.map(|proxy| Proxy { host: "a/b".to_owned(), ..proxy }),
        ..settings
    };
    let error = Sessions::connect(&settings, 1).await.unwrap_err().to_string();
    assert!(error.contains("name of a proxy's host") && !error.contains("fish"), "{error}");
}
