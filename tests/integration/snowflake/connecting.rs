//! Logging in: what is sent for each proof of identity, and what a person reads when it is refused.

use base64::Engine as _;
use rolecall::warehouse::snowflake::{Auth, Secret, Sessions, SnowflakeSettings};
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::pkcs8::DecodePublicKey;
use rsa::sha2::Sha256;
use rsa::signature::Verifier;
use serde_json::{Value, json};

use super::scripted::{Reply, Request, Scripted, done, error, logged_in};
use super::settings;

async fn login_of(change: impl FnOnce(&mut SnowflakeSettings)) -> Request {
    let server = Scripted::for_statements(|_| Reply::Json(done()));
    let mut settings = settings(server.port);
    change(&mut settings);
    Sessions::connect(&settings, 1).await.unwrap();
    server.requests().remove(0)
}

/// What the person reads when the login is refused so.
async fn refused(auth: Auth, code: &'static str, message: &'static str) -> String {
    let server = Scripted::start(move |_| Reply::Json(error(code, message)));
    let settings =
        SnowflakeSettings { auth, warehouse: Some("BI_WH".to_owned()), ..settings(server.port) };
    let said = Sessions::connect(&settings, 1).await.unwrap_err().to_string();
    assert_eq!(server.requests().len(), 1, "a refused login is not repeated: it locks users");
    said
}

fn password() -> Auth {
    Auth::Password(Secret::new("swordfish"))
}

fn key_pair(pem: &str, passphrase: Option<&str>) -> Auth {
    Auth::KeyPair { pem: Secret::new(pem), passphrase: passphrase.map(Secret::new) }
}

const FINGERPRINT: &str = "SHA256:56UZ+SZUzgrA366o+LW6dg3usBXlxRPLxcHdkTxW2ik=";

#[tokio::test]
async fn names_are_sent_as_they_are_written() {
    let login = login_of(|settings| {
        settings.account = "acme-Test_1".to_owned();
        settings.user = "jane.doe@acme.example".to_owned();
        settings.role = Some("\"Deployer\"".to_owned());
        settings.warehouse = Some("bi_wh".to_owned());
        settings.database = Some("\"Analytics\"".to_owned());
        settings.session_parameters.insert("query_tag".to_owned(), "deploy".to_owned());
        settings.session_parameters.insert("autocommit".to_owned(), "false".to_owned());
    })
    .await;
    assert_eq!(login.parameter("roleName"), Some("\"Deployer\""));
    assert_eq!(login.parameter("warehouse"), Some("bi_wh"));
    assert_eq!(login.parameter("databaseName"), Some("\"Analytics\""));
    assert_eq!(login.parameter("schemaName"), None);
    let mut data = login.body["data"].clone();
    data.as_object_mut().unwrap().remove("CLIENT_ENVIRONMENT");
    assert_eq!(
        data,
        json!({
            "ACCOUNT_NAME": "ACME-TEST_1",
            "LOGIN_NAME": "jane.doe@acme.example",
            "PASSWORD": "swordfish",
            "CLIENT_APP_VERSION": env!("CARGO_PKG_VERSION"),
            "SESSION_PARAMETERS": {
                // What the tool depends on cannot be set otherwise.
                "AUTOCOMMIT": true,
                "CLIENT_VALIDATE_DEFAULT_PARAMETERS": true,
                "MULTI_STATEMENT_COUNT": 1,
                "QUERY_TAG": "deploy",
                "QUOTED_IDENTIFIERS_IGNORE_CASE": false,
                "ROWS_PER_RESULTSET": 0,
                "STATEMENT_TIMEOUT_IN_SECONDS": 20,
                "TIMEZONE": "UTC",
            },
        })
    );
}

#[tokio::test]
async fn the_role_is_taken_where_the_login_did_not() {
    for (written, said) in [
        ("deployer", None),
        ("DEPLOYER", None),
        ("\"deployer\"", Some("USE ROLE \"deployer\"")),
        ("other", Some("USE ROLE \"OTHER\"")),
    ] {
        let server = Scripted::for_statements(|_| Reply::Json(done()));
        let settings =
            SnowflakeSettings { role: Some(written.to_owned()), ..settings(server.port) };
        Sessions::connect(&settings, 1).await.unwrap();
        let requests = server.requests();
        let used = requests.iter().map(Request::statement).find(|s| s.starts_with("USE ROLE"));
        assert_eq!(used, said, "{written}");
    }
}

#[tokio::test]
async fn tokens_are_sent_as_what_they_are() {
    for (auth, name) in [
        (Auth::OAuth(Secret::new("t0ken")), "OAUTH"),
        (Auth::ProgrammaticAccessToken(Secret::new("t0ken")), "PROGRAMMATIC_ACCESS_TOKEN"),
    ] {
        let login = login_of(|settings| settings.auth = auth).await;
        assert_eq!(login.body["data"]["AUTHENTICATOR"], name);
        assert_eq!(login.body["data"]["TOKEN"], "t0ken");
        assert_eq!(login.body["data"]["PASSWORD"], Value::Null);
    }
}

