//! Coming from somewhere else.

mod command;
mod law;
mod products;
mod rewrite;
mod state;
