//! Failures for people: what the server's codes mean, and what to do.

use super::http::{Failure, Shared};
use super::settings::Auth;
use super::{QueryError, ServerError};

/// A failure of a statement.
pub(super) fn query(failure: Failure, shared: &Shared) -> QueryError {
    match failure {
        Failure::Server(error) => QueryError::Server(error),
        Failure::Login(_) => no_session(&failure, shared),
        Failure::SessionGone { may_have_run } => QueryError::Transport {
            cause: "the session ended, and could not be renewed".to_owned(),
            may_have_run,
        },
        Failure::Transport { cause, may_have_run } => QueryError::Transport { cause, may_have_run },
    }
}

/// A statement that was not sent, for want of a session.
pub(super) fn no_session(failure: &Failure, shared: &Shared) -> QueryError {
    QueryError::Transport {
        cause: shared.settings.redacted(connecting(failure, shared)),
        may_have_run: false,
    }
}

/// Why no session came about.
pub(super) fn connecting(failure: &Failure, shared: &Shared) -> String {
    match failure {
        Failure::Login(error) | Failure::Server(error) => with_hint(error, shared),
        Failure::SessionGone { .. } => "the session ended as soon as it was made".to_owned(),
        Failure::Transport { cause, .. } => match unreachable(cause, shared) {
            Some(hint) => format!("{cause}\n  {hint}"),
            None => cause.clone(),
        },
    }
}

fn with_hint(error: &ServerError, shared: &Shared) -> String {
    let said = match error.code.as_str() {
        "" => error.message.clone(),
        code => format!("{} (code {code})", error.message),
    };
    match hint(error, shared) {
        Some(hint) => format!("{said}\n  {hint}"),
        None => said,
    }
}

/// What to do about a refused login. Codes as the official drivers and the documentation name them.
fn hint(error: &ServerError, shared: &Shared) -> Option<String> {
    let settings = &shared.settings;
    let says = |word: &str| error.message.to_ascii_lowercase().contains(word);
    let user = in_sql(&settings.user);
    let fingerprint = shared.key.as_ref().map(|key| key.fingerprint.as_str());
    Some(match error.code.as_str() {
        "390144" | "394300" | "394301" | "394302" | "394303" | "394304" => format!(
            "The key that was used has the fingerprint {}. Compare it with RSA_PUBLIC_KEY_FP and \
             RSA_PUBLIC_KEY_2_FP of DESCRIBE USER {}. If it is there, look at this machine's clock \
             (a token counts for a minute) and at the names of account and login.",
            fingerprint.unwrap_or("(none)"),
            user
        ),
        _ if says("multi-factor") || says("mfa") => "This user's password counts only together \
             with a second factor, which a job has not: use a key pair (`private_key_path`) or a \
             programmatic access token, best for a user of TYPE = SERVICE."
            .to_owned(),
        "390100" => match settings.auth {
            Auth::Password(_) => "The user or the password is wrong. A user of TYPE = SERVICE has \
                 no password: use a key pair."
                .to_owned(),
            _ => "The user or the token is wrong, or the token is for another user.".to_owned(),
        },
        "390101" => format!(
            "The user is disabled: an administrator can say ALTER USER {} SET DISABLED = FALSE.",
            user
        ),
        "390102" => format!(
            "The user is locked after failed logins: wait 15 minutes, or an administrator says \
             ALTER USER {} SET MINS_TO_UNLOCK = 0.",
            user
        ),
        "390422" | "390420" => "A network policy keeps this machine's address out: its \
             administrator can add the address to the policy's allowed list."
            .to_owned(),
        "390432" => {
            "A programmatic access token counts only for a user under a network policy.".to_owned()
        }
        "390189" => format!(
            "The role {} does not exist or is not granted to the user: SHOW GRANTS TO USER {} \
             lists what is.",
            settings.role.as_deref().unwrap_or("(default)"),
            user
        ),
        "390190" | "390191" | "390201" | "002043" => {
            let named = [
                ("warehouse", &settings.warehouse),
                ("database", &settings.database),
                ("schema", &settings.schema),
            ];
            let named = named.iter().filter_map(|(what, name)| Some((what, name.as_deref()?)));
            let named: Vec<String> = named.map(|(what, name)| format!("{what} {name}")).collect();
            let role = settings.role.as_deref().unwrap_or("(default)");
            format!(
                "The profile's {} does not exist, or the role {role} lacks USAGE on it.",
                named.join(" or ")
            )
        }
        _ if says("account") && says("does not exist") => format!(
            "Is the account ({}) written as `organisation-account`, or as its locator with region \
             and cloud?",
            settings.account
        ),
        "390303" | "390318" => "The OAuth token is wrong or has expired: get a new one.".to_owned(),
        _ => return None,
    })
}

/// The user in a statement to copy. A login name need not be the user's name: only where the two
/// can be the same it is filled in.
fn in_sql(login: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if login.chars().all(plain) { login } else { "…" }
}

fn unreachable(cause: &str, shared: &Shared) -> Option<String> {
    let lower = cause.to_ascii_lowercase();
    let says = |word: &str| lower.contains(word);
    let (account, base) = (&shared.settings.account, &shared.base);
    Some(if says("dns error") || says("failed to lookup") {
        format!(
            "{base} is not known to this machine's name service: is the account ({account}) \
             written as `organisation-account`, or the host right?"
        )
    } else if says("unknownissuer") || says("certificate") {
        format!(
            "The certificate of {base} is not trusted. Where a proxy or PrivateLink has \
             certificates of its own, name the file of its authority in SSL_CERT_FILE."
        )
    } else if says("http 403") || says("http 404") {
        format!("{base} knows no such account: is {account:?} right?")
    } else if says("connection refused") || says("timed out") || says("no answer in time") {
        format!("{base} cannot be reached: is there a proxy, a firewall, or another host or port?")
    } else {
        return None;
    })
}
