//! Settings from an output of `profiles.yml`, as dbt's adapter reads it.

use std::path::Path;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::{Auth, Protocol, Proxy, Secret, SnowflakeSettings};
use crate::dbt::profiles::SnowflakeProfile;
use crate::warehouse::WarehouseError;

impl SnowflakeSettings {
    /// What a profile says. A relative path of a key is from the project's folder.
    pub fn from_profile(
        profile: &SnowflakeProfile,
        project_dir: &Path,
    ) -> Result<Self, WarehouseError> {
        let target = format!("Snowflake account {}", profile.account.shown());
        let fail = |cause: String| WarehouseError::Connect { target: target.clone(), cause };
        let text = |text: &Option<crate::dbt::profiles::Text>| {
            text.as_ref().map(|text| text.expose().to_owned())
        };
        let auth = auth(profile, project_dir).map_err(fail)?;
        let mut settings =
            Self::new(profile.account.expose(), text(&profile.user).unwrap_or_default(), auth);
        settings.role = text(&profile.role);
        settings.warehouse = text(&profile.warehouse);
        // The session's database and schema are not taken over: every name is said in full, and a
        // role that only grants need not be able to use them.
        settings.host = text(&profile.host);
        settings.port = profile.port;
        settings.protocol = match profile.protocol.as_ref().map(|text| text.expose()) {
            None | Some("https") => Protocol::Https,
            Some("http") => Protocol::Http,
            Some(other) => {
                return Err(fail(format!("`protocol: {other}` is neither http nor https")));
            }
        };
        settings.proxy = match (text(&profile.proxy_host), profile.proxy_port) {
            (Some(host), Some(port)) => Some(Proxy { host, port, user: None, password: None }),
            (None, None) => None,
            _ => return Err(fail("`proxy_host` and `proxy_port` go together".to_owned())),
        };
        if let Some(wait) = profile.connect_timeout.filter(|wait| *wait > Duration::ZERO) {
            settings.connect_timeout = wait;
        }
        settings.session_parameters = profile
            .session_parameters
            .iter()
            .map(|(name, value)| (name.clone(), value.expose().to_owned()))
            .collect();
        if let Some(tag) = text(&profile.query_tag) {
            settings.session_parameters.insert("QUERY_TAG".to_owned(), tag);
        }
        Ok(settings)
    }
}

fn auth(profile: &SnowflakeProfile, project_dir: &Path) -> Result<Auth, String> {
    let secret = |text: &SecretString| Secret::new(text.expose_secret());
    let authenticator =
        profile.authenticator.as_ref().map_or("snowflake", |text| text.expose()).to_lowercase();
    if let Some(path) = &profile.private_key_path {
        let path = project_dir.join(path);
        let pem = std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot read the private key {}: {error}", path.display()))?;
        let passphrase = profile.private_key_passphrase.as_ref().map(secret);
        return Ok(Auth::KeyPair { pem: Secret::new(pem), passphrase });
    }
    if let Some(key) = &profile.private_key {
        let passphrase = profile.private_key_passphrase.as_ref().map(secret);
        return Ok(Auth::KeyPair { pem: secret(key), passphrase });
    }
    let wanting = |key: &str| format!("`authenticator: {authenticator}` needs `{key}`");
    match authenticator.as_str() {
        "oauth" if profile.oauth_client_id.is_some() => {
            Err("a refresh token of an OAuth client is not taken: give an access token".to_owned())
        }
        "oauth" | "jwt" => profile
            .token
            .as_ref()
            .map(|token| Auth::OAuth(secret(token)))
            .ok_or_else(|| wanting("token")),
        "programmatic_access_token" => profile
            .token
            .as_ref()
            .or(profile.password.as_ref())
            .map(|token| Auth::ProgrammaticAccessToken(secret(token)))
            .ok_or_else(|| wanting("token")),
        "snowflake" => profile
            .password
            .as_ref()
            .map(|password| Auth::Password(secret(password)))
            .ok_or_else(|| "neither a key, a token nor a password is given".to_owned()),
        other => Err(format!(
            "`authenticator: {other}` needs a person at a browser or a phone: use a key pair, a token or a password"
        )),
    }
}
