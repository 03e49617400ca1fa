//! What is wrong with a directory, with its line and without anybody's data.

use std::fmt::Write;
use std::path::Path;

use crate::directory::{Directory, People, Value, from_people, read_text};
use crate::model::{Diagnostics, Place};

fn read(file: &str, bytes: &[u8]) -> Result<Directory, Diagnostics> {
    read_text(bytes, Path::new(file), "name")
}

fn said(result: Result<Directory, Diagnostics>) -> String {
    let mut out = String::new();
    for d in result.unwrap_err().sorted() {
        let place = d.place.unwrap();
        assert_eq!(place.source, None, "the line is somebody's data");
        let line = place.line.map(|line| format!(":{line}")).unwrap_or_default();
        writeln!(out, "{}{line} [{}] {}", place.file.display(), d.code, d.message).unwrap();
    }
    out.trim_end().to_owned()
}

fn csv(text: &str) -> String {
    said(read("people.csv", text.as_bytes()))
}

fn json(text: &str) -> String {
    said(read("people.json", text.as_bytes()))
}

#[test]
fn a_table_that_is_not_whole_is_told_by_line() {
    insta::assert_snapshot!(csv(""), @r#"people.csv:1 [directory-key] there is no column "name", which is the key"#);
    insta::assert_snapshot!(csv("name,department\n"), @"people.csv [directory-empty] nobody is in this directory");
    insta::assert_snapshot!(csv("user,department\nann,Sales\n"), @r#"people.csv:1 [directory-key] there is no column "name", which is the key"#);
    insta::assert_snapshot!(csv("Name;department\nann;Sales\n"), @r#"people.csv:1 [directory-key] there is no column "name", which is the key"#);
    insta::assert_snapshot!(csv("name,a,name\nann,x,y\n"), @r#"people.csv:1 [directory-columns] there are two columns "name""#);
    insta::assert_snapshot!(csv("name,a,a,\nann,x,y,z\n"), @r#"
    people.csv:1 [directory-columns] the column 4 has no name
    people.csv:1 [directory-columns] there are two columns "a"
    "#);
    insta::assert_snapshot!(csv("name,a\nann,x\n\nbob\nann,y\nAnn,z\n,x\ncem,1,2\n\"dan\u{202e}\",x\n"), @r"
    people.csv:4 [directory-line] this line has 1 cells, and the header 2
    people.csv:5 [directory-person-twice] this person stands in line 2 already
    people.csv:6 [directory-person-twice] this person stands in line 5 already
    people.csv:7 [directory-key] a person has no name: the key is empty
    people.csv:8 [directory-line] this line has 3 cells, and the header 2
    people.csv:9 [directory-key] a person's name holds an invisible character, so that it can look like another name
    ");
    insta::assert_snapshot!(said(read("people.csv", b"name,a\nann,x\nb\xffb,y\n")), @"people.csv:3 [unreadable-directory] this is not UTF-8 text");
    insta::assert_snapshot!(csv("name,a\nann,\"x\nbob,y\n"), @"people.csv [directory-line] a quote is opened and never closed");
}

#[test]
fn a_list_of_people_that_is_not_whole_is_told_by_line() {
    insta::assert_snapshot!(json("[]"), @"people.json [directory-empty] nobody is in this directory");
    insta::assert_snapshot!(json("{\"name\": \"ann\"}"), @"people.json:1 [directory-line] this is no list of people");
    insta::assert_snapshot!(json("[{\"name\": \"ann\"},\n{\"name\": \"bob\"\n"), @"people.json:3 [directory-line] this is not JSON that can be read");
    insta::assert_snapshot!(
        json("[{\"name\": \"ann\"},\n\n {\"department\": \"Sales\"},\n {\"name\": 7},\n \"x\",\n {\"name\": \"ann\"},\n {\"name\": \"b\", \"a\": 1, \"a\": 2}]"),
        @r#"
    people.json:3 [directory-key] a person has no name: the key is empty
    people.json:4 [directory-key] the key is a number, not text
    people.json:5 [directory-line] this is no map of attributes
    people.json:6 [directory-person-twice] this person stands in line 1 already
    people.json:7 [directory-line] the key "a" is said twice
    "#
    );
}

#[test]
fn many_findings_are_counted() {
    let text = (0..100).fold("name,a\n".to_owned(), |text, n| format!("{text}p{n}\n"));
    let said = csv(&text);
    assert_eq!(said.lines().count(), 21, "{said}");
    assert!(said.contains("80 more of the like"), "{said}");
}

#[test]
fn marks_and_line_ends_of_other_systems_are_read() {
    let people = read("people.csv", "\u{feff}name,a\r\nann,\"x, y\"\r\nZoë Ωmega,x\r\n".as_bytes());
    let people = people.unwrap();
    assert_eq!(people.name(1), "Zoë Ωmega");
    assert_eq!(people.attribute(0, "a"), Value::text("x, y").as_ref());
    assert_eq!(people.attributes().collect::<Vec<_>>(), ["a", "name"]);
}

#[test]
fn nothing_of_anybody_is_in_its_debug() {
    let people = read("people.csv", b"name,a\nann,secret\n").unwrap();
    let shown = format!("{people:?} {:?}", people.attribute(0, "a"));
    assert!(!shown.contains("secret") && !shown.contains("ann"), "{shown}");
}

#[test]
fn an_answer_without_the_key_or_with_somebody_twice_is_refused() {
    let place = Place::file("rolecall.yml");
    let row = |name: &str| vec![Value::text(name), None];
    let answer = |columns: [&str; 2], rows: Vec<Vec<Option<Value>>>| {
        let columns = columns.map(str::to_owned).to_vec();
        said(from_people(&People { columns, rows }, "name", &place))
    };
    insta::assert_snapshot!(answer(["NAME", "a"], vec![row("ann")]), @r#"rolecall.yml [directory-key] there is no column "name", which is the key"#);
    insta::assert_snapshot!(answer(["name", "a"], vec![row("ann"), row("ann"), row("")]), @r"
    rolecall.yml [directory-key] a person has no name: the key is empty
    rolecall.yml [directory-person-twice] a person is there twice
    ");
    insta::assert_snapshot!(answer(["name", "a"], vec![]), @"rolecall.yml [directory-empty] nobody is in this directory");
    insta::assert_snapshot!(answer(["name", "name"], vec![row("ann")]), @r#"rolecall.yml [directory-columns] there are two columns "name""#);
}
