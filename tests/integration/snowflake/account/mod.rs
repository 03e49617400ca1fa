//! The whole job on the stand-in: observe, plan, apply, read back.

mod costs;
mod failures;
mod fixtures;
mod locked_out;
mod privileges;
mod random;
mod semantics;
pub(super) mod site;
mod table;
