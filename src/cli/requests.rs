//! `rolecall requests`

use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::{Exit, Format, Global, output, plan};
use crate::config::{self, Request, RequestState, moment, parse_request};
use crate::model::Diagnostic;
use crate::report::{findings::one_line, json};
use crate::requests::Wish;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only of this product
    #[arg(value_name = "PRODUCT")]
    product: Option<String>,
    /// Only those in this state
    #[arg(long, value_name = "STATE")]
    state: Option<State>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Open,
    Approved,
    Denied,
}

impl State {
    fn is(self, state: &RequestState) -> bool {
        match self {
            Self::Open => matches!(state, RequestState::Open),
            Self::Approved => matches!(state, RequestState::Approved(_)),
            Self::Denied => matches!(state, RequestState::Denied(_)),
        }
    }
}

/// One request, as it is listed.
#[derive(Debug, Serialize)]
struct Listed {
    request: String,
    state: &'static str,
    /// Its `until` has passed.
    ended: bool,
    product: String,
    role: String,
    user: String,
    reason: String,
    until: Option<String>,
    environments: Vec<String>,
    requested_by: String,
    requested_at: Option<String>,
    decided_by: Option<String>,
    decided_at: Option<String>,
    because: Option<String>,
    file: String,
}

#[derive(Serialize)]
struct Lists {
    version: u32,
    requests: Vec<Listed>,
    findings: Vec<Diagnostic>,
}

pub(super) fn run(global: &Global, asked: &Arguments) -> anyhow::Result<Exit> {
    let (files, mut found) = config::load_requests(&global.places().project_dir);
    let now = plan::as_of(global)?;
    let mut requests = Vec::new();
    for file in &files {
        let (request, problems) = parse_request(file);
        found.extend(problems);
        requests.extend(request);
    }
    let product = |request: &Request| {
        asked.product.as_ref().is_none_or(|product| *product == request.product.value)
    };
    requests.retain(|one| product(one) && asked.state.is_none_or(|state| state.is(&one.state)));
    let exit = if found.has_errors() { Exit::Failed } else { Exit::Done };
    let listed: Vec<Listed> = requests.iter().map(|request| listed(request, now)).collect();
    if global.format == Format::Json {
        let (version, findings) = (json::VERSION, found.sorted());
        output::data(&json::print(&Lists { version, requests: listed, findings })?)?;
        return Ok(exit);
    }
    if listed.is_empty() {
        output::message("nobody has asked");
    } else {
        output::text(&format!("{}\n", table(&listed)))?;
    }
    output::findings(found);
    Ok(exit)
}

fn listed(request: &Request, now: i64) -> Listed {
    let Wish { product, role, user, reason, until, environments, by } = Wish::from(request);
    let decision = request.state.decision();
    let end = until.as_deref().and_then(|until| moment(until).ok());
    Listed {
        request: request.id.clone(),
        state: request.state.as_str(),
        ended: end.is_some_and(|end| end <= now),
        product,
        role,
        user,
        reason,
        until,
        environments,
        requested_by: by,
        requested_at: request.requested_at.as_ref().map(|at| at.value.clone()),
        decided_by: decision.map(|decision| decision.by.clone()),
        decided_at: decision.and_then(|decision| decision.at.clone()),
        because: decision.and_then(|decision| decision.because.clone()),
        file: request.path.to_string_lossy().replace('\\', "/"),
    }
}

fn table(requests: &[Listed]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["request", "state", "product role", "user", "until", "reason", "decided"]);
    for one in requests {
        let until = match &one.until {
            None => String::new(),
            Some(until) if one.ended => format!("{until} (ended)"),
            Some(until) => until.clone(),
        };
        let decided = one.decided_by.as_ref().map(|by| {
            let because = one.because.as_ref().map(|because| format!(": {because}"));
            format!("{by}{}", because.unwrap_or_default())
        });
        let cells = [
            one.request.clone(),
            one.state.to_owned(),
            format!("{}.{}", one.product, one.role),
            one.user.clone(),
            until,
            one.reason.clone(),
            decided.unwrap_or_default(),
        ];
        table.add_row(cells.map(|cell| one_line(&cell)));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}
