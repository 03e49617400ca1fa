//! Statements, read back by parsers that know nothing of how they were written.

#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by them.

mod changes;
mod dbt;
pub mod oracle;
mod receipts;
mod snowflake;
