//! Policies through the real binary on real servers.

mod effect;
mod server;
