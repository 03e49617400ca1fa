//! One request in `rolecall/requests/`: who asks for which product role. Nothing that resolves reads
//! it; only an owner's approval makes a member's entry of it.

use std::path::{Path, PathBuf};

use super::names::unfit;
use super::reader::{Keys, Reader, printable};
use super::{Located, tree, until};
use crate::model::{Diagnostic, Diagnostics};

/// The text of a file in `rolecall/requests/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFile {
    /// Relative to the project.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
}

impl RequestFile {
    /// The request's name: the file's without its ending.
    pub fn id(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its name.
    pub id: String,
    /// The file, from the project's folder.
    pub path: PathBuf,
    /// The product.
    pub product: Located<String>,
    /// The product role.
    pub role: Located<String>,
    /// For whom: a user by name.
    pub user: Located<String>,
    /// Why.
    pub reason: Located<String>,
    /// Until when, as written: checked to be a day or a moment.
    pub until: Option<Located<String>>,
    /// Only in these environments; empty for all.
    pub environments: Vec<Located<String>>,
    /// Who asks. Claimed.
    pub requested_by: Located<String>,
    /// When, as written.
    pub requested_at: Option<Located<String>>,
    /// What became of it.
    pub state: RequestState,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestState {
    /// Nobody has decided.
    Open,
    /// An owner let them in.
    Approved(Decision),
    /// An owner refused.
    Denied(Decision),
}

impl RequestState {
    /// `open`, `approved` or `denied`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved(_) => "approved",
            Self::Denied(_) => "denied",
        }
    }

    /// Who decided, when and why.
    pub fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Open => None,
            Self::Approved(decision) | Self::Denied(decision) => Some(decision),
        }
    }
}

/// Who decided, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The owner. Claimed.
    pub by: String,
    /// When, as written.
    pub at: Option<String>,
    /// Why.
    pub because: Option<String>,
}

const KEYS: Keys = Keys {
    of: "a request",
    known: &[
        "product",
        "role",
        "user",
        "reason",
        "until",
        "environments",
        "requested_by",
        "requested_at",
        "state",
        "decided_by",
        "decided_at",
        "because",
    ],
};

/// Why a text cannot be a reason: it stands in one line, and shows what it holds.
pub fn unfit_reason(text: &str) -> Option<&'static str> {
    if text.trim().is_empty() { Some("is empty") } else { unfit(text.trim()) }
}

/// Reads one request. It is there only where nothing is wrong with it.
pub fn parse_request(file: &RequestFile) -> (Option<Request>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let path: &Path = &file.path;
    let source = tree::Source::new(path, &file.text);
    let node = match tree::read(&file.text, &source) {
        Ok(node) => node,
        Err(problem) => return (None, [*problem].into_iter().collect()),
    };
    let mut reader = Reader { source: &source, diagnostics: &mut diagnostics };
    let fields = reader.fields(&node, &KEYS);
    let mut needed = |key: &str| {
        if fields.get(key).is_none() {
            reader.diagnostics.push(
                Diagnostic::error("missing-key", format!("`{key}` is missing"))
                    .with_help("`rolecall request` writes whole requests")
                    .with_place(source.whole()),
            );
        }
        reader.text(&fields, key)
    };
    let (product, role, user) = (needed("product"), needed("role"), needed("user"));
    let (reason, requested_by) = (needed("reason"), needed("requested_by"));
    let state = needed("state");
    let until = reader.text(&fields, "until");
    let environments = reader.texts(&fields, "environments");
    let requested_at = reader.text(&fields, "requested_at");
    let decided_by = reader.text(&fields, "decided_by");
    let decided_at = reader.text(&fields, "decided_at");
    let because = reader.text(&fields, "because");
    for (what, name) in
        [("the user", &user), ("who asks", &requested_by), ("who decided", &decided_by)]
    {
        let Some(name) = name else { continue };
        diagnostics.extend(super::names::check_fit(what, name));
    }
    for reason in [&reason, &because].into_iter().flatten() {
        if let Some(why) = unfit_reason(&reason.value) {
            let what = format!("the reason, `{}`, {why}", printable(&reason.value));
            diagnostics.push(
                Diagnostic::error("invalid-reason", what)
                    .with_help("write one line of text")
                    .with_place(reason.place.clone()),
            );
        }
    }
    for when in [&until, &requested_at, &decided_at].into_iter().flatten() {
        if let Err(why) = until::read(&when.value) {
            let what = format!("`{}`: {why}", printable(&when.value));
            diagnostics.push(
                Diagnostic::error("invalid-until", what)
                    .with_help(
                        "write a day, 2027-01-31 (in UTC), or a moment, 2027-01-31T18:00:00Z",
                    )
                    .with_place(when.place.clone()),
            );
        }
    }
    if environments.as_ref().is_some_and(Vec::is_empty) {
        diagnostics.push(
            Diagnostic::error("invalid-request", "`environments` names no environment")
                .with_help("leave `environments` out to ask for all")
                .with_place(source.whole()),
        );
    }
    let decision = decided_by.map(|by| Decision {
        by: by.value,
        at: decided_at.map(|at| at.value),
        because: because.map(|because| because.value),
    });
    let state = state.and_then(|state| match (state.value.as_str(), decision) {
        ("open", None) => Some(RequestState::Open),
        ("approved", Some(decision)) => Some(RequestState::Approved(decision)),
        ("denied", Some(decision)) => Some(RequestState::Denied(decision)),
        (word, decision) => {
            let known = ["open", "approved", "denied"].contains(&word);
            let what = match decision {
                _ if !known => format!("`{}` is no state of a request", printable(word)),
                Some(_) => "it is open, and says who decided".to_owned(),
                None => format!("it is {word}, and does not say who decided"),
            };
            diagnostics.push(
                Diagnostic::error("invalid-request", what)
                    .with_help("states are open, approved and denied; `rolecall approve` and `deny` write who decided")
                    .with_place(state.place),
            );
            None
        }
    });
    let request = (|| {
        Some(Request {
            id: file.id(),
            path: file.path.clone(),
            product: product?,
            role: role?,
            user: user?,
            reason: reason?,
            until,
            environments: environments.unwrap_or_default(),
            requested_by: requested_by?,
            requested_at,
            state: state?,
        })
    })();
    (request.filter(|_| !diagnostics.has_errors()), diagnostics)
}
