//! Protected environments, approved plans and receipts, on real servers.

mod begun;
mod cuts;
mod forged;
mod log;
pub mod protected;
mod table;
