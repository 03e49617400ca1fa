//! What tests and checks came to: as text and as JSON. SARIF and annotations are made of the same.

use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::access::{self, Teller, Told};
use super::count;
use super::findings::{one_line, where_is, with_notes};
use crate::check::{Checked, Finding, Judged, Subject, Verdict, Witness};
use crate::effect::Lack;
use crate::model::{Diagnostic, Ident, Privilege, Securable, Severity};
use crate::plan::hex;

/// `check --format json`.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// [`super::json::VERSION`].
    pub version: u32,
    /// The environment.
    pub environment: &'a str,
    /// Of what is declared alone: no warehouse was asked.
    pub declared_only: bool,
    /// No test and no error-level check fails, and all could be judged.
    pub holds: bool,
    /// The tests of the environment, by name.
    pub tests: Vec<Test<'a>>,
    /// What fails, and what is warned of.
    pub findings: Vec<Shown<'a>>,
    /// Findings that somebody has looked at: not counted until a day.
    pub suppressed: Vec<Shown<'a>>,
    /// What could not be judged, and what was noticed.
    pub diagnostics: Vec<Diagnostic>,
}

/// An access test.
#[derive(Debug, Serialize)]
pub struct Test<'a> {
    /// Its name.
    pub name: &'a str,
    /// `never`, `always` or `at_most`.
    pub demand: &'static str,
    /// `holds`, `fails` or `not_judged`.
    pub outcome: &'static str,
    /// How many nodes it is about.
    pub nodes: usize,
    /// How many people, and roles that nobody is in, it is about.
    pub actors: usize,
    /// Of `at_most`: how many people there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<usize>,
    /// What else is to be said.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub notes: &'a [String],
}

/// A finding.
#[derive(Debug, Serialize)]
pub struct Shown<'a> {
    /// Its code, place, message and help.
    #[serde(flatten)]
    pub diagnostic: &'a Diagnostic,
    /// What it is about.
    pub about: &'a Subject,
    /// Who can what they should not: people first, some of them.
    pub witnesses: Vec<Seen<'a>>,
    /// How many more there are.
    pub more_witnesses: usize,
    /// What else is to be said.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub notes: &'a [String],
    /// The same for the same finding, wherever it stands.
    pub fingerprint: String,
    /// Why it is not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Accepted<'a>>,
}

/// Why a finding is not counted.
#[derive(Debug, Serialize)]
pub struct Accepted<'a> {
    /// Why.
    pub reason: &'a str,
    /// Until when.
    pub until: &'a str,
    /// Where that is said.
    pub place: String,
}

/// Somebody who can do something, and how.
#[derive(Debug, Serialize)]
pub struct Seen<'a> {
    /// The role's name in the warehouse.
    pub who: &'a Ident,
    /// They can log in.
    pub person: bool,
    /// On what.
    pub on: &'a Securable,
    /// Whose relation that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<&'a str>,
    /// What.
    pub privilege: Privilege,
    /// A query could use it.
    pub usable: bool,
    /// How, in steps with their lines.
    pub chain: Vec<Told<'a>>,
    /// What is missing to use it.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub lacks: &'a [Lack],
    /// What else is to be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'a str>,
    /// All of it in a line.
    pub text: String,
}

impl<'a> Report<'a> {
    /// Tells what was found.
    pub fn of(
        checked: &'a Checked<'a>,
        teller: &Teller<'_>,
        environment: &'a str,
        declared_only: bool,
        diagnostics: Vec<Diagnostic>,
    ) -> Self {
        let shown = |finding| Shown::of(finding, teller, environment);
        let (suppressed, findings) =
            checked.findings.iter().map(shown).partition(|shown| shown.suppressed.is_some());
        let unjudged = diagnostics.iter().any(|it| it.severity == Severity::Error);
        Self {
            version: super::json::VERSION,
            environment,
            declared_only,
            holds: !checked.fails() && !unjudged,
            tests: checked.tests.iter().map(Test::of).collect(),
            findings,
            suppressed,
            diagnostics,
        }
    }
}

