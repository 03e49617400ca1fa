//! Integration tests: the command line, and real engines.

mod engines;
mod postgres_observe;
