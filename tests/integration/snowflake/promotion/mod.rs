//! Promotion, protected environments and receipts on the stand-in.

mod cuts;
mod from_postgres;
mod gates;
mod protected;
mod public;
pub(crate) mod stage;
mod story;
mod table;