impl<'a> Test<'a> {
    fn of(judged: &'a Judged<'a>) -> Self {
        let outcome = match judged.verdict {
            Verdict::Holds => "holds",
            Verdict::Broken(_) => "fails",
            Verdict::Unjudged => "not_judged",
        };
        Self {
            name: &judged.test.name,
            demand: judged.test.demand.as_str(),
            outcome,
            nodes: judged.nodes,
            actors: judged.actors,
            people: judged.counted,
            notes: &judged.notes,
        }
    }
}

impl<'a> Shown<'a> {
    fn of(finding: &'a Finding<'a>, teller: &Teller<'_>, environment: &str) -> Self {
        let Finding { diagnostic, subject, witnesses, more, notes, suppressed } = finding;
        Self {
            diagnostic,
            about: subject,
            witnesses: witnesses.iter().map(|witness| Seen::of(witness, teller)).collect(),
            more_witnesses: *more,
            notes,
            fingerprint: hex(&Sha256::digest(finding.key(environment))),
            suppressed: suppressed.as_ref().map(|it| Accepted {
                reason: &it.reason,
                until: &it.until,
                place: where_is(&it.place),
            }),
        }
    }

    /// What is said beside the message: witnesses, and what else.
    pub fn beside(&self) -> Vec<String> {
        let mut said: Vec<String> = self.witnesses.iter().map(|seen| seen.text.clone()).collect();
        if self.more_witnesses > 0 {
            said.push(format!("and {} more", self.more_witnesses));
        }
        said.extend(self.notes.iter().cloned());
        said
    }
}

impl<'a> Seen<'a> {
    fn of(witness: &'a Witness<'a>, teller: &Teller<'_>) -> Self {
        let chain = witness.chain.as_ref().map(|chain| teller.tell(chain)).unwrap_or_default();
        let Witness { who, person, on, node, privilege, usable, chain: _, lacks, note } = witness;
        let mut text = format!("{who}: {privilege} on {on}");
        if !chain.is_empty() {
            let use_ = if *usable { "" } else { " (held, of no use as it is)" };
            text.push_str(&format!("{use_}: {}", access::chain(&chain)));
        }
        let lacking = lacks.iter().map(access::lack);
        for said in note.iter().cloned().chain(lacking) {
            text.push_str(&format!("; {said}"));
        }
        Self {
            who,
            person: *person,
            on,
            node: node.as_deref(),
            privilege: *privilege,
            usable: *usable,
            chain,
            lacks,
            note: note.as_deref(),
            text: one_line(&text),
        }
    }
}

/// All of it for people.
pub fn text(report: &Report<'_>, colour: bool) -> String {
    let mut out = String::new();
    let only = if report.declared_only { ", by the declarations alone" } else { "" };
    // Writing to a String cannot fail.
    if !report.tests.is_empty() {
        let _ = writeln!(out, "access tests in {}{only}", one_line(report.environment));
    }
    for test in &report.tests {
        let outcome = match test.outcome {
            "holds" => "holds",
            "fails" => "FAILS",
            _ => "not judged",
        };
        let about = match test.people {
            Some(people) => format!("{}, {people} can", count(test.nodes, "node")),
            None => format!("{}, {}", count(test.nodes, "node"), count(test.actors, "actor")),
        };
        let _ = writeln!(out, "  {outcome:10}  {} ({about})", one_line(test.name));
        for note in test.notes {
            let _ = writeln!(out, "              {}", one_line(note));
        }
    }
    for shown in &report.findings {
        let separator = if out.is_empty() { "" } else { "\n" };
        out.push_str(separator);
        out.push_str(&with_notes(shown.diagnostic, &shown.beside(), colour));
        out.push('\n');
    }
    if !out.is_empty() {
        out.push('\n');
    }
    let of =
        |severity| report.findings.iter().filter(|it| it.diagnostic.severity == severity).count();
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    let suppressed = match report.suppressed.len() {
        0 => String::new(),
        n => format!(", {n} suppressed"),
    };
    let where_ = format!("{}{only}", one_line(report.environment));
    let _ = match (errors, warnings) {
        (0, 0) => writeln!(out, "nothing found in {where_}{suppressed}"),
        (errors, warnings) => {
            let said = [(errors, "error"), (warnings, "warning")];
            let said = said.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| count(n, what));
            let said: Vec<String> = said.collect();
            writeln!(out, "{} in {where_}{suppressed}", said.join(", "))
        }
    };
    out
}
