//! Settings from dbt's profile, by dbt's own rules of what counts.

use super::settings::{Auth, Protocol, Proxy, Secret, SnowflakeSettings};
use crate::dbt::profiles::{SnowflakeProfile, Text};

impl SnowflakeSettings {
    /// Reads an output of `profiles.yml`, and the file of its key. An error is everything that cannot
    /// be done with it.
    ///
    /// Database and schema are left out: the executing role need not have USAGE on them, the schema
    /// need not be there yet, and a login into what is not there is refused. Names are written whole.
    pub fn from_profile(profile: &SnowflakeProfile) -> Result<Self, Vec<String>> {
        let mut wrong = Vec::new();
        let auth = auth(profile).map_err(|error| wrong.push(error)).ok();
        let protocol = match profile.protocol.as_ref().map(Text::expose) {
            None | Some("https") => Protocol::Https,
            Some("http") => Protocol::Http,
            Some(_) => {
                wrong.push("`protocol` is neither https nor http".to_owned());
                Protocol::Https
            }
        };
        let Some(auth) = auth.filter(|_| wrong.is_empty()) else { return Err(wrong) };
        let text = |text: &Option<Text>| text.as_ref().map(|text| text.expose().to_owned());
        let user = text(&profile.user).unwrap_or_default();
        let mut session_parameters: std::collections::BTreeMap<_, _> = profile
            .session_parameters
            .iter()
            .map(|(name, value)| (name.to_ascii_uppercase(), value.expose().to_owned()))
            .collect();
        if let Some(tag) = text(&profile.query_tag) {
            session_parameters.insert("QUERY_TAG".to_owned(), tag);
        }
        let optional =
            [&profile.user, &profile.role, &profile.warehouse, &profile.host, &profile.proxy_host];
        let hidden = optional
            .into_iter()
            .flatten()
            .chain([&profile.account])
            .filter(|text| text.is_secret() && !text.expose().is_empty())
            .map(|text| Secret::new(text.expose()))
            .collect();
        Ok(Self {
            role: text(&profile.role),
            warehouse: text(&profile.warehouse),
            host: text(&profile.host),
            port: profile.port,
            protocol,
            proxy: text(&profile.proxy_host).map(|host| Proxy {
                host,
                port: profile.proxy_port.unwrap_or(80),
                user: None,
                password: None,
            }),
            session_parameters,
            hidden,
            ..Self::new(profile.account.expose(), user, auth)
        })
    }
}

fn auth(profile: &SnowflakeProfile) -> Result<Auth, String> {
    let token =
        || profile.token.clone().map(Secret::from).ok_or_else(|| "`token` is not there".to_owned());
    let authenticator = profile.authenticator.as_ref().map(|text| text.expose().to_lowercase());
    match authenticator.as_deref() {
        None | Some("snowflake") => match (key(profile)?, &profile.password) {
            (Some(key), _) => Ok(key),
            (None, Some(password)) => Ok(Auth::Password(password.clone().into())),
            (None, None) => {
                Err("there is no `private_key_path`, `private_key` or `password`; a key \
                                 pair is what jobs should use"
                    .to_owned())
            }
        },
        Some("snowflake_jwt") => key(profile)?
            .ok_or_else(|| "there is no `private_key_path` or `private_key`".to_owned()),
        Some("oauth") if profile.oauth_client_id.is_some() => Err(
            "an OAuth client (`oauth_client_id`) with a refresh token is not supported: give an \
                 access token as `token`, without a client"
                .to_owned(),
        ),
        Some("oauth" | "jwt") => Ok(Auth::OAuth(token()?)),
        Some("programmatic_access_token") => {
            let password = || profile.password.clone().map(Secret::from);
            token().or_else(|error| password().ok_or(error)).map(Auth::ProgrammaticAccessToken)
        }
        // Its value may be anybody's address: not repeated.
        Some(_) => {
            Err("this `authenticator` needs a person at a browser or a phone; use a key pair \
                        (`private_key_path`), `oauth` or `programmatic_access_token`"
                .to_owned())
        }
    }
}

