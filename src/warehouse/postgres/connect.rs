//! Making a session: the URL, what every session is set to, and the messages that arrive on it.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};

use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use crate::warehouse::WarehouseError;

use super::errors;

/// What the server said beside its answers: warnings such as `no privileges were granted`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// `WARNING`, `NOTICE` and so on.
    pub severity: String,
    /// The server's code.
    pub code: String,
    /// What it said.
    pub message: String,
}

/// Notices as they arrive, in the order of the answers that they belong to.
pub(super) type Notices = Arc<Mutex<Vec<Notice>>>;

/// A URL that has been read: where to connect, and how to say it without the password.
#[derive(Clone)]
pub(super) struct Target {
    config: Config,
    /// `host:port/database as user`.
    pub(super) label: String,
}

/// The oldest server that is read.
const OLDEST: u32 = 130_000;

/// Every session is set so: nothing in a schema of the user's can shadow a catalog or a function,
/// string literals mean what they say, and no limit that was set for the role cuts a plan short.
/// Compiling queries takes longer than running ours. From 16 on, a server may let whoever creates a
/// role into it: that would be a member that nobody declares.
const SET_UP: &str = "
    set search_path = pg_catalog, pg_temp;
    set standard_conforming_strings = on;
    set client_min_messages = notice;
    set statement_timeout = 0;
    set default_transaction_read_only = off;
    set idle_in_transaction_session_timeout = 0;
    set jit = off;
    set bytea_output = hex;
    set datestyle = iso;
    select set_config('createrole_self_grant', '', false)
    where current_setting('server_version_num')::int4 >= 160000;
    select set_config(name, '0', false) from pg_settings
    where name in ('transaction_timeout', 'idle_session_timeout')";

impl Target {
    /// Reads a URL, or a `key=value` text as libpq takes it. What the client library says about
    /// a bad one may quote its pieces, the password among them: it is not repeated.
    pub(super) fn parse(url: &str) -> Result<Self, WarehouseError> {
        let refuse = |cause: &str| WarehouseError::Connect {
            target: "the connection that was given".to_owned(),
            cause: cause.to_owned(),
        };
        // The client library does not know these two words of libpq's.
        if ["sslmode=verify-ca", "sslmode=verify-full"].iter().any(|mode| url.contains(mode)) {
            return Err(refuse(NO_TLS));
        }
        let mut config: Config = url.parse().map_err(|_| {
            refuse(
                "it cannot be read as postgres://user:password@host:port/database; in a user, \
                 password or database name, write @ : / ? # % as %40 %3A %2F %3F %23 %25",
            )
        })?;
        if split_wrongly(&config) {
            return Err(refuse("its host has an @ in it; in a user or password, write @ as %40"));
        }
        if config.get_ssl_mode() == SslMode::Require {
            return Err(refuse(NO_TLS));
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("localhost");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(std::time::Duration::from_secs(15));
        }
        config.application_name("rolecall");
        Ok(Self { label: label(&config), config })
    }

    /// Connects and sets the session up.
    pub(super) async fn connect(&self) -> Result<(Client, Notices), WarehouseError> {
        let fail = |cause: String| WarehouseError::Connect { target: self.label.clone(), cause };
        let (client, mut connection) =
            self.config.connect(NoTls).await.map_err(|error| fail(errors::chain(&error)))?;
        let notices = Notices::default();
        let sink = Arc::clone(&notices);
        tokio::spawn(async move {
            // Ends when the client is dropped or the connection breaks; requests fail then.
            while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let (AsyncMessage::Notice(notice), Ok(mut sink)) = (message, sink.lock()) {
                    sink.push(Notice {
                        severity: notice.severity().to_owned(),
                        code: notice.code().code().to_owned(),
                        message: notice.message().to_owned(),
                    });
                }
            }
        });
        client.batch_execute(SET_UP).await.map_err(|error| fail(errors::chain(&error)))?;
        let row = client
            .query_typed_one("select current_setting('server_version_num')::int4", &[])
            .await
            .map_err(|error| fail(errors::chain(&error)))?;
        let version: i32 = row.try_get(0).map_err(|error| fail(errors::chain(&error)))?;
        if u32::try_from(version).unwrap_or(0) < OLDEST {
            return Err(fail(format!(
                "the server is PostgreSQL {}; version 13 or later is needed",
                version / 10_000
            )));
        }
        Ok((client, notices))
    }
}

const NO_TLS: &str = "its sslmode asks for TLS, which this version cannot do yet; without it, \
                      passwords and data would travel in the clear: use sslmode=disable or \
                      sslmode=prefer on a network that you trust, or a tunnel";

/// A host with `@` is the rest of a password that was not percent-encoded: it is never shown.
fn split_wrongly(config: &Config) -> bool {
    config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(host) if host.contains('@')))
}

/// Where a configuration leads, without credentials.
fn label(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        #[allow(unreachable_patterns)]
        Some(_) => "a socket".to_owned(),
        None => config.get_hostaddrs().first().map_or_else(String::new, ToString::to_string),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let user = config.get_user();
    let database = config.get_dbname().or(user).unwrap_or("postgres");
    let user = user.map_or_else(String::new, |user| format!(" as {user}"));
    format!("{host}:{port}/{database}{user}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_names_the_server_and_never_the_password() {
        let target = Target::parse("postgres://jane:s3cret@db.example:5433/shop").unwrap();
        assert_eq!(target.label, "db.example:5433/shop as jane");
    }

    #[test]
    fn a_url_that_asks_for_tls_is_refused_and_nothing_of_it_is_repeated() {
        for mode in ["require", "verify-ca", "verify-full"] {
            let url = format!("postgres://jane:s3cret@db.example/shop?sslmode={mode}");
            let error = Target::parse(&url).err().unwrap().to_string();
            assert!(error.contains("TLS"), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_repeated() {
        for url in ["postgres://a:s3cret@h:port/db", "mysql://s3cret", "", "postgres://a:s3cret?@"]
        {
            if let Err(error) = Target::parse(url) {
                assert!(!error.to_string().contains("s3cret"), "{error}");
            }
        }
    }
}
