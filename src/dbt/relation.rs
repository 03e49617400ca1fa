//! Where a node's relation is: dbt's `relation_name`, or what it would have written.

use super::node::{NamePart, RelationName};
use super::raw::RawQuoting;

/// One part per name, quotes taken off.
///
/// Quotes are `"` and `` ` `` (doubled inside), or `[…]` (`]` doubled inside). `None` where it is
/// not one to three names joined by dots: some adapters write file paths or function calls.
pub(super) fn parse(relation_name: &str) -> Option<Vec<NamePart>> {
    let mut parts = Vec::new();
    let mut rest = relation_name;
    loop {
        let (part, after) = match rest.chars().next()? {
            open @ ('"' | '`' | '[') => quoted(rest, open)?,
            _ => {
                let end = rest.find('.').unwrap_or(rest.len());
                let text = &rest[..end];
                if text.is_empty() || text.contains(['"', '`', '\'', '(', ')', '/']) {
                    return None;
                }
                (NamePart { text: text.to_owned(), exact: false }, &rest[end..])
            }
        };
        parts.push(part);
        if after.is_empty() {
            return (parts.len() <= 3).then_some(parts);
        }
        rest = after.strip_prefix('.')?;
    }
}

fn quoted(rest: &str, open: char) -> Option<(NamePart, &str)> {
    let close = if open == '[' { ']' } else { open };
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != close {
            text.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == close) {
            text.push(close);
            chars.next();
        } else {
            let after = &rest[at + close.len_utf8()..];
            return (!text.is_empty()).then_some((NamePart { text, exact: true }, after));
        }
    }
    None
}

/// The three names that dbt keeps beside `relation_name`.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub database: Option<&'a str>,
    pub schema: &'a str,
    pub identifier: &'a str,
}

/// What `quoting` says about a node: its own, its source's, then the project's.
#[derive(Clone, Copy)]
pub(super) struct Quoting {
    /// Of `config.quoting` and a source's `quoting`.
    pub own: RawQuoting,
    /// Of `metadata.quoting`, then of the adapter: used only where dbt wrote no `relation_name`.
    pub project: RawQuoting,
    /// What the adapter does where nobody says anything: Snowflake folds, all others quote.
    pub adapter: bool,
}

/// The relation, from the names alone.
pub(super) fn compose(names: Names<'_>, quoting: Quoting) -> RelationName {
    let part = |text: &str, own: Option<bool>, project: Option<bool>| NamePart {
        text: text.to_owned(),
        exact: own.or(project).unwrap_or(quoting.adapter),
    };
    let (own, project) = (quoting.own, quoting.project);
    RelationName {
        database: names.database.map(|text| part(text, own.database.0, project.database.0)),
        schema: part(names.schema, own.schema.0, project.schema.0),
        identifier: part(names.identifier, own.identifier.0, project.identifier.0),
    }
}

/// The relation as `relation_name` has it: a part is exact where it is quoted there, or where the
/// node's own quoting says so. `None` where it cannot be read, or names neither schema nor
/// database.
pub(super) fn from_relation_name(
    relation_name: &str,
    names: Names<'_>,
    own: RawQuoting,
) -> Option<RelationName> {
    let mut parts = parse(relation_name)?;
    let mut next = |says: Option<bool>| {
        parts.pop().map(|part| NamePart { exact: part.exact || says == Some(true), ..part })
    };
    let identifier = next(own.identifier.0)?;
    let schema = next(own.schema.0)?;
    let database = next(own.database.0).or_else(|| {
        // Adapters without databases leave it out; dbt may still know it.
        names
            .database
            .map(|text| NamePart { text: text.to_owned(), exact: own.database.0 == Some(true) })
    });
    Some(RelationName { database, schema, identifier })
}

/// Whether both name the same thing: parts that are not exact compare without case.
pub(super) fn agrees(relation: &RelationName, names: Names<'_>) -> bool {
    let same = |part: &NamePart, text: &str| {
        if part.exact { part.text == text } else { part.text.eq_ignore_ascii_case(text) }
    };
    same(&relation.schema, names.schema)
        && same(&relation.identifier, names.identifier)
        && match (&relation.database, names.database) {
            (Some(part), Some(text)) => same(part, text),
            _ => true,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dbt::raw::Flag;

    fn shown(relation_name: &str) -> String {
        parse(relation_name).map_or("unreadable".into(), |parts| {
            parts
                .iter()
                .map(|p| format!("{}{}", p.text, if p.exact { "!" } else { "" }))
                .collect::<Vec<_>>()
                .join(" | ")
        })
    }

    #[test]
    fn quotes_make_a_part_exact_whatever_the_dialect_writes() {
        insta::assert_snapshot!(shown(r#""shop"."sales"."fct""orders""#), @r#"shop! | sales! | fct"orders!"#);
        insta::assert_snapshot!(shown("ANALYTICS.DBT_mart.customer_orders"), @"ANALYTICS | DBT_mart | customer_orders");
        insta::assert_snapshot!(shown("`acme-prod`.`a.b`.`c`"), @"acme-prod! | a.b! | c!");
        insta::assert_snapshot!(shown("[my db].[dbo].[a]]b]"), @"my db! | dbo! | a]b!");
        insta::assert_snapshot!(shown(r#"DB."Mixed".t"#), @"DB | Mixed! | t");
    }

    #[test]
    fn what_is_no_name_is_not_taken_for_one() {
        for text in [
            "",
            ".",
            "a.",
            "a..b",
            "\"a",
            "\"\".b",
            "read_csv('x.csv')",
            "'s3://b/c'",
            "a.b.c.d",
            "\"a\"b",
        ] {
            assert_eq!(shown(text), "unreadable", "{text}");
        }
    }

    #[test]
    fn quoting_decides_where_dbt_wrote_no_relation_name() {
        let names = Names { database: None, schema: "s", identifier: "T" };
        let own = RawQuoting { identifier: Flag(Some(true)), ..Default::default() };
        let quoting = Quoting { own, project: RawQuoting::default(), adapter: false };
        let relation = compose(names, quoting);
        assert!(relation.identifier.exact && !relation.schema.exact);
        assert!(compose(names, Quoting { adapter: true, ..quoting }).schema.exact);
    }
}
