//! Making a session: the URL, what every session is set to, and the messages that arrive on it.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::dbt::profiles::PostgresProfile;
use crate::dialect;
use crate::model::{DialectKind, Ident};
use crate::warehouse::WarehouseError;

use super::tls::{Beside, Mode, Tls, Wanted};
use super::{errors, url};

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

/// Where to connect, as whom, and how to say it without the password.
#[derive(Clone)]
pub(super) struct Target {
    config: Config,
    tls: Tls,
    /// The role to act as.
    role: Option<Ident>,
    /// How many more attempts to make where the server cannot be reached.
    retries: u32,
    /// `host:port/database as user`.
    pub(super) label: String,
}

/// How long a socket may take where nothing is said.
const PATIENCE: Duration = Duration::from_secs(15);

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
        const UNREADABLE: &str = "it cannot be read as postgres://user:password@host:port/database; in a user, \
             password or database name, write @ : / ? # % as %40 %3A %2F %3F %23 %25";
        let (rest, wanted) = url::split(url).ok_or_else(|| refuse(UNREADABLE))?;
        let mut config: Config = rest.parse().map_err(|_| refuse(UNREADABLE))?;
        if split_wrongly(&config) {
            return Err(refuse("its host has an @ in it; in a user or password, write @ as %40"));
        }
        if config.get_hosts().is_empty() {
            // An address alone is what a certificate is then asked about.
            match config.get_hostaddrs().iter().map(ToString::to_string).collect::<Vec<_>>() {
                none if none.is_empty() => config.host("localhost"),
                addresses => addresses.into_iter().fold(&mut config, Config::host),
            };
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        let label = label(&config);
        Self::ready(config, &wanted, label)
    }

    /// As an output of `profiles.yml` says.
    pub(super) fn of_profile(profile: &PostgresProfile) -> Result<Self, WarehouseError> {
        let PostgresProfile {
            host,
            port,
            user,
            password,
            database,
            role,
            sslmode,
            sslcert,
            sslkey,
            sslrootcert,
            connect_timeout,
            keepalives_idle,
            retries,
        } = profile;
        let acting = role.as_ref().map(|role| format!(", acting as {role}")).unwrap_or_default();
        let label = format!("{host}:{port}/{database} as {user}{acting}");
        let mut config = Config::new();
        match host.expose() {
            // libpq looks for a socket then, where most systems have it.
            "" => ["/var/run/postgresql", "/tmp"].into_iter().fold(&mut config, Config::host),
            hosts => hosts.split(',').fold(&mut config, Config::host),
        };
        config
            .port(*port)
            .user(user.expose())
            .password(password.expose_secret())
            .dbname(database.expose())
            .connect_timeout(*connect_timeout);
        if let Some(idle) = keepalives_idle {
            config.keepalives_idle(*idle);
        }
        let wanted = Wanted {
            sslmode: sslmode.as_ref().map(|mode| mode.expose().to_owned()),
            sslrootcert: sslrootcert.clone(),
            sslcert: sslcert.clone(),
            sslkey: sslkey.clone(),
        };
        let refused = |cause| WarehouseError::Connect { target: label.clone(), cause };
        let role = match role.as_ref().filter(|role| !role.expose().eq_ignore_ascii_case("none")) {
            // dbt sends it without quotes: as the server folds it.
            Some(role) => Some(
                dialect::of(DialectKind::Postgres)
                    .fold(role.expose())
                    .map_err(|_| refused(format!("its `role`, {role}, is no name of a role")))?,
            ),
            None => None,
        };
        Ok(Self { role, retries: *retries, ..Self::ready(config, &wanted, label)? })
    }

    fn ready(mut config: Config, wanted: &Wanted, label: String) -> Result<Self, WarehouseError> {
        config.application_name("rolecall");
        let variable = |name: &str| std::env::var(name).ok();
        let beside = Beside { variable: &variable, home: std::env::home_dir() };
        let mut tls = wanted
            .prepare(&beside)
            .map_err(|cause| WarehouseError::Connect { target: label.clone(), cause })?;
        if config.get_hosts().iter().all(|host| !matches!(host, Host::Tcp(_))) {
            // Nothing of it leaves the machine, and the server speaks no TLS there.
            tls.mode = Mode::Disable;
        }
        Ok(Self { config, tls, role: None, retries: 0, label })
    }

    /// Connects and sets the session up.
    pub(super) async fn connect(&self) -> Result<(Client, Notices), WarehouseError> {
        let fail = |cause: String| WarehouseError::Connect { target: self.label.clone(), cause };
        let (client, mut connection) = self.reach().await.map_err(fail)?;
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
        if let Some(role) = &self.role {
            // For the whole session: what acts as another role for a while comes back to this one.
            let sql = format!("set role {}", dialect::of(DialectKind::Postgres).quote(role));
            client.batch_execute(&sql).await.map_err(|error| {
                fail(format!("the profile's role cannot be taken: {}", errors::chain(&error)))
            })?;
        }
        Ok((client, notices))
    }

    /// As often as the profile says, with dbt's pauses between.
    async fn reach(&self) -> Result<Reached, String> {
        let mut attempt = 0;
        loop {
            match self.reach_once().await {
                Ok(reached) => return Ok(reached),
                Err(error) if attempt < self.retries && error.may_pass => {
                    tokio::time::sleep(Duration::from_secs(u64::from(attempt).pow(2))).await;
                    attempt += 1;
                }
                Err(error) => return Err(error.said),
            }
        }
    }

    /// In the ways that the mode allows, in its order.
    async fn reach_once(&self) -> Result<Reached, Unreached> {
        let (first, second) = match self.tls.mode {
            Mode::Disable => (SslMode::Disable, None),
            Mode::Allow => (SslMode::Disable, Some(SslMode::Require)),
            Mode::Prefer => (SslMode::Prefer, Some(SslMode::Disable)),
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => (SslMode::Require, None),
        };
        let refused = match self.reach_by(first).await {
            Ok(reached) => return Ok(reached),
            Err(refused) => refused,
        };
        match second.filter(|_| refused.other_way) {
            None => Err(refused),
            Some(second) => self.reach_by(second).await.map_err(|error| Unreached {
                said: format!("{}; and the other way: {}", refused.said, error.said),
                ..error
            }),
        }
    }

    async fn reach_by(&self, mode: SslMode) -> Result<Reached, Unreached> {
        let mut config = self.config.clone();
        config.ssl_mode(mode);
        // The client library's own limit ends when there is a socket; a server may fall silent after.
        let each = config.get_connect_timeout().copied().unwrap_or(PATIENCE);
        let hosts = u32::try_from(config.get_hosts().len()).unwrap_or(1);
        let limit = each.saturating_mul(2).saturating_mul(hosts);
        match tokio::time::timeout(limit, config.connect(self.tls.connector.clone())).await {
            Ok(ended) => ended.map_err(|error| Unreached::of(&error)),
            Err(_) => Err(Unreached {
                said: format!("no answer within {} seconds", limit.as_secs()),
                other_way: false,
                may_pass: true,
            }),
        }
    }
}

