//! What a session needs to know: where, as whom, and how long to wait.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

/// A text that is never shown: no output, error or log has it.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into().into())
    }

    /// The secret itself, for whom it is meant.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<SecretString> for Secret {
    fn from(secret: SecretString) -> Self {
        Self(secret)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// How the user proves who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// A private key whose public half is the user's `RSA_PUBLIC_KEY` (or `RSA_PUBLIC_KEY_2`).
    KeyPair {
        /// PEM (PKCS#8, encrypted or not, or PKCS#1), or DER in base64.
        pem: Secret,
        /// What an encrypted key opens with.
        passphrase: Option<Secret>,
    },
    /// A password. Snowflake is switching single-factor passwords off.
    Password(Secret),
    /// An access token of an OAuth provider.
    OAuth(Secret),
    /// A programmatic access token.
    ProgrammaticAccessToken(Secret),
}

/// The scheme of the server's address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protocol {
    /// TLS.
    #[default]
    Https,
    /// None: only to this machine, for tests.
    Http,
}

impl Protocol {
    pub(super) fn scheme(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

/// An HTTP proxy that connections go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// A user, where the proxy wants one.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
}

/// How what is safe to repeat is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often at most, the first time not counted.
    pub times: u32,
    /// How long to wait before the first repetition; each further one doubles it.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { times: 7, first: Duration::from_millis(500), longest: Duration::from_secs(16) }
    }
}

/// What a session needs. Names are as dbt's profile takes them: Snowflake folds a bare name, and
/// `"Exact"` is exact.
#[derive(Clone, PartialEq, Eq)]
pub struct SnowflakeSettings {
    /// The account's identifier: `org-name`, or a locator with its region.
    pub account: String,
    /// The login name. Sent as it is: Snowflake does not mind its case.
    pub user: String,
    /// How the user proves who they are.
    pub auth: Auth,
    /// The executing role; else the user's default.
    pub role: Option<String>,
    /// For queries of INFORMATION_SCHEMA and ACCOUNT_USAGE; SHOW, GRANT and REVOKE need none.
    pub warehouse: Option<String>,
    /// The session's database.
    pub database: Option<String>,
    /// The session's schema.
    pub schema: Option<String>,
    /// Another host than the account's own, for PrivateLink and tests.
    pub host: Option<String>,
    /// Another port.
    pub port: Option<u16>,
    /// TLS or none.
    pub protocol: Protocol,
    /// A proxy; else the environment's (`HTTPS_PROXY`, `NO_PROXY`).
    pub proxy: Option<Proxy>,
    /// Certificates in PEM that are trusted beside the system's. `SSL_CERT_FILE` is honoured too.
    pub ca_file: Option<PathBuf>,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a statement may take altogether; the server is told, too.
    pub statement_timeout: Duration,
    /// Session parameters beside those that Rolecall depends on.
    pub session_parameters: BTreeMap<String, String>,
    /// How what is safe to repeat is repeated.
    pub retry: Retry,
    /// Texts among the above that are secrets all the same: no message shows them.
    pub hidden: Vec<Secret>,
}

impl fmt::Debug for SnowflakeSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = format!(
            "SnowflakeSettings {{ account: {:?}, user: {:?}, role: {:?}, host: {:?}, .. }}",
            self.account, self.user, self.role, self.host
        );
        f.write_str(&self.redacted(shown))
    }
}

impl SnowflakeSettings {
    /// A message without what is to be hidden.
    pub(super) fn redacted(&self, mut message: String) -> String {
        for hidden in self.hidden.iter().filter(|hidden| !hidden.expose().is_empty()) {
            message = message.replace(hidden.expose(), "*****");
        }
        message
    }

    /// The defaults, for an account, a user and a proof.
    pub fn new(account: impl Into<String>, user: impl Into<String>, auth: Auth) -> Self {
        Self {
            account: account.into(),
            user: user.into(),
            auth,
            role: None,
            warehouse: None,
            database: None,
            schema: None,
            host: None,
            port: None,
            protocol: Protocol::Https,
            proxy: None,
            ca_file: None,
            connect_timeout: Duration::from_secs(15),
            statement_timeout: Duration::from_secs(600),
            session_parameters: BTreeMap::new(),
            retry: Retry::default(),
            hidden: Vec::new(),
        }
    }
}
