//! Policies through the real binary on real servers.

mod clinic;
mod partitions;
mod server;
