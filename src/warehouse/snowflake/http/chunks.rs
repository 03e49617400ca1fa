//! The further parts of a large result, which lie in cloud storage.

use std::collections::HashMap;
use std::io::Read;

use futures::{StreamExt, TryStreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::Request;
use tokio::time::Instant;
use url::Url;

use super::super::Rows;
use super::super::settings::Protocol;
use super::answer::{self, Data};
use super::send::{Sender, What};
use super::{Failure, client};

/// How many parts are fetched at a time.
const AT_ONCE: usize = 4;

impl Sender<'_> {
    /// All rows of a result in JSON, in order, or an error: never some of them.
    pub(super) async fn gather(&self, data: Data, deadline: Instant) -> Result<Rows, Failure> {
        let headers = header_map(&headers(&data));
        let urls: Vec<String> = data.chunks.iter().map(|chunk| chunk.url.clone()).collect();
        let returned = data.returned;
        let truths = data.truths();
        let mut rows = data.into_rows();
        let parts: Vec<Vec<Vec<Option<String>>>> = futures::stream::iter(urls)
            .map(|url| {
                let headers = headers.clone();
                async move {
                    let bytes = self.download(&url, headers, deadline).await?;
                    answer::chunk_rows(&bytes).map_err(Failure::unusable)
                }
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        rows.rows.extend(parts.into_iter().flatten());
        answer::write_truths(&truths, &mut rows.rows);
        let width = rows.columns.len();
        if returned.is_some_and(|returned| (rows.rows.len() as u64) < returned)
            || rows.rows.iter().any(|row| row.len() != width)
        {
            return Err(Failure::unusable("the result is not complete"));
        }
        Ok(rows)
    }

    /// A part that snowflake-api asks for, of a result in Arrow.
    pub(super) async fn part(&self, request: &Request) -> Result<Vec<u8>, Failure> {
        let url = request.url().as_str();
        self.download(url, request.headers().clone(), self.link.deadline()).await
    }

    async fn download(
        &self,
        url: &str,
        headers: HeaderMap,
        deadline: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let wrong = || Failure::unusable("a part of the result has an address that is not safe");
        let url = Url::parse(url).map_err(|_| wrong())?;
        if url.scheme() != "https" && self.link.shared.settings.protocol == Protocol::Https {
            return Err(wrong());
        }
        let what = What {
            method: Method::GET,
            url,
            headers,
            body: None,
            repeat: true,
            deadline,
            // Signed addresses: a parameter more would break the signature.
            first: false,
            counted: false,
        };
        let reply = self.exchange(&what).await.map_err(|failure| match failure {
            Failure::Transport { cause, .. } => {
                Failure::unusable(format!("a part of the result cannot be fetched: {cause}"))
            }
            other => other,
        })?;
        unpacked(reply.bytes)
    }
}

/// Parts are packed with gzip, which storage does not always say.
fn unpacked(bytes: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice())
        .read_to_end(&mut plain)
        .map_err(|error| Failure::unusable(client::chain(&error)))?;
    Ok(plain)
}

/// The headers that storage wants: as given, or the key that the parts are encrypted with. Only
/// such as can be sent: snowflake-api would panic on others.
pub(super) fn headers(data: &Data) -> HashMap<String, String> {
    let given = data.chunk_headers.clone().filter(|headers| !headers.is_empty());
    let headers = given.unwrap_or_else(|| match &data.qrmk {
        Some(key) => HashMap::from([
            ("x-amz-server-side-encryption-customer-algorithm".to_owned(), "AES256".to_owned()),
            ("x-amz-server-side-encryption-customer-key".to_owned(), key.clone()),
        ]),
        None => HashMap::new(),
    });
    headers.into_iter().filter(|(name, value)| header(name, value).is_some()).collect()
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
}

fn header_map(headers: &HashMap<String, String>) -> HeaderMap {
    headers.iter().filter_map(|(name, value)| header(name, value)).collect()
}
