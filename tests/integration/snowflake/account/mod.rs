//! The whole job on the stand-in: observe, plan, apply, read back.

mod fixtures;
mod random;
mod site;
mod statements;
