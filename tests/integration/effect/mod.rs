//! Effective access, held to real servers.

mod commands;
mod connecting;
mod oracle;
pub mod queries;
pub mod world;
