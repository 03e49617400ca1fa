//! Grantees of dbt's own `grants`, which dbt writes into SQL as they stand.

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
