//! The whole job on the stand-in: observe, plan, apply, read back.

mod failures;
mod fixtures;
mod random;
mod semantics;
pub(super) mod site;
mod statements;
