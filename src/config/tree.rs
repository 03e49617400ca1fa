//! YAML text into a tree whose every node knows its place. The only file that knows the YAML crate.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Location, Spanned, UserMessageFormatter};

use crate::model::{Diagnostic, Place};

/// How deep lists and maps may stand in one another: far beyond any configuration.
const DEEPEST: usize = 32;
/// Aliases may repeat this many nodes: a document that grows under the reader is refused.
const MOST_REPEATED: usize = 100_000;
/// As many nodes as a file of the largest size that is read can sensibly hold.
const MOST_NODES: usize = 4_000_000;
/// A longer line is not repeated in every message.
const LONGEST_SOURCE_LINE: usize = 400;
/// Without quotes, `{{ x }}` is a map whose key is a map.
pub(crate) const QUOTE_TEMPLATES: &str =
    "put a template in quotes: role_name: \"{{ product.name }}_{{ role.name }}\"";

/// One YAML node.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// What it is.
    pub value: Value,
    location: Location,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`; `yes` and `no` are text.
    Bool(bool),
    /// Without quotes, and a number: as text, near to how it was written.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys and values as written, doubles included.
    Map(Vec<(Node, Node)>),
}

impl Value {
    /// What it is, for a message.
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("the truth value {value}"),
            Self::Number(number) => format!("the number {number}"),
            Self::Text(text) => format!("the text {}", shorten(text)),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a map of keys and values".to_owned(),
        }
    }
}

/// A text as it is shown in a message: quoted, and cut where it is long.
pub(crate) fn shorten(text: &str) -> String {
    const SHOWN: usize = 60;
    if text.chars().count() <= SHOWN {
        format!("{text:?}")
    } else {
        format!("{:?}…", text.chars().take(SHOWN).collect::<String>())
    }
}

/// A file's name and lines: makes places.
pub(crate) struct Source<'t> {
    file: &'t Path,
    lines: Vec<&'t str>,
}

impl<'t> Source<'t> {
    /// Splits at the line breaks that YAML knows: LF, CRLF and CR.
    pub fn new(file: &'t Path, text: &'t str) -> Self {
        let mut lines = Vec::new();
        for line in text.split('\n') {
            lines.extend(line.strip_suffix('\r').unwrap_or(line).split('\r'));
        }
        Self { file, lines }
    }

    /// Where a node stands.
    pub fn place(&self, node: &Node) -> Place {
        self.at(node.location)
    }

    /// The number that stands at a place, if there is one.
    fn number(&self, location: Location) -> Option<String> {
        let line = usize::try_from(location.line()).ok()?.checked_sub(1)?;
        let column = usize::try_from(location.column()).ok()?.checked_sub(1)?;
        let rest = self.lines.get(line)?.chars().skip(column);
        let is_of_it = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_');
        let written: String = rest.take_while(is_of_it).collect();
        let first = written.trim_start_matches(['+', '-', '.']).chars().next()?;
        first.is_ascii_digit().then_some(written)
    }

    /// The file as a whole.
    pub fn whole(&self) -> Place {
        Place::file(self.file)
    }

    fn at(&self, location: Location) -> Place {
        let (Ok(line), Ok(column)) =
            (u32::try_from(location.line()), u32::try_from(location.column()))
        else {
            return self.whole();
        };
        if line == 0 {
            return self.whole();
        }
        let source = self
            .lines
            .get(line as usize - 1)
            .filter(|text| text.len() <= LONGEST_SOURCE_LINE)
            .map(|text| (*text).to_owned());
        Place { file: self.file.to_owned(), line: Some(line), column: Some(column), source }
    }
}

/// Reads one document. A file with nothing in it is `Null`.
///
/// # Errors
/// Not YAML, more than one document, an unknown tag, or beyond the limits of depth and size.
pub(crate) fn read(text: &str, source: &Source<'_>) -> Result<Node, Box<Diagnostic>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEEPEST,
            flow_nesting_limit: DEEPEST,
            max_events: 3 * MOST_NODES,
            max_nodes: MOST_NODES,
            max_documents: 2,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MOST_REPEATED,
        },
        // Doubles are found by the reader above, which names both places.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        emit_comments: false,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    let read = serde_saphyr::from_str_with_options::<Node>(text, options);
    let read = read.map(|mut node| {
        as_written(&mut node, source);
        node
    });
    read.map_err(|error| {
        let (found, help) = explain(&error, source);
        let place = error.location().map_or_else(|| source.whole(), |at| source.at(at));
        Box::new(Diagnostic::error("invalid-yaml", found).with_help(help).with_place(place))
    })
}

/// Puts numbers back as they stand in the file: `1e3` is not the name 1000.
fn as_written(node: &mut Node, source: &Source<'_>) {
    let Node { value, location } = node;
    match value {
        Value::Number(text) => {
            if let Some(written) = source.number(*location) {
                *text = written;
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| as_written(item, source)),
        Value::Map(pairs) => {
            for (key, value) in pairs {
                as_written(key, source);
                as_written(value, source);
            }
        }
        Value::Null | Value::Bool(_) | Value::Text(_) => {}
    }
}

/// What was found and what to do, in our words where the crate's are about itself.
fn explain(error: &serde_saphyr::Error, source: &Source<'_>) -> (String, String) {
    use serde_saphyr::Error;
    let message = error.render_with_formatter(&UserMessageFormatter);
    // The place is shown by whoever shows the diagnostic.
    let message = message.split(" at line ").next().unwrap_or_default();
    let message = message.lines().next().unwrap_or_default().trim();
    if message.contains("too large or too complex") || message.contains("recursion limit") {
        return (
            "this document nests too deeply or grows too large".to_owned(),
            format!("nest at most {DEEPEST} levels, and repeat less by aliases"),
        );
    }
    let message = match error.without_snippet() {
        Error::UnknownAnchor { .. } => "an alias names an anchor that is not above it",
        Error::InvalidScalar { .. } => "the value is not of the type that its tag says",
        _ => message,
    };
    let help = match error.without_snippet() {
        Error::MultipleDocuments { .. } => {
            "keep one document in a file: remove the `---` between them"
        }
        Error::UnsupportedTag { .. } => {
            "write plain text, numbers, lists and maps; tags such as `!env` are not evaluated"
        }
        _ if message.contains("not a finite number") => "put it in quotes where it is a name",
        _ => help_for(source, error.location()),
    };
    (format!("this is not YAML that can be read: {message}"), help.to_owned())
}

/// What people most often did when a YAML reader gives up.
fn help_for(source: &Source<'_>, location: Option<Location>) -> &'static str {
    let line = location
        .and_then(|location| usize::try_from(location.line()).ok())
        .and_then(|line| source.lines.get(line.saturating_sub(1)));
    if line.is_some_and(|line| line.trim_start_matches(' ').starts_with('\t')) {
        "indent with spaces; YAML takes no tabs"
    } else if line.is_some_and(|line| line.contains("{{") && !line.contains(['"', '\''])) {
        QUOTE_TEMPLATES
    } else {
        "look at the indentation, the quotes and the colons in and above this line"
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::<Value>::deserialize(deserializer)
            .map(|Spanned { value, defined, referenced: _ }| Self { value, location: defined })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number, a truth value, a list or a map")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = seq.next_element()? {
            nodes.push(node);
        }
        Ok(Value::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(node: &Node, out: &mut String) {
        use std::fmt::Write;
        let at = format!("@{}:{}", node.location.line(), node.location.column());
        match &node.value {
            Value::List(items) => {
                write!(out, "[").unwrap();
                for item in items {
                    show(item, out);
                    out.push(' ');
                }
                write!(out, "]{at}").unwrap();
            }
            Value::Map(entries) => {
                write!(out, "{{").unwrap();
                for (key, value) in entries {
                    show(key, out);
                    out.push_str(": ");
                    show(value, out);
                    out.push_str(", ");
                }
                write!(out, "}}{at}").unwrap();
            }
            scalar => write!(out, "{scalar:?}{at}").unwrap(),
        }
    }

    fn tree(text: &str) -> String {
        let path = Path::new("f.yml");
        let source = Source::new(path, text);
        match read(text, &source) {
            Ok(node) => {
                let mut out = String::new();
                show(&node, &mut out);
                out
            }
            Err(d) => {
                let place = d.place.unwrap();
                format!(
                    "{}:{}: {} ({})",
                    place.line.unwrap_or(0),
                    place.column.unwrap_or(0),
                    d.message,
                    d.help.unwrap()
                )
            }
        }
    }

    #[test]
    fn every_kind_of_node_knows_its_place() {
        insta::assert_snapshot!(tree("a: [1, x, 'y', ~, true, yes, 1.5, 010]\nb:\n  c: 2027-01-31\nd:\n"), @r#"{Text("a")@1:1: [Number("1")@1:5 Text("x")@1:8 Text("y")@1:11 Null@1:16 Bool(true)@1:19 Text("yes")@1:25 Number("1.5")@1:30 Text("010")@1:35 ]@1:4, Text("b")@2:1: {Text("c")@3:3: Text("2027-01-31")@3:6, }@3:3, Text("d")@4:1: Null@4:2, }@1:1"#);
    }

    #[test]
    fn doubles_and_keys_that_are_not_text_are_handed_on() {
        insta::assert_snapshot!(tree("a: 1\na: 2\n1: x\n? [k]\n: y\n? {m: n}\n: z\ntrue: t\n~: n\n"), @r#"{Text("a")@1:1: Number("1")@1:4, Text("a")@2:1: Number("2")@2:4, Number("1")@3:1: Text("x")@3:4, [Text("k")@4:4 ]@4:3: Text("y")@5:3, {Text("m")@6:4: Text("n")@6:7, }@6:3: Text("z")@7:3, Bool(true)@8:1: Text("t")@8:7, Null@9:1: Text("n")@9:4, }@1:1"#);
    }

    #[test]
    fn anchors_and_merges_are_followed_to_where_the_value_stands() {
        insta::assert_snapshot!(tree("a: &x {k: v, l: w}\nb: *x\nc: {<<: *x, l: own}\n"), @r#"{Text("a")@1:1: {Text("k")@1:8: Text("v")@1:11, Text("l")@1:14: Text("w")@1:17, }@1:7, Text("b")@2:1: {Text("k")@1:8: Text("v")@1:11, Text("l")@1:14: Text("w")@1:17, }@1:7, Text("c")@3:1: {Text("l")@3:13: Text("own")@3:16, Text("k")@1:8: Text("v")@1:11, }@3:4, }@1:1"#);
    }

    #[test]
    fn an_empty_file_is_nothing() {
        insta::assert_snapshot!(tree(""), @"Null@1:1");
        insta::assert_snapshot!(tree("# only a comment\n"), @"Null@2:1");
        insta::assert_snapshot!(tree("\u{feff}a: b"), @r#"{Text("a")@1:1: Text("b")@1:4, }@1:1"#);
        insta::assert_snapshot!(tree("a: 1\r\nb: 2\r\n"), @r#"{Text("a")@1:1: Number("1")@1:4, Text("b")@2:1: Number("2")@2:4, }@1:1"#);
    }

    #[test]
    fn what_is_not_yaml_is_said_with_a_place_and_a_hint() {
        insta::assert_snapshot!(tree("a:\n\tb: 1\n"), @"2:2: this is not YAML that can be read: tabs disallowed within this context (block indentation) (indent with spaces; YAML takes no tabs)");
        insta::assert_snapshot!(tree("a: {{ product.name }}\n"), @r#"{Text("a")@1:1: {{Text("product.name")@1:7: Null@1:20, }@1:5: Null@1:21, }@1:4, }@1:1"#);
        insta::assert_snapshot!(tree("a: 1\n---\nb: 2\n"), @"3:1: this is not YAML that can be read: only single YAML document expected but multiple found (keep one document in a file: remove the `---` between them)");
        insta::assert_snapshot!(tree("a: !env HOME\n"), @"1:9: this is not YAML that can be read: unsupported tag `!env` (write plain text, numbers, lists and maps; tags such as `!env` are not evaluated)");
        insta::assert_snapshot!(tree("a: [1, 2\nb: 3\n"), @"2:2: this is not YAML that can be read: illegal placement of ':' indicator (look at the indentation, the quotes and the colons in and above this line)");
        insta::assert_snapshot!(tree("a: *nowhere\n"), @"1:4: this is not YAML that can be read: an alias names an anchor that is not above it (look at the indentation, the quotes and the colons in and above this line)");
        insta::assert_snapshot!(tree("a: \"open\n"), @"1:4: this is not YAML that can be read: unclosed quote (look at the indentation, the quotes and the colons in and above this line)");
        insta::assert_snapshot!(tree("a: .nan\n"), @"1:4: this is not YAML that can be read: value `.nan` is not a finite number (put it in quotes where it is a name)");
        insta::assert_snapshot!(tree("a: !!binary aGk=\nb: !!int x"), @"2:10: this is not YAML that can be read: the value is not of the type that its tag says (look at the indentation, the quotes and the colons in and above this line)");
        insta::assert_snapshot!(tree("a: b: c\n"), @"1:5: this is not YAML that can be read: mapping values are not allowed in this context (look at the indentation, the quotes and the colons in and above this line)");
        insta::assert_snapshot!(tree("a: \0"), @r#"1:4: this is not YAML that can be read: unexpected character: `\u{0}' (look at the indentation, the quotes and the colons in and above this line)"#);
    }

    #[test]
    fn a_document_that_grows_or_nests_without_end_is_refused() {
        let laughs = (1..30).fold("l0: &l0 [ha, ha]\n".to_owned(), |text, n| {
            format!("{text}l{n}: &l{n} [*l{m}, *l{m}, *l{m}, *l{m}]\n", m = n - 1)
        });
        insta::assert_snapshot!(tree(&laughs), @"8:25: this document nests too deeply or grows too large (nest at most 32 levels, and repeat less by aliases)");
        insta::assert_snapshot!(tree(&"[".repeat(100_000)), @"1:33: this document nests too deeply or grows too large (nest at most 32 levels, and repeat less by aliases)");
        insta::assert_snapshot!(tree(&"- ".repeat(100_000)), @"1:65: this document nests too deeply or grows too large (nest at most 32 levels, and repeat less by aliases)");
        insta::assert_snapshot!(tree(&(0..1000).map(|n| format!("{}k:\n", " ".repeat(n))).collect::<String>()), @"33:33: this document nests too deeply or grows too large (nest at most 32 levels, and repeat less by aliases)");
    }
}
