//! Protected environments, approved plans and receipts, on real servers.

mod cuts;
mod log;
pub mod protected;
mod table;
