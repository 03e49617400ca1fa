//! Grantees of dbt's own `grants`, which dbt writes into SQL as they stand.

use crate::dialect::Dialect;

/// What may say what kind of grantee follows.
const KINDS: [&str; 3] = ["group", "role", "user"];

/// A grantee without the kind before its name: `GROUP x`, `ROLE x` and `USER x` are `x`. A kind alone
/// is a name.
pub(crate) fn bare_grantee(grantee: &str) -> &str {
    // Any other white space is part of a name to a server.
    let space = |c: char| c.is_ascii_whitespace();
    let whole = grantee.trim_matches(space);
    let Some((first, rest)) = whole.split_once(space) else { return whole };
    match KINDS.iter().any(|kind| first.eq_ignore_ascii_case(kind)) {
        true => rest.trim_start_matches(space),
        false => whole,
    }
}

/// The one name of a grantee, dotted or not, with no more than the kind of it before.
pub(crate) fn plain_grantee(grantee: &str) -> Option<&str> {
    let name = bare_grantee(grantee);
    let mut words = name.split_ascii_whitespace();
    let name = words.next()?;
    if words.next().is_none() {
        return name.split('.').all(is_name).then_some(name);
    }
    // Quoted, a name may hold spaces.
    let whole = grantee.trim();
    is_quoted(whole).then_some(whole)
}

fn is_name(text: &str) -> bool {
    let is_start = |c: char| c.is_alphabetic() || c == '_';
    let is_plain = text.starts_with(is_start)
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'));
    is_plain || is_quoted(text)
}

fn is_quoted(text: &str) -> bool {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.is_some_and(|it| !it.is_empty() && !it.chars().any(char::is_control) && !it.contains('"'))
}

/// In PostgreSQL the quoted name means everybody as well.
pub(crate) fn is_public(dialect: &dyn Dialect, name: &str) -> bool {
    name.split('.').any(|part| {
        part.trim_matches('"').eq_ignore_ascii_case("public")
            || dialect.fold(part).is_ok_and(|it| it.as_str().eq_ignore_ascii_case("public"))
    })
}
