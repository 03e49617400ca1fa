//! Effective access, held to real servers.

mod commands;
mod connecting;
mod oracle;
pub mod queries;
mod rows;
pub mod world;
