//! `rolecall promote`: on real servers, gate by gate, and beside real dbt.

mod dbt;
mod gates;
mod members;
mod stage;
mod way;
