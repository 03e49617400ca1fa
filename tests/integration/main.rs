//! Integration tests: the command line, and real engines.

// What tests share is no test itself; it may fail loudly all the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod apply_compare;
mod binary;
mod checks;
mod cli;
mod dbt_build;
mod dbt_hooks;
mod dbt_run_results;
mod dialect;
mod diff;
mod effect;
mod engines;
#[cfg(feature = "embedded")]
mod engines_embedded;
mod import;
mod laws;
mod members;
mod playbook_engine;
mod policies;
mod postgres_execute;
mod postgres_memory;
mod postgres_observe;
mod profiles;
mod promote;
mod readme;
mod real;
mod receipts;
mod reference;
mod rehearsals;
mod report;
mod requests;
mod rules;
mod sabotage;
mod snowflake;
mod snowflake_standin;
