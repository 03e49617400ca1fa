//! Effective access, held to real servers.

mod oracle;
mod queries;
mod world;
