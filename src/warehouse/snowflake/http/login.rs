//! Logging in, renewing and logging out.

use http::Method;
use reqwest::Request;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::super::account;
use super::super::session::REQUIRED;
use super::super::settings::{Auth, SnowflakeSettings};
use super::answer::{self, Envelope};
use super::send::{Sender, What};
use super::{Entered, Failure, Tokens};

/// What snowflake-api gets instead of a token.
const NOT_YOURS: &str = "kept-by-the-http-layer";

impl Sender<'_> {
    /// Logs in, in place of snowflake-api's request; the answer is one that it takes.
    pub(super) async fn login(&self, _: &Request) -> Result<Vec<u8>, Failure> {
        let settings = &self.link.shared.settings;
        let refused = self.link.shared.logins.refused().clone();
        if let Some(error) = refused {
            return Err(Failure::Login(error));
        }
        let mut url = self.url("/session/v1/login-request")?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("requestId", &Uuid::new_v4().to_string());
            for (key, value) in [
                ("warehouse", &settings.warehouse),
                ("databaseName", &settings.database),
                ("schemaName", &settings.schema),
                ("roleName", &settings.role),
            ] {
                if let Some(value) = value {
                    query.append_pair(key, value);
                }
            }
        }
        let what = What {
            method: Method::POST,
            url,
            headers: Self::headers(None)?,
            body: Some(self.login_body()?.to_string().into_bytes()),
            // Nothing but a session that nobody uses would be left behind.
            repeat: true,
            deadline: self.link.deadline().min(Instant::now() + settings.connect_timeout * 4),
            first: true,
            counted: true,
        };
        let reply = self.exchange(&what).await.map_err(|failure| match failure {
            Failure::Transport { cause, .. } => Failure::never_sent(cause),
            other => other,
        })?;
        let tokens = read_tokens(&reply.bytes).map_err(|error| match error {
            Some(error) => {
                *self.link.shared.logins.refused() = Some(error.clone());
                Failure::Login(error)
            }
            None => not_snowflake(),
        })?;
        let parameters = tokens
            .parameters
            .into_iter()
            .filter_map(|parameter| Some((parameter.name, parameter.value.0?)))
            .collect();
        let mut state = self.link.state();
        state.entered = Entered { role: tokens.info.and_then(|info| info.role), parameters };
        state.tokens = Some(Tokens { session: tokens.token, master: tokens.master });
        // Valid for ever: when a session is over, the server knows better than a clock.
        let told = json!({"success": true, "code": null, "message": null, "data": {
            "sessionId": 0, "token": NOT_YOURS, "masterToken": NOT_YOURS, "serverVersion": "",
            "parameters": [], "sessionInfo": {"roleName": ""},
            "masterValidityInSeconds": -1, "validityInSeconds": -1,
        }});
        Ok(told.to_string().into_bytes())
    }

    /// Exchanges the master token for a new session token.
    pub(super) async fn renew(&self, deadline: Instant) -> Result<(), Failure> {
        let gone = || Failure::SessionGone { may_have_run: false };
        let tokens = self.link.state().tokens.clone().ok_or_else(gone)?;
        let mut url = self.url("/session/token-request")?;
        url.query_pairs_mut().append_pair("requestId", &Uuid::new_v4().to_string());
        let what = What {
            method: Method::POST,
            url,
            headers: Self::headers(Some(&tokens.master))?,
            body: Some(
                json!({"oldSessionToken": tokens.session, "requestType": "RENEW"})
                    .to_string()
                    .into_bytes(),
            ),
            // A renewal whose answer was lost leaves an old token that is no good: then a new login.
            repeat: true,
            deadline,
            first: false,
            counted: true,
        };
        let reply = self.exchange(&what).await?;
        let Ok(renewed) = read_tokens(&reply.bytes) else { return Err(gone()) };
        self.link.state().tokens = Some(Tokens { session: renewed.token, master: renewed.master });
        Ok(())
    }

    /// Logs out. Nobody is helped by hearing that it failed: an idle session ends by itself.
    pub(super) async fn log_out(&self, _: &Request) -> Result<Vec<u8>, Failure> {
        let tokens = self.link.state().tokens.take();
        if let Some(tokens) = tokens {
            let mut url = self.url("/session")?;
            url.query_pairs_mut()
                .append_pair("delete", "true")
                .append_pair("requestId", &Uuid::new_v4().to_string());
            let what = What {
                method: Method::POST,
                url,
                headers: Self::headers(Some(&tokens.session))?,
                body: Some(b"{}".to_vec()),
                repeat: false,
                deadline: self.link.deadline(),
                first: false,
                counted: true,
            };
            let _ = self.exchange(&what).await;
        }
        Ok(br#"{"success":true,"code":null,"message":null,"data":null}"#.to_vec())
    }

    fn login_body(&self) -> Result<Value, Failure> {
        let settings = &self.link.shared.settings;
        let account = account::name_of(&settings.account);
        let mut data = json!({
            "ACCOUNT_NAME": account,
            "LOGIN_NAME": settings.user,
            "CLIENT_APP_VERSION": env!("CARGO_PKG_VERSION"),
            "CLIENT_ENVIRONMENT": {
                "APPLICATION": "rolecall",
                "OS": std::env::consts::OS,
                "OS_VERSION": std::env::consts::ARCH,
            },
            "SESSION_PARAMETERS": session_parameters(settings),
        });
        let proof = match &settings.auth {
            Auth::Password(password) => vec![("PASSWORD", password.expose().to_owned())],
            Auth::OAuth(token) => {
                vec![("AUTHENTICATOR", "OAUTH".to_owned()), ("TOKEN", token.expose().to_owned())]
            }
            Auth::ProgrammaticAccessToken(token) => vec![
                ("AUTHENTICATOR", "PROGRAMMATIC_ACCESS_TOKEN".to_owned()),
                ("TOKEN", token.expose().to_owned()),
            ],
            Auth::KeyPair { .. } => {
                let key = self.link.shared.key.as_ref();
                let key = key.ok_or_else(|| Failure::never_sent("the private key was not read"))?;
                // Upper case whatever the name's own case: so the official drivers, since login
                // names have no case.
                let whole = format!("{account}.{}", settings.user.to_uppercase());
                let token = snowflake_jwt::generate_jwt_token(key.pem.expose(), &whole)
                    .map_err(|_| Failure::never_sent("the private key cannot sign"))?;
                vec![("AUTHENTICATOR", "SNOWFLAKE_JWT".to_owned()), ("TOKEN", token)]
            }
        };
        for (key, value) in proof {
            data[key] = Value::String(value);
        }
        Ok(json!({ "data": data }))
    }
}

