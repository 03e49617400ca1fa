//! The laws of `ARCHITECTURE.md`, on random worlds: in memory, and on real servers.

mod adding;
mod dump;
mod limited;
mod manners;
mod memory;
mod met;
mod privileges;
mod server;
mod sql;
pub mod world;
