//! The keys of dbt's postgres adapter.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::fields::Fields;
use super::value::Text;
use crate::model::Diagnostics;

/// How to connect to PostgreSQL, as an output of `profiles.yml` says. Paths are relative to the
/// dbt project, where dbt works.
#[derive(Debug, Clone)]
pub struct PostgresProfile {
    /// A name, an address, the folder of a socket, or several of them with commas between.
    pub host: Text,
    /// The port.
    pub port: u16,
    /// The user.
    pub user: Text,
    /// `password` or `pass`.
    pub password: SecretString,
    /// `dbname` or `database`.
    pub database: Text,
    /// The role to act as.
    pub role: Option<Text>,
    /// One of libpq's words.
    pub sslmode: Option<Text>,
    /// The client's certificate.
    pub sslcert: Option<PathBuf>,
    /// Its key.
    pub sslkey: Option<PathBuf>,
    /// Whose certificates are trusted; `system` for the system's.
    pub sslrootcert: Option<PathBuf>,
    /// How long one attempt may take.
    pub connect_timeout: Duration,
    /// After how long a silent connection is asked whether it lives; nothing for the system's.
    pub keepalives_idle: Option<Duration>,
    /// How many more attempts to make.
    pub retries: u32,
}

/// libpq's words.
const MODES: &[&str] = &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

impl PostgresProfile {
    pub(super) fn read(mut fields: Fields<'_>) -> (Self, Diagnostics) {
        const YEAR: i64 = 31_536_000;
        let seconds = |number: i64| Duration::from_secs(number.unsigned_abs());
        let path = |text: Text| PathBuf::from(text.expose());
        let read = Self {
            host: fields.needed(&["host"]),
            port: u16::try_from(fields.needed_number("port", 65_535)).unwrap_or_default(),
            user: fields.needed(&["user"]),
            password: fields.needed(&["password", "pass"]).into_secret(),
            database: fields.needed(&["dbname", "database"]),
            role: fields.text(&["role"]).filter(|role| !role.expose().is_empty()),
            sslmode: fields.text(&["sslmode"]).filter(|mode| !mode.expose().is_empty()),
            sslcert: fields.text(&["sslcert"]).map(path),
            sslkey: fields.text(&["sslkey"]).map(path),
            sslrootcert: fields.text(&["sslrootcert"]).map(path),
            // 0 is no limit, as libpq has it.
            connect_timeout: match fields.number("connect_timeout", YEAR) {
                None => Duration::from_secs(10),
                Some(0) => Duration::from_secs(YEAR.unsigned_abs()),
                Some(number) => seconds(number),
            },
            keepalives_idle: fields.number("keepalives_idle", YEAR).filter(|n| *n > 0).map(seconds),
            retries: fields
                .number("retries", 100)
                .and_then(|number| u32::try_from(number).ok())
                .unwrap_or(1),
        };
        if let Some(mode) = &read.sslmode
            && !MODES.contains(&mode.expose())
        {
            let message = format!("`sslmode` is {:?}, which libpq does not know", mode.shown());
            fields.refuse("sslmode", message, format!("write one of {}", MODES.join(", ")));
        }
        fields.needed(&["schema"]);
        // Our sessions set their own search path and name, and have transactions of their own.
        fields.skip(&["search_path", "application_name", "autocommit"]);
        (read, fields.finish())
    }
}
