//! A statement: sent, waited for, carried over an expired token, and read.

use std::time::Duration;

use http::Method;
use reqwest::Request;
use serde_json::json;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use super::answer::{Data, Envelope};
use super::send::{Sender, TIMED_OUT, What};
use super::{Answer, Failure, retry};

/// The statement is running: its answer is to be fetched.
const RUNNING: [&str; 2] = ["333333", "333334"];
/// The session's token has expired.
const EXPIRED: &str = "390112";
/// The session or its master token is no more: only a new login helps.
const GONE: [&str; 5] = ["390104", "390111", "390113", "390114", "390115"];
/// How often a token is renewed for one statement.
const RENEWALS: u32 = 3;
/// How long telling the server to stop may take.
const STOPPING: Duration = Duration::from_secs(5);

impl Sender<'_> {
    /// Runs the statement in place of snowflake-api's request; the answer is one that it takes.
    pub(super) async fn statement(&self, request: &Request) -> Result<Vec<u8>, Failure> {
        let (statement, deadline) = {
            let state = self.link.state();
            (state.statement.clone(), state.deadline.unwrap_or_else(Instant::now))
        };
        let id = request_id(request.url());
        let result = self.run(request, &statement, &id, deadline).await;
        if Instant::now() >= deadline
            && matches!(result, Err(Failure::Transport { may_have_run: true, .. }))
        {
            self.stop(&statement, &id).await;
        }
        result
    }

    async fn run(
        &self,
        request: &Request,
        statement: &str,
        id: &str,
        deadline: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let repeat = retry::repeatable(statement);
        let mut url = self.url("/queries/v1/query-request")?;
        url.query_pairs_mut().append_pair("requestId", id);
        let body = request.body().and_then(reqwest::Body::as_bytes).map(<[u8]>::to_vec);
        let mut what = What {
            method: Method::POST,
            url,
            headers: Self::headers(Some(&self.token()?))?,
            body,
            repeat,
            deadline,
            first: false,
            counted: true,
        };
        let mut running = false;
        let mut doubted = false;
        let mut renewals = 0;
        let mut pause = Duration::from_millis(20);
        loop {
            let asked = Instant::now();
            let reply = self.exchange(&what).await.map_err(|failure| match failure {
                Failure::Transport { cause, may_have_run } => {
                    Failure::Transport { cause, may_have_run: may_have_run || running || doubted }
                }
                other => other,
            })?;
            doubted |= reply.doubted && !running;
            let envelope: Envelope<Data> = serde_json::from_slice(&reply.bytes)
                .map_err(|_| Failure::unusable("the server's answer is not readable"))?;
            if envelope.success && !RUNNING.contains(&envelope.code()) {
                let data = envelope.data.unwrap_or_default();
                return self.take(data, deadline).await;
            }
            match envelope.code() {
                code if RUNNING.contains(&code) => {
                    let path = envelope.data.and_then(|data| data.get_result_url);
                    what = self.fetch(path.as_deref(), deadline)?;
                    running = true;
                    // The server holds the question for a while; one that does not is not to be
                    // flooded.
                    if asked.elapsed() < Duration::from_secs(1) {
                        self.pause(pause, deadline).await?;
                        pause = (pause * 2).min(Duration::from_secs(2));
                    }
                }
                EXPIRED if renewals < RENEWALS => {
                    renewals += 1;
                    self.renew(deadline).await.map_err(|failure| match failure {
                        Failure::SessionGone { .. } => {
                            Failure::SessionGone { may_have_run: running && !repeat }
                        }
                        Failure::Transport { cause, .. } => {
                            Failure::Transport { cause, may_have_run: running || doubted }
                        }
                        other => other,
                    })?;
                    what.headers = Self::headers(Some(&self.token()?))?;
                }
                code if code == EXPIRED || GONE.contains(&code) => {
                    let may_have_run = (running || doubted) && !repeat;
                    return Err(Failure::SessionGone { may_have_run });
                }
                _ => {
                    let error = envelope.into_error();
                    // An earlier attempt may have done it, and this is what the second one met.
                    return Err(if doubted && !repeat {
                        Failure::unusable(format!(
                            "it was sent more than once, and the last time the server said: {}",
                            error.message
                        ))
                    } else {
                        Failure::Server(error)
                    });
                }
            }
        }
    }

    /// The question for the result of a statement that is running.
    fn fetch(&self, path: Option<&str>, deadline: Instant) -> Result<What, Failure> {
        let lost = || Failure::unusable("the server does not say where the result will be");
        let url = self.url(path.ok_or_else(lost)?)?;
        let here = self.url("/")?;
        // The session's token goes with it: nowhere but to the server itself.
        if url.origin() != here.origin() {
            return Err(lost());
        }
        Ok(What {
            method: Method::GET,
            url,
            headers: Self::headers(Some(&self.token()?))?,
            body: None,
            repeat: true,
            deadline,
            first: false,
            counted: true,
        })
    }

    async fn pause(&self, pause: Duration, deadline: Instant) -> Result<(), Failure> {
        if Instant::now() + pause >= deadline {
            tokio::time::sleep_until(deadline).await;
            return Err(Failure::unusable(TIMED_OUT));
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Keeps what was answered for the session, and tells snowflake-api as much as it needs: of
    /// rows in JSON nothing, since it would lose all parts but the first.
    async fn take(&self, data: Data, deadline: Instant) -> Result<Vec<u8>, Failure> {
        let query_id = data.query_id.clone().unwrap_or_default();
        let mut told = json!({
            "parameters": [], "rowtype": [], "total": 0, "returned": 0, "queryId": query_id,
            "finalRoleName": "", "statementTypeId": 0, "version": 1,
        });
        let answer = if data.is_arrow() {
            let headers = super::chunks::headers(&data);
            let chunks: Vec<_> = data
                .chunks
                .iter()
                .map(|chunk| {
                    json!({
                        "url": chunk.url, "rowCount": 0, "uncompressedSize": 0,
                    })
                })
                .collect();
            let rows = data.rowset_base64.as_deref().unwrap_or_default();
            let answer = Answer::Arrow {
                columns: data.columns(),
                returned: data.returned,
                first_is_last: !chunks.is_empty() && !rows.is_empty(),
            };
            told["returned"] = data.returned.or(data.total).unwrap_or(1).into();
            told["rowsetBase64"] = data.rowset_base64.unwrap_or_default().into();
            told["chunkHeaders"] = json!(headers);
            told["chunks"] = chunks.into();
            answer
        } else {
            Answer::Rows(self.gather(data, deadline).await?)
        };
        self.link.state().outcome = Some(Ok(answer));
        let told = json!({"success": true, "code": null, "message": null, "data": told});
        Ok(told.to_string().into_bytes())
    }

    fn token(&self) -> Result<String, Failure> {
        let state = self.link.state();
        let tokens = state.tokens.as_ref();
        tokens
            .map(|tokens| tokens.session.clone())
            .ok_or(Failure::SessionGone { may_have_run: false })
    }

    /// Tells the server to stop a statement that nobody waits for any more, as the drivers do.
    async fn stop(&self, statement: &str, id: &str) {
        let (Ok(mut url), Ok(token)) = (self.url("/queries/v1/abort-request"), self.token()) else {
            return;
        };
        url.query_pairs_mut().append_pair("requestId", &Uuid::new_v4().to_string());
        let Ok(headers) = Self::headers(Some(&token)) else { return };
        let body = json!({"sqlText": statement, "requestId": id}).to_string().into_bytes();
        let deadline = Instant::now() + STOPPING;
        let what = What {
            method: Method::POST,
            url,
            headers,
            body: Some(body),
            repeat: false,
            deadline,
            first: false,
            counted: true,
        };
        let _ = self.exchange(&what).await;
    }
}

/// The id that snowflake-api made for the request: repetitions carry the same one.
fn request_id(url: &Url) -> String {
    url.query_pairs()
        .find_map(|(key, value)| (key == "requestId").then(|| value.into_owned()))
        .unwrap_or_else(|| Uuid::new_v4().to_string())
}
