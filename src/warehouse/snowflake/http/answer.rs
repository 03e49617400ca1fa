//! What Snowflake answers, read leniently: only what is needed must be there.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::{Rows, ServerError};

/// Every answer's outer shape.
#[derive(Deserialize)]
pub(super) struct Envelope<D> {
    #[serde(default)]
    pub(super) success: bool,
    #[serde(default)]
    code: Option<Text>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default = "none")]
    pub(super) data: Option<D>,
}

fn none<D>() -> Option<D> {
    None
}

impl<D> Envelope<D> {
    pub(super) fn code(&self) -> &str {
        self.code.as_ref().map_or("", |code| &code.0)
    }
}

impl Envelope<Data> {
    pub(super) fn into_error(self) -> ServerError {
        let code = self.code().to_owned();
        let data = self.data.unwrap_or_default();
        ServerError {
            code: if code.is_empty() { data.error_code.map_or(code, |code| code.0) } else { code },
            sqlstate: data.sql_state,
            message: self.message.unwrap_or_else(|| "the server gave no reason".to_owned()),
            query_id: data.query_id,
        }
    }
}

/// What comes back from a login or a renewal.
#[derive(Deserialize)]
pub(super) struct Tokens {
    #[serde(alias = "sessionToken")]
    pub(super) token: String,
    #[serde(rename = "masterToken")]
    pub(super) master: String,
    #[serde(rename = "sessionInfo", default)]
    pub(super) info: Option<SessionInfo>,
    #[serde(default)]
    pub(super) parameters: Vec<Parameter>,
}

/// What the session was put into.
#[derive(Deserialize)]
pub(super) struct SessionInfo {
    #[serde(rename = "roleName", default)]
    pub(super) role: Option<String>,
}

/// A session parameter, as the login's answer lists them.
#[derive(Deserialize)]
pub(super) struct Parameter {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: Cell,
}

/// What comes back from a statement, or from an error.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Data {
    #[serde(default)]
    pub(super) rowtype: Vec<Column>,
    #[serde(default)]
    pub(super) rowset: Option<Vec<Row>>,
    #[serde(default)]
    pub(super) rowset_base64: Option<String>,
    #[serde(default)]
    pub(super) total: Option<u64>,
    #[serde(default)]
    pub(super) returned: Option<u64>,
    #[serde(default)]
    pub(super) chunks: Vec<Chunk>,
    #[serde(default)]
    pub(super) chunk_headers: Option<HashMap<String, String>>,
    #[serde(default)]
    pub(super) qrmk: Option<String>,
    #[serde(default)]
    pub(super) get_result_url: Option<String>,
    #[serde(default)]
    pub(super) query_id: Option<String>,
    #[serde(default)]
    sql_state: Option<String>,
    #[serde(default)]
    error_code: Option<Text>,
}

impl Data {
    /// Whether the rows are in Arrow's format.
    pub(super) fn is_arrow(&self) -> bool {
        self.rowset.is_none() && self.rowset_base64.is_some()
    }

    pub(super) fn columns(&self) -> Vec<String> {
        self.rowtype.iter().map(|column| column.name.clone()).collect()
    }

    /// Which columns are truth values: their cells are `1` and `0` in JSON.
    pub(super) fn truths(&self) -> Vec<usize> {
        let is_truth = |column: &Column| column.kind.0.as_deref().is_some_and(is_boolean);
        (0..self.rowtype.len()).filter(|at| self.rowtype.get(*at).is_some_and(is_truth)).collect()
    }

    pub(super) fn into_rows(self) -> Rows {
        Rows {
            columns: self.columns(),
            rows: self.rowset.unwrap_or_default().into_iter().map(cells).collect(),
        }
    }
}

fn cells(row: Row) -> Vec<Option<String>> {
    row.into_iter().map(|cell| cell.0).collect()
}

/// A column of a result.
#[derive(Deserialize)]
pub(super) struct Column {
    name: String,
    #[serde(rename = "type", default)]
    kind: Cell,
}

fn is_boolean(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("boolean")
}

/// Writes truth values as they are written in SQL, and in results that come as Arrow.
pub(super) fn write_truths(truths: &[usize], rows: &mut [Vec<Option<String>>]) {
    for row in rows {
        for at in truths {
            let Some(Some(cell)) = row.get_mut(*at) else { continue };
            match cell.as_str() {
                "1" => *cell = "true".to_owned(),
                "0" => *cell = "false".to_owned(),
                _ => cell.make_ascii_lowercase(),
            }
        }
    }
}

/// One row of a result in JSON.
type Row = Vec<Cell>;

/// A further part of a large result, kept in cloud storage.
#[derive(Deserialize)]
pub(super) struct Chunk {
    pub(super) url: String,
}

/// Reads the rows of a chunk: rows with commas between them, without the brackets around.
pub(super) fn chunk_rows(bytes: &[u8]) -> Result<Vec<Vec<Option<String>>>, String> {
    let mut json = Vec::with_capacity(bytes.len() + 2);
    json.push(b'[');
    json.extend_from_slice(bytes);
    json.push(b']');
    let rows: Vec<Row> = serde_json::from_slice(&json)
        .map_err(|_| "a part of the result is not readable".to_owned())?;
    Ok(rows.into_iter().map(cells).collect())
}

/// A code, which is text here and a number there.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Cell::deserialize(from).map(|cell| Self(cell.0.unwrap_or_default()))
    }
}

/// A value of a result. Snowflake writes them as text, or null; some answers have numbers and truths.
#[derive(Default)]
pub(super) struct Cell(pub(super) Option<String>);

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or null")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Cell, E> {
        Ok(Cell(None))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell(Some(text.to_owned())))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Cell, E> {
        Ok(Cell(Some(text)))
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Cell, E> {
        Ok(Cell(Some(truth.to_string())))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Cell, E> {
        Ok(Cell(Some(number.to_string())))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Cell, E> {
        Ok(Cell(Some(number.to_string())))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Cell, E> {
        Ok(Cell(Some(number.to_string())))
    }

    // Nothing that is read here has such values; whoever reads one gets null and not half a text.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Cell, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cell(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Cell, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell(None))
    }
}
