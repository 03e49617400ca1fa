//! Policies through the real binary on real servers.

mod server;
