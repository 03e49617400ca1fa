//! A table of people as CSV: a header, and a line each.

use csv::{ErrorKind, Position, ReaderBuilder, StringRecord};

use super::build::{Builder, Origin};
use super::{Directory, Value};
use crate::model::Diagnostics;

/// Reads RFC 4180 with commas. A cell with nothing in it is a missing attribute.
pub(super) fn read(text: &str, origin: Origin, key: &str) -> Result<Directory, Diagnostics> {
    let mut builder = Builder::new(origin, key);
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    match reader.headers() {
        Ok(header) => builder.header(header.clone().iter(), Some(1)),
        Err(error) => broken(&mut builder, text, &error),
    }
    if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        let help = "close it; a quote within quotes is doubled";
        builder.wrong(None, "directory-line", "a quote is opened and never closed", help);
    }
    if builder.has_errors() {
        return builder.finish();
    }
    let header: Vec<String> = reader
        .headers()
        .map(|names| names.iter().map(|name| name.trim().to_owned()).collect())
        .unwrap_or_default();
    let at_key = header.iter().position(|name| name == key).unwrap_or_default();
    let mut record = StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                broken(&mut builder, text, &error);
                continue;
            }
        }
        let line = line_of(text, record.position());
        if record.iter().any(|cell| cell.contains(['\n', '\r'])) {
            let help = "close the quotes in their own line; leave out what needs several";
            builder.wrong(line, "directory-line", "a cell goes over several lines", help);
            continue;
        }
        let name = record.get(at_key).and_then(Value::text);
        if builder.person(line, name.as_ref()).is_none() {
            continue;
        }
        for (column, cell) in record.iter().enumerate() {
            if let Some(value) = Value::text(cell) {
                builder.set(column, value);
            }
        }
    }
    builder.finish()
}

/// The line of a record: the reader counts the empty lines before one to it.
fn line_of(text: &str, position: Option<&Position>) -> Option<u32> {
    let position = position?;
    let rest = text.as_bytes().get(usize::try_from(position.byte()).ok()?..)?;
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let skipped = empty.filter(|byte| **byte == b'\n').count();
    u32::try_from(position.line()).ok()?.checked_add(u32::try_from(skipped).ok()?)
}

fn broken(builder: &mut Builder, text: &str, error: &csv::Error) {
    let line = line_of(text, error.position());
    let (what, help) = match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => (
            format!("this line has {len} cells, and the header {expected_len}"),
            "give each line as many cells as the header; put a cell with a comma in quotes",
        ),
        _ => ("this is no CSV that can be read".to_owned(), "write CSV with commas, as UTF-8"),
    };
    builder.wrong(line, "directory-line", &what, help);
}
