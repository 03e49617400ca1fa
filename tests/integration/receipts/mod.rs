//! Protected environments, approved plans and receipts, on real servers.

mod protected;
mod table;
