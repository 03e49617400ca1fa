//! The keys of dbt's snowflake adapter that matter to a session.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::fields::Fields;
use super::value::{Text, Value};
use crate::model::Diagnostics;

/// How to connect to Snowflake, as an output of `profiles.yml` says.
#[derive(Debug, Clone)]
pub struct SnowflakeProfile {
    /// The account's identifier, with hyphens for underscores, as dbt makes it.
    pub account: Text,
    /// The user; not needed by the authenticators `oauth` and `jwt`.
    pub user: Option<Text>,
    /// The user's password.
    pub password: Option<SecretString>,
    /// A private key: PEM, or base64 of DER.
    pub private_key: Option<SecretString>,
    /// The file of a private key, relative to the dbt project.
    pub private_key_path: Option<PathBuf>,
    /// What the private key is encrypted with.
    pub private_key_passphrase: Option<SecretString>,
    /// `snowflake` where it is not said; `externalbrowser`, `oauth`, `jwt`,
    /// `username_password_mfa`, or an identity provider's URL.
    pub authenticator: Option<Text>,
    /// An access token; a refresh token where there is an OAuth client.
    pub token: Option<SecretString>,
    /// The OAuth client.
    pub oauth_client_id: Option<Text>,
    /// The OAuth client's secret.
    pub oauth_client_secret: Option<SecretString>,
    /// The role of the session; the user's default where it is not said.
    pub role: Option<Text>,
    /// The warehouse of the session.
    pub warehouse: Option<Text>,
    /// The database of the session.
    pub database: Text,
    /// The schema of the session.
    pub schema: Text,
    /// Where the account is served, if not at `<account>.snowflakecomputing.com`.
    pub host: Option<Text>,
    /// Its port, if not 443.
    pub port: Option<u16>,
    /// `https` unless said otherwise.
    pub protocol: Option<Text>,
    /// A proxy's host.
    pub proxy_host: Option<Text>,
    /// A proxy's port.
    pub proxy_port: Option<u16>,
    /// Certificates' revocation is not asked about.
    pub insecure_mode: bool,
    /// How many more attempts to make to connect.
    pub connect_retries: u32,
    /// How long dbt waits between two attempts.
    pub connect_timeout: Option<Duration>,
    /// Errors of the database are reasons to try again, too.
    pub retry_on_database_errors: bool,
    /// Every error is.
    pub retry_all: bool,
    /// The session is kept alive.
    pub client_session_keep_alive: bool,
    /// The session's QUERY_TAG.
    pub query_tag: Option<Text>,
    /// `none`, `all`, or names.
    pub secondary_roles: Option<Text>,
    /// Further parameters of the session.
    pub session_parameters: BTreeMap<String, Text>,
}

impl SnowflakeProfile {
    pub(super) fn read(mut fields: Fields<'_>) -> (Self, Diagnostics) {
        let some = |text: &Text| !text.expose().is_empty();
        let hyphens = |text: Text| {
            let account = text.expose().replace('_', "-");
            if text.is_secret() { Text::secret(account) } else { Text::open(account) }
        };
        let port = |fields: &mut Fields<'_>, key| {
            fields.number(key, 65_535).and_then(|port| u16::try_from(port).ok()).filter(|p| *p > 0)
        };
        let read = Self {
            account: hyphens(fields.needed(&["account"])),
            user: fields.text(&["user"]).filter(some),
            password: fields.text(&["password"]).filter(some).map(Text::into_secret),
            private_key: fields.text(&["private_key"]).filter(some).map(Text::into_secret),
            private_key_path: fields
                .text(&["private_key_path"])
                .filter(some)
                .map(|path| PathBuf::from(path.expose())),
            private_key_passphrase: fields
                .text(&["private_key_passphrase"])
                .filter(some)
                .map(Text::into_secret),
            authenticator: fields.text(&["authenticator"]).filter(some),
            token: fields.text(&["token"]).filter(some).map(Text::into_secret),
            oauth_client_id: fields.text(&["oauth_client_id"]).filter(some),
            oauth_client_secret: fields
                .text(&["oauth_client_secret"])
                .filter(some)
                .map(Text::into_secret),
            role: fields.text(&["role"]).filter(some),
            warehouse: fields.text(&["warehouse"]).filter(some),
            database: fields.needed(&["database"]),
            schema: fields.needed(&["schema"]),
            host: fields.text(&["host"]).filter(some),
            port: port(&mut fields, "port"),
            protocol: fields.text(&["protocol"]).filter(some),
            proxy_host: fields.text(&["proxy_host"]).filter(some),
            proxy_port: port(&mut fields, "proxy_port"),
            insecure_mode: fields.truth("insecure_mode").unwrap_or(false),
            connect_retries: fields
                .number("connect_retries", 100)
                .and_then(|number| u32::try_from(number).ok())
                .unwrap_or(1),
            connect_timeout: fields
                .number("connect_timeout", 31_536_000)
                .map(|number| Duration::from_secs(number.unsigned_abs())),
            retry_on_database_errors: fields.truth("retry_on_database_errors").unwrap_or(false),
            retry_all: fields.truth("retry_all").unwrap_or(false),
            client_session_keep_alive: fields.truth("client_session_keep_alive").unwrap_or(false),
            query_tag: fields.text(&["query_tag"]).filter(some),
            secondary_roles: fields.text(&["secondary_roles"]).filter(some),
            session_parameters: parameters(&mut fields),
        };
        if read.private_key.is_some() && read.private_key_path.is_some() {
            fields.refuse(
                "private_key_path",
                "`private_key` and `private_key_path` are both given".to_owned(),
                "keep one of the two".to_owned(),
            );
        }
        let by_token = read.authenticator.as_ref().map(Text::expose);
        if read.user.is_none() && !matches!(by_token, Some("oauth" | "jwt")) {
            fields.needed(&["user"]);
        }
        // What only loading data or a Python client has a use for.
        fields.skip(&[
            "reuse_connections",
            "s3_stage_vpce_dns_name",
            "platform_detection_timeout_seconds",
        ]);
        (read, fields.finish())
    }
}

fn parameters(fields: &mut Fields<'_>) -> BTreeMap<String, Text> {
    let wrong = "`session_parameters` must be a map of names and values";
    let Some(value) = fields.any("session_parameters") else { return BTreeMap::new() };
    let Value::Map(entries) = value else {
        fields.refuse("session_parameters", wrong.to_owned(), "write NAME: value".to_owned());
        return BTreeMap::new();
    };
    let mut parameters = BTreeMap::new();
    for (name, value) in entries {
        let value = match value {
            Value::Text(text) => text.clone(),
            Value::Bool(value) => Text::open(value.to_string()),
            Value::Int(number) => Text::open(number.to_string()),
            Value::Float(number) => Text::open(number.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) => {
                let message = format!("{wrong}, and {name} has {}", value.kind());
                fields.refuse("session_parameters", message, "write NAME: value".to_owned());
                continue;
            }
        };
        parameters.insert(name.clone(), value);
    }
    parameters
}
