//! GitHub's annotations: workflow commands on stdout, one for each finding.

use super::checks::Shown;
use super::findings::printable;
use crate::model::{Diagnostic, Severity};

/// A line for a finding. `file` says what the workflow calls a file.
pub fn of_finding(shown: &Shown<'_>, file: &dyn Fn(&std::path::Path) -> String) -> String {
    one(shown.diagnostic, &shown.beside(), file)
}

/// A line for anything else that is wrong.
pub fn one(
    diagnostic: &Diagnostic,
    beside: &[String],
    file: &dyn Fn(&std::path::Path) -> String,
) -> String {
    let Diagnostic { place, node, path: _, severity, code, message, help, also: _ } = diagnostic;
    let command = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut properties = Vec::new();
    if let Some(place) = place {
        properties.push(format!("file={}", property(&file(&place.file))));
        properties.extend(place.line.map(|line| format!("line={line}")));
        properties.extend(place.column.map(|column| format!("col={column}")));
    }
    properties.push(format!("title={}", property(&format!("rolecall: {code}"))));
    let mut said = vec![message.clone()];
    said.extend(node.iter().map(|node| format!("node {node}")));
    said.extend(beside.iter().cloned());
    said.extend(help.iter().map(|help| format!("help: {help}")));
    format!("::{command} {}::{}\n", properties.join(","), data(&said.join("\n")))
}

/// As the toolkit's `escapeData` does: only these would end the command, or be read as an escape.
fn data(text: &str) -> String {
    printable(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As the toolkit's `escapeProperty` does.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Place;

    #[test]
    fn what_would_end_a_command_is_escaped() {
        let place = Place { line: Some(3), column: Some(7), ..Place::file("a,b:c.yml") };
        let finding =
            Diagnostic::error("pii-leak", "100% of it\r\n::error::x, y").with_place(place);
        let text = one(&finding, &["ada: SELECT".to_owned()], &|file| file.display().to_string());
        insta::assert_snapshot!(text, @r"::error file=a%2Cb%3Ac.yml,line=3,col=7,title=rolecall%3A pii-leak::100%25 of it\u{d}%0A::error::x, y%0Aada: SELECT");
    }
}
