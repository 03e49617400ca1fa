//! Effective access, held to real servers.

mod commands;
mod connecting;
mod oracle;
mod queries;
mod world;
