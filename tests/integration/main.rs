//! Integration tests: the command line, and real engines.

mod dialect;
mod engines;
mod laws;
mod postgres_observe;
