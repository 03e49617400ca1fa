//! What people and programs see: findings, plans, matrices; text and versioned JSON.
//!
//! Pure: everything here returns text or values; the command line prints them.

pub mod access;
pub mod annotations;
pub mod checks;
pub mod compiled;
pub mod dbt_access;
pub mod findings;
pub mod gains;
pub mod graph;
pub mod html;
pub mod json;
pub mod matrix;
pub mod plan;
pub mod promotion;
pub mod sarif;

/// `1 grant`, `2 grants`.
pub(crate) fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
