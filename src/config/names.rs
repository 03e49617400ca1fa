//! Which words are names, permissions and members.

use super::Located;
use super::reader::printable;
use crate::model::diagnostic::nearest;
use crate::model::{Diagnostic, Privilege};

/// The permissions that are words; any raw privilege is one too.
pub const PERMISSION_WORDS: [&str; 4] = ["read", "write", "admin", "own"];

/// The raw privileges that a misspelt one was most likely meant to be.
const RAW: [&str; 14] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "REFERENCES",
    "TRIGGER",
    "MAINTAIN",
    "USAGE",
    "EXECUTE",
    "CREATE",
    "CONNECT",
    "MONITOR",
    "OPERATE",
];

/// Whether `name` can name an environment, a product or a product role: ASCII letters, digits,
/// `_` and `-`. A dot would make `finance.analyst` mean two things.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// What is wrong with the name of an environment, a product or a product role.
pub(super) fn check_name(what: &str, name: &Located<String>) -> Option<Diagnostic> {
    let text = name.value.as_str();
    if is_name(text) {
        return None;
    }
    let message = match text.chars().find(|c| !c.is_ascii_alphanumeric() && !"_-".contains(*c)) {
        None => format!("the name of {what} is empty"),
        Some(' ') => format!("the name of {what}, `{}`, holds a space", printable(text)),
        Some(found) => {
            format!("the name of {what}, `{}`, holds {found:?}", printable(text))
        }
    };
    Some(Diagnostic::error("invalid-name", message)
        .with_help(
            "use letters a to z, digits, `_` and `-` only: a dot stands between a product and its \
             role, as in `finance.analyst`, and any text can be a `title`",
        )
        .with_place(name.place.clone()))
}

/// Whether `word` is a permission: one of [`PERMISSION_WORDS`], or a raw privilege that a dialect
/// knows. `read` is the permission, `READ` a Snowflake stage's privilege; `Read` is neither.
pub fn is_permission(word: &str) -> bool {
    if PERMISSION_WORDS.contains(&word) {
        return true;
    }
    let like_a_word = PERMISSION_WORDS.iter().any(|known| known.eq_ignore_ascii_case(word));
    let upper = word == word.to_ascii_uppercase();
    // Ownership is moved, never granted: that is `own`.
    let grantable = |privilege: Privilege| privilege != Privilege::OWNERSHIP;
    Privilege::parse(word).is_some_and(grantable) && (!like_a_word || upper)
}

/// What is wrong with one word of a `may`.
pub(super) fn check_permission(word: &Located<String>) -> Option<Diagnostic> {
    let text = word.value.as_str();
    if is_permission(text) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let help = match lower.as_str() {
        "ownership" | "owner" => "write `own`".to_owned(),
        "all" | "all privileges" | "*" => {
            "write `admin`: every data privilege, no ownership".to_owned()
        }
        _ if PERMISSION_WORDS.contains(&lower.as_str()) => {
            format!("write `{lower}`, in lower case")
        }
        _ => {
            let near = nearest(&lower, PERMISSION_WORDS)
                .or_else(|| nearest(&text.to_ascii_uppercase(), RAW))
                .map(|near| format!("did you mean `{near}`? "))
                .unwrap_or_default();
            format!(
                "{near}known are `read`, `write`, `admin`, `own`, and raw privileges such as \
                 SELECT or USAGE"
            )
        }
    };
    Some(
        Diagnostic::error("unknown-permission", format!("`{}` is no permission", printable(text)))
            .with_help(help)
            .with_place(word.place.clone()),
    )
}

/// Why a text cannot be the name of a user, a group, a role or another thing of a warehouse, or of
/// a dbt target or package: the part that no warehouse has to be asked for.
pub(crate) fn unfit(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        Some("is empty")
    } else if text.trim() != text {
        Some("begins or ends with white space")
    } else if text.chars().any(char::is_control) {
        Some("holds a line break or another control character")
    } else if text.chars().any(invisible) {
        Some("holds an invisible character, so that it can look like another name")
    } else {
        None
    }
}

/// Zero-width characters, and those that turn the direction of writing.
fn invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// What is wrong with a name that a warehouse or dbt gave.
pub(super) fn check_fit(what: &str, name: &Located<String>) -> Option<Diagnostic> {
    let why = unfit(&name.value)?;
    let message = format!("{what}, `{}`, {why}", printable(&name.value));
    Some(
        Diagnostic::error("invalid-name", message)
            .with_help("write the name as the warehouse has it")
            .with_place(name.place.clone()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_digits_underscores_and_hyphens() {
        for name in ["a", "sales_analytics", "EU-1", "2024", "_", "-"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", " ", "a b", "finance.analyst", "ü", "a\n", "🦀", "a/b", "a\"b", "a\0"] {
            assert!(!is_name(name), "{name:?}");
        }
    }

    #[test]
    fn permissions_are_the_four_words_and_raw_privileges() {
        for word in ["read", "write", "admin", "own", "SELECT", "select", "create  table", "READ"] {
            assert!(is_permission(word), "{word}");
        }
        for word in ["", "Read", "Write", "ADMIN", "Own", "raed", "ownership", "all", "read, write"]
        {
            assert!(!is_permission(word), "{word}");
        }
    }

    #[test]
    fn a_name_that_hides_something_is_unfit() {
        for name in ["", " a", "a ", "a\nb", "a\0", "a\u{202e}b", "\u{feff}a", "a\u{200b}"] {
            assert!(unfit(name).is_some(), "{name:?}");
        }
        for name in ["a", "A b", "ünï", "\"Exact\"", "jane@acme.example", "🦀"] {
            assert_eq!(unfit(name), None, "{name}");
        }
    }
}
