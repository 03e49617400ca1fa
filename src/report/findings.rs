//! Findings as text: each with its place, the line it stands in, and what to do.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::count;
use crate::model::{Diagnostic, Place, Severity};
use crate::plan::Refusal;

/// All findings, one under another, and a last line that counts them. `colour` adds escape codes.
pub fn text(findings: &[Diagnostic], colour: bool) -> String {
    let mut out = String::new();
    for finding in findings {
        out.push_str(&one(finding, colour));
        out.push_str("\n\n");
    }
    out.push_str(&summary(findings));
    out
}

/// `2 errors, 1 warning`, and nothing where there is nothing.
pub fn summary(findings: &[Diagnostic]) -> String {
    let of = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let parts: Vec<String> = [(of(Severity::Error), "error"), (of(Severity::Warning), "warning")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| count(n, what))
        .collect();
    if parts.is_empty() { String::new() } else { format!("{}\n", parts.join(", ")) }
}

/// One finding.
pub fn one(finding: &Diagnostic, colour: bool) -> String {
    with_notes(finding, &[], colour)
}

/// One finding, and what else is to be said of it, a line for each.
pub fn with_notes(finding: &Diagnostic, more: &[String], colour: bool) -> String {
    let Diagnostic { place, node, path, severity, code, message, help, also } = finding;
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = printable(message);
    let mut group = Group::with_title(level.primary_title(message.as_str()).id(*code));
    let mut notes: Vec<(Level<'_>, String)> = Vec::new();
    let shown = place.as_ref().map(Shown::of);
    match &shown {
        Some(Shown { source: Some((line, text, span)), file }) => {
            group = group.element(
                Snippet::source(text.as_str())
                    .line_start(*line)
                    .path(file.as_str())
                    .annotation(AnnotationKind::Primary.span(span.clone())),
            );
        }
        Some(Shown { source: None, file }) => notes.push((Level::NOTE, format!("in {file}"))),
        None => {}
    }
    if let Some(node) = node {
        notes.push((Level::NOTE, format!("node {}", printable(node))));
    }
    if let Some(path) = path {
        notes.push((Level::NOTE, format!("at {}", printable(path))));
    }
    if let Some((place, label)) = also {
        notes.push((Level::NOTE, format!("{}: {}", where_is(place), printable(label))));
    }
    notes.extend(more.iter().map(|note| (Level::NOTE, one_line(note))));
    if let Some(help) = help {
        notes.push((Level::HELP, printable(help)));
    }
    for (level, note) in &notes {
        group = group.element(level.clone().message(note.as_str()));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// Refusals as text.
pub fn refusals(refused: &[Refusal], colour: bool) -> String {
    let mut out = String::new();
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    for Refusal { code, message, help } in refused {
        let title = printable(message);
        let help = printable(help);
        let level = Level::ERROR.with_name("refused");
        let group = Group::with_title(level.primary_title(title.as_str()).id(*code))
            .element(Level::HELP.message(help.as_str()));
        out.push_str(&renderer.render(&[group]));
        out.push_str("\n\n");
    }
    out
}

/// `file:line`, as far as it is known.
pub fn where_is(place: &Place) -> String {
    let file = place.file.display();
    match place.line {
        Some(line) => format!("{file}:{line}"),
        None => file.to_string(),
    }
}

struct Shown {
    file: String,
    source: Option<(usize, String, std::ops::Range<usize>)>,
}

impl Shown {
    fn of(place: &Place) -> Self {
        let source = place.source.as_ref().zip(place.line).map(|(text, line)| {
            let text = printable(text);
            let column = place.column.map_or(0, |c| c.saturating_sub(1) as usize);
            let start = text.char_indices().nth(column).map_or(text.len(), |(at, _)| at);
            let end = text[start..].char_indices().nth(1).map_or(text.len(), |(at, _)| start + at);
            (line as usize, text, start..end)
        });
        let file =
            if source.is_some() { place.file.display().to_string() } else { where_is(place) };
        Self { file, source }
    }
}

/// Text from files and servers may hold escape codes; none of them reaches a terminal.
pub fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let shown: Box<dyn Iterator<Item = char>> = match c {
                '\n' | '\t' => Box::new(std::iter::once(c)),
                c if c.is_control() || turns_text(c) => Box::new(c.escape_unicode()),
                c => Box::new(std::iter::once(c)),
            };
            shown
        })
        .collect()
}

/// [`printable`] where one line is shown: text that breaks it could look like lines of ours.
pub fn one_line(text: &str) -> String {
    printable(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// Letters that make a terminal show what follows in another order than it is.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_shows_its_line_and_what_to_do() {
        let text = "models:\n  - name: a\n    grants: {analyst: [reed]}\n";
        let finding = Diagnostic::error("unknown-permission", "`reed` is no permission")
            .with_place(Place::at("models/_models.yml", text, 3, 24))
            .with_node("model.shop.a")
            .with_help("did you mean read?");
        insta::assert_snapshot!(one(&finding, false), @r"
        error[unknown-permission]: `reed` is no permission
         --> models/_models.yml:3:24
          |
        3 |     grants: {analyst: [reed]}
          |                        ^
          |
          = note: node model.shop.a
          = help: did you mean read?
        ");
    }

    #[test]
    fn escape_codes_in_names_do_not_reach_the_terminal() {
        let finding = Diagnostic::warning("x", "the name \u{1b}[2Jboo");
        assert!(!one(&finding, false).contains('\u{1b}'));
        assert_eq!(printable("a\u{202e}b\tc"), "a\\u{202e}b\tc");
        assert_eq!(one_line("a\n  let eve into b\tc\r"), "a\\n  let eve into b\\tc\\u{d}");
    }
}
