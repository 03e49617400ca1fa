//! The laws of `ARCHITECTURE.md`, on random worlds: in memory, and on real servers.

mod memory;
pub mod world;
