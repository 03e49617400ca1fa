//! A selection read from text, as `--select` reads it in dbt 1.11: parts between spaces are
//! united, parts between commas intersected, `+` before and after a part adds its parents and
//! children, `@` before it its children and all that they need.

use super::method::{Method, default_method};
use super::spec::{Criterion, Reach, Selector, SelectorError, Spec, error};

/// Reads a selection such as `path:models/marts,tag:daily +fct_orders`.
///
/// An unknown method is an error that lists the known ones; so is an empty part, which in dbt
/// selects nothing.
pub fn parse_selector(text: &str) -> Result<Selector, SelectorError> {
    Ok(Selector { spec: union([text])? })
}

impl Selector {
    /// What `--select` and `--exclude` say, each with several words. Without `select`, everything
    /// that is not excluded; `None` where neither says anything.
    pub fn of(select: &[String], exclude: &[String]) -> Result<Option<Self>, SelectorError> {
        if select.is_empty() && exclude.is_empty() {
            return Ok(None);
        }
        let words = |words: &[String]| union(words.iter().map(String::as_str));
        let included = if select.is_empty() { Spec::Everything } else { words(select)? };
        let spec = if exclude.is_empty() {
            included
        } else {
            Spec::Difference(Box::new(included), Box::new(words(exclude)?))
        };
        Ok(Some(Self { spec }))
    }
}

fn union<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Spec, SelectorError> {
    let parts = texts.into_iter().flat_map(str::split_ascii_whitespace);
    let union = parts.map(intersection).collect::<Result<Vec<_>, _>>()?;
    if union.is_empty() {
        return Err(error("the selection is empty", "write one, such as `path:models/marts`"));
    }
    Ok(Spec::Union(union))
}

fn intersection(part: &str) -> Result<Spec, SelectorError> {
    let criteria = part.split(',').map(|one| {
        if one.is_empty() {
            return Err(error(
                format!("`{part}` has an empty part beside a comma"),
                "take the comma away, or write what to intersect with",
            ));
        }
        criterion(one)
    });
    let spec = Spec::Intersection(criteria.collect::<Result<_, _>>()?);
    Ok(Spec::Part(part.to_owned(), Box::new(spec)))
}

/// One criterion: all of the text, with spaces and commas where it has any.
pub(super) fn criterion(text: &str) -> Result<Spec, SelectorError> {
    if text.starts_with('-') {
        return Err(error(
            format!("`{text}` looks like an option, and would be taken for a name"),
            "a selection has no options: select what is meant, such as `path:models/sales,tag:public`",
        ));
    }
    let (childrens_parents, rest) = match text.strip_prefix('@') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (parents, rest) = leading_plus(rest);
    let (children, rest) = trailing_plus(rest);
    if childrens_parents && children != Reach::Not {
        return Err(error(
            format!("`{text}` has `@` before and `+` after"),
            "take one away: `@` selects all children already",
        ));
    }
    let (method, value) = match rest.split_once(':') {
        Some((name, value)) if is_method_name(name) => (name, value),
        _ => (default_method(rest), rest),
    };
    if value.is_empty() {
        return Err(error(
            format!("`{text}` has no value"),
            "write what to select, such as `tag:daily`",
        ));
    }
    let method = Method::new(method, value)?;
    Ok(Spec::Criterion(Criterion { method, parents, children, childrens_parents }))
}

/// What dbt takes for a method's name: letters, digits, `_` and dots.
fn is_method_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.')
}

/// `+x` and `2+x`.
fn leading_plus(text: &str) -> (Reach, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match text[digits..].strip_prefix('+') {
        Some(rest) => (reach(&text[..digits]), rest),
        None => (Reach::Not, text),
    }
}

/// `x+` and `x+2`.
fn trailing_plus(text: &str) -> (Reach, &str) {
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (head, digits) = text.split_at(text.len() - digits);
    match head.strip_suffix('+') {
        Some(rest) => (reach(digits), rest),
        None => (Reach::Not, text),
    }
}

fn reach(digits: &str) -> Reach {
    if digits.is_empty() { Reach::All } else { Reach::Steps(digits.parse().unwrap_or(usize::MAX)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let error = parse_selector(text).unwrap_err();
        format!("{}: {}", error.message, error.help)
    }

    #[test]
    fn an_unknown_method_is_refused_with_the_known_ones() {
        insta::assert_snapshot!(refusal("tags:pii"), @"`tags` is no selection method: did you mean `tag:`? known methods: access, config, exposure, file, fqn, group, metric, package, path, resource_type, saved_query, semantic_model, source, tag, unit_test, version");
        insta::assert_snapshot!(refusal("state:modified"), @"the selection method `state` is left to dbt: let dbt find the nodes, and hand them over: `dbt --quiet ls --select state:… > nodes.txt`, then `--nodes nodes.txt`; known methods: access, config, exposure, file, fqn, group, metric, package, path, resource_type, saved_query, semantic_model, source, tag, unit_test, version");
        insta::assert_snapshot!(refusal("resource_type:modell"), @"`modell` is no resource type of dbt: did you mean `resource_type:model`?");
    }

    #[test]
    fn what_would_select_nothing_or_everything_by_accident_is_refused() {
        for text in [
            "",
            " ",
            "tag:",
            "a,",
            ",a",
            "+",
            "@a+",
            "path:.",
            "path:/etc",
            "path:../a",
            "source:a.b.c.d",
        ] {
            assert!(parse_selector(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn operators_are_read_as_dbt_reads_them() {
        let one = |text| match criterion(text).unwrap() {
            Spec::Criterion(one) => one,
            other => panic!("{other:?}"),
        };
        assert_eq!(one("2+a+").parents, Reach::Steps(2));
        assert_eq!(one("2+a+").children, Reach::All);
        assert_eq!(one("a+3").children, Reach::Steps(3));
        assert_eq!(one("a3").method, Method::Fqn("a3".into()));
        assert_eq!(one("models/a").method, Method::Path(vec!["models".into(), "a".into()]));
        assert_eq!(one("a.sql").method, Method::File("a.sql".into()));
        assert_eq!(one("+tag:x").method, Method::Tag("x".into()));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_selection_or_an_error(text in "[@+0-9a-zé:.,/*\\[\\]! ]{0,24}") {
            let _ = parse_selector(&text);
        }
    }
}
