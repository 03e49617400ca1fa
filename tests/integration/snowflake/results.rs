//! Large results, in either format: all of the rows, in order, or an error.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use base64::Engine as _;
use rolecall::warehouse::snowflake::{QueryError, Rows, Sessions};
use serde_json::{Value, json};

use super::scripted::{Reply, Scripted, rows};
use super::settings;

fn numbers(rows: &Rows) -> Vec<String> {
    rows.rows.iter().map(|row| row[0].clone().unwrap()).collect()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A result whose further parts lie on the server itself, at `/part/N`.
fn in_parts(mut answer: Value, request_host: &str, parts: usize, returned: usize) -> Value {
    let data = &mut answer["data"];
    data["chunks"] = (0..parts)
        .map(|n| {
            let url = format!("http://{request_host}/part/{n}?sig=x%2By");
            json!({"url": url, "rowCount": 2, "uncompressedSize": 9, "compressedSize": 9})
        })
        .collect();
    data["total"] = returned.into();
    data["returned"] = returned.into();
    data["qrmk"] = "key==".into();
    answer
}

#[tokio::test]
async fn all_parts_of_a_result_in_json_are_fetched_in_order() {
    let server = Scripted::for_statements(|request| {
        let host = request.header("host").unwrap().to_owned();
        match request.path.as_str() {
            "/part/0" => Reply::Bytes(br#"["2"],["3"]"#.to_vec()),
            // As storage keeps them.
            "/part/1" => Reply::Bytes(packed(br#"["4"], [null]"#)),
            _ => Reply::Json(in_parts(rows(&["n"], json!([["1"]])), &host, 2, 5)),
        }
    });
    let sessions = Sessions::connect(&settings(server.port), 1).await.unwrap();
    let mut found = sessions.query("SHOW GRANTS TO ROLE R").await.unwrap();
    assert_eq!(found.rows.pop(), Some(vec![None]));
    assert_eq!(numbers(&found), ["1", "2", "3", "4"]);
    for request in server.requests().iter().filter(|r| r.path.starts_with("/part/")) {
        assert_eq!(request.header("authorization"), None, "the token stays with the server");
        assert_eq!(request.query, [("sig".to_owned(), "x+y".to_owned())]);
        assert_eq!(request.header("x-amz-server-side-encryption-customer-key"), Some("key=="));
    }
}

#[tokio::test]
async fn a_result_with_a_part_missing_is_an_error() {
    for part in [br#"["2"]"#.to_vec(), br#"["2"],["3"#.to_vec(), br#"["2","x"],["3"]"#.to_vec()] {
        let server = Scripted::for_statements(move |request| {
            let host = request.header("host").unwrap().to_owned();
            match request.path.as_str() {
                "/part/0" => Reply::Bytes(part.clone()),
                _ => Reply::Json(in_parts(rows(&["n"], json!([["1"]])), &host, 1, 3)),
            }
        });
        let sessions = Sessions::connect(&settings(server.port), 1).await.unwrap();
        let error = sessions.query("SHOW ROLES").await.unwrap_err();
        assert!(matches!(error, QueryError::Transport { .. }), "{error}");
    }
    let server = Scripted::for_statements(|request| {
        let host = request.header("host").unwrap().to_owned();
        match request.path.as_str() {
            "/part/0" => Reply::Status(404, ""),
            _ => Reply::Json(in_parts(rows(&["n"], json!([["1"]])), &host, 1, 3)),
        }
    });
    let sessions = Sessions::connect(&settings(server.port), 1).await.unwrap();
    let error = sessions.query("SHOW ROLES").await.unwrap_err().to_string();
    assert!(error.contains("part of the result"), "{error}");
}

#[tokio::test]
async fn an_empty_result_keeps_its_columns() {
    let server = Scripted::for_statements(|_| Reply::Json(rows(&["name", "x"], json!([]))));
    let sessions = Sessions::connect(&settings(server.port), 1).await.unwrap();
    let found = sessions.query("SHOW ROLES").await.unwrap();
    assert_eq!((found.columns, found.rows.len()), (vec!["name".to_owned(), "x".to_owned()], 0));
}

#[tokio::test]
async fn a_column_of_a_new_type_does_not_spoil_a_result() {
    let server = Scripted::for_statements(|_| {
        let mut answer = rows(&["a", "b"], json!([[1, true]]));
        answer["data"]["rowtype"][0]["type"] = "hologram".into();
        Reply::Json(answer)
    });
    let sessions = Sessions::connect(&settings(server.port), 1).await.unwrap();
    let found = sessions.query("SHOW ROLES").await.unwrap();
    assert_eq!(found.rows, [[Some("1".to_owned()), Some("true".to_owned())]]);
}

fn arrow(from: i64, names: &[Option<&str>]) -> Vec<u8> {
    let scale = HashMap::from([("scale".to_owned(), "0".to_owned())]);
    let schema = Arc::new(Schema::new(vec![
        Field::new("N", DataType::Int64, false).with_metadata(scale),
        Field::new("NAME", DataType::Utf8, true),
    ]));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(from..from + names.len() as i64)),
        Arc::new(StringArray::from(names.to_vec())),
    ];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(&mut bytes, &schema).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn arrow_answer(first: &[u8], returned: usize) -> Value {
    let mut answer = rows(&["N", "NAME"], json!([]));
    let data = answer["data"].as_object_mut().unwrap();
    data.remove("rowset");
    data.insert(
        "rowsetBase64".into(),
        base64::engine::general_purpose::STANDARD.encode(first).into(),
    );
    data.insert("queryResultFormat".into(), "arrow".into());
    data.insert("total".into(), returned.into());
    data.insert("returned".into(), returned.into());
    answer
}

#[tokio::test]
async fn rows_in_arrow_are_the_same_texts() {
    let server =
        Scripted::for_statements(|_| Reply::Json(arrow_answer(&arrow(1, &[Some("a"), None]), 2)));
    let sessions = Sessions::connect(&settings(server.port), 1).await.unwrap();
    let found = sessions.query("SELECT 1").await.unwrap();
    assert_eq!(found.columns, ["N", "NAME"]);
    let text = |t: &str| Some(t.to_owned());
    assert_eq!(found.rows, [[text("1"), text("a")], [text("2"), None]]);
}

#[tokio::test]
async fn all_parts_of_a_result_in_arrow_are_read_in_order() {
    let server = Scripted::for_statements(|request| {
        let host = request.header("host").unwrap().to_owned();
        match request.path.as_str() {
            "/part/0" => Reply::Bytes(arrow(3, &[Some("c")])),
            "/part/1" => Reply::Bytes(packed(&arrow(4, &[Some("d")]))),
            _ => {
                let first = arrow_answer(&arrow(1, &[Some("a"), Some("b")]), 4);
                Reply::Json(in_parts(first, &host, 2, 4))
            }
        }
    });
    let sessions = Sessions::connect(&settings(server.port), 1).await.unwrap();
    let found = sessions.query("SELECT 1").await.unwrap();
    assert_eq!(numbers(&found), ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_result_in_arrow_with_rows_missing_is_an_error() {
    let server =
        Scripted::for_statements(|_| Reply::Json(arrow_answer(&arrow(1, &[Some("a")]), 2)));
    let sessions = Sessions::connect(&settings(server.port), 1).await.unwrap();
    let error = sessions.query("SELECT 1").await.unwrap_err().to_string();
    assert!(error.contains("not complete"), "{error}");
}

#[tokio::test]
async fn an_empty_result_in_arrow_keeps_its_columns() {
    let server = Scripted::for_statements(|_| Reply::Json(arrow_answer(&[], 0)));
    let sessions = Sessions::connect(&settings(server.port), 1).await.unwrap();
    let found = sessions.query("SELECT 1").await.unwrap();
    assert_eq!((found.columns.len(), found.rows.len()), (2, 0));
}
