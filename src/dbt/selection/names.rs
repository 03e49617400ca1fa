//! Names: dbt's rule for `fqn`.

use super::fnmatch::fnmatch;

/// A name against a node's fqn, with and without its package.
pub(super) fn fqn_matches(fqn: &[String], pattern: &str, versioned: bool) -> bool {
    is_selected(fqn, pattern, versioned)
        || fqn.get(1..).is_some_and(|own| is_selected(own, pattern, versioned))
}

/// dbt's rule for names: the leaf alone, a prefix of the fqn, or a prefix up to a wildcard that
/// then matches all the rest. A versioned model's leaf is its name, or `name.v2` or `name_v2`.
fn is_selected(fqn: &[String], pattern: &str, versioned: bool) -> bool {
    let wanted: Vec<&str> = pattern.split('.').collect();
    let Some(leaf) = fqn.len().checked_sub(if versioned { 2 } else { 1 }).map(|at| &fqn[at]) else {
        return false;
    };
    if leaf == pattern {
        return true;
    }
    if versioned {
        let last_two = &wanted[wanted.len().saturating_sub(2)..];
        if fqn[fqn.len() - 2..].join("_") == last_two.join("_") {
            return true;
        }
    }
    let flat: Vec<&str> = fqn.iter().flat_map(|part| part.split('.')).collect();
    if flat.len() < wanted.len() {
        return false;
    }
    for (at, part) in wanted.iter().enumerate() {
        if part.contains(['*', '?', '[', ']']) {
            return fnmatch(&flat[at..].join("."), &wanted[at..].join("."))
                || (wanted.len() == 1 && fnmatch(leaf, pattern));
        }
        if flat[at] != *part {
            return false;
        }
    }
    true
}
