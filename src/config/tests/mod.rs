//! What a person sees of wrong files, and what right ones become.

mod checks;
mod init;
mod laws;
mod load;
mod members;
mod platform;
mod values;
mod yaml;

use std::fmt::Write;
use std::path::PathBuf;

use super::{Config, FileKind, SourceFile, parse};
use crate::model::{Diagnostics, Severity};

/// A platform side that is right.
pub(super) const GOOD: &str = r#"version: 1
environments:
  dev: {role_name: "{{ env.name }}_{{ product.name }}_{{ role.name }}"}
  prod: {role_name: "{{ product.name }}_{{ role.name }}", promote_from: dev, protected: true, user_name: "{{ user.name }}"}
product_roles:
  analyst: {may: [read], warehouses: [BI_WH]}
  engineer: {may: [read, write], environments: {prod: {may: [read]}}}
  owner: {may: [admin]}
products:
  sales_analytics:
    title: Sales Analytics Data Product
    owners: [jane@acme.example]
    outputs: "path:models/marts/sales"
"#;

/// Files by path: what they are follows from where they stand.
pub(super) fn files(files: &[(&str, &str)]) -> Vec<SourceFile> {
    files
        .iter()
        .map(|(path, text)| {
            let path = PathBuf::from(path);
            let kind = match path.strip_prefix("rolecall/members") {
                Ok(name) => FileKind::Members {
                    product: name.file_stem().unwrap().to_str().unwrap().into(),
                },
                Err(_) if path.starts_with("rolecall/platform") => FileKind::Platform,
                Err(_) => FileKind::Root,
            };
            SourceFile { path, text: (*text).to_owned(), kind }
        })
        .collect()
}

/// Diagnostics as plain text, in the order in which they are shown.
pub(super) fn render(diagnostics: Diagnostics) -> String {
    let mut out = String::new();
    for d in diagnostics.sorted() {
        let severity = if d.severity == Severity::Error { "error" } else { "warning" };
        writeln!(out, "{severity}[{}]: {}", d.code, d.message).unwrap();
        let mut place = |arrow: &str, place: &crate::model::Place, label: &str| {
            write!(out, "  {arrow} {}", place.file.display()).unwrap();
            for part in [place.line, place.column].into_iter().flatten() {
                write!(out, ":{part}").unwrap();
            }
            writeln!(out, "{label}").unwrap();
            if let Some(source) = &place.source {
                writeln!(out, "   | {source}").unwrap();
                if let Some(column) = place.column {
                    writeln!(out, "   | {}^", " ".repeat(column as usize - 1)).unwrap();
                }
            }
        };
        if let Some(at) = &d.place {
            place("-->", at, "");
        }
        if let Some((at, label)) = &d.also {
            place(":::", at, &format!(" {label}"));
        }
        if let Some(help) = &d.help {
            writeln!(out, "  help: {help}").unwrap();
        }
    }
    out
}

/// What is said about some files.
pub(super) fn said(all: &[(&str, &str)]) -> String {
    render(parse(&files(all)).1)
}

/// The configuration of files with which nothing is wrong.
pub(super) fn good(all: &[(&str, &str)]) -> Config {
    let (config, diagnostics) = parse(&files(all));
    assert_eq!(render(diagnostics), "");
    config.unwrap()
}

/// What is said about a rolecall.yml.
pub(super) fn root(text: &str) -> String {
    said(&[("rolecall.yml", text)])
}

/// Something wrong beside an environment that is right.
pub(super) fn beside(text: &str) -> String {
    root(&format!(
        "version: 1\nenvironments: {{dev: {{role_name: \"{{{{ role.name }}}}\"}}}}\n{text}"
    ))
}
