//! Protected environments, approved plans and receipts, on real servers.

mod begun;
mod cuts;
mod log;
mod protected;
mod table;
