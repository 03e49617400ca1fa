//! The HTTP client under snowflake-api: certificates, proxy, waiting and connections kept open.

use std::time::Duration;

use super::super::settings::SnowflakeSettings;

/// Makes the client that the sessions share.
pub(in super::super) fn build(settings: &SnowflakeSettings) -> Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("rolecall/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(settings.connect_timeout)
        // A server that is gone without a word is noticed below, not by waiting for an answer:
        // the answer to a slow statement takes as long as it takes.
        .tcp_keepalive(Duration::from_secs(30))
        // Shorter than what load balancers allow, so that no request meets a closing connection.
        .pool_idle_timeout(Duration::from_secs(45))
        .gzip(true)
        .referer(false)
        // A redirection would carry a session's token, or a statement, to another server.
        .redirect(reqwest::redirect::Policy::none())
        .http1_only();
    if let Some(path) = &settings.ca_file {
        let pem = std::fs::read(path).map_err(|error| {
            format!("cannot read the certificates in {}: {error}", path.display())
        })?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem)
            .ok()
            .filter(|certificates| !certificates.is_empty())
            .ok_or_else(|| format!("{} holds no certificate in PEM", path.display()))?;
        for certificate in certificates {
            builder = builder.add_root_certificate(certificate);
        }
    }
    if let Some(proxy) = &settings.proxy {
        let wrong = || format!("{:?} is not the name of a proxy's host", proxy.host);
        let mut url = url::Url::parse(&format!("http://{}:{}", proxy.host, proxy.port))
            .map_err(|_| wrong())?;
        if url.path() != "/" || !url.username().is_empty() || url.query().is_some() {
            return Err(wrong());
        }
        if let Some(user) = &proxy.user {
            url.set_username(user).map_err(|()| wrong())?;
            url.set_password(proxy.password.as_ref().map(|p| p.expose())).map_err(|()| wrong())?;
        }
        // What the library says of a bad proxy may quote it, the password among it.
        builder = builder.proxy(reqwest::Proxy::all(url.as_str()).map_err(|_| wrong())?);
    }
    builder.build().map_err(|error| format!("cannot make an HTTP client: {}", chain(&error)))
}

/// An error and its causes in one line, each said once, without addresses and their parameters.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let text = text.split(" for url (").next().unwrap_or(&text).to_owned();
        if !said.iter().any(|earlier| earlier.contains(&text)) {
            said.push(text);
        }
        next = error.source();
    }
    said.join(": ")
}
