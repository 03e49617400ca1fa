//! Coming from somewhere else.

mod case;
mod command;
mod documented;
mod law;
mod named;
mod products;
mod refused;
mod rewrite;
mod site;
mod state;
