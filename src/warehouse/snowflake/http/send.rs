//! One exchange: sent, repeated where that is safe, and answered, or known to have failed.

use std::time::Duration;

use http::{Extensions, HeaderMap, HeaderValue, Method, header};
use reqwest::Request;
use reqwest_middleware::Next;
use tokio::time::{Instant, timeout_at};
use url::Url;
use uuid::Uuid;

use super::retry::{self, Doubt};
use super::{Failure, Link, client};

/// The way down to the network, on behalf of one session.
pub(super) struct Sender<'a> {
    pub(super) next: Next<'a>,
    pub(super) link: &'a Link,
}

/// What is to be sent.
#[derive(Clone)]
pub(super) struct What {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
    /// Whether it may be sent again although it may have been done.
    pub(super) repeat: bool,
    pub(super) deadline: Instant,
    /// Whether it is a login, before which no connection is known to come about.
    pub(super) first: bool,
    /// Whether the server has a name for this request, so that repetitions are told apart.
    pub(super) counted: bool,
}

/// How often a login is repeated where no connection comes about.
const FIRST: u32 = 2;

/// What came back.
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    /// An earlier attempt may have been carried out, however unlikely.
    pub(super) doubted: bool,
}

impl Sender<'_> {
    /// An address on the server.
    pub(super) fn url(&self, path: &str) -> Result<Url, Failure> {
        Url::parse(&self.link.shared.base)
            .and_then(|base| base.join(path))
            .map_err(|_| Failure::never_sent("the server's address cannot be used"))
    }

    /// Headers as Snowflake wants them, with the session's token or another.
    pub(super) fn headers(token: Option<&str>) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/snowflake"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Snowflake Token=\"{token}\""))
                .map_err(|_| Failure::never_sent("the server gave a token that cannot be sent"))?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        Ok(headers)
    }

    /// Sends it until it is answered, or repeating is not safe, or not allowed any more.
    pub(super) async fn exchange(&self, what: &What) -> Result<Reply, Failure> {
        let policy = &self.link.shared.settings.retry;
        let mut doubted = false;
        let mut turned_away = false;
        let mut repeated = 0;
        loop {
            let (cause, doubt, at_least) = match self.attempt(what, repeated).await {
                Ok(bytes) => return Ok(Reply { bytes, doubted: doubted || turned_away }),
                Err(tried) => tried,
            };
            doubted |= doubt == Some(Doubt::MayHaveRun);
            turned_away |= doubt == Some(Doubt::TurnedAway);
            let failed = |cause: String| Failure::Transport { cause, may_have_run: doubted };
            if doubt.is_none() || (doubted && !what.repeat) {
                return Err(failed(cause));
            }
            // Who waits for a first connection had better hear soon that the name is wrong.
            let most = match doubt {
                Some(Doubt::NoConnection) if what.first => policy.times.min(FIRST),
                _ => policy.times,
            };
            if repeated >= most {
                return Err(failed(format!("{cause} (tried {} times)", repeated + 1)));
            }
            repeated += 1;
            let seed = Uuid::new_v4().as_u64_pair().0;
            let pause = retry::wait(policy, repeated, seed).max(at_least.min(policy.longest));
            if Instant::now() + pause >= what.deadline {
                return Err(failed(format!("{cause} (tried {repeated} times, no time left)")));
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// One attempt. An error is the cause, whether it may have been carried out (or nothing, where
    /// repeating is no use), and how long the server asks to wait.
    async fn attempt(
        &self,
        what: &What,
        repeated: u32,
    ) -> Result<Vec<u8>, (String, Option<Doubt>, Duration)> {
        let mut url = what.url.clone();
        if what.counted {
            // As the official drivers do: the same requestId, another guid, and the count.
            let mut query = url.query_pairs_mut();
            query.append_pair("request_guid", &Uuid::new_v4().to_string());
            if repeated > 0 {
                query.append_pair("retryCount", &repeated.to_string());
            }
        }
        let mut request = Request::new(what.method.clone(), url);
        *request.headers_mut() = what.headers.clone();
        if let Some(body) = &what.body {
            *request.body_mut() = Some(body.clone().into());
        }
        let mut extensions = Extensions::new();
        let exchange =
            async {
                let response =
                    self.next.clone().run(request, &mut extensions).await.map_err(|error| {
                        let said = client::chain(&error);
                        let doubt = retry::transport(&error, &said);
                        (said, doubt, Duration::ZERO)
                    })?;
                let status = response.status();
                if !status.is_success() {
                    let asked = retry_after(response.headers());
                    let cause = format!("the server answered HTTP {status}");
                    return Err((cause, retry::status(status.as_u16()), asked));
                }
                response.bytes().await.map(Vec::from).map_err(|error| {
                    (client::chain(&error), Some(Doubt::MayHaveRun), Duration::ZERO)
                })
            };
        timeout_at(what.deadline, exchange).await.unwrap_or_else(|_| {
            // Not repeated: there is no time left, whatever it was.
            Err((String::from(TIMED_OUT), Some(Doubt::MayHaveRun), Duration::MAX))
        })
    }
}

/// What is said where there was no answer in time.
pub(super) const TIMED_OUT: &str = "no answer in time";

fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds =
        headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}
