//! Protected environments, approved plans and receipts, on real servers.

mod begun;
mod cuts;
mod log;
pub mod protected;
mod table;
