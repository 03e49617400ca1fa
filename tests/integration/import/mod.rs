//! Coming from somewhere else.

mod law;
mod rewrite;
mod state;
