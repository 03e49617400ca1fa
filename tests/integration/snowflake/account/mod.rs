//! The whole job on the stand-in: observe, plan, apply, read back.

mod costs;
mod failures;
mod fixtures;
mod locked_out;
mod random;
mod semantics;
mod site;
mod statements;
