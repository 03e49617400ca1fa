//! Coming from somewhere else.

mod command;
mod law;
mod rewrite;
mod state;
