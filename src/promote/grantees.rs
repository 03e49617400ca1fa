//! What dbt's own `grants` say. dbt writes privileges and grantees into SQL as they stand, so text
//! that is no plain name can be any SQL: it is not looked into, and stops a promotion.

use crate::dbt::{is_public, plain_grantee};
use crate::dialect::Dialect;

/// Why an entry of `grants` is not promoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It gives everybody something.
    Public,
    /// The grantee is more than names.
    Grantee,
    /// The privilege is more than words.
    Privilege,
}

impl Wrong {
    pub(super) fn message(self, words: &str, grantee: &str, place: &str) -> String {
        match self {
            Self::Public => format!("dbt's own `grants` give PUBLIC {words} on {place}"),
            Self::Grantee => format!(
                "dbt's own `grants` give {words} on {place} to {grantee:?}, which is no plain name \
                 and could mean everybody"
            ),
            Self::Privilege => format!(
                "dbt's own `grants` give {words:?} on {place}, which is no plain privilege and \
                 could be a grant to everybody"
            ),
        }
    }

    pub(super) fn help(self) -> &'static str {
        match self {
            Self::Public => "take it out of `grants`",
            Self::Grantee => "write one name in `grants`, plain or in double quotes",
            Self::Privilege => "write the privilege alone in `grants`",
        }
    }
}

/// What is wrong with one privilege and one grantee.
pub(super) fn wrong(dialect: &dyn Dialect, words: &str, grantee: &str) -> Option<Wrong> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | ',' | '(' | ')');
    if !words.chars().all(plain) {
        return Some(Wrong::Privilege);
    }
    let names: Option<Vec<&str>> = grantee.split(',').map(plain_grantee).collect();
    match names {
        None => Some(Wrong::Grantee),
        Some(names) => names.iter().any(|name| is_public(dialect, name)).then_some(Wrong::Public),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DialectKind;

    fn of(words: &str, grantee: &str) -> Option<Wrong> {
        wrong(crate::dialect::of(DialectKind::Postgres), words, grantee)
    }

    #[test]
    fn a_grantee_that_is_more_than_names_is_not_looked_into() {
        let more = [
            "public;",
            "public/**/",
            "/**/public",
            "x; grant select on s.t to public",
            "x --",
            "U&\"pub\\006cic\"",
            "\"a\"\"b\"",
            "x with grant option",
            "pub\u{a0}lic",
            "",
            "x,",
        ];
        for grantee in more {
            assert_eq!(of("select", grantee), Some(Wrong::Grantee), "{grantee}");
        }
        for grantee in ["public", "\"Public\"", "x, group PUBLIC", "role public"] {
            assert_eq!(of("select", grantee), Some(Wrong::Public), "{grantee}");
        }
        let plain = ["x", "\"a b\"", "group x", "x, \"Y\"", "ünal_2$", "db.role", "group"];
        for grantee in plain {
            assert_eq!(of("select", grantee), None, "{grantee}");
        }
        assert_eq!(of("select on s.t to public; grant select", "x"), Some(Wrong::Privilege));
        assert_eq!(of("update (x)", "x"), None);
    }
}
