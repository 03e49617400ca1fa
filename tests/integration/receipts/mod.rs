//! Protected environments, approved plans and receipts, on real servers.

mod cuts;
mod log;
mod protected;
mod table;
