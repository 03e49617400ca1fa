//! Settings from the environment: what the live tests connect with.

use std::path::PathBuf;

use super::settings::{Auth, Protocol, Proxy, Secret, SnowflakeSettings};

/// What every variable begins with.
const PREFIX: &str = "ROLECALL_SNOWFLAKE_";

impl SnowflakeSettings {
    /// Reads `ROLECALL_SNOWFLAKE_*` by `get`; nothing where `ROLECALL_SNOWFLAKE_ACCOUNT` is not set.
    /// An error is everything that is wrong with them; no value is in it.
    pub fn from_environment(
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Vec<String>> {
        let get = |name: &str| get(&format!("{PREFIX}{name}")).filter(|value| !value.is_empty());
        let Some(account) = get("ACCOUNT") else { return Ok(None) };
        let mut wrong = Vec::new();
        let user = get("USER");
        if user.is_none() {
            wrong.push(format!("{PREFIX}USER is not set"));
        }
        let auth = auth(&get).map_err(|error| wrong.push(error)).ok();
        let port = number(&get, "PORT").map_err(|error| wrong.push(error)).ok().flatten();
        let proxy = proxy(&get).map_err(|error| wrong.push(error)).ok().flatten();
        let protocol = match get("PROTOCOL").as_deref() {
            None | Some("https") => Protocol::Https,
            Some("http") => Protocol::Http,
            Some(_) => {
                wrong.push(format!("{PREFIX}PROTOCOL is neither https nor http"));
                Protocol::Https
            }
        };
        match (user, auth) {
            (Some(user), Some(auth)) if wrong.is_empty() => Ok(Some(Self {
                role: get("ROLE"),
                warehouse: get("WAREHOUSE"),
                database: get("DATABASE"),
                schema: get("SCHEMA"),
                host: get("HOST"),
                port,
                protocol,
                proxy,
                ca_file: get("CA_FILE").map(PathBuf::from),
                ..Self::new(account, user, auth)
            })),
            _ => Err(wrong),
        }
    }
}

fn auth(get: &impl Fn(&str) -> Option<String>) -> Result<Auth, String> {
    let key = match (get("PRIVATE_KEY_PATH"), get("PRIVATE_KEY")) {
        (Some(_), Some(_)) => {
            return Err(format!("{PREFIX}PRIVATE_KEY_PATH and {PREFIX}PRIVATE_KEY are both set"));
        }
        (Some(path), None) => {
            Some(std::fs::read_to_string(&path).map_err(|error| {
                format!("{PREFIX}PRIVATE_KEY_PATH: cannot read {path}: {error}")
            })?)
        }
        (None, key) => key,
    };
    let passphrase = get("PRIVATE_KEY_PASSPHRASE").map(Secret::new);
    let found: Vec<Auth> = [
        key.map(|pem| Auth::KeyPair { pem: Secret::new(pem), passphrase }),
        get("PASSWORD").map(|password| Auth::Password(Secret::new(password))),
        get("OAUTH_TOKEN").map(|token| Auth::OAuth(Secret::new(token))),
        get("ACCESS_TOKEN").map(|token| Auth::ProgrammaticAccessToken(Secret::new(token))),
    ]
    .into_iter()
    .flatten()
    .collect();
    <[Auth; 1]>::try_from(found).map(|[auth]| auth).map_err(|found| {
        let many = if found.is_empty() { "none" } else { "more than one" };
        format!(
            "of {PREFIX}PRIVATE_KEY_PATH, {PREFIX}PRIVATE_KEY, {PREFIX}PASSWORD, \
             {PREFIX}OAUTH_TOKEN and {PREFIX}ACCESS_TOKEN, {many} is set; set one"
        )
    })
}

fn number(get: &impl Fn(&str) -> Option<String>, name: &str) -> Result<Option<u16>, String> {
    get(name)
        .map(|text| text.parse().map_err(|_| format!("{PREFIX}{name} is not a port's number")))
        .transpose()
}

fn proxy(get: &impl Fn(&str) -> Option<String>) -> Result<Option<Proxy>, String> {
    let Some(host) = get("PROXY_HOST") else { return Ok(None) };
    let port = number(get, "PROXY_PORT")?.unwrap_or(80);
    Ok(Some(Proxy { host, port, user: None, password: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<SnowflakeSettings>, Vec<String>> {
        SnowflakeSettings::from_environment(|name| {
            let short = name.strip_prefix(PREFIX)?;
            variables.iter().find(|(n, _)| *n == short).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_an_account_nothing_is_meant() {
        assert_eq!(read(&[("USER", "U"), ("PASSWORD", "x")]), Ok(None));
        assert_eq!(read(&[("ACCOUNT", "")]), Ok(None));
    }

    #[test]
    fn variables_become_settings() {
        let settings = read(&[
            ("ACCOUNT", "acme-dev"),
            ("USER", "U"),
            ("PRIVATE_KEY", "pem"),
            ("PRIVATE_KEY_PASSPHRASE", "open"),
            ("ROLE", "SECURITYADMIN"),
            ("PROXY_HOST", "proxy"),
            ("PORT", "8443"),
        ])
        .unwrap()
        .unwrap();
        let auth = Auth::KeyPair { pem: Secret::new("pem"), passphrase: Some(Secret::new("open")) };
        assert_eq!(settings.auth, auth);
        assert_eq!(settings.role.as_deref(), Some("SECURITYADMIN"));
        assert_eq!(settings.port, Some(8443));
        assert_eq!(settings.proxy.unwrap().port, 80);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_and_no_value_with_it() {
        let wrong = read(&[
            ("ACCOUNT", "acme-dev"),
            ("PASSWORD", "swordfish"),
            ("ACCESS_TOKEN", "swordfish"),
            ("PORT", "swordfish"),
            ("PROTOCOL", "swordfish"),
        ])
        .unwrap_err()
        .join("\n");
        insta::assert_snapshot!(wrong, @r"
        ROLECALL_SNOWFLAKE_USER is not set
        of ROLECALL_SNOWFLAKE_PRIVATE_KEY_PATH, ROLECALL_SNOWFLAKE_PRIVATE_KEY, ROLECALL_SNOWFLAKE_PASSWORD, ROLECALL_SNOWFLAKE_OAUTH_TOKEN and ROLECALL_SNOWFLAKE_ACCESS_TOKEN, more than one is set; set one
        ROLECALL_SNOWFLAKE_PORT is not a port's number
        ROLECALL_SNOWFLAKE_PROTOCOL is neither https nor http
        ");
    }
}
