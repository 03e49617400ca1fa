//! Which nodes are meant: dbt's node selection, from the command line, from `selectors.yml`, and
//! from what `dbt ls` has printed.

mod config;
mod definition;
pub mod fnmatch;
mod listed;
#[cfg(test)]
mod listed_tests;
mod method;
mod names;
mod paths;
mod select;
mod spec;
#[cfg(test)]
mod tests;
mod text;
mod world;
mod yaml;
#[cfg(test)]
mod yaml_tests;

pub use listed::{Listed, read_listed};
pub use select::{Selected, select};
pub use spec::{Selector, SelectorError};
pub use text::parse_selector;
pub use world::World;
pub use yaml::{Selectors, read_selectors};
