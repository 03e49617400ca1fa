//! Integration tests: the command line, and real engines.

mod dialect;
