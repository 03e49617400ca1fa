//! People by a query of the configuration: in a transaction that only reads, one statement.

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Kind, Type};

use super::{Postgres, errors};
use crate::directory::{Number, People, Value};
use crate::warehouse::WarehouseError;

/// A savepoint and a role of that name would not meet.
const MARK: &str = "rolecall_people";

impl Postgres {
    /// Sends the query as it is, by the extended protocol, which takes exactly one statement.
    pub(super) async fn people_asked(&mut self, query: &str) -> Result<People, WarehouseError> {
        if self.open.is_some() {
            // Within an apply, which changes things, this part must not.
            self.run(&format!("savepoint {MARK}")).await?;
            self.run("set local transaction_read_only = on").await?;
            let read = self.rows_of(query).await;
            self.run(&format!("rollback to savepoint {MARK}")).await?;
            self.run(&format!("release savepoint {MARK}")).await?;
            return read;
        }
        self.run("begin isolation level repeatable read read only").await?;
        let read = self.rows_of(query).await;
        let ended = self.run("rollback").await;
        let people = read?;
        ended?;
        Ok(people)
    }

    async fn rows_of(&self, query: &str) -> Result<People, WarehouseError> {
        let wrong = |error: tokio_postgres::Error| {
            // What cannot be converted is somebody's data, and the server repeats it.
            if errors::code(&error).starts_with("22") {
                return unreadable("a value in it cannot be converted".to_owned());
            }
            errors::of_statement(&self.target.label, "the directory's query", &error)
        };
        let statement = self.client.prepare(query).await.map_err(wrong)?;
        if !statement.params().is_empty() {
            return Err(unreadable("it has parameters, such as $1".to_owned()));
        }
        let columns: Vec<String> =
            statement.columns().iter().map(|column| column.name().to_owned()).collect();
        for column in statement.columns() {
            if !is_readable(column.type_()) {
                return Err(unreadable(format!(
                    "its column {:?} is of type {}: cast it to text, a number, boolean or text[]",
                    column.name(),
                    column.type_().name()
                )));
            }
        }
        let rows = self.client.query(&statement, &[]).await.map_err(wrong)?;
        let rows = rows
            .iter()
            .map(|row| (0..row.len()).map(|at| cell(row, at)).collect())
            .collect::<Result<_, _>>()?;
        Ok(People { columns, rows })
    }
}

fn unreadable(message: String) -> WarehouseError {
    WarehouseError::Statement {
        statement: "the directory's query".to_owned(),
        message,
        code: "none".to_owned(),
    }
}

/// What a cell can be read as.
enum Read {
    Text,
    Truth,
    Whole,
    Real,
}

fn reading(kind: &Type) -> Option<Read> {
    Some(match *kind {
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => Read::Text,
        Type::BOOL => Read::Truth,
        Type::INT2 | Type::INT4 | Type::INT8 => Read::Whole,
        Type::FLOAT4 | Type::FLOAT8 => Read::Real,
        _ => match kind.kind() {
            Kind::Enum(_) => Read::Text,
            Kind::Domain(inner) => return reading(inner),
            _ => return None,
        },
    })
}

fn is_readable(kind: &Type) -> bool {
    match kind.kind() {
        Kind::Array(item) => reading(item).is_some(),
        _ => reading(kind).is_some(),
    }
}

/// A value of whatever readable type the server sends.
struct Cell(Option<Value>);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(
        kind: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        if let Kind::Array(_) = kind.kind() {
            let items: Vec<Option<Self>> = Vec::from_sql(kind, raw)?;
            let items: Vec<Value> =
                items.into_iter().filter_map(|item| item.and_then(|Self(value)| value)).collect();
            return Ok(Self(Some(Value::List(items.into()))));
        }
        Ok(Self(match reading(kind) {
            Some(Read::Text) => Value::text(std::str::from_utf8(raw)?),
            Some(Read::Truth) => Some(Value::Truth(bool::from_sql(&Type::BOOL, raw)?)),
            Some(Read::Whole) => {
                let number = match raw.len() {
                    2 => i64::from(i16::from_sql(&Type::INT2, raw)?),
                    4 => i64::from(i32::from_sql(&Type::INT4, raw)?),
                    _ => i64::from_sql(&Type::INT8, raw)?,
                };
                Some(Value::Number(Number::whole(number.into())))
            }
            Some(Read::Real) => {
                let number = match raw.len() {
                    4 => f64::from(f32::from_sql(&Type::FLOAT4, raw)?),
                    _ => f64::from_sql(&Type::FLOAT8, raw)?,
                };
                Number::real(number).map(Value::Number)
            }
            None => Some(Value::Other),
        }))
    }

    fn accepts(kind: &Type) -> bool {
        is_readable(kind)
    }
}

fn cell(row: &Row, at: usize) -> Result<Option<Value>, WarehouseError> {
    let cell: Option<Cell> =
        row.try_get(at).map_err(|_| unreadable(format!("its column {} cannot be read", at + 1)))?;
    Ok(cell.and_then(|Cell(value)| value))
}