#[tokio::test]
async fn a_key_in_any_form_signs_a_token_that_its_public_half_verifies() {
    let public = VerifyingKey::<Sha256>::new(
        rsa::RsaPublicKey::from_public_key_pem(include_str!("keys/public.pub")).unwrap(),
    );
    let plain = include_str!("keys/plain.p8");
    let spelt_out = plain.replace('\n', "\\n");
    let der: String = plain.lines().filter(|line| !line.starts_with('-')).collect();
    for (pem, passphrase) in [
        (plain, None),
        (&*spelt_out, None),
        (&*der, None),
        (include_str!("keys/pkcs1.pem"), None),
        (include_str!("keys/des3.p8"), Some("opensesame")),
        (include_str!("keys/aes.p8"), Some("opensesame")),
        (include_str!("keys/sha1.p8"), Some("opensesame")),
        (include_str!("keys/scrypt.p8"), Some("opensesame")),
    ] {
        let login = login_of(|settings| {
            settings.account = "acme.eu-west-1".to_owned();
            settings.auth = key_pair(pem, passphrase);
        })
        .await;
        assert_eq!(login.body["data"]["AUTHENTICATOR"], "SNOWFLAKE_JWT");
        let token = login.body["data"]["TOKEN"].as_str().unwrap().to_owned();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let decode =
            |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
        public
            .verify(signed.as_bytes(), &Signature::try_from(&*decode(signature)).unwrap())
            .unwrap();
        let claims: Value =
            serde_json::from_slice(&decode(signed.split_once('.').unwrap().1)).unwrap();
        assert_eq!(claims["sub"], "ACME.DEPLOY");
        assert_eq!(claims["iss"], format!("ACME.DEPLOY.{FINGERPRINT}"));
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_told_before_anything_is_sent() {
    let mut told = String::new();
    for (name, pem, passphrase) in [
        ("no passphrase", include_str!("keys/aes.p8"), None),
        ("wrong passphrase", include_str!("keys/aes.p8"), Some("sesame")),
        ("old format", include_str!("keys/old.pem"), Some("opensesame")),
        ("public half", include_str!("keys/public.pub"), None),
        ("another kind", include_str!("keys/ec.p8"), None),
        ("cut", &include_str!("keys/plain.p8")[..400], None),
        ("a path", "/keys/rsa_key.p8", None),
        ("nothing", "", None),
    ] {
        // Port 1: nothing listens.
        let settings = SnowflakeSettings { auth: key_pair(pem, passphrase), ..settings(1) };
        let error = Sessions::connect(&settings, 1).await.unwrap_err().to_string();
        let said = error.split_once("127.0.0.1:1: ").unwrap().1;
        told.push_str(&format!("{name}: {said}\n"));
    }
    insta::assert_snapshot!(told, @r"
    no passphrase: the private key is encrypted: give its passphrase (`private_key_passphrase`)
    wrong passphrase: the private key cannot be decrypted: the passphrase is wrong, or the cipher is none that PKCS#8 keys have today
    old format: the private key is encrypted in OpenSSL's old format; `openssl pkcs8 -topk8 -in OLD -out NEW.p8` writes it as PKCS#8 (an OpenSSH key: first `ssh-keygen -p -m PEM -f OLD`)
    public half: that is the public key; the private one is needed here
    another kind: the private key is damaged: not all of the PEM text is there, or its lines ran into one, or it is not an RSA key
    cut: the private key is damaged: not all of the PEM text is there, or its lines ran into one, or it is not an RSA key
    a path: the private key is neither PEM (`-----BEGIN PRIVATE KEY-----`) nor DER in base64
    nothing: the private key is empty
    ");
}

#[tokio::test]
async fn a_refused_login_says_what_to_do() {
    let key = || key_pair(include_str!("keys/plain.p8"), None);
    let pat = || Auth::ProgrammaticAccessToken(Secret::new("t0ken"));
    let mut told = String::new();
    for (auth, code, message) in [
        (password(), "390100", "Incorrect username or password was specified."),
        (pat(), "390100", "Programmatic access token is invalid."),
        (key(), "390144", "JWT token is invalid. [0ce9eb56]"),
        (password(), "390102", "Your user account has been temporarily locked."),
        (password(), "390101", "User access disabled. Contact your local system administrator."),
        (password(), "394508", "Failed to authenticate: MFA enrollment is required."),
        (password(), "390422", "Incoming request with IP/Token 203.0.113.9 is not allowed."),
        (pat(), "390432", "Network policy is required."),
        (password(), "390189", "Role 'DEPLOYER' specified in the connect string does not exist."),
        (password(), "390201", "The requested warehouse does not exist or not authorized."),
        (Auth::OAuth(Secret::new("t0ken")), "390318", "OAuth access token expired."),
        (password(), "999999", "Something new."),
    ] {
        let said = refused(auth, code, message).await;
        assert!(!said.contains("swordfish") && !said.contains("t0ken"));
        told.push_str(said.split_once(": ").unwrap().1);
        told.push('\n');
    }
    assert!(told.contains(FINGERPRINT));
    insta::assert_snapshot!(told, @r"
    Incorrect username or password was specified. (code 390100)
      The user or the password is wrong. A user of TYPE = SERVICE has no password: use a key pair.
    Programmatic access token is invalid. (code 390100)
      The user or the token is wrong, or the token is for another user.
    JWT token is invalid. [0ce9eb56] (code 390144)
      The key that was used has the fingerprint SHA256:56UZ+SZUzgrA366o+LW6dg3usBXlxRPLxcHdkTxW2ik=. Compare it with RSA_PUBLIC_KEY_FP and RSA_PUBLIC_KEY_2_FP of DESCRIBE USER deploy. If it is there, look at this machine's clock (a token counts for a minute) and at the names of account and login.
    Your user account has been temporarily locked. (code 390102)
      The user is locked after failed logins: wait 15 minutes, or an administrator says ALTER USER deploy SET MINS_TO_UNLOCK = 0.
    User access disabled. Contact your local system administrator. (code 390101)
      The user is disabled: an administrator can say ALTER USER deploy SET DISABLED = FALSE.
    Failed to authenticate: MFA enrollment is required. (code 394508)
      This user's password counts only together with a second factor, which a job has not: use a key pair (`private_key_path`) or a programmatic access token, best for a user of TYPE = SERVICE.
    Incoming request with IP/Token 203.0.113.9 is not allowed. (code 390422)
      A network policy keeps this machine's address out: its administrator can add the address to the policy's allowed list.
    Network policy is required. (code 390432)
      A programmatic access token counts only for a user under a network policy.
    Role 'DEPLOYER' specified in the connect string does not exist. (code 390189)
      The role DEPLOYER does not exist or is not granted to the user: SHOW GRANTS TO USER deploy lists what is.
    The requested warehouse does not exist or not authorized. (code 390201)
      The profile's warehouse BI_WH does not exist, or the role DEPLOYER lacks USAGE on it.
    OAuth access token expired. (code 390318)
      The OAuth token is wrong or has expired: get a new one.
    Something new. (code 999999)
    ");
}

#[tokio::test]
async fn what_is_not_snowflake_is_told() {
    let mut told = String::new();
    for reply in [
        || Reply::Bytes(b"<html>Sign in to the guest network</html>".to_vec()),
        || Reply::Status(404, ""),
        || Reply::Status(403, ""),
        || Reply::Json(json!({"success": true, "data": {}})),
    ] {
        let server = Scripted::start(move |_| reply());
        let error = Sessions::connect(&settings(server.port), 1).await.unwrap_err().to_string();
        told.push_str(&error.replace(&server.port.to_string(), "PORT"));
        told.push('\n');
    }
    insta::assert_snapshot!(told, @r#"
    cannot connect to Snowflake account acme-test as deploy in role DEPLOYER at 127.0.0.1:PORT: what answers there does not speak Snowflake's protocol
    cannot connect to Snowflake account acme-test as deploy in role DEPLOYER at 127.0.0.1:PORT: the server answered HTTP 404 Not Found
      http://127.0.0.1:PORT knows no such account: is "acme-test" right?
    cannot connect to Snowflake account acme-test as deploy in role DEPLOYER at 127.0.0.1:PORT: the server answered HTTP 403 Forbidden
      http://127.0.0.1:PORT knows no such account: is "acme-test" right?
    cannot connect to Snowflake account acme-test as deploy in role DEPLOYER at 127.0.0.1:PORT: what answers there does not speak Snowflake's protocol
    "#);
}

#[tokio::test]
async fn a_session_that_cannot_be_set_up_is_not_used() {
    let server = Scripted::start(|request| match request.path.as_str() {
        "/session/v1/login-request" => Reply::Json(logged_in("s1", "m1")),
        _ if request.statement().starts_with("USE SECONDARY") => {
            Reply::Json(error("003001", "Insufficient privileges"))
        }
        _ => Reply::Json(done()),
    });
    let error = Sessions::connect(&settings(server.port), 1).await.unwrap_err().to_string();
    assert!(error.contains("Insufficient privileges (code 003001)"), "{error}");
}

#[tokio::test]
async fn a_host_that_nobody_knows_is_told() {
    let settings = SnowflakeSettings {
        host: Some("no-such-host.invalid".to_owned()),
        protocol: rolecall::warehouse::snowflake::Protocol::Https,
        ..settings(443)
    };
    let error = Sessions::connect(&settings, 1).await.unwrap_err().to_string();
    assert!(error.contains("is not known to this machine's name service"), "{error}");
}
