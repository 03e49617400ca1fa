//! An account's identifier: the host that it has, and the name that logins carry.

use super::settings::{Protocol, SnowflakeSettings};

/// Where the server is: `https://host:port`, without a slash at the end.
pub(super) fn base_url(settings: &SnowflakeSettings) -> Result<String, String> {
    let host = match settings.host.as_deref().map(str::trim) {
        Some(host) if !host.is_empty() => host.to_owned(),
        _ => host_of(&settings.account)?,
    };
    let mut text = format!("{}://{host}", settings.protocol.scheme());
    if let Some(port) = settings.port {
        text.push_str(&format!(":{port}"));
    }
    let url = url::Url::parse(&text).map_err(|_| not_a_host(&host))?;
    // A path, a user or a port inside the name would send the credentials elsewhere than it reads.
    let plain = url.path() == "/"
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && (url.port().is_none() || settings.port.is_some());
    let Some(found) = url.host_str().filter(|_| plain) else {
        return Err(not_a_host(&host));
    };
    if settings.protocol == Protocol::Http && !is_loopback(&url) {
        return Err(format!(
            "`protocol: http` would send the credentials to {found} unencrypted; it is only for \
             tests on this machine (127.0.0.1, ::1, localhost)"
        ));
    }
    Ok(text)
}

fn not_a_host(host: &str) -> String {
    format!("{host:?} is not the name of a host; `host` is a name or address alone, `port` apart")
}

fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// The account's own host. Underscores of a name are hyphens there, since certificates have no
/// underscores; accounts in China have a domain of their own. Both as the official connector does.
fn host_of(account: &str) -> Result<String, String> {
    let account = account.trim();
    let stands = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if account.is_empty() || !account.chars().all(stands) {
        return Err(format!(
            "{account:?} is not an account's identifier; write `organisation-account`, or the \
             locator with its region as in `xy12345.eu-central-1`, without https:// and domain"
        ));
    }
    let name = account.to_ascii_lowercase().replace('_', "-");
    for domain in [".snowflakecomputing.com", ".snowflakecomputing.cn"] {
        if name.ends_with(domain) {
            return Ok(name);
        }
    }
    let region = name.split_once('.').map_or("", |(_, region)| region);
    let domain = if region.starts_with("cn-") { "cn" } else { "com" };
    Ok(format!("{name}.snowflakecomputing.{domain}"))
}

/// The account without region and domain, as logins and tokens name it.
pub(super) fn name_of(account: &str) -> String {
    let account = account.trim();
    let (name, region) = account.split_once('.').unwrap_or((account, ""));
    let global = region.split('.').next().is_some_and(|part| part.eq_ignore_ascii_case("global"));
    let name = match name.rsplit_once('-') {
        Some((name, _)) if global => name,
        _ => name,
    };
    name.to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::snowflake::settings::{Auth, Secret};

    fn settings(account: &str) -> SnowflakeSettings {
        SnowflakeSettings::new(account, "deploy", Auth::Password(Secret::new("x")))
    }

    #[test]
    fn an_account_has_its_host_and_its_name() {
        for (account, host, name) in [
            ("acme-prod", "acme-prod.snowflakecomputing.com", "ACME-PROD"),
            ("acme-my_prod", "acme-my-prod.snowflakecomputing.com", "ACME-MY_PROD"),
            ("xy12345.eu-central-1", "xy12345.eu-central-1.snowflakecomputing.com", "XY12345"),
            ("XY12345.cn-north-1", "xy12345.cn-north-1.snowflakecomputing.cn", "XY12345"),
            ("acme-ext.global", "acme-ext.global.snowflakecomputing.com", "ACME"),
            ("acme.snowflakecomputing.com", "acme.snowflakecomputing.com", "ACME"),
        ] {
            assert_eq!(base_url(&settings(account)), Ok(format!("https://{host}")));
            assert_eq!(name_of(account), name);
        }
    }

    #[test]
    fn what_is_no_account_or_host_is_refused_before_anything_is_sent() {
        for account in ["", "https://acme", "acme/x", "a b", "me@evil", "ac\u{e9}me"] {
            assert!(base_url(&settings(account)).unwrap_err().contains("is not an account"));
        }
        for host in ["evil.example/x", "u:p@evil.example", "a b", "x?y", "x#y/", "x:99"] {
            let settings = SnowflakeSettings { host: Some(host.into()), ..settings("acme") };
            assert!(
                base_url(&settings).unwrap_err().contains("is not the name of a host"),
                "{host}"
            );
        }
    }

    #[test]
    fn credentials_are_sent_unencrypted_to_this_machine_only() {
        let to = |host: &str| {
            base_url(&SnowflakeSettings {
                host: Some(host.into()),
                port: Some(8080),
                protocol: Protocol::Http,
                ..settings("acme")
            })
        };
        assert_eq!(to("127.0.0.1").as_deref(), Ok("http://127.0.0.1:8080"));
        assert_eq!(to("localhost").as_deref(), Ok("http://localhost:8080"));
        assert_eq!(to("[::1]").as_deref(), Ok("http://[::1]:8080"));
        assert!(to("example.com").unwrap_err().contains("unencrypted"));
        assert!(to("127.0.0.1.example.com").unwrap_err().contains("unencrypted"));
    }
}
