//! Policies through the real binary on real servers.

mod clinic;
mod server;
