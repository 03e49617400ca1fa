//! A text that Python would write a value as: what dbt's `as_native`, `as_number` and `as_bool`
//! read (`ast.literal_eval`). Sets, bytes and complex numbers are left as texts.

use super::value::{Text, Value};

/// How deep lists may stand in one another.
const DEEPEST: usize = 32;

/// The value, or `None` where Python would not read the text as one.
pub(super) fn read(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text.trim_start_matches([' ', '\t']), depth: 0 };
    let value = reader.value()?;
    reader.skip();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip();
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest;
        true
    }

    fn value(&mut self) -> Option<Value> {
        if self.depth >= DEEPEST {
            return None;
        }
        self.depth += 1;
        self.skip();
        let value = match self.rest.chars().next()? {
            '[' => self.list("[", "]").map(|(items, _)| Value::List(items)),
            '(' => self.list("(", ")").and_then(|(mut items, comma)| match items.len() {
                // Parentheses alone make no tuple.
                1 if !comma => items.pop(),
                _ => Some(Value::List(items)),
            }),
            '{' => self.map(),
            '\'' | '"' => self.text().map(|text| Value::Text(Text::open(text))),
            '+' | '-' | '0'..='9' | '.' => self.number(),
            _ => self.word(),
        };
        self.depth -= 1;
        value
    }

    fn word(&mut self) -> Option<Value> {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let value = match word {
            "None" => Value::Null,
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            _ => return None,
        };
        self.rest = rest;
        Some(value)
    }

    /// The items, and whether a comma followed the last.
    fn list(&mut self, open: &str, close: &str) -> Option<(Vec<Value>, bool)> {
        let (mut items, mut comma) = (Vec::new(), false);
        self.take(open);
        while !self.take(close) {
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(self.value()?);
            comma = self.take(",");
        }
        Some((items, comma))
    }

    fn map(&mut self) -> Option<Value> {
        let (mut entries, mut comma) = (Vec::new(), true);
        self.take("{");
        while !self.take("}") {
            if !comma {
                return None;
            }
            let Value::Text(key) = self.value()? else { return None };
            if !self.take(":") {
                return None;
            }
            entries.push((key.expose().to_owned(), self.value()?));
            comma = self.take(",");
        }
        Some(Value::Map(entries))
    }

    fn text(&mut self) -> Option<String> {
        let quote = self.rest.chars().next()?;
        // Three quotes make another kind of text.
        if self.rest.starts_with(&quote.to_string().repeat(3)) {
            return None;
        }
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                _ if c == quote => {
                    self.rest = self.rest.get(at + 1..)?;
                    self.skip();
                    // Python joins texts that follow one another: nobody means that here.
                    return (!self.rest.starts_with(['\'', '"'])).then_some(text);
                }
                '\n' => return None,
                '\\' => text.push(match chars.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    same @ ('\\' | '\'' | '"') => same,
                    _ => return None,
                }),
                other => text.push(other),
            }
        }
        None
    }

    fn number(&mut self) -> Option<Value> {
        let mut negative = false;
        while let Some(sign) = self.rest.chars().next().filter(|c| matches!(c, '+' | '-')) {
            negative ^= sign == '-';
            self.rest = self.rest.get(1..)?;
            self.skip();
        }
        let end = self.number_end();
        let (word, rest) = self.rest.split_at(end);
        let bare = without_underscores(word)?;
        let value = if let Some((radix, digits)) = radix(&bare) {
            Value::Int(i64::from_str_radix(digits, radix).ok()?)
        } else if bare.bytes().all(|b| b.is_ascii_digit()) {
            // No leading zero, but zero itself.
            if bare.len() > 1 && bare.starts_with('0') && bare.bytes().any(|b| b != b'0') {
                return None;
            }
            Value::Int(bare.parse().ok()?)
        } else if bare.bytes().any(|b| b.is_ascii_digit()) {
            Value::Float(bare.parse().ok().filter(|number: &f64| number.is_finite())?)
        } else {
            return None;
        };
        self.rest = rest;
        Some(match value {
            Value::Int(number) if negative => Value::Int(number.checked_neg()?),
            Value::Float(number) if negative => Value::Float(-number),
            value => value,
        })
    }

    /// How far the number goes: a sign belongs to it after an `e` alone.
    fn number_end(&self) -> usize {
        let mut before = ' ';
        for (at, c) in self.rest.char_indices() {
            let exponent = matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
            if !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_') || exponent) {
                return at;
            }
            before = c;
        }
        self.rest.len()
    }
}

/// Underscores stand between digits, one at a time.
fn without_underscores(word: &str) -> Option<String> {
    let bytes = word.as_bytes();
    let digit =
        |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_hexdigit);
    for (at, _) in bytes.iter().enumerate().filter(|(_, b)| **b == b'_') {
        let after_prefix = at == 2 && radix(word).is_some();
        if !(digit(at.checked_sub(1)) || after_prefix) || !digit(Some(at + 1)) {
            return None;
        }
    }
    Some(word.replace('_', ""))
}

fn radix(word: &str) -> Option<(u32, &str)> {
    let (head, digits) = word.split_at_checked(2)?;
    let radix = match head {
        "0x" | "0X" => 16,
        "0o" | "0O" => 8,
        "0b" | "0B" => 2,
        _ => return None,
    };
    Some((radix, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_reads_as_a_value_is_one_and_the_rest_is_not() {
        let show = |text: &str| match read(text) {
            Some(value) => format!("{value:?}"),
            None => "-".to_owned(),
        };
        let mut shown = String::new();
        for text in [
            "5432",
            " 5432 ",
            "-1",
            "- 1",
            "007",
            "00",
            "1_000",
            "1__0",
            "0x1F",
            "1.5",
            ".5",
            "5.",
            "1e3",
            "1e-3",
            "1e400",
            "1+1",
            "5432a",
            "True",
            "true",
            "None",
            "'a'",
            "\"a\\n\"",
            "'a",
            "[1, 'b',]",
            "(1)",
            "(1,)",
            "()",
            "{'a': [1]}",
            "{1: 2}",
            "[1 2]",
            "",
            "-",
            "[[",
            "é",
            "99999999999999999999",
        ] {
            shown.push_str(&format!("{text:?} {}\n", show(text)));
        }
        insta::assert_snapshot!(shown.replace("\n\n", "\n"), @r#"
        "5432" a number
        " 5432 " a number
        "-1" a number
        "- 1" a number
        "007" -
        "00" a number
        "1_000" a number
        "1__0" -
        "0x1F" a number
        "1.5" a number
        ".5" a number
        "5." a number
        "1e3" a number
        "1e-3" a number
        "1e400" -
        "1+1" -
        "5432a" -
        "True" a truth value
        "true" -
        "None" nothing
        "'a'" a text
        "\"a\\n\"" a text
        "'a" -
        "[1, 'b',]" a list
        "(1)" a number
        "(1,)" a list
        "()" a list
        "{'a': [1]}" a map of keys and values
        "{1: 2}" -
        "[1 2]" -
        "" -
        "-" -
        "[[" -
        "é" -
        "99999999999999999999" -
        "#);
        assert!(read(&"[".repeat(100_000)).is_none());
    }
}
