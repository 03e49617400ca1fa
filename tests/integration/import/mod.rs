//! Coming from somewhere else.

mod command;
mod law;
mod named;
mod products;
mod rewrite;
mod site;
mod state;
