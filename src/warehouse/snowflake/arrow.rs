//! Rows in Arrow's format, into the same texts as rows in JSON.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field};

/// The rows, in order. An unknown type is an error, never a missing value.
pub(super) fn rows(batches: &[RecordBatch]) -> Result<Vec<Vec<Option<String>>>, String> {
    let mut rows = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        for row in 0..batch.num_rows() {
            let cells = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
                if column.is_null(row) { Ok(None) } else { cell(field, column, row).map(Some) }
            });
            rows.push(cells.collect::<Result<_, _>>()?);
        }
    }
    Ok(rows)
}

fn cell(field: &Field, column: &dyn Array, row: usize) -> Result<String, String> {
    let number = match column.data_type() {
        DataType::Utf8 => return Ok(column.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => return Ok(column.as_string::<i64>().value(row).to_owned()),
        DataType::Boolean => return Ok(column.as_boolean().value(row).to_string()),
        DataType::Float64 => {
            return Ok(column.as_primitive::<Float64Type>().value(row).to_string());
        }
        DataType::Date32 => return Ok(column.as_primitive::<Date32Type>().value(row).to_string()),
        DataType::Binary => {
            let bytes = column.as_binary::<i32>().value(row);
            return Ok(bytes.iter().map(|byte| format!("{byte:02X}")).collect());
        }
        DataType::Int8 => i128::from(column.as_primitive::<Int8Type>().value(row)),
        DataType::Int16 => i128::from(column.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => i128::from(column.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => i128::from(column.as_primitive::<Int64Type>().value(row)),
        DataType::Decimal128(_, _) => column.as_primitive::<Decimal128Type>().value(row),
        DataType::Struct(_) => return time(field, column, row),
        other => {
            return Err(format!(
                "the column {} has a type that is not read: {other}",
                field.name()
            ));
        }
    };
    Ok(scaled(number, scale(field)))
}

/// Snowflake packs times as seconds and nanoseconds, with the zone's minutes (from -24 h) third.
fn time(field: &Field, column: &dyn Array, row: usize) -> Result<String, String> {
    let parts = column.as_struct();
    let value = |name: &str| {
        let part = parts.column_by_name(name)?;
        match part.data_type() {
            DataType::Int64 => Some(i128::from(part.as_primitive::<Int64Type>().value(row))),
            DataType::Int32 => Some(i128::from(part.as_primitive::<Int32Type>().value(row))),
            _ => None,
        }
    };
    let unread = || format!("the column {} has a time that is not read", field.name());
    let epoch = value("epoch").ok_or_else(unread)?;
    let text = match value("fraction") {
        Some(fraction) => scaled(epoch.saturating_mul(1_000_000_000).saturating_add(fraction), 9),
        None => scaled(epoch, scale(field)),
    };
    Ok(value("timezone").map_or_else(|| text.clone(), |zone| format!("{text} {zone}")))
}

fn scale(field: &Field) -> usize {
    field.metadata().get("scale").and_then(|scale| scale.parse().ok()).unwrap_or(0)
}

/// 12345 with scale 2 is 123.45.
fn scaled(number: i128, scale: usize) -> String {
    // A scale beyond what numbers have (38) is no scale.
    if scale == 0 || scale > 38 {
        return number.to_string();
    }
    let sign = if number < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use arrow_array::{ArrayRef, BooleanArray, Int8Array, Int64Array, StringArray, StructArray};
    use arrow_schema::Schema;

    use super::*;

    #[test]
    fn values_are_the_texts_that_json_has() {
        let scaled = HashMap::from([("scale".to_owned(), "2".to_owned())]);
        let fields = vec![
            Field::new("N", DataType::Int8, true).with_metadata(scaled),
            Field::new("T", DataType::Utf8, true),
            Field::new("B", DataType::Boolean, true),
        ];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int8Array::from(vec![Some(-5), None])),
            Arc::new(StringArray::from(vec![Some("x"), None])),
            Arc::new(BooleanArray::from(vec![Some(true), None])),
        ];
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
        let text = |t: &str| Some(t.to_owned());
        assert_eq!(
            rows(&[batch]),
            Ok(vec![vec![text("-0.05"), text("x"), text("true")], vec![None, None, None]])
        );
    }

    #[test]
    fn times_are_seconds_with_nine_digits_as_in_json() {
        let part = |name: &str, value: i64| {
            let array: ArrayRef = Arc::new(Int64Array::from(vec![value]));
            (Arc::new(Field::new(name, DataType::Int64, false)), array)
        };
        let packed = StructArray::from(vec![part("epoch", 1_700_000_000), part("fraction", 42)]);
        let field = Field::new("C", packed.data_type().clone(), false);
        assert_eq!(time(&field, &packed, 0).as_deref(), Ok("1700000000.000000042"));
    }

    #[test]
    fn a_type_that_is_not_known_is_an_error() {
        let column = arrow_array::UInt8Array::from(vec![1]);
        let field = Field::new("U", DataType::UInt8, false);
        assert!(cell(&field, &column, 0).unwrap_err().contains("column U"));
    }
}