type Reached = (Client, Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>);

/// Why a server was not reached.
struct Unreached {
    said: String,
    /// It may be reached with TLS where it was tried without, or the other way round. A wrong
    /// password is wrong both ways, and is not sent again in the clear.
    other_way: bool,
    /// It may be reached a little later.
    may_pass: bool,
}

impl Unreached {
    fn of(error: &tokio_postgres::Error) -> Self {
        let said = errors::chain(error);
        let by_tls = said.starts_with("error performing TLS handshake");
        let code = errors::code(error);
        Self {
            other_way: by_tls || code == "28000" || code.starts_with("08"),
            may_pass: !by_tls
                && (error.as_db_error().is_none()
                    || matches!(code, "57P03" | "53300")
                    || code.starts_with("08")),
            said,
        }
    }
}

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
    fn a_url_says_how_tls_is_spoken_and_a_socket_speaks_none() {
        let mode = |url: &str| Target::parse(url).map(|target| target.tls.mode).unwrap();
        assert_eq!(mode("postgres://jane@db.example/shop?sslmode=require"), Mode::Require);
        assert_eq!(mode("host=db.example sslmode=allow"), Mode::Allow);
        assert_eq!(mode("host=/tmp sslmode=require"), Mode::Disable);
        let error =
            Target::parse("postgres://jane:s3cret@h/shop?sslmode=verify-full&sslrootcert=/no")
                .err()
                .unwrap()
                .to_string();
        assert!(error.contains("/no") && !error.contains("s3cret"), "{error}");
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