fn session_parameters(settings: &SnowflakeSettings) -> Value {
    let mut parameters = serde_json::Map::new();
    for (name, value) in &settings.session_parameters {
        parameters.insert(name.to_ascii_uppercase(), Value::String(value.clone()));
    }
    for (name, value) in REQUIRED {
        parameters.insert((*name).to_owned(), typed(value));
    }
    parameters.entry("QUERY_TAG").or_insert_with(|| "rolecall".into());
    // Otherwise a role or database that is not there is passed over in silence.
    parameters.insert("CLIENT_VALIDATE_DEFAULT_PARAMETERS".to_owned(), true.into());
    let seconds = settings.statement_timeout.as_secs().max(1);
    parameters.insert("STATEMENT_TIMEOUT_IN_SECONDS".to_owned(), seconds.into());
    Value::Object(parameters)
}

fn typed(value: &str) -> Value {
    value
        .parse::<bool>()
        .map(Value::Bool)
        .or_else(|_| value.parse::<u64>().map(Value::from))
        .unwrap_or_else(|_| Value::String(value.to_owned()))
}

/// Tokens; or what the server said; or nothing, where it is not Snowflake who answered.
fn read_tokens(bytes: &[u8]) -> Result<answer::Tokens, Option<super::ServerError>> {
    match serde_json::from_slice::<Envelope<answer::Tokens>>(bytes) {
        Ok(Envelope { success: true, data: Some(tokens), .. }) => Ok(tokens),
        _ => Err(serde_json::from_slice::<Envelope<answer::Data>>(bytes)
            .ok()
            .filter(|envelope| !envelope.success)
            .map(Envelope::into_error)),
    }
}

fn not_snowflake() -> Failure {
    Failure::never_sent("what answers there does not speak Snowflake's protocol")
}