fn key(profile: &SnowflakeProfile) -> Result<Option<Auth>, String> {
    let pem = match (&profile.private_key, &profile.private_key_path) {
        (Some(pem), _) => Secret::from(pem.clone()),
        (None, Some(path)) => {
            let text = std::fs::read(path).map_err(|error| {
                format!("`private_key_path`: cannot read {}: {error}", path.display())
            })?;
            Secret::new(String::from_utf8(text).map_err(|_| {
                format!("`private_key_path`: {} is not PEM, but binary", path.display())
            })?)
        }
        (None, None) => return Ok(None),
    };
    let passphrase = profile.private_key_passphrase.clone().map(Secret::from);
    Ok(Some(Auth::KeyPair { pem, passphrase }))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn profile() -> SnowflakeProfile {
        let open = |text: &str| Some(Text::open(text));
        SnowflakeProfile {
            account: Text::open("acme-dev"),
            user: open("deploy"),
            password: Some("swordfish".into()),
            private_key: None,
            private_key_path: None,
            private_key_passphrase: None,
            authenticator: None,
            token: None,
            oauth_client_id: None,
            oauth_client_secret: None,
            role: open("securityadmin"),
            warehouse: open("wh"),
            database: Text::open("analytics"),
            schema: Text::open("not_there_yet"),
            host: open("acme.privatelink.snowflakecomputing.com"),
            port: Some(8443),
            protocol: open("https"),
            proxy_host: open("proxy"),
            proxy_port: Some(3128),
            insecure_mode: false,
            connect_retries: 1,
            connect_timeout: None,
            retry_on_database_errors: false,
            retry_all: false,
            client_session_keep_alive: false,
            query_tag: open("deploy-42"),
            secondary_roles: None,
            session_parameters: [("lock_timeout".to_owned(), Text::open("60"))].into(),
        }
    }

    #[test]
    fn a_profile_becomes_settings_without_database_and_schema() {
        let settings = SnowflakeSettings::from_profile(&profile()).unwrap();
        let expected = SnowflakeSettings {
            role: Some("securityadmin".to_owned()),
            warehouse: Some("wh".to_owned()),
            host: Some("acme.privatelink.snowflakecomputing.com".to_owned()),
            port: Some(8443),
            proxy: Some(Proxy { host: "proxy".to_owned(), port: 3128, user: None, password: None }),
            session_parameters: [("LOCK_TIMEOUT", "60"), ("QUERY_TAG", "deploy-42")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..SnowflakeSettings::new("acme-dev", "deploy", Auth::Password(Secret::new("swordfish")))
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn the_proof_of_identity_is_what_dbt_would_take() {
        let with = |change: fn(&mut SnowflakeProfile)| {
            let mut profile = profile();
            change(&mut profile);
            SnowflakeSettings::from_profile(&profile).map(|settings| settings.auth)
        };
        let token = || Secret::new("t0ken");
        let key = Auth::KeyPair { pem: Secret::new("pem"), passphrase: None };
        assert_eq!(with(|p| p.private_key = Some("pem".into())), Ok(key.clone()));
        assert_eq!(
            with(|p| {
                p.private_key = Some("pem".into());
                p.authenticator = Some(Text::open("SNOWFLAKE_JWT"));
            }),
            Ok(key)
        );
        for (authenticator, auth) in [
            ("oauth", Auth::OAuth(token())),
            ("jwt", Auth::OAuth(token())),
            ("programmatic_access_token", Auth::ProgrammaticAccessToken(token())),
        ] {
            let mut profile = profile();
            profile.token = Some("t0ken".into());
            profile.authenticator = Some(Text::open(authenticator));
            assert_eq!(SnowflakeSettings::from_profile(&profile).unwrap().auth, auth);
        }
    }

    #[test]
    fn what_cannot_be_done_is_told_all_at_once() {
        let mut told = String::new();
        let cases: [fn(&mut SnowflakeProfile); 5] = [
            |p| p.password = None,
            |p| p.private_key_path = Some(PathBuf::from("/no/such/key.p8")),
            |p| {
                p.authenticator = Some(Text::open("oauth"));
                p.protocol = Some(Text::open("ftp"));
            },
            |p| {
                p.authenticator = Some(Text::open("oauth"));
                p.oauth_client_id = Some(Text::open("id"));
            },
            |p| p.authenticator = Some(Text::open("externalbrowser")),
        ];
        for change in cases {
            let mut profile = profile();
            change(&mut profile);
            told.push_str(&SnowflakeSettings::from_profile(&profile).unwrap_err().join("; "));
            told.push('\n');
        }
        insta::assert_snapshot!(told, @r"
        there is no `private_key_path`, `private_key` or `password`; a key pair is what jobs should use
        `private_key_path`: cannot read /no/such/key.p8: No such file or directory (os error 2)
        `token` is not there; `protocol` is neither https nor http
        an OAuth client (`oauth_client_id`) with a refresh token is not supported: give an access token as `token`, without a client
        this `authenticator` needs a person at a browser or a phone; use a key pair (`private_key_path`), `oauth` or `programmatic_access_token`
        ");
    }

    #[test]
    fn a_name_that_the_environment_keeps_secret_is_not_shown() {
        let mut profile = profile();
        profile.user = Some(Text::secret("jane"));
        let settings = SnowflakeSettings::from_profile(&profile).unwrap();
        assert!(!format!("{settings:?}").contains("jane"));
        assert_eq!(settings.redacted("as jane at".to_owned()), "as ***** at");
        assert_eq!(settings.user, "jane");
    }
}
