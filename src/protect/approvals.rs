//! The list of approved plans: a file under code-owner review, one line for each.

use std::path::{Path, PathBuf};

use crate::model::{Diagnostic, Diagnostics, Place};

/// The lines of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Approvals {
    /// The file, as whoever names it calls it.
    file: PathBuf,
    lines: Vec<Approval>,
}

/// `<SHA-256 of the plan file> <who> <when> <why>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Of the plan file's bytes, in lower case.
    pub sha256: String,
    /// Who approves, without white space.
    pub who: String,
    /// The day, or the moment with its zone.
    pub when: String,
    /// Why: the rest of the line.
    pub why: String,
    /// Its line in the file.
    pub line: u32,
}

impl Approvals {
    /// Reads a file's text. Empty lines and those that begin with `#` say nothing; every other
    /// line that cannot be read is an error.
    pub fn parse(text: &str, file: &Path) -> (Self, Diagnostics) {
        let mut found = Diagnostics::default();
        let mut lines = Vec::new();
        for (number, line) in (1u32..).zip(text.lines()) {
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            match read(line, number) {
                Ok(approval) => lines.push(approval),
                Err(wrong) => found.push(
                    Diagnostic::error("broken-approval", wrong)
                        .with_place(Place::at(file, text, number, 1))
                        .with_help(
                            "a line is: <SHA-256 of the plan file> <who> <YYYY-MM-DD> <why>",
                        ),
                ),
            }
        }
        (Self { file: file.to_owned(), lines }, found)
    }

    /// The lines about one plan.
    pub fn of(&self, sha256: &str) -> Vec<&Approval> {
        self.lines.iter().filter(|approval| approval.sha256 == sha256).collect()
    }

    /// Whether they are that file's: no other list counts in its place.
    pub fn are_of(&self, file: &str) -> bool {
        self.file == Path::new(file)
    }
}

fn read(line: &str, number: u32) -> Result<Approval, String> {
    let mut words = line.split_whitespace();
    let sha256 = words.next().unwrap_or_default().to_ascii_lowercase();
    if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("it does not begin with a SHA-256: 64 hexadecimal digits".to_owned());
    }
    let Some(who) = words.next() else { return Err("it does not say who approves".to_owned()) };
    let Some(when) = words.next() else { return Err("it does not say when".to_owned()) };
    if let Err(why) = crate::config::moment(when) {
        return Err(format!("it does not say when: {why}"));
    }
    let why = words.collect::<Vec<_>>().join(" ");
    if why.is_empty() {
        return Err("it does not say why".to_owned());
    }
    Ok(Approval { sha256, who: who.to_owned(), when: when.to_owned(), why, line: number })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings;

    const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn a_line_says_which_plan_who_when_and_why() {
        let text = format!("# plans\n\n{HASH}  jane 2026-11-22 DATA-112, read it\r\n");
        let (list, found) = Approvals::parse(&text, Path::new("approved"));
        assert!(found.is_empty());
        let approval = list.of(HASH)[0];
        assert_eq!((approval.who.as_str(), approval.line), ("jane", 3));
        assert_eq!(approval.why, "DATA-112, read it");
        assert!(list.of("00").is_empty());
    }

    #[test]
    fn every_line_that_cannot_be_read_is_named() {
        let text = format!(
            "{HASH}\n{HASH} jane\n{HASH} jane yesterday why\n{HASH} jane 2026-11-22\nabc jane 2026-11-22 why\n"
        );
        let (list, found) = Approvals::parse(&text, Path::new("approved"));
        assert!(list.lines.is_empty());
        let said: Vec<String> = found.iter().map(|one| one.message.clone()).collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        it does not say who approves
        it does not say when
        it does not say when: it is neither a day such as 2027-01-31 nor a moment such as 2027-01-31T18:00:00Z
        it does not say why
        it does not begin with a SHA-256: 64 hexadecimal digits
        ");
        assert!(findings::text(&found.sorted(), false).contains("approved:5:1"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(?s).{0,200}") {
            let _ = Approvals::parse(&text, Path::new("approved"));
        }
    }
}
