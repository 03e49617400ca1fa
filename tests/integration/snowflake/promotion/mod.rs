//! Promotion, protected environments and receipts on the stand-in.

mod public;
mod stage;
mod story;
