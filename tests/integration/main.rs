//! Integration tests: the command line, and real engines.

mod engines;
mod laws;
mod postgres_observe;
